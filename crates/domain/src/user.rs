//! Users: their names, addresses, passwords and profiles.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::schema;
use crate::{Login, Role, Timestamp, UserId};

/// A username: 3 to 30 of `a-z 0-9 _ -`, starting with a letter, in lower case whatever was typed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Username(String);

impl Username {
    /// Names that would read as the blog itself, or as a path of the API.
    const RESERVED: &[&str] = &[
        "about",
        "account",
        "admin",
        "administrator",
        "anonymous",
        "api",
        "authors",
        "blog",
        "broadsheet",
        "confirm",
        "contact",
        "deleted",
        "docs",
        "editor",
        "everyone",
        "feed",
        "followers",
        "following",
        "health",
        "help",
        "login",
        "logout",
        "media",
        "moderator",
        "null",
        "official",
        "password",
        "posts",
        "privacy",
        "register",
        "root",
        "search",
        "security",
        "sessions",
        "settings",
        "signup",
        "staff",
        "support",
        "system",
        "tags",
        "terms",
        "undefined",
        "users",
        "webmaster",
        "www",
    ];

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Username> for String {
    fn from(username: Username) -> Self {
        username.0
    }
}

schema! { Username,
    /// A username: 3 to 30 of `a-z 0-9 _ -`, starting with a letter. Upper case is folded to lower case.
    request { "type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_-]{2,29}$", "examples": ["ada"] }
    reply { "type": "string", "maxLength": Username::MAX, "pattern": "^[a-z][a-z0-9_-]{2,}$", "examples": ["ada"] }
}

impl TryFrom<String> for Username {
    type Error = &'static str;

    fn try_from(typed: String) -> Result<Self, Self::Error> {
        let folded = typed.to_ascii_lowercase();
        let well_formed = (3..=Self::MAX).contains(&folded.len())
            && folded.starts_with(|first: char| first.is_ascii_lowercase())
            && folded.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'));
        if !well_formed {
            Err("must be 3 to 30 of a-z 0-9 _ -, starting with a letter")
        } else if Self::RESERVED.contains(&folded.as_str()) {
            Err("is reserved")
        } else {
            Ok(Self(folded))
        }
    }
}

impl Username {
    const MAX: usize = 30;

    /// A username as near as possible to what somebody is called elsewhere: in our alphabet, from its first letter on.
    /// What then is too short or reserved gets the end of the user's id.
    pub fn near(wish: &str, id: UserId) -> Self {
        let words: Vec<_> = wish.split('_').map(slug::slugify).collect();
        let folded = words.join("_");
        let from_a_letter = folded.trim_start_matches(|first: char| !first.is_ascii_lowercase());
        let cut = from_a_letter.get(..Self::MAX).unwrap_or(from_a_letter).to_owned();
        Self::try_from(cut.clone()).unwrap_or_else(|_| Self::suffixed(&cut, id))
    }

    /// The same name with the end of the user's id, for when another user has it already.
    pub fn with_suffix(&self, id: UserId) -> Self {
        Self::suffixed(&self.0, id)
    }

    fn suffixed(name: &str, id: UserId) -> Self {
        let id = id.to_string().to_ascii_lowercase();
        let suffix = id.get(id.len().saturating_sub(6)..).unwrap_or(&id);
        let head = name.get(..Self::MAX - 1 - suffix.len()).unwrap_or(name);
        let head = if head.is_empty() { "user" } else { head };
        Self(format!("{head}-{suffix}"))
    }
}

/// A user's name in Cognito. For whoever registered with us it is the user's id; whoever came to the pool by another
/// way, such as its own sign-up page or a federated log-in, has a name that we did not choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CognitoName(String);

impl CognitoName {
    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl CognitoName {
    /// A name that nobody has, the same for each try of a login. No real one begins like this: ids have no underscore, and a
    /// user of another provider begins with its name.
    pub fn of_nobody(login: &Login) -> Self {
        let login = login.as_str().to_lowercase();
        // FNV-1a: any hash will do that is the same in every process. That two logins may share one is no harm.
        let hash = login
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Self(format!("nobody_{hash:016x}"))
    }
}

impl From<UserId> for CognitoName {
    fn from(id: UserId) -> Self {
        Self(id.to_string())
    }
}

impl From<ulid::Ulid> for CognitoName {
    /// The name that a user with this id would have.
    fn from(id: ulid::Ulid) -> Self {
        UserId::from(id).into()
    }
}

impl From<String> for CognitoName {
    fn from(name: String) -> Self {
        Self(name)
    }
}

/// An e-mail address of at most 254 characters, in lower case. Only its form is checked here (something, one
/// `@`, a domain with a dot); whether it takes mail, the confirmation tells.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

impl Email {
    /// The address itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Email {
    /// Personal data: never shown, so it cannot reach a log by way of `{:?}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(..)")
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

impl Email {
    const MAX: usize = 254;
}

schema! { Email,
    /// An e-mail address. Upper case is folded to lower case.
    {
        "type": "string",
        "maxLength": Email::MAX,
        "pattern": r#"^[^\s\x00-\x1f\x7f-\x9f<>,;"@]{1,64}@[^\s\x00-\x1f\x7f-\x9f<>,;"@.-]([^\s\x00-\x1f\x7f-\x9f<>,;"@.]*[^\s\x00-\x1f\x7f-\x9f<>,;"@.-])?(\.[^\s\x00-\x1f\x7f-\x9f<>,;"@.-]([^\s\x00-\x1f\x7f-\x9f<>,;"@.]*[^\s\x00-\x1f\x7f-\x9f<>,;"@.-])?)+$"#,
        "examples": ["ada@example.com"],
    }
}

impl TryFrom<String> for Email {
    type Error = &'static str;

    fn try_from(typed: String) -> Result<Self, Self::Error> {
        let folded = typed.trim().to_lowercase();
        let well_formed = folded.len() <= Self::MAX
            && folded
                .chars()
                .all(|c| !c.is_control() && !c.is_whitespace() && !matches!(c, '<' | '>' | ',' | ';' | '"'))
            && folded.rsplit_once('@').is_some_and(|(local, domain)| {
                (1..=64).contains(&local.len())
                    && !local.contains('@')
                    && domain.contains('.')
                    && domain
                        .split('.')
                        .all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'))
            });
        well_formed.then_some(Self(folded)).ok_or("must be an e-mail address such as ada@example.com")
    }
}

/// A password as it was typed, to be compared with what Cognito holds. Never shown, never logged.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Password(String);

impl Password {
    /// The password itself, for Cognito.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

schema! { Password,
    /// The password.
    { "type": "string", "format": "password", "examples": ["a long passphrase"] }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// A password that a user chose: 8 to 256 characters, no composition rules (NIST SP 800-63B, section 5.1.1.2).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct NewPassword(Password);

impl NewPassword {
    /// The password itself, for Cognito.
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }

    /// Whether it is the account's name or address, which is the first thing that anybody would guess.
    pub fn repeats(&self, username: &Username, email: &Email) -> bool {
        self.reveal().to_lowercase() == username.as_str() || self.repeats_address(email)
    }

    /// Whether it is this address.
    pub fn repeats_address(&self, email: &Email) -> bool {
        self.reveal().to_lowercase() == email.as_str()
    }
}

impl NewPassword {
    const MIN: usize = 8;
    const MAX: usize = 256;
}

schema! { NewPassword,
    /// A new password, without white space at either end and without line breaks. It must not be the username or the
    /// e-mail address.
    {
        "type": "string",
        "format": "password",
        "minLength": NewPassword::MIN,
        "maxLength": NewPassword::MAX,
        "pattern": r"^\S(.*\S)?$",
        "examples": ["a long passphrase"],
    }
}

impl TryFrom<String> for NewPassword {
    type Error = String;

    fn try_from(typed: String) -> Result<Self, String> {
        match typed.chars().count() {
            count if count < Self::MIN => Err(format!("must have at least {} characters", Self::MIN)),
            count if count > Self::MAX => Err(format!("must have at most {} characters", Self::MAX)),
            // Cognito takes no white space at either end; taking it off silently would change the password.
            _ if typed.trim() != typed => Err("must not start or end with white space".to_owned()),
            // Nor the end of a line anywhere.
            _ if typed.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']) => {
                Err("must not contain line breaks".to_owned())
            }
            _ => Ok(Self(Password(typed))),
        }
    }
}

/// Who makes a request: a signed-in user, as the token and the profile say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// The user's id.
    pub user_id: UserId,
    /// The user's name.
    pub username: Username,
    /// The user's name in Cognito; from the token.
    pub cognito_name: CognitoName,
    /// What the user may do; from the profile.
    pub role: Role,
    /// The log-in that the token comes from.
    pub session: String,
}

/// The last time that a user signed out everywhere.
///
/// Tokens tell time in whole seconds, and by a clock of Cognito's. So time alone cannot tell whether a session began before or
/// after a sign-out of about the same second: every such session has ended, except those that are named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignOut {
    /// Tells it from another sign-out of the same second.
    #[serde(default)]
    pub id: String,
    /// Sessions that began up to this second have ended. In seconds since 1970, the unit of a token's `auth_time`.
    pub at: i64,
    /// Sessions that have not ended, although they began that early: log-ins that were begun after the sign-out was written,
    /// and the session that changed the address.
    #[serde(default)]
    pub except: Vec<String>,
}

impl SignOut {
    /// How far Cognito's clock may be ahead of ours, in seconds.
    const CLOCK_DIFFERENCE: i64 = 2;

    /// A sign-out at this time, which this session survives, if there is one.
    pub fn new(id: String, now: Timestamp, survivor: Option<String>) -> Self {
        Self { id, at: now.seconds() + Self::CLOCK_DIFFERENCE, except: survivor.into_iter().collect() }
    }

    /// Whether a session that began at this second has ended.
    pub fn ended(&self, began_at: i64, session: &str) -> bool {
        began_at <= self.at && !self.except.iter().any(|survivor| survivor == session)
    }
}

/// The status of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UserStatus {
    /// Registered, but the e-mail address is not confirmed yet. Only the user can see the profile.
    Unconfirmed,
    /// In use.
    Active,
    /// Suspended by an administrator.
    Suspended,
    /// Deleted by its user; the data is being removed.
    Deleting,
}

/// A user's profile, as it is stored. Credentials are Cognito's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// The id; the name in Cognito too, unless that is another.
    pub id: UserId,
    /// The name in Cognito, where it is not the id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cognito_name: Option<CognitoName>,
    /// The name in addresses.
    pub username: Username,
    /// The address, which only the user sees.
    pub email: Email,
    /// What the user is called on the page.
    pub display_name: String,
    /// What the user says about themselves.
    pub bio: Option<String>,
    /// A picture.
    pub avatar_url: Option<String>,
    /// The user's own page.
    pub website_url: Option<String>,
    /// What the user may do.
    pub role: Role,
    /// The status of the account.
    pub status: UserStatus,
    /// Why an administrator refused it, while it is suspended.
    pub suspension_reason: Option<String>,
    /// When the user last signed out.
    pub signed_out: Option<SignOut>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Counts the changes, from 1.
    pub version: u64,
    /// Published posts.
    pub posts: u64,
    /// Users who follow this one.
    pub followers: u64,
    /// Users whom this one follows.
    pub following: u64,
    /// When a registration that was not finished frees its names: DynamoDB's TTL, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}

impl User {
    /// A user whose registration has just begun, and holds its names until `expires_at`.
    pub fn new(
        id: UserId,
        username: Username,
        email: Email,
        role: Role,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Self {
        Self {
            id,
            cognito_name: None,
            display_name: username.to_string(),
            username,
            email,
            bio: None,
            avatar_url: None,
            website_url: None,
            role,
            status: UserStatus::Unconfirmed,
            suspension_reason: None,
            signed_out: None,
            created_at: now,
            updated_at: now,
            version: 1,
            posts: 0,
            followers: 0,
            following: 0,
            expires_at: Some(expires_at.seconds()),
        }
    }

    /// The same user, the registration finished.
    pub fn activated(self) -> Self {
        Self { status: UserStatus::Active, expires_at: None, ..self }
    }

    /// The user's name in Cognito.
    pub fn cognito_name(&self) -> CognitoName {
        self.cognito_name.clone().unwrap_or_else(|| self.id.into())
    }

    /// Whether others may know of this user.
    pub fn is_public(&self) -> bool {
        matches!(self.status, UserStatus::Active | UserStatus::Suspended)
    }

    /// Whether the user can administer the blog now. Who is suspended cannot, and keeps the role for when they come back.
    pub fn is_active_admin(&self) -> bool {
        self.role == Role::Admin && self.status == UserStatus::Active
    }

    /// Whether a token of this session, which began at `began_at` (seconds since 1970), still counts: the account is in
    /// use, and nobody has signed out of it since. When the token itself was made does not matter: a session that has ended
    /// cannot be refreshed back to life.
    pub fn accepts(&self, began_at: i64, session: &str) -> bool {
        let has_ended = self.signed_out.as_ref().is_some_and(|sign_out| sign_out.ended(began_at, session));
        self.status == UserStatus::Active && !has_ended
    }
}
