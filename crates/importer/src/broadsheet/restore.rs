//! `import` of what `export` wrote: as exactly as the API lets it. What it does not take back is in
//! files that are left out and named in the report.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use domain::{Details, FromFields, Slug};
use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};
use walkdir::WalkDir;

use super::{
    COMMENTS, HIDDEN_COMMENTS, MANIFEST, MEDIA, MEDIA_LIST, Manifest, ONLY_EXPORTED, POSTS, REDIRECTS, REPOSTS, USERS,
    format, pictures, text,
};
use crate::{
    FileReport, Generator, Import, ImportError, Outcome, Report,
    client::{Answer, Call, Client},
    comments::{self, Author, Comment, Origin},
    guard::guarded,
    journal::{self, Journal},
    media::{self, Picture, Upload},
    posts::{Done, Failure, find},
    report::number_of,
};

/// The server's maximum number of aliases of a post.
const MAX_ALIASES: usize = 20;
/// What in the head of a post is not restored, in exports of before.
const NOT_RESTORED: &str = "only_exported";
/// What else than fields of [`Details`] is in the head of a post.
const OWN_KEYS: [&str; 9] =
    ["slug", "kind", "status", "date", "quote_of", "reply_to", "aliases", "pinned", NOT_RESTORED];

/// A file of the folder.
enum Planned {
    Post(Box<Post>),
    Picture(Value),
    /// The comments on a post, with its slug in the export.
    Comments(String, Vec<Value>),
    Reposts(Vec<Value>),
    Left(String),
    Failed(String),
}

/// A post as its file says it.
struct Post {
    /// The head without what is not restored, and the text.
    said: Map<String, Value>,
    slug: String,
    status: String,
    date: Option<domain::Timestamp>,
    aliases: Vec<String>,
    pinned: Option<u64>,
}

/// Reads the folder of an export and makes it posts of one user.
pub(crate) async fn restore(
    import: &Import,
    now: Timestamp,
    out: &mut (dyn std::io::Write + Send),
) -> Result<Report, ImportError> {
    let folder = &import.folder;
    let unusable = |reason: String| ImportError::NotAnExport { path: folder.join(MANIFEST), reason };
    if !Manifest::read(folder)?.complete {
        return Err(unusable("the export did not come to its end; export again".to_owned()));
    }
    let (mut plan, dropped) = read_folder(folder, import.formats.comments)?;
    leave_unseen(&mut plan, now);
    let posts = plan.iter().filter(|(_, what)| matches!(what, Planned::Post(_))).count();
    if import.dry_run {
        let mut report = Report::begin_with(plan.len(), posts, Generator::Broadsheet, dropped, out)?;
        for (file, what) in plan {
            let line = match what {
                Planned::Post(post) => {
                    let detail = post.fate(now);
                    FileReport { file, outcome: Outcome::Planned, slug: Some(post.slug), detail, notes: Vec::new() }
                }
                Planned::Picture(_) => FileReport::without_post(file, Outcome::Planned, "a picture to upload"),
                Planned::Comments(_, comments) => {
                    FileReport::without_post(file, Outcome::Planned, &number_of(shown(&comments).count(), "comment"))
                }
                Planned::Reposts(reposts) => {
                    FileReport::without_post(file, Outcome::Planned, &number_of(reposts.len(), "repost"))
                }
                Planned::Left(reason) => FileReport::without_post(file, Outcome::Left, &reason),
                Planned::Failed(reason) => FileReport::without_post(file, Outcome::Failed, &reason),
            };
            report.add(line, out)?;
        }
        return Ok(report);
    }

    let mut client = import.account.client(out).await?;
    let me: Value = client.profile().await?;
    let path = import.journal.clone().unwrap_or_else(|| folder.join(journal::FILE_NAME));
    let of_journal = |source| ImportError::File { path: path.clone(), source };
    let journal = Journal::open(&path, text(&me, "id"), true).map_err(of_journal)?;
    let report = Report::begin_with(plan.len(), posts, Generator::Broadsheet, dropped, client.out)?;
    let mut restorer = Restorer {
        client: &mut client,
        folder,
        username: text(&me, "username").to_owned(),
        names: names_of_users(folder),
        journal,
        now,
        pictures: BTreeMap::new(),
        lost: Vec::new(),
        addresses: BTreeMap::new(),
        slugs: BTreeMap::new(),
    };
    let report = restorer.run(plan, report).await;
    report.map_err(|error| match error {
        Stopped::Journal(source) => of_journal(source),
        Stopped::Import(error) => error,
    })
}

/// What users are called, by their usernames.
fn names_of_users(folder: &Path) -> BTreeMap<String, String> {
    let users: Vec<Value> =
        fs::read(folder.join(USERS)).ok().and_then(|users| serde_json::from_slice(&users).ok()).unwrap_or_default();
    let named = users.iter().filter(|user| !text(user, "display_name").is_empty());
    named.map(|user| (text(user, "username").to_owned(), text(user, "display_name").to_owned())).collect()
}

/// Why it ends before its end.
enum Stopped {
    Journal(std::io::Error),
    Import(ImportError),
}

impl<E: Into<ImportError>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Import(error.into())
    }
}

/// Every file with what becomes of it, and how many posts have each key that is not known.
#[allow(clippy::type_complexity, reason = "said above")]
fn read_folder(
    folder: &Path,
    with_comments: bool,
) -> Result<(Vec<(PathBuf, Planned)>, BTreeMap<String, usize>), ImportError> {
    let list = fs::read(folder.join(MEDIA_LIST)).unwrap_or_default();
    let media: BTreeMap<String, Value> = serde_json::from_slice(&list).unwrap_or_default();
    let names: BTreeSet<&str> = Details::names().into_iter().chain(OWN_KEYS).collect();
    let (mut plan, mut dropped) = (Vec::new(), BTreeMap::new());
    for entry in WalkDir::new(folder).sort_by_file_name() {
        let entry = entry?;
        let path = entry.path().strip_prefix(folder).unwrap_or(entry.path()).to_owned();
        if !entry.file_type().is_file() || path == Path::new(journal::FILE_NAME) {
            continue;
        }
        let what = guarded(|| read_file(folder, &path, &media, with_comments)).unwrap_or_else(Planned::Failed);
        if let Planned::Post(post) = &what {
            for key in post.said.keys().filter(|key| *key != "body" && !names.contains(key.as_str())) {
                *dropped.entry(key.clone()).or_default() += 1;
            }
        }
        plan.push((path, what));
    }
    Ok((plan, dropped))
}

/// Leaves out the comments on posts that are not public, because nobody can comment on those.
fn leave_unseen(plan: &mut [(PathBuf, Planned)], now: Timestamp) {
    let posts = plan.iter().filter_map(|(_, what)| match what {
        Planned::Post(post) => (post.status == "draft" || post.is_to_come(now)).then(|| post.slug.clone()),
        _ => None,
    });
    let hidden: BTreeSet<String> = posts.collect();
    for (_, what) in plan {
        if let Planned::Comments(slug, comments) = what
            && hidden.contains(slug)
        {
            *what = Planned::Left(format!("{} on a post that is not public", number_of(comments.len(), "comment")));
        }
    }
}

fn read_file(folder: &Path, path: &Path, media: &BTreeMap<String, Value>, with_comments: bool) -> Planned {
    let left = |reason: &str| Planned::Left(reason.to_owned());
    let list = |make: &dyn Fn(Vec<Value>) -> Planned| match fs::read(folder.join(path))
        .map(|bytes| serde_json::from_slice(&bytes))
    {
        Ok(Ok(items)) => make(items),
        Ok(Err(error)) => Planned::Failed(format!("The file is not what an export writes: {error}.")),
        Err(error) => Planned::Failed(format!("The file cannot be read: {error}.")),
    };
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    let parts: Vec<_> = parts.iter().map(|part| &**part).collect();
    match *parts {
        [MANIFEST] => left("it tells what the folder is"),
        [MEDIA_LIST] => left("what it says of pictures is read with them"),
        [ONLY_EXPORTED] => left("what no request can set is only exported"),
        [USERS] => left("users are only exported"),
        [HIDDEN_COMMENTS] => left("comments that not everybody sees are only exported"),
        [COMMENTS, name] if name.ends_with(".json") => match with_comments {
            true => list(&|comments| Planned::Comments(name.trim_end_matches(".json").to_owned(), comments)),
            false => left("comments come with --comments, as those of the user"),
        },
        [REDIRECTS] => left("redirects come with the aliases of posts"),
        [REPOSTS] => list(&Planned::Reposts),
        [MEDIA, name] => match media.get(name) {
            Some(said) => Planned::Picture(said.clone()),
            None => left("media.json does not name it"),
        },
        [POSTS, name] if name.ends_with(".md") => {
            let bytes = match fs::read(folder.join(path)) {
                Ok(bytes) => bytes,
                Err(error) => return Planned::Failed(format!("The file cannot be read: {error}.")),
            };
            match Post::parse(&bytes, name.trim_end_matches(".md")) {
                Ok(post) => Planned::Post(Box::new(post)),
                Err(reason) => Planned::Failed(reason),
            }
        }
        _ => left("an export writes no such file"),
    }
}

impl Post {
    fn parse(bytes: &[u8], name: &str) -> Result<Self, String> {
        let file = str::from_utf8(bytes)
            .map_err(|error| format!("The file is not UTF-8 text: byte {} cannot be read.", error.valid_up_to() + 1))?;
        let format::PostFile { keys: mut said, body } = format::parse(file).map_err(|error| error.to_string())?;
        said.remove(NOT_RESTORED);
        let word = |key: &str| said.get(key).and_then(Value::as_str).map(str::to_owned);
        let slug = word("slug").unwrap_or_else(|| name.to_owned());
        Slug::try_from(slug.clone()).map_err(|rule| format!("Its slug \"{slug}\" {rule}."))?;
        let status = word("status").unwrap_or_else(|| "draft".to_owned());
        if !["draft", "scheduled", "published"].contains(&&*status) {
            return Err(format!("Its status must be draft, scheduled or published, not \"{status}\"."));
        }
        let date = word("date").filter(|_| status != "draft");
        let read = |date: String| date.clone().try_into().map_err(|rule| format!("Its date \"{date}\" {rule}."));
        let date = date.map(read).transpose()?;
        let aliases = said.get("aliases").and_then(Value::as_array).cloned().unwrap_or_default();
        let aliases = aliases.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let pinned = said.get("pinned").and_then(Value::as_u64);
        said.insert("body".to_owned(), json!(body));
        Ok(Self { said, slug, status, date, aliases, pinned })
    }

    fn is_to_come(&self, now: Timestamp) -> bool {
        self.status != "draft" && self.date.is_some_and(|date| date.milliseconds() > now.as_millisecond())
    }

    /// Whether readers see it at once, later, or not.
    fn fate(&self, now: Timestamp) -> Option<String> {
        match self.date {
            Some(date) if self.is_to_come(now) => Some(format!("scheduled for {date}")),
            _ => (self.status == "draft").then(|| "as a draft".to_owned()),
        }
    }

    /// The post that it quotes or answers, with the name of the field.
    fn reference(&self) -> Option<(&'static str, &str)> {
        ["reply_to", "quote_of"].into_iter().find_map(|name| Some((name, self.said.get(name)?.as_str()?)))
    }

    /// Whether its slug spells an id: that of the post on the stack that it comes from, which no post can choose.
    fn is_named_by_id(&self) -> bool {
        Slug::try_from(self.slug.clone()).is_ok_and(|slug| slug.as_id().is_some())
    }
}

/// The comment that one answers.
fn parent_of(comment: &Value) -> Option<String> {
    comment["parent_id"].as_str().map(str::to_owned)
}

/// Those comments that everybody saw, without the places of what was deleted.
fn shown(comments: &[Value]) -> impl Iterator<Item = &Value> {
    comments.iter().filter(|comment| text(comment, "status") == "published")
}

/// The posts in an order in which what is quoted or answered comes first.
fn in_order(posts: Vec<(PathBuf, Box<Post>)>) -> Vec<(PathBuf, Box<Post>)> {
    let mut waiting: BTreeMap<String, Vec<(PathBuf, Box<Post>)>> = BTreeMap::new();
    let slugs: BTreeSet<_> = posts.iter().map(|(_, post)| post.slug.clone()).collect();
    let mut ready = Vec::new();
    for (path, post) in posts {
        let before = post.reference().map(|(_, slug)| slug.to_owned()).filter(|slug| slugs.contains(slug));
        match before.filter(|slug| *slug != post.slug) {
            Some(slug) => waiting.entry(slug).or_default().push((path, post)),
            None => ready.push((path, post)),
        }
    }
    let mut ordered = Vec::new();
    // The oldest first, so that ids follow the time where they are all that tells posts apart.
    ready.sort_by(|(one_path, one), (path, other)| (one.date, one_path).cmp(&(other.date, path)));
    ready.reverse();
    while let Some((path, post)) = ready.pop() {
        ready.extend(waiting.remove(&post.slug).unwrap_or_default().into_iter().rev());
        ordered.push((path, post));
    }
    // Posts that wait for each other, which no export writes.
    ordered.extend(waiting.into_values().flatten());
    ordered
}

struct Restorer<'a, 'b> {
    client: &'a mut Client<'b>,
    folder: &'a Path,
    username: String,
    /// What those are called who wrote something.
    names: BTreeMap<String, String>,
    journal: Journal,
    now: Timestamp,
    /// The id of each picture by the name of its file.
    pictures: BTreeMap<String, String>,
    /// The names of the files of pictures that were not uploaded.
    lost: Vec<String>,
    /// The address of each picture by the name of its file.
    addresses: BTreeMap<String, String>,
    /// The slug that each post has now by the one in its file; none if the post did not come in.
    slugs: BTreeMap<String, Option<String>>,
}

impl Restorer<'_, '_> {
    async fn run(&mut self, plan: Vec<(PathBuf, Planned)>, mut report: Report) -> Result<Report, Stopped> {
        let (mut posts, mut discussed, mut reposts) = (Vec::new(), Vec::new(), None);
        let (mut pins, mut closed) = (BTreeMap::new(), BTreeSet::new());
        for (file, what) in plan {
            let line = match what {
                Planned::Post(post) => {
                    posts.push((file, post));
                    continue;
                }
                Planned::Comments(slug, comments) => {
                    discussed.push((file, slug, comments));
                    continue;
                }
                Planned::Reposts(listed) => {
                    reposts = Some((file, listed));
                    continue;
                }
                Planned::Picture(said) => self.restore_picture(file, &said).await?,
                Planned::Left(reason) => FileReport::without_post(file, Outcome::Left, &reason),
                Planned::Failed(reason) => FileReport::without_post(file, Outcome::Failed, &reason),
            };
            report.add(line, self.client.out)?;
        }
        for (file, post) in in_order(posts) {
            if post.said.get("comments_open") == Some(&json!(false)) {
                closed.insert(post.slug.clone());
            }
            let known = self.journal.get(&file).map(|entry| (entry.slug.clone(), entry.said.clone()));
            let lost = self.lost_picture(&post.said).map(|name| format!("its picture {name} was not uploaded"));
            let done = match (lost, &known) {
                (Some(reason), _) => Err(Failure::File(reason)),
                (None, Some((slug, said))) => self.follow(slug, Some(said), &post).await,
                (None, None) => self.create(&post).await,
            };
            let line = match done {
                Ok(Done { what, slug, note }) => {
                    self.slugs.insert(post.slug.clone(), Some(slug.clone()));
                    self.journal.keep(&file, &slug, post.said.clone()).map_err(Stopped::Journal)?;
                    if let Some(pin) = post.pinned.filter(|_| what != Outcome::Unchanged) {
                        pins.insert(pin, slug.clone());
                    }
                    let notes = note.into_iter().collect();
                    FileReport { file, outcome: what, slug: Some(slug), detail: post.fate(self.now), notes }
                }
                Err(Failure::File(reason)) => {
                    self.slugs.insert(post.slug.clone(), known.map(|(slug, _)| slug));
                    FileReport::without_post(file, Outcome::Failed, &reason)
                }
                Err(Failure::Run(error)) => return Err(error.into()),
            };
            report.add(line, self.client.out)?;
        }
        for slug in pins.into_values() {
            let answer = self.put(&format!("/posts/{slug}/pin"), &json!({})).await?;
            if answer.status != StatusCode::NO_CONTENT {
                report.notes.push(format!("/posts/{slug} is not pinned. {}", answer.reason()));
            }
        }
        for (file, slug, comments) in discussed {
            let line = self.restore_comments(file, &slug, &comments, closed.contains(&slug)).await?;
            report.add(line, self.client.out)?;
        }
        if let Some((file, listed)) = reposts {
            let line = self.repost(file, &listed).await?;
            report.add(line, self.client.out)?;
        }
        Ok(report)
    }

    /// The slug that a post has here which another one names. One that is not in the export may be here already; none for one that did
    /// not come in, whose slug another post may have.
    fn now_at<'b>(&'b self, slug: &'b str) -> Option<&'b str> {
        self.slugs.get(slug).map_or(Some(slug), Option::as_deref)
    }

    async fn put(&mut self, path: &str, body: &Value) -> Result<Answer, ImportError> {
        self.client.send(&Call::put(path, body)).await
    }

    /// Makes the comments on a post comments of the user. Those of others begin with who wrote them and when.
    async fn restore_comments(
        &mut self,
        file: PathBuf,
        slug: &str,
        listed: &[Value],
        are_closed: bool,
    ) -> Result<FileReport, Stopped> {
        let Some(now_at) = self.slugs.get(slug).cloned().flatten() else {
            // Another post may have its slug here.
            return Ok(FileReport::without_post(file, Outcome::Failed, "the post did not come in"));
        };
        let made = shown(listed).map(|comment| {
            Comment::new(text(comment, "id"), parent_of(comment), &self.origin_of(comment), text(comment, "body"))
        });
        let above = listed.iter().filter_map(|comment| Some((text(comment, "id").to_owned(), parent_of(comment)?)));
        let comments = comments::in_threads(made.collect(), &above.collect());
        let held = listed.iter().filter(|comment| text(comment, "status") == "held").count();
        let mut notes: Vec<String> =
            (held > 0).then(|| format!("left out, as held for an editor: {held}")).into_iter().collect();
        let user = (&mut self.journal, &*self.username);
        let done = comments::publish(self.client, user, &file, &now_at, &comments, are_closed).await;
        let count = number_of(comments.len(), "comment");
        let (outcome, detail) = match done {
            Ok(Some(published)) => {
                notes.push(published.said());
                let outcome = match (published.created, published.updated) {
                    (0, 0) => Outcome::Failed,
                    (0, _) => Outcome::Updated,
                    _ => Outcome::Created,
                };
                (outcome, count)
            }
            Ok(None) if comments.is_empty() => (Outcome::Left, "no comments that everybody saw".to_owned()),
            Ok(None) => (Outcome::Unchanged, count),
            Err(Failure::File(reason)) => (Outcome::Failed, reason),
            Err(Failure::Run(error)) => return Err(error.into()),
        };
        Ok(FileReport { notes, ..FileReport::without_post(file, outcome, &detail) })
    }

    /// Where a comment comes from.
    fn origin_of(&self, comment: &Value) -> Origin {
        let field = |key: &str| comment[key].as_str().filter(|value| !value.is_empty()).map(str::to_owned);
        let username = field("author").unwrap_or_default();
        // Exports of before say what users are called in a file of its own.
        let known = || self.names.get(&username).unwrap_or(&username).clone();
        let name = field("author_name").unwrap_or_else(known);
        let created_at = field("created_at").unwrap_or_default();
        Origin {
            id: field("id"),
            updated_at: field("updated_at").filter(|updated_at| *updated_at != created_at),
            created_at,
            mark: None,
            author: (username != self.username).then_some(Author { username, name }),
        }
    }

    async fn repost(&mut self, file: PathBuf, listed: &[Value]) -> Result<FileReport, Stopped> {
        let said = Map::from_iter([("reposts".to_owned(), json!(listed))]);
        if self.journal.get(&file).is_some_and(|entry| entry.said == said) {
            return Ok(FileReport::without_post(file, Outcome::Unchanged, &number_of(listed.len(), "repost")));
        }
        let mut notes = Vec::new();
        for repost in listed {
            let slug = text(repost, "post");
            let Some(slug) = self.now_at(slug).map(str::to_owned) else {
                notes.push(format!("/posts/{slug} is not reposted. It did not come in."));
                continue;
            };
            let answer = self.put(&format!("/posts/{slug}/repost"), &json!({})).await?;
            if answer.status != StatusCode::NO_CONTENT {
                notes.push(format!("/posts/{slug} is not reposted. {}", answer.reason()));
            }
        }
        let done = listed.len() - notes.len();
        let (outcome, detail) = match done {
            0 => (Outcome::Left, "no reposts".to_owned()),
            done => (Outcome::Created, format!("{}, of this moment", number_of(done, "repost"))),
        };
        if notes.is_empty() && done > 0 {
            self.journal.keep(&file, "", said).map_err(Stopped::Journal)?;
        }
        Ok(FileReport { file, outcome, slug: None, detail: Some(detail), notes })
    }

    async fn restore_picture(&mut self, file: PathBuf, said: &Value) -> Result<FileReport, Stopped> {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let said = said.as_object().cloned().unwrap_or_default();
        let known = self.journal.get(&file).map(|entry| (entry.slug.clone(), entry.said.clone()));
        if let Some((id, before)) = known
            && let Some(there) = super::read(self.client, &format!("/media/{id}")).await?
        {
            let mut outcome = Outcome::Unchanged;
            if before.get("alt") != said.get("alt") {
                let body = json!({ "alt": said.get("alt") });
                let path = &format!("/media/{id}");
                let call = Call { method: Method::PATCH, if_match: Some("*"), ..Call::post(path, &body) };
                self.client.send(&call).await?;
                self.journal.keep(&file, &id, said).map_err(Stopped::Journal)?;
                outcome = Outcome::Updated;
            }
            self.know_picture(name, &id, text(&there, "url").to_owned());
            return Ok(FileReport::without_post(file, outcome, &format!("the picture /media/{id}")));
        }
        Ok(match self.upload(&name, &said, &file).await? {
            Ok(Picture { id, url }) => {
                self.journal.keep(&file, &id, said).map_err(Stopped::Journal)?;
                self.know_picture(name, &id, url.unwrap_or_default());
                FileReport::without_post(file, Outcome::Created, &format!("the picture /media/{id}"))
            }
            Err(reason) => {
                self.lost.push(name);
                FileReport::without_post(file, Outcome::Failed, &reason)
            }
        })
    }

    /// A picture of a post that was not uploaded. Without it, the post would get a link that leads nowhere, and keep it.
    fn lost_picture(&self, said: &Map<String, Value>) -> Option<&str> {
        let texts = ["body", "cover_image_url"]
            .map(|field| said.get(field).and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase());
        let is_named = |name: &&String| {
            let path = pictures::path_of(name).to_ascii_lowercase();
            texts.iter().any(|text| text.contains(&path))
        };
        self.lost.iter().find(is_named).map(String::as_str)
    }

    fn know_picture(&mut self, name: String, id: &str, address: String) {
        self.addresses.insert(name.clone(), address);
        self.pictures.insert(name, id.to_owned());
    }

    /// Uploads a picture, or says why it cannot be.
    async fn upload(
        &mut self,
        name: &str,
        said: &Map<String, Value>,
        file: &Path,
    ) -> Result<Result<Picture, String>, ImportError> {
        let path = self.folder.join(file);
        let Some(kind) = media::kind(&path) else {
            return Ok(Err("Pictures are JPEG, PNG, WebP or GIF.".to_owned()));
        };
        let bytes = match media::read(&path) {
            Ok(bytes) => bytes,
            Err(reason) => return Ok(Err(reason)),
        };
        let filename = said.get("filename").and_then(Value::as_str).unwrap_or(name);
        Ok(match media::upload(self.client, filename, kind, said.get("alt"), bytes).await? {
            Upload::Done(picture) => Ok(picture),
            Upload::Refused(reason) | Upload::Enough(reason) => Err(reason),
        })
    }

    /// A field of a post as the API takes it: with pictures and posts as they are called here.
    fn value(&self, name: &str, value: &Value) -> Value {
        let Some(said) = value.as_str() else { return value.clone() };
        match name {
            "body" => json!(pictures::to_ids(said, &self.pictures)),
            "cover_image_url" => {
                let address = pictures::name_in(said).and_then(|name| self.addresses.get(name));
                address.map_or_else(|| value.clone(), |address| json!(address))
            }
            "quote_of" | "reply_to" => json!(self.now_at(said)),
            _ => value.clone(),
        }
    }

    /// The fields of a post that both a request that creates it and a patch have.
    fn field_names() -> impl Iterator<Item = &'static str> {
        Details::names().into_iter().chain(["body", "quote_of", "reply_to"])
    }

    async fn create(&mut self, post: &Post) -> Result<Done, Failure> {
        if post.is_named_by_id() {
            // It cannot have this slug here, but the one that it has may follow from an earlier import.
            let (slug, answer) = find(self.client, &post.slug).await?;
            if answer.status == StatusCode::OK {
                return self.follow(&slug, None, post).await;
            }
        }
        let said =
            Self::field_names().filter_map(|name| Some((name.to_owned(), self.value(name, post.said.get(name)?))));
        let mut body: Map<_, _> = said.collect();
        if !post.is_named_by_id() {
            body.insert("slug".to_owned(), json!(post.slug));
        }
        body.extend(self.status(post));
        let mut notes = Vec::new();
        if let Some((name, slug)) = post.reference()
            && self.now_at(slug).is_none()
        {
            notes.push(format!("its {name} \"{slug}\" is left out: that post did not come in"));
            body.remove(name);
        }
        let mut answer = self.client.send(&Call::post("/posts", &Value::Object(body.clone()))).await?;
        if let Some((name, slug)) = post.reference()
            && answer.status == StatusCode::UNPROCESSABLE_ENTITY
            && answer.json::<Value>()?["errors"][0]["pointer"] == json!(format!("/{name}"))
        {
            notes.push(format!("its {name} \"{slug}\" is left out: there is no such post here that is published"));
            body.remove(name);
            answer = self.client.send(&Call::post("/posts", &Value::Object(body))).await?;
        }
        if answer.is_problem("slug-taken") {
            return self.follow(&post.slug, None, post).await;
        }
        if answer.status != StatusCode::CREATED {
            return Err(Failure::File(answer.reason()));
        }
        let created: Value = answer.json()?;
        let slug = text(&created, "slug").to_owned();
        self.set_aliases(&slug, post, &mut notes).await?;
        Ok(Done { what: Outcome::Created, slug, note: joined(notes) })
    }

    fn status(&self, post: &Post) -> Map<String, Value> {
        let mut fields = Map::new();
        let status = match &*post.status {
            "draft" => "draft",
            _ if post.is_to_come(self.now) => "scheduled",
            _ => "published",
        };
        fields.insert("status".to_owned(), json!(status));
        if let Some(date) = post.date {
            fields.insert("publish_at".to_owned(), json!(date));
        }
        fields
    }

    /// Brings a post up to date: by what its file has changed since the import that `before` is of or, if no journal knows of it, by all
    /// that the file says.
    async fn follow(&mut self, slug: &str, before: Option<&Map<String, Value>>, post: &Post) -> Result<Done, Failure> {
        if before == Some(&post.said) {
            return Ok(Done { what: Outcome::Unchanged, slug: slug.to_owned(), note: None });
        }
        let (slug, answer) = find(self.client, slug).await?;
        if answer.status != StatusCode::OK {
            return Err(Failure::File(format!("/posts/{slug} cannot be read. {}", answer.reason())));
        }
        let there: Value = answer.json()?;
        let author = text(&there["author"], "username");
        if author != self.username && before.is_none() {
            return Err(Failure::File(format!("The slug \"{slug}\" is taken by a post of {author}.")));
        }
        let is_changed = |name: &str| before.is_none_or(|before| before.get(name) != post.said.get(name));
        let mut patch: Map<_, _> = Self::field_names()
            .filter(|name| is_changed(name))
            .map(|name| (name.to_owned(), post.said.get(name).map_or(Value::Null, |value| self.value(name, value))))
            .collect();
        if before.is_some() && is_changed("slug") && !post.is_named_by_id() {
            patch.insert("slug".to_owned(), json!(post.slug));
        }
        let mut notes = Vec::new();
        let mut etag = answer.etag().map(str::to_owned);
        if before.is_none() {
            // Readers would notice; that is the author's decision.
            if (text(&there, "status") == "draft") != (post.status == "draft") {
                notes.push(format!(
                    "its status there is {}, though that of the file is {}",
                    text(&there, "status"),
                    post.status
                ));
            }
        } else if is_changed("status") || is_changed("date") {
            // What is published cannot be scheduled.
            if post.is_to_come(self.now) && text(&there, "status") == "published" {
                let draft = json!({ "status": "draft" });
                etag = self.patch(&slug, etag.as_deref(), &draft).await?.etag().map(str::to_owned);
            }
            patch.extend(self.status(post));
        }
        let answer = self.patch(&slug, etag.as_deref(), &Value::Object(patch)).await?;
        let now: Value = answer.json()?;
        let slug = text(&now, "slug").to_owned();
        let has_new_aliases = is_changed("aliases") && self.set_aliases(&slug, post, &mut notes).await?;
        let is_same = now["version"] == there["version"] && !has_new_aliases;
        let what = if is_same { Outcome::Unchanged } else { Outcome::Updated };
        Ok(Done { what, slug, note: joined(notes) })
    }

    async fn patch(&mut self, slug: &str, if_match: Option<&str>, body: &Value) -> Result<Answer, Failure> {
        let path = &format!("/posts/{slug}");
        let answer = self.client.send(&Call { method: Method::PATCH, if_match, ..Call::post(path, body) }).await?;
        if answer.status == StatusCode::OK { Ok(answer) } else { Err(Failure::File(answer.reason())) }
    }

    /// Lets the slugs that led to the post lead to it here; says whether any changed. One that another post has keeps none of the others away.
    async fn set_aliases(&mut self, slug: &str, post: &Post, notes: &mut Vec<String>) -> Result<bool, Failure> {
        let path = format!("/posts/{slug}/aliases");
        let there = super::read(self.client, &path).await?.unwrap_or_default();
        let leads = |old: &&String| {
            *old != slug && !there["former_slugs"].as_array().is_some_and(|former| former.contains(&json!(old)))
        };
        let mut wanted: Vec<_> = [&post.slug].into_iter().chain(&post.aliases).filter(leads).cloned().collect();
        if wanted.len() > MAX_ALIASES {
            notes.push(format!(
                "of the slugs that led to it, these do not: {}",
                wanted.split_off(MAX_ALIASES).join(", ")
            ));
        }
        if there["aliases"] == json!(wanted) {
            return Ok(false);
        }
        let answer = self.put(&path, &json!({ "aliases": wanted })).await?;
        if answer.status == StatusCode::OK {
            return Ok(true);
        }
        let mut taken = Vec::new();
        for alias in wanted {
            let with_it: Vec<_> = taken.iter().chain([&alias]).cloned().collect();
            let answer = self.put(&path, &json!({ "aliases": with_it })).await?;
            match answer.status {
                StatusCode::OK => taken.push(alias),
                _ => notes.push(format!("the slug \"{alias}\" does not lead to it: {}", answer.reason())),
            }
        }
        Ok(true)
    }
}

fn joined(notes: Vec<String>) -> Option<String> {
    (!notes.is_empty()).then(|| notes.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_or_answered_comes_first() {
        let post = |slug: &str, date: &str, reference: &str| {
            let reference = if reference.is_empty() { String::new() } else { format!("reply_to: \"{reference}\"\n") };
            let file =
                format!("---\nslug: \"{slug}\"\nstatus: published\ndate: \"{date}T00:00:00Z\"\n{reference}---\nText.");
            (PathBuf::from(slug), Box::new(Post::parse(file.as_bytes(), "x").unwrap()))
        };
        let posts = vec![
            post("a", "2020-01-05", "c"),
            post("b", "2020-01-01", "a"),
            post("c", "2020-01-04", ""),
            post("d", "2020-01-03", "elsewhere"),
            post("e", "2020-01-02", "e"),
            post("f", "2020-01-01", "g"),
            post("g", "2020-01-01", "f"),
        ];
        let slugs: Vec<_> = in_order(posts).into_iter().map(|(_, post)| post.slug).collect();
        assert_eq!(slugs, ["e", "d", "c", "a", "b", "g", "f"]);
    }

    #[test]
    fn comments_on_what_is_not_public_are_left_out() {
        let post = |slug: &str, head: &str| {
            let post = Post::parse(format!("---\n{head}\n---\nText.").as_bytes(), slug).unwrap();
            (PathBuf::from(format!("posts/{slug}.md")), Planned::Post(Box::new(post)))
        };
        let comments = |slug: &str| {
            let listed = vec![json!({ "status": "published" })];
            (PathBuf::from(format!("comments/{slug}.json")), Planned::Comments(slug.to_owned(), listed))
        };
        let mut plan = vec![
            comments("a"),
            comments("b"),
            comments("c"),
            post("a", "status: draft"),
            post("b", "status: scheduled\ndate: \"2031-01-02T03:04:05Z\""),
            post("c", "status: published\ndate: \"2021-01-02T03:04:05Z\""),
        ];
        leave_unseen(&mut plan, "2026-01-02T03:04:05Z".parse().unwrap());
        let left = plan.iter().filter(|(_, what)| matches!(what, Planned::Left(_)));
        let left: Vec<_> = left.map(|(path, _)| path.display().to_string()).collect();
        assert_eq!(left, ["comments/a.json", "comments/b.json"]);
    }

    #[test]
    fn a_head_that_makes_no_post_is_refused() {
        let parse = |head: &str| Post::parse(format!("---\n{head}\n---\nText.").as_bytes(), "name");
        let post = parse("title: A").unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((&*post.slug, &*post.status, post.date), ("name", "draft", None));
        for bad in ["slug: A b", "status: trashed", "status: published\ndate: soon", "title: ["] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(Post::parse(b"\xff", "name").is_err() && Post::parse(b"Text.", "name").is_err());
    }
}
