//! Access patterns of invitations.
//!
//! The transaction that reserves the names of a registration holds its invitation, and the one that makes the registration final uses it
//! up: so of many who come with one invitation one gets in, and a registration that is never final takes none away (docs/registration.md).

use aws_sdk_dynamodb::types::AttributeValue;

use crate::audit::record;
use crate::write::Write;
use crate::{Consistency, Entity, Refused, Table, keys, read};
use domain::{
    AuditAction, AuditEntry, AuditId, Denied, Invitation, InvitationId, Limit, Page, Timestamp, User, UserId,
};

impl Entity for Invitation {
    const TYPE: &'static str = "invitation";
}

impl Table {
    /// Stores a new invitation. [`Refused::AlreadyDone`] if an earlier try of the same request did.
    pub async fn create_invitation(&self, invitation: &Invitation, audit: &AuditEntry) -> Result<(), Refused> {
        let put = Write::put(keys::invitation(invitation.id), invitation)?
            .on_condition("attribute_not_exists(pk)")
            .on_condition_failed(Refused::AlreadyDone);
        let mut writes = vec![put];
        writes.extend(record(Some(audit))?);
        self.write(writes).await
    }

    /// An invitation, used or not.
    pub async fn invitation(&self, id: InvitationId) -> Result<Option<Invitation>, Refused> {
        self.get(&keys::invitation(id), Consistency::Strong).await
    }

    /// A page of all invitations, newest first.
    pub async fn invitations(&self, cursor: Option<&str>, limit: Limit) -> Result<Page<Invitation>, Refused> {
        let Page { items, next_cursor } = self.page(&keys::invitations(), cursor, limit, Consistency::Strong).await?;
        Ok(Page { items: items.into_iter().map(read).collect::<Result<_, _>>()?, next_cursor })
    }

    /// Deletes an invitation. A registration that holds it never becomes final. [`Refused::Absent`] if there is none.
    pub async fn delete_invitation(&self, id: InvitationId, audit: &AuditEntry) -> Result<(), Refused> {
        let delete = Write::delete(keys::invitation(id))
            .on_condition("attribute_exists(pk)")
            .on_condition_failed(Refused::Absent);
        let mut writes = vec![delete];
        writes.extend(record(Some(audit))?);
        self.write(writes).await
    }
}

/// Holds the invitation of a registration that begins, as long as its names are held. [`Denied::InvitationNotUsable`] if somebody else
/// uses it or holds it.
pub(crate) fn hold(user: &User, now: Timestamp) -> Option<Write> {
    let held_until = AttributeValue::N(user.expires_at.unwrap_or_default().to_string());
    let hold = Write::set(keys::invitation(user.invitation?), "held_by", id(user.id)).and_set("held_until", held_until);
    Some(
        hold.on_condition("attribute_exists(pk) AND attribute_not_exists(used_by) AND held_until <= :now")
            .with_value(":now", AttributeValue::N(now.seconds().to_string()))
            .on_condition_failed(Denied::InvitationNotUsable.into()),
    )
}

/// Uses up the invitation of a registration that becomes final, and says so in the audit log. [`Refused::RegistrationLapsed`] if it is
/// held no longer. The address goes from it: that of the user is in the profile, and goes with it.
pub(crate) fn use_up(reserved: &User) -> Result<Vec<Write>, Refused> {
    let Some(invitation) = reserved.invitation else { return Ok(Vec::new()) };
    let used = Write::set(keys::invitation(invitation), "used_by", id(reserved.id));
    let mut writes = vec![held(used.and_remove("email"), reserved)];
    // The id of the user is that of the entry too: there is one for each, however often this is tried.
    let entry = AuditId::from_number(reserved.id.number());
    let entry = AuditEntry::new(entry, AuditAction::InvitationUsed, reserved.id, invitation, reserved.created_at);
    writes.extend(record(Some(&entry.with_role(reserved.role)))?);
    Ok(writes)
}

/// Lets go of the invitation of a registration that is given up.
pub(crate) fn let_go(reserved: &User) -> Option<Write> {
    let never = AttributeValue::N("0".to_owned());
    Some(held(Write::set(keys::invitation(reserved.invitation?), "held_until", never), reserved))
}

/// Only if this registration holds it.
fn held(write: Write, reserved: &User) -> Write {
    write
        .on_condition("held_by = :mine")
        .with_value(":mine", id(reserved.id))
        .on_condition_failed(Refused::RegistrationLapsed)
}

fn id(id: UserId) -> AttributeValue {
    AttributeValue::S(id.to_string())
}
