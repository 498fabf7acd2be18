//! The text of a comment: how it is rendered, and whether it waits for an editor.

use domain::{CommentBody, CommentStatus, PostText, Viewer};
use edge::{Blog, Problem};

/// The maximum size of a comment's HTML, in bytes: some Markdown asks for a hundred times its own size, and a page of
/// comments has to fit into an answer.
const MAX_HTML_BYTES: usize = 200 * 1024;

/// A text as it is stored, or what is wrong with it.
pub fn render(body: CommentBody) -> Result<PostText, Problem> {
    let rendered = markdown::render(body.as_str()).map_err(|error| Problem::field("body", error.to_string()))?;
    if rendered.html.len() > MAX_HTML_BYTES {
        let rule = format!("must not grow beyond {MAX_HTML_BYTES} bytes of HTML; the text nests or links too much");
        return Err(Problem::field("body", rule));
    }
    Ok(PostText { markdown: body.into(), html: rendered.html })
}

/// Whether a comment of this author's with this text waits for an editor.
pub async fn is_held(blog: &Blog, author: &Viewer, text: &PostText) -> Result<bool, Problem> {
    match blog.config.policy.holds_comment(author.role, &text.markdown, || markdown::read(&text.html)) {
        Some(held) => Ok(held),
        None => Ok(!blog.table.has_published_comment(author.user_id).await?),
    }
}

/// The status of a new comment.
pub fn status(held: bool) -> CommentStatus {
    if held { CommentStatus::Held } else { CommentStatus::Published }
}
