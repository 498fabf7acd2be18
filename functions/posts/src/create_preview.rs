//! `POST /posts/{slug}/preview`: a link that shows the post to whoever has it, without an account, for 7 days.

use blog::clock::Timestamp;
use blog::edge::{Author, Call, Created, NoFields, Operation};
use blog::error::Problem;
use blog::{Blog, Error};
use schemars::JsonSchema;
use serde::Serialize;

use crate::edit::{PostPath, current_post};
use crate::preview::{PREVIEW_SECONDS, token};

pub struct CreatePreview;

#[derive(Serialize, JsonSchema)]
pub struct PreviewLink {
    /// The link.
    #[schemars(url)]
    url: String,
    expires_at: Timestamp,
}

impl Operation for CreatePreview {
    const NAME: &'static str = "create_preview";
    type Caller = Author;
    type Path = PostPath;
    type Query = NoFields;
    type Body = NoFields;
    type Reply = Created<PreviewLink>;
    const PROBLEMS: &'static [Problem] = &[Problem::GONE];

    async fn run(blog: &Blog, call: Call<Self>) -> Result<Self::Reply, Error> {
        let Call { caller: Author(viewer), path, base_url, now, .. } = call;
        let post = current_post(blog, path.slug, now).await?;
        post.check_editable(&viewer)?;
        let expires_at = now.plus_seconds(PREVIEW_SECONDS);
        let location = format!("/posts/{}?preview={}", post.slug, token(blog, &post, expires_at).await?);
        let link = PreviewLink { url: format!("{base_url}{location}"), expires_at };
        Ok(Created { location: Some(location), version: None, body: link })
    }
}
