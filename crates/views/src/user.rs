//! How users are shown.

use domain::{Biography, DisplayName, Email, Role, Timestamp, User, UserId, UserStatus, Username, WebUrl};
use schemars::JsonSchema;
use serde::Serialize;

/// A user, as everybody sees them.
#[derive(Serialize, JsonSchema)]
pub struct PublicProfile {
    id: UserId,
    #[schemars(with = "Username")]
    username: String,
    #[schemars(with = "DisplayName")]
    display_name: String,
    #[schemars(with = "Option<Biography>")]
    bio: Option<String>,
    #[schemars(with = "Option<WebUrl>")]
    avatar_url: Option<String>,
    #[schemars(with = "Option<WebUrl>")]
    website_url: Option<String>,
    created_at: Timestamp,
    counts: Counts,
    /// Whether the viewer follows the user; only for viewers who are signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("type" = "boolean"))]
    following: Option<bool>,
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
    counts: Counts,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "UserCounts")]
struct Counts {
    posts: u64,
    followers: u64,
    following: u64,
}

impl From<&User> for Counts {
    fn from(user: &User) -> Self {
        Self { posts: user.posts, followers: user.followers, following: user.following }
    }
}

impl PublicProfile {
    /// `following` tells a signed-in viewer whether they follow this user.
    pub fn new(user: User, following: Option<bool>) -> Self {
        Self {
            id: user.id,
            counts: Counts::from(&user),
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
            counts: Counts::from(&user),
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
