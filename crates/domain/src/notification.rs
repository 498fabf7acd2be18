//! Notifications: what users are told of what others did. Whom something is told, and as what, is decided here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Comment, CommentId, CommentPath, DAY_SECONDS, NotificationId, Post, PostId, PostKind, Timestamp, UserId};

/// How long a notification is kept: 90 days from when it was last new.
pub const NOTIFICATION_SECONDS: i64 = 90 * DAY_SECONDS;

/// A notification. It refers to what it is about and copies nothing of it, so it shows names and titles as they are now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// The id, which sorts by the time when the notification was last new.
    pub id: NotificationId,
    /// What it is about.
    #[serde(flatten)]
    pub about: About,
    /// Who did it; of reactions, the last one. None of what editors decide, who are not named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<UserId>,
    /// When it was last new.
    pub at: Timestamp,
    /// When it is forgotten: DynamoDB's TTL, in seconds since 1970.
    pub expires_at: i64,
}

/// What a notification is about. `post` is the post that something happened to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum About {
    /// A comment on the user's post.
    Comment {
        /// The user's post.
        post: PostId,
        /// The comment.
        comment: CommentPath,
    },
    /// A comment that answers the user's comment.
    CommentReply {
        /// The post whose thread it is in.
        post: PostId,
        /// The comment.
        comment: CommentPath,
    },
    /// A post that answers the user's post.
    Reply {
        /// The user's post.
        post: PostId,
        /// The post that answers it.
        by: PostId,
    },
    /// A post that quotes the user's post.
    Quote {
        /// The user's post.
        post: PostId,
        /// The post that quotes it.
        by: PostId,
    },
    /// A repost of the user's post.
    Repost {
        /// The user's post.
        post: PostId,
        /// The repost.
        by: PostId,
    },
    /// Reactions to the user's post: one notification for all of them.
    Reaction {
        /// The user's post.
        post: PostId,
        /// When the last one who reacted did.
        reacted_at: Timestamp,
    },
    /// Somebody follows the user.
    Follow {
        /// Who.
        follower: UserId,
    },
    /// An editor approved the user's comment, which waited.
    CommentApproved {
        /// The post whose thread it is in.
        post: PostId,
        /// The comment.
        comment: CommentPath,
    },
    /// An editor rejected or deleted the user's comment.
    CommentRejected {
        /// The post whose thread it was in.
        post: PostId,
        /// The comment, which is gone.
        comment: CommentPath,
    },
}

/// What somebody did that others are told of. Each user is told of a subject once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A comment.
    Comment(CommentId),
    /// A post that answers, quotes or reposts others.
    Post(PostId),
    /// The reactions to a post.
    Reactions(PostId),
    /// Whom this user follows.
    Follows(UserId),
    /// What an editor decided on a comment.
    Decision(CommentId),
}

impl About {
    /// The subject that it belongs to.
    pub fn subject(&self) -> Subject {
        match self {
            Self::Comment { comment, .. } | Self::CommentReply { comment, .. } => Subject::Comment(comment.id()),
            Self::Reply { by, .. } | Self::Quote { by, .. } | Self::Repost { by, .. } => Subject::Post(*by),
            Self::Reaction { post, .. } => Subject::Reactions(*post),
            Self::Follow { follower } => Subject::Follows(*follower),
            Self::CommentApproved { comment, .. } | Self::CommentRejected { comment, .. } => {
                Subject::Decision(comment.id())
            }
        }
    }

    /// The post that something happened to. None of a follow.
    pub fn post(&self) -> Option<PostId> {
        match self {
            Self::Comment { post, .. }
            | Self::CommentReply { post, .. }
            | Self::Reply { post, .. }
            | Self::Quote { post, .. }
            | Self::Repost { post, .. }
            | Self::Reaction { post, .. }
            | Self::CommentApproved { post, .. }
            | Self::CommentRejected { post, .. } => Some(*post),
            Self::Follow { .. } => None,
        }
    }

    /// The comment that it is about.
    pub fn comment(&self) -> Option<&CommentPath> {
        match self {
            Self::Comment { comment, .. }
            | Self::CommentReply { comment, .. }
            | Self::CommentApproved { comment, .. }
            | Self::CommentRejected { comment, .. } => Some(comment),
            _ => None,
        }
    }

    /// The post that answers, quotes or reposts the user's post.
    pub fn by_post(&self) -> Option<PostId> {
        match self {
            Self::Reply { by, .. } | Self::Quote { by, .. } | Self::Repost { by, .. } => Some(*by),
            _ => None,
        }
    }

    /// Whether this post, as it is now, is what the notification says of it.
    pub fn is_true_of(&self, by: &Post) -> bool {
        let repeats = |post: &PostId| by.quote_of == Some(*post);
        by.is_published()
            && match self {
                Self::Reply { post, .. } => by.reply_to == Some(*post),
                Self::Quote { post, .. } => repeats(post) && by.kind != PostKind::Repost,
                Self::Repost { post, .. } => repeats(post) && by.kind == PostKind::Repost,
                _ => false,
            }
    }

    /// Whom a comment is told, and as what: the author of the post and that of the comment that it answers, each once and
    /// nobody of their own comment. Nobody of a comment that is not published, or whose author has left.
    pub fn told_of_comment(
        comment: &Comment,
        post_author: UserId,
        parent_author: Option<UserId>,
    ) -> BTreeMap<UserId, Self> {
        let Some(author) = comment.author.as_ref().filter(|_| comment.is_published()) else { return BTreeMap::new() };
        let (post, comment) = (comment.post, &comment.path);
        let of_post = (post_author, Self::Comment { post, comment: comment.clone() });
        let of_parent = parent_author.map(|parent| (parent, Self::CommentReply { post, comment: comment.clone() }));
        // That the comment answers their own says more than that it is on their post.
        let mut told: BTreeMap<_, _> = [of_post].into_iter().chain(of_parent).collect();
        told.remove(&author.id);
        told
    }

    /// Whom a post is told, and as what: the authors of the posts that it answers, quotes or reposts, each once and nobody of
    /// their own post. `author_of` gives the author of a post that is there. Nobody of a post that is not published.
    pub fn told_of_post(post: &Post, author_of: impl Fn(PostId) -> Option<UserId>) -> BTreeMap<UserId, Self> {
        if !post.is_published() {
            return BTreeMap::new();
        }
        let by = post.id;
        let quoted = post.quote_of.map(|post_id| {
            let is_repost = post.kind == PostKind::Repost;
            (post_id, if is_repost { Self::Repost { post: post_id, by } } else { Self::Quote { post: post_id, by } })
        });
        let answered = post.reply_to.map(|post_id| (post_id, Self::Reply { post: post_id, by }));
        // Of a post that does both to posts of one author, the answer is told.
        let told = quoted.into_iter().chain(answered).filter_map(|(id, about)| Some((author_of(id)?, about)));
        let mut told: BTreeMap<_, _> = told.collect();
        told.remove(&post.author.id);
        told
    }
}

impl Notification {
    /// A new notification.
    pub fn new(id: NotificationId, about: About, actor: Option<UserId>, now: Timestamp) -> Self {
        Self { id, about, actor, at: now, expires_at: now.plus_seconds(NOTIFICATION_SECONDS).seconds() }
    }

    /// Whether it is forgotten, although it may not be deleted yet.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now.seconds()
    }
}

#[cfg(test)]
mod tests {
    use ulid::Ulid;

    use super::*;
    use crate::{CommentStatus, NewPost, NewText, PostAuthor, PostText, Role, User};

    fn user(number: u128) -> User {
        let now = Timestamp::from_milliseconds(0);
        let name = format!("user-{number}");
        let email = format!("{name}@example.com").try_into().unwrap();
        User::new(Ulid(number).into(), name.try_into().unwrap(), email, Role::Author, now, now)
    }

    fn comment(author: Option<&User>, status: CommentStatus) -> Comment {
        let now = Timestamp::from_milliseconds(0);
        let (post, id) = (Ulid(100).into(), Ulid(200).into());
        let made = Comment::new(id, (post, None), &user(1), PostText::default(), status, now).unwrap();
        Comment { author: author.map(PostAuthor::from), ..made }
    }

    /// The kinds that the users 1 to 3 are told, by name.
    fn kinds(told: &BTreeMap<UserId, About>) -> Vec<(u128, String)> {
        let name = |about: &About| serde_json::to_value(about).unwrap()["kind"].as_str().unwrap().to_owned();
        let number = |id: UserId| (1..=3).find(|number| user(*number).id == id).unwrap();
        told.iter().map(|(id, about)| (number(*id), name(about))).collect()
    }

    #[test]
    fn a_comment_is_told_once_to_each_whom_it_concerns() {
        use CommentStatus::{Deleted, Held, Published};
        let [ada, bob, eve] = [1, 2, 3].map(user);
        for (author, post_author, parent_author, expected) in [
            (&eve, &ada, None, vec![(1, "comment")]),
            (&eve, &ada, Some(&bob), vec![(1, "comment"), (2, "comment_reply")]),
            (&eve, &ada, Some(&ada), vec![(1, "comment_reply")]),
            (&ada, &ada, None, vec![]),
            (&ada, &ada, Some(&ada), vec![]),
            (&ada, &ada, Some(&bob), vec![(2, "comment_reply")]),
            (&bob, &ada, Some(&bob), vec![(1, "comment")]),
        ] {
            let told = |comment: &Comment| {
                kinds(&About::told_of_comment(comment, post_author.id, parent_author.map(|parent| parent.id)))
            };
            let expected: Vec<_> = expected.into_iter().map(|(who, kind)| (who, kind.to_owned())).collect();
            assert_eq!(told(&comment(Some(author), Published)), expected);
            for silent in [comment(Some(author), Held), comment(Some(author), Deleted), comment(None, Published)] {
                assert_eq!(told(&silent), []);
            }
        }
    }

    #[test]
    fn a_post_is_told_once_to_each_whom_it_concerns() {
        let now = Timestamp::from_milliseconds(0);
        let [ada, bob, eve] = [1, 2, 3].map(user);
        let post_of = |author: &User| {
            PostId::from(Ulid(100 + u128::from(author.id == bob.id) + 2 * u128::from(author.id == eve.id)))
        };
        let author_of =
            |id| [&ada, &bob, &eve].into_iter().find(|author| post_of(author) == id).map(|author| author.id);
        for (quoted, answered, expected) in [
            (None, None, vec![]),
            (Some(&ada), None, vec![(1, "quote")]),
            (None, Some(&ada), vec![(1, "reply")]),
            (Some(&ada), Some(&bob), vec![(1, "quote"), (2, "reply")]),
            (Some(&ada), Some(&ada), vec![(1, "reply")]),
            (Some(&eve), Some(&eve), vec![]),
            (Some(&eve), Some(&bob), vec![(2, "reply")]),
        ] {
            let new = NewPost { quote_of: quoted.map(post_of), reply_to: answered.map(post_of), ..NewPost::default() };
            let draft = Post::draft(new, &NewText::default(), Ulid(500).into(), &eve, now);
            assert_eq!(About::told_of_post(&draft, author_of), BTreeMap::new());
            let post = Post { status: crate::PostStatus::Published, published_at: Some(now), ..draft };
            let told = About::told_of_post(&post, author_of);
            let expected: Vec<_> = expected.into_iter().map(|(who, kind)| (who, kind.to_owned())).collect();
            assert_eq!(kinds(&told), expected);
            for about in told.values() {
                assert!(
                    about.is_true_of(&post)
                        && !about.is_true_of(&Post { quote_of: None, reply_to: None, ..post.clone() })
                );
                assert_eq!(about.subject(), Subject::Post(post.id));
            }
        }
        let repost = Post::repost(post_of(&ada), Ulid(500).into(), &eve, now);
        let told = About::told_of_post(&repost, author_of);
        assert_eq!(kinds(&told), [(1, "repost".to_owned())]);
        assert!(told.values().all(|about| about.is_true_of(&repost)));
        assert_eq!(
            About::told_of_post(&Post::repost(post_of(&eve), Ulid(500).into(), &eve, now), author_of),
            BTreeMap::new()
        );
    }

    #[test]
    fn a_notification_is_stored_and_read() {
        let now = Timestamp::from_milliseconds(0);
        let path = CommentPath::new(None, Ulid(7).into()).unwrap();
        let (post, by) = (Ulid(1).into(), Ulid(2).into());
        for about in [
            About::Comment { post, comment: path.clone() },
            About::Repost { post, by },
            About::Reaction { post, reacted_at: now },
            About::Follow { follower: Ulid(3).into() },
        ] {
            let notification = Notification::new(Ulid(9).into(), about, Some(Ulid(4).into()), now);
            let stored = serde_json::to_value(&notification).unwrap();
            assert_eq!(serde_json::from_value::<Notification>(stored).unwrap(), notification);
            assert!(!notification.is_expired(now) && notification.is_expired(now.plus_seconds(NOTIFICATION_SECONDS)));
        }
    }
}
