//! `/articles` and `/tags`. An article is a published post of any kind but a repost; what has no title has an empty one.

use std::collections::{HashMap, HashSet};

use domain::{
    Denied, Post, PostAuthor, PostId, PostKind, PostStatus, PostText, Slug, Summary, Tag, TagLabels, Title, User,
    UserId,
};
use edge::Problem;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use lambda_http::Body;
use lambda_http::http::{Response, StatusCode};
use serde_json::{Map, Value, json};
use table::{Consistency, Mark, keys};

use crate::request::{Caller, refuse_blank, refuse_emptied, renamed, with};
use crate::{no_content, perform, profiles, respond, respond_with};

/// How many articles a page has unless the request says otherwise.
const DEFAULT_LIMIT: usize = 20;

/// How many it has at most; who asks for more gets as many.
const MAX_LIMIT: usize = 100;

/// How many articles may be skipped. They are read all the same, so what is beyond is refused.
const MAX_OFFSET: usize = 2_000;

/// How many of a user's favourites are looked at, those of the newest articles.
const MAX_FAVORITES: usize = 500;

/// Among how many marks they are looked for, which are of bookmarks and reposts too. A mark is some 150 bytes, so these are read for less
/// than what may be skipped.
const MAX_MARKS: usize = 5_000;

/// How many of the users whom somebody follows the feed is made of, those who were followed last.
const MAX_FOLLOWED: usize = 200;

/// How many tags there are from each of the table's four parts, by name.
const MAX_TAGS_OF_SHARD: usize = 250;

/// Fields of an article, by their native names.
const FIELDS: &[(&str, &str)] =
    &[("title", "title"), ("description", "summary"), ("body", "body"), ("tagList", "tags")];

type Authors = HashMap<UserId, (User, Option<bool>)>;

/// The profiles of these users, as the caller sees them.
pub async fn authors(caller: &Caller<'_>, ids: Vec<UserId>) -> Result<Authors, Problem> {
    let ids: Vec<_> = ids.into_iter().collect::<HashSet<_>>().into_iter().collect();
    let viewer = caller.viewer.as_ref().map(|viewer| viewer.user_id);
    let users = caller.blog().table.users_seen_by(viewer, &ids, Consistency::Strong).await?;
    Ok(users.into_iter().map(|(user, following)| (user.id, (user, following))).collect())
}

/// Who wrote something. The copy in what was written follows a change of the profile within moments, so the profile itself is
/// shown; of who has left since, the copy.
pub fn show_author(author: &PostAuthor, authors: &Authors) -> Value {
    match authors.get(&author.id) {
        Some((user, following)) => profiles::show(user, *following),
        None => json!({
            "username": author.username.to_string(),
            "bio": null,
            "image": author.avatar_url,
            "following": false,
        }),
    }
}

/// What articles show that is not stored with them.
struct Context {
    authors: Authors,
    marks: HashMap<PostId, Mark>,
}

async fn context(caller: &Caller<'_>, posts: &[Post]) -> Result<Context, Problem> {
    let authors = authors(caller, posts.iter().map(|post| post.author.id).collect());
    let marks = async {
        let Some(viewer) = &caller.viewer else { return Ok(HashMap::new()) };
        let ids: Vec<_> = posts.iter().map(|post| post.id).collect();
        Ok(caller.blog().table.marks(viewer, &ids).await?)
    };
    let (authors, marks) = tokio::try_join!(authors, marks)?;
    Ok(Context { authors, marks })
}

fn show(post: &Post, favorites: u64, context: &Context) -> Map<String, Value> {
    let (details, labels) = (&post.details, post.tag_labels.as_ref());
    let description = details.summary.as_ref().map(Summary::as_str).or(post.excerpt.as_deref());
    // Lists are ordered by publication, which is long before a post that was imported was created here.
    let created_at = post.published_at.unwrap_or(post.created_at);
    let article = json!({
        "slug": post.slug.to_string(),
        "title": details.title.as_ref().map(Title::as_str).unwrap_or_default(),
        "description": description.unwrap_or_default(),
        "tagList": details.tags.iter().map(|tag| labels.map_or(tag.as_str(), |labels| labels.show(tag))).collect::<Vec<_>>(),
        "createdAt": created_at,
        "updatedAt": post.updated_at.max(created_at),
        "favorited": context.marks.get(&post.id).is_some_and(|mark| mark.reaction.is_some()),
        "favoritesCount": favorites,
        "author": show_author(&post.author, &context.authors),
    });
    match article {
        Value::Object(article) => article,
        _ => Map::new(),
    }
}

/// One article, with its body.
async fn one(
    caller: &Caller<'_>,
    status: StatusCode,
    (post, text): (Post, PostText),
) -> Result<Response<Body>, Problem> {
    let posts = [post];
    let context = context(caller, &posts).await?;
    let [post] = posts;
    let mut article = show(&post, post.reactions, &context);
    article.insert("body".to_owned(), json!(text.markdown));
    respond(status, "article", Value::Object(article))
}

/// How many calls of the table are under way at once where an answer needs many. Each needs a connection, and a function that starts opens
/// them first: a TLS handshake takes as much processor time as several calls.
const MAX_AT_ONCE: usize = 4;

/// The results of these in their order, or the first failure.
async fn a_few_at_once<T, E>(calls: Vec<impl Future<Output = Result<T, E>>>) -> Result<Vec<T>, E> {
    stream::iter(calls).buffered(MAX_AT_ONCE).try_collect().await
}

/// A page of articles, with how many there are in all.
async fn page(caller: &Caller<'_>, posts: Vec<Post>, total: u64) -> Result<Response<Body>, Problem> {
    let table = &caller.blog().table;
    // The cards' own counts follow a moment later.
    let favorites: Vec<_> = posts.iter().map(|post| table.reactions(post, Consistency::Strong)).collect();
    let favorites = async { a_few_at_once(favorites).await.map_err(Problem::from) };
    let (context, favorites) = tokio::try_join!(context(caller, &posts), favorites)?;
    let articles = posts
        .iter()
        .zip(favorites)
        .map(|(post, favorites)| Value::Object(show(post, favorites.iter().sum(), &context)));
    let articles = articles.collect();
    respond_with(
        StatusCode::OK,
        Map::from_iter([("articles".to_owned(), articles), ("articlesCount".to_owned(), json!(total))]),
    )
}

/// An article with its body, if the caller may read it; also at a slug that it had before.
async fn found(caller: &Caller<'_>, slug: &str) -> Result<(Post, PostText), Problem> {
    let slug = Slug::try_from(slug.to_owned()).map_err(|_| Denied::PostNotFound)?;
    let found = caller.blog().table.post_with_text(&slug, Consistency::Strong, caller.now).await?;
    let (post, text) = found.filter(|(post, _)| is_article(post)).ok_or(Denied::PostNotFound)?;
    post.check_readable(caller.viewer.as_ref())?;
    Ok((post, text))
}

/// Whether it can be an article. What is in the trash is not, for its author neither: there is no 410 here.
fn is_article(post: &Post) -> bool {
    post.kind != PostKind::Repost && post.status != PostStatus::Trashed
}

/// The same without the body.
pub async fn readable(caller: &Caller<'_>, slug: &str) -> Result<Post, Problem> {
    let slug = Slug::try_from(slug.to_owned()).map_err(|_| Denied::PostNotFound)?;
    let post = caller.blog().table.post(&slug, caller.now).await?;
    let post = post.filter(is_article).ok_or(Denied::PostNotFound)?;
    post.check_readable(caller.viewer.as_ref())?;
    Ok(post)
}

/// Lets only those pass who may change the article.
pub async fn check_editable(caller: &Caller<'_>, slug: &str) -> Result<(), Problem> {
    Ok(readable(caller, slug).await?.check_editable(caller.user()?)?)
}

/// `GET /articles/{slug}`
pub async fn get(caller: &Caller<'_>, slug: &str) -> Result<Response<Body>, Problem> {
    let found = found(caller, slug).await?;
    one(caller, StatusCode::OK, found).await
}

/// The fields of an article by their native names. Front ends have text areas for what is one line here.
fn fields_of(article: &mut Map<String, Value>) -> Map<String, Value> {
    let mut fields = renamed(article, FIELDS);
    for name in ["title", "summary"] {
        if let Some(Value::String(text)) = fields.get_mut(name) {
            *text =
                text.split(['\r', '\n']).map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
        }
    }
    fields
}

/// How the tags of an article were typed, if it has a list of them.
fn tag_labels(article: &Map<String, Value>) -> Option<TagLabels> {
    let typed = article.get("tagList")?.as_array()?;
    Some(TagLabels::of_typed(typed.iter().filter_map(Value::as_str)))
}

/// `POST /articles`
pub async fn create(caller: &mut Caller<'_>, mut article: Map<String, Value>) -> Result<Response<Body>, Problem> {
    refuse_blank(&["title", "description", "body"], &article)?;
    let blog = caller.blog();
    let labels = tag_labels(&article).unwrap_or_default();
    let mut fields = fields_of(&mut article);
    fields.insert("status".to_owned(), json!("published"));
    let inner = caller.inner(Map::new(), fields);
    let call = edge::admit(posts::scopes::create_post, blog, inner, &mut caller.quotas).await?;
    let created = posts::create_labelled_post(blog, call, Some(labels)).await?;
    written(caller, StatusCode::CREATED, &created.body).await
}

/// `PUT /articles/{slug}`
pub async fn update(
    caller: &mut Caller<'_>,
    slug: &str,
    mut article: Map<String, Value>,
) -> Result<Response<Body>, Problem> {
    refuse_emptied(&["title", "description", "body", "tagList"], &article)?;
    let blog = caller.blog();
    let labels = tag_labels(&article);
    let fields = fields_of(&mut article);
    let inner = caller.inner(with("slug", slug), fields);
    let call = edge::admit(posts::scopes::update_post, blog, inner, &mut caller.quotas).await?;
    let updated = posts::update_labelled_post(blog, call, labels).await?;
    written(caller, StatusCode::OK, &updated.body).await
}

/// The article that an operation has just written.
async fn written(
    caller: &Caller<'_>,
    status: StatusCode,
    post: &impl serde::Serialize,
) -> Result<Response<Body>, Problem> {
    let post = serde_json::to_value(post).map_err(Problem::internal)?;
    let found = found(caller, post["slug"].as_str().unwrap_or_default()).await?;
    one(caller, status, found).await
}

/// `DELETE /articles/{slug}`
pub async fn delete(caller: &mut Caller<'_>, slug: &str) -> Result<Response<Body>, Problem> {
    readable(caller, slug).await?;
    let blog = caller.blog();
    perform!(posts::trash_post, blog, caller, with("slug", slug), Map::new()).await?;
    Ok(no_content())
}

/// `POST /articles/{slug}/favorite`: a reaction, whichever kind; who has one already keeps it.
pub async fn favorite(caller: &mut Caller<'_>, slug: &str) -> Result<Response<Body>, Problem> {
    let (post, blog) = (readable(caller, slug).await?, caller.blog());
    if blog.table.mark(caller.user()?.user_id, post.id).await?.reaction.is_none() {
        let like = with("kind", "like");
        perform!(community::react_to_post, blog, caller, with("slug", slug), like).await?;
    }
    get(caller, slug).await
}

/// `DELETE /articles/{slug}/favorite`
pub async fn unfavorite(caller: &mut Caller<'_>, slug: &str) -> Result<Response<Body>, Problem> {
    readable(caller, slug).await?;
    let blog = caller.blog();
    perform!(community::remove_reaction, blog, caller, with("slug", slug), Map::new()).await?;
    get(caller, slug).await
}

/// `GET /tags`
pub async fn tags(caller: &Caller<'_>) -> Result<Response<Body>, Problem> {
    let tags = caller.blog().table.all_tags(MAX_TAGS_OF_SHARD).await?;
    respond(StatusCode::OK, "tags", tags.into_iter().map(|used| json!(used.label.unwrap_or(used.tag))).collect())
}

/// Which articles of a list.
#[derive(Debug, Clone, Copy)]
struct Window {
    offset: usize,
    limit: usize,
}

impl Window {
    /// What the query asks for.
    fn of(query: &[(String, String)]) -> Result<Self, Problem> {
        let number = |name: &str, default: usize| match parameter(query, name) {
            Some(text) => text.parse().map_err(|_| Problem::field(name, "must be a whole number from 0 on")),
            None => Ok(default),
        };
        let (offset, limit) = (number("offset", 0)?, number("limit", DEFAULT_LIMIT)?.min(MAX_LIMIT));
        if offset > MAX_OFFSET {
            return Err(Problem::field("offset", format!("must be at most {MAX_OFFSET}")));
        }
        Ok(Self { offset, limit })
    }

    /// How many items of a list are needed for it.
    fn end(self) -> usize {
        self.offset + self.limit
    }

    /// The window of a list.
    fn of_list<T>(self, list: Vec<T>) -> Vec<T> {
        list.into_iter().skip(self.offset).take(self.limit).collect()
    }
}

/// A parameter of the query; none if it is empty.
fn parameter<'q>(query: &'q [(String, String)], name: &str) -> Option<&'q str> {
    let (_, value) = query.iter().find(|(known, _)| known == name)?;
    Some(value.as_str()).filter(|value| !value.is_empty())
}

/// `GET /articles`. One filter is answered by its own list, with its own count. Several at once are answered from the newest articles
/// of the first of them, as many as may be skipped.
pub async fn list(caller: &Caller<'_>, query: &[(String, String)]) -> Result<Response<Body>, Problem> {
    let window = Window::of(query)?;
    let table = &caller.blog().table;
    let named = async |name: &str| match parameter(query, name) {
        Some(value) => profiles::user_named(caller, value).await.map(|user| Some(user.map(|(user, _)| user))),
        None => Ok(None),
    };
    let (author, fan) = tokio::try_join!(named("author"), named("favorited"))?;
    let tag = parameter(query, "tag").map(|tag| Tag::try_from(tag.to_owned()).ok());
    // Who does not exist has written nothing, and what is no tag is on nothing.
    let (Some(author), Some(fan), Some(tag)) = (known(author), known(fan), known(tag)) else {
        return page(caller, Vec::new(), 0).await;
    };
    let has_tag = |post: &Post| tag.as_ref().is_none_or(|tag| post.details.tags.iter().any(|own| own == tag));
    let (posts, total) = match (fan, &author, &tag) {
        (None, None, None) => {
            let latest = keys::latest();
            let posts = table.newest_originals(&latest, window.end());
            let (posts, total) = tokio::try_join!(posts, table.published_count())?;
            (window.of_list(posts), total)
        }
        (None, None, Some(tag)) => {
            let tagged = keys::posts_by_tag(tag);
            let posts = table.newest_originals(&tagged, window.end());
            let (posts, total) = tokio::try_join!(posts, table.posts_with_tag(tag))?;
            (window.of_list(posts), total)
        }
        (None, Some(author), None) => {
            (window.of_list(table.newest_originals_of(author, window.end()).await?), author.posts)
        }
        (None, Some(author), Some(_)) => {
            let mut posts = table.newest_originals_of(author, MAX_OFFSET).await?;
            posts.retain(has_tag);
            let total = posts.len();
            (window.of_list(posts), count(total))
        }
        (Some(fan), author, tag) => {
            let mut found = table.reacted_to(fan.id, MAX_FAVORITES, MAX_MARKS).await?;
            found.retain(|(_, post)| author.as_ref().is_none_or(|author| post.author.id == author.id));
            if tag.is_none() {
                let total = found.len();
                (posts_of(caller, &window.of_list(found)).await?, count(total))
            } else {
                let mut posts = posts_of(caller, &found).await?;
                posts.retain(has_tag);
                let total = posts.len();
                (window.of_list(posts), count(total))
            }
        }
    };
    page(caller, posts, total).await
}

/// A filter: none, or one that names something. None of both if it names nothing.
fn known<T>(filter: Option<Option<T>>) -> Option<Option<T>> {
    match filter {
        None => Some(None),
        Some(named) => named.map(Some),
    }
}

fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// The posts that these references lead to, in their order.
async fn posts_of(caller: &Caller<'_>, found: &[(PostId, domain::PostReference)]) -> Result<Vec<Post>, Problem> {
    let wanted: Vec<_> = found.iter().map(|(id, reference)| (*id, reference.author.id)).collect();
    let mut posts = caller.blog().table.published_posts(&wanted, Consistency::Strong).await?;
    Ok(found.iter().filter_map(|(id, _)| posts.remove(id)).collect())
}

/// `GET /articles/feed`: the articles of those whom the caller follows, and of nobody else. The native home feed has more in it, and
/// follows a moment later; so this is merged from the authors' own lists.
pub async fn feed(caller: &Caller<'_>, query: &[(String, String)]) -> Result<Response<Body>, Problem> {
    let window = Window::of(query)?;
    let authors = followed(caller).await?;
    let total = authors.iter().map(|author| author.posts).sum();
    let posts = merged(caller, &authors, window.end()).await?;
    page(caller, window.of_list(posts), total).await
}

/// Whom the caller follows.
async fn followed(caller: &Caller<'_>) -> Result<Vec<User>, Problem> {
    let (table, viewer) = (&caller.blog().table, caller.user()?.user_id);
    let (list, mut ids, mut position) = (keys::following(viewer), Vec::new(), None::<String>);
    while ids.len() < MAX_FOLLOWED {
        let follows = table.follows_after(&list, position.as_deref()).await?;
        position = follows.last().map(|(position, _)| position.clone());
        ids.extend(follows.into_iter().map(|(_, follow)| follow.followed));
        if position.is_none() {
            break;
        }
    }
    ids.truncate(MAX_FOLLOWED);
    let users = table.users_seen_by(None, &ids, Consistency::Strong).await?;
    Ok(users.into_iter().map(|(user, _)| user).collect())
}

/// The newest `max` articles of these authors. Of each a few are read first; more only of those whose articles are all among the
/// newest, so that many authors do not make a page dear.
async fn merged(caller: &Caller<'_>, authors: &[User], max: usize) -> Result<Vec<Post>, Problem> {
    let table = &caller.blog().table;
    let mut wanted: Vec<usize> = vec![max.min(max / authors.len().max(1) + 5); authors.len()];
    let mut read: Vec<Vec<Post>> = vec![Vec::new(); authors.len()];
    let mut pending: Vec<usize> = (0..authors.len()).collect();
    loop {
        let lists = pending.iter().filter_map(|index| {
            let (author, wanted) = (authors.get(*index)?, *wanted.get(*index)?);
            Some(async move { table.newest_originals_of(author, wanted).await.map(|posts| (*index, posts)) })
        });
        let lists: Vec<_> = lists.collect();
        for (index, posts) in a_few_at_once(lists).await? {
            if let Some(list) = read.get_mut(index) {
                *list = posts;
            }
        }
        let at = |post: &Post| (post.published_at, post.id);
        let mut newest: Vec<&Post> = read.iter().flatten().collect();
        newest.sort_by_key(|post| std::cmp::Reverse(at(post)));
        newest.truncate(max);
        let oldest = newest.last().map(|post| at(post));
        pending.clear();
        for (index, (posts, wanted)) in read.iter().zip(&mut wanted).enumerate() {
            // All that was asked for is there, so there may be more; they belong here if the last one does.
            let is_full = posts.len() == *wanted && *wanted < max;
            if is_full && (newest.len() < max || posts.last().map(at) >= oldest) {
                *wanted = (*wanted * 2).min(max);
                pending.push(index);
            }
        }
        if pending.is_empty() {
            return Ok(newest.into_iter().cloned().collect());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn only_a_few_calls_are_under_way_at_once() {
        let (under_way, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let calls = (0..20).map(|number| {
            let (under_way, most) = (&under_way, &most);
            async move {
                most.fetch_max(under_way.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                under_way.fetch_sub(1, Ordering::SeqCst);
                Ok::<_, ()>(number)
            }
        });
        assert_eq!(a_few_at_once(calls.collect()).await, Ok((0..20).collect()));
        assert_eq!(most.load(Ordering::SeqCst), MAX_AT_ONCE);
    }
}
