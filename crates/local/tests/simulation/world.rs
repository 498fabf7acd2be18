//! A stack with its clients: does what they ask for, and notes what they are answered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::Role;
use local::wire::{ORIGIN, Scheduler};
use serde_json::{Value, json};
use table::Repair;

use super::fate::Fate;
use super::linear::Access;
use super::model::{CommentOp, CommentStatus, Histories, NameOp, PostOp, Shown, Span, Status, Thing};
use super::plan::{
    ADMIN, AUTHORS, Act, CLIENTS, EDITOR, NAMES, POSTS, REACTIONS, READER, Request, TAGS, author_of, tag_of,
};
use crate::harness::{Answer, Client, PASSWORD, TestStack};
use crate::repaired;

pub struct World {
    stack: TestStack,
    fate: Fate,
    clients: Vec<Client>,
    ids: Vec<String>,
    known: Mutex<Known>,
    pub is_over: AtomicBool,
}

#[derive(Default)]
struct Known {
    histories: Histories,
    /// The version that a client saw last of a post.
    versions: BTreeMap<(usize, usize), u64>,
    comments: Vec<KnownComment>,
    keys: Vec<Key>,
    /// The last reaction that each was seen to have.
    reactions: BTreeMap<(usize, usize), usize>,
    /// When which post is to be published, and whether that was possible already.
    due: Vec<(usize, i64, bool)>,
    violation: Option<String>,
}

#[derive(Clone)]
struct KnownComment {
    number: u32,
    id: String,
    post: usize,
    author: usize,
}

#[derive(Clone)]
struct Key {
    client: usize,
    id: String,
    text: String,
    revoked_at: Option<i64>,
}

fn slug(post: usize) -> String {
    format!("p{post}")
}

fn post_of(slug: &str) -> Option<usize> {
    slug.strip_prefix('p')?.parse().ok()
}

impl World {
    /// A stack with its users, on which nothing fails yet.
    pub async fn start(fate: &Fate, holds_comments: bool) -> Self {
        let hold = if holds_comments { "all" } else { "none" };
        let stack = TestStack::start_unwatched(&[("HoldComments", hold)]).await;
        let (bus, order) = (&stack.stack.bus, fate.clone());
        stack.stack.wire.simulate(std::sync::Arc::new(fate.clone()));
        bus.deliver_in_order(move |waiting| order.below(waiting));
        let mut clients = Vec::new();
        for (number, name) in CLIENTS.into_iter().enumerate() {
            clients.push(match number {
                ADMIN => stack.admin().await,
                EDITOR => stack.user_with_role(name, Role::Editor).await,
                READER => stack.user_with_role(name, Role::Reader).await,
                _ => stack.user(name).await,
            });
        }
        let mut ids = Vec::new();
        for client in &clients {
            ids.push(client.get("/me").await.body["id"].as_str().unwrap().to_owned());
        }
        stack.settle().await;
        Self { stack, fate: fate.clone(), clients, ids, known: Mutex::default(), is_over: AtomicBool::new(false) }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap()
    }

    pub fn violation(&self) -> Option<String> {
        self.known().violation.clone()
    }

    fn violated(&self, what: String) {
        self.fate.note(format!("VIOLATED: {what}"));
        self.known().violation.get_or_insert(what);
    }

    fn now(&self) -> i64 {
        self.stack.stack.blog.now().milliseconds()
    }

    /// Hands changes on whenever it is its turn, and now and then some that were handed on before.
    pub async fn consume(&self) {
        let mut earlier: Vec<Value> = Vec::new();
        while !self.is_over.load(Ordering::SeqCst) {
            self.fate.wait("the stream").await;
            let stack = &self.stack.stack;
            let records = stack.backing.records().unwrap();
            stack.streams.drain(&stack.backing).await.unwrap();
            let _ = stack.bus.take_recorded();
            earlier.extend(records);
            if !earlier.is_empty() && self.fate.below(6) == 0 {
                let start = self.fate.below(earlier.len());
                let end = (start + 1 + self.fate.below(5)).min(earlier.len());
                stack.streams.hand_on(&earlier[start..end]).await;
            }
        }
    }

    /// Asks for it. Nothing if the answer is lost: it may have happened or not.
    async fn send(&self, client: &Client, method: &str, path: &str, asked: Asked) -> (Option<Answer>, Span) {
        let origin = ORIGIN.with(Clone::clone);
        let start = self.fate.moment();
        self.stack.pass_milliseconds(7);
        let exchange = {
            let (client, method, path) = (client.clone(), method.to_owned(), path.to_owned());
            async move {
                let mut headers: Vec<(&str, &str)> = Vec::new();
                headers.extend(asked.body.is_some().then_some(("content-type", "application/json")));
                headers.extend(asked.if_match.as_deref().map(|value| ("if-match", value)));
                headers.extend(asked.key.as_deref().map(|value| ("idempotency-key", value)));
                let body = asked.body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
                client.exchange(&method, &path, &headers, body).await
            }
        };
        // A task of its own, which may be given up like a connection.
        let answer = match tokio::spawn(ORIGIN.scope(origin.clone(), exchange)).await {
            Ok(answer) => answer,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        let status = answer.status.as_u16();
        let end = self.fate.moment();
        let what = format!("{origin} {method} {path} {status}");
        self.fate.note(format!("{what} {}", answer.header("etag")));
        let is_lost = match status {
            500 if self.fate.has_crashed(&origin) => true,
            503 => {
                answer.check(method, path);
                true
            }
            _ => {
                answer.check(method, path);
                false
            }
        };
        if is_lost {
            return (None, Span { what, start, end: None });
        }
        (Some(answer), Span { what, start, end: Some(end) })
    }

    /// Fails if this is not among the statuses that the model expects of a request that is refused.
    fn expect(&self, answer: &Answer, span: &Span, statuses: &[u16]) {
        let status = answer.status.as_u16();
        if !statuses.contains(&status) && status != 429 {
            self.violated(format!("{}: {} is none of {statuses:?}", span.what, answer.body));
        }
    }

    pub async fn perform(&self, Request { client: number, act }: Request) {
        let client = &self.clients[number];
        let visitor = self.stack.visitor();
        match act {
            Act::Create { post, title, published } => self.create(number, post, title, published).await,
            Act::Edit { post, title, pinned_down } => {
                let seen = self.known().versions.get(&(number, post)).copied();
                let if_match = seen.filter(|_| pinned_down);
                let asked = Asked::body(json!({ "title": format!("Title t{title}") }));
                let header = if_match.map_or("*".to_owned(), |version| format!("\"{version}-x\""));
                let (answer, span) =
                    self.send(client, "PATCH", &format!("/posts/{}", slug(post)), asked.if_match(&header)).await;
                self.changed(number, post, PostOp::Edit { title, if_match }, answer, &span);
            }
            Act::Publish { post, delay } => {
                let at = delay.map(|delay| self.now() + delay);
                if let Some(at) = at {
                    self.known().due.push((post, at, false));
                }
                let time = |at: i64| domain::Timestamp::from_milliseconds(at).to_string();
                let body = at.map_or(json!({}), |at| json!({ "publish_at": time(at) }));
                let path = format!("/posts/{}/publish", slug(post));
                let (answer, span) = self.send(client, "POST", &path, Asked::body(body)).await;
                self.changed(number, post, PostOp::Publish { at }, answer, &span);
            }
            Act::Unpublish { post } => {
                let path = format!("/posts/{}/unpublish", slug(post));
                let (answer, span) = self.send(client, "POST", &path, Asked::default()).await;
                self.changed(number, post, PostOp::Unpublish, answer, &span);
            }
            Act::Trash { post } => {
                let (answer, span) =
                    self.send(client, "DELETE", &format!("/posts/{}", slug(post)), Asked::default()).await;
                self.changed(number, post, PostOp::Trash, answer, &span);
            }
            Act::Restore { post } => {
                let path = format!("/posts/{}/restore", slug(post));
                let (answer, span) = self.send(client, "POST", &path, Asked::default()).await;
                self.changed(number, post, PostOp::Restore, answer, &span);
            }
            Act::Pin { post, on } => {
                let path = format!("/posts/{}/pin", slug(post));
                let (answer, span) =
                    self.send(client, if on { "PUT" } else { "DELETE" }, &path, Asked::default()).await;
                let may = number == ADMIN || number == EDITOR;
                match &answer {
                    Some(answer) if !may => self.expect(answer, &span, &[403]),
                    _ => self.changed(EDITOR, post, PostOp::Pin(on), answer, &span),
                }
            }
            Act::Read { post, anonymous } => self.read(number, post, anonymous, "").await,
            Act::React { post, kind } => {
                let path = format!("/posts/{}/reaction", slug(post));
                let (method, asked) = match kind {
                    Some(kind) => ("PUT", Asked::body(json!({ "kind": REACTIONS[kind] }))),
                    None => ("DELETE", Asked::default()),
                };
                let (answer, span) = self.send(client, method, &path, asked).await;
                let value = kind.map_or(0, |kind| u32::try_from(kind).unwrap() + 1);
                self.wrote(Thing::Reaction { client: number, post }, value, answer, &span, &[404, 409, 410]);
            }
            Act::Follow { user, on } => {
                let path = format!("/users/{}/follow", CLIENTS[user]);
                let (answer, span) =
                    self.send(client, if on { "PUT" } else { "DELETE" }, &path, Asked::default()).await;
                if user == number {
                    answer.iter().for_each(|answer| self.expect(answer, &span, &[422]));
                } else {
                    self.wrote(Thing::Follow { client: number, user }, u32::from(on), answer, &span, &[409]);
                }
            }
            Act::FollowTag { tag, on } => {
                let path = format!("/tags/{}/follow", TAGS[tag]);
                let (answer, span) =
                    self.send(client, if on { "PUT" } else { "DELETE" }, &path, Asked::default()).await;
                self.wrote(Thing::FollowedTag { client: number, tag }, u32::from(on), answer, &span, &[409]);
            }
            Act::Profile { user } => {
                let (answer, span) =
                    self.send(client, "GET", &format!("/users/{}", CLIENTS[user]), Asked::default()).await;
                if let Some(answer) = answer {
                    self.expect(&answer, &span, &[200]);
                    if user != number {
                        let following = u32::from(answer.body["following"] == true);
                        self.known().histories.thing(
                            Thing::Follow { client: number, user },
                            Access::Read(following),
                            &span,
                        );
                    }
                }
            }
            Act::Bookmark { post, on } => {
                let path = format!("/me/bookmarks/{}", slug(post));
                let (answer, span) =
                    self.send(client, if on { "PUT" } else { "DELETE" }, &path, Asked::default()).await;
                self.wrote(Thing::Bookmark { client: number, post }, u32::from(on), answer, &span, &[404, 409, 410]);
            }
            Act::Comment { post, number: comment } => self.comment(number, post, comment).await,
            Act::Delete { recent } => {
                let Some(comment) = self.recent(recent) else { return };
                let path = format!("/posts/{}/comments/{}", slug(comment.post), comment.id);
                let (answer, span) = self.send(client, "DELETE", &path, Asked::default()).await;
                let may = number == ADMIN || number == EDITOR || number == comment.author;
                let refused: &[u16] = if may { &[204, 404, 409, 410] } else { &[403, 404, 410] };
                answer.iter().for_each(|answer| self.expect(answer, &span, refused));
                if may && answer.is_none_or(|answer| answer.status == 204) {
                    self.known().histories.comment(comment.number, CommentOp::Delete, &span);
                }
            }
            Act::Decide { recent, approve } => {
                let Some(comment) = self.recent(recent) else { return };
                let asked = Asked::body(json!({ "decision": if approve { "approve" } else { "reject" } }));
                let (answer, span) =
                    self.send(client, "PUT", &format!("/moderation/comments/{}", comment.id), asked).await;
                let may = number == ADMIN || number == EDITOR;
                answer
                    .iter()
                    .for_each(|answer| self.expect(answer, &span, if may { &[200, 404, 409] } else { &[403] }));
                if may && answer.is_none_or(|answer| answer.status == 200) {
                    let op = if approve { CommentOp::Approve } else { CommentOp::Delete };
                    self.known().histories.comment(comment.number, op, &span);
                }
            }
            Act::Comments { post } => {
                let path = format!("/posts/{}/comments?limit=100", slug(post));
                let anonymous = number % 2 == 0;
                let (answer, span) =
                    self.send(if anonymous { &visitor } else { client }, "GET", &path, Asked::default()).await;
                let Some(answer) = answer else { return };
                self.expect(&answer, &span, &[200, 404, 410]);
                if answer.status == 200 {
                    self.saw_comments(post, number, anonymous, &answer, &span);
                }
            }
            Act::ByAuthor { user } => {
                let path = format!("/posts?author={}&limit=100", CLIENTS[user]);
                let (answer, span) = self.send(&visitor, "GET", &path, Asked::default()).await;
                self.saw_list(answer, &span, |post| author_of(post) == user);
            }
            Act::ByTag { tag } => {
                let path = format!("/posts?tag={}&limit=100", TAGS[tag]);
                let (answer, span) = self.send(&visitor, "GET", &path, Asked::default()).await;
                self.saw_list(answer, &span, |post| tag_of(post) == TAGS[tag]);
            }
            // Of several lists, so what is missing may have changed from one to the other.
            Act::Latest => {
                let (answer, span) = self.send(&visitor, "GET", "/posts?limit=100", Asked::default()).await;
                self.saw_list(answer, &span, |_| false);
            }
            Act::Feed => {
                let (answer, span) = self.send(client, "GET", "/me/feed?limit=100", Asked::default()).await;
                self.saw_list(answer, &span, |_| false);
            }
            Act::Search { post } => {
                let path = format!("/search?q=title+author%3A{}", CLIENTS[author_of(post)]);
                let (answer, span) = self.send(&visitor, "GET", &path, Asked::default()).await;
                self.saw_list(answer, &span, |_| false);
            }
            Act::Mine => {
                let (answer, span) = self.send(client, "GET", "/me/posts?limit=100", Asked::default()).await;
                let Some(answer) = answer else { return };
                self.expect(&answer, &span, if number == READER { &[200, 403] } else { &[200] });
                if answer.status != 200 {
                    return;
                }
                let shown = shown_posts(&answer);
                for post in (0..POSTS).filter(|post| author_of(*post) == number) {
                    // Without a filter it shows what is not in the trash.
                    let op = shown.get(&post).map(|shown| PostOp::Own(Some(*shown)));
                    if let Some(op) = op {
                        self.known().histories.post(post, op, None, &span);
                    }
                }
            }
            Act::Rename { name } => {
                let asked = Asked::body(json!({ "username": NAMES[name] }));
                let (answer, span) = self.send(client, "PATCH", "/me", asked).await;
                self.took_name(name, 0, answer, &span, 200);
            }
            Act::Register { name, number } => self.register(name, number).await,
            Act::CreateKey => {
                let asked = Asked::body(json!({ "name": "key", "scopes": ["read"] }));
                let (answer, span) = self.send(client, "POST", "/me/keys", asked).await;
                let Some(answer) = answer else { return };
                self.expect(&answer, &span, &[201, 409]);
                if answer.status == 201 {
                    let text = |name: &str| answer.body[name].as_str().unwrap().to_owned();
                    let key = Key { client: number, id: text("id"), text: text("key"), revoked_at: None };
                    self.known().keys.push(key);
                }
            }
            Act::UseKey => {
                let Some(key) = self.known().keys.last().cloned() else { return };
                let started_at = self.now();
                let (answer, span) = self.send(&self.stack.bearer(&key.text), "GET", "/me", Asked::default()).await;
                let Some(answer) = answer else { return };
                match key.revoked_at {
                    None => self.expect(&answer, &span, &[200, 401]),
                    // Within a minute.
                    Some(at) if started_at < at + 61_000 => self.expect(&answer, &span, &[200, 401]),
                    Some(_) => self.expect(&answer, &span, &[401]),
                }
                if answer.status == 200 && answer.body["id"] != self.ids[key.client].as_str() {
                    self.violated(format!("{}: the key of {} shows {}", span.what, key.client, answer.body));
                }
            }
            Act::DeleteKey => {
                let own = self.known().keys.iter().rposition(|key| key.client == number && key.revoked_at.is_none());
                let Some(position) = own else { return };
                let path = format!("/me/keys/{}", self.known().keys[position].id);
                let (answer, span) = self.send(client, "DELETE", &path, Asked::default()).await;
                if let Some(answer) = answer {
                    self.expect(&answer, &span, &[204, 404]);
                    let now = self.now();
                    self.known().keys[position].revoked_at = Some(now);
                }
            }
            Act::Minute => {
                self.stack.pass_seconds(60);
                self.note_what_is_due();
                self.stack.minute().await;
            }
        }
    }

    /// From now on a job may publish what is due.
    fn note_what_is_due(&self) {
        let (now, start) = (self.now(), self.fate.moment());
        let mut known = self.known();
        let Known { due, histories, .. } = &mut *known;
        for (post, at, is_noted) in due.iter_mut().filter(|(_, at, is_noted)| *at <= now && !*is_noted) {
            *is_noted = true;
            let span = Span { what: format!("publish_due {at}"), start, end: None };
            histories.post(*post, PostOp::ComeOut { at: *at }, None, &span);
        }
    }

    fn recent(&self, recent: usize) -> Option<KnownComment> {
        self.known().comments.iter().rev().nth(recent).cloned()
    }

    async fn create(&self, number: usize, post: usize, title: u32, published: bool) {
        let status = if published { "published" } else { "draft" };
        let body = json!({
            "title": format!("Title t{title}"), "body": format!("Text {title}."), "slug": slug(post), "status": status,
            "tags": ["all", tag_of(post)],
        });
        let asked = || Asked::body(body.clone()).key(&format!("post-{title}"));
        let (answer, span) = self.send(&self.clients[number], "POST", "/posts", asked()).await;
        if number == READER {
            answer.iter().for_each(|answer| self.expect(answer, &span, &[403]));
            return;
        }
        let was_lost = answer.is_none();
        self.changed(number, post, PostOp::Create { title, published }, answer, &span);
        if was_lost {
            let (answer, span) = self.send(&self.clients[number], "POST", "/posts", asked()).await;
            // What is answered may be what was answered first.
            let answer = answer.filter(|answer| answer.status != 201).or_else(|| {
                self.known().histories.post(post, PostOp::CreateAgain { title, published }, None, &span);
                None
            });
            if answer.is_some() {
                self.changed(number, post, PostOp::CreateAgain { title, published }, answer, &span);
            }
        }
    }

    /// Notes what came of a change of a post.
    fn changed(&self, number: usize, post: usize, op: PostOp, answer: Option<Answer>, span: &Span) {
        let may = number == ADMIN || number == EDITOR || number == author_of(post);
        let Some(answer) = answer else {
            if may {
                self.known().histories.post(post, op, None, span);
            }
            return;
        };
        let status = answer.status.as_u16();
        if !may {
            return self.expect(&answer, span, &[403, 404]);
        }
        let kind = answer.body["type"].as_str().unwrap_or_default().rsplit(':').next().unwrap_or_default();
        let noted = match (status, kind) {
            (200 | 201, _) => Some((op, Some(Shown::read(&answer.body)))),
            (204, _) => Some((op, None)),
            (404, _) => Some((PostOp::Read(None), None)),
            (410, _) => Some((PostOp::Gone, None)),
            (412, _) => match op {
                PostOp::Edit { if_match: Some(version), .. } => Some((PostOp::Stale(version), None)),
                _ => return self.violated(format!("{}: {}", span.what, answer.body)),
            },
            (409, "slug-taken") => Some((PostOp::Taken, None)),
            (409 | 429, _) => None,
            _ => return self.violated(format!("{}: {}", span.what, answer.body)),
        };
        let mut known = self.known();
        if let Some((op, shown)) = noted {
            if let Some(shown) = shown {
                known.versions.insert((number, post), shown.version);
            }
            known.histories.post(post, op, shown, span);
        }
    }

    /// Notes what came of a write of something.
    fn wrote(&self, thing: Thing, value: u32, answer: Option<Answer>, span: &Span, refused: &[u16]) {
        match answer {
            Some(answer) if answer.status != 204 => self.expect(&answer, span, refused),
            _ => self.known().histories.thing(thing, Access::Write(value), span),
        }
    }

    async fn read(&self, number: usize, post: usize, anonymous: bool, prefix: &str) {
        let visitor = self.stack.visitor();
        let client = if anonymous { &visitor } else { &self.clients[number] };
        let (answer, mut span) = self.send(client, "GET", &format!("/posts/{}", slug(post)), Asked::default()).await;
        span.what.insert_str(0, prefix);
        let Some(answer) = answer else { return };
        let may = !anonymous && (number == ADMIN || number == EDITOR || number == author_of(post));
        self.expect(&answer, &span, if may { &[200, 404, 410] } else { &[200, 404] });
        let shown = (answer.status == 200).then(|| Shown::read(&answer.body));
        let op = match answer.status.as_u16() {
            410 => PostOp::Gone,
            _ if may => PostOp::Read(shown),
            _ => PostOp::Public(shown),
        };
        let mut known = self.known();
        known.histories.post(post, op, None, &span);
        if let Some(shown) = shown.filter(|_| !anonymous) {
            known.versions.insert((number, post), shown.version);
            // Of a post that is not published nobody sees what they did with it.
            if shown.status != Status::Published {
                return;
            }
            let reaction = answer.body["viewer"]["reaction"].as_str();
            let reaction = reaction.map_or(0, |kind| 1 + REACTIONS.iter().position(|known| *known == kind).unwrap());
            let thing = Thing::Reaction { client: number, post };
            known.reactions.insert((post, number), reaction);
            known.histories.thing(thing, Access::Read(u32::try_from(reaction).unwrap()), &span);
        }
    }

    async fn comment(&self, number: usize, post: usize, comment: u32) {
        let path = format!("/posts/{}/comments", slug(post));
        let asked = || Asked::body(json!({ "body": format!("Comment {comment}") })).key(&format!("comment-{comment}"));
        let (answer, span) = self.send(&self.clients[number], "POST", &path, asked()).await;
        let Some(answer) = answer else {
            self.known().histories.comment(comment, CommentOp::Create(None), &span);
            let (answer, span) = self.send(&self.clients[number], "POST", &path, asked()).await;
            match answer {
                Some(answer) if answer.status == 201 => {
                    self.known().histories.comment(comment, CommentOp::CreateAgain, &span);
                    self.remember(comment, post, number, &answer);
                }
                Some(answer) => self.expect(&answer, &span, &[403, 404, 409, 410]),
                None => self.known().histories.comment(comment, CommentOp::CreateAgain, &span),
            }
            return;
        };
        self.expect(&answer, &span, &[201, 403, 404, 409, 410]);
        if answer.status == 201 {
            let status = if answer.body["status"] == "held" { CommentStatus::Held } else { CommentStatus::Published };
            self.known().histories.comment(comment, CommentOp::Create(Some(status)), &span);
            self.remember(comment, post, number, &answer);
        }
    }

    fn remember(&self, number: u32, post: usize, author: usize, answer: &Answer) {
        let id = answer.body["id"].as_str().unwrap().to_owned();
        self.known().comments.push(KnownComment { number, id, post, author });
    }

    fn saw_comments(&self, post: usize, number: usize, anonymous: bool, answer: &Answer, span: &Span) {
        let seen: BTreeSet<u32> = comment_numbers(answer);
        let mut known = self.known();
        let comments: Vec<_> = known.comments.iter().filter(|comment| comment.post == post).cloned().collect();
        for comment in comments {
            let sees_held = !anonymous && (number <= EDITOR || comment.author == number);
            if !sees_held {
                let op = CommentOp::Public(seen.contains(&comment.number));
                known.histories.comment(comment.number, op, span);
            }
        }
    }

    /// What a list shows to everybody, and what it does not show of those that it is `about`.
    fn saw_list(&self, answer: Option<Answer>, span: &Span, about: impl Fn(usize) -> bool) {
        let Some(answer) = answer else { return };
        self.expect(&answer, span, &[200]);
        let shown = shown_posts(&answer);
        let mut known = self.known();
        for post in 0..POSTS {
            let shown = shown.get(&post).copied();
            if shown.is_some() || about(post) {
                known.histories.post(post, PostOp::Public(shown), None, span);
            }
        }
    }

    async fn register(&self, name: usize, number: u32) {
        let registration =
            json!({ "username": NAMES[name], "email": format!("new{number}@example.com"), "password": PASSWORD });
        let visitor = self.stack.visitor().from(&format!("2001:db8:2:{number:x}::1"));
        let key = format!("register-{number}");
        for _ in 0..2 {
            let asked = Asked::body(registration.clone()).key(&key);
            let (answer, span) = self.send(&visitor, "POST", "/users", asked).await;
            let was_lost = answer.is_none();
            self.took_name(name, number, answer, &span, 201);
            if !was_lost {
                return;
            }
        }
    }

    /// Notes who has a name now.
    fn took_name(&self, name: usize, owner: u32, answer: Option<Answer>, span: &Span, done: u16) {
        let Some(answer) = answer else {
            let mut known = self.known();
            known.histories.name(name, NameOp::Take(owner), span);
            known.histories.name(name, NameOp::GiveBack(owner), span);
            return;
        };
        let kind = answer.body["type"].as_str().unwrap_or_default().to_owned();
        if answer.status == done {
            self.known().histories.name(name, NameOp::Take(owner), span);
        } else if kind.ends_with(":username-taken") {
            self.known().histories.name(name, NameOp::Taken(owner), span);
        } else {
            self.expect(&answer, span, &[409]);
        }
    }

    /// When nothing fails any more: lets all that follows happen, looks at everything, and says what is wrong.
    pub async fn check(&self) -> Result<(), String> {
        for _ in 0..4 {
            self.catch_up().await?;
            self.stack.pass_seconds(61);
            self.note_what_is_due();
            self.stack.minute().await;
        }
        self.catch_up().await?;
        for post in 0..POSTS {
            // An editor, and whoever may have reacted.
            let histories = |number| self.known().histories.knows(Thing::Reaction { client: number, post });
            for number in (0..CLIENTS.len()).filter(|number| *number == EDITOR || histories(*number)) {
                self.in_the_end(self.read(number, post, false, "end: ")).await;
            }
            self.in_the_end(self.read(0, post, true, "end: ")).await;
        }
        self.look().await?;
        let mut findings = Vec::new();
        let blog = &self.stack.stack.blog;
        let settings = repaired::settings(blog);
        let mut note = |finding: table::Finding| findings.push(finding.to_string());
        let repaired = blog.table.repair(Repair::Report, settings, blog.now(), &mut note).await;
        let unsettled = repaired.map_err(|error| error.to_string())?.unsettled;
        if !findings.is_empty() || unsettled > 0 {
            return Err(format!("a repair finds {unsettled} unsettled, and {findings:#?}"));
        }
        self.known().histories.check()?;
        self.violation().map_or(Ok(()), Err)
    }

    async fn in_the_end<F: Future>(&self, work: F) -> F::Output {
        ORIGIN.scope("end".to_owned(), work).await
    }

    /// Lets everything happen that follows from what was done, and that again which was given up.
    async fn catch_up(&self) -> Result<(), String> {
        let stack = &self.stack.stack;
        for _ in 0..10 {
            stack.streams.drain(&stack.backing).await.unwrap();
            let _ = stack.bus.take_recorded();
            let given_up = stack.bus.take_given_up();
            if given_up.is_empty() {
                return Ok(());
            }
            self.fate.note(format!("given up: {:?}", given_up.keys()));
            for message in given_up.into_values().flatten() {
                if message["dynamodb"].is_object() {
                    stack.streams.hand_on(&[message]).await;
                } else {
                    stack.bus.send(&message);
                }
            }
        }
        Err("something fails though nothing is wrong any more".to_owned())
    }

    /// Compares all lists and counts with each other and with what was done.
    async fn look(&self) -> Result<(), String> {
        let visitor = self.stack.visitor();
        let span = |what: &str| {
            let (start, end) = (self.fate.moment(), Some(self.fate.moment()));
            Span { what: format!("end: {what}"), start, end }
        };
        let same = |what: String, found: &dyn std::fmt::Debug, expected: &dyn std::fmt::Debug| {
            let (found, expected) = (format!("{found:?}"), format!("{expected:?}"));
            if found == expected { Ok(()) } else { Err(format!("{what}: {found}, and not {expected}")) }
        };
        // Each post, as an editor sees it.
        let mut posts: BTreeMap<usize, Value> = BTreeMap::new();
        for post in 0..POSTS {
            let answer = self.clients[EDITOR].get(&format!("/posts/{}", slug(post))).await;
            if answer.status == 200 {
                posts.insert(post, answer.body);
            }
        }
        let now = self.now();
        let published: BTreeMap<usize, &Value> =
            posts.iter().filter(|(_, post)| post["status"] == "published").map(|(post, body)| (*post, body)).collect();
        if let Some((post, _)) = posts.iter().find(|(_, body)| body["status"] == "scheduled") {
            let due = self.known().due.iter().any(|(of, at, _)| of == post && *at > now);
            if !due {
                return Err(format!("p{post} should be published by now"));
            }
        }
        let mut newest: Vec<usize> = published.keys().copied().collect();
        let at =
            |post: &usize| (published[post]["published_at"].as_str().unwrap(), published[post]["id"].as_str().unwrap());
        newest.sort_by_key(|post| std::cmp::Reverse(at(post)));
        let slugs = |posts: &[usize]| posts.iter().map(|post| slug(*post)).collect::<Vec<_>>();
        let filtered = |keep: &dyn Fn(usize) -> bool| {
            slugs(&newest.iter().copied().filter(|post| keep(*post)).collect::<Vec<_>>())
        };
        let listed = async |client: &Client, path: &str| -> Vec<String> {
            let mut items = Vec::new();
            let separator = if path.contains('?') { '&' } else { '?' };
            let mut next = format!("{path}{separator}limit=5");
            loop {
                let page = client.get(&next).await;
                page.expect_status(200);
                items.extend(page.each("slug"));
                match page.body["next_cursor"].as_str() {
                    Some(cursor) => next = format!("{path}{separator}limit=5&cursor={cursor}"),
                    None => return items,
                }
            }
        };
        let latest = listed(&visitor, "/posts").await;
        // Those that are pinned come first.
        let pinned = visitor.get("/posts?limit=100").await.each("slug");
        let leading = (0..=pinned.len()).find(|leading| {
            let rest = &pinned[*leading..];
            rest == filtered(&|post| rest.contains(&slug(post)))
        });
        for post in published.keys() {
            let leads =
                pinned.iter().position(|slug_of| *slug_of == slug(*post)).is_some_and(|at| at < leading.unwrap_or(0));
            // The newest may lead without being pinned.
            if leads {
                self.known().histories.post(*post, PostOp::Leads(true), None, &span("pins"));
            }
        }
        let sorted = |mut slugs: Vec<String>| {
            slugs.sort();
            slugs
        };
        same("the latest posts".into(), &sorted(latest.clone()), &sorted(slugs(&newest)))?;
        for user in AUTHORS {
            let path = format!("/posts?author={}", CLIENTS[user]);
            same(path.clone(), &listed(&visitor, &path).await, &filtered(&|post| author_of(post) == user))?;
        }
        let mut tags: BTreeMap<String, u64> = BTreeMap::new();
        for tag in TAGS.into_iter().chain(["all"]) {
            let path = format!("/posts?tag={tag}");
            let expected = filtered(&|post| tag == "all" || tag_of(post) == tag);
            same(path.clone(), &listed(&visitor, &path).await, &expected)?;
            if !expected.is_empty() {
                tags.insert(tag.to_owned(), expected.len() as u64);
            }
        }
        let answer = visitor.get("/tags?sort=name&limit=100").await;
        let items = answer.body["items"].as_array().unwrap();
        let found: BTreeMap<_, _> = items
            .iter()
            .map(|item| (item["tag"].as_str().unwrap().to_owned(), item["posts"].as_u64().unwrap()))
            .collect();
        same("the tags".into(), &found, &tags)?;

        let mut followers = [0_u64; CLIENTS.len()];
        let mut reactions: BTreeMap<usize, BTreeMap<String, u64>> = BTreeMap::new();
        for ((post, _), reaction) in self.known().reactions.iter().filter(|(_, reaction)| **reaction > 0) {
            *reactions.entry(*post).or_default().entry(REACTIONS[reaction - 1].to_owned()).or_default() += 1;
        }
        for (number, client) in self.clients.iter().enumerate() {
            let me = client.get("/me").await.body;
            let path = format!("/users/{}/following?limit=100", me["username"].as_str().unwrap());
            let listed_users = visitor.get(&path).await.each("username");
            let mut following = BTreeSet::new();
            for user in AUTHORS.into_iter().filter(|user| *user != number) {
                let follows = listed_users.iter().any(|name| name == CLIENTS[user]);
                let access = Access::Read(u32::from(follows));
                self.known().histories.thing(Thing::Follow { client: number, user }, access, &span("following"));
                if follows {
                    following.insert(user);
                    followers[user] += 1;
                }
            }
            let own = filtered(&|post| author_of(post) == number).len();
            same(format!("posts of {number}"), &me["counts"]["posts"], &json!(own))?;
            same(format!("how many {number} follows"), &me["counts"]["following"], &json!(following.len()))?;
            let followed_tags = client.get("/me/tags").await;
            let followed_tags: BTreeSet<_> = followed_tags.each("tag").into_iter().collect();
            for (tag, name) in TAGS.into_iter().enumerate() {
                let access = Access::Read(u32::from(followed_tags.contains(name)));
                self.known().histories.thing(Thing::FollowedTag { client: number, tag }, access, &span("tags"));
            }
            let bookmarks = client.get("/me/bookmarks?limit=100").await.each("slug");
            for post in published.keys().copied() {
                let access = Access::Read(u32::from(bookmarks.contains(&slug(post))));
                self.known().histories.thing(Thing::Bookmark { client: number, post }, access, &span("bookmarks"));
            }
            let expected = filtered(&|post| {
                author_of(post) == number
                    || following.contains(&author_of(post))
                    || followed_tags.contains(tag_of(post))
            });
            same(format!("the feed of {number}"), &listed(client, "/me/feed").await, &expected)?;
        }
        for user in AUTHORS {
            let counts = visitor.get(&format!("/users/{}", CLIENTS[user])).await.body["counts"].clone();
            same(format!("followers of {user}"), &counts["followers"], &json!(followers[user]))?;
            let path = format!("/users/{}/followers?limit=100", CLIENTS[user]);
            let listed = visitor.get(&path).await.each("username").len();
            same(path, &listed, &followers[user])?;
        }
        for (post, body) in &published {
            let found = visitor.get(&format!("/posts/{}/reactions", slug(*post))).await.body;
            let expected = reactions.get(post).cloned().unwrap_or_default();
            let total: u64 = expected.values().sum();
            for kind in REACTIONS {
                let expected = expected.get(kind).copied().unwrap_or_default();
                same(format!("{kind} of p{post}"), &found["counts"][kind], &json!(expected))?;
            }
            same(format!("reactions of p{post}"), &body["counts"]["reactions"], &json!(total))?;
            let comments = visitor.get(&format!("/posts/{}/comments?limit=100", slug(*post))).await;
            self.saw_comments(*post, 0, true, &comments, &span("comments"));
            let seen = comment_numbers(&comments);
            same(format!("comments of p{post}"), &body["counts"]["comments"], &json!(seen.len()))?;
            let (title, of) = (body["title"].as_str().unwrap(), CLIENTS[author_of(*post)]);
            let word = title.rsplit(' ').next().unwrap();
            let found = visitor.get(&format!("/search?q={word}+author%3A{of}")).await;
            same(format!("a search for {word}"), &found.each("slug"), &[slug(*post)])?;
        }
        // What waits for an editor.
        let queue = comment_numbers(&self.clients[EDITOR].get("/moderation/comments?limit=100").await);
        let comments = self.known().comments.clone();
        for comment in comments.iter().filter(|comment| published.contains_key(&comment.post)) {
            let op = CommentOp::Queued(queue.contains(&comment.number));
            self.known().histories.comment(comment.number, op, &span("queue"));
        }
        for (name, text) in NAMES.into_iter().enumerate() {
            let answer = visitor.get(&format!("/users/{text}")).await;
            // A former name leads to who had it.
            if answer.status == 200 || answer.status == 301 {
                let is_rex = answer.status == 301 || answer.body["id"] == self.ids[READER].as_str();
                if is_rex {
                    self.known().histories.name(name, NameOp::Of(Some(0)), &span("name"));
                }
            }
        }
        Ok(())
    }
}

fn shown_posts(answer: &Answer) -> BTreeMap<usize, Shown> {
    let items = answer.body["items"].as_array().unwrap();
    items.iter().filter_map(|card| Some((post_of(card["slug"].as_str()?)?, Shown::read(card)))).collect()
}

fn comment_numbers(answer: &Answer) -> BTreeSet<u32> {
    let items = answer.body["items"].as_array().unwrap();
    let number = |item: &Value| item["body"].as_str()?.strip_prefix("Comment ")?.parse().ok();
    items.iter().filter_map(number).collect()
}

/// What goes with a request.
#[derive(Default)]
struct Asked {
    body: Option<Value>,
    if_match: Option<String>,
    key: Option<String>,
}

impl Asked {
    fn body(body: Value) -> Self {
        Self { body: Some(body), ..Self::default() }
    }

    fn if_match(self, value: &str) -> Self {
        Self { if_match: Some(value.to_owned()), ..self }
    }

    fn key(self, value: &str) -> Self {
        Self { key: Some(value.to_owned()), ..self }
    }
}
