//! Posts: what is stored of one apart from its text, and how it changes.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Language, MetaDescription, MetaTitle, Patch, PatchRequired, PostId, Role, Slug, Summary, Tags, Title, User, UserId,
    Username, Viewer, WebUrl,
};
use crate::Error;
use crate::clock::Timestamp;
use crate::error::FieldError;

/// Words a minute that an adult reads of an English text (Brysbaert 2019: 238 silent, rounded).
pub const READING_SPEED: u64 = 240;

/// How long a post stays in the trash: 30 days.
pub const TRASH_SECONDS: i64 = 30 * 24 * 60 * 60;

/// The most characters of a note.
pub const MOST_NOTE_CHARACTERS: usize = 777;

/// What kind of post it is. It follows from what the post has, but for a repost, which is made as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PostKind {
    /// Has a title.
    Article,
    /// Has none, and is short.
    Note,
    /// Shows another post below its own text.
    Quote,
    /// Answers another post.
    Reply,
    /// Another post, shown to one's own followers. Has no text, and its `quote_of` names the other.
    Repost,
}

impl PostKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Article, Self::Note, Self::Quote, Self::Reply, Self::Repost];

    /// Its name, as the API and keys write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Article => "article",
            Self::Note => "note",
            Self::Quote => "quote",
            Self::Reply => "reply",
            Self::Repost => "repost",
        }
    }
}

impl fmt::Display for PostKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a post stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PostStatus {
    /// Seen by its author and by editors only.
    Draft,
    /// A draft that is published by itself when its time comes.
    Scheduled,
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
    /// What kind it is.
    pub kind: PostKind,
    /// Where it stands.
    pub status: PostStatus,
    /// The title.
    pub title: Option<String>,
    /// What stands below the title in a list.
    pub summary: Option<String>,
    /// How its text begins, where it has no summary.
    pub excerpt: Option<String>,
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
    /// The post that it quotes, or reposts.
    pub quote_of: Option<PostId>,
    /// The post that it answers.
    pub reply_to: Option<PostId>,
    /// Who wrote it.
    pub author: PostAuthor,
    /// Who changed it last.
    pub edited_by: UserId,
    /// How long it is.
    pub word_count: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it was first published. It stays over an unpublish, so that publishing again does not push an
    /// old post to the top of every list.
    pub published_at: Option<Timestamp>,
    /// When it will be published, while it is scheduled.
    pub publish_at: Option<Timestamp>,
    /// Since when it leads the blog.
    pub pinned_at: Option<Timestamp>,
    /// Counts how often the links that show its draft were revoked. Part of what is signed in each.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub preview_epoch: u64,
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

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What a post starts from.
pub struct NewPost {
    /// The title.
    pub title: Option<Title>,
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
    /// The post that it quotes.
    pub quote_of: Option<PostId>,
    /// The post that it answers.
    pub reply_to: Option<PostId>,
}

/// What an edit changes. The text is apart, because it is stored apart.
pub struct PostChanges {
    /// The title.
    pub title: Patch<Title>,
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
    /// The post that it quotes.
    pub quote_of: Patch<PostId>,
    /// The post that it answers.
    pub reply_to: Patch<PostId>,
}

/// What posts that quote or answer a post show of it, and what leads to it by its id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PostReference {
    /// The name in addresses.
    pub slug: Slug,
    /// What kind it is.
    pub kind: PostKind,
    /// Where it stands. Whatever is not published is gone for who reads a quote of it.
    pub status: PostStatus,
    /// The title.
    pub title: Option<String>,
    /// The summary, or how the text begins.
    pub summary: Option<String>,
    /// Who wrote it.
    pub author: PostAuthor,
    /// When it was published.
    pub published_at: Option<Timestamp>,
    /// The post that it reposts, if it is a repost.
    pub repost_of: Option<PostId>,
}

impl From<&Post> for PostReference {
    fn from(post: &Post) -> Self {
        Self {
            slug: post.slug.clone(),
            kind: post.kind,
            status: post.status,
            title: post.title.clone(),
            summary: post.summary_or_excerpt().map(str::to_owned),
            author: post.author.clone(),
            published_at: post.published_at,
            repost_of: post.quote_of.filter(|_| post.kind == PostKind::Repost),
        }
    }
}

impl Post {
    /// A draft of `author`'s, at version 1, whose text is this long.
    pub fn draft(new: NewPost, id: PostId, slug: Slug, author: &User, now: Timestamp) -> Self {
        let mut draft = Self {
            id,
            slug,
            kind: PostKind::Note,
            status: PostStatus::Draft,
            title: new.title.map(Into::into),
            summary: new.summary.map(Into::into),
            excerpt: None,
            tags: new.tags,
            language: new.language.map(Into::into),
            cover_image_url: new.cover_image_url.map(Into::into),
            canonical_url: new.canonical_url.map(Into::into),
            meta_title: new.meta_title.map(Into::into),
            meta_description: new.meta_description.map(Into::into),
            quote_of: new.quote_of,
            reply_to: new.reply_to,
            author: author.into(),
            edited_by: author.id,
            word_count: 0,
            created_at: now,
            updated_at: now,
            published_at: None,
            publish_at: None,
            pinned_at: None,
            preview_epoch: 0,
            version: 1,
            text_version: 1,
            writes: 1,
            comments: 0,
            reactions: 0,
            reposts: 0,
            replies: 0,
            expires_at: None,
        };
        draft.settle_kind();
        draft
    }

    /// `author`'s repost of the post `original`, published at once.
    pub fn repost(original: PostId, id: PostId, author: &User, now: Timestamp) -> Self {
        let nothing = NewPost {
            title: None,
            summary: None,
            tags: Tags::default(),
            language: None,
            cover_image_url: None,
            canonical_url: None,
            meta_title: None,
            meta_description: None,
            quote_of: Some(original),
            reply_to: None,
        };
        let mut repost = Self::draft(nothing, id, Slug::of_id(id), author, now);
        repost.kind = PostKind::Repost;
        repost.publish(None, now);
        repost
    }

    /// Gives the post the kind that follows from what it has.
    pub(super) fn settle_kind(&mut self) {
        self.kind = match (self.kind, self.reply_to, self.quote_of, &self.title) {
            (PostKind::Repost, ..) => PostKind::Repost,
            (_, Some(_), ..) => PostKind::Reply,
            (_, _, Some(_), _) => PostKind::Quote,
            (.., Some(_)) => PostKind::Article,
            _ => PostKind::Note,
        };
    }

    /// The fields of a post with this text that do not go together.
    pub fn check_form(&self, markdown: &str) -> Vec<FieldError> {
        let mut errors = Vec::new();
        if self.kind == PostKind::Note {
            let characters = markdown.chars().count();
            if characters > MOST_NOTE_CHARACTERS {
                let rule = "must have at most 777 characters without a title";
                errors.push(FieldError::new("body", format!("{rule}, not {characters}")));
            }
        }
        if self.quote_of.is_some() && self.reply_to.is_some() {
            errors.push(FieldError::new("reply_to", "cannot be combined with quote_of"));
        }
        for (name, other) in [("quote_of", self.quote_of), ("reply_to", self.reply_to)] {
            if other == Some(self.id) {
                errors.push(FieldError::new(name, "must be another post"));
            }
        }
        errors
    }

    /// What a list shows below the title.
    pub fn summary_or_excerpt(&self) -> Option<&str> {
        self.summary.as_deref().or(self.excerpt.as_deref())
    }

    /// Whether everybody sees it.
    pub fn is_published(&self) -> bool {
        self.status == PostStatus::Published
    }

    /// Whether this viewer may change it: its author, or an editor.
    pub fn is_editable_by(&self, viewer: &Viewer) -> bool {
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
            PostStatus::Draft | PostStatus::Scheduled => Ok(()),
        }
    }

    /// Lets this viewer change it, or says what they are told instead.
    pub fn check_editable(&self, viewer: &Viewer) -> Result<(), Error> {
        self.check_readable(Some(viewer))?;
        self.check_owned(viewer)
    }

    /// Lets only those pass who may change it, whether or not it is in the trash.
    pub fn check_owned(&self, viewer: &Viewer) -> Result<(), Error> {
        if self.kind == PostKind::Repost {
            Err(Error::Conflict("A repost is made and taken back at the post that it shows."))
        } else if self.is_editable_by(viewer) {
            Ok(())
        } else if self.is_published() {
            Err(Error::Forbidden("Only its author and editors may do this with this post."))
        } else {
            Err(Self::not_found())
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
            (PatchRequired::Keep, Patch::Set(title)) if self.published_at.is_none() && self.slug_follows_title() => {
                let from_title = Slug::from_title(title, self.id);
                // A slug that only differs by the suffix it once needed is kept.
                if self.slug != from_title.with_suffix(self.id) {
                    self.slug = from_title;
                }
            }
            (PatchRequired::Keep, _) => {}
        }
        match &changes.tags {
            Patch::Keep => {}
            Patch::Clear => self.tags = Tags::default(),
            Patch::Set(tags) => self.tags = tags.clone(),
        }
        changes.title.apply(&mut self.title);
        changes.summary.apply(&mut self.summary);
        changes.language.apply(&mut self.language);
        changes.cover_image_url.apply(&mut self.cover_image_url);
        changes.canonical_url.apply(&mut self.canonical_url);
        changes.meta_title.apply(&mut self.meta_title);
        changes.meta_description.apply(&mut self.meta_description);
        changes.quote_of.apply(&mut self.quote_of);
        changes.reply_to.apply(&mut self.reply_to);
        self.settle_kind();
    }

    /// Whether the slug was made from the title that the post has now, or from the id for want of one.
    fn slug_follows_title(&self) -> bool {
        let title = self.title.clone().and_then(|title| Title::try_from(title).ok());
        let made = title.map_or_else(|| Slug::of_id(self.id), |title| Slug::from_title(&title, self.id));
        self.slug == made || self.slug == made.with_suffix(self.id)
    }

    /// Publishes it; at `at` if that is given, else when it was published first, else now. A time that is still to
    /// come only schedules it.
    pub fn publish(&mut self, at: Option<Timestamp>, now: Timestamp) {
        match at {
            Some(at) if at > now => {
                self.status = PostStatus::Scheduled;
                self.publish_at = Some(at);
                self.pinned_at = None;
            }
            at => {
                self.status = PostStatus::Published;
                self.published_at = Some(at.or(self.published_at).unwrap_or(now));
                self.publish_at = None;
            }
        }
    }

    /// Whether it is scheduled and its time has come.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.status == PostStatus::Scheduled && self.publish_at.is_some_and(|at| at <= now)
    }

    /// Makes it a draft again, from wherever it stands.
    pub fn unpublish(&mut self) {
        self.status = PostStatus::Draft;
        self.publish_at = None;
        self.pinned_at = None;
        self.expires_at = None;
    }

    /// Puts it into the trash.
    pub fn trash(&mut self, now: Timestamp) {
        self.unpublish();
        self.status = PostStatus::Trashed;
        self.expires_at = Some(now.plus_seconds(TRASH_SECONDS).seconds());
    }
}
