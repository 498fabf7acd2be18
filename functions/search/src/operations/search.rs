//! `GET /search`: Search published posts, the best matches first. Finds posts that contain all words, in any form of them (or,
//! if there are none, those that contain most), and everything in quotation marks exactly. `-word` excludes, `wor*` finds what begins
//! like that; `tag:rust`, `author:ada`, `after:2026-01` and `before:2026-11-21` filter. Every text is a valid query.

use std::collections::HashMap;

use domain::{Limit, Page, Post, Tag, Username, fields};
use edge::{Call, NoStore, Problem, Query, Visitor};
use schemars::JsonSchema;
use search_index::{Place, highlight};
use serde::Serialize;
use table::{Consistency, Cursor, Refused};
use views::PostCard;

use crate::{Services, posts, reading};

fields! {
    /// The query of a search.
    pub struct Search {
        /// What to search for.
        q: String,
        /// The maximum number of items on the page.
        limit: Option<Limit>,
        /// The `next_cursor` of the page before.
        cursor: Option<String>,
    }
}

/// A post that was found.
#[derive(Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the API's document shows what their types say")]
pub struct SearchHit {
    #[serde(flatten)]
    pub card: PostCard,
    pub highlights: Highlights,
}

/// HTML that is safe to insert into a page, with `<mark>` around what was found.
#[derive(Default, Serialize, JsonSchema)]
pub struct Highlights {
    /// The title; null if the post has none.
    pub title: Option<String>,
    /// The summary or, without one, the beginning of the text.
    pub body: String,
}

/// A page of what is found.
pub async fn search(
    services: &Services,
    Call { caller: Visitor(viewer), input: Query(input), now, .. }: Call<Visitor, Query<Search>>,
) -> Result<NoStore<Page<SearchHit>>, Problem> {
    let table = &services.blog.table;
    let tag = |typed: &str| Tag::try_from(typed.to_owned()).ok().map(String::from);
    let username = |typed: &str| Username::try_from(typed.to_owned()).ok().map(|name| name.to_string());
    let query = search_index::Query::parse(&input.q, tag, username);

    let mut authors = HashMap::new();
    for name in query.usernames() {
        let Ok(username) = Username::try_from(name.to_owned()) else { continue };
        if !authors.contains_key(name) {
            let holder = table.holder_of_username(&username, now).await?;
            authors.insert(name.to_owned(), holder.map(|holder| holder.user_id.number()));
        }
    }

    let list = format!("SEARCH/{}", input.q);
    let after = match &input.cursor {
        Some(cursor) => Some(place(services, cursor, &list).await?),
        None => None,
    };
    let limit = input.limit.unwrap_or_default().get();
    let found = reading::find(services, &query, &authors, after.as_ref(), limit, now).await?;

    // What was withdrawn a moment ago is still in the index, and not among the posts.
    let wanted: Vec<_> = found.hits.iter().map(|hit| posts::ids(hit.id, hit.author)).collect();
    let mut published = table.published_posts(&wanted, Consistency::for_viewer(viewer.as_ref())).await?;
    let items: Vec<Post> = wanted.iter().filter_map(|(post, _)| published.remove(post)).collect();
    let mut highlights = items.iter().map(|post| highlights(post, &query)).collect::<Vec<_>>().into_iter();
    let next_cursor = match &found.next {
        Some(next) => {
            let after = serde_json::to_string(next).map_err(Problem::internal)?;
            Some(Cursor::after(&after).sign(&list, table.signing_key().await?))
        }
        None => None,
    };
    // Reposts, which a page of cards may leave out, are not found.
    let page = views::post_cards(table, Page { items, next_cursor }, viewer.as_ref()).await?;
    Ok(NoStore(page.map(|card| SearchHit { card, highlights: highlights.next().unwrap_or_default() })))
}

/// The place that a cursor means.
async fn place(services: &Services, cursor: &str, list: &str) -> Result<Place, Problem> {
    let key = services.blog.table.existing_signing_key().await?;
    let cursor = key.and_then(|key| Cursor::verify(cursor, list, key));
    let place = cursor.and_then(|cursor| serde_json::from_str(&cursor.after).ok());
    Ok(place.ok_or(Refused::InvalidCursor)?)
}

fn highlights(post: &Post, query: &search_index::Query) -> Highlights {
    let language = post.details.language.as_ref().map(|language| language.as_str());
    Highlights {
        title: post.details.title.as_ref().map(|title| highlight(title.as_str(), query, language)),
        body: highlight(post.summary_or_excerpt().unwrap_or_default(), query, language),
    }
}
