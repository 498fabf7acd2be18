//! How users are shown.

use domain::{Biography, DisplayName, Email, Role, Timestamp, User, UserId, UserStatus, Username, Viewer, WebUrl};
use schemars::JsonSchema;
use serde::Serialize;
use table::{Consistency, Refused, Table};

/// A user, as everybody sees them.
#[derive(Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the API's document shows what their types say")]
pub struct PublicProfile {
    pub id: UserId,
    #[schemars(with = "Username")]
    pub username: String,
    #[schemars(with = "DisplayName")]
    pub display_name: String,
    #[schemars(with = "Option<Biography>")]
    pub bio: Option<String>,
    #[schemars(with = "Option<WebUrl>")]
    pub avatar_url: Option<String>,
    #[schemars(with = "Option<WebUrl>")]
    pub website_url: Option<String>,
    pub created_at: Timestamp,
    pub counts: UserCounts,
    /// Whether the viewer follows the user; only for viewers who are signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("type" = "boolean"))]
    pub following: Option<bool>,
}

/// A user, as they see themselves and administrators see them.
#[derive(Serialize, JsonSchema)]
pub struct PrivateProfile {
    id: UserId,
    #[schemars(with = "Username")]
    username: String,
    #[schemars(with = "Email")]
    email: String,
    #[schemars(with = "DisplayName")]
    display_name: String,
    #[schemars(with = "Option<Biography>")]
    bio: Option<String>,
    #[schemars(with = "Option<WebUrl>")]
    avatar_url: Option<String>,
    #[schemars(with = "Option<WebUrl>")]
    website_url: Option<String>,
    role: Role,
    status: UserStatus,
    created_at: Timestamp,
    updated_at: Timestamp,
    version: u64,
    counts: UserCounts,
}

/// What a user has done, counted.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "UserCounts")]
#[allow(missing_docs, reason = "the API's document shows what their types say")]
pub struct UserCounts {
    pub posts: u64,
    pub followers: u64,
    pub following: u64,
}

/// The user with this username, or who had it until lately, and whether `viewer` follows them. A name that is only reserved is
/// nobody's yet. None if there is nobody to see.
pub async fn user_named(
    table: &Table,
    username: &Username,
    viewer: Option<&Viewer>,
    now: Timestamp,
) -> Result<Option<(User, Option<bool>)>, Refused> {
    let holder = table.holder_of_username(username, now).await?.filter(|holder| !holder.is_reserved());
    let Some(holder) = holder else { return Ok(None) };
    let consistency = Consistency::for_viewer(viewer);
    table.user_seen_by(viewer.map(|viewer| viewer.user_id), holder.user_id, consistency).await
}

impl From<&User> for UserCounts {
    fn from(user: &User) -> Self {
        Self { posts: user.posts, followers: user.followers, following: user.following }
    }
}

impl PublicProfile {
    /// `following` tells a signed-in viewer whether they follow this user.
    pub fn new(user: User, following: Option<bool>) -> Self {
        Self {
            id: user.id,
            counts: UserCounts::from(&user),
            username: user.username.into(),
            display_name: user.display_name,
            bio: user.bio,
            avatar_url: user.avatar_url,
            website_url: user.website_url,
            created_at: user.created_at,
            following,
        }
    }
}

impl PrivateProfile {
    /// The whole profile.
    pub fn new(user: User) -> Self {
        Self {
            id: user.id,
            counts: UserCounts::from(&user),
            username: user.username.into(),
            email: user.email.into(),
            display_name: user.display_name,
            bio: user.bio,
            avatar_url: user.avatar_url,
            website_url: user.website_url,
            role: user.role,
            status: user.status,
            created_at: user.created_at,
            updated_at: user.updated_at,
            version: user.version,
        }
    }
}
