//! Rendering the text of a post.

use std::collections::HashSet;

use domain::{AltText, Body, MAX_MEDIA_OF_POST, Media, MediaId, NewText, Timestamp};
use edge::{Blog, Problem, media_root};
use markdown::{Picture, Pictures};
use views::media_address;

/// A text as it is stored, or what is wrong with it. The pictures that it names are read in one batch, if there are any. One that is not
/// ready yet is shown at its id, which leads to it once it is; the next edit of the post writes its sizes.
pub async fn render(blog: &Blog, body: Body, base_url: &str, now: Timestamp) -> Result<NewText, Problem> {
    let named: HashSet<MediaId> =
        markdown::pictures_of(body.as_str()).iter().filter_map(|id| id.parse().ok()).collect();
    if named.len() > MAX_MEDIA_OF_POST {
        return Err(Problem::field(
            "body",
            format!("must not show more than {MAX_MEDIA_OF_POST} pictures from /media"),
        ));
    }
    let media = blog.table.media_by_id(&named, now).await?;
    let root = media_root(&blog.config, base_url);
    let pictures = media.values().filter_map(|media| Some((media.id.to_string(), picture(media, &root)?)));
    let rendered = markdown::render_with(body.as_str(), &pictures.collect::<Pictures>());
    let rendered = rendered.map_err(|error| Problem::field("body", error.to_string()))?;
    let mut media: Vec<MediaId> = media.into_keys().collect();
    media.sort();
    Ok(NewText::new(body, rendered.html, rendered.word_count, rendered.excerpt, media))
}

/// A picture as a text shows it. None before it is ready.
fn picture(media: &Media, root: &str) -> Option<Picture> {
    let largest = media.largest()?;
    let address = |name: &str| media_address(root, media.id, name);
    // Browsers that choose none get one that every page has room for.
    let medium = media.variants.iter().find(|variant| variant.width >= MEDIUM_WIDTH).unwrap_or(largest);
    Some(Picture {
        src: address(&medium.name),
        width: largest.width,
        height: largest.height,
        files: media.variants.iter().map(|variant| (address(&variant.name), variant.width)).collect(),
        alt: media.alt.as_ref().map(AltText::as_str).unwrap_or_default().to_owned(),
    })
}

/// In pixels.
const MEDIUM_WIDTH: u32 = 960;

/// The beginning of the prose of a text that was rendered before.
pub fn excerpt(markdown: &str) -> Option<String> {
    let rendered = markdown::render(markdown).ok()?;
    Some(rendered.excerpt).filter(|excerpt| !excerpt.is_empty())
}
