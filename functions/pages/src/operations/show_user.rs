//! `GET /pages/users/{username}`: Show a user and what they published. A former username redirects to the current one for 90 days.

use askama::Template;
use domain::{Denied, Username, fields};
use edge::{Call, Path, Problem, Query, Site, Visitor};
use posts::Filters;
use views::PublicProfile;

use crate::Services;
use crate::shared::card::{Card, anonymous, cards, list};
use crate::shared::json_ld;
use crate::shared::layout::{Date, Layout};
use crate::shared::paging::{PageOfList, Pager};
use crate::shared::reply::Shown;

fields! {
    pub struct UserPath {
        username: Username,
    }
}

#[derive(Template)]
#[template(path = "user.html")]
struct UserPage {
    layout: Layout,
    user: PublicProfile,
    since: Date,
    posts: Vec<Card>,
    pager: Pager,
}

pub async fn show_user(
    services: &Services,
    call: Call<Visitor, (Path<UserPath>, Query<PageOfList>)>,
) -> Result<Shown, Problem> {
    let (call, (Path(UserPath { username }), Query(query))) = anonymous(call);
    let config = &services.blog.config;
    let site = Site::new(config, &call.base_url);
    let found = views::user_named(&services.blog.table, &username, None, call.now).await?;
    let (user, _) = found.ok_or(Denied::UserNotFound)?;
    if user.username != username {
        return Ok(Shown::Moved(format!("/users/{}", user.username)));
    }
    let path = format!("/users/{username}");
    let filters = Filters { limit: None, cursor: query.cursor.clone(), author: Some(username), tag: None, kind: None };
    let page = list(services, call, filters).await?;
    let pager = Pager::new(&path, &[], &query, page.next_cursor.as_deref());

    let (since, user) = (Date::from(user.created_at), PublicProfile::new(user, None));
    let mut layout = Layout::new(config, &site, &user.display_name);
    layout.description = user.bio.as_ref().map(|bio| bio.split_whitespace().collect::<Vec<_>>().join(" "));
    layout.kind = "profile";
    layout.canonical = Some(site.page(&pager.own));
    (layout.previous, layout.next) = (pager.previous.clone(), pager.next.clone());
    layout.image = user.avatar_url.clone().or(layout.image);
    // Many register to link elsewhere, and few of them write.
    layout.is_indexed = !page.items.is_empty();
    layout.json_ld = Some(json_ld::script(&serde_json::json!({
        "@context": "https://schema.org",
        "@type": "ProfilePage",
        "dateCreated": since.iso,
        "mainEntity": {
            "@type": "Person",
            "name": user.display_name,
            "alternateName": user.username,
            "description": layout.description,
            "image": user.avatar_url,
            "url": site.page(&path),
        },
    })));
    (layout.feeds, layout.feeds_of) = (path, format!("{} – {}", user.display_name, layout.site_title));
    Shown::page(&UserPage { layout, user, since, posts: cards(&page), pager })
}
