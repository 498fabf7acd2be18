//! `GET /posts/{slug}/revisions/{version}`: Get a revision of a post. With `compare_to`, also what changed from that
//! version to this one.

use std::sync::Arc;
use std::time::Duration;

use domain::fields;
use edge::{Author, Blog, Call, Path, Problem, Query, Versioned};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use similar::TextDiff;

use crate::shared::revision::{RevisionCard, RevisionPath, VersionNumber, find_revision, own_post};

/// How long the shortest difference of two texts is looked for; after that a longer one is answered.
const DIFF_TIME: Duration = Duration::from_millis(500);

fields! {
    pub struct Comparison {
        /// The number of the version to compare with.
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

/// What changed from the other version to this one.
#[derive(Serialize, JsonSchema)]
struct Changes {
    compared_to: u64,
    /// The fields that differ.
    fields: Vec<String>,
    /// What differs in the text, as a unified diff; empty if nothing does.
    diff: String,
}

pub async fn get_revision(
    blog: &Arc<Blog>,
    call: Call<Author, (Path<RevisionPath>, Query<Comparison>)>,
) -> Result<Versioned<WholeRevision>, Problem> {
    let Call { caller: Author(viewer), input: (Path(path), Query(query)), now, .. } = call;
    let post = own_post(blog, &path.slug, &viewer, now).await?;
    let (revision, body) = find_revision(blog, &post, path.version).await?;
    let card = RevisionCard::from(revision);
    let changes = match query.compare_to {
        None => None,
        Some(other) => {
            let (revision, old_body) = find_revision(blog, &post, other).await?;
            Some(changes(other.0, (&RevisionCard::from(revision), &old_body), (&card, &body))?)
        }
    };
    Ok(Versioned { version: path.version.0, body: WholeRevision { card, body, changes } })
}

fn changes(compared_to: u64, old: (&RevisionCard, &str), new: (&RevisionCard, &str)) -> Result<Changes, Problem> {
    let fields = |card| serde_json::to_value(card).map_err(Problem::internal);
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
