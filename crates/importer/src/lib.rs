//! `seed FOLDER --as USERNAME`: a folder of Markdown posts, published through the HTTP API.
//!
//! It goes through the front door on purpose. A blog that moves here is then checked, folded, rendered and indexed like
//! anything else that an author writes, and seeding doubles as a test that the API is enough to build on.
//!
//! A file's slug is its identity. The server takes each slug once, so a file that is there already is found by the
//! refusal to create it again, and is compared and brought up to date instead: seeding can be repeated, or interrupted
//! and repeated, and never makes a second copy.

mod client;
mod front_matter;

use std::{
    collections::HashMap,
    fmt, fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use domain::Tag;
use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use walkdir::{DirEntry, WalkDir};

use client::{Answer, Call, Client};
use front_matter::Document;

/// Publish a folder of Markdown posts, as written for Hugo, Jekyll or Zola.
///
/// It can be repeated: what is there already is compared, and only changed where the file has changed.
#[derive(clap::Args)]
pub struct Seed {
    /// The folder; the folders in it are read too
    pub folder: PathBuf,
    /// Whose posts they become: a username, or the e-mail address of one
    #[arg(long = "as", value_name = "USERNAME")]
    pub user: String,
    /// The user's password; better left to the variable BROADSHEET_PASSWORD, or typed when it is asked for
    #[arg(long, env = "BROADSHEET_PASSWORD", hide_env_values = true)]
    pub password: Option<String>,
    /// Where the API is
    #[arg(long, default_value = "http://localhost:3000/v1")]
    pub url: String,
}

/// Written by hand so that the password cannot end up in a log.
impl fmt::Debug for Seed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { folder, user, password: _, url } = self;
        let mut shown = formatter.debug_struct("Seed");
        shown.field("folder", folder).field("user", user).field("url", url).finish_non_exhaustive()
    }
}

/// How many files went which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Posts that were not there before.
    pub created: usize,
    /// Posts whose file had changed.
    pub updated: usize,
    /// Posts that are as their file says.
    pub unchanged: usize,
    /// Files that could not be posted.
    pub failed: usize,
}

/// Why seeding stopped before its last file. What concerns one file only is in the report instead.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant's message says what it is")]
pub enum SeedError {
    #[error("{} is not a folder.", .0.display())]
    NotAFolder(PathBuf),
    #[error("The folder cannot be read: {0}.")]
    Walk(#[from] walkdir::Error),
    #[error("The password cannot be read: {0}.")]
    Password(io::Error),
    #[error("A password is needed: set BROADSHEET_PASSWORD, or type it when it is asked for.")]
    NoPassword,
    #[error(
        "{url} cannot be used: seeding speaks plain http to a stack on this machine, so the address begins with http://."
    )]
    NotPlainHttp { url: String },
    #[error("Nothing answers at {url}: start Broadsheet with `cargo run` first, then seed from a second terminal.")]
    NobodyThere { url: String },
    #[error("The connection to {url} failed: {}. Seed again: what is there already stays as it is.", root_cause(.source))]
    Transport { url: String, source: reqwest::Error },
    #[error("{user} could not be signed in. {reason}")]
    LogIn { user: String, reason: String },
    #[error("The signed-in user's profile could not be read. {reason}")]
    Profile { reason: String },
    #[error("The session ended and could not be renewed. {reason}")]
    SessionOver { reason: String },
    #[error("The server's answer ({status}) is not what Broadsheet's API promises: {source}.")]
    Unreadable { status: StatusCode, source: serde_json::Error },
    #[error("The progress could not be written: {0}.")]
    Output(#[from] io::Error),
}

/// Publishes the folder and tells `out` about each file. A file that fails does not keep the others from being tried.
pub async fn run(seed: &Seed, now: Timestamp, out: &mut (dyn Write + Send)) -> Result<Report, SeedError> {
    let files = markdown_files(&seed.folder)?;
    if files.is_empty() {
        writeln!(out, "There are no .md or .markdown files in {}.", seed.folder.display())?;
        return Ok(Report::default());
    }
    let mut client = Client::log_in(&seed.url, &seed.user, &password(seed)?, out).await?;
    let username = client.username().await?;

    let mut report = Report::default();
    let mut failed = Vec::new();
    let mut owners: HashMap<String, &Path> = HashMap::new();
    let width = files.len().to_string().len();
    for (index, file) in files.iter().enumerate() {
        let shown = file.display();
        let progress = format!("[{:>width$}/{}]", index + 1, files.len());

        let outcome = match read(&seed.folder, file, &mut owners) {
            Ok(document) => publish(&mut client, &username, &document, now).await,
            Err(failure) => Err(failure),
        };
        match outcome {
            Ok(Done { what, slug, note }) => {
                let note = note.map(|note| format!(" ({note})")).unwrap_or_default();
                writeln!(client.out, "{progress} {:<10} {shown} -> /posts/{slug}{note}", what.word())?;
                match what {
                    What::Created => report.created += 1,
                    What::Updated => report.updated += 1,
                    What::Unchanged => report.unchanged += 1,
                }
            }
            Err(Failure::File(reason)) => {
                writeln!(client.out, "{progress} {:<10} {shown}", "failed")?;
                for line in reason.lines() {
                    writeln!(client.out, "        {line}")?;
                }
                report.failed += 1;
                failed.push(file);
            }
            Err(Failure::Run(error)) => return Err(error),
        }
    }

    let Report { created, updated, unchanged, .. } = report;
    writeln!(out, "{created} created, {updated} updated, {unchanged} unchanged, {} failed.", report.failed)?;
    for file in failed {
        writeln!(out, "        failed: {}", file.display())?;
    }
    Ok(report)
}

enum What {
    Created,
    Updated,
    Unchanged,
}

impl What {
    fn word(&self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
        }
    }
}

/// What became of a file. The note says where the post differs from what the file's author may expect.
struct Done {
    what: What,
    slug: String,
    note: Option<String>,
}

enum Failure {
    /// Something about this file; the next one may well succeed.
    File(String),
    /// Something that every other file would meet too.
    Run(SeedError),
}

impl From<SeedError> for Failure {
    fn from(error: SeedError) -> Self {
        Self::Run(error)
    }
}

/// The Markdown files below `folder`, as paths relative to it, in an order that is the same on every machine.
fn markdown_files(folder: &Path) -> Result<Vec<PathBuf>, SeedError> {
    if !folder.is_dir() {
        return Err(SeedError::NotAFolder(folder.to_owned()));
    }
    // The folder itself may have any name: `seed .` and `seed ..` look hidden.
    let visible = |entry: &DirEntry| entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.');
    let mut files = Vec::new();
    for entry in WalkDir::new(folder).sort_by_file_name().into_iter().filter_entry(visible) {
        let entry = entry?;
        let path = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        if entry.file_type().is_file() && is_post(path) {
            files.push(path.to_owned());
        }
    }
    Ok(files)
}

/// Whether a file is a post by its name: `_index.md` describes a section of a site, and `README.md` a repository.
fn is_post(path: &Path) -> bool {
    let lower = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().to_lowercase();
    matches!(lower(path.extension()).as_str(), "md" | "markdown")
        && !matches!(lower(path.file_stem()).as_str(), "_index" | "readme")
}

/// From the command line, the environment or the keyboard, in this order.
fn password(seed: &Seed) -> Result<String, SeedError> {
    if let Some(password) = seed.password.clone().filter(|password| !password.is_empty()) {
        return Ok(password);
    }
    // Standard output is for the progress, which may be kept in a file; a question is for the person.
    write!(io::stderr(), "Password of {}: ", seed.user)?;
    let mut line = String::new();
    io::stdin().read_line(&mut line).map_err(SeedError::Password)?;
    match line.trim_end_matches(['\r', '\n']) {
        "" => Err(SeedError::NoPassword),
        password => Ok(password.to_owned()),
    }
}

/// Reads a file and claims its slug. Without the claim, two files of one slug would overwrite each other's post in turn.
fn read<'a>(folder: &Path, file: &'a Path, owners: &mut HashMap<String, &'a Path>) -> Result<Document, Failure> {
    let bytes =
        fs::read(folder.join(file)).map_err(|error| Failure::File(format!("The file cannot be read: {error}.")))?;
    let document = Document::parse(file, &bytes).map_err(|error| Failure::File(error.to_string()))?;
    if let Some(first) = owners.get(&document.slug) {
        let (slug, first) = (&document.slug, first.display());
        let reason = format!("Its slug \"{slug}\" is also that of {first}. Give one of the two another `slug`.");
        return Err(Failure::File(reason));
    }
    owners.insert(document.slug.clone(), file);
    Ok(document)
}

/// Creates the post of a file, or brings the one that is there up to date.
async fn publish(
    client: &mut Client<'_>,
    username: &str,
    document: &Document,
    now: Timestamp,
) -> Result<Done, Failure> {
    let wait_until = document.date.filter(|date| *date > now);
    let live = !document.draft && wait_until.is_none();
    let answer = client.send(&Call::post("/posts", &creation(document, live))).await?;
    if answer.is_problem("slug-taken") {
        return bring_up_to_date(client, username, document, live).await;
    }
    if answer.status != StatusCode::CREATED {
        return Err(Failure::File(answer.reason()));
    }
    let note = match wait_until {
        Some(date) if !document.draft => Some(format!("as a draft, because its date {date} is in the future")),
        _ if document.draft => Some("as a draft".to_owned()),
        _ => None,
    };
    Ok(Done { what: What::Created, slug: document.slug.clone(), note })
}

fn creation(document: &Document, live: bool) -> Value {
    let mut body = json!({
        "title": document.title,
        "body": document.body,
        "slug": document.slug,
        "status": if live { "published" } else { "draft" },
    });
    if let Some(summary) = &document.summary {
        body["summary"] = json!(summary);
    }
    if let Some(tags) = &document.tags {
        body["tags"] = json!(tags);
    }
    if let Some(date) = document.date.filter(|_| live) {
        body["publish_at"] = json!(format!("{date:.3}"));
    }
    body
}

/// The fields of a post that a file can speak of.
#[derive(Deserialize)]
struct Post {
    title: Option<String>,
    body: Option<String>,
    summary: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    status: String,
    author: Author,
}

#[derive(Deserialize)]
struct Author {
    username: String,
}

async fn bring_up_to_date(
    client: &mut Client<'_>,
    username: &str,
    document: &Document,
    live: bool,
) -> Result<Done, Failure> {
    let (slug, answer) = find(client, &document.slug).await?;
    if answer.status == StatusCode::NOT_FOUND {
        let reason = format!("The slug \"{slug}\" is taken by somebody else's draft. Give this file another `slug`.");
        return Err(Failure::File(reason));
    }
    if answer.status != StatusCode::OK {
        return Err(Failure::File(answer.reason()));
    }
    let there: Post = answer.json()?;
    if there.author.username != username {
        let author = there.author.username;
        let reason = format!("The slug \"{slug}\" is taken by a post of {author}. Give this file another `slug`.");
        return Err(Failure::File(reason));
    }

    let note = difference_of_status(&there.status, live);
    let patch = changes(document, &there);
    if patch.is_empty() {
        return Ok(Done { what: What::Unchanged, slug, note });
    }
    let call = Call {
        method: Method::PATCH,
        path: &format!("/posts/{slug}"),
        if_match: answer.etag(),
        body: Some(&Value::Object(patch)),
    };
    let answer = client.send(&call).await?;
    if answer.status != StatusCode::OK {
        return Err(Failure::File(answer.reason()));
    }
    Ok(Done { what: What::Updated, slug, note })
}

/// The post that a slug leads to, under its newest slug.
async fn find(client: &mut Client<'_>, slug: &str) -> Result<(String, Answer), Failure> {
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
    let mut patch = Map::new();
    if !same_words(Some(&document.title), there.title.as_deref()) {
        patch.insert("title".to_owned(), json!(document.title));
    }
    if document.body.trim() != there.body.as_deref().unwrap_or_default().trim() {
        patch.insert("body".to_owned(), json!(document.body));
    }
    if document.summary.is_some() && !same_words(document.summary.as_deref(), there.summary.as_deref()) {
        patch.insert("summary".to_owned(), json!(document.summary));
    }
    if let Some(tags) = &document.tags
        && folded(tags) != folded(&there.tags)
    {
        patch.insert("tags".to_owned(), json!(tags));
    }
    patch
}

/// Line breaks and double spaces in a line of text come from the YAML, not from the author.
fn same_words(one: Option<&str>, other: Option<&str>) -> bool {
    one.unwrap_or_default().split_whitespace().eq(other.unwrap_or_default().split_whitespace())
}

fn folded(tags: &[String]) -> Vec<String> {
    tags.iter().filter_map(|tag| Tag::try_from(tag.clone()).ok()).map(String::from).collect()
}

/// Seeding never publishes or withdraws what is there: readers would notice, and that is the author's decision.
fn difference_of_status(status: &str, live: bool) -> Option<String> {
    match (status == "published", live) {
        (false, true) => Some(format!("its status there is {status}, though the file is not a draft")),
        (true, false) => Some("its status there is published, though the file is a draft".to_owned()),
        _ => None,
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

    fn document() -> Document {
        let text = "---\ntags: [Small Web]\ndate: 2021-03-04\nsummary: Two\n  lines.\n---\n# Title\nText.\n";
        Document::parse(Path::new("a.md"), text.as_bytes()).unwrap()
    }

    fn post(title: &str, body: &str, summary: Option<&str>, tags: &[&str]) -> Post {
        Post {
            title: Some(title.to_owned()),
            body: Some(body.to_owned()),
            summary: summary.map(str::to_owned),
            tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
            status: "published".to_owned(),
            author: Author { username: "anna".to_owned() },
        }
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
    fn only_a_published_post_carries_its_date() {
        let mut expected = json!({
            "title": "Title", "body": "Text.", "slug": "a", "status": "published", "summary": "Two lines.",
            "tags": ["Small Web"], "publish_at": "2021-03-04T00:00:00.000Z",
        });
        assert_eq!(creation(&document(), true), expected);

        expected["status"] = json!("draft");
        expected.as_object_mut().unwrap().remove("publish_at");
        assert_eq!(creation(&document(), false), expected);
    }

    #[test]
    fn files_that_describe_a_folder_are_no_posts() {
        for (name, expected) in [
            ("a.md", true),
            ("b/index.md", true),
            ("a.Markdown", true),
            ("_posts/a.md", true),
            ("_index.md", false),
            ("b/README.md", false),
            ("a.txt", false),
            ("md", false),
        ] {
            assert_eq!(is_post(Path::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn the_password_is_not_shown() {
        let seed = Seed {
            folder: "posts".into(),
            user: "anna".to_owned(),
            password: Some("a secret".to_owned()),
            url: "http://localhost:3000/v1".to_owned(),
        };
        assert!(!format!("{seed:?}").contains("secret"));
    }
}
