//! How keys of Ghost's Content API are shown to administrators.

use domain::{ContentKey, ContentKeyId, ContentKeyText, KeyName, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

/// A key of Ghost's Content API.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ContentKey")]
pub struct ContentKeyView {
    id: ContentKeyId,
    /// What it is for.
    #[schemars(with = "KeyName")]
    name: String,
    /// The key itself. It opens nothing that is not public.
    key: ContentKeyText,
    created_at: Timestamp,
}

impl ContentKeyView {
    /// A key as it is stored.
    pub fn new(key: ContentKey) -> Self {
        let ContentKey { id, name, key, created_at } = key;
        Self { id, name, key, created_at }
    }
}
