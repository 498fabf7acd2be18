//! `GET /me`: Get the signed-in user's profile.

use edge::{Call, Problem, Reader, Versioned};
use views::PrivateProfile;

use crate::Services;
use crate::shared::lookup::own_profile;

pub async fn get_me(
    services: &Services,
    Call { caller: Reader(viewer), .. }: Call<Reader>,
) -> Result<Versioned<PrivateProfile>, Problem> {
    let user = own_profile(&services.blog, &viewer).await?;
    Ok(Versioned { version: user.version, body: PrivateProfile::new(user) })
}
