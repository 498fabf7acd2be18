//! How API keys are shown to their owners.

use domain::{ApiKey, KeyId, KeyName, Scopes, Timestamp};
use edge::ApiKeyText;
use schemars::JsonSchema;
use serde::Serialize;

/// An API key, without its text.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ApiKey")]
pub struct KeyView {
    id: KeyId,
    #[schemars(with = "KeyName")]
    name: String,
    scopes: Scopes,
    /// The first characters of the key, by which it is found where it is used.
    starts_with: String,
    created_at: Timestamp,
    /// When it expires. Null if never.
    expires_at: Option<Timestamp>,
    /// The day (UTC) on which it was last used. Null if it was not, or not for two years.
    #[schemars(extend("format" = "date"))]
    last_used_on: Option<String>,
}

impl KeyView {
    /// A key with the day on which it was last used.
    pub fn new(key: ApiKey, last_used_on: Option<String>) -> Self {
        let ApiKey { id, name, scopes, created_at, valid_until: expires_at, .. } = key;
        Self { id, name, scopes, starts_with: ApiKeyText::start(id), created_at, expires_at, last_used_on }
    }
}
