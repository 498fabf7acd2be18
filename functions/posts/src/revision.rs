//! How the versions of a post are found and shown.

use std::borrow::Cow;

use blog::clock::Timestamp;
use blog::domain::{
    Language, MetaDescription, MetaTitle, Post, PostId, PostStatus, Revision, Slug, Summary, Tags, Title, UserId,
    Viewer, WebUrl,
};
use blog::{Blog, Error, fields};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use crate::edit::current_post;

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
    const MOST: u64 = 9_999_999_999;
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
            "maximum": Self::MOST,
        })
    }
}

impl TryFrom<String> for VersionNumber {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.parse() {
            Ok(number @ 1..=Self::MOST) => Ok(Self(number)),
            _ => Err("must be the number of a version, from 1"),
        }
    }
}

/// A version of a post, apart from its text.
#[derive(Serialize, JsonSchema)]
pub struct RevisionCard {
    version: u64,
    status: PostStatus,
    #[schemars(with = "Option<Title>")]
    title: Option<String>,
    #[schemars(with = "Option<Summary>")]
    summary: Option<String>,
    #[schemars(with = "Tags")]
    tags: Vec<String>,
    #[schemars(with = "Option<Language>")]
    language: Option<String>,
    #[schemars(with = "Option<WebUrl>")]
    cover_image_url: Option<String>,
    #[schemars(with = "Option<WebUrl>")]
    canonical_url: Option<String>,
    #[schemars(with = "Option<MetaTitle>")]
    meta_title: Option<String>,
    #[schemars(with = "Option<MetaDescription>")]
    meta_description: Option<String>,
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
            title: revision.title,
            summary: revision.summary,
            tags: revision.tags.iter().map(|tag| tag.as_str().to_owned()).collect(),
            language: revision.language,
            cover_image_url: revision.cover_image_url,
            canonical_url: revision.canonical_url,
            meta_title: revision.meta_title,
            meta_description: revision.meta_description,
            quote_of: revision.quote_of,
            reply_to: revision.reply_to,
            edited_by: revision.edited_by,
            created_at: revision.created_at,
        }
    }
}

/// The post whose versions are asked for, for who may change it; also while it is in the trash.
pub async fn own_post(blog: &Blog, slug: Slug, viewer: &Viewer, now: Timestamp) -> Result<Post, Error> {
    let post = current_post(blog, slug, now).await?;
    post.check_owned(viewer)?;
    Ok(post)
}

/// What is said of a version that is not there.
pub fn no_version() -> Error {
    Error::NotFound("This post has no such version.")
}
