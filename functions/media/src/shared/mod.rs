//! What operations on pictures share.

use domain::{Denied, Media, MediaId, Timestamp, Viewer, fields};
use edge::{Blog, Problem, media_root};
use table::Consistency;
use views::MediaView;

fields! {
    /// The path of one picture.
    pub struct MediaPath {
        /// The picture's id.
        id: MediaId,
    }
}

/// The maximum number of tries of a change that loses races.
pub const MAX_TRIES: usize = 5;

/// The picture with this id; strongly consistent.
pub async fn current_media(blog: &Blog, id: MediaId, now: Timestamp) -> Result<Media, Problem> {
    Ok(blog.table.media(id, Consistency::Strong, now).await?.ok_or(Denied::MediaNotFound)?)
}

/// A picture as it is answered.
pub fn show(blog: &Blog, media: Media, base_url: &str, viewer: Option<&Viewer>) -> MediaView {
    MediaView::new(media, &media_root(&blog.config, base_url), viewer)
}
