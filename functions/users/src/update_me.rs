//! `PATCH /me`: changes one's own profile. Posts follow within moments.
//!
//! By `rewrite_bylines`.

use blog::domain::{Biography, DisplayName, Patch, PatchRequired, Username, WebUrl};
use blog::edge::{Call, NoFields, Operation, Reader, Versioned};
use blog::error::Problem;
use blog::{Blog, Error, fields};

use crate::edit::edit_own_account;
use crate::profile::PrivateProfile;

pub struct UpdateMe;

fields! {
    pub struct ProfilePatch {
        display_name: PatchRequired<DisplayName>,
        bio: Patch<Biography>,
        avatar_url: Patch<WebUrl>,
        website_url: Patch<WebUrl>,
        username: PatchRequired<Username>,
    }
}

impl Operation for UpdateMe {
    const NAME: &'static str = "update_me";
    type Caller = Reader;
    type Path = NoFields;
    type Query = NoFields;
    type Body = ProfilePatch;
    type Reply = Versioned<PrivateProfile>;
    const PROBLEMS: &'static [Problem] = &[Problem::USERNAME_TAKEN, Problem::CONFLICT, Problem::PRECONDITION_FAILED];

    async fn run(blog: &Blog, call: Call<Self>) -> Result<Self::Reply, Error> {
        let Call { caller: Reader(viewer), body: patch, if_match, now, .. } = call;
        let user = edit_own_account(blog, &viewer, &if_match, now, |user| {
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
        })
        .await?;
        Ok(Versioned { version: user.version, body: PrivateProfile::new(user, viewer.role) })
    }
}
