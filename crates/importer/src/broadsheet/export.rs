//! `export FOLDER --as USERNAME`: a blog as a folder of Markdown that `import` reads back, fetched through the HTTP API.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use domain::{Details, FromFields, MediaId, Slug};
use serde_json::{Map, Value, json};

use super::{
    COMMENTS, FORMAT, HIDDEN_COMMENTS, MANIFEST, MEDIA, MEDIA_LIST, Manifest, ONLY_EXPORTED, POSTS, REDIRECTS, REPOSTS,
    USERS, format, is_export, pictures, read, text, walk, write_whole,
};
use crate::{
    ImportError, LogIn,
    client::{Call, Client},
    comments::{Origin, mark_of},
    report::number_of,
};

/// Write a blog as a folder of Markdown files, which `import` reads back.
///
/// An author exports their own posts; editors and administrators export all that are published, too. Repeating it brings the folder up
/// to date.
#[derive(Debug, clap::Args)]
pub struct Export {
    /// The folder to write: a new or empty one, or that of an earlier export
    pub folder: PathBuf,
    /// Who exports, and from where
    #[command(flatten)]
    pub account: LogIn,
    /// Only one's own posts, also as an editor or administrator
    #[arg(long)]
    pub mine: bool,
}

/// What was exported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are what they are called")]
pub struct Exported {
    pub posts: usize,
    pub pictures: usize,
    pub comments: usize,
    pub users: usize,
    /// What is not in the folder, in sentences.
    pub notes: Vec<String>,
}

/// Writes the folder.
pub async fn export(options: &Export, out: &mut (dyn Write + Send)) -> Result<Exported, ImportError> {
    // Whoever mistypes the folder is told so before a password is asked for.
    let earlier = earlier_files(&options.folder)?;
    let mut client = options.account.client(out).await?;
    let me: Value = client.profile().await?;
    let manifest = Manifest {
        format: FORMAT,
        complete: false,
        url: options.account.url.trim_end_matches('/').to_owned(),
        user: text(&me, "username").to_owned(),
        files: earlier,
    };
    let is_editor = matches!(text(&me, "role"), "editor" | "admin") && !options.mine;
    let mut exporter = Exporter {
        client: &mut client,
        folder: &options.folder,
        roots: BTreeSet::from([manifest.url.clone()]),
        me,
        is_editor,
        written: BTreeSet::new(),
        pictures: BTreeMap::new(),
        picture_names: BTreeMap::new(),
        users: BTreeMap::new(),
        redirects: String::new(),
        only_exported: BTreeMap::new(),
        hidden_comments: BTreeMap::new(),
        exported: Exported::default(),
    };
    exporter.write_manifest(&manifest)?;
    exporter.run().await?;
    let Exporter { written, exported, .. } = exporter;
    for gone in manifest.files.difference(&written) {
        remove(&options.folder.join(gone))?;
    }
    let whole = Manifest { complete: true, files: written, ..manifest };
    write_whole(&options.folder.join(MANIFEST), &pretty(&json!(whole)))?;
    let Exported { posts, pictures, comments, users, notes } = &exported;
    writeln!(
        client.out,
        "{}, {}, {} and {} are in {}.",
        number_of(*posts, "post"),
        number_of(*pictures, "picture"),
        number_of(*comments, "comment"),
        number_of(*users, "user"),
        options.folder.display()
    )?;
    for note in notes {
        writeln!(client.out, "        {note}")?;
    }
    Ok(exported)
}

/// The files of an earlier export into this folder; none if it is new or empty. A folder with something else in it is refused.
fn earlier_files(folder: &Path) -> Result<BTreeSet<String>, ImportError> {
    if is_export(folder) {
        // Only names within the folder, whoever wrote them.
        let is_within = |name: &String| !name.split('/').any(|part| part.is_empty() || part == "..");
        return Ok(Manifest::read(folder)?.files.into_iter().filter(is_within).collect());
    }
    match fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            None => Ok(BTreeSet::new()),
            Some(_) => Err(ImportError::NotEmpty(folder.to_owned())),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(source) => Err(ImportError::File { path: folder.to_owned(), source }),
    }
}

fn remove(path: &Path) -> Result<(), ImportError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(ImportError::File { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

struct Exporter<'a, 'b> {
    client: &'a mut Client<'b>,
    folder: &'a Path,
    /// What is before `/media/` in addresses of pictures.
    roots: BTreeSet<String>,
    me: Value,
    /// Whether all that is published is exported, and not only one's own.
    is_editor: bool,
    /// The files that are there by now.
    written: BTreeSet<String>,
    /// What is said of each picture, by the name of its file.
    pictures: BTreeMap<String, Value>,
    /// The name of each picture's file, by its id.
    picture_names: BTreeMap<String, String>,
    /// The users who wrote something, by their names.
    users: BTreeMap<String, Value>,
    redirects: String,
    /// What of each post no request can set, by its slug.
    only_exported: BTreeMap<String, Value>,
    /// The comments that not everybody sees, by the slugs of their posts.
    hidden_comments: BTreeMap<String, Vec<Value>>,
    exported: Exported,
}

/// A post with all that is exported of it.
struct Found {
    post: Value,
    /// Its newest version: what its author wrote, without what is made of it.
    revision: Value,
    aliases: Value,
}

impl Exporter<'_, '_> {
    async fn run(&mut self) -> Result<(), ImportError> {
        let own = walk(self.client, "/me/posts").await?;
        let front = if self.is_editor { walk(self.client, "/posts").await? } else { Vec::new() };
        let pins = pins(&front);
        let others = if self.is_editor { self.hidden_posts_of_others(&front).await? } else { Vec::new() };
        let (reposts, own): (Vec<_>, Vec<_>) = own.into_iter().partition(|card| text(card, "kind") == "repost");
        let mut seen = BTreeSet::new();
        let cards: Vec<_> = own
            .into_iter()
            .chain(front)
            .chain(others)
            .filter(|card| seen.insert(text(card, "id").to_owned()))
            .collect();
        writeln!(self.client.out, "{}.", number_of(cards.len(), "post"))?;
        self.export_own_pictures().await?;
        for (number, card) in cards.iter().enumerate() {
            if number > 0 && number % 100 == 0 {
                writeln!(self.client.out, "        {number} of {} posts", cards.len())?;
            }
            // A name of a file, so it must be what the API says that it is.
            let slug = Slug::try_from(text(card, "slug").to_owned()).map(String::from).unwrap_or_default();
            match self.find(&slug).await? {
                Some(found) if ["id", "slug"].iter().all(|key| found.post[key] == card[key]) => {
                    let pin = pins.iter().position(|id| id == text(card, "id")).map(|position| position + 1);
                    self.export_post(found, pin).await?;
                }
                _ => self.exported.notes.push(format!("/posts/{} is gone meanwhile.", text(card, "slug"))),
            }
        }
        self.export_users().await?;
        let slugs: Vec<_> = reposts.iter().rev().map(|card| json!({ "post": text(card, "slug") })).collect();
        self.write(REPOSTS, &pretty(&json!(slugs)))?;
        let times: BTreeMap<_, _> = reposts.iter().map(|card| (text(card, "slug"), &card["published_at"])).collect();
        let only_exported = json!({ "posts": self.only_exported, "reposted_at": times });
        self.write(ONLY_EXPORTED, &pretty(&only_exported))?;
        self.write(MEDIA_LIST, &pretty(&json!(self.pictures)))?;
        if !self.hidden_comments.is_empty() {
            self.write(HIDDEN_COMMENTS, &pretty(&json!(self.hidden_comments)))?;
        }
        let redirects = std::mem::take(&mut self.redirects);
        self.write(REDIRECTS, redirects.as_bytes())
    }

    /// Drafts and scheduled posts of others: of all users for an administrator, of those who have published something for an editor.
    async fn hidden_posts_of_others(&mut self, front: &[Value]) -> Result<Vec<Value>, ImportError> {
        let mut names: BTreeSet<String> =
            front.iter().map(|card| text(&card["author"], "username").to_owned()).collect();
        if text(&self.me, "role") == "admin" {
            for user in walk(self.client, "/admin/users").await? {
                names.insert(text(&user, "username").to_owned());
                self.users.insert(text(&user, "username").to_owned(), user);
            }
        }
        names.remove(text(&self.me, "username"));
        let mut hidden = Vec::new();
        for name in names {
            for status in ["draft", "scheduled"] {
                hidden.extend(walk(self.client, &format!("/me/posts?author={name}&status={status}")).await?);
            }
        }
        Ok(hidden)
    }

    /// The post at a slug, all of it of one version.
    async fn find(&mut self, slug: &str) -> Result<Option<Found>, ImportError> {
        for _ in 0..5 {
            let Some(post) = read(self.client, &format!("/posts/{slug}")).await? else { return Ok(None) };
            let page = read(self.client, &format!("/posts/{slug}/revisions?limit=1")).await?;
            let aliases = read(self.client, &format!("/posts/{slug}/aliases")).await?.unwrap_or_default();
            // Who is an author no longer may not ask, and gets the post as everybody sees it.
            let revision = page.map_or_else(|| post.clone(), |mut page| page["items"][0].take());
            if revision["version"] == post["version"] {
                return Ok(Some(Found { post, revision, aliases }));
            }
        }
        Ok(None)
    }

    async fn export_post(&mut self, found: Found, pin: Option<usize>) -> Result<(), ImportError> {
        let Found { post, revision, aliases } = found;
        let slug = text(&post, "slug").to_owned();
        let body = text(&post, "body");
        for id in pictures::named(body) {
            self.export_picture(&id).await?;
        }
        let mut revision = revision;
        let cover = text(&revision, "cover_image_url").to_owned();
        if let Some((root, id)) = pictures::in_address(&cover) {
            self.export_picture(id).await?;
            // Another site may have a picture with this id, if it was made of an export.
            if let Some(name) = self.picture_names.get(id).filter(|_| self.roots.contains(root)) {
                revision["cover_image_url"] = json!(pictures::path_of(name));
            }
        }
        let (keys, only_exported) = front_matter(&post, &revision, &aliases, pin);
        self.only_exported.insert(slug.clone(), only_exported);
        let keys = keys.iter().map(|(key, value)| (*key, value));
        let file = format::write(keys, &pictures::to_files(body, &self.picture_names));
        self.write(&format!("{POSTS}/{slug}.md"), file.as_bytes())?;
        for old in leading(&aliases).filter(|old| *old != slug) {
            self.redirects.push_str(&format!("/posts/{old} /posts/{slug} 301\n"));
        }
        self.meet(&post["author"]);
        self.exported.posts += 1;
        // What is held is not counted, and editors see it.
        if self.is_editor || post["counts"]["comments"] != json!(0) {
            self.export_comments(&slug, text(&post, "status") == "published").await?;
        }
        Ok(())
    }

    async fn export_comments(&mut self, slug: &str, is_public: bool) -> Result<(), ImportError> {
        let answer = self.client.send(&Call::get(&format!("/posts/{slug}/comments?limit=1"))).await?;
        if answer.status != reqwest::StatusCode::OK {
            return Ok(());
        }
        let listed = walk(self.client, &format!("/posts/{slug}/comments")).await?;
        let sources: Vec<Source> = listed.iter().map(|comment| self.source_of(comment)).collect();
        let mut ids = BTreeSet::new();
        // One that was imported has its first id again, unless another one has it too.
        let id_of = |(comment, source): (&Value, &Source)| {
            let (id, first) = (text(comment, "id"), source.id.as_deref().unwrap_or_default());
            let is_free = !first.is_empty() && ids.insert(first.to_owned());
            (id.to_owned(), if is_free { first } else { id }.to_owned())
        };
        let ids: BTreeMap<_, _> = listed.iter().zip(&sources).map(id_of).collect();
        let by_id: BTreeMap<_, _> = listed.iter().map(|comment| (text(comment, "id"), comment)).collect();
        let (mut shown, mut hidden) = (Vec::new(), Vec::new());
        for (comment, source) in listed.iter().zip(sources) {
            let status = text(comment, "status");
            let is_shown = is_public && status == "published";
            let parent = match (is_shown, status) {
                (true, _) => nearest(&by_id, comment, |status| status == "published"),
                // The place of what was deleted.
                (false, "deleted") => continue,
                (false, _) => nearest(&by_id, comment, |status| status != "deleted"),
            };
            let comment = json!({
                "id": ids.get(text(comment, "id")),
                "parent_id": parent.and_then(|parent| ids.get(parent)),
                "status": status,
                "author": source.author,
                "author_name": source.author_name,
                "body": source.body,
                "created_at": source.created_at,
                "updated_at": source.updated_at,
            });
            if is_shown { &mut shown } else { &mut hidden }.push(comment);
        }
        self.exported.comments += shown.len() + hidden.len();
        if !hidden.is_empty() {
            self.hidden_comments.insert(slug.to_owned(), hidden);
        }
        if shown.is_empty() {
            return Ok(());
        }
        self.write(&format!("{COMMENTS}/{slug}.json"), &pretty(&json!(shown)))
    }

    /// What a comment was first: one's own that was imported for somebody else is theirs again; of nobody else is taken that what they say of
    /// themselves is true.
    fn source_of(&mut self, comment: &Value) -> Source {
        let author = &comment["author"];
        let there = |key: &str| text(comment, key).to_owned();
        let mut source = Source {
            id: None,
            author: author["username"].clone(),
            author_name: author["display_name"].clone(),
            body: there("body"),
            created_at: there("created_at"),
            updated_at: there("updated_at"),
        };
        let is_own = author["username"] == self.me["username"];
        let Some((origin, body)) = Origin::split(text(comment, "body")).filter(|_| is_own) else {
            self.meet(author);
            return source;
        };
        let named = |name: String| if name.is_empty() { Value::Null } else { json!(name) };
        if let Some(author) = origin.author {
            (source.author, source.author_name) = (named(author.username), named(author.name));
        }
        if !origin.created_at.is_empty() {
            source.created_at = origin.created_at;
        }
        // What was edited here has the time of that.
        let is_as_imported = match &origin.mark {
            Some(mark) => *mark == mark_of(body),
            None => comment["version"] == json!(1),
        };
        if is_as_imported {
            source.updated_at = origin.updated_at.unwrap_or_else(|| source.created_at.clone());
        }
        Source { id: origin.id, body: body.to_owned(), ..source }
    }

    /// Notes who wrote something.
    fn meet(&mut self, author: &Value) {
        if let Some(username) = author["username"].as_str() {
            self.users.entry(username.to_owned()).or_insert_with(|| author.clone());
        }
    }

    /// The profiles of who wrote something; all users, for an administrator. Without addresses, which are not the blog's to give away.
    async fn export_users(&mut self) -> Result<(), ImportError> {
        let me = self.me.clone();
        self.meet(&me);
        const KEPT: [&str; 8] =
            ["username", "display_name", "bio", "avatar_url", "website_url", "role", "status", "created_at"];
        let mut users = Vec::new();
        for (username, known) in std::mem::take(&mut self.users) {
            let user = match known.get("created_at") {
                Some(_) => known,
                None => read(self.client, &format!("/users/{username}")).await?.unwrap_or(known),
            };
            let kept = KEPT.iter().filter_map(|key| Some(((*key).to_owned(), user.get(*key)?.clone())));
            users.push(Value::Object(kept.filter(|(_, value)| !value.is_null()).collect()));
        }
        self.exported.users = users.len();
        self.write(USERS, &pretty(&json!(users)))
    }

    /// One's own pictures, shown by a post or not.
    async fn export_own_pictures(&mut self) -> Result<(), ImportError> {
        // Readers have none, and may not ask.
        if text(&self.me, "role") == "reader" {
            return Ok(());
        }
        for picture in walk(self.client, "/me/media").await? {
            self.export_this_picture(&picture).await?;
        }
        Ok(())
    }

    async fn export_picture(&mut self, id: &str) -> Result<(), ImportError> {
        if !self.picture_names.contains_key(id)
            && let Some(picture) = read(self.client, &format!("/media/{id}")).await?
        {
            self.export_this_picture(&picture).await?;
        }
        Ok(())
    }

    async fn export_this_picture(&mut self, picture: &Value) -> Result<(), ImportError> {
        let id = text(picture, "id");
        // The original is nobody's to see (docs/media.md); the largest file that is served comes next to it.
        let Some((_, variant)) = text(picture, "url").rsplit_once('/') else { return Ok(()) };
        let extension = if variant.ends_with(".png") { "png" } else { "jpg" };
        // A name of a file, so it must be what the API says that it is.
        if id.parse::<MediaId>().is_err() {
            return Ok(());
        }
        let name = format!("{id}.{extension}");
        let path = format!("{MEDIA}/{name}");
        // A file never changes, so that one which is there by an earlier export is the same.
        if !self.folder.join(&path).is_file() {
            let bytes = self.client.download(&format!("/media/{id}/{variant}")).await?;
            let Some(bytes) = bytes else {
                self.exported.notes.push(format!("The picture /media/{id} could not be fetched."));
                return Ok(());
            };
            write_whole(&self.folder.join(&path), &bytes)?;
        }
        self.written.insert(path);
        let mut said = Map::new();
        for key in ["alt", "filename", "width", "height"] {
            if let Some(value) = picture.get(key).filter(|value| !value.is_null()) {
                said.insert(key.to_owned(), value.clone());
            }
        }
        self.roots.extend(pictures::in_address(text(picture, "url")).map(|(root, _)| root.to_owned()));
        self.pictures.insert(name.clone(), Value::Object(said));
        self.picture_names.insert(id.to_owned(), name);
        self.exported.pictures += 1;
        Ok(())
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), ImportError> {
        write_whole(&self.folder.join(name), bytes)?;
        self.written.insert(name.to_owned());
        Ok(())
    }

    fn write_manifest(&self, manifest: &Manifest) -> Result<(), ImportError> {
        write_whole(&self.folder.join(MANIFEST), &pretty(&json!(manifest)))
    }
}

fn pretty(value: &Value) -> Vec<u8> {
    format!("{value:#}\n").into_bytes()
}

/// A comment as it was first said.
struct Source {
    /// Its id there; none if it is from here.
    id: Option<String>,
    author: Value,
    author_name: Value,
    body: String,
    created_at: String,
    updated_at: String,
}

/// The id of the nearest comment above one that is exported with it.
fn nearest<'a>(
    by_id: &BTreeMap<&str, &'a Value>,
    comment: &'a Value,
    is_with_it: impl Fn(&str) -> bool,
) -> Option<&'a str> {
    let mut parent = text(comment, "parent_id");
    loop {
        let above = by_id.get(parent)?;
        if is_with_it(text(above, "status")) {
            return Some(parent);
        }
        parent = text(above, "parent_id");
    }
}

/// The ids of the pinned posts, in their order. The API shows them by nothing but their place: they lead the list, and what follows goes by
/// time. Whoever is pinned and the newest anyhow is not told from who is not.
fn pins(front: &[Value]) -> Vec<String> {
    let place = |card: &Value| (text(card, "published_at").to_owned(), text(card, "id").to_owned());
    let mut first = front.len().saturating_sub(1);
    while let Some(before) = first.checked_sub(1)
        && let (Some(one), Some(next)) = (front.get(before), front.get(first))
        && place(one) > place(next)
    {
        first = before;
    }
    front.iter().take(first).map(|card| text(card, "id").to_owned()).collect()
}

/// The slugs that lead to a post, those first that it had.
fn leading(aliases: &Value) -> impl Iterator<Item = &str> {
    let listed = |key: &str| aliases[key].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut seen = BTreeSet::new();
    listed("former_slugs").chain(listed("aliases")).filter(move |slug| seen.insert(*slug))
}

/// The head of a post, and what of it no request can set.
fn front_matter(
    post: &Value,
    revision: &Value,
    aliases: &Value,
    pin: Option<usize>,
) -> (Vec<(&'static str, Value)>, Value) {
    let mut keys: Vec<(&'static str, Value)> = Vec::new();
    // Whatever comes to be a field of a post is in its versions, and here.
    let names = Details::names();
    let said = names.into_iter().map(|name| (name, revision[name].clone()));
    let said = said.filter(|(_, value)| !value.is_null() && *value != json!([]));
    // A post takes comments unless its author says otherwise.
    keys.extend(said.filter(|(name, value)| *name != "comments_open" || *value == json!(false)));
    let status = text(post, "status");
    keys.push(("slug", post["slug"].clone()));
    keys.push(("kind", post["kind"].clone()));
    keys.push(("status", post["status"].clone()));
    let mut only_exported = Map::new();
    if status == "draft" {
        only_exported.insert("published_at".to_owned(), post["published_at"].clone());
    } else {
        keys.push(("date", post["published_at"].clone()));
    }
    for name in ["quote_of", "reply_to"] {
        match &post[name]["slug"] {
            Value::String(slug) => keys.push((name, json!(slug))),
            // Of a post that is gone only the id is shown.
            _ => drop(only_exported.insert(name.to_owned(), post[name]["id"].clone())),
        }
    }
    let leading: Vec<_> = leading(aliases).collect();
    if !leading.is_empty() {
        keys.push(("aliases", json!(leading)));
    }
    keys.extend(pin.map(|pin| ("pinned", json!(pin))));
    only_exported.insert("author".to_owned(), post["author"]["username"].clone());
    for name in ["id", "created_at", "updated_at", "version", "counts"] {
        only_exported.insert(name.to_owned(), post[name].clone());
    }
    only_exported.retain(|_, value| !value.is_null());
    (keys, Value::Object(only_exported))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pinned(front: &[(u32, &str)]) -> Vec<String> {
        let cards: Vec<_> =
            front.iter().map(|(time, id)| json!({ "published_at": time.to_string(), "id": id })).collect();
        pins(&cards)
    }

    #[test]
    fn what_leads_out_of_order_is_pinned() {
        assert_eq!(pinned(&[]), [""; 0]);
        assert_eq!(pinned(&[(1, "a")]), [""; 0]);
        assert_eq!(pinned(&[(3, "c"), (2, "b"), (1, "a")]), [""; 0]);
        assert_eq!(pinned(&[(1, "a"), (3, "c"), (2, "b")]), ["a"]);
        assert_eq!(pinned(&[(3, "c"), (1, "a"), (4, "d"), (2, "b")]), ["c", "a"]);
        assert_eq!(pinned(&[(2, "a"), (2, "b")]), ["a"], "of one moment, the later id comes first");
        assert_eq!(pinned(&[(2, "b"), (2, "a")]), [""; 0]);
    }

    #[test]
    fn neither_password_nor_key_is_shown() {
        let export = Export {
            folder: "blog".into(),
            account: LogIn {
                user: Some("anna".to_owned()),
                password: Some("a secret".to_owned()),
                key: Some("another secret".to_owned()),
                url: "http://localhost:3000/v1".to_owned(),
            },
            mine: false,
        };
        assert!(!format!("{export:?}").contains("secret"));
    }
}
