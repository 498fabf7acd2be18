//! `GET /admin/users`: all users, newest first; or those with a role, or with a status.

use blog::domain::Role;
use blog::edge::{Admin, Call, Limit, NoFields, Operation, Page};
use blog::table::keys;
use blog::{Blog, Error, fields};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::profile::PrivateProfile;

pub struct ListUsers;

fields! {
    pub struct Filters {
        limit: Option<Limit>,
        /// Where the page before this one ended: its `next_cursor`.
        cursor: Option<String>,
        /// Only users with this role.
        role: Option<Role>,
        /// Only users whose account stands so. Cannot be combined with `role`.
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

impl Operation for ListUsers {
    const NAME: &'static str = "list_users";
    type Caller = Admin;
    type Path = NoFields;
    type Query = Filters;
    type Body = NoFields;
    type Reply = Page<PrivateProfile>;

    async fn run(blog: &Blog, Call { query, now, .. }: Call<Self>) -> Result<Self::Reply, Error> {
        let list = match (query.role, query.status) {
            (None, None) => keys::users(),
            (Some(role), None) => keys::users_with_role(role),
            (None, Some(status)) => keys::users_with_status(status == StatusFilter::Suspended),
            (Some(_), Some(_)) => return Err(Error::field("status", "cannot be combined with role")),
        };
        let page = blog.table.users(&list, query.cursor.as_deref(), query.limit.unwrap_or_default(), now).await?;
        Ok(page.map(|user| {
            let role = user.role;
            PrivateProfile::new(user, role)
        }))
    }
}
