//! Comments of another blog, which become comments of the user who imports, as the API knows no other authors: each that somebody else
//! wrote begins with their name and the day. A journal and idempotency keys see to it that none is there twice.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    ImportError,
    broadsheet::walk,
    client::{Call, Client},
    formats::byline,
    journal::Journal,
    posts::Failure,
    report::number_of,
};

/// The server's maximum length of a comment, in characters.
const MAX_BODY: usize = 10_000;
/// How deep the server lets comments answer each other.
const MAX_DEPTH: usize = 5;

/// A comment as it is posted.
#[derive(Clone, Debug, PartialEq)]
pub struct Comment {
    /// Its id on the old blog, unique within the blog.
    pub id: String,
    /// The comment that it answers, which stands before it.
    pub parent: Option<String>,
    /// In Markdown, below its [`Origin`].
    pub body: String,
    /// Whether its text was longer than the server takes.
    pub is_cut: bool,
}

impl Comment {
    /// A comment of the old blog, with a text that the server takes.
    pub fn new(id: &str, parent: Option<String>, origin: &Origin, text: &str) -> Self {
        let origin = Origin { mark: origin.updated_at.as_ref().map(|_| mark_of(text)), ..origin.clone() };
        let whole = format!("{}{text}", origin.heading());
        let is_cut = whole.chars().count() > MAX_BODY;
        let body = match is_cut {
            false => whole,
            // The user's own words count for more than their time, unless they could be read as an origin themselves.
            true if origin.author.is_none() && text.chars().count() <= MAX_BODY && !text.starts_with(Origin::BEGIN) => {
                return Self { id: id.to_owned(), parent, body: text.to_owned(), is_cut: false };
            }
            true => whole.chars().take(MAX_BODY - 1).chain(['…']).collect(),
        };
        Self { id: id.to_owned(), parent, body, is_cut }
    }

    /// Whether it was posted with this text. Imports of before wrote an [`Origin`] without an id above the name, or none.
    fn has_body(&self, body: &str) -> bool {
        let without = |body: &'_ str| -> Option<String> {
            Some(body.strip_prefix(Origin::BEGIN)?.split_once(Origin::END)?.1.to_owned())
        };
        self.body == body || without(&self.body).is_some_and(|text| text == body || without(body) == Some(text))
    }

    /// Whether this text, which a user wrote by importing, is that of this comment, perhaps as it was before.
    fn is_origin_of(&self, body: &str) -> bool {
        let identity = |body: &str| Origin::split(body).and_then(|(origin, _)| Some((origin.id?, origin.created_at)));
        identity(body).is_some_and(|found| identity(&self.body) == Some(found))
    }
}

/// Where an imported comment comes from: the first line of its text, a definition of a link that nothing refers to, so that readers do not see
/// it, and an export writes the comment as it was. Below it stands the name of whoever wrote it, if that was somebody else.
///
/// Every imported comment has one, so that an export takes away exactly the line that an import wrote: what looks like one below it was typed by
/// who wrote the comment, and stays text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Its id on the other blog. None in lines that imports of before wrote.
    pub id: Option<String>,
    /// Who wrote it; none if that is the user.
    pub author: Option<Author>,
    /// As it was exported.
    pub created_at: String,
    /// As it was exported; none if it was never edited.
    pub updated_at: Option<String>,
    /// A mark of the text that the edit left, as [`Comment::new`] writes it: a text that was edited here too has another one.
    pub mark: Option<String>,
}

/// Who wrote a comment on another blog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Author {
    /// Empty if there is no such user, or no longer.
    pub username: String,
    /// What the author was called; empty if nobody knows.
    pub name: String,
}

impl Origin {
    const BEGIN: &str = "[imported-comment]: <import:comment?";
    const END: &str = ">\n\n";

    /// What stands before the text.
    fn heading(&self) -> String {
        let Self { id, author, created_at, updated_at, mark } = self;
        let fields = [
            ("author", author.as_ref().map(|author| &author.username)),
            ("name", author.as_ref().map(|author| &author.name)),
            ("created_at", Some(created_at)),
            ("updated_at", updated_at.as_ref()),
            ("mark", mark.as_ref()),
            ("id", id.as_ref()),
        ];
        let fields = fields.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let byline = author.as_ref().map(|author| byline(&author.name, created_at.parse::<Timestamp>().ok()) + "\n\n");
        format!("{}{query}{}{}", Self::BEGIN, Self::END, byline.unwrap_or_default())
    }

    /// The origin of a comment that was imported, and its text. None if it was not, or if it no longer begins as it did then.
    pub fn split(body: &str) -> Option<(Self, &str)> {
        let (query, _) = body.strip_prefix(Self::BEGIN)?.split_once(Self::END)?;
        let mut fields: HashMap<_, _> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let mut take = |name: &str| fields.remove(name);
        let author = match take("author") {
            Some(username) => Some(Author { username, name: take("name")? }),
            None => None,
        };
        let (id, created_at, updated_at, mark) = (take("id"), take("created_at")?, take("updated_at"), take("mark"));
        let origin = Self { id, author, created_at, updated_at, mark };
        let text = body.strip_prefix(&origin.heading())?;
        Some((origin, text))
    }
}

/// Puts each comment after the one that it answers, and those that are too deep below the deepest comment that may be
/// answered. What answers a comment that is not there answers the nearest one above that is; `above` knows the parents of all.
pub fn in_threads(comments: Vec<Comment>, above: &HashMap<String, String>) -> Vec<Comment> {
    let places: HashMap<String, usize> =
        comments.iter().enumerate().map(|(place, comment)| (comment.id.clone(), place)).collect();
    let ancestors = |comment: &Comment| -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let mut next = comment.parent.clone();
        // A parent of itself would never end.
        while let Some(parent) = next.filter(|parent| *parent != comment.id && !found.contains(parent)) {
            next = above.get(&parent).cloned();
            found.push(parent);
        }
        found.retain(|parent| places.contains_key(parent));
        found.reverse();
        found
    };
    // The path of places from the first comment of the thread down sorts parents before children.
    let mut sorted: Vec<(Vec<usize>, Comment)> = comments
        .iter()
        .map(|comment| {
            let ancestors = ancestors(comment);
            let parent = ancestors.get(..ancestors.len().min(MAX_DEPTH - 1)).and_then(|above| above.last()).cloned();
            let ids = ancestors.iter().chain(std::iter::once(&comment.id));
            let path = ids.filter_map(|id| places.get(id).copied()).collect();
            (path, Comment { parent, ..comment.clone() })
        })
        .collect();
    sorted.sort_by(|(one, _), (other, _)| one.cmp(other));
    sorted.into_iter().map(|(_, comment)| comment).collect()
}

#[derive(Deserialize)]
struct Created {
    id: String,
    status: String,
}

/// What became of the comments on a post.
#[derive(Debug, Default)]
pub(crate) struct Published {
    pub created: usize,
    pub updated: usize,
    held: usize,
    /// The ids of those whose text was too long.
    cut: Vec<String>,
    /// The ids of those that the server did not take, each with the reason.
    refused: Vec<String>,
}

impl Published {
    /// For the report.
    pub fn said(&self) -> String {
        let mut said = format!("{} imported", number_of(self.created, "comment"));
        if self.held > 0 {
            said += &format!(", {} held for an editor", self.held);
        }
        if self.updated > 0 {
            said += &format!("; {} changed", self.updated);
        }
        if !self.cut.is_empty() {
            said += &format!("; {} cut to {MAX_BODY} characters: {}", self.cut.len(), self.cut.join(", "));
        }
        if !self.refused.is_empty() {
            said += &format!("; {} refused: {}", self.refused.len(), self.refused.join("; "));
        }
        said
    }
}

/// Posts the comments of a published post that were not posted before, and changes those whose text is another one since; says what became
/// of them, if there is anything to say. Where no comments are taken, the post takes some until these are there.
pub(crate) async fn publish(
    client: &mut Client<'_>,
    (journal, username): (&mut Journal, &str),
    file: &Path,
    slug: &str,
    comments: &[Comment],
    are_closed: bool,
) -> Result<Option<Published>, Failure> {
    let place = |id: &str| place(file, id);
    let failed = |source: std::io::Error| Failure::File(source.to_string());
    if comments.iter().any(|comment| journal.get(&place(&comment.id)).is_none()) {
        find(client, (journal, username), file, slug, comments).await?;
    }
    let mut published = Published::default();
    for comment in comments {
        let Some(entry) = journal.get(&place(&comment.id)) else { continue };
        // Imports of before did not note the text.
        if entry.said.is_empty() || entry.said == said(&comment.body) {
            continue;
        }
        let (id, body) = (entry.slug.clone(), json!({ "body": comment.body }));
        let path = format!("/posts/{slug}/comments/{id}");
        let call = Call { method: Method::PATCH, if_match: Some("*"), ..Call::post(&path, &body) };
        let answer = client.send(&call).await?;
        match answer.status {
            StatusCode::OK => published.updated += 1,
            // What was deleted here is not brought back.
            StatusCode::NOT_FOUND | StatusCode::GONE => {}
            _ => {
                published.refused.push(format!("{}: {}", comment.id, answer.reason()));
                continue;
            }
        }
        journal.keep(&place(&comment.id), &id, said(&comment.body)).map_err(failed)?;
    }
    let waiting = comments.iter().filter(|comment| journal.get(&place(&comment.id)).is_none()).count();
    if waiting == 0 {
        return Ok((published.updated > 0 || !published.refused.is_empty()).then_some(published));
    }
    if are_closed {
        set_open(client, slug, true).await?;
    }
    let (mut last, mut done) = (None, 0);
    for comment in comments {
        if journal.get(&place(&comment.id)).is_some() {
            continue;
        }
        done += 1;
        let parent = comment.parent.as_ref().and_then(|parent| journal.get(&place(parent)));
        // Without it, the comment would begin a thread of its own for good.
        if parent.is_none() && comments.iter().any(|above| comment.parent.as_ref() == Some(&above.id)) {
            published.refused.push(format!("{}: what it answers is not there yet", comment.id));
            continue;
        }
        let mut body = json!({ "body": comment.body });
        if let Some(parent) = parent {
            body["parent_id"] = json!(parent.slug);
        }
        let path = format!("/posts/{slug}/comments");
        // Of what is sent too: the same key with another text would be refused.
        let key = format!("import-{:016x}-{}", mark(&format!("{}\n{body}", file.display())), short(&comment.id));
        let answer = client.send(&Call { key: Some(&key), ..Call::post(&path, &body) }).await?;
        if answer.status != StatusCode::CREATED {
            published.refused.push(format!("{}: {}", comment.id, answer.reason()));
            continue;
        }
        let there: Created = answer.json()?;
        published.created += 1;
        published.held += usize::from(there.status == "held");
        published.cut.extend(comment.is_cut.then(|| comment.id.clone()));
        // The last one is noted when the post is closed again: until then there is something left to do.
        if done == waiting && are_closed {
            last = Some((place(&comment.id), there.id, said(&comment.body)));
        } else {
            journal.keep(&place(&comment.id), &there.id, said(&comment.body)).map_err(failed)?;
        }
    }
    if are_closed {
        set_open(client, slug, false).await?;
    }
    if let Some((place, id, said)) = last {
        journal.keep(&place, &id, said).map_err(failed)?;
    }
    Ok(Some(published))
}

/// Notes in the journal those comments that are there already, where an earlier journal is lost: by their origin, whose text may have changed
/// since, or by their text.
async fn find(
    client: &mut Client<'_>,
    (journal, username): (&mut Journal, &str),
    file: &Path,
    slug: &str,
    comments: &[Comment],
) -> Result<(), Failure> {
    let mut there = match walk(client, &format!("/posts/{slug}/comments")).await {
        Ok(there) => there,
        Err(ImportError::Refused { reason, .. }) => return Err(Failure::File(reason)),
        Err(error) => return Err(error.into()),
    };
    let text = |comment: &Value, key: &str| comment[key].as_str().unwrap_or_default().to_owned();
    there.retain(|comment| comment["author"]["username"] == username);
    for comment in comments {
        if journal.get(&place(file, &comment.id)).is_some() {
            continue;
        }
        let parent = comment.parent.as_ref().and_then(|parent| journal.get(&place(file, parent)));
        let parent = json!(parent.map(|entry| &entry.slug));
        let by_origin = |found: &Value| comment.is_origin_of(&text(found, "body"));
        let by_text = |found: &Value| comment.has_body(&text(found, "body")) && found["parent_id"] == parent;
        let Some(index) = there.iter().position(by_origin).or_else(|| there.iter().position(by_text)) else { continue };
        let found = there.swap_remove(index);
        let body = text(&found, "body");
        let said = said(if comment.has_body(&body) { &comment.body } else { &body });
        let kept = journal.keep(&place(file, &comment.id), &text(&found, "id"), said);
        kept.map_err(|source| Failure::File(source.to_string()))?;
    }
    Ok(())
}

/// What the journal keeps of a comment's text.
fn said(body: &str) -> Map<String, Value> {
    Map::from_iter([("mark".to_owned(), json!(mark_of(body)))])
}

/// Where the journal has a comment of a file.
fn place(file: &Path, id: &str) -> PathBuf {
    Path::new(&format!("{}#comment-{id}", file.display())).to_owned()
}

async fn set_open(client: &mut Client<'_>, slug: &str, is_open: bool) -> Result<(), Failure> {
    let (path, body): (_, Value) = (format!("/posts/{slug}"), json!({ "comments_open": is_open }));
    let call = Call { method: Method::PATCH, if_match: Some("*"), ..Call::post(&path, &body) };
    let answer = client.send(&call).await?;
    if answer.status == StatusCode::OK { Ok(()) } else { Err(Failure::File(answer.reason())) }
}

/// A mark of a text (FNV-1a), as an idempotency key is short.
fn mark(text: &str) -> u64 {
    let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, hash)
}

/// The same, as the journal and an [`Origin`] have it.
pub(crate) fn mark_of(text: &str) -> String {
    format!("{:016x}", mark(text))
}

fn short(id: &str) -> String {
    id.chars().filter(char::is_ascii_alphanumeric).take(30).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_keep_their_order_and_end_at_the_deepest_level() {
        let comment = |id: &str, parent: &str| {
            let parent = (!parent.is_empty()).then(|| parent.to_owned());
            Comment::new(id, parent, &origin(Some(("a", "A"))), "Text")
        };
        let written = [
            ("1", ""),
            ("2", ""),
            ("4", "3"),
            ("3", "1"),
            ("5", "4"),
            ("6", "5"),
            ("7", "6"),
            ("8", "7"),
            ("9", "hidden"),
            ("10", "10"),
        ];
        let comments: Vec<_> = written.iter().map(|(id, parent)| comment(id, parent)).collect();
        let mut above: HashMap<String, String> =
            written.iter().map(|(id, parent)| ((*id).to_owned(), (*parent).to_owned())).collect();
        above.insert("hidden".to_owned(), "2".to_owned());
        let sorted = in_threads(comments, &above);
        let shown: Vec<_> =
            sorted.iter().map(|comment| (comment.id.as_str(), comment.parent.as_deref().unwrap_or_default())).collect();
        assert_eq!(
            shown,
            [
                ("1", ""),
                ("3", "1"),
                ("4", "3"),
                ("5", "4"),
                ("6", "5"),
                ("7", "5"),
                ("8", "5"),
                ("2", ""),
                ("9", "2"),
                ("10", "")
            ]
        );
    }

    #[test]
    fn an_origin_is_read_as_it_was_written() {
        let names = ["Bob", "Bob *the* <builder> & \"son\" [x](y)", "a\nb", "👩\u{200d}💻>", ""];
        let authors = names.iter().map(|name| Some(("bob-1_x", *name))).chain([Some(("", "")), None]);
        for (author, id, updated_at) in authors.flat_map(|author| {
            [(None, None), (Some("01X"), None), (Some("7"), Some("2027-01-02T03:04:05.678Z"))]
                .map(|(id, at)| (author, id, at))
        }) {
            let (id, updated_at) = (id.map(str::to_owned), updated_at.map(str::to_owned));
            let origin = Origin { id, updated_at, ..origin(author) };
            for text in ["Text", "  \n\n> text\n", ">\n\n**A**:\n\nText", "", &origin.heading()] {
                let comment = Comment::new("1", None, &origin, text);
                let mark = origin.updated_at.as_ref().map(|_| mark_of(text));
                assert_eq!(Origin::split(&comment.body), Some((Origin { mark, ..origin.clone() }, text)));
                assert!(comment.body.lines().next().is_some_and(|line| line.is_ascii() && line.ends_with('>')));
            }
        }
        let heading = origin(Some(("bob", "Bob"))).heading();
        let heading = heading.trim_end();
        for body in [
            "**Bob**, 4 March 2014:\n\nText",
            heading,
            &format!("{heading} edited\n\nText"),
            &format!("x{heading}\n\nText"),
        ] {
            assert_eq!(Origin::split(body), None, "{body}");
        }
    }

    #[test]
    fn a_comment_is_found_by_what_earlier_imports_wrote() {
        let of_bob = Origin { id: Some("7".to_owned()), ..origin(Some(("bob", "Bob"))) };
        let comment = Comment::new("7", None, &of_bob, "Text");
        let line =
            "[imported-comment]: <import:comment?author=bob&name=Bob&created_at=2026-11-21T08%3A30%3A00.123Z>\n\n";
        for earlier in ["", line] {
            let body = format!("{earlier}**Bob**, 21 November 2026:\n\nText");
            assert!(comment.has_body(&body) && !comment.is_origin_of(&body), "{body}");
        }
        assert!(Comment::new("7", None, &Origin { author: None, ..of_bob.clone() }, "Text").has_body("Text"));
        let edited = Comment::new("7", None, &of_bob, "Edited").body;
        assert!(comment.is_origin_of(&edited) && !comment.has_body(&edited));
        let later = Origin { created_at: "2026-11-21T08:30:00.124Z".to_owned(), ..of_bob };
        assert!(!comment.is_origin_of(&Comment::new("7", None, &later, "Text").body));
    }

    #[test]
    fn a_comment_is_no_longer_than_the_server_takes() {
        let (long, longer) = ("é".repeat(MAX_BODY), "é".repeat(2 * MAX_BODY));
        for (author, text) in [(Some(("a", "A")), &long), (None, &longer)] {
            let comment = Comment::new("1", None, &origin(author), text);
            assert_eq!(comment.body.chars().count(), MAX_BODY);
            assert!(comment.is_cut && comment.body.ends_with('…'));
        }
        let own = Comment::new("1", None, &origin(None), &long);
        assert!(own.body == long && !own.is_cut);
        // What would then be taken for an origin keeps its own above it.
        let forged = format!("{}{long}", origin(Some(("b", "B"))).heading());
        let forged: String = forged.chars().take(MAX_BODY).collect();
        let comment = Comment::new("1", None, &origin(None), &forged);
        assert_eq!(Origin::split(&comment.body).map(|(origin, _)| origin.author), Some(None));
    }

    fn origin(author: Option<(&str, &str)>) -> Origin {
        let author = author.map(|(username, name)| Author { username: username.to_owned(), name: name.to_owned() });
        Origin { id: None, author, created_at: "2026-11-21T08:30:00.123Z".to_owned(), updated_at: None, mark: None }
    }
}
