//! `GET /pages/tags/{tag}`: Show the newest posts with a tag.

use askama::Template;
use domain::{Tag, fields};
use edge::{Call, Path, Problem, Query, Site, Visitor};
use posts::Filters;

use crate::Services;
use crate::shared::card::{Card, anonymous, cards, list};
use crate::shared::layout::Layout;
use crate::shared::paging::{PageOfList, Pager};
use crate::shared::reply::Shown;

fields! {
    pub struct TagPath {
        tag: Tag,
    }
}

#[derive(Template)]
#[template(path = "tag.html")]
struct TagPage {
    layout: Layout,
    tag: String,
    posts: Vec<Card>,
    pager: Pager,
}

pub async fn show_tag(
    services: &Services,
    call: Call<Visitor, (Path<TagPath>, Query<PageOfList>)>,
) -> Result<Shown, Problem> {
    let (call, (Path(TagPath { tag }), Query(query))) = anonymous(call);
    let config = &services.blog.config;
    let site = Site::new(config, &call.base_url);
    let name = tag.to_string();
    let filters = Filters { limit: None, cursor: query.cursor.clone(), author: None, tag: Some(tag), kind: None };
    let page = list(services, call, filters).await?;
    let path = format!("/tags/{name}");
    let pager = Pager::new(&path, &[], &query, page.next_cursor.as_deref());

    let mut layout = Layout::new(config, &site, &format!("#{name}"));
    layout.description = Some(format!("Posts about {name} on {}.", layout.site_title));
    layout.canonical = Some(site.page(&pager.own));
    (layout.previous, layout.next) = (pager.previous.clone(), pager.next.clone());
    // Any tag has a page: posts may come. Until then there is nothing to find.
    layout.is_indexed = !page.items.is_empty();
    (layout.feeds, layout.feeds_of) = (path, format!("#{name} – {}", layout.site_title));
    Shown::page(&TagPage { layout, tag: name, posts: cards(&page), pager })
}
