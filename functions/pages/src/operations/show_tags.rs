//! `GET /pages/tags`: Show the tags of published posts, the most used first.

use askama::Template;
use edge::{Call, Problem, Query, Site, Visitor};
use posts::{CountedTag, Order, list_tags};

use crate::Services;
use crate::shared::card::anonymous;
use crate::shared::layout::Layout;
use crate::shared::paging::{PageOfList, Pager};
use crate::shared::reply::Shown;

#[derive(Template)]
#[template(path = "tags.html")]
struct Tags {
    layout: Layout,
    tags: Vec<CountedTag>,
    pager: Pager,
}

pub async fn show_tags(services: &Services, call: Call<Visitor, Query<PageOfList>>) -> Result<Shown, Problem> {
    let (call, Query(query)) = anonymous(call);
    let config = &services.blog.config;
    let site = Site::new(config, &call.base_url);
    let order = Order { limit: None, cursor: query.cursor.clone(), sort: None };
    let page = list_tags(&services.blog, call.with(Query(order))).await?;
    let pager = Pager::new("/tags", &[], &query, page.next_cursor.as_deref());

    let mut layout = Layout::new(config, &site, "Tags");
    layout.description = Some(format!("What {} is about.", layout.site_title));
    layout.canonical = Some(site.page(&pager.own));
    (layout.previous, layout.next) = (pager.previous.clone(), pager.next.clone());
    Shown::page(&Tags { layout, tags: page.items, pager })
}
