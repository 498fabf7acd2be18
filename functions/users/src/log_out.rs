//! `DELETE /sessions`: signed out, everywhere.

use blog::domain::SignOut;
use blog::edge::{Call, NoContent, NoFields, Operation, Reader};
use blog::{Blog, Error};

pub struct LogOut;

impl Operation for LogOut {
    const NAME: &'static str = "log_out";
    type Caller = Reader;
    type Path = NoFields;
    type Query = NoFields;
    type Body = NoFields;
    type Reply = NoContent;

    async fn run(blog: &Blog, Call { caller: Reader(viewer), now, .. }: Call<Self>) -> Result<Self::Reply, Error> {
        // Refresh tokens first: if we are stopped between the two, the access token is still good to try again.
        blog.identity.sign_out(&viewer.cognito_name).await?;
        let sign_out = SignOut { at: now.seconds(), session: viewer.session };
        blog.table.sign_out(viewer.user_id, &sign_out).await?;
        Ok(NoContent)
    }
}
