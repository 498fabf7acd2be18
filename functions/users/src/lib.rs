//! Accounts: one file an operation in `operations`, and what they share in `shared`.

use std::sync::Arc;

use aws::Sdk;
use bucket::Bucket;
use edge::Blog;
use identity::Identity;

mod shared;

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
    change_email,
    change_password,
    confirm_email,
    confirm_registration,
    delete_me,
    export_me,
    follow_user,
    forgot_password,
    get_export,
    get_me,
    get_user,
    list_followers,
    list_following,
    list_users,
    log_in,
    log_out,
    refresh_session,
    register,
    reinstate_user,
    resend_confirmation,
    reset_password,
    set_role,
    suspend_user,
    unfollow_user,
    update_me,
}
