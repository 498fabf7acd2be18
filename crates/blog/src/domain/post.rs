//! Posts: what is stored of one apart from its text, and how it changes.

use serde::{Deserialize, Serialize};

use super::{
    Language, MetaDescription, MetaTitle, Patch, PatchRequired, PostId, Role, Slug, Summary, Tags, Title, User, UserId,
    Username, Viewer, WebUrl,
};
use crate::Error;
use crate::clock::Timestamp;

/// Words a minute that an adult reads of an English text (Brysbaert 2019: 238 silent, rounded).
pub const READING_SPEED: u64 = 240;

/// How long a post stays in the trash: 30 days.
pub const TRASH_SECONDS: i64 = 30 * 24 * 60 * 60;

/// Where a post stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PostStatus {
    /// Seen by its author and by editors only.
    Draft,
    /// Seen by everybody.
    Published,
    /// On its way out.
    Trashed,
}

/// The author as a post shows them. Copied into the post, so that a list of cards needs no second read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostAuthor {
    /// Whose post it is.
    pub id: UserId,
    /// The name in addresses.
    pub username: Username,
    /// What the author is called.
    pub display_name: String,
    /// A picture.
    pub avatar_url: Option<String>,
}

impl From<&User> for PostAuthor {
    fn from(user: &User) -> Self {
        Self {
            id: user.id,
            username: user.username.clone(),
            display_name: user.display_name.clone(),
            avatar_url: user.avatar_url.clone(),
        }
    }
}

/// All of a post but its text: what a card of a list shows, and what the post's own item and every list that
/// it stands in hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Post {
    /// The id, which stays.
    pub id: PostId,
    /// The name in addresses.
    pub slug: Slug,
    /// Where it stands.
    pub status: PostStatus,
    /// The title.
    pub title: String,
    /// What stands below the title in a list.
    pub summary: Option<String>,
    /// What it is about.
    pub tags: Tags,
    /// The language it is written in.
    pub language: Option<String>,
    /// A picture to lead with.
    pub cover_image_url: Option<String>,
    /// Where it was published first, if elsewhere.
    pub canonical_url: Option<String>,
    /// The title for search engines.
    pub meta_title: Option<String>,
    /// The description for search engines.
    pub meta_description: Option<String>,
    /// Who wrote it.
    pub author: PostAuthor,
    /// How long it is.
    pub word_count: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it was first published. It stays over an unpublish, so that publishing again does not push an
    /// old post to the top of every list.
    pub published_at: Option<Timestamp>,
    /// Counts the changes, from 1.
    pub version: u64,
    /// The version that last changed the text. The text's items carry the same number, so that a reader
    /// notices when it caught the two at different versions.
    pub text_version: u64,
    /// Counts the writes, those included that are no edit; what a write is conditional on.
    pub writes: u64,
    /// Comments that are shown.
    pub comments: u64,
    /// Reactions of every kind.
    pub reactions: u64,
    /// Reposts.
    pub reposts: u64,
    /// Posts that reply to it.
    pub replies: u64,
    /// When it leaves the trash for good: DynamoDB's TTL, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}

/// What a post starts from.
pub struct NewPost {
    /// The title.
    pub title: Title,
    /// What stands below the title in a list.
    pub summary: Option<Summary>,
    /// What it is about.
    pub tags: Tags,
    /// The language it is written in.
    pub language: Option<Language>,
    /// A picture to lead with.
    pub cover_image_url: Option<WebUrl>,
    /// Where it was published first, if elsewhere.
    pub canonical_url: Option<WebUrl>,
    /// The title for search engines.
    pub meta_title: Option<MetaTitle>,
    /// The description for search engines.
    pub meta_description: Option<MetaDescription>,
}

/// What an edit changes. The text is apart, because it is stored apart.
pub struct PostChanges {
    /// The title.
    pub title: PatchRequired<Title>,
    /// The slug, if the client chooses one.
    pub slug: PatchRequired<Slug>,
    /// What stands below the title in a list.
    pub summary: Patch<Summary>,
    /// What it is about.
    pub tags: Patch<Tags>,
    /// The language it is written in.
    pub language: Patch<Language>,
    /// A picture to lead with.
    pub cover_image_url: Patch<WebUrl>,
    /// Where it was published first, if elsewhere.
    pub canonical_url: Patch<WebUrl>,
    /// The title for search engines.
    pub meta_title: Patch<MetaTitle>,
    /// The description for search engines.
    pub meta_description: Patch<MetaDescription>,
}

impl Post {
    /// A draft of `author`'s, at version 1.
    pub fn draft(new: NewPost, id: PostId, slug: Slug, author: &User, word_count: u64, now: Timestamp) -> Self {
        Self {
            id,
            slug,
            status: PostStatus::Draft,
            title: new.title.into(),
            summary: new.summary.map(Into::into),
            tags: new.tags,
            language: new.language.map(Into::into),
            cover_image_url: new.cover_image_url.map(Into::into),
            canonical_url: new.canonical_url.map(Into::into),
            meta_title: new.meta_title.map(Into::into),
            meta_description: new.meta_description.map(Into::into),
            author: author.into(),
            word_count,
            created_at: now,
            updated_at: now,
            published_at: None,
            version: 1,
            text_version: 1,
            writes: 1,
            comments: 0,
            reactions: 0,
            reposts: 0,
            replies: 0,
            expires_at: None,
        }
    }

    /// Whether this viewer may change it: its author, or an editor.
    fn is_editable_by(&self, viewer: &Viewer) -> bool {
        self.author.id == viewer.user_id || viewer.role >= Role::Editor
    }

    /// Whether it has left the trash for good. DynamoDB may take days to remove an expired item, so every
    /// reader asks.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= now.seconds())
    }

    /// Lets this viewer read it, or says what they are told instead: a draft does not exist for strangers.
    pub fn check_readable(&self, viewer: Option<&Viewer>) -> Result<(), Error> {
        match self.status {
            PostStatus::Published => Ok(()),
            _ if !viewer.is_some_and(|viewer| self.is_editable_by(viewer)) => Err(Self::not_found()),
            PostStatus::Trashed => Err(Error::Gone),
            PostStatus::Draft => Ok(()),
        }
    }

    /// Lets this viewer change it, or says what they are told instead.
    pub fn check_editable(&self, viewer: &Viewer) -> Result<(), Error> {
        self.check_readable(Some(viewer))?;
        if self.is_editable_by(viewer) {
            Ok(())
        } else {
            Err(Error::Forbidden("Only its author and editors may change this post."))
        }
    }

    /// What is said of a post that is not there, or that the caller may not know of.
    pub fn not_found() -> Error {
        Error::NotFound("There is no such post.")
    }

    /// Whole minutes to read it, at least one.
    pub fn reading_time_minutes(&self) -> u64 {
        self.word_count.div_ceil(READING_SPEED).max(1)
    }

    /// Makes these changes. While it was never published the slug follows the title, unless the client chose
    /// one: in this very edit, or before, so that it differs from the old title's.
    pub fn apply(&mut self, changes: &PostChanges) {
        match (&changes.slug, &changes.title) {
            (PatchRequired::Set(slug), _) => self.slug = slug.clone(),
            (PatchRequired::Keep, PatchRequired::Set(title))
                if self.published_at.is_none() && self.slug_follows_title() =>
            {
                let from_title = Slug::from_title(title, self.id);
                // A slug that only differs by the suffix it once needed is kept.
                if self.slug != from_title.with_suffix(self.id) {
                    self.slug = from_title;
                }
            }
            (PatchRequired::Keep, _) => {}
        }
        if let PatchRequired::Set(title) = &changes.title {
            self.title = title.as_str().to_owned();
        }
        match &changes.tags {
            Patch::Keep => {}
            Patch::Clear => self.tags = Tags::default(),
            Patch::Set(tags) => self.tags = tags.clone(),
        }
        changes.summary.apply(&mut self.summary);
        changes.language.apply(&mut self.language);
        changes.cover_image_url.apply(&mut self.cover_image_url);
        changes.canonical_url.apply(&mut self.canonical_url);
        changes.meta_title.apply(&mut self.meta_title);
        changes.meta_description.apply(&mut self.meta_description);
    }

    /// Whether the slug was made from the title that the post has now.
    fn slug_follows_title(&self) -> bool {
        Title::try_from(self.title.clone()).is_ok_and(|title| {
            let from_title = Slug::from_title(&title, self.id);
            self.slug == from_title || self.slug == from_title.with_suffix(self.id)
        })
    }

    /// Publishes it; at `at` if that is given, else when it was published first, else now.
    pub fn publish(&mut self, at: Option<Timestamp>, now: Timestamp) {
        self.status = PostStatus::Published;
        self.published_at = Some(at.or(self.published_at).unwrap_or(now));
    }

    /// Makes it a draft again.
    pub fn unpublish(&mut self) {
        self.status = PostStatus::Draft;
    }

    /// Puts it into the trash.
    pub fn trash(&mut self, now: Timestamp) {
        self.status = PostStatus::Trashed;
        self.expires_at = Some(now.plus_seconds(TRASH_SECONDS).seconds());
    }
}
