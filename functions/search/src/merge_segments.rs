//! Merges large segments, of which a search would otherwise read one range each: while others take changes into segments of their own, behind
//! these. One merge at a time, as the manifest notes it.
//!
//! Stopped anywhere, it leaves the index as it was: the bus calls it again, or an hour later the next change begins another.

use bus::Entry;
use domain::Timestamp;
use edge::{BusEvent, Problem};
use search_index::segments_to_merge;
use serde::{Deserialize, Serialize};
use table::{Manifest, Merging, Refused, StoredSegment};
use ulid::Ulid;

use crate::{Services, rebuild_index};

/// What the template calls it, and the type of its work on the bus.
pub const NAME: &str = "merge_segments";

/// How long a merge keeps others from beginning: one that takes longer was given up.
const GIVEN_UP_SECONDS: i64 = 60 * 60;

/// How often another writer of the manifest may be faster.
const MAX_TRIES: usize = 10;

/// A merge on the bus.
#[derive(Debug, Serialize, Deserialize)]
struct Work {
    /// Tells it from others.
    merge: String,
}

/// Puts a merge on the bus, if there is something to merge and nobody does.
pub async fn begin_if_needed(services: &Services, manifest: &Manifest, now: Timestamp) -> Result<(), Problem> {
    if is_busy(manifest, now) || to_merge(services, manifest).is_empty() {
        return Ok(());
    }
    let work = Work { merge: services.blog.new_id::<Ulid>(now).to_string() };
    let entry = Entry::new(rebuild_index::SOURCE, NAME, &work)?;
    services.bus.put(vec![entry]).await.map_err(|not_taken| not_taken.cause.into())
}

/// Whether somebody merges already, or builds anew what would be merged.
fn is_busy(manifest: &Manifest, now: Timestamp) -> bool {
    let merges = |merging: &Merging| merging.begun_at.plus_seconds(GIVEN_UP_SECONDS) > now;
    manifest.rebuild.is_some() || manifest.merging.as_ref().is_some_and(merges)
}

/// The segments that are to be merged: of those that are too large for who takes changes into the index, as many of the last as are not
/// twice as large as what comes after them.
fn to_merge<'a>(services: &Services, manifest: &'a Manifest) -> &'a [StoredSegment] {
    let is_large = |segment: &StoredSegment| segment.posts > services.segments.sizes.merged_at_once;
    let large = manifest.segments.iter().take_while(|segment| is_large(segment)).count();
    let (large, _) = manifest.segments.split_at_checked(large).unwrap_or_default();
    let Some((last, before)) = large.split_last() else { return &[] };
    let sizes: Vec<_> = before.iter().map(|segment| segment.posts).collect();
    match segments_to_merge(&sizes, last.posts, usize::MAX) {
        0 => &[],
        count => large.get(before.len() - count..).unwrap_or_default(),
    }
}

/// Merges what is to be merged.
pub async fn merge_segments(services: &Services, event: BusEvent) -> Result<(), Problem> {
    let work: Work = serde_json::from_value(event.detail).map_err(Problem::internal)?;
    let Some(manifest) = begun(services, &work.merge).await? else { return Ok(()) };
    let merged = to_merge(services, &manifest).to_vec();
    if merged.is_empty() {
        // By an earlier try of this very work.
        return finish(services, &work.merge, &[], None).await;
    }
    let opened = services.segments.open(&merged).await?;
    let opened: Option<Vec<_>> = opened.into_iter().collect();
    let are_all = manifest.segments.first() == merged.first();
    let stored = match opened {
        Some(opened) => services.segments.store(&services.blog, &opened, are_all, None).await?.ok(),
        None => None,
    };
    if stored.is_none() {
        tracing::error!("a segment of the search index is lost; it is rebuilt");
        rebuild_index::begin(services, false).await?;
    }
    finish(services, &work.merge, &merged, stored).await
}

/// The manifest in which this merge is noted, which it now is unless another is on its way.
async fn begun(services: &Services, id: &str) -> Result<Option<Manifest>, Problem> {
    for _ in 0..MAX_TRIES {
        let now = services.blog.now();
        let manifest = services.blog.table.search_state().await?.manifest;
        if manifest.merging.as_ref().is_some_and(|merging| merging.id == id) {
            return Ok(Some(manifest));
        }
        if is_busy(&manifest, now) || to_merge(services, &manifest).is_empty() {
            return Ok(None);
        }
        let next = Manifest { merging: Some(Merging { id: id.to_owned(), begun_at: now }), ..manifest.clone() };
        match services.blog.table.swap_manifest(&manifest, &next, now).await {
            Ok(()) | Err(Refused::Changed) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Refused::Contended.into())
}

/// Swaps: the new segment comes where the merged ones were. If they are not there any more, because all was built anew meanwhile, nobody
/// reads it.
async fn finish(
    services: &Services,
    id: &str,
    merged: &[StoredSegment],
    stored: Option<StoredSegment>,
) -> Result<(), Problem> {
    let blog = &services.blog;
    for _ in 0..MAX_TRIES {
        let now = blog.now();
        let manifest = blog.table.search_state().await?.manifest;
        let is_noted = manifest.merging.as_ref().is_some_and(|merging| merging.id == id);
        let place = manifest.segments.windows(merged.len().max(1)).position(|window| window == merged);
        let mut next = Manifest { merging: None, ..manifest.clone() };
        if let (Some(stored), Some(place), true) = (&stored, place, is_noted) {
            next.segments.splice(place..place + merged.len(), [stored.clone()]);
            if let Some(rebuild) = &mut next.rebuild {
                // A rebuild that began meanwhile replaces what was there then.
                rebuild.replaces = rebuild.replaces.saturating_sub(merged.len() - 1);
            }
        } else if let Some(stored) = stored.as_ref().filter(|stored| !manifest.lists(&stored.name)) {
            // Not by an earlier try of this very call either, whose answer was lost.
            services.segments.delete(blog, &stored.name).await?;
        }
        if !is_noted {
            return Ok(());
        }
        match blog.table.swap_manifest(&manifest, &next, now).await {
            Ok(()) => return begin_if_needed(services, &next, now).await,
            Err(Refused::Changed) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Refused::Contended.into())
}
