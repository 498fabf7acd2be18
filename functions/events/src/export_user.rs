//! When a user asks for an export, the file with all that is stored of them is written here.

use bucket::{Upload, export_key};
use domain::{Export, ExportId, Post, PostId, Revision, User, UserId};
use edge::{Blog, Problem};
use serde::{Deserialize, Serialize};
use table::{Consistency, keys};

use crate::Services;

/// What the template calls it.
pub const NAME: &str = "export_user";

/// The export that is asked for.
#[derive(Debug, Serialize, Deserialize)]
pub struct Work {
    user_id: UserId,
    export_id: ExportId,
}

impl Work {
    /// All of it.
    pub fn of(export: &Export) -> Self {
        Self { user_id: export.user_id, export_id: export.id }
    }
}

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
pub async fn export_user(services: &Services, work: Work) -> Result<Option<Work>, Problem> {
    let blog = &services.blog;
    // As it is now: this may be an old request that comes again.
    let export = blog.table.export(work.user_id, work.export_id, blog.now()).await?;
    let Some(export) = export.filter(|export| export.ready_at.is_none()) else { return Ok(None) };
    // Who leaves meanwhile takes their exports along (`delete_user`).
    let user = blog.table.user(export.user_id, Consistency::Strong).await?;
    let Some(user) = user.filter(User::is_public) else { return Ok(None) };
    let mut file = services.bucket.begin(export_key(&export)).await?;
    write_user(blog, &user, &mut file).await?;
    file.finish().await?;
    blog.table.finish_export(&export, blog.now()).await?;
    Ok(None)
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

fn json(value: &impl Serialize) -> Result<String, Problem> {
    serde_json::to_string(value).map_err(Problem::internal)
}
