//! How notifications are shown.

use domain::{
    About, CommentId, CommentPath, NotificationId, PostId, PostKind, PostReference, Slug, Summary, Timestamp, Title,
};
use schemars::JsonSchema;
use serde::Serialize;
use table::SeenNotification;
use views::Author;

/// What others did that concerns the user.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Notification")]
pub struct NotificationView {
    /// The id. A notification of reactions that is new again has another one.
    id: NotificationId,
    kind: NotificationKind,
    /// Whether the user has marked it as read.
    read: bool,
    /// When it was last new.
    at: Timestamp,
    /// Who did it; of reactions, the last one who did. Empty for decisions of editors, who are not named, and for a moment after
    /// the last one has taken their reaction back.
    #[schemars(length(max = 1))]
    actors: Vec<Author>,
    /// The number of people who did it: of reactions any number, 0 for decisions of editors, otherwise 1.
    people: u64,
    /// The post that something happened to. Null for a follow.
    post: Option<NotifiedPost>,
    /// The post that answers or quotes it. Null for all else.
    by_post: Option<NotifiedPost>,
    /// The comment that it is about. Null if it is about none.
    comment: Option<NotifiedComment>,
}

/// What happened.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum NotificationKind {
    /// A comment on the user's post.
    Comment,
    /// A comment that answers the user's comment.
    CommentReply,
    /// A post that answers the user's post.
    Reply,
    /// A post that quotes the user's post.
    Quote,
    /// A repost of the user's post.
    Repost,
    /// Reactions to the user's post: one notification for all of them.
    Reaction,
    /// Somebody follows the user.
    Follow,
    /// An editor approved the user's comment, which waited.
    CommentApproved,
    /// An editor rejected or deleted the user's comment.
    CommentRejected,
}

/// A post that a notification is about.
#[derive(Serialize, JsonSchema)]
struct NotifiedPost {
    id: PostId,
    #[schemars(with = "Slug")]
    slug: String,
    kind: PostKind,
    #[schemars(with = "Option<Title>")]
    title: Option<String>,
    /// The summary, or how the text begins.
    #[schemars(with = "Option<Summary>")]
    summary: Option<String>,
}

/// A comment that a notification is about.
#[derive(Serialize, JsonSchema)]
struct NotifiedComment {
    id: CommentId,
    /// The comment that it answers; null if it answers the post.
    parent_id: Option<CommentId>,
}

impl NotificationView {
    /// A notification with what it is about, as the user sees it.
    pub fn new(seen: SeenNotification) -> Self {
        let SeenNotification { notification, read, actor, people, post, by_post } = seen;
        let about = &notification.about;
        let shown = |id: Option<PostId>, post: Option<PostReference>| Some(NotifiedPost::new(id?, post?));
        Self {
            id: notification.id,
            kind: about.into(),
            read,
            at: notification.at,
            actors: actor.iter().map(Author::from).collect(),
            people,
            post: shown(about.post(), post),
            by_post: shown(about.by_post(), by_post),
            comment: about.comment().map(NotifiedComment::from),
        }
    }
}

impl NotifiedPost {
    fn new(id: PostId, post: PostReference) -> Self {
        let PostReference { slug, kind, title, summary, .. } = post;
        Self { id, slug: slug.to_string(), kind, title, summary }
    }
}

impl From<&CommentPath> for NotifiedComment {
    fn from(path: &CommentPath) -> Self {
        Self { id: path.id(), parent_id: path.parent().map(|parent| parent.id()) }
    }
}

impl From<&About> for NotificationKind {
    fn from(about: &About) -> Self {
        match about {
            About::Comment { .. } => Self::Comment,
            About::CommentReply { .. } => Self::CommentReply,
            About::Reply { .. } => Self::Reply,
            About::Quote { .. } => Self::Quote,
            About::Repost { .. } => Self::Repost,
            About::Reaction { .. } => Self::Reaction,
            About::Follow { .. } => Self::Follow,
            About::CommentApproved { .. } => Self::CommentApproved,
            About::CommentRejected { .. } => Self::CommentRejected,
        }
    }
}
