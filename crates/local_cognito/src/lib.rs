//! A local Amazon Cognito user pool: the calls that Broadsheet makes, over the same wire protocol.
//!
//! It answers as the real one does, its refusals included, so that what works here works there. Where AWS's pages do
//! not say what happens, the strictest reading is taken. The pool it is has plain usernames (no alias, case
//! insensitive), one app client with a secret, `email` as its required and auto-verified attribute, no MFA, and
//! `PreventUserExistenceErrors: ENABLED`.
//!
//! Of its Lambda triggers it calls `PreSignUp`, `PostConfirmation` and `CustomMessage` ([`Triggers`]).
//!
//! * `request` reads a call's members, `rules` decides, `store` remembers, `tokens` and `passwords` do the
//!   cryptography; `accounts`, `sessions` and `admin` are the calls; `triggers` asks the pool's functions.
//! * Time comes from [`Now`] alone, randomness from aws-lc alone.
//! * No password, code or token is ever logged.
//!
//! Protocol: <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html>. Calls:
//! <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_Operations.html>.

mod accounts;
mod admin;
mod fault;
mod passwords;
mod random;
mod request;
mod rules;
mod sessions;
mod store;
#[cfg(test)]
mod tests;
mod tokens;
mod triggers;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;

pub use fault::Error;
use fault::Fault;
use passwords::{Cost, Passwords};
use request::Request;
use store::Store;
use tokens::Keys;
pub use triggers::Triggers;

/// What time it is.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How the pool and its app client are set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Such as `local_Broadsheet`: a prefix, `_`, and letters or digits.
    pub user_pool_id: String,
    /// Such as `eu-central-1`; part of the issuer.
    pub region: String,
    /// The app client that every call has to name.
    pub client_id: String,
    /// Its secret, which every call of it has to prove.
    pub client_secret: String,
    /// How the app client may begin a session, such as `ALLOW_REFRESH_TOKEN_AUTH`.
    pub auth_flows: Vec<String>,
    /// The attributes that the app client may write, its users' own included.
    pub write_attributes: Vec<String>,
    /// The attributes that the app client may read, which are those that its ID tokens have.
    pub read_attributes: Vec<String>,
    /// Holds for the ID token as well.
    pub access_token_validity: SignedDuration,
    /// From the log-in on; refreshing does not lengthen it.
    pub refresh_token_validity: SignedDuration,
    /// The whole password policy: no composition rules.
    pub password_minimum_length: usize,
}

/// What the HTTP side sends back, as `application/x-amz-json-1.1`.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The JSON body.
    pub body: Value,
    /// For the header `x-amzn-errortype`; the body of an error has it too, as `__type`.
    pub error_type: Option<&'static str>,
}

/// A message in the mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Email {
    /// The address it went to.
    pub to: String,
    /// The subject line.
    pub subject: String,
    /// The text.
    pub body: String,
    /// The code that the text carries.
    pub code: String,
    /// When it was sent.
    pub sent_at: Timestamp,
}

/// One user pool with its app client.
pub struct Cognito {
    settings: Settings,
    now: Now,
    store: Store,
    keys: Arc<Keys>,
    passwords: Passwords,
    triggers: OnceLock<Box<dyn Triggers>>,
}

impl Cognito {
    /// Opens the pool in the file at `path`, which keeps users, sessions, signing keys and mail over restarts, or a
    /// pool in memory. In memory the signing keys are the same for the whole process and password hashes are cheap,
    /// because tests open hundreds.
    pub fn open(path: Option<&Path>, settings: Settings, now: Now) -> Result<Self, Error> {
        let store = Store::open(path, now())?;
        let (keys, cost) = match path {
            Some(_) => (store.keys()?, Cost::Guarded),
            None => (Keys::shared()?, Cost::Trivial),
        };
        Ok(Self { settings, now, store, keys, passwords: Passwords::new(cost)?, triggers: OnceLock::new() })
    }

    /// From now on the pool's functions are asked. They are given later than the rest because they call the pool
    /// themselves. Only the first time counts.
    pub fn set_triggers(&self, triggers: impl Triggers + 'static) {
        let _ = self.triggers.set(Box::new(triggers));
    }

    /// Answers one call; `target` is the header `X-Amz-Target`. Blocks for a password hash, a commit or a trigger.
    pub fn call(&self, target: &str, body: &[u8]) -> Answer {
        match self.answer(target, body) {
            Ok(body) => Answer { status: 200, body, error_type: None },
            Err(fault) => fault.into_answer(),
        }
    }

    fn answer(&self, target: &str, body: &[u8]) -> Result<Value, Fault> {
        let operation = target.strip_prefix("AWSCognitoIdentityProviderService.").unwrap_or_default();
        let run: fn(&Self, &Request) -> Result<Value, Fault> = match operation {
            "SignUp" => Self::sign_up,
            "ConfirmSignUp" => Self::confirm_sign_up,
            "ResendConfirmationCode" => Self::resend_confirmation_code,
            "ForgotPassword" => Self::forgot_password,
            "ConfirmForgotPassword" => Self::confirm_forgot_password,
            "InitiateAuth" => Self::initiate_auth,
            "ChangePassword" => Self::change_password,
            "GlobalSignOut" => Self::global_sign_out,
            "GetUser"
            | "DeleteUser"
            | "UpdateUserAttributes"
            | "VerifyUserAttribute"
            | "GetUserAttributeVerificationCode" => Self::self_service,
            "RevokeToken" => Self::revoke_token,
            "AdminInitiateAuth" => Self::admin_initiate_auth,
            "AdminConfirmSignUp" => Self::admin_confirm_sign_up,
            "AdminGetUser" => Self::admin_get_user,
            "AdminDeleteUser" => Self::admin_delete_user,
            "AdminUpdateUserAttributes" => Self::admin_update_user_attributes,
            "AdminUserGlobalSignOut" => Self::admin_user_global_sign_out,
            "AdminDisableUser" => Self::admin_disable_user,
            "AdminEnableUser" => Self::admin_enable_user,
            "AdminSetUserPassword" => Self::admin_set_user_password,
            "DescribeUserPool" => Self::describe_user_pool,
            _ => {
                return Err(Fault::refused(
                    "UnknownOperationException",
                    "The requested operation is not recognized by the service.",
                ));
            }
        };
        run(self, &Request::parse(body)?)
    }

    /// What `/{user_pool_id}/.well-known/jwks.json` serves: the key of ID tokens and the key of access tokens.
    pub fn jwks(&self) -> Value {
        self.keys.jwks()
    }

    /// The `iss` of every token.
    pub fn issuer(&self) -> String {
        let Settings { user_pool_id, region, .. } = &self.settings;
        format!("https://cognito-idp.{region}.amazonaws.com/{user_pool_id}")
    }

    /// Every message that was sent, newest first.
    pub fn emails(&self) -> Result<Vec<Email>, Error> {
        self.store.emails()
    }

    /// Signs any claims with the key of ID tokens, for tests that forge one.
    pub fn sign_id_token(&self, claims: &Value) -> Result<String, Error> {
        self.keys.id.sign(claims)
    }

    fn check_client(&self, request: &Request) -> Result<(), Fault> {
        let client = request.required("ClientId")?;
        if client != self.settings.client_id {
            return Err(Fault::refused(
                "ResourceNotFoundException",
                format!("User pool client {client} does not exist."),
            ));
        }
        Ok(())
    }

    /// Whether whoever calls the client knows its secret: `hash` is that of the user's name and the client's id.
    /// <https://docs.aws.amazon.com/cognito/latest/developerguide/signing-up-users-in-your-app.html#cognito-user-pools-computing-secret-hash>
    fn check_secret(&self, name: &str, hash: Option<&str>) -> Result<(), Fault> {
        let Settings { client_id, client_secret, .. } = &self.settings;
        let Some(hash) = hash else {
            let message = format!("Client {client_id} is configured with secret but SECRET_HASH was not received");
            return Err(Fault::not_authorized(&message));
        };
        let key = hmac::Key::new(hmac::HMAC_SHA256, client_secret.as_bytes());
        let given = STANDARD.decode(hash).unwrap_or_default();
        hmac::verify(&key, format!("{name}{client_id}").as_bytes(), &given)
            .map_err(|_| Fault::not_authorized(&format!("Unable to verify secret hash for client {client_id}")))
    }

    /// The two checks of a call of the client that is about the member `Username`.
    fn check_client_of(&self, request: &Request) -> Result<(), Fault> {
        self.check_client(request)?;
        self.check_secret(request.required("Username")?, request.text("SecretHash")?)
    }

    fn check_pool(&self, request: &Request) -> Result<(), Fault> {
        let pool = request.required("UserPoolId")?;
        if pool != self.settings.user_pool_id {
            return Err(Fault::refused("ResourceNotFoundException", format!("User pool {pool} does not exist.")));
        }
        Ok(())
    }
}
