//! `authors`: the users who have published something.

use std::collections::BTreeSet;

use domain::{PostAuthor, User, UserId, Username};
use edge::{Problem, Site};
use serde_json::{Map, Value, json};
use table::{Consistency, keys};

use crate::filter::{Kind, Order, Row, Scalar};
use crate::request::{By, Resource};
use crate::{Context, address, one, posts, with_nulls};

/// Fields that have no counterpart here.
const NULLS: &[&str] = &[
    "bluesky",
    "cover_image",
    "facebook",
    "instagram",
    "linkedin",
    "location",
    "mastodon",
    "meta_description",
    "meta_title",
    "threads",
    "tiktok",
    "twitter",
    "youtube",
];

/// What the fields of an author are.
fn kinds(field: &str) -> Option<Kind> {
    match field {
        "id" | "slug" | "name" | "bio" | "profile_image" | "website" => Some(Kind::Text),
        "count.posts" => Some(Kind::Number),
        "visibility" => Some(Kind::Always(Some("public"))),
        field if NULLS.contains(&field) => Some(Kind::Always(None)),
        _ => None,
    }
}

impl Row for User {
    fn values(&self, field: &str) -> Vec<Scalar> {
        let value = match field {
            "id" => Some(self.id.to_string()),
            "slug" => Some(self.username.to_string()),
            "name" => Some(self.display_name.clone()),
            "bio" => self.bio.clone(),
            "profile_image" => self.avatar_url.clone(),
            "website" => self.website_url.clone(),
            _ => return vec![Scalar::Number(i64::try_from(self.posts).unwrap_or(i64::MAX))],
        };
        value.into_iter().map(Scalar::Text).collect()
    }
}

/// An author as Ghost shows them.
pub fn show(user: &User, site: &Site) -> Map<String, Value> {
    let author = json!({
        "id": user.id,
        "slug": user.username,
        "name": user.display_name,
        "profile_image": user.avatar_url,
        "bio": user.bio,
        "website": user.website_url,
        "url": address(&site.user(&user.username)),
    });
    with_nulls(author, NULLS)
}

/// The author of a post whose profile is gone, as the post has them.
pub fn show_copy(author: &PostAuthor, site: &Site) -> Map<String, Value> {
    let author = json!({
        "id": author.id,
        "slug": author.username,
        "name": author.display_name,
        "profile_image": author.avatar_url,
        "bio": null,
        "website": null,
        "url": address(&site.user(&author.username)),
    });
    with_nulls(author, NULLS)
}

fn counted(context: &Context<'_>, user: &User) -> Map<String, Value> {
    let mut shown = show(user, &context.site);
    if context.query.includes("count.posts") {
        shown.insert("count".to_owned(), json!({ "posts": user.posts }));
    }
    context.query.pick(shown)
}

/// `GET /authors/`: those of the newest posts. The table has no list of who has published something.
pub async fn browse(context: &Context<'_>) -> Result<Value, Problem> {
    let (query, table) = (&context.query, &context.blog.table);
    let (filter, order) = (query.filter(&kinds, context.now)?, query.order(&kinds)?);
    let newest = table.newest_originals(&keys::latest(), posts::MAX_POSTS).await?;
    let ids: BTreeSet<UserId> = newest.iter().map(|post| post.author.id).collect();
    let ids: Vec<UserId> = ids.into_iter().collect();
    let users = table.users_seen_by(None, &ids, Consistency::Strong).await?;
    let mut users: Vec<User> = users.into_iter().map(|(user, _)| user).collect();
    users.retain(|user| user.posts > 0 && filter.lets_through(user));
    order.unwrap_or_else(|| Order::ascending("name")).sort(&mut users);
    let total = users.len();
    let shown = query.window(users).iter().map(|user| counted(context, user)).collect();
    Ok(query.page_of("authors", shown, total))
}

/// `GET /authors/{id}/`, `GET /authors/slug/{slug}/`
pub async fn read(context: &Context<'_>, by: &By<'_>) -> Result<Value, Problem> {
    let user = find(context, by).await?.filter(|user| user.posts > 0);
    let user = user.ok_or_else(|| Problem::not_found(Resource::Authors.not_found()))?;
    Ok(one("authors", counted(context, &user)))
}

/// A user, by the id or by the current name.
pub async fn find(context: &Context<'_>, by: &By<'_>) -> Result<Option<User>, Problem> {
    let table = &context.blog.table;
    let id = match by {
        By::Id(id) => id.parse().ok(),
        By::Slug(slug) => match Username::try_from((*slug).to_owned()) {
            Ok(name) => {
                let holder = table.holder_of_username(&name, context.now).await?;
                holder.filter(|holder| !holder.is_reserved()).map(|holder| holder.user_id)
            }
            Err(_) => None,
        },
    };
    let Some(id) = id else { return Ok(None) };
    let seen = table.user_seen_by(None, id, Consistency::Strong).await?;
    Ok(seen.map(|(user, _)| user))
}
