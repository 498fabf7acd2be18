//! The stack's settings, from the environment that the template gives to every function. Tests compare the two.
//!
//! What a blog is set to comes in one variable, `SETTINGS`, as the JSON text that `template.yaml` makes of its parameters. So a
//! setting is a parameter and a line of `Settings` there, and a field of [`Config`] here; a name that only one of the two has
//! fails the tests, and a function at init. What things are called, and where they are, comes in variables of its own.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use aws::Service;
use domain::{Colour, Email, Language, Policy, Role, Summary, Title, WebUrl};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::{AllowedOrigins, OriginSecret};

/// How a new account becomes usable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignUpConfirmation {
    /// At once: for development, and for blogs whose accounts are made by hand.
    Auto,
    /// When the code sent to the e-mail address comes back.
    Email,
}

/// Who may register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RegistrationMode {
    /// Everybody.
    Open,
    /// Who has an invitation.
    Invite,
    /// Nobody.
    Closed,
}

/// The secret of the pool's app client. Never shown, never logged.
#[derive(Clone, Default)]
pub struct ClientSecret(String);

impl ClientSecret {
    /// The secret itself, for Cognito.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(..)")
    }
}

/// The settings of one stack. What is not skipped is a field of `SETTINGS`, and has to be there.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The DynamoDB table that holds users and posts.
    #[serde(skip)]
    pub table_name: String,
    /// The S3 bucket that holds files.
    #[serde(skip)]
    pub bucket_name: String,
    /// The Cognito user pool, `REGION_SUFFIX`.
    #[serde(skip)]
    pub user_pool_id: String,
    /// The pool's app client; tokens made for another are refused.
    #[serde(skip)]
    pub user_pool_client_id: String,
    /// The secret of that client, in the functions that manage accounts; empty in all others.
    #[serde(skip)]
    pub user_pool_client_secret: ClientSecret,
    /// What the stack is called: metrics of several stacks in an account are told apart by it.
    #[serde(skip)]
    pub stack_name: String,
    /// What the CDN in front shows with every request; none if there is no CDN.
    #[serde(skip)]
    pub origin_secret: Option<OriginSecret>,
    /// Where services are that are not at AWS.
    #[serde(skip)]
    pub endpoints: Endpoints,
    /// How a new account becomes usable.
    pub sign_up_confirmation: SignUpConfirmation,
    /// Who may register. Whoever registers the administrator's address always may.
    pub registration: RegistrationMode,
    /// How long somebody stays logged in, in days.
    pub refresh_token_days: u32,
    /// What a new user may do.
    pub default_role: Role,
    /// Whoever registers this address is an administrator.
    #[serde(deserialize_with = "unless_empty")]
    pub admin_email: Option<Email>,
    /// How many posts an author may publish on a day (UTC); 0 is any number.
    pub posts_per_day: u32,
    /// The maximum number of followers of an author whose posts are written to each follower's home feed. The posts of authors
    /// with more are looked up when a feed is read.
    pub fan_out_followers: u32,
    /// The rules for posts.
    pub policy: Policy,
    /// How many requests a user, or a source of anonymous ones, may send a minute; none if that is not limited.
    #[serde(deserialize_with = "unless_zero")]
    pub requests_per_minute: Option<NonZeroU32>,
    /// The origins whose pages may call the API.
    #[serde(deserialize_with = "parsed")]
    pub cors_origins: AllowedOrigins,
    /// How many of a hundred requests that go well leave a line; of failures each does.
    pub success_lines: u8,
    /// What the metrics of requests are told apart by.
    pub metrics_by: MetricsBy,
    /// How long a CDN may keep what everybody may read, in seconds.
    pub cdn_seconds: u32,
    /// The address of the site, whose pages feeds and the sitemap lead to; none for the host of the request.
    #[serde(deserialize_with = "unless_empty")]
    pub site_url: Option<WebUrl>,
    /// What the site is called.
    pub site_title: Title,
    /// What the site is about.
    #[serde(deserialize_with = "unless_empty")]
    pub site_description: Option<Summary>,
    /// The language of posts that do not say theirs.
    pub site_language: Language,
    /// A picture that pages show beside the title.
    #[serde(deserialize_with = "unless_empty")]
    pub site_logo: Option<WebUrl>,
    /// The colour of links and buttons.
    #[serde(deserialize_with = "parsed")]
    pub site_accent: Colour,
    /// What pages end with.
    #[serde(deserialize_with = "unless_empty")]
    pub site_footer: Option<Summary>,
    /// The address in front of `/feed.xml` and its kin; none for that of the API.
    #[serde(deserialize_with = "unless_empty")]
    pub feed_url: Option<WebUrl>,
    /// The hub that is told of new posts (<https://www.w3.org/TR/websub/>).
    #[serde(deserialize_with = "unless_empty")]
    pub web_sub_hub: Option<WebUrl>,
    /// Whether webhooks may lead to this machine, for use on one.
    #[serde(deserialize_with = "parsed")]
    pub webhook_loopback: bool,
    /// Whether the stack has the RealWorld API, which needs the number of all published posts.
    #[serde(deserialize_with = "parsed")]
    pub conduit: bool,
    /// Whether the stack has Ghost's Content API, which needs that number too.
    #[serde(deserialize_with = "parsed")]
    pub ghost_content: bool,
    /// The maximum number of posts in a sitemap.
    pub sitemap_posts: NonZeroU32,
}

/// What the metrics of requests are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MetricsBy {
    /// By operation.
    Operation,
    /// By class: what reads and what writes.
    Class,
}

/// Nothing, or a value.
fn unless_empty<'de, D: Deserializer<'de>, T: TryFrom<String, Error: fmt::Display>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Some(text).filter(|text| !text.is_empty()).map(T::try_from).transpose().map_err(D::Error::custom)
}

/// A number of which 0 is none.
fn unless_zero<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NonZeroU32>, D::Error> {
    u32::deserialize(deserializer).map(NonZeroU32::new)
}

fn parsed<'de, D: Deserializer<'de>, T: FromStr<Err: fmt::Display>>(deserializer: D) -> Result<T, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

/// Where services are that are not at AWS, as `dynamodb=http://localhost:8000,cognito=http://localhost:9229`. On AWS it is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// DynamoDB's address.
    pub dynamodb: Option<String>,
    /// Cognito's address.
    pub cognito: Option<String>,
    /// S3's address.
    pub s3: Option<String>,
    /// The address of the user pool's public keys.
    pub jwks: Option<String>,
}

impl Endpoints {
    /// The services that are called through the SDK, each with its address.
    pub fn services(&self) -> Vec<(Service, String)> {
        let services =
            [(Service::DynamoDb, &self.dynamodb), (Service::Cognito, &self.cognito), (Service::S3, &self.s3)];
        services.into_iter().filter_map(|(service, url)| Some((service, url.clone()?))).collect()
    }
}

impl FromStr for Endpoints {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut given = BTreeMap::new();
        for endpoint in text.split(',').filter(|endpoint| !endpoint.is_empty()) {
            let (name, url) = endpoint.split_once('=').ok_or_else(|| format!("{endpoint:?} is not NAME=URL"))?;
            given.insert(name, url.to_owned());
        }
        let mut take = |name| given.remove(name);
        let endpoints =
            Self { dynamodb: take("dynamodb"), cognito: take("cognito"), s3: take("s3"), jwks: take("jwks") };
        match given.keys().next() {
            Some(name) => Err(format!("{name:?} is none of dynamodb, cognito, s3, jwks")),
            None => Ok(endpoints),
        }
    }
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
    /// Every variable that is read; the template sets exactly these.
    pub const VARIABLES: [&'static str; 9] = [
        "TABLE_NAME",
        "BUCKET_NAME",
        "USER_POOL_ID",
        "USER_POOL_CLIENT_ID",
        "USER_POOL_CLIENT_SECRET",
        "STACK_NAME",
        "ORIGIN_SECRET",
        "ENDPOINTS",
        "SETTINGS",
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
        let settings = required("SETTINGS")?;
        // With the name of the setting, which is that of the parameter.
        let settings: Self = serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(&settings))
            .map_err(|error| ConfigError(format!("the environment variable SETTINGS: {error}")))?;
        Ok(Self {
            table_name: filled("TABLE_NAME")?,
            bucket_name: filled("BUCKET_NAME")?,
            user_pool_id: filled("USER_POOL_ID")?,
            user_pool_client_id: filled("USER_POOL_CLIENT_ID")?,
            user_pool_client_secret: ClientSecret(required("USER_POOL_CLIENT_SECRET")?),
            stack_name: filled("STACK_NAME")?,
            origin_secret: OriginSecret::from_setting(required("ORIGIN_SECRET")?),
            endpoints: required("ENDPOINTS")?
                .parse()
                .map_err(|error| ConfigError(format!("the environment variable ENDPOINTS: {error}")))?,
            ..settings
        })
    }

    /// Whether this is the address of who becomes the first administrator.
    pub fn is_admin_email(&self, email: &Email) -> bool {
        self.admin_email.as_ref() == Some(email)
    }

    /// How a new account with this address becomes usable. Whoever registers the administrator's address shows that it is
    /// theirs on every stack: where accounts are usable at once, the first to name it would be the administrator.
    pub fn sign_up_confirmation_of(&self, email: &Email) -> SignUpConfirmation {
        if self.is_admin_email(email) { SignUpConfirmation::Email } else { self.sign_up_confirmation }
    }

    /// What a new user with this address may do, if it is theirs.
    pub fn role_of(&self, email: &Email) -> Role {
        if self.is_admin_email(email) { Role::Admin } else { self.default_role }
    }

    /// The `iss` of the pool's tokens.
    /// <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html>
    pub fn issuer(&self) -> String {
        issuer_of(&self.user_pool_id)
    }

    /// The host at which API Gateway itself answers for an API of this stack, whatever domain leads there.
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-call-api.html>
    pub fn api_host(&self, api_id: &str) -> String {
        let (region, suffix) = region_and_suffix_of(&self.user_pool_id);
        format!("{api_id}.execute-api.{region}.{suffix}")
    }

    /// Where the pool's public keys are.
    pub fn jwks_url(&self) -> String {
        self.endpoints.jwks.clone().unwrap_or_else(|| format!("{}/.well-known/jwks.json", self.issuer()))
    }
}

/// The `iss` of the tokens of a user pool, `REGION_SUFFIX`.
fn issuer_of(user_pool_id: &str) -> String {
    let (region, suffix) = region_and_suffix_of(user_pool_id);
    format!("https://cognito-idp.{region}.{suffix}/{user_pool_id}")
}

/// The region of the stack, and what the hosts of AWS end with there.
fn region_and_suffix_of(user_pool_id: &str) -> (&str, &'static str) {
    let region = user_pool_id.split('_').next().unwrap_or_default();
    // What AWS::URLSuffix is; GovCloud's is the same as everywhere else.
    (region, if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_issuer_has_the_suffix_of_its_partition() {
        assert_eq!(issuer_of("eu-west-1_A"), "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_A");
        assert_eq!(issuer_of("us-gov-west-1_A"), "https://cognito-idp.us-gov-west-1.amazonaws.com/us-gov-west-1_A");
        assert_eq!(issuer_of("cn-north-1_A"), "https://cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_A");
    }

    #[test]
    fn endpoints_are_those_that_are_named() {
        assert_eq!("".parse(), Ok(Endpoints::default()));
        let some: Endpoints = "s3=http://host:9000,jwks=http://host:9229/keys?a=b".parse().unwrap();
        assert_eq!(some.s3.as_deref(), Some("http://host:9000"));
        assert_eq!(some.jwks.as_deref(), Some("http://host:9229/keys?a=b"));
        assert_eq!((some.dynamodb, some.cognito), (None, None));
        for bad in ["http://host", "sqs=http://host"] {
            assert!(bad.parse::<Endpoints>().is_err(), "{bad}");
        }
    }
}
