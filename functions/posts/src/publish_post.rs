//! `POST /posts/{slug}/publish`: from now on everybody sees it, or from a time to come.

use blog::clock::Timestamp;
use blog::domain::Post;
use blog::edge::{Author, Call, NoFields, Operation, Versioned};
use blog::error::Problem;
use blog::{Blog, Error, fields};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::edit::{Edit, PostPath};
use crate::representation::{Whole, whole};

pub struct PublishPost;

fields! {
    pub struct Publication {
        publish_at: Option<Timestamp>,
    }
}

/// A status that a client may give a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WritableStatus {
    /// Seen by its author and by editors only.
    Draft,
    /// Seen by everybody when its time has come.
    Scheduled,
    /// Seen by everybody; scheduled if it names a time that is still to come.
    Published,
}

/// Checks that a status and a time of publication go together. A time that is past is fine: an import keeps its dates.
pub fn check_publication(status: WritableStatus, publish_at: Option<Timestamp>, now: Timestamp) -> Result<(), Error> {
    match status {
        WritableStatus::Draft if publish_at.is_some() => {
            Err(Error::field("publish_at", "goes with the status published or scheduled"))
        }
        WritableStatus::Scheduled if publish_at.is_none_or(|at| at <= now) => {
            Err(Error::field("publish_at", "must be a time to come for a scheduled post"))
        }
        _ => Ok(()),
    }
}

impl Operation for PublishPost {
    const NAME: &'static str = "publish_post";
    type Caller = Author;
    type Path = PostPath;
    type Query = NoFields;
    type Body = Publication;
    type Reply = Versioned<Whole>;
    const PROBLEMS: &'static [Problem] = &[Problem::CONFLICT, Problem::GONE, Problem::PRECONDITION_FAILED];

    async fn run(blog: &Blog, call: Call<Self>) -> Result<Self::Reply, Error> {
        let Call { caller: Author(viewer), path, body, if_match, now, .. } = call;
        let publish = |post: &mut Post| {
            post.publish(body.publish_at, now);
            Ok(None)
        };
        let edit = Edit { slug: path.slug, viewer: &viewer, if_match: &if_match, restores: false, now };
        let (post, text) = edit.make(blog, publish).await?;
        let body = whole(blog, post, text, Some(&viewer)).await?;
        Ok(Versioned { version: body.version(), body })
    }
}
