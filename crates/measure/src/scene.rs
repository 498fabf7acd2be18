//! A small blog in the services of the local stack, and the requests to it that are measured.

use std::collections::BTreeMap;
use std::io;

use edge::{Clock, SignUpConfirmation};
use local::backing::{Emulators, Storage};
use local::gateway::operations;
use local::s3::{KEY_ID, SECRET};
use local::stack::{Options, Stack};
use serde_json::{Value, json};

use crate::asked::{Asked, PASSWORD, register};
use crate::instructions::EVENTS;
use crate::tls::Certificate;

/// The posts of the blog; a page of a list has twenty.
const POSTS: usize = 25;
/// The requests whose processor time is measured, after those whose instructions are.
const TIMED: usize = 40;
/// The address of the administrator, who may do everything.
const ADMIN: &str = "admin@example.com";

/// The blog, and the environment of functions that serve it.
pub struct Scene {
    /// What every function gets.
    pub environment: BTreeMap<String, String>,
    /// The number of roots that functions trust.
    pub roots: usize,
    stack: Stack,
    token: String,
    content_key: String,
    _folder: tempfile::TempDir,
}

/// A request that is measured.
pub struct Request {
    /// What it is called in the table.
    pub name: String,
    /// The binary that answers it.
    pub binary: String,
    /// The handler in it.
    pub handler: String,
    /// What the function gets: each a request.
    pub events: Vec<Value>,
}

fn failed(what: &str) -> impl FnOnce(&'static str) -> io::Error {
    move |kind| io::Error::other(format!("{what}: the gateway answers {kind}"))
}

impl Scene {
    /// Sets it: starts the services, with TLS in front of the table and of the pool's keys, and writes a blog.
    pub async fn set() -> io::Result<Self> {
        let stack = Stack::start(Options {
            storage: Storage::Memory,
            sign_up_confirmation: SignUpConfirmation::Auto,
            admin_email: Some(ADMIN.to_owned()),
            clock: Clock::system(),
            emulators: Emulators::of_this_machine(),
            triggers: true,
            parameters: [
                ("Conduit", "true"),
                ("GhostContent", "true"),
                ("PostsPerDay", "0"),
                ("RequestsPerMinute", "0"),
                ("SuccessLines", "100"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        })
        .await?;
        let folder = tempfile::tempdir()?;
        let roots_file = folder.path().join("roots.pem");
        let certificate = Certificate::new()?;
        let roots = certificate.write_roots(&roots_file)?;
        let table = certificate.in_front_of(stack.backing.dynamodb).await?;
        let keys = certificate.in_front_of(stack.backing.cognito_address).await?;
        let path = stack.backing.jwks_url();
        let path = path.split_once("//").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
        let (pool, s3) = (stack.backing.cognito_address, stack.backing.s3);

        let mut environment = stack.gateway.template().environment.clone();
        environment.extend(
            [
                ("ENDPOINTS", format!("dynamodb={table},cognito=http://{pool},s3=http://{s3},jwks={keys}/{path}")),
                ("AWS_CA_BUNDLE", roots_file.display().to_string()),
                ("AWS_ACCESS_KEY_ID", KEY_ID.to_owned()),
                ("AWS_SECRET_ACCESS_KEY", SECRET.to_owned()),
                ("AWS_REGION", "us-east-1".to_owned()),
                ("AWS_LAMBDA_FUNCTION_NAME", "measured".to_owned()),
                ("AWS_LAMBDA_FUNCTION_VERSION", "1".to_owned()),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256".to_owned()),
                ("AWS_LAMBDA_LOG_GROUP_NAME", "measured".to_owned()),
                ("AWS_LAMBDA_LOG_STREAM_NAME", "measured".to_owned()),
                ("AWS_LAMBDA_LOG_LEVEL", "INFO".to_owned()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        let mut scene =
            Self { environment, roots, stack, token: String::new(), content_key: String::new(), _folder: folder };
        scene.write_blog().await?;
        Ok(scene)
    }

    async fn write_blog(&mut self) -> io::Result<()> {
        self.token = register(&self.stack, 0, "ada", ADMIN).await?;
        for number in 0..POSTS {
            self.call(Asked::post("/v1/posts", post(number)).by(&self.token)).await?;
        }
        let thread = format!("/v1/posts/{}/comments", slug(0));
        for number in 0..20 {
            let comment = json!({ "body": format!("Comment number {number}, of some length, as most are.") });
            self.call(Asked::post(&thread, comment).by(&self.token)).await?;
        }
        let key = json!({ "name": "measure" });
        let key = self.call(Asked::post("/v1/admin/content-keys", key).by(&self.token)).await?;
        self.content_key = key["key"].as_str().unwrap_or_default().to_owned();
        self.stack.streams.drain(&self.stack.backing).await
    }

    async fn call(&self, asked: Asked<'_>) -> io::Result<Value> {
        asked.of(&self.stack).await
    }

    /// For each binary what it is asked first, which asks the table if any request does. The empty function is asked the same as
    /// `posts`.
    pub async fn cold_starts(&self) -> io::Result<Vec<Request>> {
        let read = format!("/v1/posts/{}", slug(3));
        let content = format!("/ghost/api/content/posts/?key={}", self.content_key);
        let token = self.token.as_str();
        let mut requests = vec![
            Request { name: "floor".to_owned(), binary: "floor".to_owned(), ..self.request(Asked::get(&read)).await? },
            self.question()?,
        ];
        for asked in [
            Asked::get("/v1/me").by(token),
            Asked::get(&read),
            Asked::get(&format!("{read}/comments")),
            Asked::get("/v1/feed.xml"),
            Asked::get("/v1/search?q=number"),
            Asked::get("/v1/me/media").by(token),
            Asked::get("/v1/webhooks").by(token),
            Asked::get(&format!("/v1/pages/posts/{}", slug(3))),
            Asked::get("/v1/ready"),
            Asked::get("/v1/nothing/of/the/kind"),
            Asked::get("/api/articles"),
            Asked::get(&content),
        ] {
            requests.push(self.request(asked).await?);
        }
        requests.push(Request {
            name: "keep_table".to_owned(),
            binary: "events".to_owned(),
            handler: "keep_table".to_owned(),
            events: vec![json!({ "Records": [] })],
        });
        Ok(requests)
    }

    /// Typical requests, each of them often enough.
    pub async fn warm_requests(&self) -> io::Result<Vec<Request>> {
        let token = self.token.as_str();
        let read = format!("/v1/posts/{}", slug(3));
        let times = EVENTS + TIMED;
        let repeated = |request: Request| Request { events: vec![request.events[0].clone(); times], ..request };
        let mut requests = vec![repeated(Request { name: "authorizer, a token".to_owned(), ..self.question()? })];
        for (handler, name) in
            [("bare_get_item", "one GetItem of a post, bare"), ("bare_query", "one Query of a post, bare")]
        {
            let (name, binary, handler) = (name.to_owned(), "bare".to_owned(), handler.to_owned());
            requests.push(repeated(Request { name, binary, handler, ..self.request(Asked::get(&read)).await? }));
        }
        for asked in [
            Asked::get(&read),
            Asked::get("/v1/posts"),
            Asked::get("/v1/posts?tag=measured"),
            Asked::get("/v1/me").by(token),
            Asked::get(&format!("/v1/posts/{}/comments", slug(0))),
            Asked::get("/v1/search?q=number"),
            Asked::get("/v1/feed.xml"),
            Asked::get("/v1/pages"),
            Asked::get(&format!("/v1/pages/posts/{}", slug(3))),
            Asked::get("/v1/health"),
            Asked::put(&format!("{read}/reaction"), json!({ "kind": "like" })).by(token),
        ] {
            requests.push(repeated(self.request(asked).await?));
        }
        let (mut created, mut logged_in, mut commented) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..times {
            created.push(self.request(Asked::post("/v1/posts", post(POSTS + number)).by(token)).await?);
            let comment = json!({ "body": format!("Comment {number:03}, of some length, as most are.") });
            commented.push(self.request(Asked::post(&format!("{read}/comments"), comment).by(token)).await?);
            logged_in.push(self.request(log_in(1 + number)).await?);
        }
        requests.extend([created, commented, logged_in].into_iter().filter_map(united));
        Ok(requests)
    }

    async fn request(&self, asked: Asked<'_>) -> io::Result<Request> {
        let event = self.stack.gateway.event_of(asked.request()?, asked.source).await;
        let (handler, event) = event.map_err(failed(&asked.path))?;
        let binary =
            operations().find(|(_, operation)| operation.name == handler).map_or(handler, |(binary, _)| binary);
        let path = asked.path.strip_prefix("/v1").unwrap_or(&asked.path);
        // Which posts there are is of no matter, and a key is a secret.
        let query = path.split_once('?').map(|(_, query)| query).filter(|query| !query.starts_with("key="));
        let name = format!("{handler}{}", query.map(|query| format!(", {query}")).unwrap_or_default());
        Ok(Request { name, binary: binary.to_owned(), handler: handler.to_owned(), events: vec![event] })
    }

    fn question(&self) -> io::Result<Request> {
        let asked = Asked::get("/v1/me").by(&self.token);
        let event = self.stack.gateway.question_of(asked.request()?, asked.source).map_err(failed("authorizer"))?;
        let name = "authorizer".to_owned();
        Ok(Request { binary: name.clone(), handler: name.clone(), name, events: vec![event] })
    }
}

/// Requests of one kind as one.
fn united(requests: Vec<Request>) -> Option<Request> {
    let mut requests = requests.into_iter();
    let mut first = requests.next()?;
    first.events.extend(requests.flat_map(|request| request.events));
    Some(first)
}

fn log_in(source: usize) -> Asked<'static> {
    Asked::post("/v1/sessions", json!({ "login": "ada", "password": PASSWORD })).from(source)
}

fn slug(number: usize) -> String {
    format!("post-number-{number:04}")
}

/// A post with 10 KB of Markdown and a card of a kilobyte.
fn post(number: usize) -> Value {
    let paragraph = "Some *text* with [a link](https://example.com/a) and `code`, of which a post has many lines.\n\n";
    json!({
        "title": format!("Post number {number:04}"),
        "slug": slug(number),
        "body": paragraph.repeat(10_000 / paragraph.len()),
        "summary": "s".repeat(470),
        "tags": ["measured"],
        "status": "published",
    })
}
