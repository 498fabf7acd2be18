//! Lambda's Runtime API, as far as a function uses it: hands out events one after the other and keeps the answers.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::collections::VecDeque;
use std::future;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// How long a function may take for all of its events; under callgrind it is some fifty times slower.
const MAX_TIME: Duration = Duration::from_secs(120);

/// What reads the processor time of the function, in nanoseconds.
pub type Clock = Box<dyn Fn() -> u64 + Send + Sync>;

/// A Runtime API for one process of a function.
pub struct RuntimeApi {
    /// Where it answers.
    pub address: SocketAddr,
    state: Arc<Shared>,
    server: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<Progress>,
    done: Notify,
}

#[derive(Default)]
struct Progress {
    events: VecDeque<Value>,
    clock: Option<Clock>,
    /// The processor time that the function had used each time it asked for an event.
    times: Vec<u64>,
    answers: Vec<Value>,
    failure: Option<String>,
}

impl Shared {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, failure: String) {
        self.progress().failure = Some(failure);
        self.done.notify_one();
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl RuntimeApi {
    /// Starts one that hands out these events.
    pub async fn start(events: &[Value]) -> io::Result<Self> {
        let state = Arc::new(Shared::default());
        state.progress().events = events.iter().cloned().collect();
        let app = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(answer))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(failure))
            .route("/2018-06-01/runtime/init/error", post(init_failure))
            .with_state(Arc::clone(&state));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                eprintln!("measure: the Runtime API: {error}");
            }
        });
        Ok(Self { address, state, server })
    }

    /// From now on this clock is read. Until there is one, the function waits for its first event.
    pub fn read(&self, clock: Clock) {
        self.state.progress().clock = Some(clock);
    }

    /// Waits until the function has answered all events and asks for another one. Gives what the clock said each time it asked,
    /// and the answers.
    pub async fn finished(&self) -> io::Result<(Vec<u64>, Vec<Value>)> {
        let waiting = tokio::time::timeout(MAX_TIME, self.state.done.notified()).await;
        let mut progress = self.state.progress();
        if let Some(failure) = progress.failure.take() {
            return Err(io::Error::other(format!("the function failed: {failure}")));
        }
        waiting.map_err(|_| io::Error::other("the function takes too long"))?;
        Ok((std::mem::take(&mut progress.times), std::mem::take(&mut progress.answers)))
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    while shared.progress().clock.is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let (event, number) = {
        let mut progress = shared.progress();
        let time = progress.clock.as_ref().map_or(0, |clock| clock());
        progress.times.push(time);
        (progress.events.pop_front(), progress.times.len())
    };
    let Some(event) = event else {
        shared.done.notify_one();
        return future::pending().await;
    };
    let headers = [
        ("lambda-runtime-aws-request-id", format!("00000000-0000-0000-0000-{number:012}")),
        // The year 2100.
        ("lambda-runtime-deadline-ms", "4102444800000".to_owned()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:measured".to_owned()),
        ("lambda-runtime-trace-id", "Root=1-00000000-000000000000000000000000;Sampled=0".to_owned()),
        ("content-type", "application/json".to_owned()),
    ];
    (headers, event.to_string()).into_response()
}

async fn answer(State(shared): State<Arc<Shared>>, _: Path<String>, body: Bytes) -> StatusCode {
    shared.progress().answers.push(serde_json::from_slice(&body).unwrap_or_default());
    StatusCode::ACCEPTED
}

async fn failure(State(shared): State<Arc<Shared>>, _: Path<String>, body: Bytes) -> StatusCode {
    shared.fail(String::from_utf8_lossy(&body).into_owned());
    StatusCode::ACCEPTED
}

async fn init_failure(State(shared): State<Arc<Shared>>, body: Bytes) -> StatusCode {
    shared.fail(String::from_utf8_lossy(&body).into_owned());
    StatusCode::ACCEPTED
}
