//! Broadsheet's own format: the folder that `broadsheet export` writes and `broadsheet import` reads back (docs/export.md).
//!
//! | file | |
//! |---|---|
//! | `broadsheet.json` | tells the folder by, with the version of the format and the files that the export wrote ([`Manifest`]) |
//! | `posts/SLUG.md` | a post ([`format`]) |
//! | `media/ID.jpg`, `media.json` | the largest file of each picture, and what is said of it |
//! | `comments/SLUG.json` | the comments on a post, which come back as those of the user ([`restore`]) |
//! | `hidden_comments.json` | comments that not everybody sees, by the slugs of their posts; only exported |
//! | `only_exported.json` | what of posts and reposts no request can set |
//! | `users.json` | who wrote something; only exported |
//! | `reposts.json` | the posts that the user reposted |
//! | `redirects` | where former slugs and aliases lead, as lines of `OLD NEW 301` |

mod export;
mod format;
mod pictures;
mod restore;

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use export::{Export, Exported, export};
pub(crate) use restore::restore;

use crate::{
    ImportError,
    client::{Answer, Call, Client},
};

/// What tells an export from other folders.
const MANIFEST: &str = "broadsheet.json";
/// The version of the format.
const FORMAT: u64 = 1;
const POSTS: &str = "posts";
const COMMENTS: &str = "comments";
const HIDDEN_COMMENTS: &str = "hidden_comments.json";
const MEDIA: &str = "media";
const MEDIA_LIST: &str = "media.json";
const ONLY_EXPORTED: &str = "only_exported.json";
const USERS: &str = "users.json";
const REPOSTS: &str = "reposts.json";
const REDIRECTS: &str = "redirects";

/// Whether `folder` is what an export wrote.
pub(crate) fn is_export(folder: &Path) -> bool {
    folder.join(MANIFEST).is_file()
}

/// What `broadsheet.json` says.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    format: u64,
    /// Whether the export came to its end.
    complete: bool,
    url: String,
    user: String,
    /// The files that the export wrote. Another one into the same folder removes those of posts that are gone, and nothing that
    /// somebody put beside them.
    files: BTreeSet<String>,
}

impl Manifest {
    fn read(folder: &Path) -> Result<Self, ImportError> {
        let path = folder.join(MANIFEST);
        let unusable = |reason: String| ImportError::NotAnExport { path: path.clone(), reason };
        let text = fs::read(&path).map_err(|source| unusable(source.to_string()))?;
        let manifest: Self = serde_json::from_slice(&text).map_err(|error| unusable(error.to_string()))?;
        if manifest.format > FORMAT {
            return Err(unusable(format!(
                "it is of version {} of the format, and this program reads up to {FORMAT}",
                manifest.format
            )));
        }
        Ok(manifest)
    }
}

/// Writes a file whole or not at all: first under another name.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), ImportError> {
    let failed = |source: io::Error| ImportError::File { path: path.to_owned(), source };
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    fs::write(&part, bytes).map_err(failed)?;
    fs::rename(&part, path).map_err(failed)
}

/// What is at a path of the API; none if there is nothing that the user may see.
async fn read(client: &mut Client<'_>, path: &str) -> Result<Option<Value>, ImportError> {
    let answer = client.send(&Call::get(path)).await?;
    match answer.status.as_u16() {
        200 => answer.json().map(Some),
        301 | 403 | 404 | 410 => Ok(None),
        _ => Err(refused(path, &answer)),
    }
}

/// All items of a list.
pub(crate) async fn walk(client: &mut Client<'_>, path: &str) -> Result<Vec<Value>, ImportError> {
    let mut items = Vec::new();
    let first = format!("{path}{}limit=100", if path.contains('?') { '&' } else { '?' });
    let mut next = first.clone();
    loop {
        let answer = client.send(&Call::get(&next)).await?;
        if answer.status.as_u16() != 200 {
            return Err(refused(path, &answer));
        }
        let mut page: Page = answer.json()?;
        items.append(&mut page.items);
        let Some(cursor) = page.next_cursor else { return Ok(items) };
        let cursor: String = url::form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
        next = format!("{first}&cursor={cursor}");
    }
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Value>,
    next_cursor: Option<String>,
}

fn refused(path: &str, answer: &Answer) -> ImportError {
    ImportError::Refused { path: path.to_owned(), reason: answer.reason() }
}

/// A text in JSON; empty if there is none.
fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}
