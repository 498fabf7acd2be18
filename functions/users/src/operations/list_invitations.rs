//! `GET /admin/invitations`: List all invitations, newest first, without their codes.

use domain::Page;
use edge::{Admin, Call, PageQuery, Problem, Query};

use crate::Services;
use crate::shared::invitation_view::InvitationView;

pub async fn list_invitations(
    services: &Services,
    Call { input: Query(query), .. }: Call<Admin, Query<PageQuery>>,
) -> Result<Page<InvitationView>, Problem> {
    let (cursor, limit) = (query.cursor.as_deref(), query.limit.unwrap_or_default());
    Ok(services.blog.table.invitations(cursor, limit).await?.map(InvitationView::new))
}
