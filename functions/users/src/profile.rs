//! How users are shown.

use blog::clock::Timestamp;
use blog::domain::{Role, User, UserId, UserStatus};
use serde::Serialize;

/// A user as everybody sees them.
#[derive(Serialize)]
pub struct PublicProfile {
    id: UserId,
    username: String,
    display_name: String,
    bio: Option<String>,
    avatar_url: Option<String>,
    website_url: Option<String>,
    created_at: Timestamp,
    counts: Counts,
    #[serde(skip_serializing_if = "Option::is_none")]
    following: Option<bool>,
}

/// A user as they see themselves.
#[derive(Serialize)]
pub struct PrivateProfile {
    id: UserId,
    username: String,
    email: String,
    display_name: String,
    bio: Option<String>,
    avatar_url: Option<String>,
    website_url: Option<String>,
    role: Role,
    status: UserStatus,
    created_at: Timestamp,
    updated_at: Timestamp,
    version: u64,
    counts: Counts,
}

#[derive(Serialize)]
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
    /// `role` is the one that counts for the viewer's requests: the token's.
    pub fn new(user: User, role: Role) -> Self {
        Self {
            id: user.id,
            counts: Counts::from(&user),
            username: user.username.into(),
            email: user.email.into(),
            display_name: user.display_name,
            bio: user.bio,
            avatar_url: user.avatar_url,
            website_url: user.website_url,
            role,
            status: user.status,
            created_at: user.created_at,
            updated_at: user.updated_at,
            version: user.version,
        }
    }
}
