//! When a user asks for an export, the file with all that is stored of them is written here, a part of the upload a step.

use std::collections::{BTreeMap, HashSet};

use bucket::{Finished, SentParts, Upload, export_key};
use domain::{
    Aliases, ApiKey, CommentId, CommentReport, CommentStatus, Export, ExportId, KeyId, Notification, Post, PostId,
    Revision, Scopes, Slug, Timestamp, User, UserId,
};
use edge::{Blog, Problem};
use serde::{Deserialize, Serialize};
use table::{Consistency, Mark, keys};

use crate::Services;

/// How many comments or marks are read at once.
const AT_ONCE: usize = 100;

/// What the template calls it.
pub const NAME: &str = "export_user";

/// The export that is asked for, and how far its file is written.
#[derive(Debug, Serialize, Deserialize)]
pub struct Work {
    user_id: UserId,
    export_id: ExportId,
    /// None of a file that is not begun.
    written: Option<Written>,
}

/// What is written of a file.
#[derive(Debug, Serialize, Deserialize)]
struct Written {
    sent: SentParts,
    place: Place,
}

/// Where in the file to go on. A section that nothing is written of yet has none of its last things.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Place {
    /// After this post.
    Posts(Option<PostId>),
    /// After this version of a post.
    Versions(Option<(PostId, u64)>),
    /// What the user did in the community: comments, reports, marks, followed tags, notifications, the audit log, pictures. Written in one step, because the way through
    /// comments passes each of them twice.
    Community,
    /// After this position of the list.
    Following(Option<String>),
    /// After this position of the list.
    Followers(Option<String>),
}

impl Work {
    /// All of it.
    pub fn of(export: &Export) -> Self {
        Self { user_id: export.user_id, export_id: export.id, written: None }
    }
}

/// A post as the file has it. The HTML is left out: it is made from the Markdown.
#[derive(Serialize)]
struct ExportedPost<'a> {
    #[serde(flatten)]
    post: &'a Post,
    #[serde(skip_serializing_if = "Aliases::is_empty")]
    aliases: &'a Aliases,
    body: &'a str,
}

/// A version of a post.
#[derive(Serialize)]
struct ExportedVersion<'a> {
    post_id: PostId,
    #[serde(flatten)]
    revision: &'a Revision,
    body: &'a str,
}

/// A comment as the file has it.
#[derive(Serialize)]
struct ExportedComment<'a> {
    id: CommentId,
    post_id: PostId,
    parent_id: Option<CommentId>,
    status: CommentStatus,
    body: &'a str,
    replies: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
    version: u64,
}

/// What the user did with a post, as the file has it.
#[derive(Serialize)]
struct ExportedMark<'a> {
    post_id: PostId,
    #[serde(flatten)]
    mark: &'a Mark,
}

/// A notification as the file has it.
#[derive(Serialize)]
struct ExportedNotification<'a> {
    #[serde(flatten)]
    notification: &'a Notification,
    read: bool,
}

/// An API key as the file has it.
#[derive(Serialize)]
struct ExportedKey {
    id: KeyId,
    name: String,
    scopes: Scopes,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    last_used_on: Option<String>,
}

/// Writes on until a part is full. At the end of the file it says that the file is there. A file appears whole or not at
/// all, and a part that is sent again takes the place of the earlier one, so a step may be repeated.
pub async fn export_user(services: &Services, work: Work) -> Result<Option<Work>, Problem> {
    let blog = &services.blog;
    // As it is now: this may be an old request that comes again.
    let export = blog.table.export(work.user_id, work.export_id, blog.now()).await?;
    let Some(export) = export.filter(|export| export.ready_at.is_none()) else { return Ok(None) };
    // Who leaves meanwhile takes their exports along (`delete_user`).
    let user = blog.table.user(export.user_id, Consistency::Strong).await?;
    let Some(user) = user.filter(User::is_public) else { return Ok(None) };
    let key = export_key(&export);
    let (mut file, place) = match work.written {
        None => {
            let mut file = services.bucket.begin(key);
            let wanted_email = services.identity.wanted_email(user.id).await?;
            file.write(&format!("{{\"profile\":{},\n\"wanted_email\":{},\n", json(&user)?, json(&wanted_email)?))
                .await?;
            (file, Place::Posts(None))
        }
        Some(Written { sent, place }) => (services.bucket.resume(key, sent), place),
    };
    if let Some(place) = write_on(blog, &user, place, &mut file).await? {
        let written = file.into_sent_parts().map(|sent| Written { sent, place });
        return Ok(Some(Work { written, ..work }));
    }
    if file.finish().await? == Finished::Unknown {
        return Ok(Some(Work { written: None, ..work }));
    }
    blog.table.finish_export(&export, blog.now()).await?;
    Ok(None)
}

/// Writes on from a place: all that is stored of a user, as it is stored. Whatever else comes to be stored of users is added
/// here. Gives the place where to go on, if a part is full.
async fn write_on(blog: &Blog, user: &User, place: Place, file: &mut Upload<'_>) -> Result<Option<Place>, Problem> {
    let posts = match place {
        // Once a step, and not kept between two: there may be any number.
        Place::Posts(_) | Place::Versions(_) => blog.table.slugs_of_user(user.id, |_| true).await?,
        Place::Community | Place::Following(_) | Place::Followers(_) => BTreeMap::new(),
    };
    let mut place = place;
    loop {
        let full = match &place {
            Place::Posts(after) => write_posts(blog, &posts, *after, file).await?.map(|id| Place::Posts(Some(id))),
            Place::Versions(after) => {
                write_versions(blog, &posts, *after, file).await?.map(|after| Place::Versions(Some(after)))
            }
            Place::Community => {
                write_community(blog, user.id, file).await?;
                None
            }
            Place::Following(after) => {
                let begin = "\n],\n\"following\":[";
                let list = keys::following(user.id);
                write_follows(blog, &list, begin, after.clone(), file).await?.map(|after| Place::Following(Some(after)))
            }
            Place::Followers(after) => {
                let begin = "\n],\n\"followers\":[";
                let list = keys::followers(user.id);
                write_follows(blog, &list, begin, after.clone(), file).await?.map(|after| Place::Followers(Some(after)))
            }
        };
        if full.is_some() {
            return Ok(full);
        }
        place = match place {
            Place::Posts(_) => Place::Versions(None),
            Place::Versions(_) => Place::Community,
            Place::Community => Place::Following(None),
            Place::Following(_) => Place::Followers(None),
            Place::Followers(_) => {
                file.write("\n]}\n").await?;
                return Ok(None);
            }
        };
    }
}

/// The posts after `after`. Gives the last one that is written, if a part is full.
async fn write_posts(
    blog: &Blog,
    posts: &BTreeMap<PostId, Slug>,
    after: Option<PostId>,
    file: &mut Upload<'_>,
) -> Result<Option<PostId>, Problem> {
    let mut separator = if after.is_some() { ",\n" } else { "\n" };
    if after.is_none() {
        file.write("\"posts\":[").await?;
    }
    for (id, slug) in posts.iter().filter(|(id, _)| after.is_none_or(|after| **id > after)) {
        // It may be gone by now, and its slug another post's.
        let found = blog.table.post_with_text(slug, Consistency::Strong, blog.now()).await?;
        if let Some((post, text)) = found.filter(|(post, _)| post.id == *id) {
            let aliases = blog.table.leading_slugs(*id).await?.aliases;
            let post = json(&ExportedPost { post: &post, aliases: &aliases, body: &text.markdown })?;
            file.write(&format!("{separator}{post}")).await?;
            separator = ",\n";
            if file.is_sent() {
                return Ok(Some(*id));
            }
        }
    }
    Ok(None)
}

/// The versions of posts, those of each newest first and one at a time, since each may have a text of its own. Gives the last one
/// that is written, if a part is full.
async fn write_versions(
    blog: &Blog,
    posts: &BTreeMap<PostId, Slug>,
    after: Option<(PostId, u64)>,
    file: &mut Upload<'_>,
) -> Result<Option<(PostId, u64)>, Problem> {
    let mut separator = if after.is_some() { ",\n" } else { "\n" };
    if after.is_none() {
        file.write("\n],\n\"versions\":[").await?;
    }
    for id in posts.keys().filter(|id| after.is_none_or(|(after, _)| **id >= after)) {
        let mut before = after.filter(|(after, _)| after == id).map(|(_, version)| version);
        loop {
            let versions = blog.table.revisions_before(*id, before).await?;
            let Some(last) = versions.last() else { break };
            before = Some(last.version);
            for version in versions.into_iter().map(|revision| revision.version) {
                if let Some((revision, body)) = blog.table.revision(*id, version).await? {
                    let exported = json(&ExportedVersion { post_id: *id, revision: &revision, body: &body })?;
                    file.write(&format!("{separator}{exported}")).await?;
                    separator = ",\n";
                    if file.is_sent() {
                        return Ok(Some((*id, version)));
                    }
                }
            }
        }
    }
    Ok(None)
}

/// The follows of a list. Gives the position of the last one that is written, if a part is full.
async fn write_follows(
    blog: &Blog,
    list: &keys::List,
    begin: &str,
    after: Option<String>,
    file: &mut Upload<'_>,
) -> Result<Option<String>, Problem> {
    let mut separator = if after.is_some() { ",\n" } else { "\n" };
    if after.is_none() {
        file.write(begin).await?;
    }
    let mut after = after;
    loop {
        let follows = blog.table.follows_after(list, after.as_deref()).await?;
        if follows.is_empty() {
            return Ok(None);
        }
        for (position, follow) in follows {
            file.write(&format!("{separator}{}", json(&follow)?)).await?;
            separator = ",\n";
            if file.is_sent() {
                return Ok(Some(position));
            }
            after = Some(position);
        }
    }
}

/// What a user did in the community.
async fn write_community(blog: &Blog, user: UserId, file: &mut Upload<'_>) -> Result<(), Problem> {
    file.write("\n],\n\"comments\":[").await?;
    write_comments(blog, user, file).await?;
    file.write("\n],\n\"reports\":[").await?;
    write_reports(blog, user, file).await?;
    file.write("\n],\n\"marks\":[").await?;
    write_marks(blog, user, file).await?;
    file.write("\n],\n\"followed_tags\":[").await?;
    write_tag_follows(blog, user, file).await?;
    file.write("\n],\n\"notifications\":[").await?;
    write_notifications(blog, user, file).await?;
    file.write("\n],\n\"audit\":[").await?;
    write_audit(blog, user, file).await?;
    file.write("\n],\n\"keys\":[").await?;
    write_keys(blog, user, file).await?;
    file.write("\n],\n\"media\":[").await?;
    write_media(blog, user, file).await
}

/// The pictures of a user, as they are stored.
async fn write_media(blog: &Blog, user: UserId, file: &mut Upload<'_>) -> Result<(), Problem> {
    let (mut separator, mut after) = ("\n", None);
    loop {
        let media = blog.table.media_after(user, after, AT_ONCE).await?;
        let Some(last) = media.last() else { return Ok(()) };
        after = Some(last.id);
        for media in &media {
            file.write(&format!("{separator}{}", json(media)?)).await?;
            separator = ",\n";
        }
    }
}

/// The comments of a user.
async fn write_comments(blog: &Blog, user: UserId, file: &mut Upload<'_>) -> Result<(), Problem> {
    let (mut written, mut separator, mut place) = (HashSet::new(), "\n", None);
    loop {
        let (comments, next) = blog.table.comments_of_user(user, place, AT_ONCE).await?;
        for comment in comments {
            // The way through them passes each twice, so that none is missed that is published or held meanwhile.
            if !written.insert(comment.id()) {
                continue;
            }
            let comment = json(&ExportedComment {
                id: comment.id(),
                post_id: comment.post,
                parent_id: comment.path.parent().map(|parent| parent.id()),
                status: comment.status,
                body: &comment.text.markdown,
                replies: comment.replies,
                created_at: comment.created_at,
                updated_at: comment.updated_at,
                version: comment.version,
            })?;
            file.write(&format!("{separator}{comment}")).await?;
            separator = ",\n";
        }
        place = next;
        if place.is_none() {
            return Ok(());
        }
    }
}

/// What a user did with posts.
async fn write_marks(blog: &Blog, user: UserId, file: &mut Upload<'_>) -> Result<(), Problem> {
    let (mut separator, mut after) = ("\n", None);
    loop {
        let marks = blog.table.marks_of(user, after, AT_ONCE).await?;
        let Some((last, _)) = marks.last() else { return Ok(()) };
        after = Some(*last);
        for (post_id, mark) in &marks {
            file.write(&format!("{separator}{}", json(&ExportedMark { post_id: *post_id, mark })?)).await?;
            separator = ",\n";
        }
    }
}

/// The tags that a user follows.
async fn write_tag_follows(blog: &Blog, user: UserId, file: &mut Upload<'_>) -> Result<(), Problem> {
    let (mut separator, mut after) = ("\n", None);
    loop {
        let follows = blog.table.followed_tags_after(user, after.as_ref(), AT_ONCE).await?;
        let Some(last) = follows.last() else { return Ok(()) };
        after = Some(last.tag.clone());
        for follow in &follows {
            file.write(&format!("{separator}{}", json(follow)?)).await?;
            separator = ",\n";
        }
    }
}

/// The reports that a user made of others' comments.
async fn write_reports(blog: &Blog, user: UserId, file: &mut Upload<'_>) -> Result<(), Problem> {
    let (mut separator, mut after) = ("\n", None);
    loop {
        let reports: Vec<CommentReport> = blog.table.reports_by(user, after, AT_ONCE).await?;
        let Some(last) = reports.last() else { return Ok(()) };
        after = Some(last.comment);
        for report in &reports {
            file.write(&format!("{separator}{}", json(report)?)).await?;
            separator = ",\n";
        }
    }
}

/// What a user was told of what others did.
async fn write_notifications(blog: &Blog, user: UserId, file: &mut Upload<'_>) -> Result<(), Problem> {
    let (mut separator, mut after) = ("\n", None);
    loop {
        let notifications = blog.table.notifications_of(user, after, AT_ONCE).await?;
        let Some((last, _)) = notifications.last() else { return Ok(()) };
        after = Some(last.id);
        for (notification, read) in &notifications {
            let exported = json(&ExportedNotification { notification, read: *read })?;
            file.write(&format!("{separator}{exported}")).await?;
            separator = ",\n";
        }
    }
}

/// What a user did that is in the audit log. What others did to them is not theirs to have: editors are not named to those whom
/// they moderate.
async fn write_audit(blog: &Blog, user: UserId, file: &mut Upload<'_>) -> Result<(), Problem> {
    let (mut separator, mut before) = ("\n", None);
    loop {
        let mut entries = blog.table.audit_of_actor(user, before.as_ref()).await?;
        for entry in &entries {
            file.write(&format!("{separator}{}", json(entry)?)).await?;
            separator = ",\n";
        }
        before = entries.pop();
        if before.is_none() {
            return Ok(());
        }
    }
}

/// The API keys of a user, without their hashes.
async fn write_keys(blog: &Blog, user: UserId, file: &mut Upload<'_>) -> Result<(), Problem> {
    let mut separator = "\n";
    for (key, last_used_on) in blog.table.all_keys_of(user).await? {
        let ApiKey { id, name, scopes, created_at, valid_until: expires_at, .. } = key;
        let exported = json(&ExportedKey { id, name, scopes, created_at, expires_at, last_used_on })?;
        file.write(&format!("{separator}{exported}")).await?;
        separator = ",\n";
    }
    Ok(())
}

fn json(value: &impl Serialize) -> Result<String, Problem> {
    serde_json::to_string(value).map_err(Problem::internal)
}
