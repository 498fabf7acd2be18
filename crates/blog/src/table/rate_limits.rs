//! How often something may be tried: what guesses a password or a code, and what sends an e-mail.
//!
//! A try is counted before Cognito is asked, once for its source and once for its account, each in an item that
//! counts one window of time. The windows are fixed, so two of them can be used up within a moment where they
//! meet. In return a try is one conditional `ADD` for each counter: exact however many come at once, and a try
//! that is refused costs no more than one that is not.
//!
//! An `ADD` whose answer was lost is sent again by the SDK and then counts twice, so somebody may be refused a try
//! too early. Recognising one's own would take an id of each try in the item.

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};

use super::keys::{self, Key};
use super::{Table, key_attributes};
use crate::Error;
use crate::clock::Timestamp;
use crate::edge::Source;

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

impl Table {
    /// Counts a try, or refuses it until the window ends. The account is the login or address as it was typed,
    /// whether or not it is anybody's: a refusal must not tell.
    pub async fn limit(&self, limit: RateLimit, source: Source, account: &str, now: Timestamp) -> Result<(), Error> {
        let RateLimit { operation, per_account, per_source, window_seconds } = limit;
        let window = now.seconds().div_euclid(window_seconds);
        let ends_at = (window + 1) * window_seconds;
        // The source goes first. What it is refused does not count for the account, so that one source cannot
        // lock everybody out.
        let from_source = keys::tries_from_source(operation, source, ends_at);
        self.count_try(&from_source, per_source, ends_at, now).await?;
        let for_account = keys::tries_for_account(operation, account, ends_at);
        self.count_try(&for_account, per_account, ends_at, now).await
    }

    async fn count_try(&self, key: &Key, most: u32, ends_at: i64, now: Timestamp) -> Result<(), Error> {
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
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        let Err(error) = counted else { return Ok(()) };
        if error.code() == Some("ConditionalCheckFailedException") {
            let retry_after = u32::try_from(ends_at - now.seconds()).unwrap_or(u32::MAX);
            return Err(Error::TooManyRequests { retry_after });
        }
        match Error::from_aws(error) {
            // A busy table must not keep everybody from logging in. Cognito's own limits still hold.
            error @ Error::Unavailable(_) => {
                tracing::warn!(counter = key.sk, causes = error.causes(), "a try was not counted");
                Ok(())
            }
            error => Err(error),
        }
    }
}
