//! `POST /posts/{slug}/preview`: Create a preview link. It shows the post, also while it is a draft, to everybody who has
//! the link, without an account, for 7 days.
//!
//! Problems: gone.

use std::sync::Arc;

use domain::Timestamp;
use edge::{Author, Blog, Call, Created, Path, Problem};
use schemars::JsonSchema;
use serde::Serialize;

use crate::shared::lookup::{PostPath, current_post};
use crate::shared::preview::{PREVIEW_SECONDS, token};

#[derive(Serialize, JsonSchema)]
pub struct PreviewLink {
    /// The link, for programs. The page of the post, `/posts/{slug}`, shows the draft with the same query.
    #[schemars(url)]
    url: String,
    expires_at: Timestamp,
}

pub async fn create_preview(
    blog: &Arc<Blog>,
    Call { caller: Author(viewer), input: Path(path), base_url, now, .. }: Call<Author, Path<PostPath>>,
) -> Result<Created<PreviewLink>, Problem> {
    let post = current_post(blog, &path.slug, now).await?;
    post.check_editable(&viewer)?;
    let expires_at = now.plus_seconds(PREVIEW_SECONDS);
    let location = format!("/posts/{}?preview={}", post.slug, token(blog, &post, expires_at).await?);
    let link = PreviewLink { url: format!("{base_url}{location}"), expires_at };
    Ok(Created { location: Some(location), version: None, body: link })
}
