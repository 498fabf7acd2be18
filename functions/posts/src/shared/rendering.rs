//! Rendering the text of a post.

use domain::{Body, NewText};
use edge::Problem;

/// A text as it is stored, or what is wrong with it.
pub fn render(body: Body) -> Result<NewText, Problem> {
    let rendered = markdown::render(body.as_str()).map_err(|error| Problem::field("body", error.to_string()))?;
    Ok(NewText::new(body, rendered.html, rendered.word_count, rendered.excerpt))
}

/// The beginning of the prose of a text that was rendered before.
pub fn excerpt(markdown: &str) -> Option<String> {
    let rendered = markdown::render(markdown).ok()?;
    Some(rendered.excerpt).filter(|excerpt| !excerpt.is_empty())
}
