//! `POST /users`: registers: a new account.

use blog::config::SignUpConfirmation;
use blog::domain::{DisplayName, Email, NewPassword, User, UserStatus, Username};
use blog::edge::{Call, Created, NoFields, Operation, Visitor};
use blog::error::Problem;
use blog::identity::SignUpRefused;
use blog::identity::registration::{finish, reserved_seconds};
use blog::table::Consistency;
use blog::{Blog, Error, fields};

use crate::profile::PrivateProfile;

pub struct Register;

fields! {
    pub struct Registration {
        username: Username,
        email: Email,
        password: NewPassword,
        display_name: Option<DisplayName>,
    }
}

impl Operation for Register {
    const NAME: &'static str = "register";
    type Caller = Visitor;
    type Path = NoFields;
    type Query = NoFields;
    type Body = Registration;
    type Reply = Created<PrivateProfile>;
    const PROBLEMS: &'static [Problem] = &[Problem::USERNAME_TAKEN, Problem::EMAIL_TAKEN, Problem::CONFLICT];

    async fn run(blog: &Blog, Call { body, new_id, now, .. }: Call<Self>) -> Result<Self::Reply, Error> {
        let Registration { username, email, password, display_name } = body;
        if password.repeats(&username, &email) {
            return Err(Error::field("password", "must not be the username or the e-mail address"));
        }

        // 1. Reserve the name and the address. If we are stopped anywhere below, the reservation lapses.
        let confirmation = blog.config.sign_up_confirmation;
        let role = blog.config.role_of(&email);
        let expires_at = now.plus_seconds(reserved_seconds(confirmation));
        let mut user = User::new(new_id.into(), username, email, role, now, expires_at);
        if let Some(name) = display_name {
            user.display_name = name.into();
        }
        let first = match blog.table.reserve_user(&user, now).await {
            // An earlier try of this request was stopped below, and they may even have begun to use the account.
            Err(Error::AlreadyDone) => {
                let reserved = blog.table.user(user.id, Consistency::Strong).await?;
                user = reserved.ok_or(Error::Conflict("This account was deleted."))?;
                false
            }
            reserved => reserved.map(|()| true)?,
        };

        // 2. Hand the password to Cognito. If it says no, the name is free again at once.
        if user.status == UserStatus::Unconfirmed
            && let Err(refused) = sign_up(blog, &user, &password).await
        {
            if first && let Err(error) = blog.table.release_user(&user).await {
                tracing::warn!(causes = error.causes(), "a reservation is left to lapse");
            }
            return Err(refused);
        }

        // 3. Finish: at once, or when the code from the e-mail comes back.
        let user = match confirmation {
            _ if user.status != UserStatus::Unconfirmed => user,
            SignUpConfirmation::Email => user,
            // Cognito's trigger has done it while it answered us, unless it failed.
            SignUpConfirmation::Auto => finish(blog, user.id, now).await?.unwrap_or_else(|| user.activated()),
        };
        let role = user.role;
        Ok(Created {
            location: Some(format!("/users/{}", user.username)),
            version: Some(user.version),
            body: PrivateProfile::new(user, role),
        })
    }
}

async fn sign_up(blog: &Blog, user: &User, password: &NewPassword) -> Result<(), Error> {
    blog.identity.sign_up(user.id, &user.email, password).await.map_err(|refused| match refused {
        SignUpRefused::Password => Error::field("password", "is not accepted; choose another one"),
        SignUpRefused::Other(error) => error,
    })
}
