//! A field of a request that breaks a rule.

use schemars::JsonSchema;
use serde::Serialize;

/// One field of a request that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FieldError {
    /// A JSON pointer to the field (RFC 6901). A query parameter is named as if it were a field.
    pub pointer: String,
    /// The rule that the field must follow.
    pub detail: String,
}

impl FieldError {
    /// An error of the field `name`.
    pub fn new(name: &str, detail: impl Into<String>) -> Self {
        Self { pointer: format!("/{}", name.replace('~', "~0").replace('/', "~1")), detail: detail.into() }
    }
}
