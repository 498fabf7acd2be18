//! Links that show a draft to whoever has them.
//!
//! What a link carries is signed and not stored: when it expires, and how often the post's links had been revoked when it
//! was made. Revoking counts that up, and all links that were made before are void.

use blog::clock::Timestamp;
use blog::domain::{Post, PostStatus};
use blog::{Blog, Error};

/// How long a link is good for: 7 days.
pub const PREVIEW_SECONDS: i64 = 7 * 24 * 60 * 60;

/// A token that shows this post until `expires_at`.
pub async fn token(blog: &Blog, post: &Post, expires_at: Timestamp) -> Result<String, Error> {
    let key = blog.table.signing_key().await?;
    Ok(key.sign(&purpose(post), &format!("{} {}", post.preview_epoch, expires_at.seconds())))
}

/// Whether a link with this token shows the post. One that is in the trash it does not show.
pub async fn opens(blog: &Blog, token: Option<&str>, post: &Post, now: Timestamp) -> Result<bool, Error> {
    let Some(token) = token.filter(|_| post.status != PostStatus::Trashed) else { return Ok(false) };
    let signed = blog.table.signing_key().await?.verify(&purpose(post), token);
    Ok(signed.is_some_and(|signed| {
        let parsed = signed.split_once(' ').and_then(|(epoch, end)| Some((epoch.parse().ok()?, end.parse().ok()?)));
        parsed.is_some_and(|(epoch, end): (u64, i64)| epoch == post.preview_epoch && now.seconds() < end)
    }))
}

/// A token for one post, and one for another use of the key, say nothing about this one.
fn purpose(post: &Post) -> String {
    format!("preview/{}", post.id)
}
