//! `posts`: the published posts of any kind but reposts. What has no title has Ghost's default.
//!
//! The newest posts, those of a tag and those of an author are lists of the table, each with its exact count. Any other filter or order is
//! answered from all posts of the shortest lists that have everything that it can let through; if these are too many, it is refused.

use std::collections::{BTreeSet, HashMap};

use domain::{Post, PostId, PostKind, PostStatus, Slug, Summary, Tag, Timestamp, Title, User, UserId};
use edge::Problem;
use futures_util::future::try_join_all;
use search_index::text_of_html;
use serde_json::{Map, Value, json};
use table::{Consistency, keys};
use url::Url;

use crate::filter::{Comparison, Filter, Kind, Order, Row, Scalar};
use crate::request::{By, Resource};
use crate::{Context, address, authors, check_size, one, tags, time, uuid, with_nulls};

/// How many posts are read to answer a request. They are read whether or not they are shown.
pub const MAX_POSTS: usize = 2_000;

/// What Ghost calls a post without a title.
const UNTITLED: &str = "(Untitled)";

/// Fields that have no counterpart here.
const NULLS: &[&str] = &[
    "codeinjection_foot",
    "codeinjection_head",
    "custom_template",
    "email_subject",
    "feature_image_alt",
    "feature_image_caption",
    "frontmatter",
    "og_description",
    "og_image",
    "og_title",
    "twitter_description",
    "twitter_image",
    "twitter_title",
];

/// What the fields of a post are that can be filtered and ordered by.
fn kinds(field: &str) -> Option<Kind> {
    match field {
        "id"
        | "uuid"
        | "comment_id"
        | "slug"
        | "title"
        | "feature_image"
        | "custom_excerpt"
        | "canonical_url"
        | "meta_title"
        | "meta_description"
        | "tag"
        | "tags"
        | "tags.slug"
        | "tags.id"
        | "tags.name"
        | "primary_tag"
        | "primary_tag.slug"
        | "author"
        | "authors"
        | "authors.slug"
        | "author.slug"
        | "primary_author"
        | "primary_author.slug"
        | "author_id"
        | "author.id"
        | "authors.id"
        | "authors.name" => Some(Kind::Text),
        "featured" | "comments" => Some(Kind::Bool),
        "reading_time" => Some(Kind::Number),
        "published_at" | "created_at" | "updated_at" => Some(Kind::Time),
        "visibility" => Some(Kind::Always(Some("public"))),
        "status" => Some(Kind::Always(Some("published"))),
        "type" => Some(Kind::Always(Some("post"))),
        "page" => Some(Kind::Always(Some("false"))),
        "access" => Some(Kind::Always(Some("true"))),
        field if NULLS.contains(&field) => Some(Kind::Always(None)),
        _ => None,
    }
}

impl Row for Post {
    fn values(&self, field: &str) -> Vec<Scalar> {
        let details = &self.details;
        let text = match field {
            "id" | "comment_id" => Some(self.id.to_string()),
            "uuid" => Some(uuid(self.id.number())),
            "slug" => Some(self.slug.to_string()),
            "title" => Some(details.title.as_ref().map_or(UNTITLED, Title::as_str).to_owned()),
            "feature_image" => details.cover_image_url.as_ref().map(|url| url.as_str().to_owned()),
            "canonical_url" => details.canonical_url.as_ref().map(|url| url.as_str().to_owned()),
            "custom_excerpt" => details.summary.as_ref().map(|summary| summary.as_str().to_owned()),
            "meta_title" => details.meta_title.as_ref().map(|title| title.as_str().to_owned()),
            "meta_description" => details.meta_description.as_ref().map(|text| text.as_str().to_owned()),
            "tag" | "tags" | "tags.slug" | "tags.id" | "tags.name" => {
                return details.tags.iter().map(|tag| Scalar::Text(tag.to_string())).collect();
            }
            "primary_tag" | "primary_tag.slug" => details.tags.iter().next().map(ToString::to_string),
            "author_id" | "author.id" | "authors.id" => Some(self.author.id.to_string()),
            "authors.name" => Some(self.author.display_name.clone()),
            "featured" => return vec![Scalar::Bool(self.pinned_at.is_some())],
            "comments" => return vec![Scalar::Bool(details.comments_open.0)],
            "reading_time" => {
                return vec![Scalar::Number(i64::try_from(self.reading_time_minutes()).unwrap_or(i64::MAX))];
            }
            "published_at" => return vec![Scalar::Seconds(Times::of(self).published.seconds())],
            "created_at" => return vec![Scalar::Seconds(Times::of(self).created.seconds())],
            "updated_at" => return vec![Scalar::Seconds(Times::of(self).updated.seconds())],
            _ => Some(self.author.username.to_string()),
        };
        text.into_iter().map(Scalar::Text).collect()
    }
}

/// The times of a post. What was published elsewhere before is older than its item here, and no post is updated before it is published.
struct Times {
    created: Timestamp,
    published: Timestamp,
    updated: Timestamp,
}

impl Times {
    fn of(post: &Post) -> Self {
        let published = post.published_at.unwrap_or(post.created_at);
        Self { created: post.created_at.min(published), published, updated: post.updated_at.max(published) }
    }
}

/// A post as Ghost shows it.
fn show(
    context: &Context<'_>,
    post: &Post,
    html: Option<&str>,
    profiles: &HashMap<UserId, User>,
) -> Map<String, Value> {
    let (site, query, details) = (&context.site, &context.query, &post.details);
    let Times { created, published, updated } = Times::of(post);
    let summary = details.summary.as_ref().map(Summary::as_str);
    let url = site.post(&post.slug);
    let shown = json!({
        "id": post.id,
        "uuid": uuid(post.id.number()),
        "comment_id": post.id,
        "slug": post.slug,
        "title": details.title.as_ref().map_or(UNTITLED, Title::as_str),
        "feature_image": details.cover_image_url,
        "featured": post.pinned_at.is_some(),
        "visibility": "public",
        "access": true,
        "comments": details.comments_open,
        "created_at": time(created),
        "updated_at": time(updated),
        "published_at": time(published),
        "custom_excerpt": summary,
        "excerpt": summary.or(post.excerpt.as_deref()).unwrap_or_default(),
        "reading_time": post.reading_time_minutes(),
        "canonical_url": details.canonical_url,
        "meta_title": details.meta_title,
        "meta_description": details.meta_description,
        "url": address(&url),
    });
    let mut shown = with_nulls(shown, NULLS);
    if let Some(html) = html {
        if query.has_format("plaintext") {
            shown.insert("plaintext".to_owned(), json!(text_of_html(html).trim()));
        }
        if query.has_format("html") {
            let html = Url::parse(&url).map_or_else(|_| html.to_owned(), |page| discovery::absolute_html(html, &page));
            shown.insert("html".to_owned(), json!(html));
        }
    }
    if query.includes("authors") {
        let author = match profiles.get(&post.author.id) {
            Some(user) => authors::show(user, site),
            None => authors::show_copy(&post.author, site),
        };
        shown.insert("authors".to_owned(), json!([author]));
        shown.insert("primary_author".to_owned(), json!(author));
    }
    if query.includes("tags") {
        let tags: Vec<_> = details.tags.iter().map(|tag| tags::show(tag.as_str(), site)).collect();
        shown.insert("primary_tag".to_owned(), json!(tags.first()));
        shown.insert("tags".to_owned(), json!(tags));
    }
    query.pick(shown)
}

/// Posts with what is asked for of them.
async fn complete(context: &Context<'_>, posts: Vec<Post>) -> Result<Vec<Map<String, Value>>, Problem> {
    let (table, query) = (&context.blog.table, &context.query);
    let ids: BTreeSet<_> = posts.iter().map(|post| post.author.id).collect();
    let ids: Vec<_> = if query.includes("authors") { ids.into_iter().collect() } else { Vec::new() };
    let profiles = table.users_seen_by(None, &ids, Consistency::Strong);
    let has_text = query.has_format("html") || query.has_format("plaintext");
    let texts = async {
        if !has_text {
            return Ok(posts.into_iter().map(|post| (post, None)).collect::<Vec<_>>());
        }
        let posts = table.with_html(posts, Consistency::Strong, context.now).await?;
        Ok(posts.into_iter().map(|(post, html)| (post, Some(html))).collect())
    };
    let (profiles, posts) = tokio::try_join!(profiles, texts)?;
    check_size(posts.iter().filter_map(|(_, html)| html.as_ref().map(String::len)).sum())?;
    let profiles = profiles.into_iter().map(|(user, _)| (user.id, user)).collect();
    Ok(posts.iter().map(|(post, html)| show(context, post, html.as_deref(), &profiles)).collect())
}

/// `GET /posts/{id}/`, `GET /posts/slug/{slug}/`: also at a slug that the post had before.
pub async fn read(context: &Context<'_>, by: &By<'_>) -> Result<Value, Problem> {
    let table = &context.blog.table;
    let slug = match by {
        By::Slug(slug) => Slug::try_from((*slug).to_owned()).ok(),
        By::Id(id) => match id.parse() {
            Ok(id) => table.slug_of(id).await?,
            Err(_) => None,
        },
    };
    let post = match slug {
        Some(slug) => table.post(&slug, context.now).await?,
        None => None,
    };
    let post = post.filter(is_shown).filter(|post| match by {
        By::Id(id) => id.parse() == Ok(post.id),
        By::Slug(_) => true,
    });
    let shown = complete(context, post.into_iter().collect()).await?.pop();
    Ok(one("posts", shown.ok_or_else(|| Problem::not_found(Resource::Posts.not_found()))?))
}

/// Whether everybody may read it here.
fn is_shown(post: &Post) -> bool {
    post.status == PostStatus::Published && post.kind != PostKind::Repost
}

/// `GET /posts/`
pub async fn browse(context: &Context<'_>) -> Result<Value, Problem> {
    let query = &context.query;
    let filter = query.filter(&kinds, context.now)?;
    let order = query.order(&kinds)?.filter(|order| !order.descends_by("published_at"));
    let (posts, total) = match (List::of(&filter), order) {
        (Some(list), None) => list.window(context).await?,
        (_, order) => matching(context, &filter, order).await?,
    };
    let shown = complete(context, posts).await?;
    Ok(query.page_of("posts", shown, total))
}

/// A list of the table, in which any number of posts can be counted.
enum List<'f> {
    /// All posts that the filter lets through, which are all but some in these places.
    Latest(&'f Filter, Vec<Place<'f>>),
    Tag(&'f str),
    Author(By<'f>),
}

impl<'f> List<'f> {
    /// The list that has what a filter lets through, and nothing else.
    fn of(filter: &'f Filter) -> Option<Self> {
        if let Some(excepted) = Place::excepted_by(filter) {
            return Some(Self::Latest(filter, excepted));
        }
        let Filter::Field(field, Comparison::In(values)) = filter else { return None };
        let [Some(Scalar::Text(value))] = values.as_slice() else { return None };
        match Place::of(field, value)? {
            Place::Tag(tag) if !field.starts_with("primary_tag") => Some(Self::Tag(tag)),
            Place::Author(author) => Some(Self::Author(author)),
            _ => None,
        }
    }

    /// What of it is on the page, and how many posts it has.
    async fn window(&self, context: &Context<'_>) -> Result<(Vec<Post>, usize), Problem> {
        let (table, query) = (&context.blog.table, &context.query);
        let is_too_far = query.offset() > MAX_POSTS;
        let excepted = self.excepted(context).await?;
        // One more than the page has shows the end, where nothing has to be counted.
        let wanted = if is_too_far { 0 } else { query.offset() + query.limit() + 1 + excepted.len() };
        let (mut posts, counted) = match self {
            Self::Latest(..) => {
                let latest = keys::latest();
                tokio::try_join!(table.newest_originals(&latest, wanted), table.published_count())?
            }
            Self::Tag(tag) => match exact_tag(tag) {
                Some(tag) => {
                    let tagged = keys::posts_by_tag(&tag);
                    tokio::try_join!(table.newest_originals(&tagged, wanted), table.posts_with_tag(&tag))?
                }
                None => (Vec::new(), 0),
            },
            Self::Author(author) => match authors::find(context, author).await? {
                Some(user) => (table.newest_originals_of(&user, wanted).await?, user.posts),
                None => (Vec::new(), 0),
            },
        };
        let counted = usize::try_from(counted).unwrap_or(usize::MAX).saturating_sub(excepted.len());
        let goes_on = posts.len() == wanted;
        posts.retain(|post| !excepted.contains(&post.id));
        if is_too_far && query.offset() < counted {
            return Err(too_many("More than 2,000 posts cannot be skipped. Filter by published_at, tag or author."));
        }
        let total = if is_too_far || goes_on { counted.max(posts.len()) } else { posts.len() };
        Ok((query.window(posts), total))
    }

    /// The posts of the list of all that are left out.
    async fn excepted(&self, context: &Context<'_>) -> Result<BTreeSet<PostId>, Problem> {
        let Self::Latest(filter, places) = self else { return Ok(BTreeSet::new()) };
        let found = try_join_all(places.iter().map(|place| place.posts(context))).await?;
        let mut found: Vec<_> = found.into_iter().flatten().collect();
        found.retain(|post| is_shown(post) && !filter.lets_through(post));
        Ok(found.into_iter().map(|post| post.id).collect())
    }
}

/// A tag that is written as it is stored. What only folds to one is on nothing.
fn exact_tag(tag: &str) -> Option<Tag> {
    Tag::try_from(tag.to_owned()).ok().filter(|exact| exact.as_str() == tag)
}

fn too_many(detail: &'static str) -> Problem {
    Problem::malformed(detail)
}

/// Where the table finds some posts without reading all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place<'f> {
    Id(&'f str),
    Slug(&'f str),
    Featured,
    Tag(&'f str),
    Author(By<'f>),
}

impl<'f> Place<'f> {
    /// The place of the posts whose field has this value.
    fn of(field: &str, value: &'f str) -> Option<Self> {
        match field {
            "id" | "comment_id" => Some(Self::Id(value)),
            "slug" => Some(Self::Slug(value)),
            "tag" | "tags" | "tags.slug" | "tags.id" | "tags.name" | "primary_tag" | "primary_tag.slug" => {
                Some(Self::Tag(value))
            }
            "author" | "author.slug" | "authors" | "authors.slug" | "primary_author" | "primary_author.slug" => {
                Some(Self::Author(By::Slug(value)))
            }
            "author_id" | "author.id" | "authors.id" => Some(Self::Author(By::Id(value))),
            _ => None,
        }
    }

    /// The places that have everything that a filter lets through, and perhaps more. None if only the list of all posts has.
    fn all_of(filter: &'f Filter) -> Option<Vec<Self>> {
        match filter {
            Filter::Field(field, Comparison::In(values)) => values
                .iter()
                .map(|value| match value {
                    Some(Scalar::Text(value)) => Self::of(field, value),
                    Some(Scalar::Bool(true)) if field == "featured" => Some(Self::Featured),
                    _ => None,
                })
                .collect(),
            Filter::Field(..) | Filter::Not(_) => None,
            // Any of them has it all; the one that names the fewest posts is read.
            Filter::All(filters) => filters.iter().filter_map(Self::all_of).min_by_key(|places| {
                let lists = places.iter().filter(|place| matches!(place, Self::Tag(_) | Self::Author(_))).count();
                (lists, places.len())
            }),
            Filter::Any(filters) => Some(filters.iter().map(Self::all_of).collect::<Option<Vec<_>>>()?.concat()),
        }
    }

    /// The places of the only posts that a filter does not let through, if it names these. Themes ask so for other posts than the one
    /// that is shown.
    fn excepted_by(filter: &'f Filter) -> Option<Vec<Self>> {
        match filter {
            Filter::All(filters) => Some(filters.iter().map(Self::excepted_by).collect::<Option<Vec<_>>>()?.concat()),
            Filter::Not(filter) => match filter.as_ref() {
                Filter::Field(..) => Self::all_of(filter)
                    .filter(|places| places.iter().all(|place| matches!(place, Self::Id(_) | Self::Slug(_)))),
                _ => None,
            },
            _ => None,
        }
    }

    /// Its posts, up to one more than may be looked at.
    async fn posts(self, context: &Context<'_>) -> Result<Vec<Post>, Problem> {
        let table = &context.blog.table;
        match self {
            Self::Featured => Ok(table.pinned(Consistency::Strong).await?),
            Self::Tag(tag) => match exact_tag(tag) {
                Some(tag) => Ok(table.newest_originals(&keys::posts_by_tag(&tag), MAX_POSTS + 1).await?),
                None => Ok(Vec::new()),
            },
            Self::Author(author) => match authors::find(context, &author).await? {
                Some(user) => Ok(table.newest_originals_of(&user, MAX_POSTS + 1).await?),
                None => Ok(Vec::new()),
            },
            Self::Id(_) | Self::Slug(_) => {
                let slug = match self {
                    Self::Id(id) => match id.parse::<PostId>() {
                        Ok(id) => table.slug_of(id).await?,
                        Err(_) => None,
                    },
                    Self::Slug(slug) => Slug::try_from(slug.to_owned()).ok(),
                    _ => None,
                };
                let Some(slug) = slug else { return Ok(Vec::new()) };
                Ok(table.post(&slug, context.now).await?.into_iter().collect())
            }
        }
    }
}

/// The time before which a filter lets nothing through, in seconds since 1970.
fn since(filter: &Filter) -> Option<i64> {
    match filter {
        Filter::Field(field, Comparison::Above(Scalar::Seconds(at)) | Comparison::AtLeast(Scalar::Seconds(at)))
            if field == "published_at" =>
        {
            Some(*at)
        }
        Filter::All(filters) => filters.iter().filter_map(since).max(),
        Filter::Any(filters) => filters.iter().map(since).collect::<Option<Vec<_>>>()?.into_iter().min(),
        _ => None,
    }
}

/// What a filter lets through in an order, and how many posts that are: of all posts in the places where it can be, if they are few enough.
async fn matching(context: &Context<'_>, filter: &Filter, order: Option<Order>) -> Result<(Vec<Post>, usize), Problem> {
    let table = &context.blog.table;
    let mut posts = match (Place::all_of(filter), since(filter)) {
        (Some(places), _) => {
            let found = try_join_all(places.into_iter().map(|place| place.posts(context))).await?;
            let mut known = BTreeSet::new();
            found.into_iter().flatten().filter(|post| known.insert(post.id)).collect()
        }
        (None, Some(since)) => {
            let since = Timestamp::from_milliseconds(since.saturating_mul(1_000));
            table.newest_since(since, MAX_POSTS + 1).await?
        }
        (None, None) => table.newest_originals(&keys::latest(), MAX_POSTS + 1).await?,
    };
    if posts.len() > MAX_POSTS {
        return Err(too_many(
            "This filter or order would have to look at more than 2,000 posts. Add a tag, an author, featured:true, an id, a slug or \
             published_at:>.",
        ));
    }
    posts.retain(|post| is_shown(post) && filter.lets_through(post));
    posts.sort_by_key(|post| std::cmp::Reverse((post.published_at, post.id)));
    if let Some(order) = order {
        order.sort(&mut posts);
    }
    let total = posts.len();
    Ok((context.query.window(posts), total))
}
