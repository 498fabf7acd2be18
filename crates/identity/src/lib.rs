//! The Cognito calls that operations make, with Cognito's error codes read one by one. Checking tokens is apart from
//! them, in the crate `tokens`, so that only who manages accounts links the client of Cognito.

mod secret_hash;

use aws::{Failure, Meter, Rejected, Sdk, Service};
use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_cognitoidentityprovider::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cognitoidentityprovider::types::{
    AttributeType, AuthFlowType, AuthenticationResultType, ChallengeNameType, UserStatusType,
};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{CognitoName, ConfirmationCode, Denied, Email, MailAccount, NewPassword, Password, RefreshToken, UserId};
use serde::Deserialize;

use crate::secret_hash::SecretHash;

/// The user pool. Whoever registers with us is named by their [`UserId`] there, so usernames and addresses can change
/// here; whoever came by another way has a [`CognitoName`] of their own.
pub struct Identity {
    client: Client,
    user_pool_id: String,
    client_id: String,
    secret: SecretHash,
}

/// What logging in gives.
pub struct Tokens {
    /// What the client shows with its requests: Cognito's ID token. Its access token stays here, because whoever has that may
    /// change the address and delete the account at Cognito itself (docs/adr/0019).
    pub bearer: String,
    /// The refresh token; refreshing gives no new one. It is Cognito's, with the name of its user behind it, because
    /// Cognito wants a hash of that name with it.
    pub refresh_token: Option<String>,
    /// Seconds that the bearer is good for.
    pub expires_in: i32,
    /// The session that they belong to.
    pub session: Session,
}

/// What a log-in begins and refreshing goes on with.
pub struct Session {
    /// Its id.
    pub id: String,
    /// When it began by Cognito's clock, in seconds since 1970.
    pub began_at: i64,
}

/// Between a refresh token of Cognito's and the name of its user. No token contains it.
/// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AuthenticationResultType.html>
const SEPARATOR: char = '~';

/// Too many wrong passwords lately, so that Cognito does not look at this one. It is an error like that of a wrong password but
/// for its text; to tell the owner that the right password is wrong would be worse than reading it.
const LOCKED: &str = "Password attempts exceeded";

/// The maximum number of tries to send a message while others send one of the same kind.
const MAX_TRIES: usize = 3;

impl Identity {
    /// The user pool with this id, by way of this app client with its secret, which may be empty where only calls of
    /// administrators are made. Makes no network call.
    pub fn new(sdk: &Sdk, user_pool_id: String, client_id: String, client_secret: &str) -> Self {
        let meter = Meter { count: |usage| usage.cognito_calls += 1, units: aws::no_units };
        let config = sdk.config(Service::Cognito);
        let config = aws_sdk_cognitoidentityprovider::config::Builder::from(&config).interceptor(meter).build();
        let secret = SecretHash::new(client_secret, &client_id);
        Self { client: Client::from_conf(config), user_pool_id, client_id, secret }
    }

    /// Makes an account, which waits for its code unless the `pre_sign_up` trigger confirms it. Doing it twice is the
    /// same as once.
    pub async fn sign_up(&self, id: UserId, email: &Email, password: &NewPassword) -> Result<(), Rejected> {
        // The id is new, so one that is there is our own: an answer was lost and the SDK asked again.
        self.make(&id.into(), email, password.reveal()).await.map(drop)
    }

    /// Makes an account with this name, unless there is one already.
    async fn make(&self, name: &CognitoName, email: &Email, password: &str) -> Result<Made, Rejected> {
        let answer = self
            .client
            .sign_up()
            .client_id(&self.client_id)
            .secret_hash(self.secret.of(name.as_str()))
            .username(name.as_str())
            .password(password)
            .user_attributes(attribute("email", email.as_str())?)
            .send()
            .await;
        match answer {
            Ok(_) => Ok(Made::Now),
            Err(error) => match error.code() {
                Some("UsernameExistsException") => Ok(Made::Before),
                // Cognito made the account; only the message could not be sent, at all or for today. It can be sent again.
                // <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_SignUp.html>
                Some("CodeDeliveryFailureException" | "LimitExceededException") => Ok(Made::Now),
                _ if is_left_to_us(&error) => Ok(Made::Now),
                Some("InvalidPasswordException") => Err(Denied::PasswordNotAccepted.into()),
                // Of what is sent, only the address and the password are the client's. Which one Cognito means, it says in
                // words that may change; it names a password that breaks a rule by an error of its own, above.
                Some("InvalidParameterException") => {
                    Err(Denied::field("email", "is not accepted; use another address").into())
                }
                _ => Err(Failure::of(error).into()),
            },
        }
    }

    /// Makes an account usable if the code is right; the registration may still have to be finished. The same 422 for an unknown account, a wrong code, an
    /// old one, and too many tries.
    pub async fn confirm(&self, id: UserId, code: &ConfirmationCode) -> Result<(), Rejected> {
        self.enter_code(&id.into(), code).await
    }

    /// Enters the code that was sent when this account was made.
    async fn enter_code(&self, name: &CognitoName, code: &ConfirmationCode) -> Result<(), Rejected> {
        let answer = self
            .client
            .confirm_sign_up()
            .client_id(&self.client_id)
            .secret_hash(self.secret.of(name.as_str()))
            .username(name.as_str())
            .confirmation_code(code.as_str())
            .send()
            .await;
        match answer {
            Ok(_) => Ok(()),
            Err(error) if is_left_to_us(&error) => Ok(()),
            Err(error) => Err(code_refused(error)),
        }
    }

    /// Sends a message to this address: a code to the new one, a notice to the old one. A message before it of the same kind, with
    /// its code, counts no longer; of two at once one counts. `email` is refused like that of [`sign_up`](Self::sign_up).
    pub async fn send(&self, account: MailAccount, email: &Email) -> Result<(), Rejected> {
        let name = account.name();
        for _ in 0..MAX_TRIES {
            self.delete(&name).await?;
            match self.make(&name, email, &password_of_nobody()?).await? {
                Made::Now => return Ok(()),
                // An answer was lost and the SDK asked again, or somebody asks for the same.
                Made::Before if self.mail_account(account).await?.is_some_and(|there| there.email == *email) => {
                    return Ok(());
                }
                Made::Before => {}
            }
        }
        Err(Failure::Overloaded("others send at the same moment".into()).into())
    }

    /// The address that this user wants, if there is one, whether or not it was shown that it is theirs.
    pub async fn wanted_email(&self, id: UserId) -> Result<Option<Email>, Failure> {
        Ok(self.mail_account(MailAccount::NewAddress(id)).await?.map(|account| account.email))
    }

    /// The address that this user wants, if the code is right that was sent to it; otherwise the same 422 as
    /// [`confirm`](Self::confirm). Once it was right, any code will do until [`forget_wanted_email`](Self::forget_wanted_email):
    /// whoever was stopped between the two tries again.
    pub async fn confirm_wanted_email(&self, id: UserId, code: &ConfirmationCode) -> Result<Email, Rejected> {
        let account = MailAccount::NewAddress(id);
        let refused = match self.enter_code(&account.name(), code).await {
            Ok(()) => Denied::WrongCode,
            Err(Rejected::Denied(denied)) => denied,
            Err(failed) => return Err(failed),
        };
        // What Cognito says here is what counts: it has the address and that it is confirmed in one, whatever else asked for
        // another address meanwhile.
        let account = self.mail_account(account).await?.filter(|account| account.is_confirmed);
        Ok(account.ok_or(refused)?.email)
    }

    /// Forgets which address this user wants, and that the old one was told. Twice is the same as once.
    pub async fn forget_wanted_email(&self, id: UserId) -> Result<(), Rejected> {
        for account in MailAccount::of(id) {
            self.delete(&account.name()).await?;
        }
        Ok(())
    }

    async fn mail_account(&self, account: MailAccount) -> Result<Option<Address>, Failure> {
        let answer = self
            .client
            .admin_get_user()
            .user_pool_id(&self.user_pool_id)
            .username(account.name().as_str())
            .send()
            .await;
        let user = match answer {
            Ok(user) => user,
            Err(error) if error.code() == Some("UserNotFoundException") => return Ok(None),
            Err(error) => return Err(Failure::of(error)),
        };
        let value = |name: &str| user.user_attributes().iter().find(|attribute| attribute.name() == name)?.value();
        let email = Email::try_from(value("email").unwrap_or_default().to_owned()).map_err(Failure::internal)?;
        // Not by an operator, who confirms the account and not the address.
        let is_confirmed =
            user.user_status() == Some(&UserStatusType::Confirmed) && value("email_verified") == Some("true");
        Ok(Some(Address { email, is_confirmed }))
    }

    /// Gives an account another address, to which codes go from now on. It has to be known to be the user's: Cognito takes it as
    /// verified, and sends nothing.
    /// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminUpdateUserAttributes.html>
    pub async fn set_email(&self, name: &CognitoName, email: &Email) -> Result<(), Rejected> {
        let answer = self
            .client
            .admin_update_user_attributes()
            .user_pool_id(&self.user_pool_id)
            .username(name.as_str())
            .user_attributes(attribute("email", email.as_str())?)
            .user_attributes(attribute("email_verified", "true")?)
            .send()
            .await;
        match answer {
            Ok(_) => Ok(()),
            // They left at this very moment.
            Err(error) if error.code() == Some("UserNotFoundException") => Err(Denied::AccountNotInUse.into()),
            Err(error) => Err(Failure::of(error).into()),
        }
    }

    /// Sends the confirmation code again, if the account waits for one.
    pub async fn resend_confirmation(&self, id: UserId) -> Result<(), Rejected> {
        let name = id.to_string();
        let answer = self
            .client
            .resend_confirmation_code()
            .client_id(&self.client_id)
            .secret_hash(self.secret.of(&name))
            .username(name)
            .send()
            .await;
        sent_or_not(answer)
    }

    /// Sends a code that resets the password. Cognito sends none to an address that was never confirmed.
    pub async fn forgot_password(&self, name: &CognitoName) -> Result<(), Rejected> {
        let answer = self
            .client
            .forgot_password()
            .client_id(&self.client_id)
            .secret_hash(self.secret.of(name.as_str()))
            .username(name.as_str())
            .send()
            .await;
        sent_or_not(answer)
    }

    /// Gives an account a new password if the code is right, and otherwise the same 422 as [`confirm`](Self::confirm).
    pub async fn reset_password(
        &self,
        name: &CognitoName,
        code: &ConfirmationCode,
        new_password: &NewPassword,
    ) -> Result<(), Rejected> {
        let answer = self
            .client
            .confirm_forgot_password()
            .client_id(&self.client_id)
            .secret_hash(self.secret.of(name.as_str()))
            .username(name.as_str())
            .confirmation_code(code.as_str())
            .password(new_password.reveal())
            .send()
            .await;
        match answer {
            Ok(_) => Ok(()),
            Err(error) if is_left_to_us(&error) => Ok(()),
            Err(error) => match error.code() {
                Some("InvalidPasswordException" | "PasswordHistoryPolicyViolationException") => {
                    Err(Denied::PasswordNotAccepted.into())
                }
                // No code was ever sent to it.
                Some("UserNotConfirmedException") => Err(Denied::WrongCode.into()),
                _ => Err(code_refused(error)),
            },
        }
    }

    /// Gives an account a new password. Cognito confirms an account that was not yet: only for one that is known
    /// to be.
    pub async fn set_password(&self, name: &CognitoName, new_password: &NewPassword) -> Result<(), Rejected> {
        let answer = self
            .client
            .admin_set_user_password()
            .user_pool_id(&self.user_pool_id)
            .username(name.as_str())
            .password(new_password.reveal())
            .permanent(true)
            .send()
            .await;
        match answer {
            Ok(_) => Ok(()),
            Err(error) => match error.code() {
                Some(
                    "InvalidPasswordException"
                    | "InvalidParameterException"
                    | "PasswordHistoryPolicyViolationException",
                ) => Err(Denied::PasswordNotAccepted.into()),
                _ => Err(Failure::of(error).into()),
            },
        }
    }

    /// Kills every refresh token of the user. Access tokens live on in Cognito's eyes; the profile says that they
    /// do not count.
    pub async fn sign_out(&self, name: &CognitoName) -> Result<(), Rejected> {
        self.client
            .admin_user_global_sign_out()
            .user_pool_id(&self.user_pool_id)
            .username(name.as_str())
            .send()
            .await
            .map_err(Failure::of)?;
        Ok(())
    }

    /// Deletes the account. Twice is the same as once.
    pub async fn delete(&self, name: &CognitoName) -> Result<(), Rejected> {
        let answer =
            self.client.admin_delete_user().user_pool_id(&self.user_pool_id).username(name.as_str()).send().await;
        match answer {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("UserNotFoundException") => Ok(()),
            Err(error) => Err(Failure::of(error).into()),
        }
    }

    /// Lets the user log in no longer. Twice is the same as once.
    pub async fn disable(&self, name: &CognitoName) -> Result<(), Rejected> {
        self.client
            .admin_disable_user()
            .user_pool_id(&self.user_pool_id)
            .username(name.as_str())
            .send()
            .await
            .map_err(Failure::of)?;
        Ok(())
    }

    /// Lets the user log in again. Twice is the same as once.
    pub async fn enable(&self, name: &CognitoName) -> Result<(), Rejected> {
        self.client
            .admin_enable_user()
            .user_pool_id(&self.user_pool_id)
            .username(name.as_str())
            .send()
            .await
            .map_err(Failure::of)?;
        Ok(())
    }

    /// Logs in. `name` need not exist: Cognito then takes as long and answers the same as for a wrong password.
    /// <https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pool-managing-errors.html>
    ///
    /// The call of an administrator: the flow of everybody's call, `InitiateAuth`, is not open to passwords at all.
    pub async fn log_in(&self, name: &CognitoName, password: &Password) -> Result<Tokens, Rejected> {
        let answer = self
            .client
            .admin_initiate_auth()
            .user_pool_id(&self.user_pool_id)
            .client_id(&self.client_id)
            .auth_flow(AuthFlowType::AdminUserPasswordAuth)
            .auth_parameters("USERNAME", name.as_str())
            .auth_parameters("PASSWORD", password.reveal())
            .auth_parameters("SECRET_HASH", self.secret.of(name.as_str()))
            .send()
            .await;
        let answer = answer.map(|output| (output.authentication_result, output.challenge_name));
        tokens(answer, Denied::WrongCredentials)
    }

    /// A new bearer of the same session.
    pub async fn refresh(&self, refresh_token: &RefreshToken) -> Result<Tokens, Rejected> {
        let (token, name) = refresh_token.as_str().split_once(SEPARATOR).ok_or(Denied::BadRefreshToken)?;
        let answer = self
            .client
            .initiate_auth()
            .client_id(&self.client_id)
            .auth_flow(AuthFlowType::RefreshTokenAuth)
            .auth_parameters("REFRESH_TOKEN", token)
            // Nobody gains by another name: the hash has to be that of the token's user.
            .auth_parameters("SECRET_HASH", self.secret.of(name))
            .send()
            .await;
        let answer = answer.map(|output| (output.authentication_result, output.challenge_name));
        tokens(answer, Denied::BadRefreshToken)
    }
}

/// Whether an account was made, or was there.
enum Made {
    Now,
    Before,
}

/// The address of an account that is nobody's.
struct Address {
    email: Email,
    is_confirmed: bool,
}

/// A password that nobody knows, not even we.
fn password_of_nobody() -> Result<String, Failure> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Failure::internal("the system gives no random bytes"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn attribute(name: &str, value: &str) -> Result<AttributeType, Failure> {
    AttributeType::builder().name(name).value(value).build().map_err(Failure::internal)
}

/// Whether Cognito did what it was asked for and only the trigger failed that it runs afterwards. What that trigger does
/// for our users, finishing the registration, everybody does who asks Cognito for something that calls it.
/// <https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-post-confirmation.html>
fn is_left_to_us(error: &impl ProvideErrorMetadata) -> bool {
    let of_a_trigger = ["UserLambdaValidationException", "UnexpectedLambdaException", "InvalidLambdaResponseException"];
    error.code().is_some_and(|code| of_a_trigger.contains(&code))
        && error.message().is_some_and(|message| message.starts_with("PostConfirmation"))
}

/// What is said of a code that Cognito does not take. Too many tries are said to be a wrong code too: Cognito
/// counts them for an account, and for an address that nobody has we ask about another account each time.
fn code_refused<E>(error: SdkError<E>) -> Rejected
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match error.code() {
        Some(
            "CodeMismatchException"
            | "ExpiredCodeException"
            | "NotAuthorizedException"
            | "UserNotFoundException"
            | "InvalidParameterException"
            | "TooManyFailedAttemptsException"
            | "LimitExceededException",
        ) => Denied::WrongCode.into(),
        _ => Failure::of(error).into(),
    }
}

/// Reads the answer of a call that sends a code, and says the same whether it was sent or there is nobody to send
/// it to.
fn sent_or_not<T, E>(answer: Result<T, SdkError<E>>) -> Result<(), Rejected>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match answer {
        Ok(_) => Ok(()),
        Err(error) => match error.code() {
            // Unknown, confirmed already or not yet, or mail that bounced: the answer must not tell which.
            Some(
                "UserNotFoundException"
                | "InvalidParameterException"
                | "NotAuthorizedException"
                | "CodeDeliveryFailureException"
                | "LimitExceededException",
            ) => Ok(()),
            _ => Err(Failure::of(error).into()),
        },
    }
}

/// What Cognito answers who begins a session or goes on with one: tokens, or what it wants to know first.
type Started = (Option<AuthenticationResultType>, Option<ChallengeNameType>);

/// Reads such an answer; `refused` is what a "no" means for the flow.
fn tokens<E>(answer: Result<Started, SdkError<E>>, refused: Denied) -> Result<Tokens, Rejected>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let (result, challenge) = match answer {
        Ok(started) => started,
        Err(error) => {
            return Err(match error.code() {
                Some("NotAuthorizedException") if error.message().is_some_and(|text| text.starts_with(LOCKED)) => {
                    Denied::PasswordsLocked.into()
                }
                Some(
                    "NotAuthorizedException"
                    | "UserNotFoundException"
                    | "InvalidParameterException"
                    // An operator took the password back, or imported the user without one: a code sets a new one.
                    | "PasswordResetRequiredException",
                ) => refused.into(),
                Some("UserNotConfirmedException") => Denied::EmailNotConfirmed.into(),
                _ => Failure::of(error).into(),
            });
        }
    };
    let Some(result) = result else {
        // The pool of the template has one challenge, that of a temporary password, which an operator gave. There is no
        // way here to replace it, so nobody logs in with it.
        tracing::warn!(?challenge, "Cognito asked for more instead of giving tokens");
        return Err(refused.into());
    };
    let bearer = result.id_token.ok_or_else(|| Failure::internal("Cognito gave no ID token"))?;
    let IdToken { name, origin_jti, auth_time } = IdToken::read(&bearer)?;
    Ok(Tokens {
        refresh_token: result.refresh_token.map(|token| format!("{token}{SEPARATOR}{name}")),
        expires_in: result.expires_in,
        session: Session { id: origin_jti, began_at: auth_time },
        bearer,
    })
}

/// What we read of an ID token. It comes from Cognito itself, so its signature is not checked.
#[derive(Deserialize)]
struct IdToken {
    /// The user's name as Cognito writes it, which is how it has to be in the hash of a refresh.
    #[serde(rename = "cognito:username")]
    name: String,
    origin_jti: String,
    auth_time: i64,
}

impl IdToken {
    fn read(token: &str) -> Result<Self, Failure> {
        let claims = token.split('.').nth(1).unwrap_or_default();
        let claims = URL_SAFE_NO_PAD.decode(claims).map_err(Failure::internal)?;
        serde_json::from_slice(&claims).map_err(Failure::internal)
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_cognitoidentityprovider::operation::admin_initiate_auth::AdminInitiateAuthError;

    use super::*;

    #[test]
    fn a_challenge_gives_no_tokens_and_is_no_fault_of_ours() {
        let asked = (None, Some(ChallengeNameType::NewPasswordRequired));
        let refused = tokens::<AdminInitiateAuthError>(Ok(asked), Denied::WrongCredentials);
        assert!(matches!(refused, Err(Rejected::Denied(Denied::WrongCredentials))));
    }
}
