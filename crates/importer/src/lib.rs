//! `import FOLDER --as USERNAME`: a folder of posts, as a generator of sites has it, published through the HTTP API; and
//! `export FOLDER`, which writes one that comes back the same ([`broadsheet`]).
//!
//! It goes through the front door on purpose. A blog that moves here is then checked, folded, rendered and indexed like
//! anything else that an author writes, and importing doubles as a test that the API is enough to build on.
//!
//! First the whole folder becomes a [`Plan`](plan::Plan), without a server: every file, once, with the post that it becomes. Then
//! each post is created, or brought up to date by what its file has changed since ([`journal`]). Importing can be
//! repeated, or interrupted and repeated, and never makes a second copy (ADR 41, docs/import.md).

mod addresses;
mod anchors;
#[cfg(test)]
mod any_text;
mod attributes;
mod authors;
mod broadsheet;
mod client;
mod comments;
mod dates;
mod directives;
mod document;
mod extras;
mod fetch;
mod fields;
mod formats;
mod front_matter;
mod generators;
mod ghost;
mod glob;
mod guard;
mod hiding;
mod html_to_markdown;
mod importing;
mod journal;
mod links;
mod markup;
mod mdx;
mod media;
mod naming;
mod plan;
mod players;
mod posts;
mod report;
mod shortcodes;
mod site;
#[cfg(test)]
mod test_server;
mod wiki;
mod wordpress;

use std::{
    collections::HashMap,
    fmt, fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use reqwest::StatusCode;

use authors::Authors;
pub use broadsheet::{Export, Exported, export};
use client::Client;
pub use client::http_client;
pub use document::Document;
pub use formats::Formats;
use formats::Whole;
pub use front_matter::Error as DocumentError;
pub use generators::Generator;
use plan::{Plan, Planned};
use posts::fate;
use report::number_of;
pub use report::{Counts, FileReport, Outcome, Report};
use site::Site;

/// Publish a folder of posts, as written for Hugo, Jekyll, Zola, Eleventy, Astro or Pelican, or as plain Markdown, or an export of
/// WordPress or Ghost.
///
/// It can be repeated: only what a file has changed since is changed.
#[derive(Clone, Debug, clap::Args)]
pub struct Import {
    /// The folder: a whole site, or its posts; the folders in it are read too. Or the file that WordPress (XML) or Ghost (JSON) exports
    pub folder: PathBuf,
    /// Whose posts they become, and where
    #[command(flatten)]
    pub account: LogIn,
    /// Whose folder it is; by default told by the files around
    #[arg(long, value_enum)]
    pub from: Option<Generator>,
    /// Only show what would become of each file; nothing is sent
    #[arg(long)]
    pub dry_run: bool,
    /// Write the report as JSON to this file too
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Write where the addresses of the old site lead now to this file, as lines of `OLD NEW 301`
    #[arg(long, value_name = "FILE")]
    pub redirects: Option<PathBuf>,
    /// Who the authors of the old site are here: lines of `NAME: KEY`, the API key of that user, who then becomes the author of these posts
    #[arg(long, value_name = "FILE")]
    pub authors: Option<PathBuf>,
    /// Invite the authors who have an e-mail address instead of a key in that file; needs an administrator
    #[arg(long, requires = "authors")]
    pub invite: bool,
    /// Where it is noted what was imported; by default .broadsheet-import.jsonl in the folder
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,
    /// What concerns exports of a blog
    #[command(flatten)]
    pub formats: Formats,
}

/// Where a blog is, and who reads or writes it.
#[derive(Clone, clap::Args)]
pub struct LogIn {
    /// Who does it: a username, or the e-mail address of one
    #[arg(long = "as", value_name = "USERNAME")]
    pub user: Option<String>,
    /// The user's password; better left to the variable BROADSHEET_PASSWORD, or typed when it is asked for
    #[arg(long, env = "BROADSHEET_PASSWORD", hide_env_values = true)]
    pub password: Option<String>,
    /// An API key instead of a user and a password; better left to the variable BROADSHEET_KEY
    #[arg(long, env = "BROADSHEET_KEY", hide_env_values = true, conflicts_with = "user")]
    pub key: Option<String>,
    /// Where the API is
    #[arg(long, default_value = "http://localhost:3000/v1")]
    pub url: String,
}

/// Written by hand so that neither the password nor the key can end up in a log.
impl fmt::Debug for LogIn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, url, .. } = self;
        formatter.debug_struct("LogIn").field("user", user).field("url", url).finish_non_exhaustive()
    }
}

impl LogIn {
    /// A client that acts by the key or, without one, by a session of the user's.
    async fn client<'a>(&self, out: &'a mut (dyn Write + Send)) -> Result<Client<'a>, ImportError> {
        match (&self.key, &self.user) {
            (Some(key), _) => Client::with_key(&self.url, key, out),
            (None, Some(user)) => {
                Client::log_in(&self.url, user, &password_of(user, self.password.as_deref())?, out).await
            }
            (None, None) => Err(ImportError::Nobody),
        }
    }
}

/// Why an import stopped before its last file. What concerns one file only is in the report instead.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant's message says what it is")]
pub enum ImportError {
    #[error("{} is not a folder.", .0.display())]
    NotAFolder(PathBuf),
    #[error("{} is no export of WordPress (XML) or Ghost (JSON). What else is imported is a folder.", .0.display())]
    NoExport(PathBuf),
    #[error("{} is packed: unpack it first, and import what is in it.", .0.display())]
    Packed(PathBuf),
    #[error("The folder cannot be read: {0}.")]
    Walk(#[from] walkdir::Error),
    #[error("The password cannot be read: {0}.")]
    Password(io::Error),
    #[error("A password is needed: set BROADSHEET_PASSWORD, or type it when it is asked for.")]
    NoPassword,
    #[error(
        "{url} cannot be used: the address of an API begins with https://, or with http:// for a stack on this machine."
    )]
    NotAnApi { url: String },
    #[error("Nothing answers at {url}: start Broadsheet with `cargo run` first, then run this from a second terminal.")]
    NobodyThere { url: String },
    #[error("The connection to {url} failed: {}. Run it again: what is there already stays as it is.", root_cause(.source))]
    Transport { url: String, source: reqwest::Error },
    #[error("There is no API at {url}: its address ends with its version, such as http://localhost:3000/v1.")]
    NoApiThere { url: String },
    #[error("{user} could not be signed in. {reason}")]
    LogIn { user: String, reason: String },
    #[error("The signed-in user's profile could not be read. {reason}")]
    Profile { reason: String },
    #[error("The session ended and could not be renewed. {reason}")]
    SessionOver { reason: String },
    #[error("The server's answer ({status}) is not what Broadsheet's API promises: {source}.")]
    Unreadable { status: StatusCode, source: serde_json::Error },
    #[error("Say who you are: with --as USERNAME, or with a key in BROADSHEET_KEY.")]
    Nobody,
    #[error(
        "The key was refused: it was revoked, has expired, or is mistyped. POST /me/keys makes another (docs/keys.md)."
    )]
    Key,
    #[error("{} cannot be used: {source}.", .path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{} is not empty, and no earlier export. Name a new folder.", .0.display())]
    NotEmpty(PathBuf),
    #[error("{} cannot be used: {reason}.", .path.display())]
    NotAnExport { path: PathBuf, reason: String },
    #[error("{path} could not be read. {reason}")]
    Refused { path: String, reason: String },
    #[error("The progress could not be written: {0}.")]
    Output(#[from] io::Error),
}

/// The post that a Markdown file is on its own, without a site around it; `path` is its name, which tells what the file does not.
pub fn read_file(path: &Path, bytes: &[u8], now: Timestamp) -> Result<Document, DocumentError> {
    let mut document = Document::parse(path, bytes, &Site::plain(Path::new(""), Generator::Plain), now)?;
    anchors::lead(&mut [&mut document]);
    Ok(document)
}

/// Imports the folder and tells `out` about each file. A file that fails does not keep the others from being tried.
pub async fn run(import: &Import, now: Timestamp, out: &mut (dyn Write + Send)) -> Result<Report, ImportError> {
    let is_own =
        import.from.map_or_else(|| broadsheet::is_export(&import.folder), |from| from == Generator::Broadsheet);
    let authors = look(import)?;
    let report = if is_own {
        broadsheet::restore(import, now, out).await?
    } else if import.dry_run {
        dry_run(import, &authors, now, out)?
    } else {
        importing::import_all(import, &authors, now, out).await?
    };
    if let Some(path) = &import.report {
        write_file(path, &format!("{:#}\n", report.as_json()))?;
    }
    report.write_end(out)?;
    Ok(report)
}

/// Reads what the options name besides the folder, before anything is sent.
fn look(import: &Import) -> Result<Authors, ImportError> {
    let Formats { media, fetch, .. } = &import.formats;
    // What is fetched makes the folder.
    let is_none = |folder: &&PathBuf| !folder.is_dir() && (!fetch || folder.exists());
    if let Some(folder) = media.as_ref().filter(is_none) {
        return Err(ImportError::NotAFolder(folder.clone()));
    }
    let read = |path: &PathBuf| Authors::read(path).map_err(|source| ImportError::File { path: path.clone(), source });
    Ok(import.authors.as_ref().map(read).transpose()?.unwrap_or_default())
}

fn dry_run(
    import: &Import,
    authors: &Authors,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> Result<Report, ImportError> {
    let plan = Plan::of(&import.folder, import.from, &import.formats, &Default::default(), now)?;
    let mut report = Report::begin(&plan, out)?;
    report.notes.extend(authors.uninvited().filter(|_| !import.invite));
    let mut pictures = plan.files_of_pictures();
    for item in &plan.items {
        let (outcome, slug, detail, notes) = match &item.what {
            Planned::Post(planned) => match plan.whole(&item.path, planned) {
                Ok(Whole { document, comments }) => {
                    for file in document.pictures.values().filter(|file| pictures.insert((*file).clone())) {
                        let detail = Some("a picture".to_owned());
                        let line = FileReport::without_post(plan.pictures.as_given(file), Outcome::Planned, "");
                        report.add(FileReport { detail, ..line }, out)?;
                    }
                    let said = (!comments.is_empty())
                        .then(|| format!("{}, which --comments imports", number_of(comments.len(), "comment")));
                    let fetched = plan.pictures_elsewhere(&document).len();
                    let fetched = (fetched > 0)
                        .then(|| format!("{} would be fetched from the old site", number_of(fetched, "picture")));
                    let notes = document.notes.iter().cloned().chain(said).chain(fetched).collect();
                    (Outcome::Planned, Some(document.slug.clone()), fate(&document, now), notes)
                }
                Err(reason) => (Outcome::Failed, None, Some(reason), Vec::new()),
            },
            Planned::Picture(_) => (Outcome::Planned, None, Some("a picture".to_owned()), Vec::new()),
            Planned::Left(reason) => (Outcome::Left, None, Some(reason.clone()), Vec::new()),
            Planned::Failed(reason) => (Outcome::Failed, None, Some(reason.clone()), Vec::new()),
        };
        report.add(FileReport { file: item.path.clone(), outcome, slug, detail, notes }, out)?;
    }
    let redirects = plan.redirects(&HashMap::new(), &report.failed().collect());
    import.redirects.as_ref().map_or(Ok(()), |path| write_file(path, &redirects))?;
    Ok(report)
}

fn write_file(path: &Path, text: &str) -> Result<(), ImportError> {
    fs::write(path, text).map_err(|source| ImportError::File { path: path.to_owned(), source })
}

/// From the command line, the environment or the keyboard, in this order.
fn password_of(user: &str, given: Option<&str>) -> Result<String, ImportError> {
    if let Some(password) = given.filter(|password| !password.is_empty()) {
        return Ok(password.to_owned());
    }
    // Standard output is for the progress, which may be kept in a file; a question is for the person.
    write!(io::stderr(), "Password of {user}: ")?;
    let mut line = String::new();
    io::stdin().read_line(&mut line).map_err(ImportError::Password)?;
    match line.trim_end_matches(['\r', '\n']) {
        "" => Err(ImportError::NoPassword),
        password => Ok(password.to_owned()),
    }
}

/// reqwest tells the address in its own words and hides what happened two sources down.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An import that is asked for nothing else.
    pub fn import(folder: PathBuf, account: LogIn) -> Import {
        Import {
            folder,
            account,
            from: None,
            dry_run: false,
            report: None,
            redirects: None,
            authors: None,
            invite: false,
            journal: None,
            formats: Formats::default(),
        }
    }

    /// A file of WordPress with these items: an id and a text.
    fn wordpress(items: &[(u32, &str)]) -> String {
        let item = |(id, text): &(u32, &str)| {
            format!(
                "<item><title>T{id}</title><link>https://e.com/old/t{id}/</link><content:encoded><![CDATA[{text}]]></content:encoded><wp:post_id>{id}</wp:post_id>\
                 <wp:post_name>t{id}</wp:post_name><wp:status>publish</wp:status><wp:post_type>post</wp:post_type></item>"
            )
        };
        let items: String = items.iter().map(item).collect();
        format!(
            "<rss xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" xmlns:wp=\"http://wordpress.org/export/1.2/\"><channel>\
             <link>https://e.com</link>{items}</channel></rss>"
        )
    }

    /// An import of a file with this content, which nobody answers.
    fn import_of(name: &str, content: &[u8]) -> (tempfile::TempDir, Import) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        let account =
            LogIn { user: None, password: None, key: Some("key".to_owned()), url: "http://127.0.0.1:1/v1".to_owned() };
        (folder, import(path, account))
    }

    async fn run_of(import: &Import) -> Result<(Report, String), String> {
        let mut out = Vec::new();
        let report = run(import, "2026-01-01T00:00:00Z".parse().unwrap(), &mut out).await;
        Ok((report.map_err(|error| error.to_string())?, String::from_utf8(out).unwrap()))
    }

    #[tokio::test]
    async fn a_dry_run_redirects_nothing_to_what_would_fail() {
        let (folder, import) = import_of("a.xml", wordpress(&[(1, "Text."), (2, "")]).as_bytes());
        let path = folder.path().join("redirects");
        let import = Import { dry_run: true, redirects: Some(path.clone()), ..import };
        assert_eq!(run_of(&import).await.unwrap().0.counts.failed, 1);
        let lines = fs::read_to_string(&path).unwrap();
        assert_eq!(lines, "/old/t1/ /posts/t1 301\n/?p=1 /posts/t1 301\n/t1/ /posts/t1 301\n");
    }

    #[tokio::test]
    async fn options_that_name_what_is_not_there_stop_an_import_before_anything_is_sent() {
        let (folder, import) = import_of("a.xml", wordpress(&[(1, "Text.")]).as_bytes());
        let place = |name: &str| folder.path().join(name);
        fs::write(place("authors"), "jane bsk_abc\n").unwrap();
        for dry_run in [false, true] {
            let with_authors = Import { dry_run, authors: Some(place("authors")), ..import.clone() };
            let said = format!("{} cannot be used: line 1 is not NAME: KEY.", place("authors").display());
            assert_eq!(run_of(&with_authors).await.unwrap_err(), said);
            let mut with_media = Import { dry_run, ..import.clone() };
            for (name, fetch) in [("nope", false), ("a.xml", false), ("a.xml", true)] {
                with_media.formats = Formats { media: Some(place(name)), fetch, ..Formats::default() };
                let said = format!("{} is not a folder.", place(name).display());
                assert_eq!(run_of(&with_media).await.unwrap_err(), said);
            }
        }
        // What is fetched makes the folder.
        let formats = Formats { media: Some(place("nope")), fetch: true, ..Formats::default() };
        assert!(run_of(&Import { dry_run: true, formats, ..import.clone() }).await.is_ok());
        fs::write(place("authors"), "Jane: jane@example.com\nBob: bob@example.com\n").unwrap();
        let said = "Not invited without --invite: bob@example.com, jane@example.com. Their posts become yours.";
        for (invite, expected) in [(false, 1), (true, 0)] {
            let import = Import { dry_run: true, invite, authors: Some(place("authors")), ..import.clone() };
            assert_eq!(run_of(&import).await.unwrap().1.matches(said).count(), expected);
        }
    }

    #[tokio::test]
    async fn a_packed_export_is_to_be_unpacked_first() {
        for from in [None, Some(Generator::WordPress), Some(Generator::Ghost)] {
            for content in [b"PK\x03\x04\x14\0".as_slice(), b"\x1f\x8b\x08\0"] {
                let (folder, import) = import_of("wp.zip", content);
                let said = format!(
                    "{} is packed: unpack it first, and import what is in it.",
                    folder.path().join("wp.zip").display()
                );
                assert_eq!(run_of(&Import { dry_run: true, from, ..import }).await.unwrap_err(), said);
            }
        }
        let (_folder, import) = import_of("a.xml", wordpress(&[(1, "Text.")]).as_bytes());
        let nobody = "Nothing answers at http://127.0.0.1:1/v1: start Broadsheet with `cargo run` first, then run this from a second terminal.";
        assert_eq!(run_of(&import).await.unwrap_err(), nobody);
    }

    #[tokio::test]
    async fn one_is_told_as_one() {
        let (_folder, import) = import_of("a.xml", wordpress(&[(1, "Text.")]).as_bytes());
        let (_, out) = run_of(&Import { dry_run: true, ..import }).await.unwrap();
        assert!(out.starts_with("1 file, among them 1 post, by the rules of"), "{out}");
        assert_eq!(
            (number_of(0, "picture"), number_of(2, "picture")),
            ("0 pictures".to_owned(), "2 pictures".to_owned())
        );
    }

    #[test]
    fn neither_password_nor_key_is_shown() {
        let account = LogIn {
            user: Some("anna".to_owned()),
            password: Some("a secret".to_owned()),
            key: Some("another secret".to_owned()),
            url: "http://localhost:3000/v1".to_owned(),
        };
        let import = import("posts".into(), account);
        assert!(!format!("{import:?}").contains("secret"));
    }
}
