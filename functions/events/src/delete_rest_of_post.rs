//! Deletes what belongs to a post once the post is deleted, by its expiry in the trash or with its author's account.

use domain::{MediaId, PostId, Slug, UserId};
use edge::Problem;
use serde::{Deserialize, Serialize};

use crate::Services;
use crate::steps::STEP;

/// What the template calls it.
pub const NAME: &str = "delete_rest_of_post";

/// The post that is gone.
#[derive(Debug, Serialize, Deserialize)]
pub struct Work {
    /// Its id.
    pub post_id: PostId,
    /// The slug that it had last, where its text is.
    pub slug: Slug,
    /// Who wrote it.
    pub author_id: UserId,
    /// The pictures that it showed.
    pub media: Vec<MediaId>,
}

/// Deletes the post's comments and reactions, its text, its versions, the slugs that it had and its reposts, until there is none. What is gone already
/// is passed over.
pub async fn delete_rest_of_post(services: &Services, work: Work) -> Result<Option<Work>, Problem> {
    let blog = &services.blog;
    blog.table.delete_media_uses(work.author_id, work.post_id, &work.media).await?;
    let is_done = blog.table.delete_comments_of_post(work.post_id, STEP).await?
        && blog.table.delete_reactions_of_post(work.post_id, STEP).await?
        && blog.table.delete_rest_of_post(work.post_id, &work.slug, STEP, blog.now()).await?;
    Ok((!is_done).then_some(work))
}
