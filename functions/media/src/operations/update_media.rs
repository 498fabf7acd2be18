//! `PATCH /media/{id}`: Describe one's own picture (JSON merge patch). Posts show the new text from their next edit on.
//!
//! Problems: conflict, precondition-failed.

use domain::{AltText, Patch, fields};
use edge::{Author, Body, Call, Path, Problem, Versioned};
use table::Refused;
use views::MediaView;

use crate::Services;
use crate::shared::{MAX_TRIES, MediaPath, current_media, show};

fields! {
    pub struct EditedMedia {
        alt: Patch<AltText>,
    }
}

pub async fn update_media(
    services: &Services,
    call: Call<Author, (Path<MediaPath>, Body<EditedMedia>)>,
) -> Result<Versioned<MediaView>, Problem> {
    let Call { caller: Author(viewer), input: (Path(path), Body(fields)), if_match, base_url, now, .. } = call;
    let blog = &services.blog;
    for _ in 0..MAX_TRIES {
        let media = current_media(blog, path.id, now).await?;
        media.check_editable(&viewer)?;
        if_match.check(media.version)?;
        let mut alt = media.alt.clone();
        fields.alt.apply(&mut alt);
        let described = if alt == media.alt { media.clone() } else { media.described(alt, now) };
        let written = if described == media { Ok(()) } else { blog.table.change_media(&media, &described).await };
        match written {
            Ok(()) => {
                let version = described.version;
                return Ok(Versioned { version, body: show(blog, described, &base_url, Some(&viewer)) });
            }
            Err(Refused::Changed) => {}
            Err(refused) => return Err(refused.into()),
        }
    }
    Err(Problem::conflict("Too many others change this picture at the moment. Try again."))
}
