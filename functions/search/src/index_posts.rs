//! Takes what changed into the index: writes a segment of it, merged with others that have become small beside it, and swaps the
//! manifest. Any number may do so at once: the manifest is replaced only by who has read it, and the others begin again.
//!
//! Stopped anywhere, it leaves the index whole: a file that is noted and that no manifest lists, which is deleted an hour later, or changes
//! that are in the index and still marked, which the next run takes once more.

use domain::Timestamp;
use edge::Problem;
use search_index::{Builder, segments_to_merge};
use table::{Manifest, PendingPost, Refused, SearchState, StoredSegment};

use crate::{Services, merge_segments, posts, rebuild_index};

/// What the template calls it.
pub const NAME: &str = "index_posts";

/// The maximum number of changed posts that a segment is begun with. What is left is taken into the next.
const MAX_POSTS: usize = 200;

/// How often another writer may be faster.
const MAX_TRIES: usize = 10;

/// Takes every change that is marked into the index.
pub async fn index_posts(services: &Services) -> Result<(), Problem> {
    let table = &services.blog.table;
    let mut tries = 0;
    loop {
        let now = services.blog.now();
        let state = table.search_state().await?;
        if state.pending.is_empty() {
            services.segments.delete_unlisted(&services.blog, &state.manifest, now).await?;
            return merge_segments::begin_if_needed(services, &state.manifest, now).await;
        }
        let (next, taken, segment) = next_manifest(services, &state, now).await?;
        match swap(services, &state.manifest, &next, &segment, now).await? {
            Swapped::Yes => {
                for pending in taken {
                    table.unmark_for_search(pending).await?;
                }
            }
            Swapped::No => {
                // Nobody reads it.
                services.segments.delete(&services.blog, &segment.name).await?;
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
pub async fn swap(
    services: &Services,
    manifest: &Manifest,
    next: &Manifest,
    segment: &StoredSegment,
    now: Timestamp,
) -> Result<Swapped, Problem> {
    match services.blog.table.swap_manifest(manifest, next, now).await {
        Ok(()) => Ok(Swapped::Yes),
        Err(Refused::Changed) => {
            // By an earlier try of this very call, whose answer was lost, or by somebody else.
            let state = services.blog.table.search_state().await?;
            Ok(if state.manifest.lists(&segment.name) { Swapped::Yes } else { Swapped::No })
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
    let mut changes = Builder::default();
    for (pending, document) in taken.iter().zip(&documents) {
        match document {
            Some(document) => changes.add(document),
            None => changes.add_gone(pending.post.number()),
        }
    }

    // What a rebuild is about to replace is not mixed with what it has to keep.
    let replaced = manifest.rebuild.as_ref().map_or(0, |rebuild| rebuild.replaces);
    let sizes: Vec<_> = manifest.segments.iter().skip(replaced).map(|segment| segment.posts).collect();
    let count = segments_to_merge(&sizes, taken.len(), services.segments.sizes.merged_at_once);
    let kept = manifest.segments.len() - count;
    let (kept, merged) = manifest.segments.split_at_checked(kept).unwrap_or((&manifest.segments, &[]));
    // That a post is gone is said as long as an older segment may say otherwise.
    let are_all = kept.is_empty() && manifest.rebuild.is_none();
    let mut opened = services.segments.open(merged).await?;
    opened.push(Some(services.segments.in_memory(&changes)?));
    let segment = loop {
        let is_lost = opened.iter().any(Option::is_none);
        let segments: Vec<_> = opened.iter().flatten().cloned().collect();
        let lost = match services.segments.store(&services.blog, &segments, are_all, None).await? {
            Ok(segment) if !is_lost => break segment,
            Ok(segment) => {
                tracing::error!("a segment of the search index is lost; it is rebuilt");
                rebuild_index::begin(services, false).await?;
                break segment;
            }
            Err(lost) => lost,
        };
        // What is left is merged all the same.
        let names = merged.iter().map(|stored| stored.name.as_str()).chain([""]);
        for (segment, _) in opened.iter_mut().zip(names).filter(|(_, name)| **name == *lost) {
            *segment = None;
        }
    };

    let segments = kept.iter().chain([&segment]).cloned().collect();
    Ok((Manifest { segments, ..manifest.clone() }, taken, segment))
}
