//! The files of a plan, sent through the API: pictures first, because posts show them by the addresses that they get; then posts, in the order
//! of the plan and some at once.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    io::{self, Write},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use reqwest::StatusCode;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::{
    Import, ImportError,
    authors::{Account, Accounts, Authors},
    broadsheet::walk,
    client::{Begun, Call, Client},
    comments::{self, Comment},
    document::Document,
    fetch::Fetcher,
    formats::Whole,
    journal, markup,
    media::{self, Picture, Upload},
    plan::{Item, Plan, Planned},
    posts::{self, Failure, send_post},
    report::{FileReport, Outcome, Report, number_of},
    write_file,
};

/// How many new posts are on their way at once. On two processors, a thousand took 64 s with one, 57 with two and 55 with four.
const AT_ONCE: usize = 4;

/// Imports the folder and tells `out` about each file.
pub async fn import_all(
    import: &Import,
    authors: &Authors,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> Result<Report, ImportError> {
    // Whoever mistypes the folder is told so before a password is asked for.
    if !import.folder.exists() {
        return Err(ImportError::NotAFolder(import.folder.clone()));
    }
    let mut client = import.account.client(out).await?;
    let path = import.journal.clone().unwrap_or_else(|| {
        let folder = if import.folder.is_file() { import.folder.parent() } else { Some(&*import.folder) };
        folder.unwrap_or(Path::new("")).join(journal::FILE_NAME)
    });
    if import.invite {
        invite(&mut client, authors, now).await?;
    }
    let accounts = Accounts::open(&mut client, authors, &path).await?;
    let plan = Plan::of(&import.folder, import.from, &import.formats, &accounts.slugs(), now)?;
    let mut report = Report::begin(&plan, client.out)?;
    report.notes.extend(authors.uninvited().filter(|_| !import.invite));
    let hosts = plan.pictures.roots.iter().filter_map(|root| root.address.clone());
    let fetcher =
        Fetcher::new(hosts).map_err(|source| ImportError::Transport { url: import.account.url.clone(), source })?;
    let mut importing = Importing {
        import,
        now,
        plan: &plan,
        client,
        accounts,
        fetcher,
        report,
        progress: Progress::new(plan.items.iter().filter(|item| item.is_sent()).count()),
        pictures: plan.files_of_pictures(),
        uploaded: HashMap::new(),
        enough: None,
        taken: plan.slugs(),
        moved: HashMap::new(),
    };
    importing.send_pictures().await?;
    importing.send_posts().await?;
    importing.lead_links_on().await?;
    importing.end()
}

/// An import under way.
struct Importing<'a> {
    import: &'a Import,
    now: Timestamp,
    plan: &'a Plan,
    client: Client<'a>,
    accounts: Accounts,
    fetcher: Fetcher,
    report: Report,
    progress: Progress,
    /// The files of pictures that are in the report, or will be.
    pictures: HashSet<PathBuf>,
    uploaded: HashMap<PathBuf, Picture>,
    /// Why the server takes no more pictures today.
    enough: Option<String>,
    /// The slugs that posts of the plan have, or got instead.
    taken: HashSet<String>,
    /// The slugs that posts got instead of those of the plan.
    moved: HashMap<String, String>,
}

/// A post whose turn has come.
struct Sent<'a> {
    path: &'a Path,
    /// As the plan has it, which says whose post it is.
    planned: &'a Document,
    document: Document,
    comments: Vec<Comment>,
    /// The request that makes it, if it is on its way.
    creation: Option<Begun>,
}

impl<'a> Importing<'a> {
    async fn send_pictures(&mut self) -> Result<(), ImportError> {
        for item in &self.plan.items {
            let Planned::Picture(picture) = &item.what else { continue };
            let Some(account) = self.accounts.of(self.plan.first_with(picture)) else { continue };
            self.client.swap(&mut account.session);
            let (outcome, detail) =
                send_picture(&mut self.client, account, picture, &mut self.uploaded, &mut self.enough).await?;
            self.client.swap(&mut account.session);
            let line = FileReport { detail, ..FileReport::without_post(item.path.clone(), outcome, "") };
            self.report.add(line, self.client.out)?;
            self.progress.step(self.client.out)?;
        }
        Ok(())
    }

    async fn send_posts(&mut self) -> Result<(), ImportError> {
        let mut under_way = VecDeque::new();
        let mut outcome = self.send_each_post(&mut under_way).await;
        // What is on its way is noted also if the import stops here.
        for sent in under_way {
            outcome = outcome.and(self.finish(sent).await);
        }
        outcome
    }

    async fn send_each_post(&mut self, under_way: &mut VecDeque<Sent<'a>>) -> Result<(), ImportError> {
        for item in &self.plan.items {
            let without_post = |outcome, reason| FileReport::without_post(item.path.clone(), outcome, reason);
            match &item.what {
                Planned::Picture(_) => {}
                Planned::Left(reason) => self.report.add(without_post(Outcome::Left, reason), self.client.out)?,
                Planned::Failed(reason) => self.report.add(without_post(Outcome::Failed, reason), self.client.out)?,
                Planned::Post(planned) => {
                    under_way.extend(self.begin(item, planned).await?);
                    if under_way.len() >= AT_ONCE
                        && let Some(first) = under_way.pop_front()
                    {
                        self.finish(first).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Sends the pictures of a post and, if it is new, the request that makes it; `None` if its text cannot be read.
    async fn begin(&mut self, item: &'a Item, planned: &'a Document) -> Result<Option<Sent<'a>>, ImportError> {
        let Some(account) = self.accounts.of(Some(planned)) else { return Ok(None) };
        let Whole { document, comments } = match whole(self.plan, &item.path, planned, &mut self.fetcher).await {
            Ok(whole) => whole,
            Err(reason) => {
                let line = FileReport::without_post(item.path.clone(), Outcome::Failed, &reason);
                self.report.add(line, self.client.out)?;
                return Ok(None);
            }
        };
        for file in document.pictures.values().filter(|file| self.pictures.insert((*file).clone())) {
            self.client.swap(&mut account.session);
            let sent = send_picture(&mut self.client, account, file, &mut self.uploaded, &mut self.enough).await;
            self.client.swap(&mut account.session);
            let (outcome, detail) = sent?;
            let line = FileReport::without_post(self.plan.pictures.as_given(file), outcome, "");
            self.report.add(FileReport { detail, ..line }, self.client.out)?;
        }
        let document = with_pictures(&document, &self.uploaded);
        let is_new = account.journal.get(&item.path).is_none();
        // Posts without a date are as old as the requests that make them, which come in the order of the files.
        let has_place = document.date.is_some() || document.hidden.is_some();
        let creation = (is_new && has_place).then(|| {
            self.client.swap(&mut account.session);
            let begun = self.client.begin(&Call::post("/posts", &posts::creation(&document, self.now)));
            self.client.swap(&mut account.session);
            begun
        });
        Ok(Some(Sent { path: &item.path, planned, document, comments, creation }))
    }

    /// Sees to it that a post is there as its file says, and its comments.
    async fn finish(&mut self, sent: Sent<'_>) -> Result<(), ImportError> {
        let Some(account) = self.accounts.of(Some(sent.planned)) else { return Ok(()) };
        let slug = sent.document.slug.clone();
        self.client.swap(&mut account.session);
        let with_comments = self.import.formats.comments;
        let done = settle(&mut self.client, account, sent, with_comments, &mut self.taken, self.now).await;
        self.client.swap(&mut account.session);
        let line = done?;
        if let Some(other) = line.slug.as_ref().filter(|other| **other != slug) {
            self.moved.insert(slug, other.clone());
        }
        self.progress.step(self.client.out)?;
        self.report.add(line, self.client.out)?;
        Ok(())
    }

    /// Changes the posts with a link that was written for a slug that somebody else had.
    async fn lead_links_on(&mut self) -> Result<(), ImportError> {
        for item in self.plan.items.iter().filter(|_| !self.moved.is_empty()) {
            let Planned::Post(planned) = &item.what else { continue };
            let Some(account) = self.accounts.of(Some(planned)) else { continue };
            // What did not come in is not tried again.
            if account.journal.get(&item.path).is_none() {
                continue;
            }
            // The plan of an export has no texts, or texts without their pictures.
            let Ok(Whole { document, mut comments }) = self.plan.whole(&item.path, planned) else { continue };
            let mut document = with_pictures(&document, &self.uploaded);
            let with_comments = self.import.formats.comments;
            let texts = comments.iter_mut().filter(|_| with_comments).map(|comment| &mut comment.body);
            let mut is_changed = false;
            for text in texts.chain([&mut document.body]) {
                let led = led_on(text, &self.moved);
                is_changed |= led != *text;
                *text = led;
            }
            if is_changed {
                let sent = Sent { path: &item.path, planned, document, comments, creation: None };
                self.client.swap(&mut account.session);
                let done = settle(&mut self.client, account, sent, with_comments, &mut self.taken, self.now).await;
                self.client.swap(&mut account.session);
                let line = done?;
                if let (Outcome::Failed, Some(reason)) = (line.outcome, line.detail) {
                    let note = format!("Links in {} lead to posts of others. {reason}", item.path.display());
                    self.report.notes.push(note);
                }
            }
        }
        Ok(())
    }

    fn end(mut self) -> Result<Report, ImportError> {
        if !self.client.takes_former_slugs {
            self.report.notes.push(
                "This server keeps no former slugs of other sites: serve the file of --redirects for old addresses."
                    .to_owned(),
            );
        }
        self.report.sort();
        // The post of an earlier import is still here if its change failed.
        let here = self.accounts.slugs();
        let missing = self.report.failed().filter(|file| !here.contains_key(*file)).collect();
        let redirects = self.plan.redirects(&self.moved, &missing);
        self.import.redirects.as_ref().map_or(Ok(()), |path| write_file(path, &redirects))?;
        Ok(self.report)
    }
}

/// Makes or changes a post as its file says, and its comments.
async fn settle(
    client: &mut Client<'_>,
    account: &mut Account,
    sent: Sent<'_>,
    with_comments: bool,
    taken: &mut HashSet<String>,
    now: Timestamp,
) -> Result<FileReport, ImportError> {
    let Sent { path, document, comments, creation, .. } = sent;
    let mut line = send_post(client, account, path, &document, creation, taken, now).await?;
    let Some(slug) = &line.slug else { return Ok(line) };
    let are_closed = document.comments_open == Some(false);
    let said = if with_comments {
        let user = (&mut account.journal, &*account.profile.username);
        let done = comments::publish(client, user, path, slug, &comments, are_closed).await;
        done.map(|published| published.map(|published| published.said()))
    } else {
        Ok((!comments.is_empty()).then(|| format!("{} not imported", number_of(comments.len(), "comment"))))
    };
    line.notes.extend(match said {
        Ok(said) => said,
        Err(Failure::File(reason)) => Some(format!("its comments could not be imported: {reason}")),
        Err(Failure::Run(error)) => return Err(error),
    });
    Ok(line)
}

/// A text whose links lead to posts by the slugs that these got instead of those of the plan.
fn led_on(text: &str, moved: &HashMap<String, String>) -> String {
    markup::rewrite(text, |reference| {
        let slug = reference.strip_prefix("/posts/")?;
        let (slug, end) = slug.split_at(slug.find(['?', '#']).unwrap_or(slug.len()));
        Some(format!("/posts/{}{end}", moved.get(slug)?))
    })
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

/// Invites those who have neither an account nor an invitation yet. Their codes are shown here and nowhere else.
async fn invite(client: &mut Client<'_>, authors: &Authors, now: Timestamp) -> Result<(), ImportError> {
    let invitations = match walk(client, "/admin/invitations").await {
        Ok(invitations) => invitations,
        Err(ImportError::Refused { reason, .. }) => {
            writeln!(client.out, "        Nobody is invited. {reason}")?;
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    let is_over = |text: &str| text.parse::<Timestamp>().is_ok_and(|end| end <= now);
    let open = invitations.iter().filter(|invitation| {
        invitation["used_by"].is_null() && !invitation["expires_at"].as_str().is_some_and(is_over)
    });
    let open: HashSet<_> = open.filter_map(|invitation| Some(invitation["email"].as_str()?.to_lowercase())).collect();
    for email in authors.addresses() {
        if open.contains(&email.to_lowercase()) {
            writeln!(client.out, "        {email} has an open invitation already, and gets no other")?;
            continue;
        }
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

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use super::*;
    use crate::{LogIn, test_server::server_of_many, tests::import};

    const ME: (&str, &str) = ("200 OK", r#"{"id":"1","username":"ada"}"#);
    const MADE: (&str, &str) = ("201 Created", "{}");

    /// A folder with so many posts, and its import.
    fn folder(posts: usize, date: &str, url: String) -> (tempfile::TempDir, Import) {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..posts {
            let text = format!("---\ntitle: Post {number}\n{date}---\nText.\n");
            fs::write(folder.path().join(format!("{number}.md")), text).unwrap();
        }
        let account = LogIn { user: None, password: None, key: Some("key".to_owned()), url };
        let import = import(folder.path().to_owned(), account);
        (folder, import)
    }

    async fn run(import: &Import) -> Result<Report, ImportError> {
        crate::run(import, "2026-01-01T00:00:00Z".parse().unwrap(), &mut Vec::new()).await
    }

    #[tokio::test]
    async fn some_new_posts_are_on_their_way_at_once() {
        let (url, seen) = server_of_many(vec![vec![ME], vec![MADE; AT_ONCE], vec![MADE]]);
        let (_folder, import) = folder(AT_ONCE + 1, "date: 2020-01-01\n", url);
        assert_eq!(run(&import).await.unwrap().counts.created, AT_ONCE + 1);
        let seen = seen.join().unwrap();
        assert!(seen.last().unwrap().contains(&format!(r#""title":"Post {AT_ONCE}""#)), "{seen:?}");
    }

    #[tokio::test]
    async fn posts_without_a_date_are_made_one_after_the_other() {
        // It answers only what comes at once.
        let (url, _) = server_of_many(vec![vec![ME], vec![MADE; AT_ONCE]]);
        let (_folder, import) = folder(AT_ONCE, "", url);
        assert!(tokio::time::timeout(Duration::from_millis(500), run(&import)).await.is_err());
    }

    #[tokio::test]
    async fn what_was_answered_is_noted_also_if_the_import_stops() {
        let refused = ("401 Unauthorized", "{}");
        let (url, seen) = server_of_many(vec![vec![ME], vec![refused, MADE, MADE], vec![refused]]);
        let (folder, import) = folder(3, "date: 2020-01-01\n", url);
        assert!(matches!(run(&import).await, Err(ImportError::Key)));
        seen.join().unwrap();
        let journal = fs::read_to_string(folder.path().join(journal::FILE_NAME)).unwrap();
        assert_eq!(journal.lines().filter(|line| !line.is_empty()).count(), 2, "{journal}");
    }

    const REFUSED: (&str, &str) = ("422 Unprocessable Content", r#"{"title":"Refused"}"#);

    #[tokio::test]
    async fn no_old_address_leads_to_what_did_not_come_in() {
        let there = ("200 OK", r#"{"status":"published","author":{"username":"ada"}}"#);
        let done = ("200 OK", "{}");
        let (url, seen) = server_of_many(
            [ME, MADE, done, REFUSED, ME, there, REFUSED, REFUSED].into_iter().map(|answer| vec![answer]).collect(),
        );
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let typed = format!("---\ntitle: {name}\naliases: /old-{name}/\n---\n{text}\n");
            fs::write(folder.path().join(format!("{name}.md")), typed).unwrap();
        };
        write("a", "Text.");
        write("b", "What the server does not take.");
        let account = LogIn { user: None, password: None, key: Some("key".to_owned()), url };
        let path = folder.path().join("redirects");
        let import = Import { redirects: Some(path.clone()), ..import(folder.path().to_owned(), account) };
        assert_eq!(run(&import).await.unwrap().counts.failed, 1);
        assert_eq!(fs::read_to_string(&path).unwrap(), "/old-a/ /posts/a 301\n");
        // What came in with an earlier import is still there, though its change was refused.
        fs::remove_file(&path).unwrap();
        write("a", "What the server does not take either.");
        assert_eq!(run(&import).await.unwrap().counts.failed, 2);
        assert_eq!(fs::read_to_string(&path).unwrap(), "/old-a/ /posts/a 301\n");
        seen.join().unwrap();
    }

    /// An export of WordPress in which a post and its comment link to the next post.
    fn bread_and_soup() -> String {
        let item = |id: u32, name: &str, text: &str, more: &str| {
            format!(
                "<item><title>{name}</title><link>https://e.com/2019/06/{name}/</link><content:encoded><![CDATA[{text}]]></content:encoded>\
                 <wp:post_id>{id}</wp:post_id><wp:post_name>{name}</wp:post_name><wp:status>publish</wp:status><wp:post_type>post</wp:post_type>{more}</item>"
            )
        };
        let link = "<a href=\"https://e.com/2019/06/soup/\">soup</a>";
        let comment = format!(
            "<wp:comment><wp:comment_id>7</wp:comment_id><wp:comment_author>Bob</wp:comment_author><wp:comment_content><![CDATA[With {link}]]></wp:comment_content>\
             <wp:comment_approved>1</wp:comment_approved><wp:comment_type>comment</wp:comment_type></wp:comment>"
        );
        let items = item(
            1,
            "bread",
            &format!("With {link} and <img src=\"https://e.com/wp-content/uploads/a.png\" alt=\"a\">"),
            &comment,
        ) + &item(2, "soup", "Hot.", "");
        format!(
            "<rss xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" xmlns:wp=\"http://wordpress.org/export/1.2/\"><channel>\
             <link>https://e.com</link>{items}</channel></rss>"
        )
    }

    #[tokio::test]
    async fn links_lead_to_where_posts_of_an_export_came_to_be_at_once() {
        const THEIRS: (&str, &str) = ("200 OK", r#"{"status":"published","author":{"username":"bob"}}"#);
        const OURS: (&str, &str) = ("200 OK", r#"{"status":"published","author":{"username":"ada"}}"#);
        const TAKEN: (&str, &str) = ("409 Conflict", r#"{"type":"urn:broadsheet:problem:slug-taken"}"#);
        const DONE: (&str, &str) = ("200 OK", "{}");
        const NONE: (&str, &str) = ("200 OK", r#"{"items":[],"next_cursor":null}"#);
        const COMMENTED: (&str, &str) = ("201 Created", r#"{"id":"C","status":"published"}"#);
        // The name that somebody else has is asked for once more.
        let second = [ME, TAKEN, TAKEN];
        let first = [ME, MADE, NONE, COMMENTED, TAKEN, THEIRS, MADE, OURS, DONE, DONE];
        let (url, seen) = server_of_many(first.into_iter().chain(second).map(|answer| vec![answer]).collect());
        let folder = tempfile::tempdir().unwrap();
        let export = folder.path().join("export.xml");
        fs::write(&export, bread_and_soup()).unwrap();
        let account = LogIn { user: None, password: None, key: Some("key".to_owned()), url };
        let mut import = import(export, account);
        import.formats.comments = true;
        // A picture that an earlier import has uploaded stays in the text that is changed.
        let uploads = folder.path().join("uploads");
        fs::create_dir(&uploads).unwrap();
        fs::write(uploads.join("a.png"), b"\x89PNG").unwrap();
        let picture = json!({ "user_id": "1", "picture": media::fingerprint(b"\x89PNG"), "id": "P", "url": null });
        fs::write(folder.path().join(journal::FILE_NAME), picture.to_string()).unwrap();
        import.formats.media = Some(uploads);
        assert_eq!(run(&import).await.unwrap().counts.created, 2);
        // The picture too.
        assert_eq!(run(&import).await.unwrap().counts.unchanged, 3);
        let seen = seen.join().unwrap();
        assert!(
            seen[8].starts_with("PATCH /v1/posts/bread ")
                && seen[8].contains("[soup](/posts/soup-e-com) and ![a](/media/P)"),
            "{seen:#?}"
        );
        assert!(
            seen[9].starts_with("PATCH /v1/posts/bread/comments/C ") && seen[9].contains("[soup](/posts/soup-e-com)"),
            "{seen:#?}"
        );
    }

    #[tokio::test]
    async fn an_address_with_an_open_invitation_is_not_invited_again() {
        let open = r#"{"items":[
            {"email":"Open@example.com","used_by":null,"expires_at":null},
            {"email":"late@example.com","used_by":null,"expires_at":"2025-12-31T00:00:00.000Z"},
            {"email":null,"used_by":"1","expires_at":null}],"next_cursor":null}"#;
        let made = ("201 Created", r#"{"code":"bsi_1"}"#);
        let (url, seen) =
            server_of_many([("200 OK", open), made, made, ME].into_iter().map(|answer| vec![answer]).collect());
        let (folder, import) = folder(0, "", url);
        let authors = folder.path().join("authors");
        fs::write(&authors, "A: open@example.com\nB: late@example.com\nC: new@example.com\nD: new@example.com\n")
            .unwrap();
        let import = Import { authors: Some(authors), invite: true, ..import };
        let mut out = Vec::new();
        crate::run(&import, "2026-01-01T00:00:00Z".parse().unwrap(), &mut out).await.unwrap();
        let invited: Vec<_> = seen.join().unwrap().into_iter().filter(|sent| sent.starts_with("POST")).collect();
        let expected = ["late", "new"]
            .map(|name| format!(r#"POST /v1/admin/invitations {{"email":"{name}@example.com","role":"author"}}"#));
        assert_eq!(invited, expected);
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains("open@example.com has an open invitation already, and gets no other"), "{out}");
    }
}
