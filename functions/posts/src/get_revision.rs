//! `GET /posts/{slug}/revisions/{version}`: what the post was at a version and, if another one is named, what changed
//! from that one to this.

use std::time::Duration;

use blog::edge::{Author, Call, NoFields, Operation, Versioned};
use blog::{Blog, Error, fields};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use similar::TextDiff;

use crate::revision::{RevisionCard, RevisionPath, VersionNumber, no_version, own_post};

pub struct GetRevision;

/// Finding the shortest difference of two texts can take long; after this a longer one does.
const DIFF_TIME: Duration = Duration::from_millis(500);

fields! {
    pub struct Comparison {
        /// The version that this one is compared with.
        compare_to: Option<VersionNumber>,
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Revision")]
pub struct WholeRevision {
    #[serde(flatten)]
    card: RevisionCard,
    /// The text in Markdown.
    body: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Changes>,
}

/// What changed from another version to this one.
#[derive(Serialize, JsonSchema)]
struct Changes {
    compared_to: u64,
    /// The fields that differ.
    fields: Vec<String>,
    /// What differs in the text, as a unified diff; empty if nothing does.
    diff: String,
}

impl Operation for GetRevision {
    const NAME: &'static str = "get_revision";
    type Caller = Author;
    type Path = RevisionPath;
    type Query = Comparison;
    type Body = NoFields;
    type Reply = Versioned<WholeRevision>;

    async fn run(blog: &Blog, call: Call<Self>) -> Result<Self::Reply, Error> {
        let Call { caller: Author(viewer), path, query, now, .. } = call;
        let post = own_post(blog, path.slug, &viewer, now).await?;
        let VersionNumber(version) = path.version;
        let (revision, body) = blog.table.revision(post.id, version).await?.ok_or_else(no_version)?;
        let card = RevisionCard::from(revision);
        let changes = match query.compare_to {
            None => None,
            Some(VersionNumber(other)) => {
                let (revision, old_body) = blog.table.revision(post.id, other).await?.ok_or_else(no_version)?;
                Some(changes(other, (&RevisionCard::from(revision), &old_body), (&card, &body))?)
            }
        };
        Ok(Versioned { version, body: WholeRevision { card, body, changes } })
    }
}

fn changes(compared_to: u64, old: (&RevisionCard, &str), new: (&RevisionCard, &str)) -> Result<Changes, Error> {
    let fields = |card| serde_json::to_value(card).map_err(Error::internal);
    let (before, after) = (fields(old.0)?, fields(new.0)?);
    let about_the_version = ["version", "edited_by", "created_at"];
    let differ = |name: &&String| before[name.as_str()] != after[name.as_str()];
    let names = after.as_object().into_iter().flat_map(|fields: &serde_json::Map<String, Value>| fields.keys());
    let mut fields: Vec<_> =
        names.filter(|name| !about_the_version.contains(&name.as_str())).filter(differ).cloned().collect();
    if old.1 != new.1 {
        fields.push("body".to_owned());
    }
    let diff = TextDiff::configure().timeout(DIFF_TIME).diff_lines(old.1, new.1).unified_diff().to_string();
    Ok(Changes { compared_to, fields, diff })
}
