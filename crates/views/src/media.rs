//! How pictures are shown.

use domain::{AltText, FileName, Media, MediaId, MediaStatus, MediaType, Timestamp, Viewer};
use schemars::JsonSchema;
use serde::Serialize;

/// A picture.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Media")]
pub struct MediaView {
    id: MediaId,
    status: MediaStatus,
    /// Why it was refused, if it was.
    refusal: Option<String>,
    /// The address of its largest file, once it is ready. It never changes what it shows.
    url: Option<String>,
    /// In pixels, of its largest file.
    width: Option<u32>,
    /// In pixels, of its largest file.
    height: Option<u32>,
    /// What it shows, for who does not see it.
    alt: Option<AltText>,
    /// A tiny blurred one, as a `data:` address, to be shown until a file is there.
    placeholder: Option<String>,
    /// Its files, the smallest first.
    variants: Vec<VariantView>,
    /// What it was announced as.
    content_type: MediaType,
    /// The name of the file that was uploaded; only for its owner.
    filename: Option<FileName>,
    created_at: Timestamp,
    updated_at: Timestamp,
    version: u64,
}

/// A file of a picture.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "MediaVariant")]
struct VariantView {
    url: String,
    /// In pixels.
    width: u32,
    /// In pixels.
    height: u32,
    content_type: MediaType,
}

/// The address of a file of a picture, below what files are served below.
pub fn media_address(root: &str, id: MediaId, name: &str) -> String {
    format!("{root}/media/{id}/{name}")
}

impl MediaView {
    /// A picture as this viewer may see it, with its files below `root`.
    pub fn new(media: Media, root: &str, viewer: Option<&Viewer>) -> Self {
        let largest = media.largest();
        Self {
            id: media.id,
            status: media.status,
            url: largest.map(|largest| media_address(root, media.id, &largest.name)),
            width: largest.map(|largest| largest.width),
            height: largest.map(|largest| largest.height),
            variants: media
                .variants
                .iter()
                .map(|variant| VariantView {
                    url: media_address(root, media.id, &variant.name),
                    width: variant.width,
                    height: variant.height,
                    content_type: variant.content_type,
                })
                .collect(),
            filename: media.is_own(viewer).then_some(media.filename),
            refusal: media.refusal,
            alt: media.alt,
            placeholder: media.placeholder,
            content_type: media.content_type,
            created_at: media.created_at,
            updated_at: media.updated_at,
            version: media.version,
        }
    }
}
