//! How often something may be done: any request, and less often what guesses a password or a code, or sends an e-mail.
//!
//! A request is counted before anything is done, once for its user, or for its source if it is anonymous. What has a
//! [`RateLimit`] of its own is counted for its source and for its account instead. Each counter is an item that
//! counts one window of time. The windows are fixed, so two of them can be used up within a moment where they
//! meet. In return a try is one conditional `ADD` for each counter: exact however many come at once, and a try
//! that is refused costs no more than one that is not.
//!
//! An `ADD` whose answer was lost is sent again by the SDK and then counts twice, so somebody may be refused a try
//! too early. Recognising one's own would take an id of each try in the item.

use aws::Failure;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity, ReturnValue};

use crate::Refused;
use crate::keys::{self, Key};
use crate::{Table, key_attributes};
use domain::Timestamp;
use domain::{Source, UserId};

/// What is left of one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// The limit's name.
    pub policy: &'static str,
    /// How many requests fit into a window.
    pub max: u32,
    /// The length of a window.
    pub window_seconds: i64,
    /// How many are left of this window.
    pub left: u32,
    /// When this window ends, in seconds since 1970.
    pub ends_at: i64,
}

impl Quota {
    /// Nothing of it is used yet.
    pub fn full(policy: &'static str, max: u32, window_seconds: i64, now: Timestamp) -> Self {
        let window = now.seconds().div_euclid(window_seconds);
        Self { policy, max, window_seconds, left: max, ends_at: (window + 1) * window_seconds }
    }

    /// For how long this window still goes on.
    pub fn seconds_left(&self, now: Timestamp) -> u32 {
        u32::try_from(self.ends_at - now.seconds()).unwrap_or_default()
    }
}

/// How often an operation may be tried within a window.
#[derive(Debug, Clone, Copy)]
pub struct RateLimit {
    operation: &'static str,
    per_account: u32,
    account_seconds: i64,
    /// Whether an account's tries are counted for each source apart.
    apart: bool,
    sources: &'static str,
    per_source: u32,
    source_seconds: i64,
}

/// A quarter of an hour, in seconds.
const QUARTER: i64 = 15 * 60;
/// An hour, in seconds.
const HOUR: i64 = 60 * 60;
/// A day, in seconds.
const DAY: i64 = 24 * HOUR;

impl RateLimit {
    /// Guesses a password. Right ones count too: whether it is right is known too late to refuse it. Whoever guesses must not
    /// lock the owner out, so each source has tries of its own; who has many sources is held up by Cognito, which
    /// looks at no password of a user for up to 15 minutes after some wrong ones.
    /// <https://docs.aws.amazon.com/cognito/latest/developerguide/authentication.html#authentication-flow-lockout-behavior>
    pub const LOG_IN: Self = Self { apart: true, ..Self::new("log_in", 10, 100, QUARTER) };
    /// Guesses a password, with an access token that may be stolen.
    pub const CHANGE_PASSWORD: Self = Self::new("change_password", 10, 100, QUARTER);
    /// Guesses a password, likewise.
    pub const DELETE_ME: Self = Self::new("delete_me", 10, 100, QUARTER);
    /// Guesses a code. Cognito refuses all but five tries an hour at its strictest; no more here, because we can
    /// say for how long.
    pub const CONFIRM_REGISTRATION: Self = Self::new("confirm_registration", 5, 50, HOUR);
    /// Guesses a code.
    pub const RESET_PASSWORD: Self = Self::new("reset_password", 5, 50, HOUR);
    /// Guesses a code.
    pub const CONFIRM_EMAIL: Self = Self::new("confirm_email", 5, 50, HOUR);
    /// Sends two e-mails, and guesses a password with an access token that may be stolen. The account is the user's, whichever
    /// addresses they name.
    pub const CHANGE_EMAIL: Self = Self::sending("change_email");
    /// Sends an e-mail.
    pub const REGISTER: Self = Self::sending("register");
    /// Makes an account that waits for no code, so that no e-mail is sent.
    pub const REGISTER_AT_ONCE: Self = Self::new("register", 5, 100, QUARTER);
    /// Sends an e-mail.
    pub const RESEND_CONFIRMATION: Self = Self::sending("resend_confirmation");
    /// Sends an e-mail.
    pub const FORGOT_PASSWORD: Self = Self::sending("forgot_password");

    /// Writes to the audit log, which all users share.
    pub const CREATE_KEY: Self = Self::new("create_key", 30, 300, HOUR);
    /// Announces a picture of up to 20 MiB. What is not uploaded costs nothing, but is counted all the same.
    pub const CREATE_MEDIA: Self = Self::new("create_media", 100, 300, DAY);

    const fn new(operation: &'static str, per_account: u32, per_source: u32, seconds: i64) -> Self {
        let (account_seconds, source_seconds) = (seconds, seconds);
        Self { operation, per_account, account_seconds, apart: false, sources: operation, per_source, source_seconds }
    }

    /// What sends an e-mail: five an hour to one address, and twenty a day from one source, whichever operation sends them.
    /// Without SES, Cognito sends 50 a day for the whole blog, which no single source may use up.
    const fn sending(operation: &'static str) -> Self {
        Self { sources: "send", per_source: 20, source_seconds: DAY, ..Self::new(operation, 5, 0, HOUR) }
    }
}

/// The window of the limit on all requests.
const WINDOW_SECONDS: i64 = 60;

/// For how long eventually consistent reads are not trusted to show a write, in seconds. Usually they do within one.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.ReadConsistency.html>
const SETTLING_SECONDS: i64 = 5;

impl Table {
    /// Counts a request of a user, or of a source if there is none; refuses it until the minute ends if there were
    /// `max` of them. What is left then goes into `quotas`.
    ///
    /// Says whether the user may have written in the last seconds, `writes` being whether this request does. The counter
    /// notes that: who only reads need not pay for strongly consistent reads of what everybody reads.
    pub async fn count_request(
        &self,
        user: Option<UserId>,
        source: Source,
        max: u32,
        writes: bool,
        quotas: &mut Vec<Quota>,
        now: Timestamp,
    ) -> Result<bool, Refused> {
        let quota = Quota::full("default", max, WINDOW_SECONDS, now);
        // What was written at the end of the last window, this one's counter does not say.
        let has_settled = i64::from(quota.seconds_left(now)) <= WINDOW_SECONDS - SETTLING_SECONDS;
        match self.count(&keys::requests(user, source, quota.ends_at), quota, writes, quotas, now).await {
            // Not for nothing: while a new version is rolled out, a role may not have its permission yet.
            Err(Refused::Failed(Failure::Internal(cause))) => {
                tracing::error!(%cause, "requests cannot be counted");
                Ok(true)
            }
            outcome => outcome.map(|wrote| wrote || !has_settled),
        }
    }

    /// Counts a try, or refuses it until the window ends. The account is the login or address as it was typed,
    /// whether or not it is anybody's: a refusal must not tell.
    pub async fn count_try(
        &self,
        limit: RateLimit,
        source: Source,
        account: &str,
        quotas: &mut Vec<Quota>,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let RateLimit { operation, per_account, account_seconds, apart, sources, per_source, source_seconds } = limit;
        // The source goes first. What it is refused does not count for the account, so that one source cannot
        // lock everybody out.
        let quota = Quota::full("source", per_source, source_seconds, now);
        self.count(&keys::tries_from_source(sources, source, quota.ends_at), quota, false, quotas, now).await?;
        let quota = Quota::full("account", per_account, account_seconds, now);
        let account = if apart { format!("{account} {source}") } else { account.to_owned() };
        self.count(&keys::tries_for_account(operation, &account, quota.ends_at), quota, false, quotas, now).await?;
        Ok(())
    }

    /// Counts, and says whether anything that was counted here wrote; if that is not known, it may have.
    async fn count(
        &self,
        key: &Key,
        full: Quota,
        writes: bool,
        quotas: &mut Vec<Quota>,
        now: Timestamp,
    ) -> Result<bool, Refused> {
        let Quota { max, ends_at, .. } = full;
        let note = if writes { ", wrote = :one" } else { "" };
        let counted = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(key_attributes(key)))
            .update_expression(format!("SET #type = :type, expires_at = :ends_at{note} ADD tries :one"))
            .condition_expression("attribute_not_exists(pk) OR tries < :max")
            .expression_attribute_names("#type", "type")
            .expression_attribute_values(":type", AttributeValue::S("tries".to_owned()))
            .expression_attribute_values(":ends_at", AttributeValue::N(ends_at.to_string()))
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .expression_attribute_values(":max", AttributeValue::N(max.to_string()))
            .return_values(ReturnValue::AllNew)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        let error = match counted {
            Ok(counted) => {
                let tries = counted.attributes.as_ref().and_then(|item| item.get("tries")?.as_n().ok()?.parse().ok());
                quotas.push(Quota { left: max.saturating_sub(tries.unwrap_or(max)), ..full });
                return Ok(counted.attributes.is_none_or(|item| item.contains_key("wrote")));
            }
            Err(error) => error,
        };
        if error.code() == Some("ConditionalCheckFailedException") {
            quotas.push(Quota { left: 0, ..full });
            return Err(Refused::TooManyRequests { retry_after: full.seconds_left(now) });
        }
        match Failure::of(error) {
            // A busy table must not keep everybody out. The limits of API Gateway and of Cognito still hold.
            Failure::Unavailable(cause) | Failure::Overloaded(cause) => {
                tracing::warn!(counter = key.sk, %cause, "a request was not counted");
                Ok(true)
            }
            failure => Err(failure.into()),
        }
    }
}
