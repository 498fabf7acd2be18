//! What a record of the table's stream says, for whoever tells others of it.

use domain::{
    Comment, CommentId, Delivery, DeliveryId, Export, Follow, Media, Post, PostId, ReactionKind, User, UserId,
    WebhookId,
};
use serde_dynamo::Item;

use crate::comments::{Place, StoredComment, comment_without_text};
use crate::reactions::Reaction;
use crate::{Entity, Refused, keys};

/// A change of the table. Not every change is one of these: most items are copies of others.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A post that is not in the trash was created, changed, or left: for the trash, or for good.
    Post {
        /// As it was; none if it was not there or was in the trash.
        old: Option<Box<Post>>,
        /// As it is; none if it is gone or in the trash.
        new: Option<Box<Post>>,
    },
    /// A post is gone for good.
    PostDeleted(Box<Post>),
    /// A profile was made or changed.
    User {
        /// As it was.
        old: Option<Box<User>>,
        /// As it is.
        new: Box<User>,
    },
    /// Somebody follows somebody.
    Followed(Follow),
    /// Somebody asked for an export.
    ExportRequested(Export),
    /// Somebody follows somebody no longer.
    Unfollowed(Follow),
    /// A picture was changed.
    Media {
        /// As it was.
        old: Box<Media>,
        /// As it is.
        new: Box<Media>,
    },
    /// A picture is gone: deleted, or never uploaded.
    MediaDeleted(Box<Media>),
    /// A comment changed where everybody sees it. Without its text.
    Comment {
        /// As it was; none if it was not there.
        old: Option<Box<Comment>>,
        /// As it is; none if it is gone, or waits for an editor and never was published.
        new: Option<Box<Comment>>,
    },
    /// A comment came to wait for an editor.
    CommentHeld {
        /// The post.
        post: PostId,
        /// The comment.
        comment: CommentId,
    },
    /// A comment is deleted. If it has replies, a placeholder is left.
    CommentDeleted {
        /// The post.
        post: PostId,
        /// The comment.
        comment: CommentId,
    },
    /// A user's reaction to a post changed.
    Reaction {
        /// The post.
        post: PostId,
        /// Who reacted.
        user: UserId,
        /// The reaction as it was.
        old: Option<ReactionKind>,
        /// The reaction as it is.
        new: Option<ReactionKind>,
    },
    /// A message to a webhook is to be sent now.
    DeliveryCalled {
        /// The webhook.
        webhook: WebhookId,
        /// The message.
        delivery: DeliveryId,
        /// Which call of it this is.
        call: u32,
    },
}

impl Change {
    /// The change that a record is about: the keys of its item, and the item before and after, each empty if there is none.
    pub fn read(keys: &Item, old: &Item, new: &Item) -> Result<Option<Self>, Refused> {
        let (pk, sk) = (text(keys, "pk"), text(keys, "sk"));
        // An item never becomes one of another type, but for a slug that leads to where its post moved.
        let (old_type, new_type) = (text(old, "type"), text(new, "type"));
        let is = |name| old_type == name || new_type == name;
        Ok(if is(Post::TYPE) && sk.starts_with(keys::OWN_POST_PREFIX) {
            Some(Self::Post { old: image(old)?, new: image(new)? })
        } else if old_type == Post::TYPE && new.is_empty() && sk == keys::POST_PREFIX {
            image(old)?.map(Self::PostDeleted)
        } else if new_type == User::TYPE {
            let old = image(old)?;
            image(new)?.map(|new| Self::User { old, new })
        } else if new_type == Follow::TYPE && old.is_empty() && pk.starts_with(keys::FOLLOW_PREFIX) {
            image(new)?.map(|follow| Self::Followed(*follow))
        } else if new_type == Export::TYPE && old.is_empty() {
            image(new)?.map(|export| Self::ExportRequested(*export))
        } else if old_type == Follow::TYPE && new.is_empty() && pk.starts_with(keys::FOLLOW_PREFIX) {
            image(old)?.map(|follow| Self::Unfollowed(*follow))
        } else if old_type == Media::TYPE && sk == keys::MEDIA {
            match (image(old)?, image(new)?) {
                (Some(old), Some(new)) => Some(Self::Media { old, new }),
                (old, _) => old.map(Self::MediaDeleted),
            }
        } else if is(StoredComment::TYPE) {
            comment_change(pk, sk, old, new)?
        } else if is(Place::TYPE) {
            deleted_comment(pk, old, new)?
        } else if is(Reaction::TYPE) {
            reaction_change(pk, old, new)?
        } else if new_type == Delivery::TYPE {
            called_delivery(old, new)?
        } else {
            None
        })
    }
}

fn called_delivery(old: &Item, new: &Item) -> Result<Option<Change>, Refused> {
    let (old, new): (Option<Box<Delivery>>, Option<Box<Delivery>>) = (image(old)?, image(new)?);
    let called = new.filter(|new| old.is_none_or(|old| old.call != new.call));
    Ok(called.map(|new| Change::DeliveryCalled { webhook: new.webhook_id, delivery: new.id, call: new.call }))
}

fn comment_change(pk: &str, sk: &str, old: &Item, new: &Item) -> Result<Option<Change>, Refused> {
    if let Some(post) = keys::post_of_thread(pk) {
        let comment = |item: &Item| {
            let comment = (!item.is_empty()).then(|| comment_without_text(post, sk, item.clone())).transpose()?;
            Ok::<_, Refused>(comment.map(Box::new))
        };
        return Ok(Some(Change::Comment { old: comment(old)?, new: comment(new)? }));
    }
    Ok(match keys::post_of_held_comments(pk) {
        Some(post) if old.is_empty() => {
            let comment = comment_without_text(post, sk, new.clone())?.id();
            Some(Change::CommentHeld { post, comment })
        }
        _ => None,
    })
}

/// A comment is deleted when what leads to it goes, or says that only a placeholder is left.
fn deleted_comment(pk: &str, old: &Item, new: &Item) -> Result<Option<Change>, Refused> {
    let Some(comment) = keys::comment_of_place(pk) else { return Ok(None) };
    let (old, new): (Option<Box<Place>>, Option<Box<Place>>) = (image(old)?, image(new)?);
    let is_now = old.filter(|old| !old.deleted && new.is_none_or(|new| new.deleted));
    Ok(is_now.map(|place| Change::CommentDeleted { post: place.post, comment }))
}

fn reaction_change(pk: &str, old: &Item, new: &Item) -> Result<Option<Change>, Refused> {
    let (old, new): (Option<Box<Reaction>>, Option<Box<Reaction>>) = (image(old)?, image(new)?);
    let user = new.as_ref().or(old.as_ref()).map(|reaction| reaction.user);
    let kind = |reaction: Option<Box<Reaction>>| reaction.map(|reaction| reaction.kind);
    Ok(keys::post_of_reactions(pk).zip(user).map(|(post, user)| Change::Reaction {
        post,
        user,
        old: kind(old),
        new: kind(new),
    }))
}

fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    match item.get(name) {
        Some(serde_dynamo::AttributeValue::S(text)) => text,
        _ => "",
    }
}

fn image<T: Entity>(item: &Item) -> Result<Option<Box<T>>, Refused> {
    if item.is_empty() {
        return Ok(None);
    }
    serde_dynamo::from_item(item.clone()).map(|entity| Some(Box::new(entity))).map_err(Refused::internal)
}
