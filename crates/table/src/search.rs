//! Access patterns of the search index: what it is made of, and what changed since. The index itself is in the bucket
//! (docs/adr/0030).

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{Post, PostId, Slug, Timestamp};
use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::post_writes::number;
use crate::write::Write;
use crate::{Consistency, Entity, Query, Refused, SortKeys, Table, keys, read, sort_key, type_of};

/// A segment of the index, as a file in the bucket. It never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredSegment {
    /// Its name in the bucket.
    pub name: String,
    /// The SHA-256 of its footer, by which one that is another's is found out; the footer has the checksums of all else.
    pub checksum: String,
    /// How many posts it says something of.
    pub posts: usize,
    /// Its size.
    pub bytes: u64,
    /// How many of its last bytes are the footer.
    #[serde(default)]
    pub footer: usize,
}

/// Files that may be in the bucket although the index does not list them. They are noted apart from the manifest, because every
/// search reads that one whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnlistedFiles {
    /// The name of the note: that of a file that is being written, or of one that took the place of others.
    pub name: String,
    /// Since when.
    pub at: Timestamp,
    /// Which files.
    pub files: Unlisted,
}

/// Why files are not listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unlisted {
    /// The file that the note is called after is noted before it is written. The index has not listed it yet.
    Written {
        /// The rebuild that it is for, which lists it at its end.
        rebuild: Option<String>,
    },
    /// The index lists these files no more.
    Replaced {
        /// Their names.
        names: Vec<String>,
    },
}

impl Entity for UnlistedFiles {
    const TYPE: &'static str = "unlisted_search_files";
}

/// That large segments are being merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merging {
    /// Tells this merge from others.
    pub id: String,
    /// Since when.
    pub begun_at: Timestamp,
}

/// That the index is being built anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rebuild {
    /// Tells this rebuild from others.
    pub id: String,
    /// When its last step began.
    pub at: Timestamp,
    /// How many of the first segments it will replace. What is written meanwhile comes behind them, and stays.
    pub replaces: usize,
}

/// What the index is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// How often it was replaced.
    pub writes: u64,
    /// Its segments, the oldest first: what a later one says of a post replaces what an earlier one says.
    pub segments: Vec<StoredSegment>,
    /// The rebuild that is on its way, if one is.
    pub rebuild: Option<Rebuild>,
    /// The merge of large segments that is on its way, if one is.
    #[serde(default)]
    pub merging: Option<Merging>,
}

impl Manifest {
    /// Whether this file is a segment of the index.
    pub fn lists(&self, name: &str) -> bool {
        self.segments.iter().any(|segment| segment.name == name)
    }

    /// The names of the segments that are not in the other one.
    fn names_missing_in(&self, other: &Self) -> Vec<String> {
        let missing = self.segments.iter().filter(|segment| !other.lists(&segment.name));
        missing.map(|segment| segment.name.clone()).collect()
    }
}

impl Entity for Manifest {
    const TYPE: &'static str = "search_manifest";
}

/// A post that has changed since the index was written. What it is like now, whoever wants to know reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingPost {
    /// The post.
    pub post: PostId,
    /// Where it is, or was.
    pub slug: Slug,
    /// The number of its writes at the last change, which tells one mark of it from another.
    pub writes: u64,
}

impl Entity for PendingPost {
    const TYPE: &'static str = "pending_post";
}

impl From<&Post> for PendingPost {
    fn from(post: &Post) -> Self {
        Self { post: post.id, slug: post.slug.clone(), writes: post.writes }
    }
}

/// The index as far as the table knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchState {
    /// What it is made of.
    pub manifest: Manifest,
    /// What changed since.
    pub pending: Vec<PendingPost>,
}

impl Table {
    /// What the index is made of, and what changed since. Strongly consistent, and in the order in which it is read
    /// ([`SEARCH_PARTITION`](keys::SEARCH_PARTITION)): a change that is not there any more is in the index.
    pub async fn search_state(&self) -> Result<SearchState, Refused> {
        let mut state = SearchState::default();
        for item in self.query(Query::of(keys::SEARCH_PARTITION, SortKeys::Any, Consistency::Strong)).await? {
            match type_of(&item) {
                Some(PendingPost::TYPE) => state.pending.push(read(item)?),
                _ => state.manifest = read(item)?,
            }
        }
        Ok(state)
    }

    /// Marks a post as changed since the index was written. An older mark does not take the place of a newer one.
    pub async fn mark_for_search(&self, pending: &PendingPost) -> Result<(), Refused> {
        let mark = Write::put(keys::pending_post(pending.post), pending)?
            .on_condition("attribute_not_exists(pk) OR writes <= :writes")
            .with_value(":writes", number(pending.writes))
            .on_condition_failed(Refused::Changed);
        done_or_changed(self.write(vec![mark]).await)
    }

    /// Takes back the mark of a post that the index has now, unless the post was marked again.
    pub async fn unmark_for_search(&self, pending: &PendingPost) -> Result<(), Refused> {
        let unmark = Write::delete(keys::pending_post(pending.post))
            .on_condition("attribute_not_exists(pk) OR writes = :writes")
            .with_value(":writes", number(pending.writes))
            .on_condition_failed(Refused::Changed);
        done_or_changed(self.write(vec![unmark]).await)
    }

    /// Notes a file before it is written.
    pub async fn note_search_file(&self, name: &str, rebuild: Option<String>, now: Timestamp) -> Result<(), Refused> {
        let note = UnlistedFiles { name: name.to_owned(), at: now, files: Unlisted::Written { rebuild } };
        self.write(vec![Write::put(keys::unlisted_files(name), &note)?]).await
    }

    /// Files that the index may not list, of the notes whose names were given before `before`. Reads no newer ones, of which there
    /// may be many.
    pub async fn unlisted_search_files(&self, before: Timestamp) -> Result<Vec<UnlistedFiles>, Refused> {
        let end = Ulid::from_parts(before.milliseconds().unsigned_abs(), 0).to_string();
        let query = Query::of(keys::SEARCH_FILES_PARTITION, SortKeys::Before(&end), Consistency::Strong);
        self.query(query).await?.into_iter().map(read).collect()
    }

    /// Forgets files that are deleted.
    pub async fn forget_search_files(&self, note: &str) -> Result<(), Refused> {
        self.delete_item(&keys::unlisted_files(note)).await
    }

    /// Replaces the manifest by the next one. [`Refused::Changed`] if it is no longer the one that was read. The next one's number of
    /// writes is set here.
    ///
    /// In the same transaction, the notes of files that are listed now become one of the files that are listed no more.
    pub async fn swap_manifest(&self, manifest: &Manifest, next: &Manifest, now: Timestamp) -> Result<(), Refused> {
        let next = Manifest { writes: manifest.writes + 1, ..next.clone() };
        let swap = Write::put(keys::search_manifest(), &next)?;
        let swap = match manifest.writes {
            0 => swap.on_condition("attribute_not_exists(pk)"),
            writes => {
                let writes = AttributeValue::N(writes.to_string());
                swap.on_condition("writes = :writes").with_value(":writes", writes)
            }
        };
        let mut writes = vec![swap.on_condition_failed(Refused::Changed)];
        let mut listed = next.names_missing_in(manifest);
        let replaced = manifest.names_missing_in(&next);
        if !replaced.is_empty() {
            // If nothing has taken their place, a name that sorts before all others, so that the note is found.
            let name = listed.pop().unwrap_or_else(|| format!("0#{}", next.writes));
            let key = keys::unlisted_files(&name);
            let files = Unlisted::Replaced { names: replaced };
            writes.push(Write::put(key, &UnlistedFiles { name, at: now, files })?);
        }
        writes.extend(listed.iter().map(|name| Write::delete(keys::unlisted_files(name))));
        self.write(writes).await
    }

    /// Published posts, newest first, for who goes through all of them: up to a hundred after this place, or the first. Gives the
    /// place where to go on, if these were not all. Reposts are not among them.
    pub async fn latest_posts(&self, after: Option<&str>) -> Result<(Vec<Post>, Option<String>), Refused> {
        let items = self.items(&keys::latest(), after).await?;
        let place = items.last().and_then(sort_key).map(str::to_owned);
        Ok((items.into_iter().map(read).collect::<Result<_, _>>()?, place))
    }
}

fn done_or_changed(outcome: Result<(), Refused>) -> Result<(), Refused> {
    match outcome {
        Err(Refused::Changed) => Ok(()),
        outcome => outcome,
    }
}
