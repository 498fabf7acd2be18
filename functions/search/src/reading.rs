//! The index as a search sees it: the segments that the manifest lists, and what changed since.

use std::sync::{Arc, PoisonError};

use domain::Timestamp;
use edge::Problem;
use search_index::{Builder, Index};
use table::SearchState;

use crate::{Services, posts, rebuild_index};

/// How often the manifest is read again because a segment that it lists is gone: it may have been merged meanwhile.
const MAX_TRIES: usize = 3;

/// An index, and the state of the table that it was made of.
pub struct Current {
    state: SearchState,
    index: Arc<Index>,
}

/// The index as it is now. One query, if nothing has changed since the last search.
pub async fn current_index(services: &Services, now: Timestamp) -> Result<Arc<Index>, Problem> {
    let table = &services.blog.table;
    let mut state = table.search_state().await?;
    let mut segments = Vec::new();
    for attempt in 1..=MAX_TRIES {
        if let Some(current) = &*services.current.lock().unwrap_or_else(PoisonError::into_inner)
            && current.state == state
        {
            return Ok(Arc::clone(&current.index));
        }
        segments = services.segments.load(&state.manifest.segments).await?;
        if attempt == MAX_TRIES || segments.iter().all(Option::is_some) {
            break;
        }
        let again = table.search_state().await?;
        if again == state {
            break;
        }
        state = again;
    }
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
    let changes = changes.build().map_err(Problem::internal)?;
    let index = Arc::new(Index::new(segments.into_iter().flatten().chain([Arc::new(changes)]).collect()));
    if is_seen_to {
        *services.current.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Current { state, index: Arc::clone(&index) });
    }
    Ok(index)
}
