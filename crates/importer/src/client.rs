//! The client's side of the HTTP contract, as far as importing needs it: one session, patience, and readable refusals.

use std::{io::Write, time::Duration};

use reqwest::{
    Method, RequestBuilder, StatusCode,
    header::{CONTENT_TYPE, ETAG, HeaderMap, HeaderName, IF_MATCH, LOCATION, RETRY_AFTER},
    redirect,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use url::{Host, Url};

use crate::ImportError;

/// How often a request is repeated that the server was too busy for.
const RETRIES: u32 = 5;
/// The longest that one answer may take. A laptop that is building at the same time is slow, but not this slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// The longest pause that is waited for. The limits of requests are counted in minutes, those of pictures in days.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// A signed-in session with the server at `base`.
pub struct Client<'a> {
    http: reqwest::Client,
    base: String,
    session: Session,
    /// Whether the server knows of former slugs that were not its own; until it answers otherwise.
    pub takes_former_slugs: bool,
    /// Where a wait is announced, and where the caller reports progress: a silent minute looks like a hang.
    pub out: &'a mut (dyn Write + Send),
}

/// Who acts: by the tokens of a session, or by an API key, which has no other token and cannot be renewed.
#[derive(Default)]
pub struct Session {
    access_token: String,
    refresh_token: String,
}

impl Session {
    /// A session that is an API key.
    pub fn of_key(key: &str) -> Self {
        Self { access_token: key.to_owned(), refresh_token: String::new() }
    }
}

/// One request. `if_match` makes a change conditional on what was read before.
pub struct Call<'a> {
    pub method: Method,
    pub path: &'a str,
    pub if_match: Option<&'a str>,
    /// Under one key a request is done once, however often it is sent (docs/adr/0009-idempotency.md).
    pub key: Option<&'a str>,
    pub body: Option<&'a Value>,
}

impl<'a> Call<'a> {
    pub fn get(path: &'a str) -> Self {
        Self { method: Method::GET, path, if_match: None, key: None, body: None }
    }

    pub fn put(path: &'a str, body: &'a Value) -> Self {
        Self { method: Method::PUT, path, if_match: None, key: None, body: Some(body) }
    }

    pub fn post(path: &'a str, body: &'a Value) -> Self {
        Self { method: Method::POST, path, if_match: None, key: None, body: Some(body) }
    }
}

#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    /// Refreshing need not give a new one; the old one is then still good.
    refresh_token: Option<String>,
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name == "host.docker.internal",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// What asks the API at `base`: by HTTPS, or on this machine.
pub fn http_client(base: &str) -> Result<reqwest::Client, ImportError> {
    // The new slug is what counts in a redirect, and a token never follows one to another host.
    let http = reqwest::Client::builder().redirect(redirect::Policy::none()).timeout(PATIENCE);
    let http = match Url::parse(base) {
        Ok(url) if url.scheme() == "https" => http.https_only(true),
        // Only for this machine: a password goes over no network in the clear. A proxy that the environment names for the web
        // knows nothing of this machine's `localhost`.
        Ok(url) if url.scheme() == "http" && is_this_machine(&url) => http.no_proxy(),
        _ => return Err(ImportError::NotAnApi { url: base.to_owned() }),
    };
    http.build().map_err(|source| ImportError::Transport { url: base.to_owned(), source })
}

/// Whose posts are imported.
#[derive(Deserialize)]
pub struct Profile {
    pub id: String,
    /// The name that the user's posts carry, also when they logged in by e-mail.
    pub username: String,
}

impl<'a> Client<'a> {
    /// A client that is not signed in.
    fn new(base: &str, out: &'a mut (dyn Write + Send)) -> Result<Self, ImportError> {
        Ok(Self {
            http: http_client(base)?,
            base: base.trim_end_matches('/').to_owned(),
            session: Session::default(),
            takes_former_slugs: true,
            out,
        })
    }

    /// A client that acts by an API key, which cannot be renewed.
    pub fn with_key(base: &str, key: &str, out: &'a mut (dyn Write + Send)) -> Result<Self, ImportError> {
        Ok(Self { session: Session::of_key(key), ..Self::new(base, out)? })
    }

    /// A client with a session of its own.
    pub async fn log_in(
        base: &str,
        login: &str,
        password: &str,
        out: &'a mut (dyn Write + Send),
    ) -> Result<Self, ImportError> {
        let mut client = Self::new(base, out)?;
        let credentials = json!({"login": login, "password": password});
        let answer = client.send_patiently(&Call::post("/sessions", &credentials)).await?;
        if matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) {
            return Err(ImportError::NoApiThere { url: base.to_owned() });
        }
        if answer.status != StatusCode::CREATED {
            // Longer than this program waits.
            let wait =
                answer.header(RETRY_AFTER).map(|seconds| format!(" That is in {seconds} s.")).unwrap_or_default();
            return Err(ImportError::LogIn { user: login.to_owned(), reason: answer.reason() + &wait });
        }
        client.keep(answer.json()?);
        Ok(client)
    }

    /// Lets the owner of another session act from now on, and keeps who acted until now.
    pub fn swap(&mut self, session: &mut Session) {
        std::mem::swap(&mut self.session, session);
    }

    /// The profile of whoever is signed in. With a key, it is the first that the API is asked for.
    pub async fn profile<T: DeserializeOwned>(&mut self) -> Result<T, ImportError> {
        let answer = self.send(&Call::get("/me")).await?;
        match answer.status {
            StatusCode::OK => answer.json(),
            StatusCode::NOT_FOUND => Err(ImportError::NoApiThere { url: self.base.clone() }),
            _ => Err(ImportError::Profile { reason: answer.reason() }),
        }
    }

    /// Sends one request, waiting when told to, and signing in again once when the access token has run out.
    pub async fn send(&mut self, call: &Call<'_>) -> Result<Answer, ImportError> {
        let answer = self.send_patiently(call).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        if self.session.refresh_token.is_empty() {
            return Err(ImportError::Key);
        }
        self.refresh().await?;
        self.send_patiently(call).await
    }

    /// Sends one request, and does not wait for its answer.
    pub fn begin(&self, call: &Call<'_>) -> Begun {
        Begun(tokio::spawn(receive(self.request(call))))
    }

    /// The answer to a request that was begun. It is sent anew, as [`Client::send`] does, if the server was too busy, the access token had run
    /// out or the connection failed.
    pub async fn end(&mut self, begun: Begun, call: &Call<'_>) -> Result<Answer, ImportError> {
        let Ok(Ok(answer)) = begun.0.await else { return self.send(call).await };
        match answer.pause() {
            Some(pause) => {
                self.wait(&answer, pause).await?;
                self.send(call).await
            }
            None if answer.status == StatusCode::UNAUTHORIZED => self.send(call).await,
            None => Ok(answer),
        }
    }

    /// What a path leads to by a redirect to another host, which gets no token; `None` if it leads to nothing.
    pub async fn download(&mut self, path: &str) -> Result<Option<Vec<u8>>, ImportError> {
        let answer = self.send(&Call::get(path)).await?;
        let Some(link) = answer.header(LOCATION) else { return Ok(None) };
        let response = self.http.get(link).send().await.map_err(|source| self.failed(source))?;
        if response.status() != StatusCode::OK {
            return Ok(None);
        }
        Ok(Some(response.bytes().await.map_err(|source| self.failed(source))?.to_vec()))
    }

    fn failed(&self, source: reqwest::Error) -> ImportError {
        let url = self.base.clone();
        if source.is_connect() { ImportError::NobodyThere { url } } else { ImportError::Transport { url, source } }
    }

    async fn refresh(&mut self) -> Result<(), ImportError> {
        let body = json!({"refresh_token": self.session.refresh_token});
        // The expired token stays at home: a public route refuses a bad one.
        self.session.access_token.clear();
        let answer = self.send_patiently(&Call::post("/sessions/refresh", &body)).await?;
        if answer.status != StatusCode::OK {
            return Err(ImportError::SessionOver { reason: answer.reason() });
        }
        self.keep(answer.json()?);
        Ok(())
    }

    fn keep(&mut self, tokens: Tokens) {
        self.session.access_token = tokens.access_token;
        if let Some(refresh_token) = tokens.refresh_token {
            self.session.refresh_token = refresh_token;
        }
    }

    async fn send_patiently(&mut self, call: &Call<'_>) -> Result<Answer, ImportError> {
        for _ in 0..RETRIES {
            let answer = self.send_once(call).await?;
            let Some(pause) = answer.pause() else { return Ok(answer) };
            self.wait(&answer, pause).await?;
        }
        self.send_once(call).await
    }

    async fn wait(&mut self, answer: &Answer, pause: Duration) -> Result<(), ImportError> {
        writeln!(self.out, "        waiting {} s, as the server asked ({})", pause.as_secs(), answer.status)?;
        tokio::time::sleep(pause).await;
        Ok(())
    }

    /// Sends a form to the storage, which is asked without a token: the form says what is allowed.
    pub async fn send_form(&mut self, url: &str, boundary: &str, body: Vec<u8>) -> Result<StatusCode, ImportError> {
        let content_type = format!("multipart/form-data; boundary={boundary}");
        let request = self.http.post(url).header(CONTENT_TYPE, content_type).body(body);
        let failed = |source| ImportError::Transport { url: url.to_owned(), source };
        Ok(request.send().await.map_err(failed)?.status())
    }

    async fn send_once(&mut self, call: &Call<'_>) -> Result<Answer, ImportError> {
        receive(self.request(call)).await.map_err(|source| self.failed(source))
    }

    fn request(&self, call: &Call<'_>) -> RequestBuilder {
        let mut request = self.http.request(call.method.clone(), format!("{}{}", self.base, call.path));
        if !self.session.access_token.is_empty() {
            request = request.bearer_auth(&self.session.access_token);
        }
        if let Some(etag) = call.if_match {
            request = request.header(IF_MATCH, etag);
        }
        if let Some(key) = call.key {
            request = request.header("idempotency-key", key);
        }
        if let Some(body) = call.body {
            request = request.json(body);
        }
        request
    }
}

async fn receive(request: RequestBuilder) -> reqwest::Result<Answer> {
    let response = request.send().await?;
    let status = response.status();
    let headers = response.headers().clone();
    let body = response.bytes().await?.to_vec();
    Ok(Answer { status, headers, body })
}

/// A request that is on its way while its sender does something else.
pub struct Begun(JoinHandle<reqwest::Result<Answer>>);

pub struct Answer {
    pub status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// RFC 9457, the fields that help a person.
#[derive(Deserialize)]
struct Problem {
    r#type: Option<String>,
    title: Option<String>,
    detail: Option<String>,
    #[serde(default)]
    errors: Vec<FieldProblem>,
}

#[derive(Deserialize)]
struct FieldProblem {
    pointer: String,
    detail: String,
}

impl Answer {
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ImportError> {
        serde_json::from_slice(&self.body).map_err(|source| ImportError::Unreadable { status: self.status, source })
    }

    pub fn etag(&self) -> Option<&str> {
        self.header(ETAG)
    }

    /// The slug at the end of a redirect. Only that is taken over, so that it does not matter under which host and
    /// stage the server believes to be reached.
    pub fn moved_to(&self) -> Option<&str> {
        let location = self.header(LOCATION)?;
        location.trim_end_matches('/').rsplit('/').next().filter(|slug| !slug.is_empty())
    }

    pub fn is_problem(&self, name: &str) -> bool {
        let kind = self.problem().and_then(|problem| problem.r#type);
        kind.is_some_and(|kind| kind.strip_prefix("urn:broadsheet:problem:") == Some(name))
    }

    /// Why the server refused, in its own words: a sentence, and a line for each field that is wrong.
    pub fn reason(&self) -> String {
        let problem = self.problem();
        let errors = problem.iter().flat_map(|problem| &problem.errors);
        let fields: String = errors.map(|error| format!("\n  {}: {}", error.pointer, error.detail)).collect();
        match problem.and_then(|problem| problem.detail.or(problem.title)) {
            Some(sentence) => sentence + &fields,
            None => format!("The server answered {} and gave no reason.{fields}", self.status),
        }
    }

    fn problem(&self) -> Option<Problem> {
        serde_json::from_slice(&self.body).ok()
    }

    /// How long to wait before this request may be tried again, if trying again is what the answer calls for.
    fn pause(&self) -> Option<Duration> {
        if !matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            return None;
        }
        let seconds = self.header(RETRY_AFTER).and_then(|value| value.parse().ok());
        // Who has to wait for hours had better come again.
        Some(Duration::from_secs(seconds.unwrap_or(1))).filter(|pause| *pause <= LONGEST_PAUSE)
    }

    fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_server::server;

    #[test]
    fn a_password_goes_over_no_network_in_the_clear() {
        for (url, is_taken) in [
            ("https://blog.example.com/v1", true),
            ("http://localhost:3000/v1", true),
            ("http://127.0.0.1:3000/v1", true),
            ("http://[::1]:3000/v1", true),
            ("http://blog.example.com/v1", false),
            ("http://localhost.example.com/v1", false),
            ("http://192.168.0.2/v1", false),
            ("ftp://localhost/v1", false),
            ("localhost:3000/v1", false),
            ("blog.example.com/v1", false),
        ] {
            assert_eq!(Client::new(url, &mut Vec::new()).is_ok(), is_taken, "{url}");
        }
    }

    #[tokio::test]
    async fn who_cannot_log_in_learns_where_the_api_is_and_how_long_to_wait() {
        let said = async |answer: (&'static str, &'static str)| {
            let (url, seen) = server(vec![answer]);
            let mut out = Vec::new();
            let error = Client::log_in(&url, "ada", "a password", &mut out).await.err().unwrap().to_string();
            seen.join().unwrap();
            error.replace(&url, "URL")
        };
        let elsewhere = "There is no API at URL: its address ends with its version, such as http://localhost:3000/v1.";
        assert_eq!(said(("405 Method Not Allowed", "{}")).await, elsewhere);
        assert_eq!(said(("404 Not Found", "<p>nothing</p>")).await, elsewhere);
        let (url, seen) = server(vec![("404 Not Found", "<p>nothing</p>")]);
        let mut out = Vec::new();
        let error =
            Client::with_key(&url, "key", &mut out).unwrap().profile::<Value>().await.err().unwrap().to_string();
        seen.join().unwrap();
        assert_eq!(error.replace(&url, "URL"), elsewhere);
        let busy = ("429 Too Many Requests\r\nRetry-After: 700", r#"{"detail": "Try again later."}"#);
        assert_eq!(said(busy).await, "ada could not be signed in. Try again later. That is in 700 s.");
    }

    #[tokio::test]
    async fn what_was_begun_is_sent_anew_where_any_other_request_would_be() {
        let busy = ("503 Service Unavailable\r\nRetry-After: 0", "{}");
        let (url, seen) = server(vec![busy, ("201 Created", "{}"), ("409 Conflict", "{}")]);
        let mut out = Vec::new();
        let mut client = Client::with_key(&url, "key", &mut out).unwrap();
        let body = json!({});
        let call = Call::post("/posts", &body);
        for expected in [StatusCode::CREATED, StatusCode::CONFLICT] {
            let begun = client.begin(&call);
            assert_eq!(client.end(begun, &call).await.unwrap().status, expected);
        }
        assert_eq!(seen.join().unwrap().len(), 3);
        assert!(String::from_utf8(out).unwrap().contains("waiting 0 s"));
    }
}
