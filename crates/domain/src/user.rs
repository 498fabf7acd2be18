//! Users: their names, addresses, passwords and profiles.

use std::fmt;

use icu_normalizer::ComposingNormalizerBorrowed;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::schema::schema;
use crate::{InvitationId, KeyInUse, Login, Role, Timestamp, UserId};

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

/// An e-mail address of at most 254 characters in its one canonical form, in lower case, so that nobody has two accounts
/// at one mailbox: the part before the `@` as RFC 5321 has it without quotes (section 4.1.2, `Dot-string`), the domain as
/// DNS has it (UTS #46), in Punycode where it has other letters.
///
/// That is what Amazon SES, which sends Cognito's messages, delivers to: it knows no SMTPUTF8, and asks for Punycode.
/// <https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html> Whether an address takes mail, the
/// confirmation tells.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

impl Email {
    const MAX: usize = 254;
    const MAX_LOCAL: usize = 64;

    /// The address itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// An address as it is stored, which was checked when it was typed, by the rules of that time.
    fn stored<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }

    fn canonical(typed: &str) -> Option<Self> {
        let (local, domain) = typed.trim().rsplit_once('@')?;
        let is_atom = |atom: &str| {
            let is_text = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
            !atom.is_empty() && atom.bytes().all(is_text)
        };
        let domain = idna::domain_to_ascii_strict(domain).ok()?;
        // A host within a network has no dot, and an address of IPv4 has no letter at its end.
        let (_, top) = domain.rsplit_once('.')?;
        let is_domain = top.bytes().any(|byte| byte.is_ascii_alphabetic());
        let address = format!("{}@{domain}", local.to_ascii_lowercase());
        // As it was sent, too: that is what the document's `maxLength` counts.
        let is_short =
            local.len() <= Self::MAX_LOCAL && address.len() <= Self::MAX && typed.chars().count() <= Self::MAX;
        (is_domain && is_short && local.split('.').all(is_atom)).then_some(Self(address))
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

schema! { Email,
    /// An e-mail address, without quotes and other letters than ASCII's before the `@`. Upper case is folded to lower case, an
    /// international domain to Punycode.
    {
        "type": "string",
        "maxLength": Email::MAX,
        "pattern": r"^\s*[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[^\s@]+\s*$",
        "examples": ["ada@example.com"],
    }
}

impl TryFrom<String> for Email {
    type Error = &'static str;

    fn try_from(typed: String) -> Result<Self, Self::Error> {
        Self::canonical(&typed).ok_or("must be an e-mail address such as ada@example.com")
    }
}

/// A password as it was typed, to be compared with what Cognito holds. Never shown, never logged.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Password(String);

impl Password {
    /// The password itself, for Cognito.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether it is this address, which is the first thing that anybody would guess.
    pub fn repeats_address(&self, email: &Email) -> bool {
        self.0.to_lowercase() == email.as_str()
    }
}

/// The same characters are the same password, whatever keyboard they come from: in Normalization Form C, and every space
/// an ASCII one (RFC 8265, section 4.2.1, `OpaqueString`). Whoever chooses a password and whoever enters it get the same.
impl From<String> for Password {
    fn from(typed: String) -> Self {
        // White space that is no control and ends no line is what Unicode calls a space separator.
        let is_space = |c: char| c.is_whitespace() && !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}');
        let spaced: String = typed.chars().map(|c| if is_space(c) { ' ' } else { c }).collect();
        Self(ComposingNormalizerBorrowed::new_nfc().normalize(&spaced).into_owned())
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
        self.0.repeats_address(email)
    }
}

impl NewPassword {
    const MIN: usize = 8;
    const MAX: usize = 256;
}

schema! { NewPassword,
    /// A new password, without white space at either end and without line breaks. Forms of the same characters (Unicode's NFC
    /// and NFD) are the same password. It must not be the username or the
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
        let password = Password::from(typed);
        let typed = password.reveal();
        match typed.chars().count() {
            count if count < Self::MIN => Err(format!("must have at least {} characters", Self::MIN)),
            count if count > Self::MAX => Err(format!("must have at most {} characters", Self::MAX)),
            // Cognito takes no white space at either end; taking it off silently would change the password.
            _ if typed.trim() != typed => Err("must not start or end with white space".to_owned()),
            // Nor the end of a line anywhere.
            _ if typed.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']) => {
                Err("must not contain line breaks".to_owned())
            }
            _ => Ok(Self(password)),
        }
    }
}

/// Who makes a request: a signed-in user, as the token and the profile say, or a program with an API key of theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// The user's id.
    pub user_id: UserId,
    /// The user's name.
    pub username: Username,
    /// The user's name in Cognito; from the token.
    pub cognito_name: CognitoName,
    /// What the user may do; from the profile, and of an API key no more than its scopes allow.
    pub role: Role,
    /// The log-in that the token comes from; empty for an API key.
    pub session: String,
    /// The API key, if it is not a token that they showed.
    pub key: Option<KeyInUse>,
    /// Whether the user may have written something in the last seconds, so that their reads have to show it.
    pub wrote_lately: bool,
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
    #[serde(deserialize_with = "Email::stored")]
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
    /// The invitation of a registration that is not finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitation: Option<InvitationId>,
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
            invitation: None,
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
        Self { status: UserStatus::Active, invitation: None, expires_at: None, ..self }
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

    /// Whether the user can publish posts now: an author or more, who is not suspended.
    pub fn can_publish(&self) -> bool {
        self.role >= Role::Author && self.status == UserStatus::Active
    }

    /// Whether a token of this session, which began at `began_at` (seconds since 1970), still counts: the account is in
    /// use, and nobody has signed out of it since. When the token itself was made does not matter: a session that has ended
    /// cannot be refreshed back to life.
    pub fn accepts(&self, began_at: i64, session: &str) -> bool {
        let has_ended = self.signed_out.as_ref().is_some_and(|sign_out| sign_out.ended(began_at, session));
        self.status == UserStatus::Active && !has_ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn email(typed: &str) -> Result<String, &'static str> {
        Email::try_from(typed.to_owned()).map(Into::into)
    }

    #[test]
    fn a_mailbox_has_one_address() {
        let one = [
            "ada@bücher.example",
            "ADA@BÜCHER.EXAMPLE",
            "ada@bu\u{308}cher.example",
            "ada@b\u{200b}ücher.example",
            "ada@xn--bcher-kva.example",
            "ada@bücher\u{3002}example",
            " ada@bücher.example\n",
        ];
        for typed in one {
            assert_eq!(email(typed).as_deref(), Ok("ada@xn--bcher-kva.example"), "{typed}");
        }
        for good in ["a@b.example", "a.b+c@example.co.uk", "o'hara_!#$%&*-/=?^`{|}~@example.com", "1@1.example"] {
            assert_eq!(email(good).as_deref(), Ok(good));
        }
        assert!(email(&format!("{}@example.com", "a".repeat(64))).is_ok());
    }

    #[test]
    fn what_no_mail_is_sent_to_is_no_address() {
        for bad in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "a..b@example.com",
            ".a@example.com",
            "a.@example.com",
            "ä@example.com",
            "a\u{308}@example.com",
            "a\u{200b}da@example.com",
            "a da@example.com",
            "\"a b\"@example.com",
            "a@b@example.com",
            "a@example",
            "a@example.com.",
            "a@.example.com",
            "a@example..com",
            "a@-a.example",
            "a@a-.example",
            "a@a_b.example",
            "a@127.0.0.1",
            "a@[127.0.0.1]",
            "a@xn--a.example",
            "a(b)@example.com",
            "a@exa\u{2028}mple.com",
        ] {
            assert!(email(bad).is_err(), "{bad:?} is {:?}", email(bad));
        }
        assert!(email(&format!("{}@example.com", "a".repeat(65))).is_err());
        assert!(email(&format!("a@{}.example", "a".repeat(64))).is_err());
        let labels = format!("{}.", "a".repeat(60)).repeat(4);
        assert!(email(&format!("aaaa@{labels}example")).is_err());
    }

    #[test]
    fn the_same_characters_are_the_same_password() {
        let new = |typed: &str| NewPassword::try_from(typed.to_owned());
        let chosen = new("Zoe\u{308} und\u{a0}a\u{308}").unwrap();
        for entered in ["Zo\u{eb} und\u{a0}\u{e4}", "Zoe\u{308} und a\u{308}", "Zo\u{eb}\u{2003}und \u{e4}"] {
            assert_eq!(Password::from(entered.to_owned()).reveal(), chosen.reveal());
        }
        assert!(new("\u{3000}12345678").is_err() && new("1234\u{2028}5678").is_err());
        // Compatibility forms stay apart (RFC 8265 has NFC, not NFKC).
        assert_ne!(Password::from("\u{fb01}".to_owned()), Password::from("fi".to_owned()));
    }
}
