//! Preview links: they show a draft to everybody who has the link.
//!
//! The token of a link is signed, not stored. It carries the time at which it expires, and how often the post's links
//! had been revoked when it was made. Revoking counts that number up, so that all earlier links are void.

use domain::{Post, PostStatus, Timestamp};
use edge::{Blog, Problem};

/// The validity of a link: 7 days.
pub const PREVIEW_SECONDS: i64 = 7 * 24 * 60 * 60;

/// A token that shows this post until `expires_at`.
pub async fn token(blog: &Blog, post: &Post, expires_at: Timestamp) -> Result<String, Problem> {
    let key = blog.table.signing_key().await?;
    Ok(key.sign(&purpose(post), &format!("{} {}", post.preview_epoch, expires_at.seconds())))
}

/// Whether a link with this token shows the post. It does not show a post in the trash.
pub async fn opens(blog: &Blog, token: Option<&str>, post: &Post, now: Timestamp) -> Result<bool, Problem> {
    let Some(token) = token.filter(|_| post.status != PostStatus::Trashed) else { return Ok(false) };
    let signed = blog.table.existing_signing_key().await?.and_then(|key| key.verify(&purpose(post), token));
    Ok(signed.is_some_and(|signed| {
        let parsed = signed.split_once(' ').and_then(|(epoch, end)| Some((epoch.parse().ok()?, end.parse().ok()?)));
        parsed.is_some_and(|(epoch, end): (u64, i64)| epoch == post.preview_epoch && now.seconds() < end)
    }))
}

/// What the token is signed for, so that a token for another post, or for another use of the key, does not verify.
fn purpose(post: &Post) -> String {
    format!("preview/{}", post.id)
}
