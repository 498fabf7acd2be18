//! The emulators without sockets: a call is answered by a function of this process. In a debug build, a socket and HTTP
//! take longer than the call itself; and in the simulation nothing may depend on when a socket is ready.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use axum::body::Bytes;
use dynoxide::Database;
use dynoxide::actions::transact_write_items::TransactWriteItemsRequest;
use dynoxide::errors::DynoxideError;
use http::{HeaderValue, header};
use local_cognito::Cognito;
use local_s3::LocalS3;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backing::Backing;

/// The table, the user pool and the bucket of a stack.
#[derive(Clone)]
pub struct Direct {
    database: Database,
    cognito: Arc<Cognito>,
    bucket: Arc<LocalS3>,
    transactions: Arc<Mutex<Transactions>>,
}

impl std::fmt::Debug for Direct {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Direct")
    }
}

impl Direct {
    /// Those of this backing.
    pub fn new(backing: &Backing) -> Self {
        Self {
            database: backing.database(),
            cognito: Arc::clone(&backing.cognito),
            bucket: Arc::clone(&backing.bucket),
            transactions: Arc::default(),
        }
    }

    /// Answers a call of `dynamodb`, `cognito-idp` or `s3`. Blocks until it is done.
    pub fn call(&self, service: &str, action: &str, request: HttpRequest) -> HttpResponse {
        match service {
            "dynamodb" => self.dynamodb(action, request.body().bytes().unwrap_or_default()),
            "s3" => self.s3(request),
            _ => self.cognito(request),
        }
    }

    fn dynamodb(&self, action: &str, body: &[u8]) -> HttpResponse {
        let database = &self.database;
        let answer = match action {
            "BatchGetItem" => run(body, |asked| database.batch_get_item(asked)),
            "BatchWriteItem" => run(body, |asked| database.batch_write_item(asked)),
            "DeleteItem" => run(body, |asked| database.delete_item(asked)),
            "DescribeTable" => run(body, |asked| database.describe_table(asked)),
            "GetItem" => run(body, |asked| database.get_item(asked)),
            "PutItem" => run(body, |asked| database.put_item(asked)),
            "Query" => run(body, |asked| database.query(asked)),
            "Scan" => run(body, |asked| database.scan(asked)),
            "TransactGetItems" => run(body, |asked| database.transact_get_items(asked)),
            "TransactWriteItems" => self.transact(body),
            "UpdateItem" => run(body, |asked| database.update_item(asked)),
            other => Err(DynoxideError::UnsupportedCapability(format!("{other} is not answered directly"))),
        };
        let (status, body) = match answer {
            Ok(body) => (200, body),
            Err(error) => (error.status_code(), error.to_json()),
        };
        response(status, "application/x-amz-json-1.0", SdkBody::from(body))
    }

    /// Writes a transaction once, however often its token comes.
    ///
    /// dynoxide would keep tokens by itself, but looks through those of the last ten minutes at each transaction.
    fn transact(&self, body: &[u8]) -> Result<String, DynoxideError> {
        let mut asked: TransactWriteItemsRequest = parse(body)?;
        let token = asked.client_request_token.take();
        // Held until the transaction is written, so that a second attempt waits for the first one.
        let mut transactions = self.transactions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = token.as_ref().and_then(|token| transactions.answers.get(token)) {
            return Ok(answer.clone());
        }
        let answer = print(&self.database.transact_write_items(asked)?)?;
        if let Some(token) = token {
            transactions.keep(token, answer.clone());
        }
        Ok(answer)
    }

    fn cognito(&self, request: HttpRequest) -> HttpResponse {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let body = request.body().bytes().unwrap_or_default();
        // On a thread that belongs to no runtime, because the pool's triggers wait for one of their own.
        let answer = std::thread::scope(|scope| scope.spawn(|| self.cognito.call(target, body)).join());
        let Ok(answer) = answer else { return response(500, "application/x-amz-json-1.1", SdkBody::empty()) };
        let mut response =
            response(answer.status, "application/x-amz-json-1.1", SdkBody::from(answer.body.to_string()));
        if let Some(kind) = answer.error_type {
            response.headers_mut().insert("x-amzn-errortype", kind);
        }
        response
    }

    fn s3(&self, request: HttpRequest) -> HttpResponse {
        let answer = request.try_into_http1x().ok().map(|request| {
            let mut request = request.map(|body| Bytes::copy_from_slice(body.bytes().unwrap_or_default()));
            // Signed, and sent by whoever opens the connection.
            let host = request.uri().authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok());
            if let Some(host) = host {
                request.headers_mut().entry(header::HOST).or_insert(host);
            }
            self.bucket.answer(&request).map(|body| SdkBody::from(body.to_vec()))
        });
        let answer = answer.and_then(|answer| HttpResponse::try_from(answer).ok());
        answer.unwrap_or_else(|| response(500, "application/xml", SdkBody::empty()))
    }
}

/// What the last transactions were answered. DynamoDB knows their tokens for ten minutes; an attempt that is repeated comes
/// within seconds, so a number of them does as well and needs no clock.
#[derive(Default)]
struct Transactions {
    answers: HashMap<String, String>,
    /// The oldest first.
    tokens: VecDeque<String>,
}

impl Transactions {
    const MAX: usize = 1_000;

    fn keep(&mut self, token: String, answer: String) {
        if self.tokens.len() == Self::MAX
            && let Some(oldest) = self.tokens.pop_front()
        {
            self.answers.remove(&oldest);
        }
        self.tokens.push_back(token.clone());
        self.answers.insert(token, answer);
    }
}

fn run<Q: DeserializeOwned, A: Serialize>(
    body: &[u8],
    call: impl FnOnce(Q) -> Result<A, DynoxideError>,
) -> Result<String, DynoxideError> {
    print(&call(parse(body)?)?)
}

fn parse<Q: DeserializeOwned>(body: &[u8]) -> Result<Q, DynoxideError> {
    serde_json::from_slice(body).map_err(|error| DynoxideError::ValidationException(error.to_string()))
}

fn print<A: Serialize>(answer: &A) -> Result<String, DynoxideError> {
    serde_json::to_string(answer).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

fn response(status: u16, content_type: &'static str, body: SdkBody) -> HttpResponse {
    let status = StatusCode::try_from(status).unwrap_or_else(|_| StatusCode::from(http::StatusCode::BAD_GATEWAY));
    let mut response = HttpResponse::new(status, body);
    response.headers_mut().insert("content-type", content_type);
    response
}
