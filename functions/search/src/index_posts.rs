//! Takes what changed into the index: writes a segment of it, merged with others that have become small beside it, and swaps the
//! manifest. Any number may do so at once: the manifest is replaced only by who has read it, and the others begin again.
//!
//! Stopped anywhere, it leaves the index whole: a segment that no manifest lists, or changes that are in the index and still
//! marked, which the next run takes once more.

use std::collections::HashSet;
use std::sync::Arc;

use domain::Timestamp;
use edge::Problem;
use search_index::{Builder, Segment, segments_to_merge};
use table::{Manifest, PendingPost, Refused, RetiredSegment, SearchState, StoredSegment};
use ulid::Ulid;

use crate::{Services, posts, rebuild_index};

/// What the template calls it.
pub const NAME: &str = "index_posts";

/// The maximum number of changed posts that a segment is begun with. What is left is taken into the next.
const MAX_POSTS: usize = 200;

/// How often another writer may be faster.
const MAX_TRIES: usize = 10;

/// How long a segment is kept that was merged into another: a search that has read the manifest before may still fetch it.
const KEEP_SECONDS: i64 = 10 * 60;

/// Takes every change that is marked into the index.
pub async fn index_posts(services: &Services) -> Result<(), Problem> {
    let table = &services.blog.table;
    let mut tries = 0;
    loop {
        let now = services.blog.now();
        let state = table.search_state().await?;
        if state.pending.is_empty() {
            return Ok(());
        }
        let (next, taken, segment) = next_manifest(services, &state, now).await?;
        match swap(services, &state.manifest, &next, &segment).await? {
            Swapped::Yes => {
                for pending in taken {
                    table.unmark_for_search(pending).await?;
                }
            }
            Swapped::No => {
                // Nobody knows of it.
                services.segments.delete(&segment.name).await?;
                tries += 1;
                if tries == MAX_TRIES {
                    return Err(Refused::Contended.into());
                }
            }
        }
    }
}

/// Whether a manifest was replaced.
pub enum Swapped {
    /// It was.
    Yes,
    /// Somebody else was faster.
    No,
}

/// Replaces the manifest. `segment` is one that is new in it.
async fn swap(
    services: &Services,
    manifest: &Manifest,
    next: &Manifest,
    segment: &StoredSegment,
) -> Result<Swapped, Problem> {
    match services.blog.table.swap_manifest(manifest, next).await {
        Ok(()) => Ok(Swapped::Yes),
        Err(Refused::Changed) => {
            // By an earlier try of this very call, whose answer was lost, or by somebody else.
            let state = services.blog.table.search_state().await?;
            Ok(if state.manifest.segments.contains(segment) { Swapped::Yes } else { Swapped::No })
        }
        Err(error) => Err(error.into()),
    }
}

/// The manifest with the changes in it, the changes that it takes, and the segment that has them, which is written.
async fn next_manifest<'a>(
    services: &Services,
    state: &'a SearchState,
    now: Timestamp,
) -> Result<(Manifest, &'a [PendingPost], StoredSegment), Problem> {
    let (manifest, pending) = (&state.manifest, &state.pending);
    let taken = pending.get(..MAX_POSTS).unwrap_or(pending);
    let wanted: Vec<_> = taken.iter().map(|pending| (pending.post, pending.slug.clone())).collect();
    let documents = posts::documents(&services.blog, &wanted, now).await?;

    // What a rebuild is about to replace is not mixed with what it has to keep.
    let replaced = manifest.rebuild.as_ref().map_or(0, |rebuild| rebuild.replaces);
    let sizes: Vec<_> = manifest.segments.iter().skip(replaced).map(|segment| segment.posts).collect();
    let kept = manifest.segments.len() - segments_to_merge(&sizes, taken.len());
    let (kept, merged) = manifest.segments.split_at_checked(kept).unwrap_or((&manifest.segments, &[]));
    let loaded = services.segments.load(merged).await?;
    if loaded.iter().any(Option::is_none) {
        tracing::error!("a segment of the search index is lost; it is rebuilt");
        rebuild_index::begin(services, false).await?;
    }
    let loaded: Vec<_> = loaded.into_iter().flatten().collect();

    // That a post is gone is said as long as an older segment may say otherwise.
    let is_all = kept.is_empty() && manifest.rebuild.is_none();
    let changed: HashSet<u128> = taken.iter().map(|pending| pending.post.number()).collect();
    let mut builder = merge(&loaded, changed, is_all);
    for (pending, document) in taken.iter().zip(&documents) {
        match document {
            Some(document) => builder.add(document),
            None if is_all => {}
            None => builder.add_gone(pending.post.number()),
        }
    }
    let segment = services.segments.store(services.blog.new_id::<Ulid>(now), &builder).await?;

    let (forgotten, mut retired): (Vec<_>, Vec<_>) =
        manifest.retired.iter().cloned().partition(|retired| retired.at.plus_seconds(KEEP_SECONDS) < now);
    for RetiredSegment { name, .. } in &forgotten {
        services.segments.delete(name).await?;
    }
    retired.extend(merged.iter().map(|segment| RetiredSegment { name: segment.name.clone(), at: now }));
    let segments = kept.iter().chain([&segment]).cloned().collect();
    Ok((Manifest { segments, retired, ..manifest.clone() }, taken, segment))
}

/// A segment of what these say, the oldest first, but for the posts that are `said` anew.
fn merge(segments: &[Arc<Segment>], mut said: HashSet<u128>, is_all: bool) -> Builder {
    let mut last_words = Vec::new();
    for segment in segments.iter().rev() {
        last_words.push(segment.ids().filter(|id| said.insert(*id)).collect::<HashSet<u128>>());
    }
    let mut builder = Builder::default();
    for (segment, last_word) in segments.iter().zip(last_words.iter().rev()) {
        builder.add_segment(segment, |id, is_gone| last_word.contains(&id) && !(is_gone && is_all));
    }
    builder
}
