//! The pool's Lambda triggers: their events, and how their responses are used.
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html>

use serde_json::{Value, json};

use crate::Cognito;
use crate::fault::Fault;
use crate::rules::{self, Attributes, Purpose};
use crate::store::User;

/// The functions that the pool's `LambdaConfig` names. They are called outside of transactions, because they may call
/// the pool.
pub trait Triggers: Send + Sync {
    /// What the function that is configured as `kind`, such as `PreSignUp`, answers to an event; none if there is no such
    /// function, the message of its error if it fails. Blocks.
    fn call(&self, kind: &str, event: Value) -> Option<Result<Value, String>>;
}

/// What follows from the answer of `PreSignUp`.
#[derive(Default)]
pub(super) struct Admitted {
    pub(super) confirmed: bool,
    pub(super) email_verified: bool,
}

/// A message, with a place for the code in its text.
pub(super) struct Message {
    pub(super) subject: String,
    pub(super) text: String,
}

impl Cognito {
    /// Asks whether somebody may sign up, and whether they have to confirm that.
    /// <https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-pre-sign-up.html>
    pub(super) fn pre_sign_up(&self, username: &str, attributes: &[(String, String)]) -> Result<Admitted, Fault> {
        let attributes = attributes.iter().cloned().collect();
        let response = json!({ "autoConfirmUser": false, "autoVerifyEmail": false, "autoVerifyPhone": false });
        let answer = self.trigger("PreSignUp", "SignUp", username, &attributes, response)?;
        let says = |name: &str| answer["response"][name] == true;
        Ok(Admitted { confirmed: says("autoConfirmUser"), email_verified: says("autoVerifyEmail") })
    }

    /// Tells that a user is confirmed, by this call. They are, even if the function fails.
    /// <https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-post-confirmation.html>
    pub(super) fn post_confirmation(&self, call: &str, user: &User) -> Result<(), Fault> {
        let mut attributes = user.attributes.clone();
        attributes.insert("sub".to_owned(), user.sub.clone());
        attributes.insert("cognito:user_status".to_owned(), "CONFIRMED".to_owned());
        self.trigger("PostConfirmation", call, &user.username, &attributes, json!({}))?;
        Ok(())
    }

    /// What a message to this user says that is sent because of this call: subject and text, with a place for the code.
    /// <https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-custom-message.html>
    pub(super) fn message(
        &self,
        purpose: Purpose,
        call: &str,
        username: &str,
        attributes: &Attributes,
    ) -> Result<Message, Fault> {
        let response = json!({ "smsMessage": null, "emailMessage": null, "emailSubject": null });
        let answer = self.trigger("CustomMessage", call, username, attributes, response)?;
        let (subject, text) = purpose.message();
        let or = |name: &str, default: &str| answer["response"][name].as_str().unwrap_or(default).to_owned();
        let message = Message { subject: or("emailSubject", subject), text: or("emailMessage", text) };
        if !message.text.contains(rules::CODE) {
            let no_code = "CustomMessage returned a message without a place for the code";
            return Err(Fault::refused("InvalidLambdaResponseException", no_code));
        }
        Ok(message)
    }

    fn trigger(
        &self,
        kind: &'static str,
        call: &str,
        username: &str,
        attributes: &Attributes,
        response: Value,
    ) -> Result<Value, Fault> {
        let mut event = json!({
            "version": "1",
            "triggerSource": format!("{kind}_{call}"),
            "region": self.settings.region,
            "userPoolId": self.settings.user_pool_id,
            "userName": username,
            "callerContext": { "awsSdkVersion": "local", "clientId": self.settings.client_id },
            "request": { "userAttributes": attributes },
            "response": response,
        });
        if kind == "CustomMessage" {
            event["request"]["codeParameter"] = rules::CODE.into();
            event["request"]["usernameParameter"] = "{username}".into();
        }
        match self.triggers.get().and_then(|triggers| triggers.call(kind, event)) {
            None => Ok(Value::Null),
            Some(Ok(answer)) => Ok(answer),
            // AWS puts a full stop behind the function's message, whether it has one or not.
            Some(Err(message)) => {
                Err(Fault::refused("UserLambdaValidationException", format!("{kind} failed with error {message}.")))
            }
        }
    }
}
