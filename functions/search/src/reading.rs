//! The index as a search sees it: the segments that the manifest lists, and what changed since.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError};

use domain::Timestamp;
use edge::Problem;
use search_index::{Builder, Found, Place, Query, ReadError};
use table::{Manifest, PendingPost, Refused};

use crate::segments::File;
use crate::{Services, posts, rebuild_index};

/// An index, and the state of the table that it was made of.
pub struct Current {
    manifest: Manifest,
    pending: Vec<PendingPost>,
    index: Arc<Index>,
}

type Index = search_index::Index<File>;

/// How often a search begins anew because a part of a segment is gone.
const MAX_TRIES: usize = 40;

/// What is found in the index as it is now. `authors` are the ids of the users that the query names. One query of the table, if nothing
/// has changed since the last search, and up to three rounds of ranges of the bucket.
pub async fn find(
    services: &Services,
    query: &Query,
    authors: &HashMap<String, Option<u128>>,
    after: Option<&Place>,
    max: usize,
    now: Timestamp,
) -> Result<Found, Problem> {
    let mut lost = HashSet::new();
    for _ in 0..MAX_TRIES {
        let index = current_index(services, &lost, now).await?;
        match index.search(query, |name| authors.get(name).copied().flatten(), after, max).await {
            Ok(found) => return Ok(found),
            // Damaged, or merged and deleted meanwhile: then the manifest does not list it any more.
            Err(ReadError::Lost(name)) => _ = lost.insert(name),
            Err(ReadError::Failed(failure)) => return Err(failure.into()),
        }
    }
    Err(Refused::Contended.into())
}

/// The index as it is now, without the segments that are `lost`.
async fn current_index(services: &Services, lost: &HashSet<String>, now: Timestamp) -> Result<Arc<Index>, Problem> {
    let table = &services.blog.table;
    let mut state = table.search_state().await?;
    let segments = loop {
        if let Some(current) = &*services.current.lock().unwrap_or_else(PoisonError::into_inner)
            && (&current.manifest, &current.pending) == (&state.manifest, &state.pending)
            && lost.is_empty()
        {
            return Ok(Arc::clone(&current.index));
        }
        let mut segments = services.segments.open(&state.manifest.segments).await?;
        for (stored, segment) in state.manifest.segments.iter().zip(&mut segments) {
            if lost.contains(&stored.name) {
                *segment = None;
            }
        }
        if segments.iter().all(Option::is_some) {
            break segments;
        }
        // It may have been merged and deleted meanwhile.
        let again = table.search_state().await?;
        if again.manifest == state.manifest {
            break segments;
        }
        state = again;
    };
    let is_whole = segments.iter().all(Option::is_some);
    if !is_whole {
        // The others are searched all the same.
        tracing::error!("a segment of the search index is lost; it is rebuilt");
    }
    let is_seen_to = is_whole || rebuild_index::begin(services, false).await.is_ok();
    let mut changes = Builder::default();
    let pending: Vec<_> = state.pending.iter().map(|pending| (pending.post, pending.slug.clone())).collect();
    let documents = posts::documents(&services.blog, &pending, now).await?;
    for ((post, _), document) in pending.iter().zip(documents) {
        match document {
            Some(document) => changes.add(&document),
            None => changes.add_gone(post.number()),
        }
    }
    let changes = (!changes.is_empty()).then(|| services.segments.in_memory(&changes)).transpose()?;
    let index = Arc::new(Index::new(segments.into_iter().flatten().chain(changes).collect()));
    if is_seen_to {
        *services.current.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Current { manifest: state.manifest, pending: state.pending, index: Arc::clone(&index) });
    }
    Ok(index)
}
