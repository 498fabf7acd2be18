//! How the revisions of a post are found and shown.

use std::borrow::Cow;

use domain::{Details, Post, PostId, PostStatus, Revision, Slug, Timestamp, UserId, Viewer, fields, whole_number};
use edge::{Blog, Problem};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use crate::shared::lookup::current_post;

fields! {
    /// The path of one version of a post.
    pub struct RevisionPath {
        /// The post's slug.
        slug: Slug,
        /// The version's number.
        version: VersionNumber,
    }
}

/// The number of a version, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct VersionNumber(pub u64);

impl VersionNumber {
    const MAX: u64 = 9_999_999_999;
}

impl JsonSchema for VersionNumber {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "VersionNumber".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The number of a version.",
            "type": "integer",
            "minimum": 1,
            "maximum": Self::MAX,
        })
    }
}

impl TryFrom<String> for VersionNumber {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match whole_number(&text) {
            Some(number @ 1..=Self::MAX) => Ok(Self(number)),
            _ => Err("must be the number of a version, from 1"),
        }
    }
}

/// A revision of a post, without its text.
#[derive(Serialize, JsonSchema)]
pub struct RevisionCard {
    version: u64,
    status: PostStatus,
    #[serde(flatten)]
    pub details: Details,
    quote_of: Option<PostId>,
    reply_to: Option<PostId>,
    edited_by: UserId,
    created_at: Timestamp,
}

impl From<Revision> for RevisionCard {
    fn from(revision: Revision) -> Self {
        Self {
            version: revision.version,
            status: revision.status,
            details: revision.details,
            quote_of: revision.quote_of,
            reply_to: revision.reply_to,
            edited_by: revision.edited_by,
            created_at: revision.created_at,
        }
    }
}

/// The post whose revisions are asked for, for who may edit it; also while it is in the trash.
pub async fn own_post(blog: &Blog, slug: &Slug, viewer: &Viewer, now: Timestamp) -> Result<Post, Problem> {
    let post = current_post(blog, slug, now).await?;
    post.check_owned(viewer)?;
    Ok(post)
}

/// A revision of a post with the Markdown that it had.
pub async fn find_revision(blog: &Blog, post: &Post, version: VersionNumber) -> Result<(Revision, String), Problem> {
    let found = blog.table.revision(post.id, version.0).await?;
    found.ok_or_else(|| Problem::not_found("This post has no such version."))
}
