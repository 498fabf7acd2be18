//! `DELETE /sessions`: signs out, everywhere.

use blog::edge::{Call, NoContent, NoFields, Operation, Reader};
use blog::{Blog, Error};

use crate::sessions::end_sessions;

pub struct LogOut;

impl Operation for LogOut {
    const NAME: &'static str = "log_out";
    type Caller = Reader;
    type Path = NoFields;
    type Query = NoFields;
    type Body = NoFields;
    type Reply = NoContent;

    async fn run(blog: &Blog, Call { caller: Reader(viewer), now, .. }: Call<Self>) -> Result<Self::Reply, Error> {
        end_sessions(blog, viewer.user_id, &viewer.cognito_name, viewer.session, now).await?;
        Ok(NoContent)
    }
}
