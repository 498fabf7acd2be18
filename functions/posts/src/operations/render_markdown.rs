//! `POST /markdown`: Render Markdown as a post would show it. Nothing is stored. Pictures of the blog are shown as in a post.

use std::sync::Arc;

use domain::{Body as Markdown, fields};
use edge::{Author, Blog, Body, Call, Json, Problem};
use schemars::JsonSchema;
use serde::Serialize;

use crate::shared::rendering::render;

fields! {
    pub struct TextToRender {
        body: Markdown,
    }
}

#[derive(Serialize, JsonSchema)]
pub struct RenderedText {
    /// Sanitised HTML, safe to insert into a page.
    html: String,
    /// The number of words that a reader reads.
    word_count: u64,
}

pub async fn render_markdown(
    blog: &Arc<Blog>,
    Call { input: Body(TextToRender { body }), base_url, now, .. }: Call<Author, Body<TextToRender>>,
) -> Result<Json<RenderedText>, Problem> {
    let rendered = render(blog, body, &base_url, now).await?;
    Ok(Json(RenderedText { html: rendered.text.html, word_count: rendered.word_count }))
}
