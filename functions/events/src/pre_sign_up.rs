//! Before Cognito makes an account, whoever asks for it: whether the account waits for a code from the user's mailbox.
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-pre-sign-up.html>

use aws_lambda_events::event::cognito::CognitoEventUserPoolsPreSignup;
use domain::{Email, MailAccount};
use edge::SignUpConfirmation;

use crate::Services;

/// What the template calls it.
pub const NAME: &str = "pre_sign_up";

/// Confirms the account and takes the address as verified, if that is how the stack is set up.
pub fn pre_sign_up(services: &Services, mut event: CognitoEventUserPoolsPreSignup) -> CognitoEventUserPoolsPreSignup {
    let name = event.cognito_event_user_pools_header.user_name.as_deref().unwrap_or_default();
    if MailAccount::named(name).is_some() {
        // It is made for its message, which Cognito sends only to whom it waits for.
        return event;
    }
    let config = &services.blog.config;
    let email = event.request.user_attributes.get("email").cloned().unwrap_or_default();
    let confirmation = Email::try_from(email).map(|email| config.sign_up_confirmation_of(&email));
    if confirmation == Ok(SignUpConfirmation::Auto) {
        event.response.auto_confirm_user = true;
        event.response.auto_verify_email = true;
    }
    event
}
