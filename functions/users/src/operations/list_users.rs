//! `GET /admin/users`: List all users, newest first. The filters are a role, or a status.

use domain::{Limit, Page, Role, fields};
use edge::{Admin, Call, Problem, Query};
use schemars::JsonSchema;
use serde::Deserialize;
use table::keys;
use views::PrivateProfile;

use crate::Services;

fields! {
    pub struct Filters {
        limit: Option<Limit>,
        /// The `next_cursor` of the page before.
        cursor: Option<String>,
        /// Only users with this role.
        role: Option<Role>,
        /// Only users whose account has this status. Cannot be combined with `role`.
        status: Option<StatusFilter>,
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum StatusFilter {
    Active,
    Suspended,
}

pub async fn list_users(
    services: &Services,
    Call { input: Query(query), .. }: Call<Admin, Query<Filters>>,
) -> Result<Page<PrivateProfile>, Problem> {
    let list = match (query.role, query.status) {
        (None, None) => keys::users(),
        (Some(role), None) => keys::users_with_role(role),
        (None, Some(status)) => keys::users_with_status(status == StatusFilter::Suspended),
        (Some(_), Some(_)) => return Err(Problem::field("status", "cannot be combined with role")),
    };
    let limit = query.limit.unwrap_or_default();
    let page = services.blog.table.users(&list, query.cursor.as_deref(), limit).await?;
    Ok(page.map(PrivateProfile::new))
}
