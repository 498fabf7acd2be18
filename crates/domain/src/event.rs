//! Domain events: what happened on the blog, as others are told of it. Decided from how something was stored before and
//! after; pure, like every decision here.
//!
//! An event says what happened and to whom, not how things are now: it may arrive late, twice, or after a later one, so
//! whoever needs more reads it. It never has an e-mail address, a token, the body of a post, or anything that is not
//! public at the time that it speaks of, but for the id of who reacted to a post, which its author learns.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde_json::Value;

use crate::{
    Comment, CommentId, Follow, Media, MediaId, MediaStatus, Post, PostId, PostKind, ReactionKind, Slug, Tag,
    Timestamp, User, UserId, UserStatus, Username,
};

/// Defines the events: each with what its data is, its type, and the version of the schema of its data. Version 1 gets
/// optional fields only; a change that could break a reader is a new version.
macro_rules! events {
    ($($(#[doc = $doc:literal])+ $name:ident($data:ty): $type:literal, $version:literal;)+) => {
        /// What happened.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Event {
            $($(#[doc = $doc])+ $name($data),)+
        }

        impl Event {
            /// Every type of event.
            pub const TYPES: &[EventType] = &[$(EventType {
                name: $type,
                version: $version,
                description: concat!($($doc),+),
                data: || SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<$data>(),
            }),+];

            /// Its type and its data.
            fn parts(&self) -> (&'static str, u32, serde_json::Result<Value>) {
                match self {
                    $(Self::$name(data) => ($type, $version, serde_json::to_value(data)),)+
                }
            }
        }
    };
}

events! {
    /// A post can be read by everybody: it was published, now or by its schedule, or published again.
    PostPublished(PublishedPost): "post.published", 1;
    /// A published post was edited, and still is published.
    PostUpdated(UpdatedPost): "post.updated", 1;
    /// A published post can no longer be read: it is a draft again, in the trash, or about to be deleted.
    PostUnpublished(UnpublishedPost): "post.unpublished", 1;
    /// A post is deleted for good, whether or not it ever was published.
    PostDeleted(DeletedPost): "post.deleted", 1;
    /// A registration is complete: the user has a public profile.
    UserRegistered(PublicUser): "user.registered", 1;
    /// A user changed their username or their display name.
    UserRenamed(RenamedUser): "user.renamed", 1;
    /// A user deleted their account. Nobody sees them any more; their posts are deleted one by one from now on.
    UserDeleted(DeletedUser): "user.deleted", 1;
    /// A user follows another.
    UserFollowed(Followed): "user.followed", 1;
    /// A user follows another no longer.
    UserUnfollowed(Unfollowed): "user.unfollowed", 1;
    /// Everybody can read a comment who can read its post: it was written, or an editor approved it. An edit is no event, nor is it
    /// that the post is out of sight for a while.
    CommentPublished(PublishedComment): "comment.published", 1;
    /// A comment waits for an editor: a new one, or one that was published and was edited.
    CommentHeld(CommentOfPost): "comment.held", 1;
    /// A comment is deleted, by whomever and whether or not it ever was published, or with its post.
    CommentDeleted(CommentOfPost): "comment.deleted", 1;
    /// A picture can be shown: what was uploaded is read, and its files are written.
    MediaReady(ReadyMedia): "media.ready", 1;
    /// A user reacted to a post, reacts otherwise, or took their reaction back.
    ReactionChanged(ChangedReaction): "reaction.changed", 1;
}

/// A type of event.
pub struct EventType {
    /// Its name, such as `post.published`.
    pub name: &'static str,
    /// The version of the schema of its data.
    pub version: u32,
    /// When it happens.
    pub description: &'static str,
    data: fn() -> schemars::Schema,
}

impl EventType {
    /// What identifies the schema of its data.
    pub fn schema_id(&self) -> String {
        schema_id(self.name, self.version)
    }

    /// The JSON Schema (2020-12) of its data.
    pub fn schema(&self) -> schemars::Schema {
        let mut schema = (self.data)();
        schema.insert("$id".to_owned(), self.schema_id().into());
        schema.insert("title".to_owned(), self.name.into());
        schema.insert("description".to_owned(), self.description.trim().into());
        schema
    }
}

fn schema_id(name: &str, version: u32) -> String {
    format!("urn:broadsheet:event:{name}:{version}")
}

/// A post that everybody can read.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PublishedPost {
    /// The post.
    pub post_id: PostId,
    /// Its name in addresses.
    pub slug: Slug,
    /// What kind it is.
    pub kind: PostKind,
    /// Its title, if it has one.
    pub title: Option<String>,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// Who wrote it.
    pub author_id: UserId,
    /// The post that it quotes, or reposts.
    pub quote_of: Option<PostId>,
    /// The post that it answers.
    pub reply_to: Option<PostId>,
    /// When it was first published.
    pub published_at: Option<Timestamp>,
    /// Its version; a later event of the post has a higher one.
    pub version: u64,
}

/// A published post after an edit.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct UpdatedPost {
    /// The post as it is after the edit.
    #[serde(flatten)]
    pub post: PublishedPost,
    /// The slug that it had before, if that is another.
    pub former_slug: Option<Slug>,
    /// The tags that it had before and has no longer.
    pub removed_tags: Vec<Tag>,
}

/// A post that was public.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct UnpublishedPost {
    /// The post.
    pub post_id: PostId,
    /// The name that it had in addresses.
    pub slug: Slug,
    /// The tags that it had.
    pub tags: Vec<Tag>,
    /// Who wrote it.
    pub author_id: UserId,
    /// When it was first published.
    pub published_at: Option<Timestamp>,
    /// The version that was public last.
    pub version: u64,
}

/// A post that is gone. No more than its ids, since it may never have been public.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DeletedPost {
    /// The post.
    pub post_id: PostId,
    /// Who wrote it.
    pub author_id: UserId,
}

/// A user as everybody sees them.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PublicUser {
    /// The user.
    pub user_id: UserId,
    /// The name in addresses.
    pub username: Username,
    /// What the user is called.
    pub display_name: String,
    /// The version of the profile; a later event of the user has a higher one.
    pub version: u64,
}

/// A user with a new name.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RenamedUser {
    /// The user as they are called now.
    #[serde(flatten)]
    pub user: PublicUser,
    /// The username before, if that is another.
    pub former_username: Option<Username>,
}

/// A user who is gone.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DeletedUser {
    /// The user.
    pub user_id: UserId,
}

/// A new follow.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Followed {
    /// Who follows.
    pub follower_id: UserId,
    /// Who is followed.
    pub followed_id: UserId,
    /// Since when.
    pub followed_at: Timestamp,
}

/// A follow that ended.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Unfollowed {
    /// Who followed.
    pub follower_id: UserId,
    /// Who was followed.
    pub followed_id: UserId,
}

/// A comment that everybody can read.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PublishedComment {
    /// The comment.
    pub comment_id: CommentId,
    /// The post whose thread it is in.
    pub post_id: PostId,
    /// The comment that it answers; null if it answers the post.
    pub parent_id: Option<CommentId>,
    /// Who wrote it; null if they have left.
    pub author_id: Option<UserId>,
    /// When it was written.
    pub created_at: Timestamp,
    /// Its version; a later event of the comment has a higher one, or the same.
    pub version: u64,
}

/// A comment that not everybody can read. No more than its ids, since it may never have been public.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CommentOfPost {
    /// The comment.
    pub comment_id: CommentId,
    /// The post whose thread it is in.
    pub post_id: PostId,
}

/// A picture that can be shown.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ReadyMedia {
    /// The picture.
    pub media_id: MediaId,
    /// Who uploaded it.
    pub owner_id: UserId,
    /// In pixels, of its largest file.
    pub width: u32,
    /// In pixels, of its largest file.
    pub height: u32,
}

/// A reaction to a post. Who reacted is known to the author of the post too.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ChangedReaction {
    /// The post.
    pub post_id: PostId,
    /// Who reacted.
    pub user_id: UserId,
    /// The reaction; null if it was taken back.
    pub kind: Option<ReactionKind>,
    /// The reaction before; null if there was none.
    pub former_kind: Option<ReactionKind>,
}

impl Event {
    /// What happened to a post that is not in the trash, from how it was and how it is. None of the two if it was not
    /// there before, or is not there any more.
    pub fn of_post(old: Option<&Post>, new: Option<&Post>) -> Option<Self> {
        let public = |post: &&Post| post.is_published();
        match (old.filter(public), new.filter(public)) {
            (None, Some(new)) => Some(Self::PostPublished(new.into())),
            // What is no edit, such as a new count or a new name of the author, is no event of the post.
            (Some(old), Some(new)) if old.version != new.version => Some(Self::PostUpdated(UpdatedPost {
                post: new.into(),
                former_slug: (old.slug != new.slug).then(|| old.slug.clone()),
                removed_tags: tags(old).into_iter().filter(|tag| !tags(new).contains(tag)).collect(),
            })),
            (Some(old), None) => Some(Self::PostUnpublished(UnpublishedPost {
                post_id: old.id,
                slug: old.slug.clone(),
                tags: tags(old),
                author_id: old.author.id,
                published_at: old.published_at,
                version: old.version,
            })),
            _ => None,
        }
    }

    /// That a post is deleted.
    pub fn of_deleted_post(post: &Post) -> Self {
        Self::PostDeleted(DeletedPost { post_id: post.id, author_id: post.author.id })
    }

    /// What happened to a user, from how they were, if they were, and how they are.
    pub fn of_user(old: Option<&User>, new: &User) -> Option<Self> {
        match old.filter(|old| old.is_public()) {
            None if new.is_public() => Some(Self::UserRegistered(new.into())),
            Some(_) if new.status == UserStatus::Deleting => Some(Self::UserDeleted(DeletedUser { user_id: new.id })),
            Some(old) if old.username != new.username || old.display_name != new.display_name => {
                let former_username = (old.username != new.username).then(|| old.username.clone());
                Some(Self::UserRenamed(RenamedUser { user: new.into(), former_username }))
            }
            _ => None,
        }
    }

    /// That somebody follows somebody.
    pub fn of_follow(follow: &Follow) -> Self {
        let Follow { follower, followed, followed_at } = *follow;
        Self::UserFollowed(Followed { follower_id: follower, followed_id: followed, followed_at })
    }

    /// That somebody follows somebody no longer.
    pub fn of_ended_follow(follow: &Follow) -> Self {
        Self::UserUnfollowed(Unfollowed { follower_id: follow.follower, followed_id: follow.followed })
    }

    /// What happened to a comment where everybody sees it, from how it was and how it is; none of the two if it was not there
    /// or is not there any more. What is deleted is told by [`of_deleted_comment`](Self::of_deleted_comment).
    pub fn of_comment(old: Option<&Comment>, new: Option<&Comment>) -> Option<Self> {
        let new = new.filter(|new| new.is_published() && !old.is_some_and(Comment::is_published))?;
        Some(Self::CommentPublished(PublishedComment {
            comment_id: new.id(),
            post_id: new.post,
            parent_id: new.path.parent().map(|parent| parent.id()),
            author_id: new.author.as_ref().map(|author| author.id),
            created_at: new.created_at,
            version: new.version,
        }))
    }

    /// That a comment waits for an editor.
    pub fn of_held_comment(comment_id: CommentId, post_id: PostId) -> Self {
        Self::CommentHeld(CommentOfPost { comment_id, post_id })
    }

    /// That a comment is deleted.
    pub fn of_deleted_comment(comment_id: CommentId, post_id: PostId) -> Self {
        Self::CommentDeleted(CommentOfPost { comment_id, post_id })
    }

    /// What happened to a user's reaction to a post, from what it was and what it is.
    pub fn of_reaction(
        post_id: PostId,
        user_id: UserId,
        former_kind: Option<ReactionKind>,
        kind: Option<ReactionKind>,
    ) -> Option<Self> {
        (kind != former_kind).then_some(Self::ReactionChanged(ChangedReaction { post_id, user_id, kind, former_kind }))
    }

    /// What happened to a picture, from what it was and what it is.
    pub fn of_media(old: &Media, new: &Media) -> Option<Self> {
        let is_ready = old.status != MediaStatus::Ready && new.status == MediaStatus::Ready;
        let largest = new.largest().filter(|_| is_ready)?;
        Some(Self::MediaReady(ReadyMedia {
            media_id: new.id,
            owner_id: new.owner,
            width: largest.width,
            height: largest.height,
        }))
    }

    /// Its type.
    pub fn type_name(&self) -> &'static str {
        self.parts().0
    }

    /// Its envelope. `id` is the same for every delivery of the same event, and `source` the same for a blog: together
    /// they tell a repeated event from a new one.
    pub fn envelope(&self, source: String, id: String, time: Timestamp) -> serde_json::Result<Envelope> {
        let (type_name, version, data) = self.parts();
        Ok(Envelope {
            specversion: "1.0",
            id,
            source,
            type_name,
            time,
            datacontenttype: "application/json",
            dataschema: schema_id(type_name, version),
            data: data?,
        })
    }
}

/// A CloudEvents 1.0 envelope in its JSON form.
/// <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md>
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Envelope {
    specversion: &'static str,
    id: String,
    source: String,
    #[serde(rename = "type")]
    type_name: &'static str,
    time: Timestamp,
    datacontenttype: &'static str,
    dataschema: String,
    data: Value,
}

fn tags(post: &Post) -> Vec<Tag> {
    post.details.tags.iter().cloned().collect()
}

impl From<&Post> for PublishedPost {
    fn from(post: &Post) -> Self {
        Self {
            post_id: post.id,
            slug: post.slug.clone(),
            kind: post.kind,
            title: post.details.title.clone().map(Into::into),
            tags: tags(post),
            author_id: post.author.id,
            quote_of: post.quote_of,
            reply_to: post.reply_to,
            published_at: post.published_at,
            version: post.version,
        }
    }
}

impl From<&User> for PublicUser {
    fn from(user: &User) -> Self {
        Self {
            user_id: user.id,
            username: user.username.clone(),
            display_name: user.display_name.clone(),
            version: user.version,
        }
    }
}
