//! `GET /pages/search`: Show the posts that a search finds, the best matches first; without `q`, only the field to search in.

use askama::Template;
use domain::{Page, fields};
use edge::{Call, NoStore, Problem, Query, Site, Visitor};
use search::{Highlights, Search, SearchHit};

use crate::Services;
use crate::shared::card::{Card, anonymous};
use crate::shared::layout::Layout;
use crate::shared::paging::{PageOfList, Pager};
use crate::shared::reply::Shown;

fields! {
    pub struct SearchQuery {
        q: Option<String>,
        ..page: PageOfList
    }
}

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage {
    layout: Layout,
    hits: Vec<Hit>,
    pager: Pager,
}

/// A post that was found, with what was found in it as HTML.
struct Hit {
    card: Card,
    highlights: Highlights,
}

pub async fn show_search(
    services: &Services,
    call: Call<Visitor, Query<SearchQuery>>,
) -> Result<NoStore<Shown>, Problem> {
    let (call, Query(SearchQuery { q, page: query })) = anonymous(call);
    let config = &services.blog.config;
    let site = Site::new(config, &call.base_url);
    let q = q.unwrap_or_default();
    let page = match q.trim().is_empty() {
        true => Page { items: Vec::new(), next_cursor: None },
        false => {
            let search = Search { q: q.clone(), limit: None, cursor: query.cursor.clone() };
            let NoStore(page) = search::search(&services.search, call.with(Query(search))).await?;
            page
        }
    };
    let pager = Pager::new("/search", &[("q", &q)], &query, page.next_cursor.as_deref());

    let mut layout = Layout::new(config, &site, &if q.is_empty() { "Search".to_owned() } else { format!("Search: {q}") });
    // What is found is on pages of its own, and each query would be one more.
    layout.is_indexed = false;
    (layout.previous, layout.next) = (pager.previous.clone(), pager.next.clone());
    (layout.query, layout.is_search) = (q, true);
    let hit = |SearchHit { card, highlights }| Hit { card: Card::from(&card), highlights };
    Shown::page(&SearchPage { layout, hits: page.items.into_iter().map(hit).collect(), pager }).map(NoStore)
}
