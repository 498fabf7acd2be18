//! A stack to test against, and clients of it.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use domain::Timestamp;
use domain::{Role, User};
use edge::Clock;
use edge::SignUpConfirmation;
use http::{HeaderMap, Request, StatusCode};
use local::backing::{Emulators, Storage, USER_POOL_CLIENT_SECRET};
use local::cdn::{self, Rewritten};
use local::stack::{Options, Stack};
use serde_json::{Value, json};
use table::Consistency;

use crate::{domain_events, openapi, repaired, used};

/// 2026-11-21T08:30:00Z, when every test starts.
pub const START: i64 = 1_795_249_800_000;

pub const PASSWORD: &str = "correct horse battery";

/// What no answer holds, whoever asks for what: a password, how one is kept, and what the user pool is asked with.
const SECRETS: [&str; 3] = [PASSWORD, "$argon2", USER_POOL_CLIENT_SECRET];

/// How the table says what it says, and what a fault says that a story asked for: no problem tells either. Posts may: people write about
/// DynamoDB.
const INTERNALS: [&str; 4] = ["attribute_not_exists", "\"pk\":", "ConditionalCheckFailed", "a fault was asked for"];

/// A stack in memory, whose time stands still until the test moves it and whose ids count up.
#[derive(Clone)]
pub struct TestStack {
    pub stack: Arc<Stack>,
    _at_the_end: Option<Arc<(used::Note, repaired::Check)>>,
    milliseconds: Arc<AtomicI64>,
    events: Arc<Mutex<Vec<Value>>>,
    registrations: Arc<AtomicU64>,
}

impl TestStack {
    pub async fn start() -> Self {
        Self::start_with(SignUpConfirmation::Auto).await
    }

    pub async fn start_with(sign_up_confirmation: SignUpConfirmation) -> Self {
        Self::start_as(sign_up_confirmation, &[]).await
    }

    /// A stack whose template has these parameters.
    pub async fn start_with_parameters(parameters: &[(&str, &str)]) -> Self {
        Self::start_as(SignUpConfirmation::Auto, parameters).await
    }

    /// The same, where new accounts wait for a code.
    pub async fn start_confirming(parameters: &[(&str, &str)]) -> Self {
        Self::start_as(SignUpConfirmation::Email, parameters).await
    }

    /// A stack that keeps its data in a folder, for the next one to start with.
    pub async fn start_in(folder: &Path, parameters: &[(&str, &str)]) -> Self {
        crate::logging::start();
        Self::build(SignUpConfirmation::Auto, parameters, Storage::Folder(folder.to_owned())).await
    }

    async fn start_as(sign_up_confirmation: SignUpConfirmation, parameters: &[(&str, &str)]) -> Self {
        crate::logging::start();
        let stack = Self::build(sign_up_confirmation, parameters, Storage::Memory).await;
        let at_the_end = (used::Note::new(&stack.stack), repaired::Check::new(&stack.stack));
        Self { _at_the_end: Some(Arc::new(at_the_end)), ..stack }
    }

    /// A stack for the simulation, which checks it itself: nothing is noted of what it does.
    pub async fn start_unwatched(parameters: &[(&str, &str)]) -> Self {
        Self::build(SignUpConfirmation::Auto, parameters, Storage::Memory).await
    }

    async fn build(sign_up_confirmation: SignUpConfirmation, parameters: &[(&str, &str)], storage: Storage) -> Self {
        // So many requests that no story reaches the limit while its time stands still, unless it wants to.
        let many = [("RequestsPerMinute", "1000000")];
        let parameters = many.iter().chain(parameters);
        let parameters = parameters.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let milliseconds = Arc::new(AtomicI64::new(START));
        let counter = AtomicU64::new(1);
        let time = Arc::clone(&milliseconds);
        let clock = Clock::new(
            move || Timestamp::from_milliseconds(time.load(Ordering::SeqCst)),
            move || u128::from(counter.fetch_add(1, Ordering::SeqCst)),
        );
        let admin_email = Some("admin@example.com".to_owned());
        let options = Options {
            storage,
            sign_up_confirmation,
            admin_email,
            clock,
            emulators: Emulators::of_this_machine(),
            triggers: true,
            parameters,
        };
        let stack = Arc::new(Stack::start(options).await.expect("the stack starts"));
        stack.bus.record();
        let registrations = Arc::new(AtomicU64::new(0));
        Self { _at_the_end: None, stack, milliseconds, events: Arc::default(), registrations }
    }

    /// Lets the readers of the table's stream and the plug-ins of the bus do all that there is to do.
    pub async fn settle(&self) {
        self.stack.streams.drain(&self.stack.backing).await.expect("the stream is read");
        let events = self.stack.bus.take_recorded();
        events.iter().for_each(domain_events::check);
        self.events.lock().expect("nobody panics with the lock").extend(events);
    }

    /// The changes of the table that nobody was handed yet.
    pub fn changes(&self) -> Vec<Value> {
        self.stack.backing.records().expect("the stream is read")
    }

    /// Hands these changes to all who read them once more, as the stream may do at any time.
    pub async fn deliver_again(&self, changes: &[Value]) {
        self.stack.streams.hand_on(changes).await;
        self.settle().await;
    }

    /// What was put on the bus since this was asked last, as rules see it: domain events if that is the source, or work.
    pub fn take_put(&self, source: &str) -> Vec<Value> {
        let all = std::mem::take(&mut *self.events.lock().expect("nobody panics with the lock"));
        all.into_iter().filter(|event| event["source"] == source).collect()
    }

    /// Runs the jobs that a schedule runs every minute.
    pub async fn minute(&self) {
        self.stack.schedule.run().await;
    }

    pub fn pass_seconds(&self, seconds: i64) {
        self.pass_milliseconds(seconds * 1000);
    }

    pub fn pass_milliseconds(&self, milliseconds: i64) {
        self.milliseconds.fetch_add(milliseconds, Ordering::SeqCst);
    }

    pub fn set_time(&self, rfc3339: &str) {
        let time = Timestamp::try_from(rfc3339.to_owned()).expect("a time");
        self.milliseconds.store(time.milliseconds(), Ordering::SeqCst);
    }

    /// Somebody who is not signed in.
    pub fn visitor(&self) -> Client {
        Client { stack: self.stack.clone(), token: None, source: IpAddr::V4(Ipv4Addr::LOCALHOST) }
    }

    /// A newly registered user, signed in, with the address `NAME@example.com`.
    pub async fn user(&self, username: &str) -> Client {
        self.user_with_email(username, &format!("{username}@example.com")).await
    }

    /// The user who is an administrator from the start.
    pub async fn admin(&self) -> Client {
        self.user_with_email("chief", "admin@example.com").await
    }

    pub async fn user_with_email(&self, username: &str, email: &str) -> Client {
        let body = json!({ "username": username, "email": email, "password": PASSWORD });
        // Each from a network of their own, because one source may register only so many.
        let number = self.registrations.fetch_add(1, Ordering::SeqCst);
        let registered = self.visitor().from(&format!("2001:db8:1:{number:x}::1")).post("/users", body).await;
        registered.expect_status(201);
        if registered.body["status"] == "unconfirmed" {
            self.confirm(email).await;
        }
        self.log_in(username).await
    }

    /// Confirms an address with the code that was sent to it.
    pub async fn confirm(&self, email: &str) {
        let confirmation = json!({ "email": email, "code": self.code_for(email) });
        self.visitor().post("/users/confirm", confirmation).await.expect_status(204);
    }

    pub async fn log_in(&self, username: &str) -> Client {
        let answer = self.visitor().post("/sessions", json!({ "login": username, "password": PASSWORD })).await;
        answer.expect_status(201);
        self.bearer(answer.body["access_token"].as_str().expect("a token"))
    }

    /// Somebody who sends this token.
    pub fn bearer(&self, token: &str) -> Client {
        Client { token: Some(format!("Bearer {token}")), ..self.visitor() }
    }

    /// A newly registered user with this role.
    pub async fn user_with_role(&self, username: &str, role: Role) -> Client {
        let client = self.user(username).await;
        let id = client.get("/me").await.body["id"].as_str().expect("an id").parse().expect("a user id");
        let table = &self.stack.blog.table;
        let user = table.user(id, Consistency::Strong).await.expect("the table answers").expect("a profile");
        let next = User { role, ..user.clone() };
        if next != user {
            table.update_user(&user, &next, None, self.stack.blog.now()).await.expect("written");
        }
        // What the authorizer said of this token before is not asked for again.
        self.log_in(username).await
    }

    /// The code of the newest message to this address.
    pub fn code_for(&self, email: &str) -> String {
        let emails = self.stack.backing.cognito.emails().expect("the mailbox opens");
        emails.into_iter().find(|message| message.to == email).expect("there is a message").code
    }
}

/// Somebody who calls the API.
#[derive(Clone)]
pub struct Client {
    stack: Arc<Stack>,
    token: Option<String>,
    source: IpAddr,
}

impl Client {
    /// The same, but calling from this network address.
    pub fn from(&self, source: &str) -> Self {
        Self { source: source.parse().expect("an address"), ..self.clone() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &[], None).await
    }

    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.call("GET", path, headers, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, &[], Some(body)).await
    }

    pub async fn patch(&self, path: &str, if_match: &str, body: Value) -> Answer {
        self.call("PATCH", path, &[("if-match", if_match)], Some(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.call("PUT", path, &[], Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, &[], None).await
    }

    pub async fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<Value>) -> Answer {
        let body = body.map(|body| body.to_string().into_bytes());
        let mut headers = headers.to_vec();
        if body.is_some() && !headers.iter().any(|(name, _)| *name == "content-type") {
            headers.push(("content-type", "application/json"));
        }
        self.send(method, path, &headers, body.unwrap_or_default()).await
    }

    /// Sends exactly this, with the client's token.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let answer = self.exchange(method, path, headers, body).await;
        answer.check(method, path);
        if let Some(token) = self.token.as_deref().and_then(|token| token.strip_prefix("Bearer ")) {
            let repeats = !token.is_empty() && String::from_utf8_lossy(&answer.bytes).contains(token);
            assert!(!repeats, "{method} {path} repeats the token that was sent");
        }
        answer
    }

    /// The same, whatever is answered.
    pub async fn exchange(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("/v1{path}"));
        if let Some(token) = &self.token {
            request = request.header("authorization", token);
        }
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "localhost");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Bytes::from(body)).expect("a request");
        let (parts, body) = Box::pin(self.stack.gateway.answer(request, self.source)).await.into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
            bytes: body,
        }
    }

    /// A page of the site, as the CDN asks for it; with the path of the site where it sends elsewhere.
    pub async fn page(&self, path: &str) -> Answer {
        self.page_with(path, &[]).await
    }

    /// The same with these headers.
    pub async fn page_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        match cdn::rewrite(&path.parse().expect("an address"), "v1") {
            Rewritten::To(path) => self.get_with(path.strip_prefix("/v1").expect("a path of the API"), headers).await,
            Rewritten::Redirect(path) => panic!("it is sent to {path}"),
        }
    }

    /// A post to write, with a title and some text: `ada.draft("Title").tags(&["a"]).publish().await`.
    pub fn draft(&self, title: &str) -> Draft<'_> {
        Draft { client: self, body: json!({ "title": title, "body": "Some text." }) }
    }

    /// Writes and publishes a post; gives its slug.
    pub async fn publish(&self, title: &str, tags: &[&str]) -> String {
        self.draft(title).tags(tags).publish().await
    }
}

/// A post that is about to be written.
pub struct Draft<'a> {
    client: &'a Client,
    body: Value,
}

impl Draft<'_> {
    pub fn tags(self, tags: &[&str]) -> Self {
        self.with("tags", json!(tags))
    }

    /// With this in a field of the request.
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.body[field] = value.into();
        self
    }

    /// Without a field that it has from the start: a note has no title.
    pub fn without(mut self, field: &str) -> Self {
        self.body.as_object_mut().expect("an object").remove(field);
        self
    }

    /// Writes it as a draft; gives the post.
    pub async fn save(self) -> Value {
        let answer = self.client.post("/posts", self.body).await;
        answer.expect_status(201);
        answer.body
    }

    /// Publishes it; gives its slug.
    pub async fn publish(self) -> String {
        let post = self.with("status", "published").save().await;
        post["slug"].as_str().expect("a slug").to_owned()
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
    pub bytes: Bytes,
}

impl Answer {
    /// Panics if it is not what the conventions and the document allow.
    #[track_caller]
    pub fn check(&self, method: &str, path: &str) {
        self.check_conventions(method, path);
        openapi::check(method, path, self);
    }

    /// What it says, if that is text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).expect("UTF-8")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    pub fn etag(&self) -> String {
        assert!(self.header("etag").starts_with('"'), "no strong ETag in {self:?}");
        self.header("etag").to_owned()
    }

    #[track_caller]
    pub fn expect_status(&self, status: u16) {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
    }

    /// Expects a problem of this name and status.
    #[track_caller]
    pub fn expect_problem(&self, status: u16, name: &str) {
        self.expect_status(status);
        assert_eq!(self.body["type"], format!("urn:broadsheet:problem:{name}"), "{}", self.body);
    }

    /// Expects exactly these fields to be refused.
    #[track_caller]
    pub fn expect_invalid(&self, pointers: &[&str]) {
        self.expect_problem(422, "validation-failed");
        let errors = self.body["errors"].as_array().expect("errors");
        let mut found: Vec<_> = errors.iter().map(|error| error["pointer"].as_str().expect("a pointer")).collect();
        found.sort_unstable();
        assert_eq!(found, pointers, "{}", self.body);
    }

    /// The values of a field of all items of a list.
    pub fn each(&self, field: &str) -> Vec<String> {
        let items = self.body["items"].as_array().unwrap_or_else(|| panic!("no list: {}", self.body));
        items.iter().map(|item| item[field].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// What holds for every answer of the API, whatever is asked.
    #[track_caller]
    fn check_conventions(&self, method: &str, path: &str) {
        let what = &format!("{method} {path}");
        let text = String::from_utf8_lossy(&self.bytes);
        let internals: &[&str] = if self.status.as_u16() >= 400 { &INTERNALS } else { &[] };
        let told = SECRETS.iter().chain(internals).find(|kept| text.contains(**kept));
        assert_eq!(told, None, "{what}: {text}");
        let is_page = matches!(method, "GET" | "HEAD") && path.starts_with("/pages");
        assert!(!self.header("x-request-id").is_empty(), "{what}: no X-Request-Id");
        let vary = self.headers.get_all("vary");
        let for_some = vary.iter().any(|value| value == "Origin");
        assert!(for_some || self.header("access-control-allow-origin") == "*", "{what}: no page may read it");
        assert!(!self.status.is_server_error() || self.status.as_u16() == 503, "{what}: {} {}", self.status, self.body);
        if self.status.is_client_error() || self.status.is_server_error() {
            let media_type = if is_page { "text/html; charset=utf-8" } else { "application/problem+json" };
            assert_eq!(self.header("content-type"), media_type, "{what}: {}", self.status);
            assert_eq!(self.header("cache-control"), "no-store", "{what}");
            if method == "HEAD" || is_page {
                return;
            }
            for field in ["type", "title", "detail", "instance", "request_id"] {
                assert!(self.body[field].is_string(), "{what}: no {field} in {}", self.body);
            }
            assert_eq!(self.body["status"], self.status.as_u16(), "{what}");
            assert_eq!(self.body["request_id"], self.header("x-request-id"), "{what}");
        } else {
            assert!(!self.header("cache-control").is_empty(), "{what}: no Cache-Control");
        }
    }
}

/// All items of a list, page by page.
pub async fn walk(client: &Client, path: &str, limit: usize) -> Vec<Value> {
    let separator = if path.contains('?') { '&' } else { '?' };
    let mut items = Vec::new();
    let mut next = format!("{path}{separator}limit={limit}");
    loop {
        let page = client.get(&next).await;
        page.expect_status(200);
        items.extend(page.body["items"].as_array().expect("items").iter().cloned());
        match page.body["next_cursor"].as_str() {
            None => return items,
            Some(_) => {
                let link = page.header("link");
                let target = link.strip_prefix("</v1").and_then(|link| link.strip_suffix(">; rel=\"next\""));
                next = target.unwrap_or_else(|| panic!("a Link to the next page, not {link:?}")).to_owned();
            }
        }
    }
}
