//! Requests to the whole stack: each is answered, none with a failure of ours, and what follows from it does not fail either.

#![cfg_attr(fuzzing, no_main)]

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Bytes;
use domain::Timestamp;
use edge::{Clock, SignUpConfirmation};
use http::{HeaderName, HeaderValue, Method, Request, Response, Uri, header};
use local::backing::{Emulators, Storage};
use local::stack::{Options, Stack};
use serde_json::{Value, json};

/// After how many requests another stack is taken, so that one that was emptied is not tried for ever, and memory ends nowhere.
const REQUESTS: u32 = 1_000;

const PASSWORD: &str = "correct horse battery";

/// A stack with a few things in it, and the tokens of a user and an administrator.
struct Blog {
    runtime: tokio::runtime::Runtime,
    stack: Arc<Stack>,
    tokens: [String; 2],
    requests: u32,
}

thread_local! {
    static BLOG: RefCell<Option<Blog>> = const { RefCell::new(None) };
}

impl Blog {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (stack, tokens) = runtime.block_on(async {
            let counter = AtomicU64::new(1);
            let time = || Timestamp::from_milliseconds(1_795_249_800_000);
            let parameters = [("RequestsPerMinute", "0"), ("Conduit", "true"), ("GhostContent", "true")];
            let options = Options {
                storage: Storage::Memory,
                admin_email: Some("admin@example.com".to_owned()),
                sign_up_confirmation: SignUpConfirmation::Auto,
                clock: Clock::new(time, move || u128::from(counter.fetch_add(1, Ordering::SeqCst))),
                emulators: Emulators::of_this_machine(),
                triggers: true,
                parameters: parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            };
            let stack = Arc::new(Stack::start(options).await.expect("the stack starts"));
            let mut tokens = Vec::new();
            for (name, email) in [("ada", "ada@example.com"), ("chief", "admin@example.com")] {
                let account = json!({ "username": name, "email": email, "password": PASSWORD });
                let account = made(&stack, "/v1/users", "", &account).await;
                // An administrator's address waits for a code.
                if account["status"] == "unconfirmed" {
                    let codes = stack.backing.cognito.emails().expect("the mailbox opens");
                    let confirmation = json!({ "email": email, "code": codes[0].code });
                    made(&stack, "/v1/users/confirm", "", &confirmation).await;
                }
                let session = made(&stack, "/v1/sessions", "", &json!({ "login": name, "password": PASSWORD })).await;
                tokens.push(format!("Bearer {}", session["access_token"].as_str().expect("a token")));
            }
            let [ada, chief] = [&tokens[0], &tokens[1]];
            let post = json!({ "title": "There", "body": "Some *text*.", "tags": ["rust"], "status": "published" });
            made(&stack, "/v1/posts", ada, &post).await;
            made(&stack, "/v1/posts/there/comments", chief, &json!({ "body": "A comment." })).await;
            stack.streams.drain(&stack.backing).await.expect("the stream is read");
            let tokens = [ada.clone(), chief.clone()];
            (stack, tokens)
        });
        Self { runtime, stack, tokens, requests: 0 }
    }
}

/// What is answered to whoever makes something with success.
async fn made(stack: &Stack, path: &str, token: &str, body: &Value) -> Value {
    let mut request = Request::post(path).header("host", "localhost").header("content-type", "application/json");
    if !token.is_empty() {
        request = request.header("authorization", token);
    }
    let request = request.body(Bytes::from(body.to_string())).expect("a request");
    let answer = stack.gateway.answer(request, IpAddr::V4(Ipv4Addr::LOCALHOST)).await;
    assert!(answer.status().is_success(), "{path}: {answer:?}");
    serde_json::from_slice(answer.body()).unwrap_or_default()
}

/// The first line is who asks, the method and the address; headers follow and, after an empty line, the body.
fn request(bytes: &[u8], tokens: &[String; 2]) -> Option<Request<Bytes>> {
    let end = bytes.windows(2).position(|two| two == b"\n\n").unwrap_or(bytes.len());
    let (head, body) = bytes.split_at(end);
    let mut lines = std::str::from_utf8(head).ok()?.split('\n');
    let mut words = lines.next()?.splitn(3, ' ');
    let (who, method, uri) = (words.next()?, words.next()?, words.next()?);
    let uri: Uri = uri.parse().ok().filter(|uri: &Uri| uri.path().starts_with('/'))?;
    // What calls strangers is left out: nothing here may leave this machine.
    if uri.path().contains("webhook") {
        return None;
    }
    let mut request = Request::new(Bytes::copy_from_slice(body.get(2..).unwrap_or_default()));
    *request.method_mut() = Method::from_bytes(method.as_bytes()).ok()?;
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    headers.insert(header::HOST, HeaderValue::from_static("localhost"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let token = match who {
        "ada" => Some(&tokens[0]),
        "chief" => Some(&tokens[1]),
        _ => None,
    };
    if let Some(token) = token {
        headers.insert(header::AUTHORIZATION, HeaderValue::try_from(token).ok()?);
    }
    for line in lines {
        let (name, value) = line.split_once(": ")?;
        let (name, value) = (HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?);
        headers.insert(name, value);
    }
    Some(request)
}

fn check_answer(asked: &str, answer: &Response<Bytes>) {
    assert!(!answer.status().is_server_error(), "{asked}\n{answer:?}");
    let content_type = answer.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_problem = content_type == Some("application/problem+json");
    if answer.body().is_empty() || !(is_problem || content_type == Some("application/json")) {
        return;
    }
    let Ok(body) = serde_json::from_slice::<Value>(answer.body()) else { panic!("{asked}\n{answer:?} is no JSON") };
    assert!(!is_problem || body["status"] == answer.status().as_u16(), "{asked}\n{answer:?}");
}

/// The bytes are a request.
pub fn check(bytes: &[u8]) {
    let answered = |blog: &mut Option<Blog>| {
        let kept = blog.take().filter(|blog| blog.requests < REQUESTS);
        let Blog { runtime, stack, tokens, requests } = blog.insert(kept.unwrap_or_else(Blog::start));
        *requests += 1;
        let Some(request) = request(bytes, tokens) else { return };
        let asked = format!("{request:?}");
        let given_up = runtime.block_on(async {
            let answer = stack.gateway.answer(request, IpAddr::V4(Ipv4Addr::LOCALHOST)).await;
            check_answer(&asked, &answer);
            stack.streams.drain(&stack.backing).await.expect("the stream is read");
            stack.bus.take_given_up()
        });
        assert!(given_up.is_empty(), "{asked}\n{given_up:?}");
    };
    BLOG.with_borrow_mut(answered);
}

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check(bytes));
