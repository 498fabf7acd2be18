//! When a user asks for an export, the file with all that is stored of them is written here.

use aws_lambda_events::event::dynamodb::EventRecord;
use blog::bucket::{Upload, export_key};
use blog::domain::{Export, Post, PostId, Revision, Slug, User};
use blog::table::{Consistency, PostText, Slot, keys};
use blog::{Blog, Error};
use serde::Serialize;

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

/// Writes the file, then says that it is there. A file appears whole or not at all, so running again after we were
/// stopped begins it anew.
pub async fn export_user(blog: &Blog, record: &EventRecord) -> Result<(), Error> {
    let asked: Export = serde_dynamo::from_item(record.change.new_image.clone()).map_err(Error::internal)?;
    // As it is now: this event may be an old one that comes again.
    let export = blog.table.export(asked.user_id, asked.id, blog.now()).await?;
    let Some(export) = export.filter(|export| export.ready_at.is_none()) else { return Ok(()) };
    // Who leaves meanwhile takes their exports along (`delete_user`).
    let user = blog.table.user(export.user_id, Consistency::Strong).await?;
    let Some(user) = user.filter(User::is_public) else { return Ok(()) };
    let mut file = blog.bucket.begin(export_key(&export)).await?;
    write_user(blog, &user, &mut file).await?;
    file.finish().await?;
    blog.table.finish_export(&export, blog.now()).await
}

/// All that is stored of a user, as it is stored. Whatever else comes to be stored of users is added here.
async fn write_user(blog: &Blog, user: &User, file: &mut Upload<'_>) -> Result<(), Error> {
    file.write(&format!("{{\"profile\":{},\n\"posts\":[", json(user)?)).await?;
    let posts = blog.table.slugs_of_user(user.id, |_| true).await?;
    let mut separator = "\n";
    for (id, slug) in &posts {
        if let Some((post, text)) = find_post(blog, *id, slug.clone()).await? {
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
    let following = blog.table.all_follows(&keys::following(user.id)).await?;
    let followers = blog.table.all_follows(&keys::followers(user.id)).await?;
    file.write(&format!("\n],\n\"following\":{},\n\"followers\":{}}}\n", json(&following)?, json(&followers)?)).await
}

/// The versions of a post, newest first and one at a time, since each may have a text of its own. Gives what separates
/// them from what comes next.
async fn write_versions(
    blog: &Blog,
    id: PostId,
    mut separator: &'static str,
    file: &mut Upload<'_>,
) -> Result<&'static str, Error> {
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

/// A post that had this slug a moment ago, wherever it is by now. None if it is gone; somebody else's post may have
/// its slug then.
async fn find_post(blog: &Blog, id: PostId, mut slug: Slug) -> Result<Option<(Post, PostText)>, Error> {
    loop {
        match blog.table.post_with_text(&slug, Consistency::Strong, blog.now()).await? {
            Some(Slot::Post(found)) => return Ok(Some(found).filter(|(post, _)| post.id == id)),
            Some(Slot::Moved(_)) => match blog.table.slug_of(id).await? {
                Some(current) => slug = current,
                None => return Ok(None),
            },
            None => return Ok(None),
        }
    }
}

fn json(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(Error::internal)
}
