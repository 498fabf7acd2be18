//! The wire between the AWS SDK and the local stack: leads each call to the right emulator, writes down what
//! was called, and can break calls on purpose. Calls of the table and the bucket do not leave the process: no socket is
//! waited for, and with Tokio's time paused they take no time but that of transactions and of pauses between tries.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Debug;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep, TokioSleep};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use futures_util::FutureExt;
use lambda_http::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::Notify;
use url::Url;

use crate::backing::Backing;
use crate::bus::EventBus;
use crate::direct::Direct;
use crate::roles::Roles;

tokio::task_local! {
    /// The operation on whose behalf calls are made.
    pub static OPERATION: String;

    /// Who called the operation, as the simulation names them.
    pub static ORIGIN: String;
}

/// Runs what an operation does on its behalf. Who called it stays known if it is a task of its own.
pub fn on_behalf_of<F: Future>(operation: String, work: F) -> impl Future<Output = F::Output> {
    let origin = ORIGIN.try_with(Clone::clone).ok();
    async move {
        match origin {
            Some(origin) => ORIGIN.scope(origin, OPERATION.scope(operation, work)).await,
            None => OPERATION.scope(operation, work).await,
        }
    }
}

/// Who decides of each call when it goes on and how it fails: the simulation. What has no origin does not wait.
pub trait Scheduler: Debug + Send + Sync {
    /// A call is about to be made: it waits for its turn.
    fn turn(&self, call: &Call) -> BoxFuture<'static, Turn>;

    /// Something else waits for its turn: an answer, while the call is still in flight, or the next try.
    fn wait(&self, what: &'static str) -> Waiting;
}

/// Somebody who waits for their turn.
pub type Waiting = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

/// What is decided of a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Turn {
    /// How it fails.
    pub fault: Option<Fault>,
    /// Whether the function dies of it.
    pub crash: Option<Crash>,
    /// Whether others go on before its answer is there.
    pub is_slow: bool,
}

/// When a function dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// The call is not made.
    Before,
    /// The call is made, and nobody is there to hear the answer.
    After,
}

/// What a function that dies in the simulation leaves behind instead of an answer.
#[derive(Debug)]
pub struct Crashed;

/// What a function does, or nothing if it dies in the simulation.
pub async fn survived<F: Future>(work: F) -> Option<F::Output> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(output) => Some(output),
        Err(panic) if panic.is::<Crashed>() => None,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Ends the task like a panic, but says nothing on the way.
fn crash() {
    std::panic::resume_unwind(Box::new(Crashed))
}

/// A call that went over the wire.
#[derive(Debug, Clone)]
pub struct Call {
    /// The operation that made it; none outside requests.
    pub operation: Option<String>,
    /// `dynamodb`, `cognito-idp`, `s3` or `events`.
    pub service: &'static str,
    /// The action, such as `TransactWriteItems`.
    pub action: String,
    /// What was asked; of S3 the key of the file.
    pub request: Value,
    /// Capacity units that DynamoDB counted.
    pub capacity: f64,
}

impl Call {
    /// Whether it counts the requests of a user or a source.
    pub fn counts_request(&self) -> bool {
        self.request["Key"]["sk"]["S"].as_str().is_some_and(|sk| sk.starts_with("requests#"))
    }
}

/// A way in which a call can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The service says "too fast".
    Throttled,
    /// The service has a fault.
    ServerError,
    /// Nothing answers in time, and nothing is done.
    TimedOut,
    /// It is done, but the answer is lost.
    AnswerLost,
    /// It is done, and the answer is this error all the same.
    DoneButRefused(&'static str),
    /// Another transaction touches the item at this moment, of a transaction its first.
    TransactionConflict,
    /// Of the items that a batch found, all but the first are left for another call, and of the writes of a batch; of the
    /// entries for the bus, all but the first are not taken.
    Unprocessed,
}

/// A fault to come: of the `skip`-th call of an action from now on, and the `times - 1` after it.
#[derive(Debug, Clone)]
struct Plan {
    action: String,
    skip: usize,
    times: usize,
    fault: Fault,
}

/// A call that is held on its way, so that a test can do something else first.
#[derive(Debug, Clone, Default)]
pub struct Hold {
    arrived: Arc<Notify>,
    released: Arc<Notify>,
}

impl Hold {
    /// Waits until the call is there.
    pub async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Lets the call go on.
    pub fn release(&self) {
        self.released.notify_one();
    }
}

/// The wire. Cheap to clone; clones share what was written down and what is to break.
#[derive(Debug, Clone)]
pub struct Wire {
    inner: SharedHttpClient,
    direct: Direct,
    cognito: SocketAddr,
    s3: SocketAddr,
    s3_secret: String,
    roles: Arc<Roles>,
    bus: Arc<EventBus>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    calls: Vec<Call>,
    recording: bool,
    plans: VecDeque<Plan>,
    holds: VecDeque<(String, usize, Hold)>,
    in_flight: BTreeMap<u64, InFlight>,
    flights: u64,
    transaction_time: Duration,
    held_transactions: VecDeque<Hold>,
    without_conflicts: bool,
    scheduler: Option<Arc<dyn Scheduler>>,
}

/// A write of DynamoDB's that has begun and not ended.
#[derive(Debug)]
struct InFlight {
    /// Of a transaction, which is told from others by it. Empty of a single write.
    token: Option<String>,
    items: Vec<ItemKey>,
}

/// Table, partition key, sort key.
type ItemKey = (String, String, String);

/// Ends a write when it is dropped, as it also is when nobody waits for it any more.
struct Landing {
    wire: Wire,
    flight: u64,
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.wire.state().in_flight.remove(&self.flight);
    }
}

impl Wire {
    /// A wire to these emulators and to this bus, for functions with these roles.
    pub fn new(backing: &Backing, roles: Arc<Roles>, bus: Arc<EventBus>) -> Self {
        let inner = aws_smithy_http_client::Builder::new().build_http();
        let Backing { cognito_address: cognito, s3, ref s3_secret, .. } = *backing;
        let s3_secret = s3_secret.clone();
        let direct = Direct::new(backing);
        Self { inner, direct, cognito, s3, s3_secret, roles, bus, state: Arc::default() }
    }

    /// Where S3 is: an address of this machine's, also where S3 answers on all of them. Links to files begin with it.
    pub fn s3_url(&self) -> String {
        let address =
            if self.s3.ip().is_unspecified() { (Ipv4Addr::LOCALHOST, self.s3.port()).into() } else { self.s3 };
        format!("http://{address}")
    }

    /// The secret key that requests to S3 are signed with.
    pub fn s3_secret(&self) -> String {
        self.s3_secret.clone()
    }

    /// From now on calls are written down.
    pub fn record(&self) {
        self.state().recording = true;
    }

    /// What was written down so far.
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// What was written down since the last time, which is then forgotten.
    pub fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.state().calls)
    }

    /// The roles of the functions, and what was used of them.
    pub fn roles(&self) -> &Roles {
        &self.roles
    }

    /// Breaks `times` calls of an action, after letting `skip` pass.
    pub fn break_calls(&self, action: &str, skip: usize, times: usize, fault: Fault) {
        self.state().plans.push_back(Plan { action: action.to_owned(), skip, times, fault });
    }

    /// Breaks nothing any more.
    pub fn mend(&self) {
        self.state().plans.clear();
    }

    /// Holds the next call of an action.
    pub fn hold_call(&self, action: &str) -> Hold {
        self.hold_call_after(action, 0)
    }

    /// Holds a call of an action, after letting `skip` pass.
    pub fn hold_call_after(&self, action: &str, skip: usize) -> Hold {
        let hold = Hold::default();
        self.state().holds.push_back((action.to_owned(), skip, hold.clone()));
        hold
    }

    /// Lets every transaction take this long from now on, in which it conflicts with others. Without that it takes as
    /// long as the embedded database works on it.
    pub fn transactions_take(&self, time: Duration) {
        self.state().transaction_time = time;
    }

    /// From now on this scheduler decides of each call, and no call leaves the process.
    pub fn simulate(&self, scheduler: Arc<dyn Scheduler>) {
        self.state().scheduler = Some(scheduler);
    }

    /// Lets nothing conflict from now on, as if the database did one call after the other. For stories of many writers of
    /// one item that do not bear conflicts yet (issue 12, B5: spread counters); what comes new has to.
    pub fn one_transaction_at_a_time(&self) {
        self.state().without_conflicts = true;
    }

    /// Holds the next `TransactWriteItems` in flight: DynamoDB works on it, so that others conflict with it.
    pub fn hold_transaction(&self) -> Hold {
        let hold = Hold::default();
        self.state().held_transactions.push_back(hold.clone());
        hold
    }

    /// Begins a call of DynamoDB, unless it conflicts with one that is in flight: then it gives the answer. The one that
    /// comes later loses. As the embedded database does one call after the other, it knows no conflicts itself.
    ///
    /// - An item of a `TransactWriteItems` that is part of another one.
    /// - An item of a `PutItem`, `UpdateItem`, `DeleteItem` or `BatchWriteItem` that is part of a `TransactWriteItems`.
    /// - An item of a `TransactGetItems` that any of these is about.
    ///
    /// All other reads never conflict.
    /// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-conflict-handling>
    fn take_off(&self, action: &str, asked: &Value) -> Result<Option<Landing>, Box<HttpResponse>> {
        let key = |one: &Value| -> ItemKey {
            let key = if one["Key"].is_object() { &one["Key"] } else { &one["Item"] };
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (text(&one["TableName"]), text(&key["pk"]["S"]), text(&key["sk"]["S"]))
        };
        let parts = |part: &Value| part.as_object().and_then(|part| part.values().next()).map(key).unwrap_or_default();
        let items: Vec<ItemKey> = match action {
            "TransactWriteItems" | "TransactGetItems" => {
                asked["TransactItems"].as_array().into_iter().flatten().map(parts).collect()
            }
            "PutItem" | "UpdateItem" | "DeleteItem" => vec![key(asked)],
            "BatchWriteItem" => batch_keys(asked),
            _ => return Ok(None),
        };
        let token = (action == "TransactWriteItems")
            .then(|| asked["ClientRequestToken"].as_str().unwrap_or_default().to_owned());
        let mut state = self.state();
        if state.without_conflicts {
            return Ok(None);
        }
        // The SDK sends a transaction again whose answer it missed.
        if token.as_ref().is_some_and(|token| {
            !token.is_empty() && state.in_flight.values().any(|other| other.token.as_ref() == Some(token))
        }) {
            return Err(Box::new(failure(400, "TransactionInProgressException", json!([]))));
        }
        let any_write = action == "TransactGetItems";
        let others = || state.in_flight.values().filter(|other| any_write || other.token.is_some());
        let conflicts: Vec<bool> = items.iter().map(|item| others().any(|other| other.items.contains(item))).collect();
        if conflicts.contains(&true) {
            return Err(Box::new(conflict(action, &conflicts)));
        }
        if any_write {
            return Ok(None);
        }
        state.flights += 1;
        let flight = state.flights;
        state.in_flight.insert(flight, InFlight { token, items });
        Ok(Some(Landing { wire: self.clone(), flight }))
    }

    fn next_hold(&self, action: &str) -> Option<Hold> {
        let mut state = self.state();
        let position = state.holds.iter().position(|(held, ..)| held == action)?;
        match state.holds.get_mut(position) {
            Some((_, skip, _)) if *skip > 0 => {
                *skip -= 1;
                None
            }
            _ => state.holds.remove(position).map(|(.., hold)| hold),
        }
    }

    /// How the SDK waits between two tries.
    pub fn pauses(&self) -> Pauses {
        Pauses(Arc::clone(&self.state))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn next_fault(&self, action: &str) -> Option<Fault> {
        let mut state = self.state();
        let position = state.plans.iter().position(|plan| plan.action == action)?;
        let plan = state.plans.get_mut(position)?;
        if plan.skip > 0 {
            plan.skip -= 1;
            return None;
        }
        plan.times = plan.times.saturating_sub(1);
        let fault = plan.fault;
        if plan.times == 0 {
            state.plans.remove(position);
        }
        Some(fault)
    }

    async fn call(
        self,
        connector: SharedHttpConnector,
        mut request: HttpRequest,
    ) -> Result<HttpResponse, ConnectorError> {
        // What goes to nobody at AWS goes out as it is.
        if request.headers().get("content-type") == Some("application/x-www-form-urlencoded") {
            return connector.call(request).await;
        }
        let json = || request.body().bytes().and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default();
        // Calls of S3 name no target.
        let target = request.headers().get("x-amz-target").and_then(|target| target.split_once('.'));
        let (service, action, asked) = match target {
            None => {
                let (action, key) = s3_call(&request);
                ("s3", action, json!({ "Key": key }))
            }
            Some((api, action)) if api.starts_with("DynamoDB") => ("dynamodb", action.to_owned(), json()),
            Some(("AWSEvents", action)) => ("events", action.to_owned(), json()),
            Some((_, action)) => {
                let (action, asked) = (action.to_owned(), json());
                let address = format!("http://{}/", self.cognito);
                request.set_uri(address).map_err(|error| ConnectorError::other(error.into(), None))?;
                ("cognito-idp", action, asked)
            }
        };

        // Outside of functions nobody has a role.
        if let Ok(handler) = OPERATION.try_with(Clone::clone)
            && let Err(refusal) = self.roles.check(&handler, service, &action, &asked)
        {
            tracing::error!(refusal, "a call is refused");
            return Ok(match service {
                "s3" => s3_failure(403, "AccessDenied"),
                _ => failure(400, "AccessDeniedException", json!([])),
            });
        }
        if let Some(hold) = self.next_hold(&action) {
            hold.arrived.notify_one();
            hold.released.notified().await;
        }
        let scheduler = self.state().scheduler.clone();
        let turn = match &scheduler {
            Some(scheduler) => {
                let operation = OPERATION.try_with(Clone::clone).ok();
                let call = Call { operation, service, action: action.clone(), request: asked.clone(), capacity: 0.0 };
                scheduler.turn(&call).await
            }
            None => Turn::default(),
        };
        if turn.crash == Some(Crash::Before) {
            crash();
        }
        let fault = turn.fault.or_else(|| self.next_fault(&action));
        match fault {
            Some(Fault::TimedOut) => return Err(ConnectorError::timeout("a fault was asked for".into())),
            Some(Fault::Throttled) if service == "s3" => return Ok(s3_failure(503, "SlowDown")),
            Some(Fault::ServerError) if service == "s3" => return Ok(s3_failure(500, "InternalError")),
            Some(Fault::Throttled) => return Ok(failure(400, "ThrottlingException", json!([]))),
            Some(Fault::ServerError) => return Ok(failure(500, "InternalServerError", json!([]))),
            Some(Fault::TransactionConflict) => {
                let writes = asked["TransactItems"].as_array().map_or(1, Vec::len);
                let first: Vec<bool> = (0..writes).map(|position| position == 0).collect();
                return Ok(conflict(&action, &first));
            }
            Some(Fault::AnswerLost | Fault::DoneButRefused(_) | Fault::Unprocessed) | None => {}
        }

        let landing = if service == "dynamodb" { self.take_off(&action, &asked) } else { Ok(None) };
        let landing = match landing {
            Ok(landing) => landing,
            Err(conflict) => return Ok(*conflict),
        };
        if action == "TransactWriteItems" {
            let (hold, time) = {
                let mut state = self.state();
                (state.held_transactions.pop_front(), state.transaction_time)
            };
            if let Some(hold) = hold {
                hold.arrived.notify_one();
                hold.released.notified().await;
            }
            if !time.is_zero() {
                tokio::time::sleep(time).await;
            }
        }
        let mut left = Value::Null;
        if action == "BatchWriteItem" && fault == Some(Fault::Unprocessed) {
            let (first, rest) = first_write(&asked);
            left = rest;
            let body = first.to_string();
            request.headers_mut().insert("content-length", body.len().to_string());
            *request.body_mut() = SdkBody::from(body);
        }
        let response = match service {
            // The bus is in this process.
            "events" => {
                let max = if fault == Some(Fault::Unprocessed) { 1 } else { usize::MAX };
                let (status, answer) = self.bus.put_events(&asked, max);
                response(status, "application/x-amz-json-1.1", answer.to_string())
            }
            // The pool's triggers wait for the runtime, which waits for them in the simulation only.
            "cognito-idp" if scheduler.is_none() => connector.call(request).await?,
            _ => self.direct.call(service, &action, request),
        };
        if let Some(scheduler) = scheduler.filter(|_| turn.is_slow) {
            scheduler.wait("answer").await;
        }
        drop(landing);
        if turn.crash == Some(Crash::After) {
            crash();
        }
        match fault {
            Some(Fault::AnswerLost) => return Err(ConnectorError::timeout("a fault was asked for".into())),
            Some(Fault::DoneButRefused(code)) => return Ok(failure(400, code, json!([]))),
            _ => {}
        }
        let recording = self.state().recording;
        if !recording && fault.is_none() {
            return Ok(response);
        }
        let status = response.status();
        let mut headers = response.headers().clone();
        let body = ByteStream::new(response.into_body()).collect().await;
        let mut body = body.map_err(|error| ConnectorError::io(error.into()))?.into_bytes();
        let mut answered: Value = serde_json::from_slice(&body).unwrap_or_default();
        if fault == Some(Fault::Unprocessed) && service == "dynamodb" {
            if action == "BatchWriteItem" {
                answered["UnprocessedItems"] = left;
            } else {
                leave_unprocessed(&mut answered);
            }
            body = answered.to_string().into();
            headers.insert("content-length", body.len().to_string());
        }
        if recording {
            self.state().calls.push(Call {
                operation: OPERATION.try_with(Clone::clone).ok(),
                service,
                action,
                request: asked,
                capacity: capacity(&answered),
            });
        }
        let mut response = HttpResponse::new(status, SdkBody::from(body));
        *response.headers_mut() = headers;
        Ok(response)
    }
}

/// The items that a batch of writes is about.
fn batch_keys(asked: &Value) -> Vec<ItemKey> {
    let mut keys = Vec::new();
    for (table, writes) in asked["RequestItems"].as_object().into_iter().flatten() {
        for write in writes.as_array().into_iter().flatten() {
            let (partition, sort_key) = batch_key(write);
            keys.push((table.clone(), partition, sort_key));
        }
    }
    keys
}

/// The partition key and the sort key of a write of a batch.
fn batch_key(write: &Value) -> (String, String) {
    let item = &write["PutRequest"]["Item"];
    item_key(if item.is_object() { item } else { &write["DeleteRequest"]["Key"] })
}

fn item_key(item: &Value) -> (String, String) {
    let text = |value: &Value| value["S"].as_str().unwrap_or_default().to_owned();
    (text(&item["pk"]), text(&item["sk"]))
}

/// A batch of writes with no more than the first of each table, and what is left of it.
fn first_write(asked: &Value) -> (Value, Value) {
    let (mut first, mut left) = (asked.clone(), json!({}));
    for (table, writes) in first["RequestItems"].as_object_mut().into_iter().flatten() {
        let Some(writes) = writes.as_array_mut() else { continue };
        writes.sort_by_key(batch_key);
        let rest: Vec<_> = writes.drain(writes.len().min(1)..).collect();
        if !rest.is_empty() {
            left[table] = json!(rest);
        }
    }
    (first, left)
}

/// Takes all but the first item of each table out of a batch's answer and names their keys as unprocessed.
fn leave_unprocessed(answered: &mut Value) {
    let mut left = json!({});
    for (table, items) in answered["Responses"].as_object_mut().into_iter().flatten() {
        let Some(items) = items.as_array_mut() else { continue };
        items.sort_by_key(item_key);
        let keys = items.drain(items.len().min(1)..).map(|item| json!({ "pk": item["pk"], "sk": item["sk"] }));
        let keys: Vec<_> = keys.collect();
        if !keys.is_empty() {
            left[table] = json!({ "Keys": keys });
        }
    }
    answered["UnprocessedKeys"] = left;
}

fn capacity(answered: &Value) -> f64 {
    // A write whose condition fails costs what the item costs, at least one unit; DynamoDB does not tell.
    // <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html#WorkingWithItems.ConditionalUpdate>
    if answered["__type"].as_str().is_some_and(|kind| kind.ends_with("ConditionalCheckFailedException")) {
        return 1.0;
    }
    let units = |consumed: &Value| consumed["CapacityUnits"].as_f64().unwrap_or(0.0);
    match &answered["ConsumedCapacity"] {
        Value::Array(tables) => tables.iter().map(units).sum(),
        table => units(table),
    }
}

fn failure(status: u16, code: &str, reasons: Value) -> HttpResponse {
    let body = json!({ "__type": code, "message": "a fault was asked for", "CancellationReasons": reasons });
    response(status, "application/x-amz-json-1.0", body.to_string())
}

/// What a call is answered that conflicts with another, given at which of its items.
fn conflict(action: &str, items: &[bool]) -> HttpResponse {
    if !action.starts_with("Transact") {
        return failure(400, "TransactionConflictException", json!([]));
    }
    let code = |conflicts: &bool| if *conflicts { "TransactionConflict" } else { "None" };
    let reasons: Vec<Value> = items.iter().map(|conflicts| json!({ "Code": code(conflicts) })).collect();
    failure(400, "TransactionCanceledException", json!(reasons))
}

fn s3_failure(status: u16, code: &str) -> HttpResponse {
    let body = format!("<Error><Code>{code}</Code><Message>a fault was asked for</Message></Error>");
    response(status, "application/xml", body)
}

fn response(status: u16, content_type: &'static str, body: String) -> HttpResponse {
    let status = StatusCode::try_from(status).unwrap_or_else(|_| StatusCode::from(http::StatusCode::BAD_GATEWAY));
    let mut response = HttpResponse::new(status, SdkBody::from(body));
    response.headers_mut().insert("content-type", content_type);
    response
}

/// The action of a call of S3, and the key that it is about: of all actions those that we use.
fn s3_call(request: &HttpRequest) -> (String, String) {
    let Ok(url) = Url::parse(request.uri()) else { return Default::default() };
    let has = |name: &str| url.query_pairs().any(|(known, _)| known == name);
    let action = match request.method() {
        "POST" if has("uploads") => "CreateMultipartUpload",
        "POST" if has("uploadId") => "CompleteMultipartUpload",
        "PUT" if has("uploadId") => "UploadPart",
        "PUT" => "PutObject",
        "GET" => "GetObject",
        "DELETE" if has("uploadId") => "AbortMultipartUpload",
        "DELETE" => "DeleteObject",
        "HEAD" => "HeadBucket",
        other => other,
    };
    // The bucket comes first.
    let key = url.path().trim_start_matches('/').split_once('/').unwrap_or_default().1;
    (action.to_owned(), key.to_owned())
}

impl HttpClient for Wire {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let connector = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(WireConnector { wire: self.clone(), connector })
    }
}

#[derive(Debug)]
struct WireConnector {
    wire: Wire,
    connector: SharedHttpConnector,
}

impl HttpConnector for WireConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.wire.clone().call(self.connector.clone(), request))
    }
}

/// How the SDK, and whoever tries again as it does, waits between two tries: in the simulation until it is their turn.
///
/// Not the wire itself: connections keep it, and the wire keeps connections.
#[derive(Debug)]
pub struct Pauses(Arc<Mutex<State>>);

impl AsyncSleep for Pauses {
    fn sleep(&self, duration: Duration) -> Sleep {
        match lock(&self.0).scheduler.clone() {
            // Not before it is asked: most are limits of time for something that comes sooner.
            Some(scheduler) => Sleep::new(async move { scheduler.wait("pause").await }),
            None => TokioSleep::new().sleep(duration),
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
