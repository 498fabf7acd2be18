//! `GET /ready`: the API answers, and so does all that stands behind it.

use std::time::Duration;

use blog::edge::{Call, Json, NoFields, Operation, Visitor};
use blog::{Blog, Error};
use schemars::JsonSchema;
use serde::Serialize;

/// Who asks wants to know before their own patience ends.
const PATIENCE: Duration = Duration::from_secs(3);

pub struct Ready;

#[derive(Serialize, JsonSchema)]
pub struct Readiness {
    status: &'static str,
}

impl Operation for Ready {
    const NAME: &'static str = "ready";
    const CACHE_CONTROL: &'static str = "no-store";
    type Caller = Visitor;
    type Path = NoFields;
    type Query = NoFields;
    type Body = NoFields;
    type Reply = Json<Readiness>;

    async fn run(blog: &Blog, _: Call<Self>) -> Result<Self::Reply, Error> {
        tokio::try_join!(
            answers("the table", blog.table.warm()),
            answers("the user pool", blog.verifier.ping()),
            answers("the bucket", blog.bucket.ping()),
        )?;
        Ok(Json(Readiness { status: "ready" }))
    }
}

/// Waits for `part` to answer. Whatever is wrong with it, the blog is unavailable; which part it is, only the log says.
async fn answers(part: &str, asked: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Error::Unavailable(format!("{part}: {error}: {}", error.causes()).into())),
        Err(late) => Err(Error::Unavailable(format!("{part}: {late}").into())),
    }
}
