//! Media: pictures that users upload, and that posts show.
//!
//! A picture is announced first, then uploaded, and then read by a plug-in, which writes it anew in several sizes. What is served is
//! never what was uploaded.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::schema::schema;
use crate::{AltText, DAY_SECONDS, Denied, FileName, MediaId, Role, Timestamp, UserId, Viewer};

/// The maximum size of an upload: 20 MiB. A photo of 50 megapixels has some 15.
pub const MAX_MEDIA_BYTES: u64 = 20 * 1024 * 1024;

/// The maximum number of pictures of ours that a post shows. Each is an item of the post's transaction, which has at most a hundred.
pub const MAX_MEDIA_OF_POST: usize = 30;

/// The type of a picture, as its bytes have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum MediaType {
    /// JPEG.
    #[serde(rename = "image/jpeg")]
    Jpeg,
    /// PNG.
    #[serde(rename = "image/png")]
    Png,
    /// WebP.
    #[serde(rename = "image/webp")]
    WebP,
    /// GIF. Of one that moves, the first frame is shown.
    #[serde(rename = "image/gif")]
    Gif,
}

impl MediaType {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
            Self::Gif => "image/gif",
        }
    }
}

/// The status of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MediaStatus {
    /// It is not uploaded, or not read yet.
    Waiting,
    /// It can be shown.
    Ready,
    /// What was uploaded is not accepted.
    Refused,
}

/// The number of bytes of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaSize(u64);

impl MediaSize {
    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }
}

schema! { MediaSize,
    /// The exact number of bytes.
    { "type": "integer", "minimum": 1, "maximum": MAX_MEDIA_BYTES }
}

impl<'de> Deserialize<'de> for MediaSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let size = u64::deserialize(deserializer)?;
        if (1..=MAX_MEDIA_BYTES).contains(&size) {
            return Ok(Self(size));
        }
        Err(serde::de::Error::custom(format!("must be a whole number from 1 to {MAX_MEDIA_BYTES}")))
    }
}

/// A file of a picture, in one of its sizes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// The name of the file, such as `960.jpg`.
    pub name: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// What it is.
    pub content_type: MediaType,
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// The id.
    pub id: MediaId,
    /// Whose it is.
    pub owner: UserId,
    /// The status.
    pub status: MediaStatus,
    /// What the owner calls it. Only they see it.
    pub filename: FileName,
    /// What it is announced as, and then is.
    pub content_type: MediaType,
    /// How many bytes are uploaded.
    pub size: u64,
    /// What it shows, for who does not see it.
    pub alt: Option<AltText>,
    /// Its files, the smallest first. None before it is ready.
    #[serde(default)]
    pub variants: Vec<Variant>,
    /// A tiny blurred one, as a `data:` address.
    pub placeholder: Option<String>,
    /// Why it is refused.
    pub refusal: Option<String>,
    /// When it was announced.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Counts the changes, from 1.
    pub version: u64,
    /// When it goes if it does not become ready: DynamoDB's TTL, in seconds since 1970.
    pub expires_at: Option<i64>,
}

/// What is announced of a picture.
pub struct NewMedia {
    /// What the owner calls it.
    pub filename: FileName,
    /// What it is.
    pub content_type: MediaType,
    /// How many bytes it has.
    pub size: MediaSize,
    /// What it shows.
    pub alt: Option<AltText>,
}

impl Media {
    /// A picture that is announced now, and has a day to become ready.
    pub fn new(new: NewMedia, id: MediaId, owner: UserId, now: Timestamp) -> Self {
        Self {
            id,
            owner,
            status: MediaStatus::Waiting,
            filename: new.filename,
            content_type: new.content_type,
            size: new.size.get(),
            alt: new.alt,
            variants: Vec::new(),
            placeholder: None,
            refusal: None,
            created_at: now,
            updated_at: now,
            version: 1,
            expires_at: Some(now.plus_seconds(DAY_SECONDS).seconds()),
        }
    }

    /// The same after its files are written.
    pub fn ready(&self, variants: Vec<Variant>, placeholder: String, now: Timestamp) -> Self {
        let ready = Self { status: MediaStatus::Ready, variants, placeholder: Some(placeholder), ..self.clone() };
        Self { expires_at: None, ..ready }.changed(now)
    }

    /// The same after it was found to be something that is not accepted. It goes a day later.
    pub fn refused(&self, refusal: String, now: Timestamp) -> Self {
        let expires_at = Some(now.plus_seconds(DAY_SECONDS).seconds());
        Self { status: MediaStatus::Refused, refusal: Some(refusal), expires_at, ..self.clone() }.changed(now)
    }

    /// The same with another text.
    pub fn described(&self, alt: Option<AltText>, now: Timestamp) -> Self {
        Self { alt, ..self.clone() }.changed(now)
    }

    fn changed(self, now: Timestamp) -> Self {
        Self { updated_at: now, version: self.version + 1, ..self }
    }

    /// The largest of its files. None before it is ready.
    pub fn largest(&self) -> Option<&Variant> {
        self.variants.last()
    }

    /// Whether it is gone. DynamoDB may take days to remove an expired item, so every reader asks.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= now.seconds())
    }

    /// Whether it is this caller's own.
    pub fn is_own(&self, viewer: Option<&Viewer>) -> bool {
        viewer.is_some_and(|viewer| viewer.user_id == self.owner)
    }

    /// Before it is ready, nobody but its owner may know of it.
    pub fn check_readable(&self, viewer: Option<&Viewer>) -> Result<(), Denied> {
        if self.status == MediaStatus::Ready || self.is_own(viewer) { Ok(()) } else { Err(Denied::MediaNotFound) }
    }

    /// Only its owner may describe it.
    pub fn check_editable(&self, viewer: &Viewer) -> Result<(), Denied> {
        self.check_readable(Some(viewer))?;
        if self.is_own(Some(viewer)) { Ok(()) } else { Err(Denied::MediaNotEditable) }
    }

    /// Its owner and editors may delete it.
    pub fn check_deletable(&self, viewer: &Viewer) -> Result<(), Denied> {
        self.check_readable(Some(viewer))?;
        let may = self.is_own(Some(viewer)) || viewer.role >= Role::Editor;
        if may { Ok(()) } else { Err(Denied::MediaNotEditable) }
    }
}
