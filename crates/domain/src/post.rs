//! Posts: what is stored of one apart from its text, and how it changes.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Denied, Details, DetailsPatch, FieldError, MediaId, NewText, Patch, Policy, PostId, PostText, Role, Slug, Summary,
    TagLabels, Timestamp, User, UserId, Username, Viewer,
};

/// Words a minute that an adult reads of an English text (Brysbaert 2019: 238 silent, rounded).
pub const READING_SPEED: u64 = 240;

/// How long a post stays in the trash: 30 days.
pub const TRASH_SECONDS: i64 = 30 * 24 * 60 * 60;

/// The maximum number of characters of a note.
pub const MAX_NOTE_CHARACTERS: usize = 777;

/// The kind of a post. It follows from the fields of the post, except for a repost, which has an operation of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PostKind {
    /// A post with a title.
    Article,
    /// A short post without a title.
    Note,
    /// A post that quotes another post.
    Quote,
    /// A post that answers another post.
    Reply,
    /// Another post, shown to the followers of whoever reposts it. It has no text; `quote_of` is the other post.
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

/// The status of a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PostStatus {
    /// Only its author and editors can read it.
    Draft,
    /// A draft that will be published at a future time.
    Scheduled,
    /// Everybody can read it.
    Published,
    /// In the trash, and deleted after 30 days.
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

/// All of a post but its text: what a card shows. The post's own item and its item in each list contain it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Post {
    /// The id, which stays.
    pub id: PostId,
    /// The name in addresses.
    pub slug: Slug,
    /// What kind it is.
    pub kind: PostKind,
    /// The status.
    pub status: PostStatus,
    /// What its author wrote of it, apart from the text.
    #[serde(flatten)]
    pub details: Details,
    /// How its tags were typed where they are shown so ([`TagLabels`]); none if that was not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag_labels: Option<TagLabels>,
    /// The beginning of its text, if it has no summary that lists show instead.
    pub excerpt: Option<String>,
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
    /// The pictures of ours that its text shows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<MediaId>,
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

/// What a new post is made of, apart from its text.
#[derive(Default)]
pub struct NewPost {
    /// What its author wrote of it.
    pub details: Details,
    /// How its tags were typed, if that is kept.
    pub tag_labels: Option<TagLabels>,
    /// The slug, if the client chose one.
    pub slug: Option<Slug>,
    /// The post that it quotes.
    pub quote_of: Option<PostId>,
    /// The post that it answers.
    pub reply_to: Option<PostId>,
}

/// What an edit changes, apart from the text.
pub struct PostPatch {
    /// What its author wrote of it.
    pub details: DetailsPatch,
    /// How its tags were typed, if that is kept. Otherwise each tag that stays keeps its label.
    pub tag_labels: Option<TagLabels>,
    /// The slug, if the client chooses one.
    pub slug: Option<Slug>,
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
    /// The status. A quote shows a post that is not published as gone.
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
            title: post.details.title.clone().map(Into::into),
            summary: post.summary_or_excerpt().map(str::to_owned),
            author: post.author.clone(),
            published_at: post.published_at,
            repost_of: post.quote_of.filter(|_| post.kind == PostKind::Repost),
        }
    }
}

impl Post {
    /// A draft of `author`'s, at version 1.
    pub fn draft(new: NewPost, text: &NewText, id: PostId, author: &User, now: Timestamp) -> Self {
        let from_title =
            || new.details.title.as_ref().map_or_else(|| Slug::of_id(id), |title| Slug::from_title(title, id));
        let slug = new.slug.clone().unwrap_or_else(from_title);
        let mut draft = Self {
            id,
            slug,
            kind: PostKind::Note,
            status: PostStatus::Draft,
            details: new.details,
            tag_labels: new.tag_labels,
            excerpt: None,
            quote_of: new.quote_of,
            reply_to: new.reply_to,
            author: author.into(),
            edited_by: author.id,
            word_count: 0,
            media: Vec::new(),
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
        draft.settle(Some(text));
        draft
    }

    /// `author`'s repost of the post `original`, published at once.
    pub fn repost(original: PostId, id: PostId, author: &User, now: Timestamp) -> Self {
        let new = NewPost { quote_of: Some(original), ..NewPost::default() };
        let mut repost = Self::draft(new, &NewText::default(), id, author, now);
        repost.kind = PostKind::Repost;
        repost.come_out(now);
        repost
    }

    /// The next version of the post, whose text is `stored`: what `change` makes of it, edited by `editor` at `now`. `change`
    /// alters the post and returns its new text, if that may change too. `excerpt` is asked for the beginning of the present text when a
    /// summary that hid it is removed. None if nothing changes.
    pub fn edit(
        &self,
        editor: UserId,
        now: Timestamp,
        stored: &PostText,
        excerpt: impl FnOnce() -> Option<String>,
        change: impl FnOnce(&mut Self) -> Result<Option<NewText>, Denied>,
    ) -> Result<Option<(Self, Option<NewText>)>, Denied> {
        let mut next = self.clone();
        // A text that is the same as before is no change.
        let text = change(&mut next)?.filter(|text| text.text != *stored);
        next.settle(text.as_ref());
        if text.is_none() && self.details.summary.is_some() && next.details.summary.is_none() {
            next.excerpt = excerpt();
        }
        if next == *self && text.is_none() {
            return Ok(None);
        }
        next.edited_by = editor;
        next.advance(self, text.is_some(), now);
        Ok(Some((next, text)))
    }

    /// What `change` makes of the post without being an edit: the version stays, so that nobody who is editing the post
    /// is disturbed. None if nothing changes.
    pub fn amend(&self, change: impl FnOnce(&mut Self) -> Result<(), Denied>) -> Result<Option<Self>, Denied> {
        let mut next = self.clone();
        change(&mut next)?;
        if next == *self {
            return Ok(None);
        }
        next.writes = self.writes + 1;
        Ok(Some(next))
    }

    /// The next version of a scheduled post whose time has come: it is published or, if its author could not publish it now, a draft again.
    /// None if the post is not due.
    pub fn come_due(&self, author_can_publish: bool, now: Timestamp) -> Option<Self> {
        let mut next = self.clone();
        self.is_due(now).then(|| {
            if author_can_publish {
                next.come_out(self.publish_at.unwrap_or(now));
            } else {
                next.unpublish();
            }
            next.advance(self, false, now);
            next
        })
    }

    /// Derives what follows from what the author wrote: the kind, which tags have labels, and from a new text the length and the excerpt.
    fn settle(&mut self, text: Option<&NewText>) {
        self.kind = match (self.kind, self.reply_to, self.quote_of, &self.details.title) {
            (PostKind::Repost, ..) => PostKind::Repost,
            (_, Some(_), ..) => PostKind::Reply,
            (_, _, Some(_), _) => PostKind::Quote,
            (.., Some(_)) => PostKind::Article,
            _ => PostKind::Note,
        };
        if let Some(labels) = &mut self.tag_labels {
            labels.keep_only(&self.details.tags);
        }
        if let Some(text) = text {
            self.word_count = text.word_count;
            self.excerpt = text.excerpt.clone();
            self.media.clone_from(&text.media);
        }
        // A card is no larger for an excerpt that its summary hides.
        if self.details.summary.is_some() {
            self.excerpt = None;
        }
    }

    /// Counts up from the version before. The text's items are stored with the slug, so they are written anew when the
    /// slug changes.
    fn advance(&mut self, before: &Self, has_new_text: bool, now: Timestamp) {
        self.version = before.version + 1;
        self.writes = before.writes + 1;
        self.updated_at = now;
        if has_new_text || self.slug != before.slug {
            self.text_version = self.version;
        }
    }

    /// Checks what must hold between the parts of a post, and the stack's own policy. Its text is `markdown`, and a reader reads it as `read`.
    pub fn check_content(&self, markdown: &str, read: impl FnOnce() -> String, policy: &Policy) -> Result<(), Denied> {
        let mut errors = self.check_form(markdown);
        errors.extend(policy.check(self, markdown, read));
        Denied::if_any(errors)
    }

    /// The same for an edit of the post `before`. The policy is asked only about the fields that it changes, or about all of a draft that comes
    /// out: a rule that is younger than a post must not keep it from being withdrawn.
    pub fn check_edit(
        &self,
        before: &Self,
        has_new_text: bool,
        markdown: &str,
        read: impl FnOnce() -> String,
        policy: &Policy,
    ) -> Result<(), Denied> {
        let is_shown = |post: &Self| matches!(post.status, PostStatus::Published | PostStatus::Scheduled);
        let comes_out = is_shown(self) && !is_shown(before);
        let (new, old) = (&self.details, &before.details);
        let is_new = |error: &FieldError| match &*error.pointer {
            "/title" => new.title != old.title,
            "/summary" => new.summary != old.summary,
            "/meta_title" => new.meta_title != old.meta_title,
            "/meta_description" => new.meta_description != old.meta_description,
            "/tags" => new.tags != old.tags,
            "/slug" => self.slug != before.slug,
            _ => has_new_text,
        };
        let mut errors = self.check_form(markdown);
        errors.extend(policy.check(self, markdown, read).into_iter().filter(|error| comes_out || is_new(error)));
        Denied::if_any(errors)
    }

    /// The fields of a post with this text that do not go together.
    fn check_form(&self, markdown: &str) -> Vec<FieldError> {
        let mut errors = Vec::new();
        if self.kind == PostKind::Note {
            let characters = markdown.chars().count();
            if characters > MAX_NOTE_CHARACTERS {
                let rule = "must have at most 777 characters without a title";
                errors.push(FieldError::new("body", format!("{rule}, not {characters}")));
            }
        }
        if self.quote_of.is_some() && self.reply_to.is_some() {
            errors.push(FieldError::new("reply_to", "cannot be combined with quote_of"));
        }
        if self.slug.as_id().is_some_and(|id| id != self.id) {
            errors.push(FieldError::new("slug", "must not look like the id of another post"));
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
        self.details.summary.as_ref().map(Summary::as_str).or(self.excerpt.as_deref())
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
    pub fn check_readable(&self, viewer: Option<&Viewer>) -> Result<(), Denied> {
        match self.status {
            PostStatus::Published => Ok(()),
            _ if !viewer.is_some_and(|viewer| self.is_editable_by(viewer)) => Err(Denied::PostNotFound),
            PostStatus::Trashed => Err(Denied::PostTrashed),
            PostStatus::Draft | PostStatus::Scheduled => Ok(()),
        }
    }

    /// Lets this viewer change it, or says what they are told instead.
    pub fn check_editable(&self, viewer: &Viewer) -> Result<(), Denied> {
        self.check_readable(Some(viewer))?;
        self.check_owned(viewer)
    }

    /// Whether it can be commented on.
    pub fn check_takes_comments(&self) -> Result<(), Denied> {
        let takes_comments = self.is_published() && self.details.comments_open.0;
        if takes_comments { Ok(()) } else { Err(Denied::CommentsClosed) }
    }

    /// Lets only those pass who may change it, whether or not it is in the trash.
    pub fn check_owned(&self, viewer: &Viewer) -> Result<(), Denied> {
        if self.kind == PostKind::Repost {
            Err(Denied::IsRepost)
        } else if self.is_editable_by(viewer) {
            Ok(())
        } else if self.is_published() {
            Err(Denied::NotEditable)
        } else {
            Err(Denied::PostNotFound)
        }
    }

    /// Whole minutes to read it, at least one.
    pub fn reading_time_minutes(&self) -> u64 {
        self.word_count.div_ceil(READING_SPEED).max(1)
    }

    /// Applies a patch. Until the post is first published its slug follows the title, unless the client chose one: in
    /// this patch, or before, so that it differs from the old title's.
    pub fn apply(&mut self, patch: &PostPatch) {
        match (&patch.slug, &patch.details.title) {
            (Some(slug), _) => self.slug = slug.clone(),
            (None, Patch::Set(title)) if self.published_at.is_none() && self.slug_follows_title() => {
                let from_title = Slug::from_title(title, self.id);
                // A slug that only differs by the suffix it once needed is kept.
                if self.slug != from_title.with_suffix(self.id) {
                    self.slug = from_title;
                }
            }
            (None, _) => {}
        }
        self.details.apply(&patch.details);
        if patch.tag_labels.is_some() {
            self.tag_labels.clone_from(&patch.tag_labels);
        }
        patch.quote_of.apply(&mut self.quote_of);
        patch.reply_to.apply(&mut self.reply_to);
    }

    /// Whether the slug was made from the title that the post has now, or from the id for want of one.
    pub(crate) fn slug_follows_title(&self) -> bool {
        let title = self.details.title.as_ref();
        let made = title.map_or_else(|| Slug::of_id(self.id), |title| Slug::from_title(title, self.id));
        self.slug == made || self.slug == made.with_suffix(self.id)
    }

    /// Publishes it; at `at` if that is given, else when it was published first, else now. A time that is still to
    /// come only schedules it; that of a published post is denied, because it would take the post offline unasked.
    pub fn publish(&mut self, at: Option<Timestamp>, now: Timestamp) -> Result<(), Denied> {
        match at {
            Some(at) if at > now => {
                if self.is_published() {
                    return Err(Denied::AlreadyPublished);
                }
                self.status = PostStatus::Scheduled;
                self.publish_at = Some(at);
                self.expires_at = None;
            }
            at => self.come_out(at.or(self.published_at).unwrap_or(now)),
        }
        Ok(())
    }

    /// Shows it to everybody, dated `at`.
    fn come_out(&mut self, at: Timestamp) {
        self.status = PostStatus::Published;
        self.published_at = Some(at);
        self.publish_at = None;
        self.expires_at = None;
    }

    /// Whether it is scheduled and its time has come.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.status == PostStatus::Scheduled && self.publish_at.is_some_and(|at| at <= now)
    }

    /// Makes it a draft again, whatever its status is.
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

#[cfg(test)]
mod tests;
