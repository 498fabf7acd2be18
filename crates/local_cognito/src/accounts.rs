//! What someone without a session can do: sign up, confirm, recover a password.
//!
//! What is answered for a user who is not there follows
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pool-managing-errors.html>.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::fault::Fault;
use crate::request::Request;
use crate::rules::{self, ATTEMPTS, ATTEMPTS_WINDOW, Purpose};
use crate::store::{Code, Db, User, later};
use crate::triggers::Message;
use crate::{Cognito, Email, random};

const REQUEST: &str = "request";
const ENTRY: &str = "entry";

impl Cognito {
    pub(super) fn sign_up(&self, request: &Request) -> Result<Value, Fault> {
        let username = request.username()?;
        let least = self.settings.password_minimum_length;
        let password = request.new_password("Password", least)?;
        self.check_client_of(request)?;
        let given = request.attributes()?;
        let mut attributes = rules::new_attributes(given.clone(), &self.settings.write_attributes)?;
        let admitted = self.pre_sign_up(&username, &given)?;
        if admitted.email_verified {
            attributes.insert("email_verified".to_owned(), "true".to_owned());
        }
        let now = (self.now)();
        let user = User {
            sub: random::uuid()?,
            username,
            password_hash: self.passwords.hash(password)?,
            confirmed: admitted.confirmed,
            enabled: true,
            attributes,
            created_at: now,
            modified_at: now,
        };
        self.store.write(|db| {
            if db.user(&user.username)?.is_some() {
                return Err(Fault::refused("UsernameExistsException", "User already exists"));
            }
            Ok(db.save(&user)?)
        })?;
        if !user.confirmed {
            let message = self.message(Purpose::SignUp, "SignUp", &user.username, &user.attributes)?;
            self.store.write(|db| send_code(db, &user, Purpose::SignUp, &message, now))?;
        }
        if user.confirmed {
            self.post_confirmation("ConfirmSignUp", &user)?;
            return Ok(json!({ "UserConfirmed": true, "UserSub": user.sub }));
        }
        Ok(json!({
            "CodeDeliveryDetails": delivery(&rules::mask(user.email())),
            "UserConfirmed": false,
            "UserSub": user.sub,
        }))
    }

    pub(super) fn confirm_sign_up(&self, request: &Request) -> Result<Value, Fault> {
        let username = request.username()?;
        let code = confirmation_code(request)?;
        self.check_client_of(request)?;
        let now = (self.now)();
        let user = self.store.write(|db| {
            let mut user = redeem(db, &username, Purpose::SignUp, code, now)?;
            user.confirmed = true;
            user.attributes.insert("email_verified".to_owned(), "true".to_owned());
            user.modified_at = now;
            db.save(&user)?;
            Ok(user)
        })?;
        self.post_confirmation("ConfirmSignUp", &user)?;
        Ok(json!({}))
    }

    pub(super) fn resend_confirmation_code(&self, request: &Request) -> Result<Value, Fault> {
        let username = request.username()?;
        self.check_client_of(request)?;
        let now = (self.now)();
        let message = self.message_to(Purpose::SignUp, "ResendCode", &username)?;
        let destination = self.store.write(|db| {
            let (limit, user) = Limit::check(db, &username, Purpose::SignUp, REQUEST, now)?;
            limit.count()?;
            match user.filter(|user| user.enabled) {
                Some(user) if user.confirmed => Err(Fault::invalid_parameter("User is already confirmed.")),
                Some(user) => {
                    send_code(db, &user, Purpose::SignUp, &message, now)?;
                    Ok(rules::mask(user.email()))
                }
                None => Ok(rules::simulated_destination(&username)),
            }
        })?;
        Ok(json!({ "CodeDeliveryDetails": delivery(&destination) }))
    }

    /// "When a user isn't found, is deactivated, or doesn't have a verified delivery mechanism to recover their
    /// password, Amazon Cognito returns `CodeDeliveryDetails` with a simulated delivery medium": nothing is sent. So a
    /// user whom an administrator confirmed, without saying that the address is verified, gets no code.
    pub(super) fn forgot_password(&self, request: &Request) -> Result<Value, Fault> {
        let username = request.username()?;
        self.check_client_of(request)?;
        let now = (self.now)();
        let message = self.message_to(Purpose::Reset, "ForgotPassword", &username)?;
        let destination = self.store.write(|db| {
            let (limit, user) = Limit::check(db, &username, Purpose::Reset, REQUEST, now)?;
            limit.count()?;
            let reachable = |user: &User| user.enabled && user.confirmed && user.email_is_verified();
            match user.filter(reachable) {
                Some(user) => {
                    send_code(db, &user, Purpose::Reset, &message, now)?;
                    Ok(rules::mask(user.email()))
                }
                None => Ok(rules::simulated_destination(&username)),
            }
        })?;
        Ok(json!({ "CodeDeliveryDetails": delivery(&destination) }))
    }

    /// The message that a call is about to send to this user; the function of the pool is asked for nobody too, which real
    /// Cognito does not do.
    fn message_to(&self, purpose: Purpose, call: &str, username: &str) -> Result<Message, Fault> {
        let attributes =
            self.store.write(|db| Ok(db.user(username)?.map(|user| user.attributes).unwrap_or_default()))?;
        self.message(purpose, call, username, &attributes)
    }

    /// A new password leaves sessions alone, as in Cognito: who wants them ended calls `AdminUserGlobalSignOut`.
    pub(super) fn confirm_forgot_password(&self, request: &Request) -> Result<Value, Fault> {
        let username = request.username()?;
        let code = confirmation_code(request)?;
        let least = self.settings.password_minimum_length;
        let password = request.new_password("Password", least)?;
        self.check_client_of(request)?;
        let now = (self.now)();
        let password_hash = self.passwords.hash(password)?;
        let user = self.store.write(|db| {
            let mut user = redeem(db, &username, Purpose::Reset, code, now)?;
            user.password_hash = password_hash;
            user.modified_at = now;
            db.clear_lockout(&user.username)?;
            db.save(&user)?;
            Ok(user)
        })?;
        self.post_confirmation("ConfirmForgotPassword", &user)?;
        Ok(json!({}))
    }
}

fn confirmation_code(request: &Request) -> Result<&str, Fault> {
    let code = request.required("ConfirmationCode")?;
    if code.is_empty() || code.contains(char::is_whitespace) {
        return Err(Fault::constraint("confirmationCode", "Member must satisfy regular expression pattern: [\\S]+"));
    }
    Ok(code)
}

fn delivery(destination: &str) -> Value {
    json!({
        "AttributeName": "email",
        "DeliveryMedium": "EMAIL",
        "Destination": destination,
    })
}

fn send_code(db: &Db<'_>, user: &User, purpose: Purpose, message: &Message, now: Timestamp) -> Result<(), Fault> {
    let code = random::code()?;
    db.mail(&Email {
        to: user.email().to_owned(),
        subject: message.subject.clone(),
        body: message.text.replace(rules::CODE, &code),
        code: code.clone(),
        sent_at: now,
    })?;
    let expires_at = later(now, purpose.validity());
    Ok(db.put_code(user, purpose, &Code { code, expires_at })?)
}

/// How often one thing is done in one name. Names of nobody are counted the same way, for else the limit would tell
/// which names are somebody's.
struct Limit<'a> {
    db: &'a Db<'a>,
    action: String,
    name: String,
    now: Timestamp,
}

impl<'a> Limit<'a> {
    /// With the user, if there is one; refused when too much was done within the hour.
    fn check(
        db: &'a Db<'a>,
        username: &str,
        purpose: Purpose,
        what: &str,
        now: Timestamp,
    ) -> Result<(Self, Option<User>), Fault> {
        let user = db.user(username)?;
        let name = user.as_ref().map_or(username, |user| &user.username);
        let limit = Self { db, action: format!("{}-{what}", purpose.name()), name: name.to_owned(), now };
        if db.attempts(&limit.action, name, ATTEMPTS_WINDOW, now)? >= ATTEMPTS {
            return Err(Fault::limit_exceeded());
        }
        Ok((limit, user))
    }

    fn count(&self) -> Result<(), Fault> {
        Ok(self.db.add_attempt(&self.action, &self.name, self.now)?)
    }

    fn clear(&self) -> Result<(), Fault> {
        Ok(self.db.clear_attempts(&self.action, &self.name)?)
    }
}

/// Takes a code, once. A wrong one counts against [`ATTEMPTS`].
fn redeem(db: &Db<'_>, username: &str, purpose: Purpose, code: &str, now: Timestamp) -> Result<User, Fault> {
    let (limit, found) = Limit::check(db, username, purpose, ENTRY, now)?;
    let Some(user) = found.filter(|user| user.enabled) else {
        limit.count()?;
        return Err(purpose.no_such_user());
    };
    if purpose == Purpose::SignUp && user.confirmed {
        return Err(Fault::not_authorized("User cannot be confirmed. Current status is CONFIRMED"));
    }
    let sent = db.code(&user, purpose)?;
    let Some(sent) = sent.filter(|sent| now < sent.expires_at) else {
        return Err(Fault::code_expired());
    };
    if sent.code != code {
        limit.count()?;
        return Err(Fault::code_mismatch());
    }
    db.remove_code(&user, purpose)?;
    limit.clear()?;
    Ok(user)
}
