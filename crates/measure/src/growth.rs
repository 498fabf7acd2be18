//! What pages cost in blogs of other sizes. A blog is written by the API, but for the bulk of its posts, comments and reactions: what the
//! API writes for one of each is written down, and loaded into the table again and again with other ids and times.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use domain::{CommentId, PostId, Timestamp, UserId};
use dynoxide::{AttributeValue, Database, ImportOptions, Item};
use edge::{Clock, SignUpConfirmation};
use local::backing::{Emulators, Storage, TABLE_NAME};
use local::stack::{Options, Stack};
use local::wire::Call;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use ulid::Ulid;

use crate::asked::{Asked, register};

/// The posts of the blogs that are compared.
pub const SIZES: [usize; 3] = [100, 10_000, 1_000_000];
/// How much more a page may take in a large blog than in the smallest one.
const MAX_RATIO: f64 = 1.05;
/// The newest posts, which the API writes. The others are loaded and older.
const WRITTEN: usize = 45;
/// 2026-11-21T08:30:00Z, when the blog begins to be written.
const START: i64 = 1_795_249_800_000;
/// How many items are loaded in one transaction.
const BATCH: usize = 13_000;

/// What a page takes of the table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Calls that read.
    pub reads: usize,
    /// Read capacity units.
    pub read_units: f64,
    /// Calls that write.
    pub writes: usize,
    /// Write capacity units.
    pub write_units: f64,
}

/// What pages take, by their names, in blogs of as many posts.
pub type Growth = BTreeMap<usize, BTreeMap<String, Cost>>;

impl Cost {
    fn of(calls: &[Call]) -> Self {
        let mut cost = Self::default();
        let counted = |call: &&Call| call.service == "dynamodb" && call.operation.as_deref() != Some("authorizer");
        for call in calls.iter().filter(counted) {
            if ["Write", "Put", "Update", "Delete"].iter().any(|action| call.action.contains(action)) {
                cost.writes += 1;
                cost.write_units += call.capacity;
            } else {
                cost.reads += 1;
                cost.read_units += call.capacity;
            }
        }
        cost
    }

    /// How many times as much as another one this is.
    fn ratio(&self, other: &Self) -> f64 {
        let ratio = |more: f64, less: f64| if more == less { 1.0 } else { more / less };
        let calls = ratio((self.reads + self.writes) as f64, (other.reads + other.writes) as f64);
        let units = ratio(self.read_units, other.read_units).max(ratio(self.write_units, other.write_units));
        calls.max(units)
    }
}

/// Measures all sizes.
pub async fn measured(sizes: &[usize]) -> io::Result<Growth> {
    let mut growth = Growth::new();
    for posts in sizes {
        growth.insert(*posts, Blog::of(*posts).await?.measured().await?);
    }
    Ok(growth)
}

/// What costs more in a large blog than in the smallest one.
pub fn grown(growth: &Growth) -> Vec<String> {
    let Some((_, smallest)) = growth.first_key_value() else { return vec!["nothing was measured".to_owned()] };
    let mut grown = Vec::new();
    for (posts, costs) in growth {
        for (page, cost) in costs {
            let before = smallest.get(page).cloned().unwrap_or_default();
            if cost.ratio(&before) > MAX_RATIO {
                grown.push(format!("{page}: {cost:?} at {posts} posts, and {before:?} in the smallest blog"));
            }
        }
    }
    grown
}

const INTRODUCTION: &str = "\
# What pages cost as a blog grows

`scripts/measure growth` writes this file, and fails where a page of a larger blog takes more than 1.05 times the calls or the capacity of the smallest one's. `cargo test`
compares blogs of 100 and 400 posts so.

Each blog has as many posts as the head of the column says, all by one author, of one kind and with one tag, all in the home feed of one reader, and as many comments on one
of them and reactions to it. The newest 45 posts are written by the API. What the API writes for one post, one comment and one reaction is written down, and loaded
into the embedded table again and again with other ids and times. Not loaded: counters, sitemaps and the search index, which has the newest 45 posts (what an index of a million costs
is in [search.md](search.md)).

Cards are of a kilobyte, texts that are read of 10 KB, and lists are asked for in pages of 20. The process is warm. In each field: calls that read, RCU, and where
something is written calls that write, WCU.

";

/// The table of this, as Markdown.
pub fn table(growth: &Growth) -> String {
    let number = |posts: &usize| {
        let digits = posts.to_string();
        let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
        groups.collect::<Vec<_>>().join(",")
    };
    let sizes: Vec<_> = growth.keys().map(|posts| format!("{} posts", number(posts))).collect();
    let mut text = INTRODUCTION.to_owned();
    let _ = writeln!(text, "| page | {} | ratio |", sizes.join(" | "));
    let _ = writeln!(text, "|---|{}---|", "---|".repeat(sizes.len()));
    let Some(smallest) = growth.values().next() else { return text };
    for (page, least) in smallest {
        let costs: Vec<_> = growth.values().filter_map(|costs| costs.get(page)).collect();
        let fields = costs.iter().map(|cost| match cost.writes {
            0 => format!("{}, {} RCU", cost.reads, cost.read_units),
            writes => format!("{}, {} RCU; {writes}, {} WCU", cost.reads, cost.read_units, cost.write_units),
        });
        let fields: Vec<_> = fields.collect();
        let ratio = costs.iter().fold(0.0_f64, |most, cost| most.max(cost.ratio(least)));
        let _ = writeln!(text, "| {page} | {} | {ratio:.2} |", fields.join(" | "));
    }
    text
}

/// A blog of some size.
struct Blog {
    stack: Stack,
    milliseconds: Arc<AtomicI64>,
    author: String,
    reader: String,
    content_key: String,
    _folder: tempfile::TempDir,
}

impl Blog {
    async fn of(posts: usize) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let milliseconds = Arc::new(AtomicI64::new(START));
        let (time, counter) = (Arc::clone(&milliseconds), AtomicU64::new(1));
        let clock = Clock::new(
            move || Timestamp::from_milliseconds(time.load(Ordering::SeqCst)),
            move || u128::from(counter.fetch_add(1, Ordering::SeqCst)),
        );
        let parameters =
            [("Conduit", "true"), ("GhostContent", "true"), ("PostsPerDay", "0"), ("RequestsPerMinute", "0")];
        let stack = Stack::start(Options {
            storage: Storage::Folder(folder.path().to_owned()),
            sign_up_confirmation: SignUpConfirmation::Auto,
            admin_email: Some("ada@example.com".to_owned()),
            clock,
            emulators: Emulators::of_this_machine(),
            triggers: true,
            parameters: parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        })
        .await?;
        let author = register(&stack, 0, "ada", "ada@example.com").await?;
        let reader = register(&stack, 1, "bob", "bob@example.com").await?;
        let key = Asked::post("/v1/admin/content-keys", json!({ "name": "measure" })).by(&author).of(&stack).await?;
        let content_key = text(&key, "key")?;
        let blog = Self { stack, milliseconds, author, reader, content_key, _folder: folder };
        let older = posts.checked_sub(WRITTEN).ok_or_else(|| io::Error::other("a blog has more posts than that"))?;
        blog.fill(older).await?;
        for number in older..posts {
            blog.pass_seconds(1);
            blog.write(post(number, &prose())).await?;
        }
        blog.settle().await?;
        Ok(blog)
    }

    fn pass_seconds(&self, seconds: i64) {
        self.milliseconds.fetch_add(1000 * seconds, Ordering::SeqCst);
    }

    async fn settle(&self) -> io::Result<()> {
        self.stack.streams.drain(&self.stack.backing).await
    }

    async fn write(&self, post: Value) -> io::Result<Value> {
        Asked::post("/v1/posts", post).by(&self.author).of(&self.stack).await
    }

    /// What is put into the table by one request and by the fan-out to feeds that follows from it.
    async fn put_by(&self, asked: Asked<'_>) -> io::Result<(Value, Vec<Item>)> {
        self.stack.wire.take_calls();
        let answer = asked.of(&self.stack).await?;
        self.settle().await?;
        let mut items = Vec::new();
        for call in self.stack.wire.take_calls() {
            if call.action == "TransactWriteItems" && call.operation.is_some() {
                let by_request = ["create_post", "create_comment", "react_to_post"];
                if call.operation.as_deref().is_some_and(|operation| by_request.contains(&operation)) {
                    let writes = call.request["TransactItems"].as_array().cloned().unwrap_or_default();
                    items.extend(writes.into_iter().map(|mut write| write["Put"]["Item"].take()));
                }
            }
            for write in call.request["RequestItems"][TABLE_NAME].as_array().into_iter().flatten() {
                items.push(write["PutRequest"]["Item"].clone());
            }
        }
        let items = items.into_iter().filter(Value::is_object).map(serde_json::from_value);
        Ok((answer, items.collect::<Result<_, _>>()?))
    }

    /// Loads posts older than all others, comments and reactions. The first post, which has those, is one of them.
    async fn fill(&self, posts: usize) -> io::Result<()> {
        let thread = self.write(post(0, &prose())).await?;
        let thread = (text(&thread, "id")?, format!("/v1/posts/{}", slug(0)));
        Asked::put("/v1/users/ada/follow", Value::Null).by(&self.reader).of(&self.stack).await?;
        self.settle().await?;
        self.stack.wire.record();
        self.pass_seconds(1);
        let now = Timestamp::from_milliseconds(self.milliseconds.load(Ordering::SeqCst)).to_string();

        // Its text is short: nobody reads it.
        let (sample, items) = self.put_by(Asked::post("/v1/posts", post(1, "A post.")).by(&self.author)).await?;
        let of_post = Pattern::new(items, vec![text(&sample, "id")?, slug(1), now.clone()]);
        let comment = json!({ "body": "A comment, of some length, as most are." });
        let comment = Asked::post(&format!("{}/comments", thread.1), comment).by(&self.reader);
        let (sample, items) = self.put_by(comment).await?;
        let of_comment = Pattern::new(items, vec![text(&sample, "id")?, now.clone()]);
        let reader = Asked::get("/v1/me").by(&self.reader).of(&self.stack).await?;
        let reaction = Asked::put(&format!("{}/reaction", thread.1), json!({ "kind": "like" })).by(&self.reader);
        let (_, items) = self.put_by(reaction).await?;
        let of_reaction = Pattern::new(items, vec![text(&reader, "id")?, now]);
        for (pattern, items) in [(&of_post, 13), (&of_comment, 3), (&of_reaction, 1)] {
            if pattern.items.len() < items {
                return Err(io::Error::other(format!("{} items are put, and not {items}", pattern.items.len())));
            }
        }

        Asked::put(&format!("/v1/me/bookmarks/{}", slug(0)), Value::Null).by(&self.reader).of(&self.stack).await?;
        let database = self.stack.backing.database();
        database.enable_bulk_loading().map_err(io::Error::other)?;
        // The first two are there.
        let of_number = |number: usize| {
            let milliseconds = START - 1000 * (posts - number) as i64;
            let id = Ulid::from_parts(milliseconds.unsigned_abs(), number as u128);
            (id, Timestamp::from_milliseconds(milliseconds).to_string())
        };
        load(&database, &of_post, "posts", 2..posts, |number| {
            let (id, time) = of_number(number);
            vec![PostId::from(id).to_string(), slug(number), time]
        })?;
        load(&database, &of_comment, "comments", 2..posts, |number| {
            let (id, time) = of_number(number);
            vec![CommentId::from(id).to_string(), time]
        })?;
        load(&database, &of_reaction, "reactions", 2..posts, |number| {
            let (id, time) = of_number(number);
            vec![UserId::from(id).to_string(), time]
        })?;
        database.disable_bulk_loading().map_err(io::Error::other)
    }

    async fn measured(&self) -> io::Result<BTreeMap<String, Cost>> {
        let [reader, author] = [Some(self.reader.as_str()), Some(self.author.as_str())];
        let newest = Asked::get("/v1/posts?limit=1").of(&self.stack).await?;
        let newest = format!("/v1/posts/{}", newest["items"][0]["slug"].as_str().unwrap_or_default());
        let second = Asked::get("/v1/posts").of(&self.stack).await?;
        let second = format!("/v1/posts?cursor={}", second["next_cursor"].as_str().unwrap_or_default());
        let (old, loaded) = (format!("/v1/posts/{}", slug(0)), format!("/v1/posts/{}", slug(2)));
        let (thread, reactions) = (format!("{old}/comments"), format!("{old}/reactions"));
        let content = format!("/ghost/api/content/posts/?key={}&limit=20", self.content_key);
        let page_of_post = newest.replace("/v1", "/v1/pages");
        let pages = [
            ("a post, the newest", newest.as_str(), None),
            ("a post, the oldest", &loaded, None),
            ("20 latest", "/v1/posts", None),
            ("20 latest, the second page", &second, None),
            ("20 of an author", "/v1/posts?author=ada", None),
            ("20 of a tag", "/v1/posts?tag=grown", None),
            ("20 of a kind", "/v1/posts?kind=article", None),
            ("20 comments", &thread, None),
            ("how many reactions a post has", &reactions, None),
            ("search, 20 hits", "/v1/search?q=number", None),
            ("tags", "/v1/tags", None),
            ("a profile", "/v1/users/ada", None),
            ("a feed", "/v1/feed.xml", None),
            ("a feed of a tag", "/v1/tags/grown/feed.xml", None),
            ("the page of the latest", "/v1/pages", None),
            ("the page of a post", &page_of_post, None),
            ("20 articles, Conduit", "/api/articles", None),
            ("20 posts, Ghost", &content, None),
            ("20 of the home feed", "/v1/me/feed", reader),
            ("bookmarks", "/v1/me/bookmarks", reader),
            ("20 latest, signed in", "/v1/posts", reader),
            ("20 of my posts", "/v1/me/posts", author),
            ("my drafts", "/v1/me/posts?status=draft", author),
        ];
        let asked = |path: &str, token| match token {
            Some(token) => Asked::get(path).by(token),
            None => Asked::get(path),
        };
        // So long that nobody has written lately, and everything has been asked for once.
        self.pass_seconds(200);
        for (_, path, token) in pages {
            asked(path, token).of(&self.stack).await?;
        }
        let mut costs = BTreeMap::new();
        for (name, path, token) in pages {
            costs.insert(name.to_owned(), self.cost(asked(path, token)).await?);
        }
        let mut fields = post(0, &prose());
        fields["slug"] = json!("grown");
        fields["status"] = json!("draft");
        self.write(fields).await?;
        let comment = json!({ "body": "A comment." });
        let love = json!({ "kind": "love" });
        let [token, writer] = [self.reader.as_str(), self.author.as_str()];
        for (name, asked) in [
            ("publish", Asked::post("/v1/posts/grown/publish", json!({})).by(writer)),
            ("comment", Asked::post(&thread, comment).by(token)),
            ("react", Asked::put(&format!("{newest}/reaction"), love.clone()).by(token)),
            ("react to the post with the reactions", Asked::put(&format!("{old}/reaction"), love).by(token)),
            ("bookmark", Asked::put(&newest.replace("/v1/posts", "/v1/me/bookmarks"), Value::Null).by(token)),
        ] {
            costs.insert(name.to_owned(), self.cost(asked).await?);
        }
        Ok(costs)
    }

    async fn cost(&self, asked: Asked<'_>) -> io::Result<Cost> {
        self.stack.wire.take_calls();
        asked.of(&self.stack).await?;
        Ok(Cost::of(&self.stack.wire.take_calls()))
    }
}

fn text(answer: &Value, field: &str) -> io::Result<String> {
    answer[field].as_str().map(str::to_owned).ok_or_else(|| io::Error::other(format!("{answer} has no {field}")))
}

fn slug(number: usize) -> String {
    format!("post-number-{number:07}")
}

/// A post whose card is a kilobyte.
fn post(number: usize, body: &str) -> Value {
    json!({
        "title": format!("Post number {number:07}"),
        "slug": slug(number),
        "body": body,
        "summary": "s".repeat(470),
        "tags": ["grown"],
        "status": "published",
    })
}

/// Ten kilobytes that do not deflate to nothing.
fn prose() -> String {
    let words = (0_u32..).map(|number| format!("{:x}", number.wrapping_mul(2_654_435_761) >> 12));
    let mut text = String::new();
    for word in words {
        if text.len() + word.len() >= 10_000 {
            return text;
        }
        text.push_str(&word);
        text.push(' ');
    }
    text
}

/// Items, and the texts in them that are others in a copy.
struct Pattern {
    items: Vec<Item>,
    texts: Vec<String>,
}

impl Pattern {
    /// Of these items those in whose keys one of the texts is.
    fn new(mut items: Vec<Item>, texts: Vec<String>) -> Self {
        let is_key = |name: &str| ["pk", "sk"].contains(&name);
        let varies = |value: &AttributeValue| matches!(value, AttributeValue::S(text) if texts.iter().any(|part| text.contains(part)));
        items.retain(|item| item.iter().any(|(name, value)| is_key(name) && varies(value)));
        Self { items, texts }
    }

    /// Copies with other texts instead.
    fn copies(&self, texts: Vec<String>) -> impl Iterator<Item = Item> {
        self.items.iter().map(move |item| {
            let replaced = item.iter().map(|(name, value)| (name.clone(), self.replaced(value, &texts)));
            replaced.collect::<HashMap<_, _>>()
        })
    }

    fn replaced(&self, value: &AttributeValue, others: &[String]) -> AttributeValue {
        match value {
            AttributeValue::S(text) => {
                let mut text = text.clone();
                for (part, other) in self.texts.iter().zip(others) {
                    if text.contains(part) {
                        text = text.replace(part, other);
                    }
                }
                AttributeValue::S(text)
            }
            AttributeValue::L(values) => {
                AttributeValue::L(values.iter().map(|value| self.replaced(value, others)).collect())
            }
            AttributeValue::M(values) => {
                let replaced = values.iter().map(|(name, value)| (name.clone(), self.replaced(value, others)));
                AttributeValue::M(replaced.collect())
            }
            other => other.clone(),
        }
    }
}

/// Loads a copy for each of these numbers, and shows how far it is.
fn load(
    database: &Database,
    pattern: &Pattern,
    what: &str,
    numbers: std::ops::Range<usize>,
    texts: impl Fn(usize) -> Vec<String>,
) -> io::Result<()> {
    let (all, batch) = (numbers.len(), BATCH / pattern.items.len().max(1));
    let numbers: Vec<_> = numbers.collect();
    for (done, batch) in
        numbers.chunks(batch).enumerate().map(|(index, numbers)| (index * batch + numbers.len(), numbers))
    {
        let items = batch.iter().flat_map(|number| pattern.copies(texts(*number)));
        let items: Vec<_> = items.collect();
        database.import_items(TABLE_NAME, items, ImportOptions::default()).map_err(io::Error::other)?;
        let bar = "#".repeat(40 * done / all);
        eprint!("\r{what:10} [{bar:40}] {done} of {all}");
        io::stderr().flush()?;
    }
    eprintln!();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pages_cost_the_same_in_a_blog_four_times_as_large() {
        let growth = measured(&[100, 400]).await.unwrap();
        assert_eq!(grown(&growth), Vec::<String>::new());
        // That something is measured at all.
        let latest = &growth[&400]["20 latest"];
        assert!(latest.read_units >= 2.5, "{latest:?}");
        assert!(growth[&400]["publish"].write_units >= 20.0);
    }

    #[test]
    fn what_costs_more_in_a_larger_blog_is_told() {
        let of = |read_units| BTreeMap::from([("a page".to_owned(), Cost { reads: 1, read_units, ..Cost::default() })]);
        let growth = |large| Growth::from([(100, of(20.0)), (10_000, of(large))]);
        assert!(grown(&growth(21.0)).is_empty());
        assert_eq!(grown(&growth(21.5)).len(), 1);
        assert!(table(&growth(21.5)).contains("| a page | 1, 20 RCU | 1, 21.5 RCU | 1.07 |"));
    }
}
