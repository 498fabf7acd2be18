//! `GET /pages`: Show the newest posts, the pinned ones first.

use askama::Template;
use edge::{Call, Problem, Query, Site, Visitor};
use posts::Filters;

use crate::Services;
use crate::shared::card::{Card, anonymous, cards, list};
use crate::shared::json_ld;
use crate::shared::layout::Layout;
use crate::shared::paging::{PageOfList, Pager};
use crate::shared::reply::Shown;

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    layout: Layout,
    posts: Vec<Card>,
    pager: Pager,
}

pub async fn show_home(services: &Services, call: Call<Visitor, Query<PageOfList>>) -> Result<Shown, Problem> {
    let (call, Query(query)) = anonymous(call);
    let config = &services.blog.config;
    let site = Site::new(config, &call.base_url);
    let filters = Filters { limit: None, cursor: query.cursor.clone(), author: None, tag: None, kind: None };
    let page = list(services, call, filters).await?;
    let pager = Pager::new("/", &[], &query, page.next_cursor.as_deref());

    let is_first = query.cursor.is_none();
    let title = config.site_title.as_str();
    let mut layout = Layout::new(config, &site, if is_first { title } else { "Older posts" });
    layout.description = layout.site_description.clone();
    layout.canonical = Some(site.page(&pager.own));
    layout.is_indexed = !page.items.is_empty();
    (layout.previous, layout.next) = (pager.previous.clone(), pager.next.clone());
    layout.json_ld = is_first.then(|| {
        json_ld::script(&serde_json::json!({
            "@context": "https://schema.org",
            "@type": "Blog",
            "name": title,
            "description": layout.description,
            "url": site.home(),
            "inLanguage": layout.language,
        }))
    });
    Shown::page(&Home { layout, posts: cards(&page), pager })
}
