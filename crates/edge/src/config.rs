//! The stack's settings, read from the environment that `template.yaml` sets. A test compares the two.

use std::fmt;
use std::num::NonZeroU32;

use domain::{Email, Role};

use crate::{AllowedOrigins, OriginSecret};

/// How a new account becomes usable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignUpConfirmation {
    /// At once: for development, and for blogs whose accounts are made by hand.
    Auto,
    /// When the code sent to the e-mail address comes back.
    Email,
}

/// The settings of one stack.
#[derive(Debug, Clone)]
pub struct Config {
    /// The DynamoDB table that holds users and posts.
    pub table_name: String,
    /// The S3 bucket that holds files.
    pub bucket_name: String,
    /// The Cognito user pool, `REGION_SUFFIX`.
    pub user_pool_id: String,
    /// The pool's app client; tokens made for another are refused.
    pub user_pool_client_id: String,
    /// Where the pool's public keys are, if not at the address that AWS gives every pool.
    pub jwks_url: String,
    /// How a new account becomes usable.
    pub sign_up_confirmation: SignUpConfirmation,
    /// What a new user may do.
    pub default_role: Role,
    /// Whoever registers this address is an administrator.
    pub admin_email: Option<Email>,
    /// How many posts an author may publish on a day (UTC); 0 is any number.
    pub posts_per_day: u32,
    /// The fewest words that a post may have.
    pub minimum_words: u64,
    /// Words that no post may contain.
    pub blocked_words: Vec<String>,
    /// How many requests a user, or a source of anonymous ones, may send a minute; none if that is not limited.
    pub requests_per_minute: Option<NonZeroU32>,
    /// What the stack is called: metrics of several stacks in an account are told apart by it.
    pub stack_name: String,
    /// The origins whose pages may call the API.
    pub cors_origins: AllowedOrigins,
    /// What the CDN in front shows with every request; none if there is no CDN.
    pub origin_secret: Option<OriginSecret>,
}

/// A setting that is missing or not understood; the function then fails at init, where the deploy sees it.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError(String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Every variable that is read; `template.yaml` sets exactly these.
    pub const VARIABLES: [&'static str; 15] = [
        "TABLE_NAME",
        "BUCKET_NAME",
        "USER_POOL_ID",
        "USER_POOL_CLIENT_ID",
        "JWKS_URL",
        "SIGN_UP_CONFIRMATION",
        "DEFAULT_ROLE",
        "ADMIN_EMAIL",
        "POSTS_PER_DAY",
        "MINIMUM_WORDS",
        "BLOCKED_WORDS",
        "REQUESTS_PER_MINUTE",
        "CORS_ORIGINS",
        "STACK_NAME",
        "ORIGIN_SECRET",
    ];

    /// Reads the process's environment.
    #[allow(clippy::disallowed_methods, reason = "the one place where configuration enters")]
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// Reads the settings from any source of variables.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let required = |name: &str| {
            variable(name).ok_or_else(|| ConfigError(format!("the environment variable {name} is not set")))
        };
        let filled = |name: &str| match required(name)? {
            value if value.is_empty() => Err(ConfigError(format!("the environment variable {name} is empty"))),
            value => Ok(value),
        };
        let number = |name: &str| {
            let text = required(name)?;
            text.parse::<u32>().map_err(|_| ConfigError(format!("{name} is a whole number, not {text:?}")))
        };
        Ok(Self {
            table_name: filled("TABLE_NAME")?,
            bucket_name: filled("BUCKET_NAME")?,
            user_pool_id: filled("USER_POOL_ID")?,
            user_pool_client_id: filled("USER_POOL_CLIENT_ID")?,
            jwks_url: required("JWKS_URL")?,
            sign_up_confirmation: match required("SIGN_UP_CONFIRMATION")?.as_str() {
                "auto" => SignUpConfirmation::Auto,
                "email" => SignUpConfirmation::Email,
                other => return Err(ConfigError(format!("SIGN_UP_CONFIRMATION is auto or email, not {other:?}"))),
            },
            default_role: required("DEFAULT_ROLE")?
                .parse()
                .map_err(|error| ConfigError(format!("DEFAULT_ROLE: {error}")))?,
            admin_email: match required("ADMIN_EMAIL")? {
                email if email.is_empty() => None,
                email => Some(email.try_into().map_err(|error| ConfigError(format!("ADMIN_EMAIL: {error}")))?),
            },
            posts_per_day: number("POSTS_PER_DAY")?,
            minimum_words: number("MINIMUM_WORDS")?.into(),
            blocked_words: required("BLOCKED_WORDS")?
                .split(',')
                .map(|word| word.trim().to_lowercase())
                .filter(|word| !word.is_empty())
                .collect(),
            requests_per_minute: NonZeroU32::new(number("REQUESTS_PER_MINUTE")?),
            stack_name: filled("STACK_NAME")?,
            cors_origins: required("CORS_ORIGINS")?
                .parse()
                .map_err(|error| ConfigError(format!("CORS_ORIGINS: {error}")))?,
            origin_secret: OriginSecret::from_setting(required("ORIGIN_SECRET")?),
        })
    }

    /// What a new user with this address may do, if it is theirs.
    pub fn role_of(&self, email: &Email) -> Role {
        if self.admin_email.as_ref() == Some(email) { Role::Admin } else { self.default_role }
    }

    /// The `iss` of the pool's tokens.
    /// <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html>
    pub fn issuer(&self) -> String {
        let region = self.user_pool_id.split('_').next().unwrap_or_default();
        format!("https://cognito-idp.{region}.amazonaws.com/{}", self.user_pool_id)
    }

    /// Where the pool's public keys are.
    pub fn jwks_url(&self) -> String {
        if self.jwks_url.is_empty() {
            format!("{}/.well-known/jwks.json", self.issuer())
        } else {
            self.jwks_url.clone()
        }
    }
}
