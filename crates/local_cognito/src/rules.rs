//! What Cognito decides, as pure functions of what is known and of the time.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use jiff::{SignedDuration, Timestamp};

use crate::fault::Fault;

/// `attribute name -> value`, as `UserAttributes` lists them.
pub(super) type Attributes = BTreeMap<String, String>;

/// How often one user may ask for a code, and how often enter a wrong one, within an hour. AWS allows "between 5 and
/// 20 attempts" depending on risk; an application has to work with the least.
/// <https://docs.aws.amazon.com/cognito/latest/developerguide/how-to-recover-a-user-account.html>
pub(super) const ATTEMPTS: i64 = 5;
pub(super) const ATTEMPTS_WINDOW: SignedDuration = SignedDuration::from_hours(1);

/// The place of the code in a message.
pub(super) const CODE: &str = "{####}";

/// What a code is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    SignUp,
    Reset,
}

impl Purpose {
    pub(super) fn name(self) -> &'static str {
        match self {
            Purpose::SignUp => "sign-up",
            Purpose::Reset => "reset",
        }
    }

    /// 24 hours for a sign-up code, one hour for a reset code.
    /// <https://docs.aws.amazon.com/cognito/latest/developerguide/limits.html>
    pub(super) fn validity(self) -> SignedDuration {
        match self {
            Purpose::SignUp => SignedDuration::from_hours(24),
            Purpose::Reset => SignedDuration::from_hours(1),
        }
    }

    /// Cognito's default message, with a place for the code: subject and text.
    /// <https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pool-settings-message-customizations.html>
    pub(super) fn message(self) -> (&'static str, &'static str) {
        match self {
            Purpose::SignUp => ("Your verification code", "Your confirmation code is {####}"),
            Purpose::Reset => ("Your password reset code", "Your password reset code is {####}"),
        }
    }

    /// What entering a code answers when there is no such user, or the user is disabled.
    /// <https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pool-managing-errors.html>
    pub(super) fn no_such_user(self) -> Fault {
        match self {
            Purpose::SignUp => Fault::code_expired(),
            Purpose::Reset => Fault::code_mismatch(),
        }
    }
}

/// The wrong passwords that were given for one username.
///
/// "After five failed ... sign-in attempts with a password, Amazon Cognito locks out your user for one second. The
/// lockout duration then doubles after each additional one failed attempt, up to a maximum of approximately 15
/// minutes. Attempts made during a lockout period ... don't affect the duration of subsequent lockout periods."
/// <https://docs.aws.amazon.com/cognito/latest/developerguide/authentication.html#authentication-flow-lockout-behavior>
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Lockout {
    pub(super) failures: u32,
    pub(super) failed_at: Timestamp,
    /// The last attempt of any kind: 15 minutes without one forgive everything.
    pub(super) seen_at: Timestamp,
}

impl Lockout {
    pub(super) const LONGEST: SignedDuration = SignedDuration::from_mins(15);

    fn forgiven(&self, now: Timestamp) -> bool {
        now.duration_since(self.seen_at) >= Self::LONGEST
    }

    pub(super) fn holds(&self, now: Timestamp) -> bool {
        let Some(extra) = self.failures.checked_sub(5) else {
            return false;
        };
        let lasts = 1_i64
            .checked_shl(extra)
            .filter(|seconds| *seconds > 0)
            .map_or(Self::LONGEST, SignedDuration::from_secs)
            .min(Self::LONGEST);
        !self.forgiven(now) && now.duration_since(self.failed_at) < lasts
    }

    /// An attempt while it holds: not looked at, but not nothing either.
    pub(super) fn seen(self, now: Timestamp) -> Self {
        Self { seen_at: now, ..self }
    }

    /// One more wrong password.
    pub(super) fn after_failure(before: Option<Self>, now: Timestamp) -> Self {
        let failures = before.filter(|lockout| !lockout.forgiven(now)).map_or(0, |lockout| lockout.failures);
        Self { failures: failures.saturating_add(1), failed_at: now, seen_at: now }
    }
}

/// The pool is case insensitive, and such a pool flattens usernames and e-mail addresses to lower case in what it
/// answers, so they are stored that way.
/// <https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-case-sensitivity.html>
pub(super) fn fold(name: &str) -> String {
    name.to_lowercase()
}

/// `[\p{L}\p{M}\p{S}\p{N}\p{P}]{1,128}`: for what people type, that is anything but blanks and control characters.
/// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_SignUp.html>
pub(super) fn check_name(member: &str, name: &str) -> Result<(), Fault> {
    if name.is_empty() {
        return Err(Fault::constraint(member, "Member must have length greater than or equal to 1"));
    }
    if name.chars().count() > 128 {
        return Err(Fault::constraint(member, "Member must have length less than or equal to 128"));
    }
    if name.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Fault::constraint(
            member,
            "Member must satisfy regular expression pattern: [\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}]+",
        ));
    }
    Ok(())
}

/// A password that someone wants to have.
///
/// The request's constraints (256 characters at most, no blank at either end) come before the pool's policy, and break
/// with another exception: a policy is broken with `InvalidPasswordException`.
/// <https://docs.aws.amazon.com/cognito/latest/developerguide/managing-users-passwords.html>
pub(super) fn check_password(member: &str, password: &str, least: usize) -> Result<(), Fault> {
    let length = password.chars().count();
    if length > 256 {
        return Err(Fault::constraint(member, "Member must have length less than or equal to 256"));
    }
    // The blanks of the pattern are ASCII's, and its dot stops at the end of a line.
    let blank = [' ', '\t', '\n', '\x0b', '\x0c', '\r'];
    if password.trim_matches(blank) != password || password.contains(['\n', '\r']) {
        return Err(Fault::constraint(member, "Member must satisfy regular expression pattern: ^[\\S]+.*[\\S]+$"));
    }
    if length < least {
        return Err(Fault::refused(
            "InvalidPasswordException",
            "Password did not conform with policy: Password not long enough",
        ));
    }
    Ok(())
}

/// The standard attributes that can be written; `sub` and `email_verified` are the pool's own.
/// <https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-attributes.html>
const STANDARD: [&str; 17] = [
    "address",
    "birthdate",
    "email",
    "family_name",
    "gender",
    "given_name",
    "locale",
    "middle_name",
    "name",
    "nickname",
    "phone_number",
    "picture",
    "preferred_username",
    "profile",
    "updated_at",
    "website",
    "zoneinfo",
];
const VERIFICATION: [&str; 2] = ["email_verified", "phone_number_verified"];

/// The attributes of a new user, of which the client may write these. `email` is the pool's one required attribute.
pub(super) fn new_attributes(given: Vec<(String, String)>, writable: &[String]) -> Result<Attributes, Fault> {
    let mut attributes = Attributes::new();
    let unauthorized = || Fault::not_authorized("A client attempted to write unauthorized attribute");
    for (name, value) in given {
        if name == "sub" || VERIFICATION.contains(&name.as_str()) {
            return Err(unauthorized());
        }
        let value = check_attribute(&name, value)?;
        if !writable.contains(&name) {
            return Err(unauthorized());
        }
        attributes.insert(name, value);
    }
    if !attributes.contains_key("email") {
        return Err(Fault::invalid_parameter(
            "Attributes did not conform to the schema: email: The attribute is required\n",
        ));
    }
    attributes.insert("email_verified".to_owned(), "false".to_owned());
    Ok(attributes)
}

/// The attributes after an administrator's update: a blank value deletes, and a new address is unverified until it is
/// said to be verified.
/// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminUpdateUserAttributes.html>
pub(super) fn updated_attributes(
    mut attributes: Attributes,
    given: Vec<(String, String)>,
) -> Result<Attributes, Fault> {
    let verified_now = given.iter().any(|(name, _)| name == "email_verified");
    for (name, value) in given {
        if name == "sub" {
            return Err(Fault::invalid_parameter("user.sub: Attribute cannot be updated.\n"));
        }
        if name == "email" && value.is_empty() {
            return Err(Fault::invalid_parameter(
                "Attributes did not conform to the schema: email: The attribute is required\n",
            ));
        }
        if value.is_empty() {
            attributes.remove(&name);
            continue;
        }
        let value = check_attribute(&name, value)?;
        let changed = attributes.get(&name) != Some(&value);
        if name == "email" && changed && !verified_now {
            attributes.insert("email_verified".to_owned(), "false".to_owned());
        }
        attributes.insert(name, value);
    }
    Ok(attributes)
}

/// The value as it is stored.
fn check_attribute(name: &str, value: String) -> Result<String, Fault> {
    let verification = VERIFICATION.contains(&name);
    if !verification && !STANDARD.contains(&name) {
        return Err(Fault::invalid_parameter(format!(
            "Attributes did not conform to the schema: Type for attribute {{{name}}} could not be determined"
        )));
    }
    if value.chars().count() > 2048 {
        return Err(Fault::constraint("userAttributes", "Member must have length less than or equal to 2048"));
    }
    match name {
        "email" if !is_email(&value) => Err(Fault::invalid_parameter("Invalid email address format.")),
        "email" | "preferred_username" => Ok(fold(&value)),
        _ if verification && !matches!(value.as_str(), "true" | "false") => Err(Fault::invalid_parameter(format!(
            "Attributes did not conform to the schema: {name}: Attribute value must be true or false"
        ))),
        _ => Ok(value),
    }
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    !local.is_empty()
        && domain.split('.').all(|label| !label.is_empty())
        && !domain.contains('@')
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// An address as `CodeDeliveryDetails.Destination` shows it: `a***@e***`.
/// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CodeDeliveryDetailsType.html>
pub(super) fn mask(email: &str) -> String {
    let (local, domain) = email.split_once('@').unwrap_or((email, ""));
    let first = |part: &str| part.chars().take(1).collect::<String>();
    format!("{}***@{}***", first(local), first(domain))
}

/// A destination for a user who is not there: made from the username, so that asking again shows the same.
pub(super) fn simulated_destination(username: &str) -> String {
    let hash = digest(&SHA256, fold(username).as_bytes());
    let mut letters = hash.as_ref().iter().map(|byte| char::from(b'a' + byte % 26));
    let mut letter = || letters.next().unwrap_or('a');
    format!("{}***@{}***", letter(), letter())
}
