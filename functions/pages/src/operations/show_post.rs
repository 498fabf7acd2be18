//! `GET /pages/posts/{slug}`: Show a post with its comments and the posts that answer it. A former slug redirects to the current one; with the
//! token of a preview link, a draft is shown.

use askama::Template;
use community::{CommentView, comments_of};
use domain::{CommentStatus, Page, fields};
use edge::{Call, MovedOr, PageQuery, Path, Problem, Query, Site, Visitor};
use posts::{PostPath, ReadPost, read_post};
use serde_json::{Value, json};
use table::{Consistency, keys};
use url::Url;
use views::{PostCard, PostView};

use crate::Services;
use crate::shared::card::{Card, Person, anonymous, cards};
use crate::shared::layout::{Article, Date, Layout};
use crate::shared::paging::{PageOfList, Pager};
use crate::shared::reply::Shown;
use crate::shared::{json_ld, text};

fields! {
    pub struct PostQuery {
        preview: Option<String>,
        ..comments: PageOfList
    }
}

#[derive(Template)]
#[template(path = "post.html")]
struct PostPage {
    layout: Layout,
    slug: String,
    post: Card,
    html: String,
    /// When it was changed, if that was a day or more after it was published.
    changed: Option<Date>,
    is_preview: bool,
    /// Where the post was first published, if that was elsewhere.
    original: Option<String>,
    comments: Vec<Comment>,
    comments_open: bool,
    pager: Pager,
    answers: Vec<Card>,
}

struct Comment {
    id: String,
    depth: usize,
    /// Who wrote it; none if they have left, and in a placeholder.
    author: Option<Person>,
    created: Date,
    /// None in the place of a comment that is not shown.
    html: Option<String>,
}

impl From<CommentView> for Comment {
    fn from(comment: CommentView) -> Self {
        let id = format!("comment-{}", comment.id);
        Self {
            html: (comment.status == CommentStatus::Published).then(|| text::of_comment(&comment.html, &id)),
            id,
            depth: comment.depth,
            author: comment.author.as_ref().map(Person::from),
            created: comment.created_at.into(),
        }
    }
}

pub async fn show_post(
    services: &Services,
    call: Call<Visitor, (Path<PostPath>, Query<PostQuery>)>,
) -> Result<Shown, Problem> {
    let (call, (Path(path), Query(PostQuery { preview, comments: query }))) = anonymous(call);
    let (table, config) = (&services.blog.table, &services.blog.config);
    let ReadPost { post, text, is_private } =
        match read_post(&services.blog, &path.slug, preview, None, call.now).await? {
            MovedOr::Here(read) => read,
            MovedOr::Moved(path) => return Ok(Shown::Moved(path)),
        };

    let page = PageQuery { limit: None, cursor: query.cursor.clone() };
    let comments = async {
        // It counts what everybody sees.
        if post.comments == 0 { Ok(nothing()) } else { comments_of(&services.blog, &post, None, &page).await }
    };
    let answers = async {
        if post.replies == 0 || query.cursor.is_some() {
            return Ok(nothing());
        }
        let list = keys::replies(post.id);
        let page = table.posts(&list, None, Default::default(), Consistency::Eventual, call.now).await?;
        Ok::<_, Problem>(views::post_cards(table, page, None).await?)
    };
    let (comments, answers) = tokio::try_join!(comments, answers)?;
    let view = views::post_view(table, post, text, None).await?;

    let site = Site::new(config, &call.base_url);
    let own = format!("/posts/{}", view.card.slug);
    let pager = Pager::new(&own, &[], &query, comments.next_cursor.as_deref());
    let post = Card::from(&view.card);
    let mut layout = layout(services, &site, &view, &post, is_private);
    (layout.previous, layout.next) = (pager.previous.clone(), pager.next.clone());
    // What was imported was changed no sooner than that.
    let (since, changed) = (view.card.published_at.max(Some(view.card.created_at)), view.card.updated_at);
    let template = PostPage {
        layout,
        slug: view.card.slug.clone(),
        html: text::of_post(&view.html),
        changed: since.filter(|since| changed >= since.plus_seconds(domain::DAY_SECONDS)).map(|_| changed.into()),
        is_preview: is_private,
        original: view.card.details.canonical_url.as_ref().map(|url| url.as_str().to_owned()),
        comments: comments.items.into_iter().map(Comment::from).collect(),
        comments_open: view.card.details.comments_open.0,
        pager: pager.leading_to("comments"),
        answers: cards(&answers),
        post,
    };
    match Shown::page(&template)? {
        Shown::Page(text) if is_private => Ok(Shown::Private(text)),
        shown => Ok(shown),
    }
}

/// A page of a list that was not read.
fn nothing<T>() -> Page<T> {
    Page { items: Vec::new(), next_cursor: None }
}

/// What is around a post, and what is told of it to who does not read it.
fn layout(services: &Services, site: &Site, view: &PostView, post: &Card, is_private: bool) -> Layout {
    let config = &services.blog.config;
    let PostCard { details, .. } = &view.card;
    let name = details.meta_title.as_ref().map_or_else(|| post.name.clone(), |title| title.as_str().to_owned());
    let mut layout = Layout::new(config, site, &name);
    layout.language = details.language.as_ref().map_or(layout.language, |language| language.as_str().to_owned());
    let summary = || details.summary.as_ref().map(|summary| summary.as_str().to_owned());
    layout.description = details.meta_description.as_ref().map(|text| text.as_str().to_owned()).or_else(summary);
    let own = site.page(&post.href);
    layout.canonical = Some(details.canonical_url.as_ref().map_or_else(|| own.clone(), |url| url.as_str().to_owned()));
    layout.kind = "article";
    let own_picture = || Url::parse(&own).ok()?.join(&domain::html::first_picture(&view.html)?).ok().map(String::from);
    layout.image = post.cover.clone().or_else(own_picture).or(layout.image);
    layout.is_indexed = !is_private;
    let author = site.page(&post.author.href);
    let (published, modified) =
        (view.card.published_at.unwrap_or(view.card.created_at).to_string(), view.card.updated_at.to_string());
    layout.json_ld = (!is_private).then(|| json_ld::script(&blog_posting(&layout, post, view, &own, &author)));
    layout.article =
        Some(Article { published_at: published, modified_at: modified, author, tags: post.tags.clone() });
    layout
}

/// <https://schema.org/BlogPosting>
fn blog_posting(layout: &Layout, post: &Card, view: &PostView, own: &str, author: &str) -> Value {
    let publisher = json!({ "@type": "Organization", "name": layout.site_title, "url": layout.url, "logo": layout.logo });
    json!({
        "@context": "https://schema.org",
        "@type": "BlogPosting",
        "headline": post.name,
        "description": layout.description,
        "url": own,
        "mainEntityOfPage": layout.canonical,
        "datePublished": view.card.published_at,
        "dateModified": view.card.updated_at,
        "inLanguage": layout.language,
        "wordCount": view.card.word_count,
        "commentCount": view.card.counts.comments,
        "keywords": post.tags,
        "image": layout.image,
        "author": { "@type": "Person", "name": post.author.name, "url": author, "image": post.author.avatar },
        "publisher": publisher,
        "interactionStatistic": {
            "@type": "InteractionCounter",
            "interactionType": "https://schema.org/LikeAction",
            "userInteractionCount": view.card.counts.reactions,
        },
    })
}
