//! What earlier imports wrote, so that a later one changes only what a file has changed since.
//!
//! A file of lines of JSON, one for each post that was written, of which the last one counts: an import can be stopped at any moment and
//! loses nothing but the lines of the posts that were on their way. Without the file, what the posts on the server say takes its
//! place: nothing doubles, but what was changed there since is then overwritten by what the file says.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::media::Picture;

/// The name that it has in the imported folder unless another place is named.
pub const FILE_NAME: &str = ".broadsheet-import.jsonl";

/// One post as it was written last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The account that imported it, of one server. A server that begins anew has other accounts.
    pub user_id: String,
    pub file: PathBuf,
    pub slug: String,
    /// What the file said: the fields of the request.
    pub said: Map<String, Value>,
}

/// One picture as it was uploaded. The same file is not uploaded twice, wherever it lies.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct PictureEntry {
    user_id: String,
    /// The fingerprint of the file.
    picture: String,
    id: String,
    url: Option<String>,
}

/// The journal of one account.
pub struct Journal {
    pictures: HashMap<String, Picture>,
    entries: HashMap<PathBuf, Entry>,
    file: Option<File>,
    user_id: String,
}

impl Journal {
    /// Reads the journal at `path`; there need not be one.
    pub fn open(path: &Path, user_id: &str, writable: bool) -> io::Result<Self> {
        let (mut entries, mut pictures) = (HashMap::new(), HashMap::new());
        match File::open(path) {
            Ok(file) => {
                for line in BufReader::new(file).lines() {
                    // A line that was torn when an import was stopped says nothing.
                    let line = line?;
                    if let Ok(PictureEntry { user_id: owner, picture, id, url }) = serde_json::from_str(&line)
                        && owner == user_id
                    {
                        pictures.insert(picture, Picture { id, url });
                    }
                    let Ok(entry) = serde_json::from_str::<Entry>(&line) else { continue };
                    if entry.user_id == user_id {
                        entries.insert(entry.file.clone(), entry);
                    }
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let file = if writable { Some(OpenOptions::new().create(true).append(true).open(path)?) } else { None };
        Ok(Self { entries, pictures, file, user_id: user_id.to_owned() })
    }

    /// The slugs that files have.
    pub fn slugs(&self) -> HashMap<PathBuf, String> {
        self.entries.iter().map(|(file, entry)| (file.clone(), entry.slug.clone())).collect()
    }

    /// What was written of a file.
    pub fn get(&self, file: &Path) -> Option<&Entry> {
        self.entries.get(file)
    }

    /// Notes what was written of a file.
    pub fn keep(&mut self, file: &Path, slug: &str, said: Map<String, Value>) -> io::Result<()> {
        let (user_id, slug) = (self.user_id.clone(), slug.to_owned());
        let entry = Entry { user_id, file: file.to_owned(), slug, said };
        if self.entries.get(file) == Some(&entry) {
            return Ok(());
        }
        self.write(&entry)?;
        self.entries.insert(file.to_owned(), entry);
        Ok(())
    }

    /// The picture that was made of a file with this fingerprint.
    pub fn picture(&self, fingerprint: &str) -> Option<Picture> {
        self.pictures.get(fingerprint).cloned()
    }

    /// Notes the picture of a file with this fingerprint.
    pub fn keep_picture(&mut self, fingerprint: &str, picture: &Picture) -> io::Result<()> {
        let Picture { id, url } = picture.clone();
        self.write(&PictureEntry { user_id: self.user_id.clone(), picture: fingerprint.to_owned(), id, url })?;
        self.pictures.insert(fingerprint.to_owned(), picture.clone());
        Ok(())
    }

    fn write(&mut self, line: &impl Serialize) -> io::Result<()> {
        let Some(out) = &mut self.file else { return Ok(()) };
        // The line break comes first, so that a torn line spoils no other.
        out.write_all(format!("\n{}", serde_json::to_string(line)?).as_bytes())
    }
}
