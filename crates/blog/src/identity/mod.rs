//! Who somebody is: credentials in Cognito, and the checking of its access tokens.

mod cognito;
mod verifier;

pub use cognito::{Identity, SignUpRefused, Tokens};
pub use verifier::{Claims, Verifier};

use crate::clock::Timestamp;
use crate::domain::{Role, UserId, Viewer};
use crate::table::Consistency;
use crate::{Blog, Error};

/// The user behind an access token. The authorizer runs it for routes that need a user, the edge for public
/// routes that were given a token. It costs one read of the profile, which also tells
/// who was suspended or has signed out.
pub async fn authenticate(blog: &Blog, token: &str, now: Timestamp) -> Result<Viewer, Error> {
    let claims = blog.verifier.verify(token, now).await?;
    let user_id: UserId =
        claims.username.parse().map_err(|_| Error::Unauthenticated("This token is not of this blog."))?;
    let user = blog.table.user(user_id, Consistency::Eventual).await?;
    match user {
        Some(user) if user.accepts(claims.iat, &claims.session) => Ok(Viewer {
            user_id,
            username: user.username,
            role: Role::of_groups(claims.groups.iter().map(String::as_str)),
            session: claims.session,
        }),
        _ => Err(Error::Unauthenticated("Nobody is signed in with this token any longer.")),
    }
}
