//! Builds the index anew beside the old one, and swaps: when a segment is lost, or when an operator asks for it
//! (docs/search.md). In steps, each of which writes a segment, of posts or of segments that were written before, and puts what is left on the
//! bus; the last swaps.
//!
//! What is written meanwhile goes into segments of its own, behind those that are replaced (`Rebuild::replaces`), and so has the last
//! word in the new index too.

use bus::Entry;
use domain::Timestamp;
use edge::{BusEvent, Problem};
use search_index::Builder;
use serde::{Deserialize, Serialize};
use table::{Manifest, Rebuild, Refused, StoredSegment};
use ulid::Ulid;

use crate::{Services, merge_segments, posts};

/// What the template calls it, and the type of its work on the bus.
pub const NAME: &str = "rebuild_index";

/// The source of work on the bus.
pub const SOURCE: &str = "broadsheet.work";

/// How long a step of a rebuild keeps others from beginning: one that takes longer was given up.
const GIVEN_UP_SECONDS: i64 = 60 * 60;

/// How often another writer of the manifest may be faster.
const MAX_TRIES: usize = 10;

/// A rebuild on the bus, as much of it as is left.
#[derive(Debug, Serialize, Deserialize)]
struct Work {
    /// Tells it from others.
    rebuild: String,
    /// Whether it takes the place of another that is not done.
    #[serde(default)]
    replace: bool,
    /// The place of the last post that was read, in the list of all of them.
    #[serde(default)]
    after: Option<String>,
    /// What is written of it.
    #[serde(default)]
    segments: Vec<StoredSegment>,
    /// Whether all posts were read, so that what is left is to swap.
    #[serde(default)]
    is_read: bool,
}

/// Begins to rebuild the index, by putting the work on the bus. If a rebuild is on its way nothing follows from it, unless this
/// one is to `replace` it.
pub async fn begin(services: &Services, replace: bool) -> Result<(), Problem> {
    let rebuild = services.blog.new_id::<Ulid>(services.blog.now()).to_string();
    put(services, Work { rebuild, replace, after: None, segments: Vec::new(), is_read: false }).await
}

async fn put(services: &Services, work: Work) -> Result<(), Problem> {
    let entry = Entry::new(SOURCE, NAME, &work)?;
    services.bus.put(vec![entry]).await.map_err(|not_taken| not_taken.cause.into())
}

/// Does one step of a rebuild.
pub async fn rebuild_index(services: &Services, event: BusEvent) -> Result<(), Problem> {
    let work: Work = serde_json::from_value(event.detail).map_err(Problem::internal)?;
    let now = services.blog.now();
    if !is_next(services, &work, now).await? {
        tracing::info!(rebuild = work.rebuild, "the search index is rebuilt by another, or was");
        return Ok(());
    }
    if work.is_read {
        return finish(services, &work.rebuild, work.segments, now).await;
    }
    let Work { rebuild, replace, mut after, mut segments, mut is_read } = work;
    let sizes = services.segments.sizes;
    let merged = segments.split_off(segments.len() - to_merge(&segments, sizes.rebuilt_at_once));
    let written = if merged.is_empty() {
        let mut builder = Builder::default();
        while !is_read && builder.len() < sizes.step {
            let (posts, place) = services.blog.table.latest_posts(after.as_deref()).await?;
            is_read = place.is_none();
            after = place.or(after);
            let wanted: Vec<_> = posts.into_iter().map(|post| (post.id, post.slug)).collect();
            let documents = posts::documents(&services.blog, &wanted, now).await?;
            documents.iter().flatten().for_each(|document| builder.add(document));
        }
        if builder.is_empty() { Vec::new() } else { vec![services.segments.in_memory(&builder)?] }
    } else {
        let opened = services.segments.open(&merged).await?;
        opened.into_iter().collect::<Option<_>>().ok_or_else(lost)?
    };
    if !written.is_empty() {
        let stored = services.segments.store(&services.blog, &written, true, Some(&rebuild)).await?;
        segments.push(stored.map_err(|_| lost())?);
    }
    // What was merged stays until the rebuild is over, as a step may be done twice; then nobody lists it, and it is deleted.
    put(services, Work { rebuild, replace, after, segments, is_read }).await
}

/// How many of the last segments of a rebuild are merged into one, if there are as many of about one size.
fn to_merge(segments: &[StoredSegment], at_once: usize) -> usize {
    let Some(last) = segments.last() else { return 0 };
    let alike = segments.iter().rev().take_while(|segment| segment.posts < last.posts.saturating_mul(at_once.max(2)));
    if alike.count() >= at_once { at_once } else { 0 }
}

fn lost() -> Problem {
    Problem::internal("a segment that a rebuild has written is lost")
}

/// Whether this step is to be done: the first if no other rebuild is on its way, which it then notes, and any other if it is of
/// the rebuild that is.
async fn is_next(services: &Services, work: &Work, now: Timestamp) -> Result<bool, Problem> {
    for _ in 0..MAX_TRIES {
        let manifest = services.blog.table.search_state().await?.manifest;
        let is_first = work.after.is_none() && !work.is_read;
        let mut replaces = manifest.segments.len();
        match &manifest.rebuild {
            Some(known) if known.id == work.rebuild => replaces = known.replaces,
            _ if !is_first => return Ok(false),
            Some(other) if !work.replace && other.at.plus_seconds(GIVEN_UP_SECONDS) > now => return Ok(false),
            _ => {}
        }
        let begun = Rebuild { id: work.rebuild.clone(), at: now, replaces };
        let next = Manifest { rebuild: Some(begun), ..manifest.clone() };
        match services.blog.table.swap_manifest(&manifest, &next, now).await {
            Err(Refused::Changed) => {}
            outcome => return Ok(outcome.map(|()| true)?),
        }
    }
    Err(Refused::Contended.into())
}

/// Swaps: the new segments come where the old ones were.
async fn finish(services: &Services, id: &str, segments: Vec<StoredSegment>, now: Timestamp) -> Result<(), Problem> {
    for _ in 0..MAX_TRIES {
        let manifest = services.blog.table.search_state().await?.manifest;
        let Some(rebuild) = manifest.rebuild.as_ref().filter(|rebuild| rebuild.id == id) else { return Ok(()) };
        let (_, written) = manifest.segments.split_at_checked(rebuild.replaces).unwrap_or((&manifest.segments, &[]));
        let next =
            Manifest { segments: segments.iter().chain(written).cloned().collect(), rebuild: None, ..manifest.clone() };
        match services.blog.table.swap_manifest(&manifest, &next, now).await {
            Err(Refused::Changed) => {}
            outcome => {
                let posts: usize = segments.iter().map(|segment| segment.posts).sum();
                let bytes: u64 = segments.iter().map(|segment| segment.bytes).sum();
                outcome?;
                tracing::info!(posts, bytes, segments = segments.len(), "the search index is rebuilt");
                return merge_segments::begin_if_needed(services, &next, now).await;
            }
        }
    }
    Err(Refused::Contended.into())
}
