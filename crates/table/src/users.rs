//! Access patterns of users.

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity, ReturnValue};
use serde::{Deserialize, Serialize};

use crate::Refused;
use crate::audit::record;
use crate::counts::Sums;
use crate::invitations::{hold, let_go, use_up};
use crate::keys::{self, Key, List};
use crate::write::{self, Write};
use crate::{Consistency, Entity, Table, key_attributes, read, sort_key};
use domain::Timestamp;
use domain::{AuditEntry, CognitoName, Denied, Email, Limit, Page, Role, SignOut, User, UserId, UserStatus, Username};

/// Who has a name or an address. The item is what makes it unique.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guarded {
    /// Whose it is.
    pub user_id: UserId,
    /// The user's name in Cognito, where it is not the id: to log in takes no look-up more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cognito_name: Option<CognitoName>,
    /// When it is free again, in seconds since 1970: a reservation that was not finished, or a username that was
    /// given up. None while it is in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    /// Whether it is a username that its user has given up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub former: bool,
    /// Whether a code to reset the password was asked for at this address, since it is its user's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reset_asked: bool,
}

impl Guarded {
    fn by(user: &User, expires_at: Option<i64>) -> Self {
        Self {
            user_id: user.id,
            cognito_name: user.cognito_name.clone(),
            expires_at,
            former: false,
            reset_asked: false,
        }
    }

    /// The user's name in Cognito.
    pub fn cognito_name(self) -> CognitoName {
        self.cognito_name.unwrap_or_else(|| self.user_id.into())
    }

    /// Whether it is only reserved, for a registration that is not finished.
    pub fn is_reserved(&self) -> bool {
        self.expires_at.is_some() && !self.former
    }
}

/// A user in a list; the profile says the rest.
#[derive(Serialize, Deserialize)]
struct ListedUser {
    user_id: UserId,
}

impl Entity for ListedUser {
    const TYPE: &'static str = "listed_user";
}

/// How long a former username leads to its user: 90 days.
const FORMER_SECONDS: i64 = 90 * 24 * 60 * 60;

/// The condition under which a name or an address can be taken.
const FREE: &str = "attribute_not_exists(pk) OR expires_at <= :now";

impl Entity for User {
    const TYPE: &'static str = "user";
}

impl Entity for Guarded {
    const TYPE: &'static str = "guard";
}

impl Table {
    /// A user's profile, also of one whose registration is not finished.
    pub async fn user(&self, id: UserId, consistency: Consistency) -> Result<Option<User>, Refused> {
        self.get(&keys::profile(id), consistency).await
    }

    /// The profile of a user whose account is in use. [`Denied::AccountNotInUse`] if it is not: the authorizer's answer may
    /// be a minute old.
    pub async fn active_user(&self, id: UserId) -> Result<User, Refused> {
        let user = self.user(id, Consistency::Strong).await?;
        Ok(user.filter(|user| user.status == UserStatus::Active).ok_or(Denied::AccountNotInUse)?)
    }

    /// A user's profile with the exact number of followers. [`user`](Self::user) costs no more and tells a number that
    /// may lag behind by a moment, as lists do.
    pub async fn user_with_counts(&self, id: UserId, consistency: Consistency) -> Result<Option<User>, Refused> {
        let items = self.query_prefix(&keys::user_partition(id), keys::PROFILE_PREFIX, consistency).await?;
        let (own, counts) =
            items.into_iter().partition::<Vec<_>, _>(|item| sort_key(item) == Some(keys::PROFILE_PREFIX));
        let user = own.into_iter().next().map(read::<User>).transpose()?;
        Ok(user.map(|user| User { followers: Sums::of(&counts).get("followers"), ..user }))
    }

    /// Who has this username, or has reserved it.
    pub async fn holder_of_username(&self, username: &Username, now: Timestamp) -> Result<Option<Guarded>, Refused> {
        self.guard(&keys::username(username), now).await
    }

    /// Who has this e-mail address, or has reserved it.
    pub async fn holder_of_email(&self, email: &Email, now: Timestamp) -> Result<Option<Guarded>, Refused> {
        self.guard(&keys::email(email), now).await
    }

    /// Who has this e-mail address; notes that a code to reset their password is asked for there. Costs the same for an address that
    /// nobody has, or that is only reserved.
    pub async fn ask_reset(&self, email: &Email) -> Result<Option<Guarded>, Refused> {
        let note = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(key_attributes(&keys::email(email))))
            .update_expression("SET reset_asked = :true")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(expires_at)")
            .expression_attribute_values(":true", AttributeValue::Bool(true))
            .return_values(ReturnValue::AllNew)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match write::outlast_transactions(&self.client, || note.clone().send()).await {
            Ok(noted) => noted.attributes.map(read).transpose(),
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(None),
            Err(error) => Err(Refused::of(error)),
        }
    }

    /// Whose name in Cognito this is, if it is none of our ids.
    pub async fn holder_of_cognito_name(&self, name: &CognitoName, now: Timestamp) -> Result<Option<Guarded>, Refused> {
        self.guard(&keys::cognito_name(name), now).await
    }

    async fn guard(&self, key: &Key, now: Timestamp) -> Result<Option<Guarded>, Refused> {
        let guard: Option<Guarded> = self.get(key, Consistency::Strong).await?;
        Ok(guard.filter(|guard| guard.expires_at.is_none_or(|expires_at| expires_at > now.seconds())))
    }

    /// Takes the user's name and address until `user.expires_at`, unless somebody has them. [`Refused::AlreadyDone`] if
    /// this very user has them, from an earlier try of the same request. Holds the user's invitation as long, if there is one;
    /// [`Denied::InvitationNotUsable`] if somebody else does.
    pub async fn reserve_user(&self, user: &User, now: Timestamp) -> Result<(), Refused> {
        let mut writes = take_names(user, now)?;
        writes.extend(hold(user, now));
        self.write(writes).await
    }

    /// Makes the profile of a user who came to Cognito by another way than ours, in use from the start.
    /// [`Refused::ProfileExists`] if their name in Cognito has one.
    pub async fn adopt_user(&self, user: &User, now: Timestamp) -> Result<(), Refused> {
        let active = user.clone().activated();
        let mut writes = vec![
            Write::put(keys::cognito_name(&user.cognito_name()), &Guarded::by(user, None))?
                .on_condition("attribute_not_exists(pk)")
                .on_condition_failed(Refused::ProfileExists),
        ];
        writes.extend(take_names(&active, now)?);
        writes.extend(relist(user, &active)?);
        if user.role == Role::Admin {
            writes.push(Write::add_to_set(keys::admins(), "admins", user.id.to_string()));
        }
        self.write(writes).await
    }

    /// Makes a reserved user's registration final. Doing it twice is the same as once.
    pub async fn activate_user(&self, reserved: &User) -> Result<User, Refused> {
        let active = reserved.clone().activated();
        let guard = Guarded::by(reserved, reserved.expires_at);
        let keep = Guarded::by(reserved, None);
        let mine = |write: Write| {
            write
                .on_condition("user_id = :mine")
                .with_value(":mine", AttributeValue::S(reserved.id.to_string()))
                .on_condition_failed(Refused::RegistrationLapsed)
        };
        let mut writes = vec![
            mine(Write::update(keys::username(&reserved.username), &guard, &keep)?),
            mine(Write::update(keys::email(&reserved.email), &guard, &keep)?),
            Write::update(keys::profile(reserved.id), reserved, &active)?
                .on_condition_failed(Refused::RegistrationLapsed),
        ];
        writes.extend(relist(reserved, &active)?);
        if reserved.role == Role::Admin {
            writes.push(Write::add_to_set(keys::admins(), "admins", reserved.id.to_string()));
        }
        writes.extend(use_up(reserved)?);
        self.write(writes).await?;
        Ok(active)
    }

    /// Makes the registration of this user final, if there is anything to complete; returns the user then. Whoever comes
    /// first does it: Cognito's trigger after an account is confirmed, the registering or confirming request itself, or the first log-in
    /// after those were interrupted. It may be done again.
    pub async fn complete_registration(&self, id: UserId) -> Result<Option<User>, Refused> {
        match self.user(id, Consistency::Strong).await? {
            Some(user) if user.status == UserStatus::Unconfirmed => Ok(Some(self.activate_user(&user).await?)),
            Some(_) => Ok(None),
            None => Err(Refused::RegistrationLapsed),
        }
    }

    /// Takes an address for a user who has shown that it is theirs, until `until`, unless somebody has it. Twice is the same as
    /// once, also when [`update_user`](Self::update_user) has made it final by then.
    pub async fn reserve_email(
        &self,
        user: &User,
        email: &Email,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let reserve = Write::put(keys::email(email), &Guarded::by(user, Some(until.seconds())))?
            .on_condition(format!("{FREE} OR (user_id = :own AND attribute_exists(expires_at))"))
            .with_value(":now", AttributeValue::N(now.seconds().to_string()))
            .with_value(":own", AttributeValue::S(user.id.to_string()))
            .on_condition_failed(Refused::EmailTaken);
        match self.write(vec![reserve]).await {
            Err(Refused::EmailTaken) => match self.holder_of_email(email, now).await? {
                Some(holder) if holder.user_id == user.id => Ok(()),
                _ => Err(Refused::EmailTaken),
            },
            outcome => outcome,
        }
    }

    /// Writes the next version of a profile. [`Refused::Changed`] if `old` is no longer what is there.
    ///
    /// The administrators who are in office are a set of their own, changed along with the role and the status, so that of two
    /// who step down at the same moment one stays. A username that is given up leads to its user for 90 days, and is then free; an
    /// address that is given up is free at once.
    pub async fn update_user(
        &self,
        old: &User,
        new: &User,
        audit: Option<&AuditEntry>,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let mut writes = vec![
            Write::update(keys::profile(old.id), old, new)?
                .at_version(old.version)
                .on_condition_failed(Refused::Changed),
        ];
        match (old.is_active_admin(), new.is_active_admin()) {
            (false, true) => writes.push(Write::add_to_set(keys::admins(), "admins", old.id.to_string())),
            (true, false) => writes.push(
                Write::delete_from_set(keys::admins(), "admins", old.id.to_string())
                    .on_condition("size(admins) > :one")
                    .with_value(":one", AttributeValue::N("1".to_owned()))
                    .on_condition_failed(Refused::LastAdmin),
            ),
            _ => {}
        }
        writes.extend(relist(old, new)?);
        if old.username != new.username {
            let expires_at = Some(now.plus_seconds(FORMER_SECONDS).seconds());
            let former = Guarded { former: true, ..Guarded::by(old, expires_at) };
            let own = Guarded::by(old, None);
            writes.push(Write::put(keys::username(&old.username), &former)?);
            writes.push(
                Write::put(keys::username(&new.username), &own)?
                    .on_condition(format!("{FREE} OR user_id = :own"))
                    .with_value(":now", AttributeValue::N(now.seconds().to_string()))
                    .with_value(":own", AttributeValue::S(old.id.to_string()))
                    .on_condition_failed(Refused::UsernameTaken),
            );
        }
        if old.email != new.email {
            writes.push(Write::delete(keys::email(&old.email)));
            writes.push(
                Write::put(keys::email(&new.email), &Guarded::by(old, None))?
                    .on_condition(format!("{FREE} OR user_id = :own"))
                    .with_value(":now", AttributeValue::N(now.seconds().to_string()))
                    .with_value(":own", AttributeValue::S(old.id.to_string()))
                    .on_condition_failed(Refused::EmailTaken),
            );
        }
        writes.extend(record(audit)?);
        self.write(writes).await
    }

    /// A page of a list of users, newest first, with their profiles. `cursor` is what the page before this one gave.
    pub async fn users(&self, list: &List, cursor: Option<&str>, limit: Limit) -> Result<Page<User>, Refused> {
        let Page { items, next_cursor } = self.page(list, cursor, limit, Consistency::Strong).await?;
        let ids = items.into_iter().map(read).collect::<Result<Vec<ListedUser>, _>>()?;
        let ids: Vec<_> = ids.into_iter().map(|listed| listed.user_id).collect();
        let users = self.users_seen_by(None, &ids, Consistency::Strong).await?;
        Ok(Page { items: users.into_iter().map(|(user, _)| user).collect(), next_cursor })
    }

    /// Deletes what the table has of a user besides posts; the profile last, because it says what there is to do. May
    /// be stopped anywhere and begun again.
    pub async fn delete_user(&self, user: &User) -> Result<(), Refused> {
        // A name that somebody else has by now is left to them.
        let names = [keys::username(&user.username), keys::email(&user.email)];
        for key in names.into_iter().chain(user.cognito_name.as_ref().map(keys::cognito_name)) {
            let mine = Write::delete(key)
                .on_condition("user_id = :mine")
                .with_value(":mine", AttributeValue::S(user.id.to_string()))
                .on_condition_failed(Refused::Changed);
            match self.write(vec![mine]).await {
                Ok(()) | Err(Refused::Changed) => {}
                Err(error) => return Err(error),
            }
        }
        self.take_counts_of_user(user.id).await?;
        self.write(vec![Write::delete(keys::profile(user.id))]).await
    }

    /// Lets this session live, which was begun after `sign_out` was written, but whose clock does not show it.
    /// [`Refused::Changed`] if the user has signed out again since, or another session was spared: `sign_out` has to be read, and the
    /// session begun, anew.
    pub async fn spare_session(&self, id: UserId, sign_out: &SignOut, session: String) -> Result<(), Refused> {
        let mut sparing = sign_out.clone();
        sparing.except.push(session);
        let [before, after] = [sign_out, &sparing].map(serde_dynamo::to_attribute_value);
        let spare = Write::set(keys::profile(id), "signed_out", after.map_err(Refused::internal)?)
            .on_condition("signed_out = :before")
            .with_value(":before", before.map_err(Refused::internal)?)
            .on_condition_failed(Refused::Changed);
        self.write(vec![spare]).await
    }

    /// Lets no session that began before count any longer. Not a new version: nothing of the profile changes.
    pub async fn sign_out(&self, id: UserId, sign_out: &SignOut) -> Result<(), Refused> {
        let sign_out = serde_dynamo::to_attribute_value(sign_out).map_err(Refused::internal)?;
        self.write(vec![Write::set(keys::profile(id), "signed_out", sign_out)]).await
    }

    /// Gives a reserved user's name, address and invitation back, unless the registration is complete by now.
    pub async fn release_user(&self, reserved: &User) -> Result<(), Refused> {
        let mine = |key: Key| {
            Write::delete(key)
                .on_condition("user_id = :mine AND attribute_exists(expires_at)")
                .with_value(":mine", AttributeValue::S(reserved.id.to_string()))
                .on_condition_failed(Refused::RegistrationLapsed)
        };
        let mut writes = vec![
            mine(keys::username(&reserved.username)),
            mine(keys::email(&reserved.email)),
            Write::delete(keys::profile(reserved.id)),
        ];
        writes.extend(let_go(reserved));
        self.write(writes).await
    }
}

/// Takes a new user's name and address until `user.expires_at`, and puts the profile.
fn take_names(user: &User, now: Timestamp) -> Result<Vec<Write>, Refused> {
    let guard = Guarded::by(user, user.expires_at);
    let take = |key: Key, taken: Refused| {
        Ok::<_, Refused>(
            Write::put(key, &guard)?
                .on_condition(FREE)
                .with_value(":now", AttributeValue::N(now.seconds().to_string()))
                .on_condition_failed(taken),
        )
    };
    Ok(vec![
        // The first that fails is what is answered, and whose profile is there has the names too.
        Write::put(keys::profile(user.id), user)?
            .on_condition("attribute_not_exists(pk)")
            .on_condition_failed(Refused::AlreadyDone),
        take(keys::username(&user.username), Refused::UsernameTaken)?,
        take(keys::email(&user.email), Refused::EmailTaken)?,
    ])
}

/// The writes that take a user out of lists and into others.
fn relist(old: &User, new: &User) -> Result<Vec<Write>, Refused> {
    let (listed, list) = (keys::list_items_of_user(old), keys::list_items_of_user(new));
    let mut writes: Vec<_> = listed.iter().filter(|key| !list.contains(key)).cloned().map(Write::delete).collect();
    for key in list.into_iter().filter(|key| !listed.contains(key)) {
        writes.push(Write::put(key, &ListedUser { user_id: new.id })?);
    }
    Ok(writes)
}
