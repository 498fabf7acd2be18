//! Accounts: one file an operation in `operations`, and what they share in `shared`.

use std::sync::Arc;

use aws::Sdk;
use bucket::Bucket;
use edge::Blog;
use identity::Identity;

mod shared;

pub use shared::change_account::{AccountChange, ChangedAccount, change_account};

/// What these operations use.
pub struct Services {
    /// What every operation may use.
    pub blog: Arc<Blog>,
    /// Credentials, which Cognito holds.
    pub identity: Identity,
    /// The files of exports.
    pub bucket: Bucket,
}

impl Services {
    /// Puts the parts together; makes no network call.
    pub fn new(blog: Arc<Blog>, sdk: &Sdk) -> Self {
        let config = &blog.config;
        Self {
            identity: Identity::new(
                sdk,
                config.user_pool_id.clone(),
                config.user_pool_client_id.clone(),
                config.user_pool_client_secret.reveal(),
            ),
            bucket: Bucket::new(sdk, config.bucket_name.clone()),
            blog,
        }
    }
}

impl edge::Services for Services {
    fn blog(&self) -> &Blog {
        &self.blog
    }
}

edge::operations! {
    Services;
    Read {
        get_me,
        get_user,
        list_followers,
        list_following,
    }
    CommentsWrite {
        follow_user,
        unfollow_user,
    }
    Admin {
        create_content_key,
        create_invitation,
        delete_content_key,
        delete_invitation,
        list_audit,
        list_content_keys,
        list_invitations,
        list_users,
        reinstate_user,
        set_role,
        suspend_user,
    }
    NoKey {
        change_email,
        change_password,
        confirm_email,
        confirm_registration,
        create_key,
        delete_key,
        delete_me,
        export_me,
        forgot_password,
        get_export,
        list_keys,
        log_in,
        log_out,
        refresh_session,
        register,
        resend_confirmation,
        reset_password,
        update_me,
    }
}
