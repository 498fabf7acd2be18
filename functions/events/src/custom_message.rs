//! Before Cognito sends a message: what it says, where Cognito's own words are not enough. Only where SES sends the messages,
//! because otherwise Cognito takes no words of ours.
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-custom-message.html>

use aws_lambda_events::event::cognito::CognitoEventUserPoolsCustomMessage;
use domain::MailAccount;

/// What the template calls it.
pub const NAME: &str = "custom_message";

/// The words for a change of the address; all other messages keep Cognito's. Cognito puts the code into each message, so there is one
/// in the notice too, which opens nothing.
pub fn custom_message(mut event: CognitoEventUserPoolsCustomMessage) -> CognitoEventUserPoolsCustomMessage {
    let name = event.cognito_event_user_pools_header.user_name.as_deref().unwrap_or_default();
    let code = event.request.code_parameter.as_deref().unwrap_or_default();
    let (subject, message) = match MailAccount::named(name) {
        None => return event,
        Some(MailAccount::NewAddress(_)) => (
            "Confirm your new e-mail address",
            format!(
                "Your code is {code}. Enter it to make this the e-mail address of your account. If you did not ask for that, do \
                 nothing."
            ),
        ),
        Some(MailAccount::OldAddress(_)) => (
            "Your e-mail address is about to change",
            format!(
                "Somebody who knows your password has asked to replace this address, which your account has now, by another \
                 one. If it was you, there is nothing to do here. If it was not, set a new password at once: that ends all \
                 sessions. (The number of this message is {code}. It cannot be entered anywhere.)"
            ),
        ),
    };
    event.response.email_subject = Some(subject.to_owned());
    event.response.email_message = Some(message);
    event
}
