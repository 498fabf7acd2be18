//! What a post was at one of its versions.

use serde::{Deserialize, Serialize};

use crate::{Details, Post, PostId, PostStatus, Timestamp, UserId};

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
    /// What its author wrote of it, apart from the text.
    #[serde(flatten)]
    pub details: Details,
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
            details: post.details,
            quote_of: post.quote_of,
            reply_to: post.reply_to,
        }
    }
}

impl Revision {
    /// Gives the post what its author had written at this version. Its slug and its status stay: restoring a text must not
    /// move or unpublish the post. Nor does it open a discussion that was closed since.
    pub fn restore(self, post: &mut Post) {
        post.details = Details { comments_open: post.details.comments_open, ..self.details };
        post.quote_of = self.quote_of;
        post.reply_to = self.reply_to;
    }
}
