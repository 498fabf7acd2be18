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

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity, ReturnValue};

use super::keys::{self, Key};
use super::{Table, key_attributes};
use crate::Error;
use crate::clock::Timestamp;
use crate::domain::UserId;
use crate::edge::{Quota, Source};

/// How often an operation may be tried within a window.
#[derive(Debug, Clone, Copy)]
pub struct RateLimit {
    operation: &'static str,
    per_account: u32,
    per_source: u32,
    window_seconds: i64,
}

impl RateLimit {
    /// Guesses a password. Right ones count too: whether it is right is known too late to refuse it.
    pub const LOG_IN: Self = Self::new("log_in", 10, 100, 15 * 60);
    /// Guesses a password, with an access token that may be stolen.
    pub const CHANGE_PASSWORD: Self = Self::new("change_password", 10, 100, 15 * 60);
    /// Guesses a password, likewise.
    pub const DELETE_ME: Self = Self::new("delete_me", 10, 100, 15 * 60);
    /// Guesses a code. Cognito refuses all but five tries an hour at its strictest; no more here, because we can
    /// say for how long.
    pub const CONFIRM_REGISTRATION: Self = Self::new("confirm_registration", 5, 50, 60 * 60);
    /// Guesses a code.
    pub const RESET_PASSWORD: Self = Self::new("reset_password", 5, 50, 60 * 60);
    /// Sends an e-mail.
    pub const RESEND_CONFIRMATION: Self = Self::new("resend_confirmation", 5, 50, 60 * 60);
    /// Sends an e-mail.
    pub const FORGOT_PASSWORD: Self = Self::new("forgot_password", 5, 50, 60 * 60);

    const fn new(operation: &'static str, per_account: u32, per_source: u32, window_seconds: i64) -> Self {
        Self { operation, per_account, per_source, window_seconds }
    }
}

/// The window of the limit on all requests.
const WINDOW_SECONDS: i64 = 60;

impl Table {
    /// Counts a request of a user, or of a source if there is none; refuses it until the minute ends if there were
    /// `most` of them. What is left then goes into `quotas`.
    pub async fn count_request(
        &self,
        user: Option<UserId>,
        source: Source,
        most: u32,
        quotas: &mut Vec<Quota>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let quota = Quota::full("default", most, WINDOW_SECONDS, now);
        match self.count(&keys::requests(user, source, quota.ends_at), quota, quotas, now).await {
            // Not for nothing: while a new version is rolled out, a role may not have its permission yet.
            Err(error @ Error::Internal(_)) => {
                tracing::error!(causes = error.causes(), "requests cannot be counted");
                Ok(())
            }
            outcome => outcome,
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
    ) -> Result<(), Error> {
        let RateLimit { operation, per_account, per_source, window_seconds } = limit;
        // The source goes first. What it is refused does not count for the account, so that one source cannot
        // lock everybody out.
        let quota = Quota::full("source", per_source, window_seconds, now);
        self.count(&keys::tries_from_source(operation, source, quota.ends_at), quota, quotas, now).await?;
        let quota = Quota::full("account", per_account, window_seconds, now);
        self.count(&keys::tries_for_account(operation, account, quota.ends_at), quota, quotas, now).await
    }

    async fn count(&self, key: &Key, full: Quota, quotas: &mut Vec<Quota>, now: Timestamp) -> Result<(), Error> {
        let Quota { most, ends_at, .. } = full;
        let counted = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(key_attributes(key)))
            .update_expression("SET #type = :type, expires_at = :ends_at ADD tries :one")
            .condition_expression("attribute_not_exists(pk) OR tries < :most")
            .expression_attribute_names("#type", "type")
            .expression_attribute_values(":type", AttributeValue::S("tries".to_owned()))
            .expression_attribute_values(":ends_at", AttributeValue::N(ends_at.to_string()))
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .expression_attribute_values(":most", AttributeValue::N(most.to_string()))
            .return_values(ReturnValue::UpdatedNew)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        let error = match counted {
            Ok(counted) => {
                let tries = counted.attributes.as_ref().and_then(|item| item.get("tries")?.as_n().ok()?.parse().ok());
                quotas.push(Quota { left: most.saturating_sub(tries.unwrap_or(most)), ..full });
                return Ok(());
            }
            Err(error) => error,
        };
        if error.code() == Some("ConditionalCheckFailedException") {
            quotas.push(Quota { left: 0, ..full });
            return Err(Error::TooManyRequests { retry_after: full.seconds_left(now) });
        }
        match Error::from_aws(error) {
            // A busy table must not keep everybody out. The limits of API Gateway and of Cognito still hold.
            error @ Error::Unavailable(_) => {
                tracing::warn!(counter = key.sk, causes = error.causes(), "a request was not counted");
                Ok(())
            }
            error => Err(error),
        }
    }
}
