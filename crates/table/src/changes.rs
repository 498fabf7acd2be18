//! What a record of the table's stream says, for whoever tells others of it.

use domain::{Export, Follow, Post, User};
use serde_dynamo::Item;

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
        } else {
            None
        })
    }
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
