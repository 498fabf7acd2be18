//! How posts are shown.

use std::collections::{HashMap, HashSet};

use blog::clock::Timestamp;
use blog::domain::{
    DisplayName, Language, MetaDescription, MetaTitle, Post, PostAuthor, PostId, PostKind, PostReference, PostStatus,
    Slug, Summary, Tags, Title, Username, Viewer, WebUrl,
};
use blog::edge::Page;
use blog::table::{Consistency, Mark, PostText};
use blog::{Blog, Error};
use schemars::JsonSchema;
use serde::Serialize;

/// A post in a list: everything but its text.
#[derive(Serialize, JsonSchema)]
pub struct Card {
    id: PostId,
    #[schemars(with = "Slug")]
    slug: String,
    kind: PostKind,
    status: PostStatus,
    #[schemars(with = "Option<Title>")]
    title: Option<String>,
    #[schemars(with = "Option<Summary>")]
    summary: Option<String>,
    #[schemars(with = "Tags")]
    tags: Vec<String>,
    #[schemars(with = "Option<Language>")]
    language: Option<String>,
    #[schemars(with = "Option<WebUrl>")]
    cover_image_url: Option<String>,
    #[schemars(with = "Option<WebUrl>")]
    canonical_url: Option<String>,
    #[schemars(with = "Option<MetaTitle>")]
    meta_title: Option<String>,
    #[schemars(with = "Option<MetaDescription>")]
    meta_description: Option<String>,
    author: Author,
    quote_of: Option<OtherPost>,
    reply_to: Option<OtherPost>,
    word_count: u64,
    reading_time_minutes: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
    published_at: Option<Timestamp>,
    version: u64,
    counts: Counts,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// What the viewer did with it; only said to who is signed in.
    viewer: Option<ViewerMarks>,
}

/// A post.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Post")]
pub struct Whole {
    #[serde(flatten)]
    card: Card,
    /// The text in Markdown. Empty if it is a repost.
    body: String,
    /// The text as HTML that is safe to insert into a page.
    html: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PostAuthor")]
struct Author {
    #[schemars(with = "Username")]
    username: String,
    #[schemars(with = "DisplayName")]
    display_name: String,
    #[schemars(with = "Option<WebUrl>")]
    avatar_url: Option<String>,
}

/// What a post shows of one that it quotes, answers or reposts. Of one that is gone only the id is left.
#[derive(Serialize, JsonSchema)]
struct OtherPost {
    id: PostId,
    gone: bool,
    #[schemars(with = "Option<Slug>")]
    slug: Option<String>,
    kind: Option<PostKind>,
    #[schemars(with = "Option<Title>")]
    title: Option<String>,
    #[schemars(with = "Option<Summary>")]
    summary: Option<String>,
    author: Option<Author>,
    published_at: Option<Timestamp>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PostCounts")]
struct Counts {
    comments: u64,
    reactions: u64,
    reposts: u64,
    replies: u64,
}

/// What the signed-in viewer did with a post.
#[derive(Serialize, JsonSchema)]
struct ViewerMarks {
    reaction: Option<&'static str>,
    reposted: bool,
}

/// What is shown with posts and not stored with them.
struct Company {
    others: HashMap<PostId, PostReference>,
    marks: Option<HashMap<PostId, Mark>>,
}

/// A page of cards. A repost of a post that is gone shows nothing, and is left out.
pub async fn cards(blog: &Blog, page: Page<Post>, viewer: Option<&Viewer>) -> Result<Page<Card>, Error> {
    let company = company(blog, &page.items, viewer).await?;
    let items = page.items.into_iter().filter_map(|post| card(post, &company)).collect();
    Ok(Page { items, next_cursor: page.next_cursor })
}

/// A post with its text.
pub async fn whole(blog: &Blog, post: Post, text: PostText, viewer: Option<&Viewer>) -> Result<Whole, Error> {
    let posts = [post];
    let company = company(blog, &posts, viewer).await?;
    let [post] = posts;
    let card = card(post, &company).ok_or_else(Post::not_found)?;
    Ok(Whole { card, body: text.markdown, html: text.html })
}

impl Whole {
    /// The version that this shows.
    pub fn version(&self) -> u64 {
        self.card.version
    }
}

/// The post that this is about: of a repost, the one that it shows.
pub fn subject(post: &Post) -> PostId {
    post.quote_of.filter(|_| post.kind == PostKind::Repost).unwrap_or(post.id)
}

/// Where the post is that a repost shows; none of any other post, which shows itself.
pub async fn subject_slug(blog: &Blog, post: &Post, consistency: Consistency) -> Result<Option<Slug>, Error> {
    if post.kind != PostKind::Repost {
        return Ok(None);
    }
    let original = subject(post);
    let mut others = blog.table.references(HashSet::from([original]), consistency).await?;
    others.remove(&original).map(|other| Some(other.slug)).ok_or_else(Post::not_found)
}

async fn company(blog: &Blog, posts: &[Post], viewer: Option<&Viewer>) -> Result<Company, Error> {
    // Whoever is signed in reads their own writes.
    let consistency = if viewer.is_some() { Consistency::Strong } else { Consistency::Eventual };
    let ids = posts.iter().flat_map(|post| post.quote_of.into_iter().chain(post.reply_to)).collect();
    let others = blog.table.references(ids, consistency);
    let marks = async {
        let Some(viewer) = viewer else { return Ok(None) };
        // Nobody does anything with a post that is not out.
        let subjects: Vec<_> = posts.iter().filter(|post| post.is_published()).map(subject).collect();
        blog.table.marks(viewer.user_id, &subjects).await.map(Some)
    };
    let (others, marks) = tokio::try_join!(others, marks)?;
    Ok(Company { others, marks })
}

fn card(post: Post, company: &Company) -> Option<Card> {
    let marks = company.marks.as_ref().map(|marks| marks.get(&subject(&post)));
    let slug = match (post.kind, post.quote_of) {
        (PostKind::Repost, Some(original)) => &company.others.get(&original)?.slug,
        _ => &post.slug,
    };
    let other = |id: PostId| other_post(id, company.others.get(&id));
    Some(Card {
        id: post.id,
        slug: slug.to_string(),
        kind: post.kind,
        status: post.status,
        summary: post.summary_or_excerpt().map(str::to_owned),
        reading_time_minutes: post.reading_time_minutes(),
        title: post.title,
        tags: post.tags.iter().map(|tag| tag.as_str().to_owned()).collect(),
        language: post.language,
        cover_image_url: post.cover_image_url,
        canonical_url: post.canonical_url,
        meta_title: post.meta_title,
        meta_description: post.meta_description,
        author: author(&post.author),
        quote_of: post.quote_of.map(other),
        reply_to: post.reply_to.map(other),
        word_count: post.word_count,
        created_at: post.created_at,
        updated_at: post.updated_at,
        // Of a scheduled post, when it will be.
        published_at: post.publish_at.or(post.published_at),
        version: post.version,
        counts: Counts {
            comments: post.comments,
            reactions: post.reactions,
            reposts: post.reposts,
            replies: post.replies,
        },
        viewer: marks
            .map(|mark| ViewerMarks { reaction: None, reposted: mark.is_some_and(|mark| mark.reposted_as.is_some()) }),
    })
}

fn author(author: &PostAuthor) -> Author {
    Author {
        username: author.username.to_string(),
        display_name: author.display_name.clone(),
        avatar_url: author.avatar_url.clone(),
    }
}

fn other_post(id: PostId, reference: Option<&PostReference>) -> OtherPost {
    OtherPost {
        id,
        gone: reference.is_none(),
        slug: reference.map(|other| other.slug.to_string()),
        kind: reference.map(|other| other.kind),
        title: reference.and_then(|other| other.title.clone()),
        summary: reference.and_then(|other| other.summary.clone()),
        author: reference.map(|other| author(&other.author)),
        published_at: reference.and_then(|other| other.published_at),
    }
}
