//! The posts of files, made or changed through the API.

use std::{collections::HashSet, path::Path};

use domain::Tag;
use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    ImportError,
    authors::Account,
    client::{Answer, Begun, Call, Client},
    document::Document,
    journal, plan,
    report::{FileReport, Outcome},
};

/// Makes or changes the post of a file, and notes that.
///
/// `creation` is the request that makes it, if that was begun.
pub async fn send_post(
    client: &mut Client<'_>,
    account: &mut Account,
    path: &Path,
    document: &Document,
    creation: Option<Begun>,
    taken: &mut HashSet<String>,
    now: Timestamp,
) -> Result<FileReport, ImportError> {
    let file = path.to_owned();
    let known = account.journal.get(path).map(|entry| (entry.slug.clone(), entry.said.clone()));
    let before = known.as_ref().and_then(|(_, said)| said.get(FORMER_SLUGS).cloned());
    let outcome = match known {
        Some((slug, said)) => follow(client, slug, &said, document, now).await,
        None => publish(client, &account.profile.username, path, document, creation, taken, now).await,
    };
    match outcome {
        Ok(Done { what, slug, note }) => {
            let mut notes: Vec<String> = document.notes.iter().cloned().chain(note).collect();
            let mut said = said(document);
            let wanted: Vec<_> = document.former_slugs.iter().filter(|former| **former != slug).cloned().collect();
            let (kept, note) = give_former_slugs(client, &slug, &wanted, before).await?;
            said.extend(kept.map(|kept| (FORMER_SLUGS.to_owned(), kept)));
            notes.extend(note);
            let failed = |source| ImportError::File { path: journal::FILE_NAME.into(), source };
            account.journal.keep(path, &slug, said).map_err(failed)?;
            Ok(FileReport { file, outcome: what, slug: Some(slug), detail: fate(document, now), notes })
        }
        Err(Failure::File(reason)) => Ok(FileReport::without_post(file, Outcome::Failed, &reason)),
        Err(Failure::Run(error)) => Err(error),
    }
}

/// The name of the former slugs in a journal.
const FORMER_SLUGS: &str = "aliases";

/// Lets old addresses lead to a post; gives what of it the server has now, and what to tell.
async fn give_former_slugs(
    client: &mut Client<'_>,
    slug: &str,
    wanted: &[String],
    before: Option<Value>,
) -> Result<(Option<Value>, Option<String>), ImportError> {
    let is_same = before.as_ref().map_or(wanted.is_empty(), |before| *before == json!(wanted));
    if is_same || !client.takes_former_slugs {
        return Ok((before, None));
    }
    let path = format!("/posts/{slug}/aliases");
    let answer = client.send(&Call::put(&path, &json!({ "aliases": wanted }))).await?;
    match answer.status {
        StatusCode::OK => return Ok((Some(json!(wanted)), None)),
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
            client.takes_former_slugs = false;
            return Ok((before, None));
        }
        StatusCode::CONFLICT => {}
        _ => return Ok((before, Some(format!("its old addresses do not lead to it. {}", answer.reason())))),
    }
    // One of them is another post's: the others are kept.
    let (mut kept, mut left) = (Vec::new(), Vec::new());
    for former in wanted {
        let more: Vec<_> = kept.iter().chain([former]).cloned().collect();
        let answer = client.send(&Call::put(&path, &json!({ "aliases": more }))).await?;
        if answer.status == StatusCode::OK { kept = more } else { left.push(format!("/posts/{former}")) }
    }
    Ok((Some(json!(kept)), Some(format!("another post has the address {}", left.join(", ")))))
}

/// Whether readers see a post at once, later, or not; `None` for at once.
pub fn fate(document: &Document, now: Timestamp) -> Option<String> {
    match (&document.hidden, document.date) {
        (Some(reason), _) => Some(format!("as a draft: {reason}")),
        (None, Some(date)) if date > now => Some(format!("scheduled for {date}")),
        _ => None,
    }
}

/// What became of a post. The note says where it differs from what the file's author may expect.
pub struct Done {
    pub what: Outcome,
    pub slug: String,
    pub note: Option<String>,
}

pub enum Failure {
    /// Something about this file; the next one may well succeed.
    File(String),
    /// Something that every other file would meet too.
    Run(ImportError),
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        Self::Run(error)
    }
}

/// The fields of a post that a file speaks of, as a request names them.
fn fields(document: &Document) -> Map<String, Value> {
    let Document { title, body, summary, tags, language, cover_image_url, canonical_url, comments_open, .. } = document;
    let mut fields = Map::new();
    fields.insert("title".to_owned(), json!(title));
    fields.insert("body".to_owned(), json!(body));
    if let Some(tags) = tags {
        fields.insert("tags".to_owned(), json!(tags));
    }
    if let Some(is_open) = comments_open {
        fields.insert("comments_open".to_owned(), json!(is_open));
    }
    let texts = [
        ("summary", summary),
        ("language", language),
        ("cover_image_url", cover_image_url),
        ("canonical_url", canonical_url),
    ];
    fields.extend(texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), json!(text.as_ref()?)))));
    fields
}

/// All that a file says, for the journal. Whether a time is still to come is not what the file says.
fn said(document: &Document) -> Map<String, Value> {
    let mut said = fields(document);
    said.insert("public".to_owned(), json!(document.hidden.is_none()));
    if let Some(date) = document.date {
        said.insert("publish_at".to_owned(), json!(written(date)));
    }
    said
}

pub fn written(date: Timestamp) -> String {
    format!("{date:.3}")
}

/// Creates the post of a file, or brings the one that is there up to date. Where somebody else has its slug, it gets another.
async fn publish(
    client: &mut Client<'_>,
    username: &str,
    path: &Path,
    document: &Document,
    mut begun: Option<Begun>,
    taken: &mut HashSet<String>,
    now: Timestamp,
) -> Result<Done, Failure> {
    let others = plan::other_slugs(path, document).filter(|slug| !taken.contains(slug)).take(MAX_SLUGS);
    let slugs: Vec<_> = [document.slug.clone()].into_iter().chain(others).collect();
    let mut note = None;
    for slug in slugs {
        let attempt = Document { slug, ..document.clone() };
        let body = creation(&attempt, now);
        let call = Call::post("/posts", &body);
        let answer = match begun.take() {
            Some(begun) => client.end(begun, &call).await?,
            None => client.send(&call).await?,
        };
        let done = match answer.status {
            StatusCode::CREATED => Found::Own(Done { what: Outcome::Created, slug: attempt.slug.clone(), note: None }),
            _ if answer.is_problem("slug-taken") => bring_up_to_date(client, username, &attempt, now).await?,
            _ => return Err(Failure::File(answer.reason())),
        };
        let whose = match done {
            Found::Own(done) => {
                taken.insert(done.slug.clone());
                return Ok(Done { note: note.or(done.note), ..done });
            }
            Found::Theirs => "somebody else's post",
            Found::Another => "another post of yours",
        };
        note.get_or_insert(format!("{whose} has the slug \"{}\"", document.slug));
    }
    let reason = format!("The slug \"{}\" is another post's. Give this file another `slug`.", document.slug);
    Err(Failure::File(reason))
}

/// How many other slugs are tried.
const MAX_SLUGS: usize = 8;

pub fn creation(document: &Document, now: Timestamp) -> Value {
    let mut body = fields(document);
    let status = match (&document.hidden, document.date) {
        (Some(_), _) => "draft",
        (None, Some(date)) if date > now => "scheduled",
        (None, _) => "published",
    };
    body.insert("slug".to_owned(), json!(document.slug));
    body.insert("status".to_owned(), json!(status));
    if let Some(date) = document.date.filter(|_| document.hidden.is_none()) {
        body.insert("publish_at".to_owned(), json!(written(date)));
    }
    Value::Object(body)
}

/// The fields of a post that a file can speak of.
#[derive(Deserialize)]
struct Post {
    #[serde(flatten)]
    fields: Map<String, Value>,
    status: String,
    /// Of a scheduled post, when it will be.
    published_at: Option<String>,
    author: Author,
}

#[derive(Deserialize)]
struct Author {
    username: String,
}

/// Changes a post by what its file has changed since the last import, and nothing else: the rest may have been
/// corrected in the editor.
async fn follow(
    client: &mut Client<'_>,
    slug: String,
    before: &Map<String, Value>,
    document: &Document,
    now: Timestamp,
) -> Result<Done, Failure> {
    let after = said(document);
    let is_same = before.iter().filter(|(name, _)| *name != FORMER_SLUGS).eq(after.iter());
    if is_same {
        return Ok(Done { what: Outcome::Unchanged, slug, note: None });
    }
    let (slug, answer) = find(client, &slug).await?;
    if answer.status != StatusCode::OK {
        return Err(Failure::File(format!("The post of this file is not there any more. {}", answer.reason())));
    }
    let there: Post = answer.json()?;
    let mut patch = fields(document);
    patch.retain(|name, value| before.get(name) != Some(value));
    let removed = before
        .keys()
        .filter(|name| !after.contains_key(*name) && !matches!(&***name, "public" | "publish_at" | FORMER_SLUGS));
    patch.extend(removed.map(|name| (name.clone(), Value::Null)));
    let is_changed = |name: &str| before.get(name) != after.get(name);
    let has_new_status = is_changed("public") || (is_changed("publish_at") && document.date.is_some());
    let is_out = document.hidden.is_none() && document.date.is_none_or(|date| date <= now);
    // What is hidden from now on, readers do not see for a moment either.
    if has_new_status && !is_out {
        set_status(client, &slug, &there, document, now).await?;
        let (slug, answer) = find(client, &slug).await?;
        send_patch(client, &slug, &answer, patch).await?;
        return Ok(Done { what: Outcome::Updated, slug, note: None });
    }
    if would_show_a_draft(&there, document, &patch) {
        return Err(shows_a_draft());
    }
    send_patch(client, &slug, &answer, patch).await?;
    if has_new_status {
        set_status(client, &slug, &there, document, now).await?;
    }
    Ok(Done { what: Outcome::Updated, slug, note: None })
}

async fn send_patch(
    client: &mut Client<'_>,
    slug: &str,
    read: &Answer,
    patch: Map<String, Value>,
) -> Result<(), Failure> {
    if patch.is_empty() {
        return Ok(());
    }
    let path = &format!("/posts/{slug}");
    let body = &Value::Object(patch);
    let call = Call { method: Method::PATCH, if_match: read.etag(), ..Call::post(path, body) };
    let answer = client.send(&call).await?;
    if answer.status == StatusCode::OK { Ok(()) } else { Err(Failure::File(answer.reason())) }
}

/// Publishes, schedules or withdraws a post as its file says now.
async fn set_status(
    client: &mut Client<'_>,
    slug: &str,
    there: &Post,
    document: &Document,
    now: Timestamp,
) -> Result<(), Failure> {
    let is_public = document.hidden.is_none();
    let is_to_come = is_public && document.date.is_some_and(|date| date > now);
    // A published post cannot be scheduled.
    if (!is_public && there.status != "draft") || (is_to_come && there.status == "published") {
        let answer = client.send(&Call::post(&format!("/posts/{slug}/unpublish"), &json!({}))).await?;
        if answer.status != StatusCode::OK {
            return Err(Failure::File(answer.reason()));
        }
    }
    if is_public {
        let body = document.date.map_or_else(|| json!({}), |date| json!({ "publish_at": written(date) }));
        let answer = client.send(&Call::post(&format!("/posts/{slug}/publish"), &body)).await?;
        if answer.status != StatusCode::OK {
            return Err(Failure::File(answer.reason()));
        }
    }
    Ok(())
}

/// The post that has a slug already.
enum Found {
    /// That of the file.
    Own(Done),
    /// Of the same author, but of another blog that was imported, or written here.
    Another,
    /// Somebody else's.
    Theirs,
}

/// Compares a post that no journal knows of with its file.
async fn bring_up_to_date(
    client: &mut Client<'_>,
    username: &str,
    document: &Document,
    now: Timestamp,
) -> Result<Found, Failure> {
    let (slug, answer) = find(client, &document.slug).await?;
    // Somebody else's draft.
    if answer.status == StatusCode::NOT_FOUND {
        return Ok(Found::Theirs);
    }
    if answer.status != StatusCode::OK {
        return Err(Failure::File(answer.reason()));
    }
    let there: Post = answer.json()?;
    if there.author.username != username {
        return Ok(Found::Theirs);
    }
    match likeness(&there, document) {
        Likeness::Same => {}
        Likeness::Unknown => {
            return Err(Failure::File(format!(
                "Your post \"{slug}\" has the same title and another text, and no date tells whether it is of this file: it is not changed. Import \
             with the journal of the import that made it, or give this file another `slug`."
            )));
        }
        Likeness::Another => return Ok(Found::Another),
    }

    let note = difference_of_status(&there.status, document);
    let patch = changes(document, &there);
    let has_date = document.date.map(written);
    let is_dated_otherwise =
        note.is_none() && document.hidden.is_none() && has_date.is_some() && there.published_at != has_date;
    if patch.is_empty() && !is_dated_otherwise {
        return Ok(Found::Own(Done { what: Outcome::Unchanged, slug, note }));
    }
    if would_show_a_draft(&there, document, &patch) {
        return Err(shows_a_draft());
    }
    send_patch(client, &slug, &answer, patch).await?;
    if is_dated_otherwise {
        set_status(client, &slug, &there, document, now).await?;
    }
    Ok(Found::Own(Done { what: Outcome::Updated, slug, note }))
}

/// Whether a post that no journal knows is that of a file.
enum Likeness {
    Same,
    /// It has the same title, which somebody may have written here as well: its text is not replaced, and no second copy is made.
    Unknown,
    Another,
}

/// A post is that of a file by its text or its date: the first of two blogs is not overwritten by the second.
fn likeness(there: &Post, document: &Document) -> Likeness {
    let text = |name: &str| there.fields.get(name).and_then(Value::as_str);
    let is_same_text = text("body").map(str::trim) == Some(document.body.trim());
    match (&there.published_at, document.date.map(written)) {
        _ if is_same_text => Likeness::Same,
        (Some(there), Some(date)) if *there == date => Likeness::Same,
        (Some(_), Some(_)) => Likeness::Another,
        _ if same_words(text("title"), Some(&document.title)) => Likeness::Unknown,
        _ => Likeness::Another,
    }
}

/// Whether readers would see what the file hides.
fn would_show_a_draft(there: &Post, document: &Document, patch: &Map<String, Value>) -> bool {
    document.hidden.is_some() && there.status != "draft" && !patch.is_empty()
}

fn shows_a_draft() -> Failure {
    Failure::File(
        "The file is a draft, but its post is published or scheduled here: it is not changed. Unpublish it to take over what the file says."
            .to_owned(),
    )
}

/// The post that a slug leads to, under its newest slug.
pub async fn find(client: &mut Client<'_>, slug: &str) -> Result<(String, Answer), Failure> {
    let answer = client.send(&Call::get(&format!("/posts/{slug}"))).await?;
    if answer.status != StatusCode::MOVED_PERMANENTLY {
        return Ok((slug.to_owned(), answer));
    }
    let Some(slug) = answer.moved_to() else {
        return Err(Failure::File("The post has moved, but the server does not say where to.".to_owned()));
    };
    let answer = client.send(&Call::get(&format!("/posts/{slug}"))).await?;
    if answer.status == StatusCode::MOVED_PERMANENTLY {
        return Err(Failure::File(format!("The post has moved to \"{slug}\", and from there again.")));
    }
    Ok((slug.to_owned(), answer))
}

/// A merge patch of what the file says otherwise. What the file does not mention is not touched: the post may have got
/// its summary or its tags in the editor.
fn changes(document: &Document, there: &Post) -> Map<String, Value> {
    let mut patch = fields(document);
    patch.retain(|name, value| {
        let there = there.fields.get(name).unwrap_or(&Value::Null);
        match name.as_str() {
            "body" => value.as_str().map(str::trim) != there.as_str().map(str::trim),
            "tags" => folded(value) != folded(there),
            "comments_open" => value != there,
            // The server has its own way to write an address, and the spaces of a title are of no meaning.
            "cover_image_url" | "canonical_url" => address(value) != address(there),
            _ => !same_words(value.as_str(), there.as_str()),
        }
    });
    patch
}

fn same_words(one: Option<&str>, other: Option<&str>) -> bool {
    one.unwrap_or_default().split_whitespace().eq(other.unwrap_or_default().split_whitespace())
}

fn address(value: &Value) -> Option<url::Url> {
    value.as_str()?.parse().ok()
}

fn folded(tags: &Value) -> Vec<String> {
    let texts = tags.as_array().into_iter().flatten().filter_map(Value::as_str);
    texts.filter_map(|tag| Tag::try_from(tag.to_owned()).ok()).map(String::from).collect()
}

/// A post that no journal knows of is never published or withdrawn: readers would notice, and that is the author's
/// decision.
fn difference_of_status(status: &str, document: &Document) -> Option<String> {
    match (status == "published" || status == "scheduled", document.hidden.is_none()) {
        (false, true) => Some(format!("its status there is {status}, though the file is not a draft")),
        (true, false) => Some(format!("its status there is {status}, though the file is a draft")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{generators::Generator, site, test_server::server};

    fn document() -> Document {
        let text = "---\ntags: [Small Web]\ndate: 2021-03-04\nsummary: Two\n  lines.\n---\n# Title\nText.\n";
        let site = site::Site::plain(Path::new("."), Generator::Plain);
        Document::parse(Path::new("a.md"), text.as_bytes(), &site, "2026-01-01T00:00:00Z".parse().unwrap()).unwrap()
    }

    fn post(title: &str, body: &str, summary: Option<&str>, tags: &[&str]) -> Post {
        let post = json!({
            "title": title, "body": body, "summary": summary, "tags": tags, "status": "published",
            "author": { "username": "anna" },
        });
        serde_json::from_value(post).unwrap()
    }

    #[test]
    fn only_what_the_file_says_otherwise_is_changed() {
        let same = post("Title", "Text.\n", Some("Two lines."), &["small-web"]);
        assert_eq!(Value::Object(changes(&document(), &same)), json!({}));

        let other = post("Titel", "Text!", None, &["small-web", "b"]);
        let everything = json!({"title": "Title", "body": "Text.", "summary": "Two lines.", "tags": ["Small Web"]});
        assert_eq!(Value::Object(changes(&document(), &other)), everything);

        let silent = Document { summary: None, tags: None, ..document() };
        let edited = post("Title", "Text.", Some("Written in the editor."), &["b"]);
        assert_eq!(Value::Object(changes(&silent, &edited)), json!({}));

        let untagged = Document { tags: Some(Vec::new()), ..document() };
        assert_eq!(Value::Object(changes(&untagged, &same)), json!({"tags": []}));
    }

    #[test]
    fn a_draft_carries_no_date_and_a_post_to_come_is_scheduled() {
        let mut expected = json!({
            "title": "Title", "body": "Text.", "slug": "a", "status": "published", "summary": "Two lines.",
            "tags": ["Small Web"], "publish_at": "2021-03-04T00:00:00.000Z",
        });
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(creation(&document(), now), expected);

        expected["status"] = json!("scheduled");
        assert_eq!(creation(&document(), Timestamp::UNIX_EPOCH), expected);

        expected["status"] = json!("draft");
        expected.as_object_mut().unwrap().remove("publish_at");
        assert_eq!(creation(&Document { hidden: Some("it says so".to_owned()), ..document() }, now), expected);
    }

    #[tokio::test]
    async fn text_that_no_import_made_is_not_replaced() {
        let taken = ("409 Conflict", r#"{"type":"urn:broadsheet:problem:slug-taken"}"#);
        let there = r#"{"title":"Title","body":"Written here.","status":"draft","published_at":null,"author":{"username":"ada"}}"#;
        let same =
            r#"{"title":"Other","body":"Text.","status":"draft","published_at":null,"author":{"username":"ada"}}"#;
        let other = r#"{"title":"Other","body":"Written here.","status":"draft","published_at":null,"author":{"username":"ada"}}"#;
        let (url, seen) = server(vec![
            taken,
            ("200 OK", there),
            taken,
            ("200 OK", same),
            ("200 OK", "{}"),
            taken,
            ("200 OK", other),
            ("201 Created", "{}"),
        ]);
        let mut out = Vec::new();
        let mut client = Client::with_key(&url, "key", &mut out).unwrap();
        let draft = Document { hidden: Some("it says so".to_owned()), ..document() };
        let mut outcomes = Vec::new();
        for _ in 0..3 {
            let now = "2026-01-01T00:00:00Z".parse().unwrap();
            let done = publish(&mut client, "ada", Path::new("a.md"), &draft, None, &mut HashSet::new(), now).await;
            outcomes.push(match done {
                Ok(done) => format!("{} {:?}", done.slug, done.what),
                Err(Failure::File(reason)) => reason,
                Err(Failure::Run(error)) => panic!("{error}"),
            });
        }
        assert!(outcomes[0].starts_with("Your post \"a\" has the same title and another text"), "{outcomes:?}");
        assert_eq!(outcomes[1..], ["a Updated", "a-2021 Created"]);
        assert!(!seen.join().unwrap()[2].starts_with("PATCH"));
    }

    #[tokio::test]
    async fn former_slugs_are_sent_once_and_without_those_of_others() {
        let taken = r#"{"type":"urn:broadsheet:problem:slug-taken","title":"Taken"}"#;
        let (url, seen) = server(vec![
            ("200 OK", "{}"),
            ("409 Conflict", taken),
            ("200 OK", "{}"),
            ("409 Conflict", taken),
            ("404 Not Found", "{}"),
        ]);
        let mut out = Vec::new();
        let mut client = Client::with_key(&url, "key", &mut out).unwrap();
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let first = give_former_slugs(&mut client, "a", &words(&["x"]), None).await.unwrap();
        assert_eq!(first, (Some(json!(["x"])), None));
        let same = give_former_slugs(&mut client, "a", &words(&["x"]), first.0).await.unwrap();
        assert_eq!(same, (Some(json!(["x"])), None));
        let (kept, note) = give_former_slugs(&mut client, "b", &words(&["y", "z"]), None).await.unwrap();
        assert_eq!((kept, note.as_deref()), (Some(json!(["y"])), Some("another post has the address /posts/z")));
        // A server that knows no such operation is asked once.
        for slug in ["c", "d"] {
            assert_eq!(give_former_slugs(&mut client, slug, &words(&["w"]), None).await.unwrap(), (None, None));
        }
        assert!(!client.takes_former_slugs);
        assert_eq!(
            seen.join().unwrap(),
            [
                r#"PUT /v1/posts/a/aliases {"aliases":["x"]}"#,
                r#"PUT /v1/posts/b/aliases {"aliases":["y","z"]}"#,
                r#"PUT /v1/posts/b/aliases {"aliases":["y"]}"#,
                r#"PUT /v1/posts/b/aliases {"aliases":["y","z"]}"#,
                r#"PUT /v1/posts/c/aliases {"aliases":["w"]}"#,
            ]
        );
    }
}
