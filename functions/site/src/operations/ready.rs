//! `GET /ready`: Check that the API responds, and the table, the user pool and the bucket too.

use std::time::Duration;

use edge::{Call, Json, NoStore, Problem, Visitor};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Services;

/// How long each part is waited for; less than load balancers and monitors wait for us.
const TIMEOUT: Duration = Duration::from_secs(3);

#[derive(Serialize, JsonSchema)]
pub struct Readiness {
    status: &'static str,
}

pub async fn ready(services: &Services, _: Call<Visitor>) -> Result<NoStore<Json<Readiness>>, Problem> {
    tokio::try_join!(
        answers("the table", async { services.blog.table.ping().await.map_err(Problem::from) }),
        answers("the user pool", async { services.blog.verifier.ping().await.map_err(Problem::from) }),
        answers("the bucket", async { services.bucket.ping().await.map_err(Problem::from) }),
    )?;
    Ok(NoStore(Json(Readiness { status: "ready" })))
}

/// Waits for `part` to answer. Whatever is wrong with it, the blog is unavailable; which part it is, only the log says.
async fn answers(part: &str, asked: impl Future<Output = Result<(), Problem>>) -> Result<(), Problem> {
    match tokio::time::timeout(TIMEOUT, asked).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(problem)) => Err(Problem::unavailable(format!("{part}: {problem}: {}", problem.causes()))),
        Err(late) => Err(Problem::unavailable(format!("{part}: {late}"))),
    }
}
