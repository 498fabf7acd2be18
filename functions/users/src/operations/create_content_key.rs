//! `POST /admin/content-keys`: Create a key of Ghost's Content API, with which a front end that is made for Ghost reads the blog. It opens
//! nothing that is not public, so it may stand in a front end's scripts.

use domain::{AuditAction, AuditEntry, ContentKey, ContentKeyText, KeyName, fields};
use edge::{Admin, Body, Call, Created, Problem, random_bytes};
use table::Refused;

use crate::Services;
use crate::shared::content_key_view::ContentKeyView;
use crate::shared::lookup::still_admin;

fields! {
    pub struct ContentKeyToCreate {
        /// What the key is for, such as the name of the front end.
        name: KeyName,
    }
}

pub async fn create_content_key(
    services: &Services,
    Call { caller: Admin(viewer), input: Body(body), new_id, now, .. }: Call<Admin, Body<ContentKeyToCreate>>,
) -> Result<Created<ContentKeyView>, Problem> {
    let table = &services.blog.table;
    still_admin(&services.blog, &viewer).await?;
    let key = ContentKey {
        id: new_id.into(),
        name: body.name.into(),
        key: ContentKeyText::of_bytes(random_bytes()?),
        created_at: now,
    };
    let audit = AuditEntry::new(new_id.into(), AuditAction::ContentKeyCreated, viewer.user_id, key.id, now);
    let key = match table.create_content_key(&key, &audit).await {
        Ok(()) => key,
        // An earlier try of this request did.
        Err(Refused::AlreadyDone) => table.content_key(key.id).await?.ok_or(Refused::Absent)?,
        Err(refused) => return Err(refused.into()),
    };
    Ok(Created { location: None, version: None, body: ContentKeyView::new(key) })
}
