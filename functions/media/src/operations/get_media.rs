//! `GET /media/{id}`: Get a picture. Before it is ready, only its owner finds it.

use domain::Denied;
use edge::{Call, Path, Problem, Versioned, Visitor};
use table::Consistency;
use views::MediaView;

use crate::Services;
use crate::shared::{MediaPath, show};

pub async fn get_media(
    services: &Services,
    Call { caller: Visitor(viewer), input: Path(path), base_url, now, .. }: Call<Visitor, Path<MediaPath>>,
) -> Result<Versioned<MediaView>, Problem> {
    let blog = &services.blog;
    let media = blog.table.media(path.id, Consistency::for_viewer(viewer.as_ref()), now).await?;
    let media = media.ok_or(Denied::MediaNotFound)?;
    media.check_readable(viewer.as_ref())?;
    Ok(Versioned { version: media.version, body: show(blog, media, &base_url, viewer.as_ref()) })
}
