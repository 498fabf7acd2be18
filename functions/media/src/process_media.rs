//! Reads what was uploaded, and writes the files that are served. What was uploaded is deleted then: nobody ever sees it.

use bucket::{media_key, media_keys, upload_key, uploaded_media};
use domain::{Media, MediaId, MediaStatus, Variant};
use edge::{BusEvent, Problem};
use table::{Consistency, Refused};

use crate::Services;
use crate::picture::{self, Picture, Refusal};
use crate::shared::MAX_TRIES;

/// What the template calls it.
pub const NAME: &str = "process_media";

/// How files are served. What they show never changes, and nothing in them runs: the type is said, and a page of them is not to be
/// (the CDN adds what S3 cannot say, infrastructure/cdn.yaml).
const HEADERS: [(&str, &str); 2] =
    [("cache-control", "public, max-age=31536000, immutable"), ("content-disposition", "inline")];

/// What to do when S3 says that a file was written. It says so of each at least once, in any order, and also of what nobody waits for.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html>
pub async fn process_media(services: &Services, event: BusEvent) -> Result<(), Problem> {
    let key = event.detail.pointer("/object/key").and_then(|key| key.as_str()).unwrap_or_default();
    let Some(id) = uploaded_media(key) else { return Ok(()) };
    if let Some(media) = waiting(services, id).await? {
        // An earlier delivery of this event has read it, or somebody deleted it meanwhile.
        let Some(bytes) = services.bucket.get(&upload_key(id)).await? else { return Ok(()) };
        let declared = media.content_type;
        // It takes seconds of a processor. And whatever a decoder may panic at is no picture.
        let read = tokio::task::spawn_blocking(move || picture::read(&bytes, declared)).await;
        match read.unwrap_or(Err(Refusal::Broken)) {
            Ok(picture) => publish(services, media, picture).await?,
            Err(refusal) => {
                let now = services.blog.now();
                change(services, media, |media| media.refused(refusal.to_string(), now)).await?;
            }
        }
    }
    Ok(services.bucket.delete(&upload_key(id)).await?)
}

/// The picture, if it still waits for its upload.
async fn waiting(services: &Services, id: MediaId) -> Result<Option<Media>, Problem> {
    let media = services.blog.table.media(id, Consistency::Strong, services.blog.now()).await?;
    Ok(media.filter(|media| media.status == MediaStatus::Waiting))
}

/// Writes the files first: whoever learns that it is ready finds them.
async fn publish(services: &Services, media: Media, picture: Picture) -> Result<(), Problem> {
    let id = media.id;
    let mut variants = Vec::new();
    let largest = picture.files.len().saturating_sub(1);
    for (position, file) in picture.files.into_iter().enumerate() {
        let [cache, disposition] = HEADERS;
        let headers = [("content-type", file.content_type.as_str()), cache, disposition];
        if position == largest {
            services.bucket.put_with(&media_key(id, None), &headers, file.bytes.clone()).await?;
        }
        services.bucket.put_with(&media_key(id, Some(&file.name)), &headers, file.bytes).await?;
        let picture::File { name, width, height, content_type, .. } = file;
        variants.push(Variant { name, width, height, content_type });
    }
    let now = services.blog.now();
    let names: Vec<_> = variants.iter().map(|variant| variant.name.clone()).collect();
    let ready = |media: &Media| media.ready(variants.clone(), picture.placeholder.clone(), now);
    if !change(services, media, ready).await? {
        // Deleted meanwhile, together with the files that were there by then.
        for key in media_keys(id, &names) {
            services.bucket.delete(&key).await?;
        }
    }
    Ok(())
}

/// Changes a picture that waits; says whether it still did.
async fn change(services: &Services, media: Media, change: impl Fn(&Media) -> Media) -> Result<bool, Problem> {
    let mut media = media;
    for _ in 0..MAX_TRIES {
        match services.blog.table.change_media(&media, &change(&media)).await {
            Ok(()) => return Ok(true),
            // Its owner describes it at this moment, or another delivery of the event was faster.
            Err(Refused::Changed) => match waiting(services, media.id).await? {
                Some(changed) => media = changed,
                None => {
                    let current = services.blog.table.media(media.id, Consistency::Strong, services.blog.now()).await?;
                    return Ok(current.is_some());
                }
            },
            Err(refused) => return Err(refused.into()),
        }
    }
    Err(Refused::Contended.into())
}
