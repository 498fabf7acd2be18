//! When a user asks for an export, the file with all that is stored of them is written here.

use std::collections::HashSet;

use aws_lambda_events::event::dynamodb::EventRecord;
use bucket::{Upload, export_key};
use domain::{CommentId, CommentReport, CommentStatus, Export, Post, PostId, Revision, Timestamp, User, UserId};
use edge::{Blog, Problem};
use serde::Serialize;
use table::{Consistency, Mark, keys};

use crate::Services;

/// How many things of a kind are read at once.
const AT_ONCE: usize = 100;

/// What the template calls it.
pub const NAME: &str = "export_user";

/// A post as the file has it. The HTML is left out: it is made from the Markdown.
#[derive(Serialize)]
struct ExportedPost<'a> {
    #[serde(flatten)]
    post: &'a Post,
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

/// Writes the file, then says that it is there. A file appears whole or not at all, so running again after we were
/// stopped begins it anew.
pub async fn export_user(services: &Services, record: &EventRecord) -> Result<(), Problem> {
    let blog = &services.blog;
    let asked: Export = serde_dynamo::from_item(record.change.new_image.clone()).map_err(Problem::internal)?;
    // As it is now: this event may be an old one that comes again.
    let export = blog.table.export(asked.user_id, asked.id, blog.now()).await?;
    let Some(export) = export.filter(|export| export.ready_at.is_none()) else { return Ok(()) };
    // Who leaves meanwhile takes their exports along (`delete_user`).
    let user = blog.table.user(export.user_id, Consistency::Strong).await?;
    let Some(user) = user.filter(User::is_public) else { return Ok(()) };
    let mut file = services.bucket.begin(export_key(&export)).await?;
    write_user(blog, &user, &mut file).await?;
    file.finish().await?;
    Ok(blog.table.finish_export(&export, blog.now()).await?)
}

/// All that is stored of a user, as it is stored. Whatever else comes to be stored of users is added here.
async fn write_user(blog: &Blog, user: &User, file: &mut Upload<'_>) -> Result<(), Problem> {
    file.write(&format!("{{\"profile\":{},\n\"posts\":[", json(user)?)).await?;
    let posts = blog.table.slugs_of_user(user.id, |_| true).await?;
    let mut separator = "\n";
    for (id, slug) in &posts {
        // It may be gone by now, and its slug another post's.
        let found = blog.table.post_with_text(slug, Consistency::Strong, blog.now()).await?;
        if let Some((post, text)) = found.filter(|(post, _)| post.id == *id) {
            let post = json(&ExportedPost { post: &post, body: &text.markdown })?;
            file.write(&format!("{separator}{post}")).await?;
            separator = ",\n";
        }
    }
    file.write("\n],\n\"versions\":[").await?;
    let mut separator = "\n";
    for id in posts.into_keys() {
        separator = write_versions(blog, id, separator, file).await?;
    }
    file.write("\n],\n\"comments\":[").await?;
    write_comments(blog, user.id, file).await?;
    file.write("\n],\n\"reports\":[").await?;
    write_reports(blog, user.id, file).await?;
    file.write("\n],\n\"marks\":[").await?;
    write_marks(blog, user.id, file).await?;
    file.write("\n],\n\"followed_tags\":[").await?;
    write_tag_follows(blog, user.id, file).await?;
    let following = blog.table.all_follows(&keys::following(user.id)).await?;
    let followers = blog.table.all_follows(&keys::followers(user.id)).await?;
    file.write(&format!("\n],\n\"following\":{},\n\"followers\":{}}}\n", json(&following)?, json(&followers)?)).await?;
    Ok(())
}

/// The versions of a post, newest first and one at a time, since each may have a text of its own. Gives what separates
/// them from what comes next.
async fn write_versions(
    blog: &Blog,
    id: PostId,
    mut separator: &'static str,
    file: &mut Upload<'_>,
) -> Result<&'static str, Problem> {
    let mut before = None;
    loop {
        let versions: Vec<_> =
            blog.table.revisions_before(id, before).await?.into_iter().map(|revision| revision.version).collect();
        let Some(last) = versions.last() else { return Ok(separator) };
        before = Some(*last);
        for version in versions {
            if let Some((revision, body)) = blog.table.revision(id, version).await? {
                let version = json(&ExportedVersion { post_id: id, revision: &revision, body: &body })?;
                file.write(&format!("{separator}{version}")).await?;
                separator = ",\n";
            }
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

fn json(value: &impl Serialize) -> Result<String, Problem> {
    serde_json::to_string(value).map_err(Problem::internal)
}
