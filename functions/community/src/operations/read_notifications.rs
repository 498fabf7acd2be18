//! `POST /me/notifications/read`: Mark notifications as read, up to and including the given one. Later ones stay unread.

use std::sync::Arc;

use domain::{NotificationId, fields};
use edge::{Blog, Body, Call, NoContent, Problem, Reader};

fields! {
    pub struct ReadUpTo {
        /// The id of the last notification that was read, which may have been withdrawn or be new again meanwhile.
        up_to: NotificationId,
    }
}

pub async fn read_notifications(
    blog: &Arc<Blog>,
    Call { caller: Reader(viewer), input: Body(body), now, .. }: Call<Reader, Body<ReadUpTo>>,
) -> Result<NoContent, Problem> {
    blog.table.active_user(viewer.user_id).await?;
    blog.table.read_notifications(viewer.user_id, body.up_to, now).await?;
    Ok(NoContent)
}
