//! `PATCH /me`: Edit the signed-in user's profile (JSON merge patch). Posts show the change within moments.
//!
//! Problems: username-taken, conflict, precondition-failed.

use domain::{Biography, DisplayName, Patch, PatchRequired, Username, WebUrl, fields};
use edge::{Body, Call, Problem, Reader, Versioned};
use views::PrivateProfile;

use crate::Services;
use crate::shared::edit_user::{NotEdited, edit_user};

fields! {
    pub struct ProfilePatch {
        display_name: PatchRequired<DisplayName>,
        bio: Patch<Biography>,
        avatar_url: Patch<WebUrl>,
        website_url: Patch<WebUrl>,
        username: PatchRequired<Username>,
    }
}

pub async fn update_me(
    services: &Services,
    call: Call<Reader, Body<ProfilePatch>>,
) -> Result<Versioned<PrivateProfile>, Problem> {
    let Call { caller: Reader(viewer), input: Body(patch), if_match, now, .. } = call;
    // The plug-in `rewrite_bylines` brings the change to posts.
    let edit = edit_user(&services.blog, viewer.user_id, &if_match, None, now, |user| {
        if let PatchRequired::Set(name) = &patch.display_name {
            user.display_name = name.as_str().to_owned();
        }
        if let PatchRequired::Set(username) = &patch.username {
            user.username = username.clone();
        }
        patch.bio.apply(&mut user.bio);
        patch.avatar_url.apply(&mut user.avatar_url);
        patch.website_url.apply(&mut user.website_url);
        Ok(())
    });
    let user = edit.await.map_err(NotEdited::of_own_account)?;
    Ok(Versioned { version: user.version, body: PrivateProfile::new(user) })
}
