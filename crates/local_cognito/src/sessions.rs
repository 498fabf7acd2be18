//! Signing in, refreshing, signing out, and what a session's access token allows.

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::fault::Fault;
use crate::request::Request;
use crate::rules::{self, Lockout};
use crate::store::{Db, Session, User, earlier, later};
use crate::{Cognito, random, tokens};

impl Cognito {
    /// What anybody may do who knows the app client.
    /// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_InitiateAuth.html>
    pub(super) fn initiate_auth(&self, request: &Request) -> Result<Value, Fault> {
        let flow = request.required("AuthFlow")?;
        self.check_client(request)?;
        let closed = || Fault::invalid_parameter(format!("{flow} flow not enabled for this client"));
        match flow {
            "USER_PASSWORD_AUTH" if self.allows(flow) => self.sign_in(request),
            "REFRESH_TOKEN_AUTH" | "REFRESH_TOKEN" => self.refresh(request),
            "USER_PASSWORD_AUTH" | "USER_SRP_AUTH" | "CUSTOM_AUTH" | "USER_AUTH" => Err(closed()),
            "ADMIN_NO_SRP_AUTH" | "ADMIN_USER_PASSWORD_AUTH" => Err(not_this_way()),
            _ => Err(no_flow()),
        }
    }

    /// The same for who may administer the pool: the answers do not tell more
    /// (<https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pool-managing-errors.html>), and the flow
    /// of passwords is another one.
    /// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminInitiateAuth.html>
    pub(super) fn admin_initiate_auth(&self, request: &Request) -> Result<Value, Fault> {
        let flow = request.required("AuthFlow")?;
        self.check_pool(request)?;
        self.check_client(request)?;
        let closed = || Fault::invalid_parameter("Auth flow not enabled for this client");
        match flow {
            // The first is what the second was called before.
            "ADMIN_NO_SRP_AUTH" | "ADMIN_USER_PASSWORD_AUTH" if self.allows("ADMIN_USER_PASSWORD_AUTH") => {
                self.sign_in(request)
            }
            "REFRESH_TOKEN_AUTH" | "REFRESH_TOKEN" => self.refresh(request),
            "ADMIN_NO_SRP_AUTH" | "ADMIN_USER_PASSWORD_AUTH" | "USER_SRP_AUTH" | "CUSTOM_AUTH" | "USER_AUTH" => {
                Err(closed())
            }
            "USER_PASSWORD_AUTH" => Err(not_this_way()),
            _ => Err(no_flow()),
        }
    }

    /// Whether the app client has this flow. Refreshing every client has to have.
    fn allows(&self, flow: &str) -> bool {
        self.settings.auth_flows.iter().any(|allowed| allowed.strip_prefix("ALLOW_") == Some(flow))
    }

    /// That a user is disabled or unconfirmed is told only to who knows the password.
    fn sign_in(&self, request: &Request) -> Result<Value, Fault> {
        let username = request.auth_parameter("USERNAME")?;
        let password = request.auth_parameter("PASSWORD")?;
        self.check_secret(username, request.auth_parameter("SECRET_HASH").ok())?;
        let username = rules::fold(username);
        let now = (self.now)();
        let refresh_token = random::refresh_token()?;
        let session = |user: &User| -> Result<Session, Fault> {
            Ok(Session {
                origin_jti: random::uuid()?,
                sub: user.sub.clone(),
                refresh_hash: hash(&refresh_token),
                signed_in_at: now,
                expires_at: later(now, self.settings.refresh_token_validity),
                revoked: false,
            })
        };
        let locked = || Fault::not_authorized("Password attempts exceeded");
        let (user, session) = self.with_password(&username, password, now, locked, |db, user| {
            if !user.enabled {
                return Err(Fault::not_authorized("User is disabled."));
            }
            if !user.confirmed {
                return Err(Fault::refused("UserNotConfirmedException", "User is not confirmed."));
            }
            let session = session(&user)?;
            db.add_session(&session, earlier(now, self.settings.access_token_validity))?;
            Ok((user, session))
        })?;
        let mut result = self.issue(&user, &session, now)?;
        result.insert("RefreshToken".to_owned(), refresh_token.into());
        Ok(json!({ "AuthenticationResult": result, "ChallengeParameters": {} }))
    }

    /// New tokens of the same session. The secret's hash is that of the name of the token's user, as tokens write it. The client does not rotate refresh tokens, so there is no new one.
    /// <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-refresh-token.html>
    fn refresh(&self, request: &Request) -> Result<Value, Fault> {
        let token = request.auth_parameter("REFRESH_TOKEN")?;
        let secret_hash = request.auth_parameter("SECRET_HASH").ok();
        if secret_hash.is_none() {
            self.check_secret("", None)?;
        }
        let now = (self.now)();
        let (user, session) = self.store.write(|db| {
            let invalid = || Fault::not_authorized("Invalid Refresh Token.");
            let session = db.session_by_refresh(&hash(token))?.ok_or_else(invalid)?;
            let user = db.user(&session.sub)?.ok_or_else(invalid)?;
            self.check_secret(&user.username, secret_hash)?;
            if session.revoked {
                return Err(Fault::not_authorized("Refresh Token has been revoked"));
            }
            if session.expires_at <= now {
                return Err(Fault::not_authorized("Refresh Token has expired"));
            }
            Ok((user, session))
        })?;
        let result = self.issue(&user, &session, now)?;
        Ok(json!({ "AuthenticationResult": result, "ChallengeParameters": {} }))
    }

    /// Revokes a refresh token, and with it the access tokens of its session. An unknown token is no error, as in RFC
    /// 7009 section 2.2, which the call is the JSON form of; a JWT is no refresh token.
    /// <https://docs.aws.amazon.com/cognito/latest/developerguide/token-revocation.html>
    pub(super) fn revoke_token(&self, request: &Request) -> Result<Value, Fault> {
        let token = request.required("Token")?;
        // The call's errors have no `ResourceNotFoundException`.
        if request.required("ClientId")? != self.settings.client_id {
            return Err(Fault::refused("UnauthorizedException", "Invalid client."));
        }
        if request.text("ClientSecret")? != Some(self.settings.client_secret.as_str()) {
            return Err(Fault::refused("UnauthorizedException", "Invalid client secret."));
        }
        if token.split('.').count() == 3 {
            return Err(Fault::refused("UnsupportedTokenTypeException", "Unsupported token type"));
        }
        self.store.write(|db| Ok(db.revoke(&hash(token))?))?;
        Ok(json!({}))
    }

    pub(super) fn global_sign_out(&self, request: &Request) -> Result<Value, Fault> {
        let claims = self.access_claims(request, (self.now)())?;
        self.store.write(|db| {
            let user = session_user(db, &claims)?;
            Ok(db.revoke_all(&user)?)
        })?;
        Ok(json!({}))
    }

    /// What a user may do to themselves with an access token. No user of ours has one, so all that is told apart is whether the
    /// token would open it; then the call is refused as one that is not known here.
    pub(super) fn self_service(&self, request: &Request) -> Result<Value, Fault> {
        let claims = self.access_claims(request, (self.now)())?;
        self.store.write(|db| session_user(db, &claims))?;
        Err(Fault::refused("UnknownOperationException", "The local user pool does not answer this call."))
    }

    /// Wrong current passwords lock as at signing in, but are told apart by the exception. Sessions stay.
    /// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ChangePassword.html>
    pub(super) fn change_password(&self, request: &Request) -> Result<Value, Fault> {
        let least = self.settings.password_minimum_length;
        let previous = request.required("PreviousPassword")?;
        let proposed = request.new_password("ProposedPassword", least)?;
        let now = (self.now)();
        let claims = self.access_claims(request, now)?;
        let username = self.store.write(|db| Ok(session_user(db, &claims)?.username))?;
        let password_hash = self.passwords.hash(proposed)?;
        let locked = Fault::limit_exceeded;
        self.with_password(&username, previous, now, locked, |db, mut user| {
            session_user(db, &claims)?;
            user.password_hash = password_hash;
            user.modified_at = now;
            Ok(db.save(&user)?)
        })?;
        Ok(json!({}))
    }

    /// Does `then`, in one transaction, with the user whose password it is.
    ///
    /// The hash is computed between two transactions, since it takes long. The second looks at the lockout again, so
    /// guesses made at the same time count one by one, and makes sure that the password is still the one checked.
    fn with_password<T>(
        &self,
        username: &str,
        password: &str,
        now: Timestamp,
        locked: impl Fn() -> Fault,
        then: impl FnOnce(&Db<'_>, User) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let (name, password_hash) = self.store.write(|db| {
            let user = db.user(username)?;
            let name = user.as_ref().map_or(username, |user| &user.username);
            check_lockout(db, name, now, &locked)?;
            let name = name.to_owned();
            Ok((name, user.map(|user| user.password_hash)))
        })?;
        let right = self.passwords.verify(password, password_hash.as_deref())?;
        self.store.write(|db| {
            check_lockout(db, &name, now, &locked)?;
            let user = db.user(&name)?;
            let same = |user: &User| right && Some(&user.password_hash) == password_hash.as_ref();
            let Some(user) = user.filter(same) else {
                let before = db.lockout(&name)?;
                db.put_lockout(&name, Lockout::after_failure(before, now))?;
                return Err(Fault::incorrect_login());
            };
            db.clear_lockout(&name)?;
            then(db, user)
        })
    }

    fn access_claims(&self, request: &Request, now: Timestamp) -> Result<tokens::AccessClaims, Fault> {
        let token = request.required("AccessToken")?;
        let client = &self.settings.client_id;
        self.keys.verify_access(token, &self.issuer(), client, now)
    }

    /// The tokens of a session.
    /// <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html>
    /// <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-id-token.html>
    fn issue(&self, user: &User, session: &Session, now: Timestamp) -> Result<serde_json::Map<String, Value>, Fault> {
        let validity = self.settings.access_token_validity;
        let common = json!({
            "sub": user.sub,
            "iss": self.issuer(),
            "origin_jti": session.origin_jti,
            "event_id": random::uuid()?,
            "auth_time": session.signed_in_at.as_second(),
            "exp": later(now, validity).as_second(),
            "iat": now.as_second(),
        });
        let mut access = common.clone();
        merge(
            &mut access,
            json!({
                "client_id": self.settings.client_id,
                "token_use": "access",
                "scope": tokens::SCOPE,
                "jti": random::uuid()?,
                "username": user.username,
            }),
        );
        let attribute = |(name, value): (&String, &String)| {
            let flag = name.ends_with("_verified");
            let value = if flag { json!(value == "true") } else { json!(value) };
            (name.clone(), value)
        };
        // "The ID token contains the attributes that the app client has permission to read."
        let readable = |(name, _): &(&String, &String)| self.settings.read_attributes.contains(name);
        let mut id = user.attributes.iter().filter(readable).map(attribute).collect();
        merge(&mut id, common);
        merge(
            &mut id,
            json!({
                "aud": self.settings.client_id,
                "token_use": "id",
                "jti": random::uuid()?,
                "cognito:username": user.username,
            }),
        );
        let mut result = serde_json::Map::new();
        result.insert("AccessToken".to_owned(), self.keys.access.sign(&access)?.into());
        result.insert("ExpiresIn".to_owned(), validity.as_secs().into());
        result.insert("IdToken".to_owned(), self.keys.id.sign(&id)?.into());
        result.insert("TokenType".to_owned(), "Bearer".into());
        Ok(result)
    }
}

/// The flow is for the other of the two calls.
fn not_this_way() -> Fault {
    Fault::invalid_parameter("Initiate Auth method not supported.")
}

fn no_flow() -> Fault {
    Fault::constraint(
        "authFlow",
        "Member must satisfy enum value set: [USER_SRP_AUTH, REFRESH_TOKEN_AUTH, REFRESH_TOKEN, CUSTOM_AUTH, \
         ADMIN_NO_SRP_AUTH, USER_PASSWORD_AUTH, ADMIN_USER_PASSWORD_AUTH, USER_AUTH]",
    )
}

/// Refresh tokens are kept as their SHA-256: they are random, so nothing slower is needed.
fn hash(token: &str) -> Vec<u8> {
    digest(&SHA256, token.as_bytes()).as_ref().to_vec()
}

fn check_lockout(db: &Db<'_>, name: &str, now: Timestamp, locked: impl Fn() -> Fault) -> Result<(), Fault> {
    match db.lockout(name)?.filter(|lockout| lockout.holds(now)) {
        Some(lockout) => {
            db.put_lockout(name, lockout.seen(now))?;
            Err(locked())
        }
        None => Ok(()),
    }
}

/// Whose session an access token belongs to, unless it was revoked. A deleted user has no session.
fn session_user(db: &Db<'_>, claims: &tokens::AccessClaims) -> Result<User, Fault> {
    let revoked = || Fault::not_authorized("Access Token has been revoked");
    let session = db.session(&claims.origin_jti)?;
    let session = session.filter(|session| !session.revoked).ok_or_else(revoked)?;
    db.user(&session.sub)?.ok_or_else(revoked)
}

fn merge(claims: &mut Value, more: Value) {
    if let (Value::Object(claims), Value::Object(more)) = (claims, more) {
        claims.extend(more);
    }
}
