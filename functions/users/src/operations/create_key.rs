//! `POST /me/keys`: Create an API key, by which programs act for the signed-in user within its scopes. The key is shown in this response
//! and never again: a repeated request with the same `Idempotency-Key` creates no other key, and is refused.
//!
//! Problems: conflict.

use domain::{ApiKey, AuditAction, AuditEntry, KeyName, Scopes, Timestamp, Viewer, fields};
use edge::{ApiKeyText, Attempt, Attempted, Call, Created, Problem, Reader, ShownOnce};
use schemars::JsonSchema;
use serde::Serialize;
use table::{RateLimit, Refused};

use crate::Services;
use crate::shared::key_view::KeyView;

fields! {
    pub struct KeyToCreate {
        name: KeyName,
        scopes: Scopes,
        /// When the key expires. Without it, never.
        expires_at: Option<Timestamp>,
    }
}

impl Attempted for KeyToCreate {
    const LIMIT: RateLimit = RateLimit::CREATE_KEY;

    fn account(&self, viewer: Option<&Viewer>) -> String {
        viewer.map(|viewer| viewer.user_id.to_string()).unwrap_or_default()
    }
}

/// An API key with its text.
#[derive(Serialize, JsonSchema)]
pub struct NewApiKey {
    #[serde(flatten)]
    shown: KeyView,
    /// The key itself, for `Authorization: Bearer KEY`.
    #[schemars(extend("pattern" = "^bsk_[0-9A-Z]{26}_[0-9a-f]{72}$"))]
    key: String,
}

pub async fn create_key(
    services: &Services,
    Call { caller: Reader(viewer), input: Attempt(body), new_id, now, .. }: Call<Reader, Attempt<KeyToCreate>>,
) -> Result<ShownOnce<Created<NewApiKey>>, Problem> {
    if body.expires_at.is_some_and(|expires_at| expires_at <= now) {
        return Err(Problem::field("expires_at", "must be a time in the future"));
    }
    let text = ApiKeyText::generate(new_id.into())?;
    let key = ApiKey {
        id: new_id.into(),
        user_id: viewer.user_id,
        name: body.name.into(),
        scopes: body.scopes,
        hash: text.hash(),
        created_at: now,
        valid_until: body.expires_at,
    };
    let audit = AuditEntry::new(new_id.into(), AuditAction::KeyCreated, viewer.user_id, key.id, now);
    match services.blog.table.create_key(&key, &audit).await {
        Ok(()) => {}
        Err(Refused::AlreadyDone) => {
            return Err(Problem::conflict(
                "This request created a key before, which was shown then. Revoke it and create another.",
            ));
        }
        Err(refused) => return Err(refused.into()),
    }
    let (shown, key) = (KeyView::new(key, None), text.reveal().to_owned());
    Ok(ShownOnce(Created { location: None, version: None, body: NewApiKey { shown, key } }))
}
