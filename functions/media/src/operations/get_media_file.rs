//! `GET /media/{id}/{file}`: Get a file of a picture, by way of a link that is valid for at least 15 minutes. With a CDN in front, files
//! are below `/media/` of the site instead.

use bucket::media_key;
use domain::{Denied, FileName, MediaId, fields};
use edge::{Call, Path, Problem, SeeFile, Visitor};
use table::Consistency;

use crate::Services;

fields! {
    pub struct MediaFilePath {
        /// The picture's id.
        id: MediaId,
        /// The name of the file.
        file: FileName,
    }
}

pub async fn get_media_file(
    services: &Services,
    Call { caller: Visitor(_), input: Path(path), is_head, now, .. }: Call<Visitor, Path<MediaFilePath>>,
) -> Result<SeeFile, Problem> {
    let media = services.blog.table.media(path.id, Consistency::Eventual, now).await?.ok_or(Denied::MediaNotFound)?;
    let file = media.variants.iter().find(|variant| variant.name == path.file.as_str()).ok_or(Denied::MediaNotFound)?;
    let key = media_key(media.id, Some(&file.name));
    // A link is signed for one method, and a client that sent HEAD follows the redirect with HEAD.
    let link = if is_head { services.bucket.link_for_head(&key).await? } else { services.bucket.link(&key).await? };
    Ok(SeeFile(link))
}
