//! Before Cognito makes an account, whoever asks for it: whether the account waits for a code from the user's mailbox.
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-pre-sign-up.html>

use aws_lambda_events::event::cognito::{CognitoEventUserPoolsPreSignup, CognitoEventUserPoolsPreSignupTriggerSource};
use domain::{Denied, Email, MailAccount, UserId};
use edge::{Problem, RegistrationMode, SignUpConfirmation};

use crate::Services;

/// What the template calls it.
pub const NAME: &str = "pre_sign_up";

/// Confirms the account and takes the address as verified, if that is how the stack is set up. Who does not come by way of `POST /users`,
/// which asks for an invitation, is refused where the stack does not let everybody register; whom an operator creates in the pool is not.
pub fn pre_sign_up(
    services: &Services,
    mut event: CognitoEventUserPoolsPreSignup,
) -> Result<CognitoEventUserPoolsPreSignup, Problem> {
    let name = event.cognito_event_user_pools_header.user_name.as_deref().unwrap_or_default();
    if MailAccount::named(name).is_some() {
        // It is made for its message, which Cognito sends only to whom it waits for.
        return Ok(event);
    }
    let config = &services.blog.config;
    let by_operator = Some(CognitoEventUserPoolsPreSignupTriggerSource::AdminCreateUser);
    let is_ours = name.parse::<UserId>().is_ok() || event.cognito_event_user_pools_header.trigger_source == by_operator;
    if !is_ours && config.registration != RegistrationMode::Open {
        return Err(Denied::RegistrationClosed.into());
    }
    let email = event.request.user_attributes.get("email").cloned().unwrap_or_default();
    let confirmation = Email::try_from(email).map(|email| config.sign_up_confirmation_of(&email));
    if confirmation == Ok(SignUpConfirmation::Auto) {
        event.response.auto_confirm_user = true;
        event.response.auto_verify_email = true;
    }
    Ok(event)
}
