//! `POST /users`: a new account.

use blog::config::SignUpConfirmation;
use blog::domain::{DisplayName, Email, NewPassword, Role, User, UserStatus, Username};
use blog::edge::{Call, Created, NoFields, Operation, Visitor};
use blog::identity::SignUpRefused;
use blog::{Blog, Error, fields};

use crate::profile::PrivateProfile;
use crate::registration::{finish, reserved_seconds};

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

    async fn run(blog: &Blog, Call { body, now, .. }: Call<Self>) -> Result<Self::Reply, Error> {
        let Registration { username, email, password, display_name } = body;
        if password.repeats(&username, &email) {
            return Err(Error::field("password", "must not be the username or the e-mail address"));
        }

        // 1. Reserve the name and the address. If we are stopped anywhere below, the reservation lapses.
        let confirmation = blog.config.sign_up_confirmation;
        let is_admin = blog.config.admin_email.as_ref() == Some(&email);
        let role = if is_admin { Role::Admin } else { blog.config.default_role };
        let user = User {
            id: blog.new_id(now),
            display_name: display_name.map_or_else(|| username.to_string(), Into::into),
            username,
            email,
            bio: None,
            avatar_url: None,
            website_url: None,
            role,
            status: UserStatus::Unconfirmed,
            suspension_reason: None,
            signed_out: None,
            created_at: now,
            updated_at: now,
            version: 1,
            posts: 0,
            followers: 0,
            following: 0,
            expires_at: Some(now.plus_seconds(reserved_seconds(confirmation)).seconds()),
        };
        blog.table.reserve_user(&user, now).await?;

        // 2. Hand the password to Cognito. If it says no, the name is free again at once.
        if let Err(refused) = sign_up(blog, &user, &password).await {
            if let Err(error) = blog.table.release_user(&user).await {
                tracing::warn!(causes = error.causes(), "a reservation is left to lapse");
            }
            return Err(refused);
        }

        // 3. Finish: at once, or when the code from the e-mail comes back.
        let user = match confirmation {
            SignUpConfirmation::Email => user,
            SignUpConfirmation::Auto => {
                let vanished = || Error::internal("the profile vanished while its user registered");
                finish(blog, user.id, now).await?.ok_or_else(vanished)?
            }
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
    })?;
    match blog.config.sign_up_confirmation {
        SignUpConfirmation::Auto => blog.identity.confirm_at_once(user.id).await,
        SignUpConfirmation::Email => Ok(()),
    }
}
