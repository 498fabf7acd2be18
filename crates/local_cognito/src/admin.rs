//! The calls that AWS authorises with IAM. (Whoever reaches the local pool may make them.)

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::Cognito;
use crate::fault::Fault;
use crate::request::Request;
use crate::rules;
use crate::store::{Db, User};

impl Cognito {
    /// Confirms the user, not the address: `email_verified` stays false.
    /// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminConfirmSignUp.html>
    pub(super) fn admin_confirm_sign_up(&self, request: &Request) -> Result<Value, Fault> {
        let now = (self.now)();
        let user = self.with_user(request, |db, mut user| {
            if user.confirmed {
                return Err(Fault::not_authorized("User cannot be confirmed. Current status is CONFIRMED"));
            }
            user.confirmed = true;
            user.modified_at = now;
            db.save(&user)?;
            Ok(user)
        })?;
        self.post_confirmation("ConfirmSignUp", &user)?;
        Ok(json!({}))
    }

    pub(super) fn admin_get_user(&self, request: &Request) -> Result<Value, Fault> {
        self.with_user(request, |_, user| {
            let attribute = |name: &str, value: &str| json!({ "Name": name, "Value": value });
            let mut attributes = vec![attribute("sub", &user.sub)];
            attributes.extend(user.attributes.iter().map(|(name, value)| attribute(name, value)));
            Ok(json!({
                "Username": user.username,
                "UserAttributes": attributes,
                "UserCreateDate": seconds(user.created_at),
                "UserLastModifiedDate": seconds(user.modified_at),
                "Enabled": user.enabled,
                "UserStatus": if user.confirmed { "CONFIRMED" } else { "UNCONFIRMED" },
            }))
        })
    }

    pub(super) fn admin_delete_user(&self, request: &Request) -> Result<Value, Fault> {
        self.with_user(request, |db, user| {
            db.delete(&user)?;
            Ok(json!({}))
        })
    }

    pub(super) fn admin_update_user_attributes(&self, request: &Request) -> Result<Value, Fault> {
        let given = request.required_attributes()?;
        self.change(request, |_, user| {
            let attributes = std::mem::take(&mut user.attributes);
            user.attributes = rules::updated_attributes(attributes, given)?;
            Ok(())
        })
    }

    /// Access tokens stay good for whoever only checks their signature; the pool itself takes them no more.
    /// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminUserGlobalSignOut.html>
    pub(super) fn admin_user_global_sign_out(&self, request: &Request) -> Result<Value, Fault> {
        self.with_user(request, |db, user| {
            db.revoke_all(&user)?;
            Ok(json!({}))
        })
    }

    /// Ends the sessions too, for good: enabling the user again does not bring them back.
    /// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminDisableUser.html>
    pub(super) fn admin_disable_user(&self, request: &Request) -> Result<Value, Fault> {
        self.change(request, |db, user| {
            user.enabled = false;
            Ok(db.revoke_all(user)?)
        })
    }

    pub(super) fn admin_enable_user(&self, request: &Request) -> Result<Value, Fault> {
        self.change(request, |_, user| {
            user.enabled = true;
            Ok(())
        })
    }

    /// A permanent password confirms its user. A temporary one would have to be changed by the challenge
    /// `NEW_PASSWORD_REQUIRED`, which this pool's calls do not include, so it is refused.
    /// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminSetUserPassword.html>
    pub(super) fn admin_set_user_password(&self, request: &Request) -> Result<Value, Fault> {
        let least = self.settings.password_minimum_length;
        let password = request.new_password("Password", least)?;
        if !request.flag("Permanent")? {
            return Err(Fault::invalid_parameter("Temporary passwords are not supported by the local user pool."));
        }
        let password_hash = self.passwords.hash(password)?;
        self.change(request, |db, user| {
            user.password_hash = password_hash;
            user.confirmed = true;
            Ok(db.clear_lockout(&user.username)?)
        })
    }

    pub(super) fn describe_user_pool(&self, request: &Request) -> Result<Value, Fault> {
        self.check_pool(request)?;
        let read = |db: &Db<'_>| Ok((db.pool_created_at()?, db.user_count()?));
        let (created, users) = self.store.write(read)?;
        let id = &self.settings.user_pool_id;
        let region = &self.settings.region;
        Ok(json!({ "UserPool": {
            "Id": id,
            "Name": id.split_once('_').map_or(id.as_str(), |(_, name)| name),
            "Arn": format!("arn:aws:cognito-idp:{region}:000000000000:userpool/{id}"),
            "CreationDate": seconds(created),
            "LastModifiedDate": seconds(created),
            "EstimatedNumberOfUsers": users,
            "AutoVerifiedAttributes": ["email"],
            "UsernameConfiguration": { "CaseSensitive": false },
            "MfaConfiguration": "OFF",
            "AdminCreateUserConfig": { "AllowAdminCreateUserOnly": false },
            "AccountRecoverySetting": {
                "RecoveryMechanisms": [{ "Name": "verified_email", "Priority": 1 }],
            },
            "Policies": { "PasswordPolicy": {
                "MinimumLength": self.settings.password_minimum_length,
                "RequireLowercase": false,
                "RequireNumbers": false,
                "RequireSymbols": false,
                "RequireUppercase": false,
            } },
        } }))
    }

    /// Does `work` with the user that the request names. An administrator is told when there is none.
    fn with_user<T>(
        &self,
        request: &Request,
        work: impl FnOnce(&Db<'_>, User) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let username = request.username()?;
        self.check_pool(request)?;
        self.store.write(|db| {
            let user = db.user(&username)?.ok_or_else(Fault::user_not_found)?;
            work(db, user)
        })
    }

    /// The same, saving the changed user.
    fn change(
        &self,
        request: &Request,
        change: impl FnOnce(&Db<'_>, &mut User) -> Result<(), Fault>,
    ) -> Result<Value, Fault> {
        let now = (self.now)();
        self.with_user(request, |db, mut user| {
            change(db, &mut user)?;
            user.modified_at = now;
            db.save(&user)?;
            Ok(json!({}))
        })
    }
}

/// A timestamp of the protocol: seconds since 1970, with a fraction.
fn seconds(time: Timestamp) -> f64 {
    time.as_millisecond() as f64 / 1000.0
}
