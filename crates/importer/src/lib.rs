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
mod attributes;
mod authors;
mod broadsheet;
mod client;
mod comments;
mod dates;
mod directives;
mod document;
mod fetch;
mod fields;
mod formats;
mod front_matter;
mod generators;
mod ghost;
mod glob;
mod hiding;
mod html_to_markdown;
mod journal;
mod links;
mod markup;
mod mdx;
mod media;
mod naming;
mod plan;
mod report;
mod shortcodes;
mod site;
mod wiki;
mod wordpress;

use std::{
    collections::{HashMap, HashSet},
    fmt, fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use domain::Tag;
use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use authors::{Account, Accounts, Authors};
pub use broadsheet::{Export, Exported, export};
pub use client::http_client;
use client::{Answer, Call, Client};
pub use document::Document;
use fetch::Fetcher;
pub use formats::Formats;
use formats::Whole;
pub use front_matter::Error as DocumentError;
pub use generators::Generator;
use media::{Picture, Upload};
use plan::{Plan, Planned};
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
    #[error("Nothing answers at {url}: start Broadsheet with `cargo run` first, then import from a second terminal.")]
    NobodyThere { url: String },
    #[error("The connection to {url} failed: {}. Run it again: what is there already stays as it is.", root_cause(.source))]
    Transport { url: String, source: reqwest::Error },
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
    #[error("The key was refused. {reason}")]
    Key { reason: String },
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
    let report = if is_own {
        broadsheet::restore(import, now, out).await?
    } else if import.dry_run {
        dry_run(import, now, out)?
    } else {
        import_all(import, now, out).await?
    };
    if let Some(path) = &import.report {
        write_file(path, &format!("{:#}\n", report.as_json()))?;
    }
    report.write_end(out)?;
    Ok(report)
}

fn dry_run(import: &Import, now: Timestamp, out: &mut (dyn Write + Send)) -> Result<Report, ImportError> {
    let plan = Plan::of(&import.folder, import.from, &import.formats, &Default::default(), now)?;
    let mut report = Report::begin(&plan, out)?;
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
                        .then(|| format!("{} comments, which --comments imports", comments.len()));
                    let fetched = plan.pictures_elsewhere(&document).len();
                    let fetched =
                        (fetched > 0).then(|| format!("{fetched} pictures would be fetched from the old site"));
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
    let redirects = plan.redirects(&HashMap::new());
    import.redirects.as_ref().map_or(Ok(()), |path| write_file(path, &redirects))?;
    Ok(report)
}

async fn import_all(import: &Import, now: Timestamp, out: &mut (dyn Write + Send)) -> Result<Report, ImportError> {
    // Whoever mistypes the folder is told so before a password is asked for.
    if !import.folder.exists() {
        return Err(ImportError::NotAFolder(import.folder.clone()));
    }
    let mut client = import.account.client(out).await?;
    let file = |path: &Path, source| ImportError::File { path: path.to_owned(), source };
    let authors = import.authors.as_ref().map(|path| Authors::read(path).map_err(|source| file(path, source)));
    let authors = authors.transpose()?.unwrap_or_default();
    let path = import.journal.clone().unwrap_or_else(|| {
        let folder = if import.folder.is_file() { import.folder.parent() } else { Some(&*import.folder) };
        folder.unwrap_or(Path::new("")).join(journal::FILE_NAME)
    });
    if import.invite {
        invite(&mut client, &authors).await?;
    }
    let mut accounts = Accounts::open(&mut client, &authors, &path).await?;
    let plan = Plan::of(&import.folder, import.from, &import.formats, &accounts.slugs(), now)?;
    let mut report = Report::begin(&plan, client.out)?;

    // Pictures first: posts know their addresses then.
    let mut progress = Progress::new(plan.items.iter().filter(|item| item.is_sent()).count());
    let mut uploaded = HashMap::new();
    let mut enough = None;
    let mut pictures = plan.files_of_pictures();
    let mut fetcher =
        Fetcher::new().map_err(|source| ImportError::Transport { url: import.account.url.clone(), source })?;
    for item in &plan.items {
        let Planned::Picture(picture) = &item.what else { continue };
        let Some(account) = accounts.of(plan.first_with(picture)) else { continue };
        client.swap(&mut account.session);
        let (outcome, detail) = send_picture(&mut client, account, picture, &mut uploaded, &mut enough).await?;
        client.swap(&mut account.session);
        report.add(FileReport { detail, ..FileReport::without_post(item.path.clone(), outcome, "") }, client.out)?;
        progress.step(client.out)?;
    }
    let mut taken = plan.slugs();
    let mut moved = HashMap::new();
    for item in &plan.items {
        let line = match &item.what {
            Planned::Picture(_) => continue,
            Planned::Left(reason) => FileReport::without_post(item.path.clone(), Outcome::Left, reason),
            Planned::Failed(reason) => FileReport::without_post(item.path.clone(), Outcome::Failed, reason),
            Planned::Post(planned) => {
                let Some(account) = accounts.of(Some(planned)) else { continue };
                let Whole { document, comments } = match whole(&plan, &item.path, planned, &mut fetcher).await {
                    Ok(whole) => whole,
                    Err(reason) => {
                        let failed = FileReport::without_post(item.path.clone(), Outcome::Failed, &reason);
                        report.add(failed, client.out)?;
                        continue;
                    }
                };
                client.swap(&mut account.session);
                for file in document.pictures.values().filter(|file| pictures.insert((*file).clone())) {
                    let (outcome, detail) =
                        send_picture(&mut client, account, file, &mut uploaded, &mut enough).await?;
                    let line = FileReport::without_post(plan.pictures.as_given(file), outcome, "");
                    report.add(FileReport { detail, ..line }, client.out)?;
                }
                let document = with_pictures(&document, &uploaded);
                let mut line = send_post(&mut client, account, &item.path, &document, &mut taken, now).await?;
                if let Some(slug) = &line.slug {
                    let are_closed = document.comments_open == Some(false);
                    let said = if import.formats.comments {
                        let user = (&mut account.journal, &*account.profile.username);
                        let done = comments::publish(&mut client, user, &item.path, slug, &comments, are_closed).await;
                        done.map(|published| published.map(|published| published.said()))
                    } else {
                        Ok((!comments.is_empty()).then(|| format!("{} comments are not imported", comments.len())))
                    };
                    line.notes.extend(match said {
                        Ok(said) => said,
                        Err(Failure::File(reason)) => Some(format!("its comments could not be imported: {reason}")),
                        Err(Failure::Run(error)) => return Err(error),
                    });
                }
                client.swap(&mut account.session);
                if let Some(slug) = line.slug.as_ref().filter(|slug| **slug != document.slug) {
                    moved.insert(document.slug.clone(), slug.clone());
                }
                progress.step(client.out)?;
                line
            }
        };
        report.add(line, client.out)?;
    }
    // Somebody else had the slug that a link was written for.
    for item in plan.items.iter().filter(|_| !moved.is_empty()) {
        let Planned::Post(document) = &item.what else { continue };
        let mut document = with_pictures(document, &uploaded);
        let body = markup::rewrite(&document.body, |reference| {
            let (slug, end) = reference
                .strip_prefix("/posts/")
                .map(|slug| slug.split_at(slug.find(['?', '#']).unwrap_or(slug.len())))?;
            Some(format!("/posts/{}{end}", moved.get(slug)?))
        });
        if body != document.body
            && let Some(account) = accounts.of(Some(&document))
        {
            document.body = body;
            client.swap(&mut account.session);
            send_post(&mut client, account, &item.path, &document, &mut taken, now).await?;
            client.swap(&mut account.session);
        }
    }
    if !client.takes_former_slugs {
        report.notes.push(
            "This server keeps no former slugs of other sites: serve the file of --redirects for old addresses."
                .to_owned(),
        );
    }
    report.sort();
    let redirects = plan.redirects(&moved);
    import.redirects.as_ref().map_or(Ok(()), |path| write_file(path, &redirects))?;
    Ok(report)
}

/// A post with its text, after the pictures are fetched that only the old site has.
async fn whole<'a>(
    plan: &Plan,
    path: &Path,
    planned: &'a Document,
    fetcher: &mut Fetcher,
) -> Result<Whole<'a>, String> {
    let whole = plan.whole(path, planned)?;
    let elsewhere = plan.pictures_elsewhere(&whole.document);
    if elsewhere.is_empty() {
        return Ok(whole);
    }
    let mut failed = Vec::new();
    for picture in elsewhere {
        if let Err(reason) = fetcher.fetch(&picture).await {
            failed.push(format!("its picture {} is not fetched: {reason}", picture.address));
        }
    }
    let mut whole = plan.whole(path, planned)?;
    whole.document.to_mut().notes.extend(failed);
    Ok(whole)
}

/// Tells how far it is, at most every few seconds.
struct Progress {
    begun: Instant,
    told: Instant,
    done: usize,
    total: usize,
}

impl Progress {
    fn new(total: usize) -> Self {
        Self { begun: Instant::now(), told: Instant::now(), done: 0, total }
    }

    fn step(&mut self, out: &mut (dyn Write + Send)) -> io::Result<()> {
        self.done += 1;
        if self.told.elapsed().as_secs() < 5 || self.done == self.total {
            return Ok(());
        }
        self.told = Instant::now();
        let left = self.begun.elapsed().as_secs_f64() * (self.total - self.done) as f64 / self.done as f64;
        writeln!(out, "        {} of {}; about {left:.0} s to go", self.done, self.total)
    }
}

/// Invites those who have no account yet. Their codes are shown here and nowhere else.
async fn invite(client: &mut Client<'_>, authors: &Authors) -> Result<(), ImportError> {
    for email in authors.addresses() {
        let answer =
            client.send(&Call::post("/admin/invitations", &json!({ "email": email, "role": "author" }))).await?;
        if answer.status == StatusCode::CREATED {
            let invitation: Map<String, Value> = answer.json()?;
            let code = invitation.get("code").and_then(Value::as_str).unwrap_or_default();
            writeln!(client.out, "        {email} can register with the invitation {code}")?;
        } else {
            writeln!(client.out, "        {email} is not invited. {}", answer.reason())?;
        }
    }
    Ok(())
}

/// Uploads a picture, unless an earlier import has.
async fn send_picture(
    client: &mut Client<'_>,
    account: &mut Account,
    path: &Path,
    uploaded: &mut HashMap<PathBuf, Picture>,
    enough: &mut Option<String>,
) -> Result<(Outcome, Option<String>), ImportError> {
    let bytes = match media::read(path) {
        Ok(bytes) => bytes,
        Err(reason) => return Ok((Outcome::Failed, Some(reason))),
    };
    let fingerprint = media::fingerprint(&bytes);
    let shown = |picture: &Picture| Some(format!("shown as /media/{}", picture.id));
    if let Some(picture) = account.journal.picture(&fingerprint) {
        let detail = shown(&picture);
        uploaded.insert(path.to_owned(), picture);
        return Ok((Outcome::Unchanged, detail));
    }
    let kind = media::kind(path).unwrap_or_default();
    let outcome = match enough.take() {
        Some(reason) => Upload::Enough(reason),
        None => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            media::upload(client, &name, kind, None, bytes).await?
        }
    };
    Ok(match outcome {
        Upload::Done(picture) => {
            let failed = |source| ImportError::File { path: journal::FILE_NAME.into(), source };
            account.journal.keep_picture(&fingerprint, &picture).map_err(failed)?;
            let detail = shown(&picture);
            uploaded.insert(path.to_owned(), picture);
            (Outcome::Uploaded, detail)
        }
        Upload::Refused(reason) => (Outcome::Failed, Some(reason)),
        Upload::Enough(reason) => {
            *enough = Some(reason.clone());
            (Outcome::Failed, Some(format!("{reason} Import again later: what is there stays.")))
        }
    })
}

/// A post as it shows the pictures that are uploaded.
fn with_pictures(document: &Document, uploaded: &HashMap<PathBuf, Picture>) -> Document {
    let mut shown = document.clone();
    let new = |reference: &str| uploaded.get(document.pictures.get(reference)?);
    shown.body = markup::rewrite(&document.body, |reference| Some(format!("/media/{}", new(reference)?.id)));
    if let Some(cover) = &document.cover
        && shown.cover_image_url.is_none()
    {
        // A cover has a whole address, which only the server knows.
        let old = || cover.contains("://").then(|| cover.clone());
        shown.cover_image_url = new(cover).and_then(|picture| picture.url.clone()).or_else(old);
    }
    shown
}

/// Makes or changes the post of a file, and notes that.
async fn send_post(
    client: &mut Client<'_>,
    account: &mut Account,
    path: &Path,
    document: &Document,
    taken: &mut HashSet<String>,
    now: Timestamp,
) -> Result<FileReport, ImportError> {
    let file = path.to_owned();
    let known = account.journal.get(path).map(|entry| (entry.slug.clone(), entry.said.clone()));
    let before = known.as_ref().and_then(|(_, said)| said.get(FORMER_SLUGS).cloned());
    let outcome = match known {
        Some((slug, said)) => follow(client, slug, &said, document, now).await,
        None => publish(client, &account.profile.username, path, document, taken, now).await,
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

fn write_file(path: &Path, text: &str) -> Result<(), ImportError> {
    fs::write(path, text).map_err(|source| ImportError::File { path: path.to_owned(), source })
}

/// Whether readers see a post at once, later, or not; `None` for at once.
fn fate(document: &Document, now: Timestamp) -> Option<String> {
    match (&document.hidden, document.date) {
        (Some(reason), _) => Some(format!("as a draft: {reason}")),
        (None, Some(date)) if date > now => Some(format!("scheduled for {date}")),
        _ => None,
    }
}

/// What became of a post. The note says where it differs from what the file's author may expect.
struct Done {
    what: Outcome,
    slug: String,
    note: Option<String>,
}

enum Failure {
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

fn written(date: Timestamp) -> String {
    format!("{date:.3}")
}

/// Creates the post of a file, or brings the one that is there up to date. Where somebody else has its slug, it gets another.
async fn publish(
    client: &mut Client<'_>,
    username: &str,
    path: &Path,
    document: &Document,
    taken: &mut HashSet<String>,
    now: Timestamp,
) -> Result<Done, Failure> {
    let others = plan::other_slugs(path, document).filter(|slug| !taken.contains(slug)).take(MAX_SLUGS);
    let slugs: Vec<_> = [document.slug.clone()].into_iter().chain(others).collect();
    let mut note = None;
    for slug in slugs {
        let attempt = Document { slug, ..document.clone() };
        let answer = client.send(&Call::post("/posts", &creation(&attempt, now))).await?;
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

fn creation(document: &Document, now: Timestamp) -> Value {
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
    if is_another(&there, document) {
        return Ok(Found::Another);
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

/// Whether a post has another text than the file, and another date or, where one has none, another title: the first of two blogs is not
/// overwritten by the second.
fn is_another(there: &Post, document: &Document) -> bool {
    let text = |name: &str| there.fields.get(name).and_then(Value::as_str);
    let is_same_text = text("body").map(str::trim) == Some(document.body.trim());
    let is_same = match (&there.published_at, document.date.map(written)) {
        (Some(there), Some(date)) => *there == date,
        _ => same_words(text("title"), Some(&document.title)),
    };
    !is_same && !is_same_text
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

    #[test]
    fn neither_password_nor_key_is_shown() {
        let import = Import {
            folder: "posts".into(),
            account: LogIn {
                user: Some("anna".to_owned()),
                password: Some("a secret".to_owned()),
                key: Some("another secret".to_owned()),
                url: "http://localhost:3000/v1".to_owned(),
            },
            from: None,
            dry_run: false,
            report: None,
            redirects: None,
            authors: None,
            invite: false,
            journal: None,
            formats: Formats::default(),
        };
        assert!(!format!("{import:?}").contains("secret"));
    }

    /// A server that answers these requests, each with a status and a body; gives its address, and what it was sent.
    fn server(answers: Vec<(&'static str, &'static str)>) -> (String, std::thread::JoinHandle<Vec<String>>) {
        use std::{
            io::{BufRead, BufReader, Read},
            net::TcpListener,
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let serve = move || {
            let mut seen = Vec::new();
            for (status, body) in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let (mut first, mut length) = (String::new(), 0);
                reader.read_line(&mut first).unwrap();
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                    if line.trim().is_empty() {
                        break;
                    }
                }
                let mut sent = vec![0; length];
                reader.read_exact(&mut sent).unwrap();
                let target = first.trim_end().trim_end_matches(" HTTP/1.1");
                seen.push(format!("{target} {}", String::from_utf8(sent).unwrap()));
                let (head, size) = (format!("HTTP/1.1 {status}\r\nConnection: close"), body.len());
                write!(stream, "{head}\r\nContent-Length: {size}\r\n\r\n{body}").unwrap();
            }
            seen
        };
        (url, std::thread::spawn(serve))
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

    #[tokio::test]
    async fn a_server_that_takes_no_more_pictures_today_is_not_waited_for() {
        let answer = "429 Too Many Requests\r\nRetry-After: 80000";
        let (url, seen) = server(vec![(answer, r#"{"title":"Too many requests"}"#)]);
        let mut out = Vec::new();
        let mut client = Client::with_key(&url, "key", &mut out).unwrap();
        let upload = media::upload(&mut client, "a.png", "image/png", None, vec![1]).await.unwrap();
        assert!(matches!(upload, Upload::Enough(reason) if reason == "Too many requests"));
        assert_eq!(
            seen.join().unwrap(),
            [r#"POST /v1/media {"content_type":"image/png","filename":"a.png","size":1}"#]
        );
    }
}
