//! After an account is confirmed, or its password reset by code: whoever can log in has a profile.
//!
//! Both ways of asking are treated alike. Cognito confirms an account whatever happens here, and does it only once: if
//! this fails, resetting the password makes it good.
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-post-confirmation.html>

use aws_lambda_events::event::cognito::CognitoEventUserPoolsPostConfirmation;
use domain::{CognitoName, Email, MailAccount, User, UserId, Username};
use edge::Problem;
use table::Refused;

use crate::Services;

/// What the template calls it.
pub const NAME: &str = "post_confirmation";

/// Completes the registration of who came by way of `POST /users`; makes a profile for who came by another way.
pub async fn post_confirmation(
    services: &Services,
    event: CognitoEventUserPoolsPostConfirmation,
) -> Result<CognitoEventUserPoolsPostConfirmation, Problem> {
    let name = event.cognito_event_user_pools_header.user_name.clone().unwrap_or_default();
    match name.parse::<UserId>() {
        // Nobody's: what follows from the code, whoever entered it does (`confirm_email`).
        _ if MailAccount::named(&name).is_some() => {}
        Ok(id) => {
            services.blog.table.complete_registration(id).await?;
        }
        Err(_) => {
            let attribute = |name: &str| event.request.user_attributes.get(name).map(String::as_str);
            adopt(services, name.into(), attribute).await?;
        }
    }
    Ok(event)
}

/// Makes the profile of a user with this name and these attributes in Cognito, unless there is one.
async fn adopt<'a>(
    services: &Services,
    name: CognitoName,
    attribute: impl Fn(&str) -> Option<&'a str>,
) -> Result<(), Problem> {
    let blog = &services.blog;
    let now = blog.now();
    if blog.table.holder_of_cognito_name(&name, now).await?.is_some() {
        return Ok(());
    }
    let email = Email::try_from(attribute("email").unwrap_or_default().to_owned())
        .map_err(|_| Problem::conflict("An account of this blog needs an e-mail address."))?;
    // Only here can somebody name an address without having shown that it is theirs.
    let verified = attribute("email_verified") == Some("true");
    let role = if verified { blog.config.role_of(&email) } else { blog.config.default_role };
    let id: UserId = blog.new_id(now);
    let local_part = email.as_str().split('@').next().unwrap_or_default();
    let wish = Username::near(attribute("preferred_username").unwrap_or(local_part), id);

    let adopted_as = async |username: Username| {
        let user = User::new(id, username, email.clone(), role, now, now);
        blog.table.adopt_user(&User { cognito_name: Some(name.clone()), ..user }, now).await
    };
    let adopted = match adopted_as(wish.clone()).await {
        Err(Refused::UsernameTaken) => adopted_as(wish.with_suffix(id)).await,
        adopted => adopted,
    };
    match adopted {
        // Cognito asked twice, and the other call was faster.
        Ok(()) | Err(Refused::ProfileExists) => Ok(()),
        Err(refused) => Err(refused.into()),
    }
}
