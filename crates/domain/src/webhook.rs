//! Webhooks: addresses that are told of events, and each message to one of them. What an attempt means for both is decided here;
//! the conventions are those of Standard Webhooks
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::schema::schema;
use crate::text::text;
use crate::{DAY_SECONDS, DeliveryId, Denied, Timestamp, WebUrl, WebhookId};

/// The maximum number of webhooks of a blog: each event is compared with all of them.
pub const MAX_WEBHOOKS: usize = 50;

/// The maximum number of secrets that a webhook signs with at a time: one, and those that were replaced within a day.
const MAX_SECRETS: usize = 5;

/// How long a secret that was replaced still signs: a day.
const ROTATION_SECONDS: i64 = DAY_SECONDS;

/// For how long every attempt has to fail until a webhook is disabled, when a message is given up: 5 days.
const FAILING_SECONDS: i64 = 5 * DAY_SECONDS;

/// How long a delivery is kept after it was sent first or again: 30 days.
pub const DELIVERY_SECONDS: i64 = 30 * DAY_SECONDS;

/// After how long a call of the function that makes an attempt counts as lost, and is made again. Longer than Lambda tries: 20 seconds,
/// and twice more after one and two minutes.
const CALL_SECONDS: i64 = 10 * 60;

/// The pauses before the second attempt and those after it, in seconds. About three days in all.
const RETRY_SECONDS: [i64; 9] = [60, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 20 * 3600];

/// The maximum number of attempts that a delivery shows, the last ones.
const MAX_ATTEMPTS: usize = 20;

text!(@type
    /// The address of a webhook, normalised as the URL standard says. Whether it leads to a public host is another question, which only
    /// its name's resolution can answer.
    WebhookUrl
);

schema! { WebhookUrl,
    /// The `https` address that receives the messages: of a public host, on port 443 or one from 1024, without a user name, password or
    /// fragment.
    request {
        "type": "string",
        "maxLength": 2000,
        "pattern": "^\\s*[Hh][Tt][Tt][Pp][Ss]?://[^\\s#]+\\s*$",
        "examples": ["https://hooks.example.com/blog"],
    }
    reply { "type": "string", "pattern": "^https?://", "examples": ["https://hooks.example.com/blog"] }
}

impl TryFrom<String> for WebhookUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let text = String::from(WebUrl::try_from(text)?);
        let url = ::url::Url::parse(&text).map_err(|error| error.to_string())?;
        if url.fragment().is_some() {
            return Err("must not contain a fragment (#)".to_owned());
        }
        // A receiver of webhooks has no business at the ports of mail, shells and the like.
        if url.port().is_some_and(|port| port < 1024) {
            return Err("must have the usual port, or one from 1024".to_owned());
        }
        Ok(Self(text))
    }
}

/// Which events a webhook is told of: those of some types, or all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct WebhookEvents(Vec<String>);

/// What stands for every type.
const ALL: &str = "*";

impl WebhookEvents {
    /// Whether events of this type are among them.
    pub fn contain(&self, event_type: &str) -> bool {
        self.0.iter().any(|name| name == ALL || name == event_type)
    }

    /// What may be named.
    fn names() -> impl Iterator<Item = &'static str> {
        std::iter::once(ALL).chain(Event::TYPES.iter().map(|event| event.name))
    }
}

impl TryFrom<Vec<String>> for WebhookEvents {
    type Error = String;

    fn try_from(mut names: Vec<String>) -> Result<Self, String> {
        if let Some(position) = names.iter().position(|name| !Self::names().any(|known| known == name)) {
            let known = Self::names().collect::<Vec<_>>().join(", ");
            return Err(format!("name {} must be one of {known}", position + 1));
        }
        names.sort_unstable();
        names.dedup();
        if names.is_empty() { Err("must not be empty".to_owned()) } else { Ok(Self(names)) }
    }
}

impl JsonSchema for WebhookEvents {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "WebhookEvents".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<_> = Self::names().collect();
        json_schema!({
            "description": "The types of the events that are sent, or `*` for all, including those that there will be.",
            "type": "array",
            "minItems": 1,
            "items": { "type": "string", "enum": names },
            "examples": [["post.published", "post.updated"]],
        })
    }
}

/// Why a webhook was disabled by the blog itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DisabledBecause {
    /// The receiver answered 410 (Gone).
    Gone,
    /// Every attempt failed for five days, and a message was given up.
    Failing,
}

/// A secret that was replaced and still signs. Its number leads to it; what it is stands nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetiredSecret {
    /// Its number.
    pub generation: u32,
    /// When it signs no longer.
    pub until: Timestamp,
}

/// A webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// The id.
    pub id: WebhookId,
    /// Where messages go.
    pub url: WebhookUrl,
    /// Which events are sent.
    pub events: WebhookEvents,
    /// Whether anything is sent.
    pub enabled: bool,
    /// Why nothing is sent, if the blog decided that.
    pub disabled_because: Option<DisabledBecause>,
    /// Since when every attempt fails; none if the last one did not. Changes without a new version.
    pub failing_since: Option<Timestamp>,
    /// The number of the secret, from 1.
    pub generation: u32,
    /// The secrets before it that still sign, or did when the last one was replaced.
    pub retired: Vec<RetiredSecret>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Counts the changes, from 1.
    pub version: u64,
}

impl Webhook {
    /// A new one.
    pub fn new(id: WebhookId, url: WebhookUrl, events: WebhookEvents, now: Timestamp) -> Self {
        Self {
            id,
            url,
            events,
            enabled: true,
            disabled_because: None,
            failing_since: None,
            generation: 1,
            retired: Vec::new(),
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }

    /// The next version, after an edit of what is given. The same if that changes nothing.
    pub fn edited(
        &self,
        url: Option<WebhookUrl>,
        events: Option<WebhookEvents>,
        enabled: Option<bool>,
        now: Timestamp,
    ) -> Self {
        let mut next = self.clone();
        if let Some(url) = url.filter(|url| *url != self.url) {
            (next.url, next.failing_since) = (url, None);
        }
        next.events = events.unwrap_or(next.events);
        if let Some(enabled) = enabled.filter(|enabled| *enabled != self.enabled) {
            (next.enabled, next.disabled_because, next.failing_since) = (enabled, None, None);
        }
        if next == *self { next } else { next.changed(now) }
    }

    /// The next version, with another secret. The one before still signs for a day.
    pub fn rotated(&self, now: Timestamp) -> Result<Self, Denied> {
        let mut next = self.clone();
        next.retired.retain(|retired| now < retired.until);
        if next.retired.len() + 1 == MAX_SECRETS {
            return Err(Denied::TooManyRotations);
        }
        let until = now.plus_seconds(ROTATION_SECONDS);
        next.retired.push(RetiredSecret { generation: self.generation, until });
        next.generation += 1;
        Ok(next.changed(now))
    }

    /// The numbers of the secrets that a message is signed with: the newest first, and those that were replaced within a day.
    pub fn signing_generations(&self, now: Timestamp) -> impl Iterator<Item = u32> {
        let retired = self.retired.iter().rev().filter(move |retired| now < retired.until);
        std::iter::once(self.generation).chain(retired.map(|retired| retired.generation))
    }

    /// What an attempt makes of it: disabled if the receiver is gone, or if the message is given up with this attempt and every attempt
    /// failed for five days. A single failure never disables it, however long ago the last success is: two attempts that end at the same
    /// moment may leave the failure of one behind the success of the other.
    pub fn after(&self, attempt: &DeliveryAttempt, gives_up: bool, now: Timestamp) -> Self {
        let mut next = self.clone();
        if attempt.is_success() {
            next.failing_since = None;
            return next;
        }
        let failing_since = *next.failing_since.get_or_insert(now);
        let because = if attempt.is_gone() {
            Some(DisabledBecause::Gone)
        } else if gives_up && failing_since.plus_seconds(FAILING_SECONDS) <= now {
            Some(DisabledBecause::Failing)
        } else {
            None
        };
        match because {
            Some(because) if next.enabled => {
                (next.enabled, next.disabled_because) = (false, Some(because));
                next.changed(now)
            }
            _ => next,
        }
    }

    /// Nothing is sent by a webhook that is disabled.
    pub fn check_enabled(&self) -> Result<(), Denied> {
        if self.enabled { Ok(()) } else { Err(Denied::WebhookDisabled) }
    }

    fn changed(self, now: Timestamp) -> Self {
        Self { version: self.version + 1, updated_at: now, ..self }
    }
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// It is being sent, or will be again.
    Pending,
    /// The receiver took it (2xx).
    Delivered,
    /// It was given up.
    Failed,
}

/// An attempt to deliver a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryAttempt {
    /// Its number, from 1. One whose function was stopped is missing.
    pub number: u32,
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The status of the answer; null if there was none.
    pub status: Option<u16>,
    /// The first bytes of the answer, at most 1,000; null if there was none.
    pub answer: Option<String>,
    /// Why there was no answer.
    pub error: Option<String>,
}

impl DeliveryAttempt {
    /// Whether the receiver took the message.
    pub fn is_success(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// Whether the receiver wants no more messages.
    fn is_gone(&self) -> bool {
        self.status == Some(410)
    }
}

/// A message to a webhook, with what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The id, which receivers get as `webhook-id`: the same for every attempt, and sorting by the time of the event.
    pub id: DeliveryId,
    /// The webhook.
    pub webhook_id: WebhookId,
    /// The type of the event.
    pub event_type: String,
    /// The message, byte for byte.
    pub body: String,
    /// What became of it.
    pub status: DeliveryStatus,
    /// The attempts, the oldest first; at most the last 20.
    pub attempts: Vec<DeliveryAttempt>,
    /// How often the function that makes an attempt was called: a repeated call is known by it.
    pub call: u32,
    /// How many attempts failed since it was sent, or sent again.
    pub tries: u32,
    /// When the function is called again, if the last call has not come to an end by then; none if there is nothing to do.
    pub due_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it goes: DynamoDB's TTL, in seconds since 1970.
    pub expires_at: i64,
}

impl Delivery {
    /// A new one, whose first attempt is made now.
    pub fn new(id: DeliveryId, webhook_id: WebhookId, event_type: String, body: String, now: Timestamp) -> Self {
        Self {
            id,
            webhook_id,
            event_type,
            body,
            status: DeliveryStatus::Pending,
            attempts: Vec::new(),
            call: 1,
            tries: 0,
            due_at: Some(now.plus_seconds(CALL_SECONDS)),
            created_at: now,
            expires_at: now.plus_seconds(DELIVERY_SECONDS).seconds(),
        }
    }

    /// The same, to be attempted now because its time has come. None if there is nothing to do.
    pub fn called_if_due(&self, now: Timestamp) -> Option<Self> {
        let is_due = self.due_at.is_some_and(|due_at| due_at <= now);
        is_due.then(|| Self { call: self.call + 1, due_at: Some(now.plus_seconds(CALL_SECONDS)), ..self.clone() })
    }

    /// The same, to be attempted now because somebody asks for it, and again for three days.
    pub fn resent(&self, now: Timestamp) -> Self {
        Self {
            status: DeliveryStatus::Pending,
            call: self.call + 1,
            tries: 0,
            due_at: Some(now.plus_seconds(CALL_SECONDS)),
            expires_at: now.plus_seconds(DELIVERY_SECONDS).seconds(),
            ..self.clone()
        }
    }

    /// Whether this call is the last one, and has not come to its end yet.
    pub fn awaits(&self, call: u32) -> bool {
        self.call == call && !self.is_answered() && self.status == DeliveryStatus::Pending
    }

    /// When it is attempted next; none while it is being attempted, and if it is not.
    pub fn next_attempt_at(&self) -> Option<Timestamp> {
        self.due_at.filter(|_| self.is_answered())
    }

    fn is_answered(&self) -> bool {
        self.attempts.last().is_some_and(|attempt| attempt.number == self.call)
    }

    /// The same after an attempt. It is made again after a pause, if the webhook may still send and the pauses are not used up.
    pub fn after(&self, attempt: DeliveryAttempt, is_enabled: bool, now: Timestamp) -> Self {
        let mut next = self.clone();
        let pause = self.pause().filter(|_| is_enabled);
        (next.status, next.due_at) = match pause {
            _ if attempt.is_success() => (DeliveryStatus::Delivered, None),
            Some(pause) => (DeliveryStatus::Pending, Some(now.plus_seconds(pause))),
            None => (DeliveryStatus::Failed, None),
        };
        next.tries += 1;
        next.attempts.push(attempt);
        let surplus = next.attempts.len().saturating_sub(MAX_ATTEMPTS);
        next.attempts.drain(..surplus);
        next
    }

    /// The same, given up.
    pub fn given_up(&self) -> Self {
        Self { status: DeliveryStatus::Failed, due_at: None, ..self.clone() }
    }

    /// The pause before the next attempt in seconds: up to a tenth more or less than the table says, so that what failed together does
    /// not come back together. The id decides how much, which is random enough and the same whenever it is asked.
    fn pause(&self) -> Option<i64> {
        let seconds = RETRY_SECONDS.get(usize::try_from(self.tries).ok()?)?;
        let spread = i64::from(self.id.number().to_le_bytes().get(usize::try_from(self.tries).ok()?).copied()?);
        Some(seconds - seconds / 10 + seconds * spread / (5 * 255))
    }

    /// Whether it is gone. DynamoDB may take days to remove an expired item, so every reader asks.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now.seconds()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_249_800_000;

    fn attempt(number: u32, status: Option<u16>) -> DeliveryAttempt {
        let at = Timestamp::from_milliseconds(NOW);
        DeliveryAttempt { number, at, duration_ms: 1, status, answer: None, error: None }
    }

    fn delivery(id: u128) -> Delivery {
        let now = Timestamp::from_milliseconds(NOW);
        Delivery::new(DeliveryId::from_number(id), WebhookId::from_number(1), "a".to_owned(), "{}".to_owned(), now)
    }

    #[test]
    fn addresses_are_parsed_or_refused() {
        for (typed, stored) in [
            ("https://Hooks.example.com", "https://hooks.example.com/"),
            (" https://hooks.example.com:443/a?b=c ", "https://hooks.example.com/a?b=c"),
            ("https://hooks.example.com:8443/", "https://hooks.example.com:8443/"),
            ("http://localhost:4000/", "http://localhost:4000/"),
            ("https://0x7f.1/", "https://127.0.0.1/"),
        ] {
            assert_eq!(WebhookUrl::try_from(typed.to_owned()).unwrap().as_str(), stored);
        }
        for refused in [
            "",
            "ftp://hooks.example.com/",
            "https://user@hooks.example.com/",
            "https://:password@hooks.example.com/",
            "https://hooks.example.com/#a",
            "https://hooks.example.com/#",
            "https://hooks.example.com:22/",
            "https://hooks.example.com:80/",
            "http://hooks.example.com:443/",
            "https://hooks.example.com:0/",
            "https:///path",
            "hooks.example.com",
        ] {
            let parsed = WebhookUrl::try_from(refused.to_owned());
            // Three slashes are two to the URL standard: that is a host.
            assert!(parsed.is_err() || refused == "https:///path", "{refused}: {parsed:?}");
        }
    }

    #[test]
    fn attempts_go_on_for_about_three_days_and_never_at_once_for_all() {
        let mut first_pauses = std::collections::BTreeSet::new();
        for seed in [0_u128, 1, 77, 128, 255, u128::MAX, 0x0123_4567_89ab_cdef_0123] {
            let mut delivery = delivery(seed);
            let (mut now, mut attempts) = (Timestamp::from_milliseconds(NOW), 0);
            loop {
                attempts += 1;
                delivery = delivery.after(attempt(delivery.call, Some(500)), true, now);
                let Some(due_at) = delivery.due_at else { break };
                if attempts == 1 {
                    first_pauses.insert(due_at);
                }
                assert!(delivery.called_if_due(due_at.plus_seconds(-1)).is_none());
                now = due_at;
                delivery = delivery.called_if_due(now).unwrap();
                assert!(delivery.awaits(delivery.call) && !delivery.awaits(delivery.call - 1));
            }
            let hours = (now.milliseconds() - NOW) / 3_600_000;
            assert!((64..=79).contains(&hours), "{hours} hours");
            assert_eq!((attempts, delivery.status), (10, DeliveryStatus::Failed));
            assert!(!delivery.awaits(delivery.call));
            // Whoever asks for it has it sent anew, for as long.
            let resent = delivery.resent(now);
            assert!(resent.awaits(11) && resent.pause() == self::delivery(seed).pause());
        }
        assert!(first_pauses.len() > 3, "{first_pauses:?}");
    }

    #[test]
    fn a_call_that_is_lost_is_made_again_and_one_that_is_answered_is_not() {
        let (delivery, now) = (delivery(1), Timestamp::from_milliseconds(NOW));
        assert!(delivery.awaits(1) && delivery.next_attempt_at().is_none());
        let again = delivery.called_if_due(now.plus_seconds(CALL_SECONDS)).unwrap();
        assert!(again.awaits(2) && !again.awaits(1));
        let answered = again.after(attempt(2, Some(204)), true, now);
        assert_eq!((answered.status, answered.due_at), (DeliveryStatus::Delivered, None));
        assert!(!answered.awaits(2));
        assert!(answered.called_if_due(now.plus_seconds(DAY_SECONDS)).is_none());
        let disabled = again.after(attempt(2, None), false, now);
        assert_eq!((disabled.status, disabled.due_at), (DeliveryStatus::Failed, None));
    }

    #[test]
    fn a_webhook_is_disabled_if_it_is_gone_or_fails_for_five_days() {
        let now = Timestamp::from_milliseconds(NOW);
        let events = WebhookEvents::try_from(vec!["*".to_owned()]).unwrap();
        let url = WebhookUrl::try_from("https://hooks.example.com".to_owned()).unwrap();
        let webhook = Webhook::new(WebhookId::from_number(1), url, events, now);
        let gone = webhook.after(&attempt(1, Some(410)), false, now);
        assert_eq!((gone.enabled, gone.disabled_because, gone.version), (false, Some(DisabledBecause::Gone), 2));

        let failing = webhook.after(&attempt(1, None), true, now);
        assert_eq!((failing.enabled, failing.failing_since, failing.version), (true, Some(now), 1));
        let later = now.plus_seconds(FAILING_SECONDS - 1);
        assert_eq!(failing.after(&attempt(2, Some(500)), true, later), failing);
        assert_eq!(failing.after(&attempt(2, Some(200)), false, later), webhook);
        assert_eq!(failing.after(&attempt(2, Some(302)), false, later.plus_seconds(1)), failing);
        let disabled = failing.after(&attempt(2, Some(302)), true, later.plus_seconds(1));
        assert_eq!(disabled.disabled_because, Some(DisabledBecause::Failing));
        let enabled = disabled.edited(None, None, Some(true), later);
        assert_eq!((enabled.disabled_because, enabled.failing_since, enabled.version), (None, None, 3));
    }

    #[test]
    fn a_secret_that_was_replaced_signs_for_a_day() {
        let now = Timestamp::from_milliseconds(NOW);
        let events = WebhookEvents::try_from(vec!["*".to_owned()]).unwrap();
        let url = WebhookUrl::try_from("https://hooks.example.com".to_owned()).unwrap();
        let mut webhook = Webhook::new(WebhookId::from_number(1), url, events, now);
        let signing = |webhook: &Webhook, seconds| -> Vec<u32> {
            webhook.signing_generations(now.plus_seconds(seconds)).collect()
        };
        assert_eq!(signing(&webhook, 0), [1]);
        webhook = webhook.rotated(now).unwrap();
        assert_eq!(signing(&webhook, 0), [2, 1]);
        assert_eq!(signing(&webhook, DAY_SECONDS - 1), [2, 1]);
        assert_eq!(signing(&webhook, DAY_SECONDS), [2]);
        // Whoever missed the answer asks again; no receiver is cut off by that.
        for generation in 3..=5 {
            webhook = webhook.rotated(now).unwrap();
            assert_eq!(signing(&webhook, 0).len(), generation);
        }
        assert_eq!(webhook.rotated(now.plus_seconds(DAY_SECONDS - 1)), Err(Denied::TooManyRotations));
        let rotated = webhook.rotated(now.plus_seconds(DAY_SECONDS)).unwrap();
        assert_eq!(signing(&rotated, DAY_SECONDS), [6, 5]);
    }
}
