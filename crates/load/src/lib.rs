//! `load`: asks a stack for pages as readers of a blog do, 95 of a hundred requests, and writes as its authors do, the other five. Checks
//! every answer, reads again what was written, and reports throughput and percentiles of the time that answers took.

mod report;

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;

pub use crate::report::Report;

/// Ask a stack for pages as a blog is asked, check every answer, and report how fast it answers.
///
/// It registers a user and writes posts, comments and reactions as that user, who leaves at the end with all of it. Of a deployed stack it costs
/// what so many requests cost.
#[derive(Clone, Debug, clap::Args)]
pub struct Load {
    /// Where the API is
    #[arg(long, default_value = "http://localhost:3000/v1")]
    pub url: String,
    /// For how many seconds, at most 600
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: u64,
    /// The maximum number of requests, at most 1,000,000
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub requests: u64,
    /// How many requests are under way at a time, at most 256
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=256))]
    pub concurrency: u64,
}

/// The posts that there are before anything is measured.
const POSTS: usize = 5;
/// The tag of all posts.
const TAG: &str = "load";
/// Of a hundred requests five write and five read what those wrote. The other ninety are these, so many of each.
const READS: [(&str, usize); 10] = [
    ("a post", 35),
    ("the latest posts", 15),
    ("the posts of a tag", 10),
    ("comments", 10),
    ("the posts of an author", 5),
    ("a profile", 4),
    ("tags", 3),
    ("a search", 3),
    ("a feed", 3),
    ("the home feed", 2),
];
/// What writes, so many of a hundred requests.
const WRITES: [(&str, usize); 3] = [("publish", 1), ("comment", 2), ("react", 2)];
/// A hundred requests are so many steps: one that writes is two requests.
const STEPS: usize = 95;

/// Which step comes after so many. A step of each kind comes as often as it should in any [`STEPS`] of them, and those of a kind are
/// far apart.
fn step(number: usize) -> &'static str {
    // 37 has no divisor in common with the number of steps.
    let mut place = number * 37 % STEPS;
    for (kind, times) in READS.into_iter().chain(WRITES) {
        if place < times {
            return kind;
        }
        place -= times;
    }
    READS[0].0
}

/// Who asks, and what was found so far.
struct Session {
    http: reqwest::Client,
    base: String,
    username: String,
    password: String,
    token: String,
    report: Mutex<Report>,
    /// The next step.
    next: AtomicUsize,
    /// How many requests may still be sent.
    left: AtomicU64,
}

/// Runs it. The report says whether every answer was right.
pub async fn run(load: &Load, out: &mut (dyn Write + Send)) -> io::Result<Report> {
    let base = load.url.trim_end_matches('/').to_owned();
    let http = importer::http_client(&base).map_err(io::Error::other)?;
    let session = Arc::new(Session::sign_up(http, base, load.requests).await?);
    let measured = session.measure(load, out).await;
    // The user leaves, whatever happened.
    let left = session.ask(Method::DELETE, "/me", Some(json!({ "password": session.password })), true).await;
    let elapsed = measured?;
    left?.success("leaving")?;
    let mut report = std::mem::take(&mut *session.report());
    report.elapsed = elapsed;
    report.write(out)?;
    Ok(report)
}

/// A name that nobody has.
fn fresh() -> io::Result<String> {
    let mut bytes = [0; 12];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| io::Error::other("there is no randomness"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What came back.
struct Answer {
    status: StatusCode,
    body: Vec<u8>,
    took: Duration,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// What nothing can be measured without.
    fn success(self, what: &str) -> io::Result<Value> {
        let body = self.json();
        if self.status.is_success() {
            return Ok(body);
        }
        let reason = body["detail"].as_str().unwrap_or("no reason is given");
        Err(io::Error::other(format!("{what}: {} ({reason})", self.status)))
    }
}

/// What an answer has to be; the text says what it is not.
type Check = Box<dyn FnOnce(&Answer) -> Result<(), String> + Send>;

fn is(status: StatusCode) -> Check {
    Box::new(move |answer| match answer.status == status {
        true => Ok(()),
        false => Err(format!("{} instead of {status}: {}", answer.status, String::from_utf8_lossy(&answer.body))),
    })
}

/// 200, and a JSON body that bears this.
fn json_that(what: &'static str, bears: impl FnOnce(&Value) -> bool + Send + 'static) -> Check {
    Box::new(move |answer| {
        is(StatusCode::OK)(answer)?;
        let body = answer.json();
        if bears(&body) { Ok(()) } else { Err(format!("not {what}: {body}")) }
    })
}

/// A list of at most twenty, each of which bears this.
fn list_of(what: &'static str, bears: impl Fn(&Value) -> bool + Send + 'static) -> Check {
    json_that(what, move |body| {
        let items = body["items"].as_array();
        items.is_some_and(|items| items.len() <= 20 && items.iter().all(&bears))
    })
}

fn is_card(post: &Value) -> bool {
    ["id", "slug", "kind", "published_at"].iter().all(|field| post[field].is_string())
        && post["author"]["username"].is_string()
        && post["tags"].is_array()
}

fn is_tagged(post: &Value) -> bool {
    post["tags"].as_array().is_some_and(|tags| tags.iter().any(|tag| tag == TAG))
}

fn is_comment(comment: &Value) -> bool {
    comment["id"].is_string() && comment["created_at"].is_string()
}

impl Session {
    async fn sign_up(http: reqwest::Client, base: String, requests: u64) -> io::Result<Self> {
        let username = format!("load-{}", fresh()?);
        let mut session = Self {
            http,
            base,
            password: fresh()?,
            username,
            token: String::new(),
            report: Mutex::default(),
            next: AtomicUsize::new(0),
            left: AtomicU64::new(requests),
        };
        let Self { username, password, .. } = &session;
        let user = json!({ "username": username, "email": format!("{username}@example.com"), "password": password });
        let user = session.ask(Method::POST, "/users", Some(user), false).await?.success("registering")?;
        if user["status"] != "active" {
            return Err(io::Error::other(
                "a new user of this stack has to confirm an address: try one that confirms by itself",
            ));
        }
        let credentials = json!({ "login": username, "password": password });
        let tokens = session.ask(Method::POST, "/sessions", Some(credentials), false).await?.success("logging in")?;
        session.token = tokens["access_token"].as_str().unwrap_or_default().to_owned();
        for number in 0..POSTS {
            let written = session.ask(Method::POST, "/posts", Some(session.post(number)), true).await?;
            written.success("writing a post")?;
        }
        Ok(session)
    }

    fn report(&self) -> MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slug(&self, number: usize) -> String {
        format!("{}-{number}", self.username)
    }

    fn post(&self, number: usize) -> Value {
        json!({
            "title": format!("Load {number}"),
            "slug": self.slug(number),
            "body": format!("Post {number}. {}", "Some *text* with [a link](https://example.com/a). ".repeat(40)),
            "tags": [TAG],
            "status": "published",
        })
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>, as_user: bool) -> io::Result<Answer> {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if as_user {
            request = request.bearer_auth(&self.token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let begun = Instant::now();
        let response = request.send().await.map_err(io::Error::other)?;
        let status = response.status();
        let body = response.bytes().await.map_err(io::Error::other)?.to_vec();
        Ok(Answer { status, body, took: begun.elapsed() })
    }

    /// Asks, unless there were enough requests, and notes how long it took and what is wrong with the answer. Gives the answer if it is right.
    async fn measured(
        &self,
        kind: &'static str,
        (method, path, body): (Method, &str, Option<Value>),
        as_user: bool,
        check: Check,
    ) -> Option<Value> {
        let take = |left: u64| left.checked_sub(1);
        self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).ok()?;
        let answer = self.ask(method, path, body, as_user).await;
        let mut report = self.report();
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                report.wrong(kind, path, &format!("no answer: {error}"));
                return None;
            }
        };
        if matches!(answer.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            report.refused(kind);
            return None;
        }
        match check(&answer) {
            Ok(()) => {
                report.right(kind, answer.took);
                Some(answer.json())
            }
            Err(what) => {
                report.wrong(kind, path, &what);
                None
            }
        }
    }

    /// Sends requests until the time or their number is up; gives the time that it took.
    async fn measure(self: &Arc<Self>, load: &Load, out: &mut (dyn Write + Send)) -> io::Result<Duration> {
        writeln!(
            out,
            "{} for {} s, at most {} requests, {} at a time.",
            self.base, load.seconds, load.requests, load.concurrency
        )?;
        let begun = Instant::now();
        let end = begun + Duration::from_secs(load.seconds);
        let mut tasks = JoinSet::new();
        for _ in 0..load.concurrency {
            let session = Arc::clone(self);
            tasks.spawn(async move {
                while Instant::now() < end && session.left.load(Ordering::SeqCst) > 0 {
                    let number = session.next.fetch_add(1, Ordering::SeqCst);
                    session.do_step(number).await;
                }
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.map_err(io::Error::other)?;
        }
        Ok(begun.elapsed())
    }

    async fn do_step(&self, number: usize) {
        let kind = step(number);
        let post = self.slug(number % POSTS);
        let read = format!("/posts/{post}");
        let get = |path: &str| (Method::GET, path.to_owned());
        let (path, check): (_, Check) = match kind {
            "a post" => {
                let title = json!(format!("Load {}", number % POSTS));
                let begin = format!("<p>Post {}. Some <em>text</em>", number % POSTS);
                let check = json_that("the post", move |post| {
                    let html = post["html"].as_str().unwrap_or_default();
                    is_card(post) && post["title"] == title && html.starts_with(&begin)
                });
                (get(&read), check)
            }
            "the latest posts" => (get("/posts"), list_of("cards", is_card)),
            "the posts of a tag" => (
                get(&format!("/posts?tag={TAG}")),
                list_of("cards with the tag", |post| is_card(post) && is_tagged(post)),
            ),
            "comments" => (get(&format!("{read}/comments")), list_of("comments", is_comment)),
            "the posts of an author" => {
                let author = self.username.clone();
                let path = format!("/posts?author={author}");
                let is_theirs = move |post: &Value| is_card(post) && post["author"]["username"] == author;
                (get(&path), list_of("cards of the author", is_theirs))
            }
            "a profile" => {
                let name = self.username.clone();
                let check =
                    json_that("the profile", move |user| user["username"] == name && user["counts"].is_object());
                (get(&format!("/users/{}", self.username)), check)
            }
            "tags" => (get("/tags"), json_that("tags", |tags| tags["items"].is_array())),
            "a search" => (get("/search?q=text"), list_of("cards", is_card)),
            "a feed" => {
                let check: Check = Box::new(|answer| {
                    is(StatusCode::OK)(answer)?;
                    let text = String::from_utf8_lossy(&answer.body);
                    if text.contains("<feed") && text.trim_end().ends_with("</feed>") {
                        Ok(())
                    } else {
                        Err("not a feed".to_owned())
                    }
                });
                (get("/feed.xml"), check)
            }
            "the home feed" => (get("/me/feed"), list_of("cards", is_card)),
            _ => return self.write(kind, number, &read).await,
        };
        let (method, path) = path;
        self.measured(kind, (method, &path, None), kind == "the home feed", check).await;
    }

    /// Writes something, and reads it at once.
    async fn write(&self, kind: &'static str, number: usize, post: &str) {
        let again = "what was written";
        match kind {
            "publish" => {
                // Those before the first are there.
                let number = POSTS + number;
                let (slug, written) = (self.slug(number), self.post(number));
                let published = (Method::POST, "/posts", Some(written));
                if self.measured(kind, published, true, is(StatusCode::CREATED)).await.is_some() {
                    let mine = format!("/posts?author={}", self.username);
                    let has = json_that("a list with the new post", move |list| {
                        list["items"].as_array().is_some_and(|posts| posts.iter().any(|post| post["slug"] == slug))
                    });
                    self.measured(again, (Method::GET, &mine, None), true, has).await;
                }
            }
            "comment" => {
                let body = format!("Comment {number}.");
                let path = format!("{post}/comments");
                let comment = (Method::POST, path.as_str(), Some(json!({ "body": body })));
                if let Some(comment) = self.measured(kind, comment, true, is(StatusCode::CREATED)).await {
                    let path = format!("{path}/{}", comment["id"].as_str().unwrap_or_default());
                    let has = json_that("the comment", move |comment| comment["body"] == body);
                    self.measured(again, (Method::GET, &path, None), true, has).await;
                }
            }
            _ => {
                let path = format!("{post}/reaction");
                let react = (Method::PUT, path.as_str(), Some(json!({ "kind": "like" })));
                if self.measured(kind, react, true, is(StatusCode::NO_CONTENT)).await.is_some() {
                    let has = json_that("a post with the reaction", |post| post["viewer"]["reaction"] == "like");
                    self.measured(again, (Method::GET, post, None), true, has).await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn five_of_a_hundred_requests_write() {
        let (reads, writes) =
            (READS.iter().map(|(_, times)| times).sum::<usize>(), WRITES.iter().map(|(_, times)| times).sum());
        assert_eq!((reads, writes, reads + writes), (90, 5, STEPS));
        for begin in [0, 17, 1000] {
            let mut seen = BTreeMap::<_, usize>::new();
            for number in begin..begin + STEPS {
                *seen.entry(step(number)).or_default() += 1;
            }
            assert_eq!(seen, READS.into_iter().chain(WRITES).collect());
        }
    }

    #[test]
    fn an_answer_of_another_shape_is_wrong() {
        let answer = |status, body: Value| Answer { status, body: body.to_string().into_bytes(), took: Duration::ZERO };
        let card = json!({ "id": "1", "slug": "a", "kind": "note", "published_at": "2026", "author": { "username": "ada" }, "tags": [] });
        let list = |items: Vec<Value>| answer(StatusCode::OK, json!({ "items": items }));
        assert_eq!(list_of("cards", is_card)(&list(vec![card.clone()])), Ok(()));
        assert!(list_of("cards", is_card)(&list(vec![card.clone(), json!({ "id": "1" })])).is_err());
        assert!(list_of("cards", is_card)(&list(vec![card.clone(); 21])).is_err());
        assert!(list_of("cards with the tag", is_tagged)(&list(vec![card])).is_err());
        assert!(list_of("cards", is_card)(&answer(StatusCode::NOT_FOUND, json!({ "items": [] }))).is_err());
    }
}
