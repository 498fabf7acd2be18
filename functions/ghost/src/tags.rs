//! `tags`: those that published posts have.

use domain::Tag;
use edge::{Problem, Site};
use serde_json::{Map, Value, json};

use crate::filter::{Kind, Order, Row, Scalar};
use crate::request::{By, Resource};
use crate::{Context, address, one, with_nulls};

/// How many tags there are from each of the table's four parts, by name.
const MAX_TAGS_OF_SHARD: usize = 1_000;

/// Fields that have no counterpart here.
const NULLS: &[&str] = &[
    "accent_color",
    "canonical_url",
    "codeinjection_foot",
    "codeinjection_head",
    "description",
    "feature_image",
    "meta_description",
    "meta_title",
    "og_description",
    "og_image",
    "og_title",
    "twitter_description",
    "twitter_image",
    "twitter_title",
];

/// A tag, with how many published posts have it.
type Counted = (String, u64);

/// What the fields of a tag are.
fn kinds(field: &str) -> Option<Kind> {
    match field {
        "id" | "slug" | "name" => Some(Kind::Text),
        "count.posts" => Some(Kind::Number),
        "visibility" => Some(Kind::Always(Some("public"))),
        field if NULLS.contains(&field) => Some(Kind::Always(None)),
        _ => None,
    }
}

impl Row for Counted {
    fn values(&self, field: &str) -> Vec<Scalar> {
        vec![match field {
            "count.posts" => Scalar::Number(i64::try_from(self.1).unwrap_or(i64::MAX)),
            _ => Scalar::Text(self.0.clone()),
        }]
    }
}

/// A tag as Ghost shows it. It has no other name than its slug, and no other id.
pub fn show(tag: &str, site: &Site) -> Map<String, Value> {
    let url = Tag::try_from(tag.to_owned()).map(|tag| address(&site.tag(&tag))).unwrap_or_default();
    with_nulls(json!({ "id": tag, "slug": tag, "name": tag, "visibility": "public", "url": url }), NULLS)
}

fn counted(context: &Context<'_>, (tag, posts): &Counted) -> Map<String, Value> {
    let mut shown = show(tag, &context.site);
    if context.query.includes("count.posts") {
        shown.insert("count".to_owned(), json!({ "posts": posts }));
    }
    context.query.pick(shown)
}

/// `GET /tags/`
pub async fn browse(context: &Context<'_>) -> Result<Value, Problem> {
    let query = &context.query;
    let (filter, order) = (query.filter(&kinds, context.now)?, query.order(&kinds)?);
    let tags = context.blog.table.all_tags(MAX_TAGS_OF_SHARD).await?;
    let mut tags: Vec<Counted> = tags.into_iter().map(|used| (used.tag, used.posts)).collect();
    tags.retain(|tag| filter.lets_through(tag));
    order.unwrap_or_else(|| Order::ascending("name")).sort(&mut tags);
    let total = tags.len();
    let shown = query.window(tags).iter().map(|tag| counted(context, tag)).collect();
    Ok(query.page_of("tags", shown, total))
}

/// `GET /tags/{id}/`, `GET /tags/slug/{slug}/`
pub async fn read(context: &Context<'_>, by: &By<'_>) -> Result<Value, Problem> {
    let (By::Id(name) | By::Slug(name)) = *by;
    let not_found = || Problem::not_found(Resource::Tags.not_found());
    // What folds to a tag is none.
    let tag = Tag::try_from(name.to_owned()).ok().filter(|tag| tag.as_str() == name).ok_or_else(not_found)?;
    match context.blog.table.posts_with_tag(&tag).await? {
        0 => Err(not_found()),
        posts => Ok(one("tags", counted(context, &(name.to_owned(), posts)))),
    }
}
