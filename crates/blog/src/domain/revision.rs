//! What a post was at one of its versions.

use serde::{Deserialize, Serialize};

use super::{Post, PostId, PostStatus, Tags, UserId};
use crate::clock::Timestamp;

/// A version of a post, apart from its text: what an author can write, and who wrote it when. It is kept apart from
/// the post, so that who reads the post never pays for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Revision {
    /// Which version of the post this was.
    pub version: u64,
    /// The version that wrote the text which this one had.
    pub text_version: u64,
    /// Who made this version.
    pub edited_by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// Where the post stood then.
    pub status: PostStatus,
    /// The title.
    pub title: Option<String>,
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
    /// The post that it quoted.
    pub quote_of: Option<PostId>,
    /// The post that it answered.
    pub reply_to: Option<PostId>,
}

impl From<&Post> for Revision {
    fn from(post: &Post) -> Self {
        let post = post.clone();
        Self {
            version: post.version,
            text_version: post.text_version,
            edited_by: post.edited_by,
            created_at: post.updated_at,
            status: post.status,
            title: post.title,
            summary: post.summary,
            tags: post.tags,
            language: post.language,
            cover_image_url: post.cover_image_url,
            canonical_url: post.canonical_url,
            meta_title: post.meta_title,
            meta_description: post.meta_description,
            quote_of: post.quote_of,
            reply_to: post.reply_to,
        }
    }
}

impl Revision {
    /// Gives the post what it had at this version: all that an author writes, but not its address and not where it
    /// stands, which are not text that one could have lost.
    pub fn restore(self, post: &mut Post) {
        post.title = self.title;
        post.summary = self.summary;
        post.tags = self.tags;
        post.language = self.language;
        post.cover_image_url = self.cover_image_url;
        post.canonical_url = self.canonical_url;
        post.meta_title = self.meta_title;
        post.meta_description = self.meta_description;
        post.quote_of = self.quote_of;
        post.reply_to = self.reply_to;
        post.settle_kind();
    }
}
