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
    Failure,
    client::{Call, Client},
    formats::byline,
    journal::Journal,
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
    /// In Markdown, with the name of its author if somebody else wrote it.
    pub body: String,
}

impl Comment {
    /// A comment with a text that the server takes.
    pub fn new(id: &str, parent: Option<String>, byline: Option<&str>, text: &str) -> Self {
        let whole = byline.map_or_else(|| text.to_owned(), |byline| format!("{byline}\n\n{text}"));
        let body = if whole.chars().count() > MAX_BODY {
            let cut: String = whole.chars().take(MAX_BODY - 1).collect();
            format!("{cut}…")
        } else {
            whole
        };
        Self { id: id.to_owned(), parent, body }
    }

    /// Whether it was posted with this text. Imports of before wrote no [`Origin`] above the name.
    pub fn has_body(&self, body: &str) -> bool {
        let without_origin = || self.body.strip_prefix(Origin::BEGIN)?.split_once(Origin::END);
        self.body == body || without_origin().is_some_and(|(_, rest)| rest == body)
    }
}

/// Who wrote a comment on another blog of Broadsheet, and when: the first line of what is imported of it, a definition of a link that
/// nothing refers to, so that readers see the name and the day below it, and an export writes the comment as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The username.
    pub author: String,
    /// What the author was called.
    pub name: String,
    /// As it was exported.
    pub created_at: String,
}

impl Origin {
    const BEGIN: &str = "[imported-comment]: <import:comment?";
    const END: &str = ">\n\n";

    /// What stands before the text.
    pub fn heading(&self) -> String {
        let Self { author, name, created_at } = self;
        let fields = [("author", author), ("name", name), ("created_at", created_at)];
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        format!("{}{query}{}{}", Self::BEGIN, Self::END, byline(name, created_at.parse::<Timestamp>().ok()))
    }

    /// The origin of a comment that was imported, and its text. None if it was not, or if it no longer begins as it did then.
    pub fn split(body: &str) -> Option<(Self, &str)> {
        let (query, _) = body.strip_prefix(Self::BEGIN)?.split_once(Self::END)?;
        let mut fields: HashMap<_, _> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let mut take = |name: &str| fields.remove(name);
        let origin = Self { author: take("author")?, name: take("name")?, created_at: take("created_at")? };
        let text = body.strip_prefix(&origin.heading())?.strip_prefix("\n\n")?;
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

/// Posts the comments of a published post that were not posted before; says what became of them, if there is anything to say.
/// Where no comments are taken, the post takes some until these are there.
pub(crate) async fn publish(
    client: &mut Client<'_>,
    journal: &mut Journal,
    file: &Path,
    slug: &str,
    comments: &[Comment],
    are_closed: bool,
) -> Result<Option<String>, Failure> {
    let place = |id: &str| place(file, id);
    let waiting = comments.iter().filter(|comment| journal.get(&place(&comment.id)).is_none()).count();
    if waiting == 0 {
        return Ok(None);
    }
    if are_closed {
        set_open(client, slug, true).await?;
    }
    let (mut created, mut held) = (0, 0);
    let mut refused: Vec<String> = Vec::new();
    let mut last = None;
    for comment in comments {
        if journal.get(&place(&comment.id)).is_some() {
            continue;
        }
        let parent = comment.parent.as_ref().and_then(|parent| journal.get(&place(parent)));
        // Without it, the comment would begin a thread of its own for good.
        if parent.is_none() && comments.iter().any(|above| comment.parent.as_ref() == Some(&above.id)) {
            refused.push(format!("{}: what it answers is not there yet", comment.id));
            continue;
        }
        let mut body = json!({ "body": comment.body });
        if let Some(parent) = parent {
            body["parent_id"] = json!(parent.slug);
        }
        let path = format!("/posts/{slug}/comments");
        let key = format!("import-{:016x}-{}", mark(&file.to_string_lossy()), short(&comment.id));
        let answer = client.send(&Call { key: Some(&key), ..Call::post(&path, &body) }).await?;
        if answer.status != StatusCode::CREATED {
            refused.push(format!("{}: {}", comment.id, answer.reason()));
            continue;
        }
        let there: Created = answer.json()?;
        created += 1;
        held += usize::from(there.status == "held");
        let keep = |journal: &mut Journal| journal.keep(&place(&comment.id), &there.id, Map::new());
        // The last one is noted when the post is closed again: until then there is something left to do.
        if created + refused.len() == waiting && are_closed {
            last = Some((place(&comment.id), there.id.clone()));
        } else {
            keep(journal).map_err(|source| Failure::File(source.to_string()))?;
        }
    }
    if are_closed {
        set_open(client, slug, false).await?;
    }
    if let Some((place, id)) = last {
        journal.keep(&place, &id, Map::new()).map_err(|source| Failure::File(source.to_string()))?;
    }
    let mut said = format!("{created} comments imported");
    if held > 0 {
        said += &format!(", of which {held} wait for an editor");
    }
    if !refused.is_empty() {
        said += &format!("; {} were refused: {}", refused.len(), refused.join("; "));
    }
    Ok(Some(said))
}

/// Where the journal has a comment of a file.
pub(crate) fn place(file: &Path, id: &str) -> PathBuf {
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
            Comment::new(id, parent, Some("**A**:"), "Text")
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
        for name in ["Bob", "Bob *the* <builder> & \"son\" [x](y)", "a\nb", "👩\u{200d}💻>", ""] {
            let created_at = "2026-11-21T08:30:00.123Z".to_owned();
            let origin = Origin { author: "bob-1_x".to_owned(), name: name.to_owned(), created_at };
            for text in ["Text", "  \n\n> text\n", ">\n\n**A**:\n\nText", ""] {
                let comment = Comment::new("1", None, Some(&origin.heading()), text);
                assert_eq!(Origin::split(&comment.body), Some((origin.clone(), text)));
                assert!(comment.body.lines().next().is_some_and(|line| line.is_ascii() && line.ends_with('>')));
            }
        }
        let heading = Origin { author: "bob".into(), name: "Bob".into(), created_at: "?".into() }.heading();
        for body in [
            "**Bob**, 4 March 2014:\n\nText",
            &heading,
            &format!("{heading} edited\n\nText"),
            &format!("x{heading}\n\nText"),
        ] {
            assert_eq!(Origin::split(body), None, "{body}");
        }
    }

    #[test]
    fn a_comment_is_no_longer_than_the_server_takes() {
        let comment = Comment::new("1", None, Some("**A**:"), &"é".repeat(20_000));
        assert_eq!(comment.body.chars().count(), MAX_BODY);
        assert!(comment.body.ends_with('…'));
    }
}
