//! `GET /admin/audit`: List the audit log, newest first: who did what to whom, and when. The filters are who did it, or whom or what it
//! was done to.

use std::collections::HashMap;

use domain::{
    AuditAction, AuditEntry, AuditId, AuditedId, AuditedKind, AuditedName, Limit, Page, Role, Timestamp, UserId,
    Username, fields,
};
use edge::{Admin, Blog, Call, Problem, Query};
use schemars::JsonSchema;
use serde::Serialize;
use table::{Consistency, keys};

use crate::Services;

fields! {
    pub struct Filters {
        limit: Option<Limit>,
        /// The `next_cursor` of the page before.
        cursor: Option<String>,
        /// Only what this user did: a username or a user id.
        actor: Option<AuditedName>,
        /// Only what was done to this user or thing: a username, or the id of a user, a post, a comment and so on. Cannot be combined
        /// with `actor`.
        subject: Option<AuditedName>,
    }
}

/// An entry of the audit log.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuditEntry")]
pub struct AuditEntryView {
    id: AuditId,
    action: AuditAction,
    actor: Actor,
    subject: Audited,
    /// The role that was given. Null if none was.
    role: Option<Role>,
    at: Timestamp,
}

/// Who did it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuditActor")]
struct Actor {
    id: UserId,
    /// The username that they have now. Null if the account was deleted.
    username: Option<Username>,
}

/// What it was done to.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuditSubject")]
struct Audited {
    kind: AuditedKind,
    id: AuditedId,
    /// The username that a user has now. Null for all else, and if the account was deleted.
    username: Option<Username>,
}

pub async fn list_audit(
    services: &Services,
    Call { input: Query(query), now, .. }: Call<Admin, Query<Filters>>,
) -> Result<Page<AuditEntryView>, Problem> {
    let blog = &services.blog;
    let list = match (&query.actor, &query.subject) {
        (None, None) => keys::audit(),
        (Some(actor), None) => keys::audit_of_actor(UserId::from_number(id_named(blog, "actor", actor, now).await?.number())),
        (None, Some(subject)) => keys::audit_of_subject(id_named(blog, "subject", subject, now).await?),
        (Some(_), Some(_)) => return Err(Problem::field("subject", "cannot be combined with actor")),
    };
    let limit = query.limit.unwrap_or_default();
    let page = blog.table.audit(&list, query.cursor.as_deref(), limit).await?;
    let names = usernames(blog, &page.items).await?;
    Ok(page.map(|entry| view(entry, &names)))
}

/// The id that a filter names. A former username means who had it.
async fn id_named(blog: &Blog, field: &str, name: &AuditedName, now: Timestamp) -> Result<AuditedId, Problem> {
    match name {
        AuditedName::Id(id) => Ok(*id),
        AuditedName::Username(username) => {
            let holder = blog.table.holder_of_username(username, now).await?.filter(|holder| !holder.is_reserved());
            let holder = holder.ok_or_else(|| Problem::field(field, "is nobody's username"))?;
            Ok(AuditedId::from_number(holder.user_id.number()))
        }
    }
}

/// The usernames of the users that these entries name.
async fn usernames(blog: &Blog, entries: &[AuditEntry]) -> Result<HashMap<UserId, Username>, Problem> {
    let named = |entry: &AuditEntry| [Some(entry.actor), user_of(entry)];
    let ids: Vec<_> = entries.iter().flat_map(named).flatten().collect();
    let users = blog.table.users_seen_by(None, &ids, Consistency::Strong).await?;
    Ok(users.into_iter().map(|(user, _)| (user.id, user.username)).collect())
}

/// The user whom something was done to.
fn user_of(entry: &AuditEntry) -> Option<UserId> {
    (entry.action.kind() == AuditedKind::User).then(|| UserId::from_number(entry.subject.number()))
}

fn view(entry: AuditEntry, names: &HashMap<UserId, Username>) -> AuditEntryView {
    let username = user_of(&entry).and_then(|user| names.get(&user).cloned());
    let AuditEntry { id, action, actor, subject, role, at } = entry;
    AuditEntryView {
        id,
        action,
        actor: Actor { id: actor, username: names.get(&actor).cloned() },
        subject: Audited { kind: action.kind(), id: subject, username },
        role,
        at,
    }
}
