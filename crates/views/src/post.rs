//! How posts are shown.

use std::collections::{HashMap, HashSet};

use domain::{
    Bookmark, Denied, Details, DisplayName, Page, Post, PostAuthor, PostId, PostKind, PostReference, PostStatus,
    PostText, ReactionKind, Slug, Summary, Timestamp, Title, Username, Viewer, WebUrl,
};
use schemars::JsonSchema;
use serde::Serialize;
use table::{Consistency, Mark, Refused, Table};

/// A post in a list: everything but its text.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Card")]
#[allow(missing_docs, reason = "the API's document shows what their types say")]
pub struct PostCard {
    pub id: PostId,
    #[schemars(with = "Slug")]
    pub slug: String,
    pub kind: PostKind,
    pub status: PostStatus,
    #[serde(flatten)]
    pub details: Details,
    pub author: Author,
    pub quote_of: Option<OtherPost>,
    pub reply_to: Option<OtherPost>,
    pub word_count: u64,
    pub reading_time_minutes: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub published_at: Option<Timestamp>,
    pub version: u64,
    pub counts: Counts,
    /// What the viewer did with the post; only for viewers who are signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    viewer: Option<ViewerMarks>,
    /// Whether it leads the blog. Pages show that; the API shows it by the order of its list.
    #[serde(skip)]
    pub is_pinned: bool,
}

/// A post.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Post")]
#[allow(missing_docs, reason = "the API's document shows what their types say")]
pub struct PostView {
    #[serde(flatten)]
    pub card: PostCard,
    /// The text in Markdown; empty for a repost.
    pub body: String,
    /// The text as HTML that is safe to insert into a page; empty for a repost.
    pub html: String,
}

/// Who wrote something.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PostAuthor")]
#[allow(missing_docs, reason = "the API's document shows what their types say")]
pub struct Author {
    #[schemars(with = "Username")]
    pub username: String,
    #[schemars(with = "DisplayName")]
    pub display_name: String,
    #[schemars(with = "Option<WebUrl>")]
    pub avatar_url: Option<String>,
}

/// What a post shows of the post that it quotes, answers or reposts. If that post is not published, only the id is shown
/// and `gone` is true.
#[derive(Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the API's document shows what their types say")]
pub struct OtherPost {
    pub id: PostId,
    pub gone: bool,
    #[schemars(with = "Option<Slug>")]
    pub slug: Option<String>,
    pub kind: Option<PostKind>,
    #[schemars(with = "Option<Title>")]
    pub title: Option<String>,
    #[schemars(with = "Option<Summary>")]
    pub summary: Option<String>,
    pub author: Option<Author>,
    pub published_at: Option<Timestamp>,
}

/// What others did with a post, counted.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PostCounts")]
#[allow(missing_docs, reason = "the API's document shows what their types say")]
pub struct Counts {
    pub comments: u64,
    pub reactions: u64,
    pub reposts: u64,
    pub replies: u64,
}

/// What the signed-in viewer did with a post.
#[derive(Serialize, JsonSchema)]
struct ViewerMarks {
    reaction: Option<ReactionKind>,
    reposted: bool,
    bookmarked: bool,
}

impl From<Option<&Mark>> for ViewerMarks {
    fn from(mark: Option<&Mark>) -> Self {
        Self {
            reaction: mark.and_then(|mark| mark.reaction),
            reposted: mark.is_some_and(|mark| mark.reposted_as.is_some()),
            bookmarked: mark.is_some_and(|mark| mark.bookmarked_at.is_some()),
        }
    }
}

/// A bookmark: the card of the post, or no more than its id if the post is not published (any longer).
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Bookmark")]
pub enum BookmarkView {
    /// The post.
    Here {
        /// The post's card.
        #[serde(flatten)]
        card: Box<PostCard>,
        /// Whether the post is gone: it is not.
        gone: bool,
        /// Since when the viewer keeps it.
        bookmarked_at: Timestamp,
    },
    /// The post is gone, for now or for good.
    Gone {
        /// The post's id, by which the bookmark can be removed.
        id: PostId,
        /// Whether the post is gone: it is.
        gone: bool,
        /// Since when the viewer keeps it.
        bookmarked_at: Timestamp,
    },
}

/// What is shown with posts and not stored with them.
struct Context {
    references: HashMap<PostId, PostReference>,
    marks: Option<HashMap<PostId, Mark>>,
}

/// A page of cards, as `viewer` sees them. A repost of a post that is gone shows nothing, and is left out.
pub async fn post_cards(table: &Table, page: Page<Post>, viewer: Option<&Viewer>) -> Result<Page<PostCard>, Refused> {
    let context = context(table, &page.items, viewer).await?;
    let items = page.items.into_iter().filter_map(|post| card(post, &context)).collect();
    Ok(Page { items, next_cursor: page.next_cursor })
}

/// A page of the viewer's bookmarks.
pub async fn bookmarks(table: &Table, page: Page<Bookmark>, viewer: &Viewer) -> Result<Page<BookmarkView>, Refused> {
    let wanted: Vec<_> = page.items.iter().map(|bookmark| (bookmark.post, bookmark.author)).collect();
    let mut found = table.published_posts(&wanted, Consistency::Strong).await?;
    let posts: Vec<_> = page.items.iter().filter_map(|bookmark| found.remove(&bookmark.post)).collect();
    let context = context(table, &posts, Some(viewer)).await?;
    let mut cards: HashMap<_, _> =
        posts.into_iter().filter_map(|post| Some((post.id, card(post, &context)?))).collect();
    Ok(page.map(|Bookmark { post, bookmarked_at, .. }| match cards.remove(&post) {
        Some(card) => BookmarkView::Here { card: Box::new(card), gone: false, bookmarked_at },
        None => BookmarkView::Gone { id: post, gone: true, bookmarked_at },
    }))
}

/// A post with its text, as `viewer` sees it.
pub async fn post_view(
    table: &Table,
    post: Post,
    text: PostText,
    viewer: Option<&Viewer>,
) -> Result<PostView, Refused> {
    let posts = [post];
    let context = context(table, &posts, viewer).await?;
    let [post] = posts;
    let card = card(post, &context).ok_or(Denied::PostNotFound)?;
    Ok(PostView { card, body: text.markdown, html: text.html })
}

/// The post that a repost shows; any other post itself.
pub fn original(post: &Post) -> PostId {
    post.quote_of.filter(|_| post.kind == PostKind::Repost).unwrap_or(post.id)
}

/// The slug of the post that a repost shows; none for any other post, which shows itself.
pub async fn original_slug(table: &Table, post: &Post, consistency: Consistency) -> Result<Option<Slug>, Refused> {
    if post.kind != PostKind::Repost {
        return Ok(None);
    }
    let original = original(post);
    let mut references = table.references(HashSet::from([original]), consistency).await?;
    let reference = references.remove(&original).ok_or(Denied::PostNotFound)?;
    Ok(Some(reference.slug))
}

async fn context(table: &Table, posts: &[Post], viewer: Option<&Viewer>) -> Result<Context, Refused> {
    let consistency = Consistency::for_viewer(viewer);
    let ids = posts.iter().flat_map(|post| post.quote_of.into_iter().chain(post.reply_to)).collect();
    let references = table.references(ids, consistency);
    let marks = async {
        let Some(viewer) = viewer else { return Ok(None) };
        // Nobody can do anything with a post that is not published.
        let subjects: Vec<_> = posts.iter().filter(|post| post.is_published()).map(original).collect();
        table.marks(viewer, &subjects).await.map(Some)
    };
    let (references, marks) = tokio::try_join!(references, marks)?;
    Ok(Context { references, marks })
}

fn card(post: Post, context: &Context) -> Option<PostCard> {
    let marks = context.marks.as_ref().map(|marks| marks.get(&original(&post)));
    let slug = match (post.kind, post.quote_of) {
        (PostKind::Repost, Some(original)) => &context.references.get(&original)?.slug,
        _ => &post.slug,
    };
    let mut details = post.details.clone();
    // An excerpt is at most as long as a summary may be.
    details.summary = details.summary.or_else(|| Summary::try_from(post.excerpt.clone()?).ok());
    let other = |id: PostId| other_post(id, context.references.get(&id));
    Some(PostCard {
        id: post.id,
        slug: slug.to_string(),
        kind: post.kind,
        status: post.status,
        reading_time_minutes: post.reading_time_minutes(),
        details,
        author: Author::from(&post.author),
        quote_of: post.quote_of.map(other),
        reply_to: post.reply_to.map(other),
        word_count: post.word_count,
        created_at: post.created_at,
        updated_at: post.updated_at,
        // The future time, for a scheduled post.
        published_at: post.publish_at.or(post.published_at),
        version: post.version,
        counts: Counts {
            comments: post.comments,
            reactions: post.reactions,
            reposts: post.reposts,
            replies: post.replies,
        },
        viewer: marks.map(ViewerMarks::from),
        is_pinned: post.pinned_at.is_some(),
    })
}

impl From<&PostAuthor> for Author {
    fn from(author: &PostAuthor) -> Self {
        Self {
            username: author.username.to_string(),
            display_name: author.display_name.clone(),
            avatar_url: author.avatar_url.clone(),
        }
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
        author: reference.map(|other| Author::from(&other.author)),
        published_at: reference.and_then(|other| other.published_at),
    }
}
