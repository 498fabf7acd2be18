//! Deletes the files of a picture that is gone: deleted by somebody, with its owner's account, or never uploaded.

use bucket::{media_keys, upload_key};
use domain::{Media, MediaId};
use edge::Problem;
use serde::{Deserialize, Serialize};

use crate::Services;

/// What the template calls it.
pub const NAME: &str = "delete_media_files";

/// The picture that is gone.
#[derive(Debug, Serialize, Deserialize)]
pub struct Work {
    media_id: MediaId,
    /// The names of its files.
    names: Vec<String>,
}

impl Work {
    /// All of it.
    pub fn of(media: &Media) -> Self {
        Self { media_id: media.id, names: media.variants.iter().map(|variant| variant.name.clone()).collect() }
    }
}

/// Deletes what was uploaded and what was made of it. What is gone already is passed over. Browsers and the CDN keep what they have.
pub async fn delete_media_files(services: &Services, work: Work) -> Result<Option<Work>, Problem> {
    services.bucket.delete(&upload_key(work.media_id)).await?;
    for key in media_keys(work.media_id, &work.names) {
        services.bucket.delete(&key).await?;
    }
    Ok(None)
}
