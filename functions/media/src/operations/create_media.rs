//! `POST /media`: Announce a picture and get a form to upload it with, which takes only this type and this number of bytes, for 15
//! minutes. Send it as `multipart/form-data`, the fields of `upload` first and the field `file` last. A user announces 100 pictures a day.
//!
//! Problems: conflict, too-many-requests.

use std::collections::BTreeMap;

use bucket::upload_key;
use domain::{AltText, FileName, Media, MediaId, MediaSize, MediaStatus, MediaType, NewMedia, Viewer, fields};
use edge::{Attempt, Attempted, Author, Call, Created, Problem};
use schemars::JsonSchema;
use serde::Serialize;
use table::{RateLimit, Refused};
use views::MediaView;

use crate::Services;
use crate::shared::{current_media, show};

fields! {
    pub struct MediaToCreate {
        /// The name of the file, for its owner.
        filename: FileName,
        content_type: MediaType,
        size: MediaSize,
        alt: Option<AltText>,
    }
}

impl Attempted for MediaToCreate {
    const LIMIT: RateLimit = RateLimit::CREATE_MEDIA;

    fn account(&self, viewer: Option<&Viewer>) -> String {
        viewer.map(|viewer| viewer.user_id.to_string()).unwrap_or_default()
    }
}

/// A picture that is announced.
#[derive(Serialize, JsonSchema)]
pub struct CreatedMedia {
    #[serde(flatten)]
    media: MediaView,
    /// The form to upload it with. Null if an earlier try of this request has uploaded it.
    upload: Option<UploadForm>,
}

/// A form that is sent as `multipart/form-data`.
#[derive(Serialize, JsonSchema)]
pub struct UploadForm {
    /// Where to send it.
    url: String,
    /// The fields that go before the field `file`.
    fields: BTreeMap<&'static str, String>,
}

pub async fn create_media(
    services: &Services,
    call: Call<Author, Attempt<MediaToCreate>>,
) -> Result<Created<CreatedMedia>, Problem> {
    let Call { caller: Author(viewer), input: Attempt(body), base_url, new_id, now, .. } = call;
    let blog = &services.blog;
    blog.table.active_user(viewer.user_id).await?;
    let id: MediaId = new_id.into();
    let MediaToCreate { filename, content_type, size, alt } = body;
    let mut media = Media::new(NewMedia { filename, content_type, size, alt }, id, viewer.user_id, now);
    match blog.table.create_media(&media).await {
        Ok(()) => {}
        // An earlier try of this request announced it.
        Err(Refused::AlreadyDone) => media = current_media(blog, id, now).await?,
        Err(refused) => return Err(refused.into()),
    }
    let upload = match media.status {
        MediaStatus::Waiting => {
            let bytes = media.size..=media.size;
            let form = services.bucket.post_form(&upload_key(id), media.content_type.as_str(), bytes).await?;
            Some(UploadForm { url: form.url, fields: form.fields.into_iter().collect() })
        }
        MediaStatus::Ready | MediaStatus::Refused => None,
    };
    let (location, version) = (format!("/media/{id}"), media.version);
    let media = show(blog, media, &base_url, Some(&viewer));
    Ok(Created { location: Some(location), version: Some(version), body: CreatedMedia { media, upload } })
}
