//! Requests to a stack in this process.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use axum::body::Bytes;
use http::Request as HttpRequest;
use local::stack::Stack;
use serde_json::{Value, json};

/// The password of everybody.
pub const PASSWORD: &str = "correct horse battery";

/// What somebody asks for.
pub struct Asked<'a> {
    method: &'a str,
    /// The path, with the query.
    pub path: String,
    token: Option<&'a str>,
    body: Option<Value>,
    /// Where it comes from.
    pub source: IpAddr,
}

impl<'a> Asked<'a> {
    /// A page.
    pub fn get(path: &str) -> Self {
        let source = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Self { method: "GET", path: path.to_owned(), token: None, body: None, source }
    }

    /// Something new.
    pub fn post(path: &str, body: Value) -> Self {
        Self { method: "POST", body: Some(body).filter(|body| !body.is_null()), ..Self::get(path) }
    }

    /// Something that is to be so.
    pub fn put(path: &str, body: Value) -> Self {
        Self { method: "PUT", ..Self::post(path, body) }
    }

    /// By whom this token belongs to.
    pub fn by(self, token: &'a str) -> Self {
        Self { token: Some(token), ..self }
    }

    /// From a network of its own: one may log in only so often.
    pub fn from(self, number: usize) -> Self {
        let [high, low] = (number as u16).to_be_bytes();
        Self { source: IpAddr::V4(Ipv4Addr::new(198, 51, high, low)), ..self }
    }

    /// The request.
    pub fn request(&self) -> io::Result<HttpRequest<Bytes>> {
        let mut request = HttpRequest::builder().method(self.method).uri(&self.path).header("host", "blog.example.com");
        if let Some(token) = self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if self.body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = self.body.as_ref().map(Value::to_string).unwrap_or_default();
        request.body(Bytes::from(body)).map_err(io::Error::other)
    }

    /// The answer of a stack, which has to be a success.
    pub async fn of(&self, stack: &Stack) -> io::Result<Value> {
        let answer = stack.gateway.answer(self.request()?, self.source).await;
        let body = String::from_utf8_lossy(answer.body()).into_owned();
        if !answer.status().is_success() {
            return Err(io::Error::other(format!("{} {}: {} {body}", self.method, self.path, answer.status())));
        }
        Ok(serde_json::from_str(&body).unwrap_or_default())
    }
}

/// Registers a user, and gives a token of theirs. Each is from a network of their own.
pub async fn register(stack: &Stack, number: usize, username: &str, email: &str) -> io::Result<String> {
    let user = json!({ "username": username, "email": email, "password": PASSWORD });
    Asked::post("/v1/users", user).from(number).of(stack).await?;
    let emails = stack.backing.cognito.emails().map_err(io::Error::other)?;
    if let Some(sent) = emails.into_iter().find(|sent| sent.to == email) {
        let confirmed = json!({ "email": email, "code": sent.code });
        Asked::post("/v1/users/confirm", confirmed).from(number).of(stack).await?;
    }
    let session = json!({ "login": username, "password": PASSWORD });
    let session = Asked::post("/v1/sessions", session).from(number).of(stack).await?;
    session["access_token"].as_str().map(str::to_owned).ok_or_else(|| io::Error::other("there is no token"))
}
