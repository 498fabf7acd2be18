//! `POST /posts/{slug}/publish`: from now on everybody sees it.

use blog::clock::Timestamp;
use blog::edge::{Author, Call, NoFields, Operation, Versioned};
use blog::{Blog, Error, fields};
use serde::Deserialize;

use crate::edit::{PostPath, edit_post, with_text};
use crate::representation::Whole;

pub struct PublishPost;

fields! {
    pub struct Publication {
        publish_at: Option<Timestamp>,
    }
}

/// A status that a client may give a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WritableStatus {
    /// Seen by its author and by editors only.
    Draft,
    /// Seen by everybody.
    Published,
}

/// A time of publication, which for now has to be past: an import keeps its dates, scheduling comes later.
pub fn past(publish_at: Option<Timestamp>, now: Timestamp) -> Result<Option<Timestamp>, Error> {
    match publish_at {
        Some(at) if at > now => {
            Err(Error::field("publish_at", "must not be in the future; scheduling is not there yet"))
        }
        publish_at => Ok(publish_at),
    }
}

impl Operation for PublishPost {
    const NAME: &'static str = "publish_post";
    type Caller = Author;
    type Path = PostPath;
    type Query = NoFields;
    type Body = Publication;
    type Reply = Versioned<Whole>;

    async fn run(blog: &Blog, call: Call<Self>) -> Result<Self::Reply, Error> {
        let Call { caller: Author(viewer), path, body, if_match, now, .. } = call;
        let publish_at = past(body.publish_at, now)?;
        let publish = |post: &mut blog::domain::Post| {
            post.publish(publish_at, now);
            Ok(None)
        };
        let post = edit_post(blog, path.slug, &viewer, &if_match, now, publish).await?;
        let whole = with_text(blog, post, now).await?;
        Ok(Versioned { version: whole.version(), body: whole })
    }
}
