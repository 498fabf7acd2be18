//! The client's side of the HTTP contract, as far as seeding needs it: one session, patience, and readable refusals.

use std::{io::Write, time::Duration};

use reqwest::{
    Method, StatusCode,
    header::{ETAG, HeaderMap, HeaderName, IF_MATCH, LOCATION, RETRY_AFTER},
    redirect,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::SeedError;

/// How often a request is repeated that the server was too busy for.
const RETRIES: u32 = 5;
/// The longest that one answer may take. A laptop that is building at the same time is slow, but not this slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// A signed-in session with the server at `base`.
pub struct Client<'a> {
    http: reqwest::Client,
    base: String,
    access_token: String,
    refresh_token: String,
    /// Where a wait is announced, and where the caller reports progress: a silent minute looks like a hang.
    pub out: &'a mut (dyn Write + Send),
}

/// One request. `if_match` makes a change conditional on what was read before.
pub struct Call<'a> {
    pub method: Method,
    pub path: &'a str,
    pub if_match: Option<&'a str>,
    pub body: Option<&'a Value>,
}

impl<'a> Call<'a> {
    pub fn get(path: &'a str) -> Self {
        Self { method: Method::GET, path, if_match: None, body: None }
    }

    pub fn post(path: &'a str, body: &'a Value) -> Self {
        Self { method: Method::POST, path, if_match: None, body: Some(body) }
    }
}

#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    /// Refreshing need not give a new one; the old one is then still good.
    refresh_token: Option<String>,
}

#[derive(Deserialize)]
struct Profile {
    username: String,
}

impl<'a> Client<'a> {
    pub async fn log_in(
        base: &str,
        login: &str,
        password: &str,
        out: &'a mut (dyn Write + Send),
    ) -> Result<Self, SeedError> {
        if !base.starts_with("http://") {
            return Err(SeedError::NotPlainHttp { url: base.to_owned() });
        }
        let http = reqwest::Client::builder()
            // The new slug is what counts in a redirect, and a token never follows one to another host.
            .redirect(redirect::Policy::none())
            // A proxy that the environment names for the web knows nothing of this machine's `localhost`.
            .no_proxy()
            .timeout(PATIENCE)
            .build()
            .map_err(|source| SeedError::Transport { url: base.to_owned(), source })?;
        let mut client = Self {
            http,
            base: base.trim_end_matches('/').to_owned(),
            access_token: String::new(),
            refresh_token: String::new(),
            out,
        };
        let credentials = json!({"login": login, "password": password});
        let answer = client.send_patiently(&Call::post("/sessions", &credentials)).await?;
        if answer.status != StatusCode::CREATED {
            return Err(SeedError::LogIn { user: login.to_owned(), reason: answer.reason() });
        }
        client.keep(answer.json()?);
        Ok(client)
    }

    /// The name that the signed-in user's posts carry, also when they logged in by e-mail.
    pub async fn username(&mut self) -> Result<String, SeedError> {
        let answer = self.send(&Call::get("/me")).await?;
        if answer.status != StatusCode::OK {
            return Err(SeedError::Profile { reason: answer.reason() });
        }
        answer.json::<Profile>().map(|profile| profile.username)
    }

    /// Sends one request, waiting when told to, and signing in again once when the access token has run out.
    pub async fn send(&mut self, call: &Call<'_>) -> Result<Answer, SeedError> {
        let answer = self.send_patiently(call).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        self.refresh().await?;
        self.send_patiently(call).await
    }

    async fn refresh(&mut self) -> Result<(), SeedError> {
        let body = json!({"refresh_token": self.refresh_token});
        // The expired token stays at home: a public route refuses a bad one.
        self.access_token.clear();
        let answer = self.send_patiently(&Call::post("/sessions/refresh", &body)).await?;
        if answer.status != StatusCode::OK {
            return Err(SeedError::SessionOver { reason: answer.reason() });
        }
        self.keep(answer.json()?);
        Ok(())
    }

    fn keep(&mut self, tokens: Tokens) {
        self.access_token = tokens.access_token;
        if let Some(refresh_token) = tokens.refresh_token {
            self.refresh_token = refresh_token;
        }
    }

    async fn send_patiently(&mut self, call: &Call<'_>) -> Result<Answer, SeedError> {
        for _ in 0..RETRIES {
            let answer = self.send_once(call).await?;
            let Some(pause) = answer.pause() else { return Ok(answer) };
            let seconds = pause.as_secs();
            writeln!(self.out, "        waiting {seconds} s, as the server asked ({})", answer.status)?;
            tokio::time::sleep(pause).await;
        }
        self.send_once(call).await
    }

    async fn send_once(&mut self, call: &Call<'_>) -> Result<Answer, SeedError> {
        let mut request = self.http.request(call.method.clone(), format!("{}{}", self.base, call.path));
        if !self.access_token.is_empty() {
            request = request.bearer_auth(&self.access_token);
        }
        if let Some(etag) = call.if_match {
            request = request.header(IF_MATCH, etag);
        }
        if let Some(body) = call.body {
            request = request.json(body);
        }
        let failed = |source: reqwest::Error| {
            let url = self.base.clone();
            if source.is_connect() { SeedError::NobodyThere { url } } else { SeedError::Transport { url, source } }
        };
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        let headers = response.headers().clone();
        let body = response.bytes().await.map_err(failed)?.to_vec();
        Ok(Answer { status, headers, body })
    }
}

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
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, SeedError> {
        serde_json::from_slice(&self.body).map_err(|source| SeedError::Unreadable { status: self.status, source })
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
        Some(Duration::from_secs(seconds.unwrap_or(1)))
    }

    fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}
