//! Comments of posts. Those of a post are a thread: each answers the post or another comment.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{CommentId, Denied, PostAuthor, PostId, PostText, Role, Timestamp, User, UserId, Viewer};

/// The maximum depth of a thread: a comment that answers the post has depth 1.
pub const MAX_COMMENT_DEPTH: usize = 5;

/// Where a comment stands in its thread: the ids of the comments above it, the one that answers the post first, and its own.
/// Written with `/` between them, a thread sorted by its paths is in reading order: oldest first, each comment followed by its
/// replies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommentPath(Vec<CommentId>);

impl CommentPath {
    /// The path of the comment `id` below `parent`, or below the post. [`Denied::Invalid`] if it would be too deep.
    pub fn new(parent: Option<&Self>, id: CommentId) -> Result<Self, Denied> {
        let above = parent.map(|parent| parent.0.as_slice()).unwrap_or_default();
        if above.len() >= MAX_COMMENT_DEPTH {
            return Err(Denied::field("parent_id", "must be less deep in the thread; it has 5 levels at most"));
        }
        Ok(Self(above.iter().copied().chain([id]).collect()))
    }

    /// The comment's own id.
    pub fn id(&self) -> CommentId {
        self.0.last().copied().unwrap_or_else(|| CommentId::from(ulid::Ulid::nil()))
    }

    /// The path of the comment that it answers; none if it answers the post.
    pub fn parent(&self) -> Option<Self> {
        let (_, above) = self.0.split_last()?;
        (!above.is_empty()).then(|| Self(above.to_vec()))
    }

    /// The paths of the comments above it, the nearest first.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> {
        (1..self.0.len()).rev().map(|length| Self(self.0.iter().copied().take(length).collect()))
    }

    /// Its depth: 1 for a comment that answers the post.
    pub fn depth(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Display for CommentPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, id) in self.0.iter().enumerate() {
            let separator = if position == 0 { "" } else { "/" };
            write!(f, "{separator}{id}")?;
        }
        Ok(())
    }
}

impl Serialize for CommentPath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CommentPath {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl FromStr for CommentPath {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split('/').map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

/// The status of a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CommentStatus {
    /// Everybody sees it who sees the post.
    Published,
    /// Only its author and editors see it, until an editor approves it.
    Held,
    /// It was deleted, and keeps its place because of its replies.
    Deleted,
}

impl CommentStatus {
    /// Its name, as it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Held => "held",
            Self::Deleted => "deleted",
        }
    }
}

/// A comment.
#[derive(Debug, Clone, PartialEq)]
pub struct Comment {
    /// The post whose thread it is in.
    pub post: PostId,
    /// Where it stands in the thread.
    pub path: CommentPath,
    /// The status.
    pub status: CommentStatus,
    /// Who wrote it. None if the author has left, and in a placeholder.
    pub author: Option<PostAuthor>,
    /// The text; empty in a placeholder.
    pub text: PostText,
    /// The number of direct replies that everybody sees, placeholders included.
    pub replies: u64,
    /// Whether everybody sees that it is there, if only by a placeholder. A held comment has a place only if it was published
    /// before.
    pub has_place: bool,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Counts the changes, from 1.
    pub version: u64,
    /// Counts the writes, those included that are no edit; what a write is conditional on.
    pub writes: u64,
}

impl Comment {
    /// A comment of `author`'s on `post`, or on `parent`, at version 1. [`Denied::Invalid`] if the thread would be too deep.
    pub fn new(
        id: CommentId,
        (post, parent): (PostId, Option<&Self>),
        author: &User,
        text: PostText,
        status: CommentStatus,
        now: Timestamp,
    ) -> Result<Self, Denied> {
        Ok(Self {
            post,
            path: CommentPath::new(parent.map(|parent| &parent.path), id)?,
            status,
            author: Some(author.into()),
            text,
            replies: 0,
            has_place: status == CommentStatus::Published,
            created_at: now,
            updated_at: now,
            version: 1,
            writes: 1,
        })
    }

    /// The id.
    pub fn id(&self) -> CommentId {
        self.path.id()
    }

    /// Whether everybody can read it.
    pub fn is_published(&self) -> bool {
        self.status == CommentStatus::Published
    }

    /// Whether it waits for an editor.
    pub fn is_held(&self) -> bool {
        self.status == CommentStatus::Held
    }

    /// Whether this user wrote it.
    pub fn is_by(&self, user: UserId) -> bool {
        self.author.as_ref().is_some_and(|author| author.id == user)
    }

    /// The comment with another text. `held` says whether the text has to wait for an editor; what waits keeps waiting.
    pub fn edited(&self, text: PostText, held: bool, now: Timestamp) -> Self {
        let status = if held { CommentStatus::Held } else { self.status };
        Self { text, status, updated_at: now, version: self.version + 1, writes: self.writes + 1, ..self.clone() }
    }

    /// The comment as an editor approved it. Not an edit: the version stays, and so does the time.
    pub fn approved(&self) -> Self {
        Self { status: CommentStatus::Published, has_place: true, writes: self.writes + 1, ..self.clone() }
    }

    /// The comment with another author, or with none. Not an edit.
    pub fn attributed(&self, author: Option<PostAuthor>) -> Self {
        Self { author, writes: self.writes + 1, ..self.clone() }
    }

    /// What is left of the comment when it is deleted: a placeholder if it has replies.
    pub fn deleted(&self, now: Timestamp) -> Option<Self> {
        let left =
            Self { status: CommentStatus::Deleted, updated_at: now, version: self.version + 1, ..self.placeholder() };
        (self.replies > 0).then(|| Self { writes: self.writes + 1, ..left })
    }

    /// What everybody sees of a comment that they may not read.
    pub fn placeholder(&self) -> Self {
        Self { author: None, text: PostText::default(), ..self.clone() }
    }

    /// The comment as this viewer sees it. None if there is nothing to see for them.
    pub fn seen_by(self, viewer: Option<&Viewer>) -> Option<Self> {
        let may_read = |viewer: &Viewer| viewer.role >= Role::Editor || self.is_by(viewer.user_id);
        if !self.is_held() || viewer.is_some_and(may_read) {
            Some(self)
        } else {
            // What nobody answered needs no place.
            (self.has_place && self.replies > 0).then(|| self.placeholder())
        }
    }

    /// Lets only its author change it. What cannot be seen, or was deleted, does not exist for them.
    pub fn check_editable(&self, viewer: &Viewer) -> Result<(), Denied> {
        if self.is_by(viewer.user_id) { Ok(()) } else { Err(self.not_for_others(Denied::CommentNotEditable)) }
    }

    /// Lets its author and editors delete it.
    pub fn check_deletable(&self, viewer: &Viewer) -> Result<(), Denied> {
        match self.status {
            CommentStatus::Deleted => Err(Denied::CommentNotFound),
            _ if viewer.role >= Role::Editor || self.is_by(viewer.user_id) => Ok(()),
            _ => Err(self.not_for_others(Denied::CommentNotDeletable)),
        }
    }

    fn not_for_others(&self, denied: Denied) -> Denied {
        if self.is_published() { denied } else { Denied::CommentNotFound }
    }
}

/// A user's report of a comment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommentReport {
    /// Whom it is about.
    pub comment: CommentId,
    /// The post whose thread the comment is in.
    pub post: PostId,
    /// Why.
    pub reason: String,
    /// When it was reported.
    pub reported_at: Timestamp,
}

/// What an editor decides on a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Everybody may see it. Reports of it are dismissed.
    Approve,
    /// It is deleted.
    Reject,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ulid::Ulid;

    use super::*;

    fn id(number: u128) -> CommentId {
        Ulid(number).into()
    }

    #[test]
    fn a_thread_has_five_levels() {
        let mut path = CommentPath::new(None, id(1)).unwrap();
        assert_eq!((path.depth(), path.parent()), (1, None));
        for number in 2..=5 {
            let below = CommentPath::new(Some(&path), id(number)).unwrap();
            assert_eq!((below.id(), below.parent()), (id(number), Some(path)));
            path = below;
        }
        assert_eq!(path.depth(), MAX_COMMENT_DEPTH);
        assert_eq!(path.ancestors().map(|path| path.id()).collect::<Vec<_>>(), [4, 3, 2, 1].map(id));
        assert!(CommentPath::new(Some(&path), id(6)).is_err());
        for bad in ["", "/", "a", &format!("{}/", id(1)), &format!("{}//{}", id(1), id(2))] {
            assert!(bad.parse::<CommentPath>().is_err(), "{bad}");
        }
    }

    proptest! {
        /// Each comment stands right behind the one that it answers and that one's older replies, whatever was written when.
        #[test]
        fn a_thread_sorted_by_its_paths_is_in_reading_order(parents in proptest::collection::vec(any::<prop::sample::Index>(), 1..60)) {
            let mut paths: Vec<CommentPath> = Vec::new();
            for (number, parent) in parents.into_iter().enumerate() {
                // The post itself, or a comment that is there already.
                let position = parent.index(paths.len() + 1);
                let parent = position.checked_sub(1).and_then(|position| paths.get(position)).cloned();
                paths.extend(CommentPath::new(parent.as_ref(), id(number as u128 + 1)).ok());
            }
            fn read(parent: Option<&CommentPath>, paths: &[CommentPath], order: &mut Vec<String>) {
                // In the order of their ids, which is that of their times.
                for path in paths.iter().filter(|path| path.parent().as_ref() == parent) {
                    order.push(path.to_string());
                    read(Some(path), paths, order);
                }
            }
            let mut order = Vec::new();
            read(None, &paths, &mut order);
            let mut sorted: Vec<_> = paths.iter().map(CommentPath::to_string).collect();
            sorted.sort();
            prop_assert_eq!(sorted, order);
            for path in paths {
                prop_assert_eq!(path.to_string().parse(), Ok(path));
            }
        }
    }
}
