//! How posts are shown.

use blog::clock::Timestamp;
use blog::domain::{Post, PostId, PostStatus, Tags};
use blog::table::PostText;
use serde::Serialize;

/// A post in a list: everything but its text.
#[derive(Serialize)]
pub struct Card {
    id: PostId,
    slug: String,
    kind: &'static str,
    status: PostStatus,
    title: String,
    summary: Option<String>,
    tags: Vec<String>,
    language: Option<String>,
    cover_image_url: Option<String>,
    canonical_url: Option<String>,
    meta_title: Option<String>,
    meta_description: Option<String>,
    author: Author,
    quote_of: Option<PostId>,
    reply_to: Option<PostId>,
    word_count: u64,
    reading_time_minutes: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
    published_at: Option<Timestamp>,
    version: u64,
    counts: Counts,
    #[serde(skip_serializing_if = "Option::is_none")]
    viewer: Option<ViewerMarks>,
}

/// A post.
#[derive(Serialize)]
pub struct Whole {
    #[serde(flatten)]
    card: Card,
    body: String,
    html: String,
}

#[derive(Serialize)]
struct Author {
    username: String,
    display_name: String,
    avatar_url: Option<String>,
}

#[derive(Serialize)]
struct Counts {
    comments: u64,
    reactions: u64,
    reposts: u64,
    replies: u64,
}

/// What the signed-in viewer did with a post.
#[derive(Serialize)]
struct ViewerMarks {
    reaction: Option<&'static str>,
    reposted: bool,
}

impl Card {
    /// `signed_in` adds what the viewer did with the post, which until there are reactions is nothing.
    pub fn new(post: Post, signed_in: bool) -> Self {
        Self {
            id: post.id,
            reading_time_minutes: post.reading_time_minutes(),
            slug: post.slug.into(),
            // Notes, quotes, replies and reposts come with a later issue.
            kind: "article",
            status: post.status,
            title: post.title,
            summary: post.summary,
            tags: names(&post.tags),
            language: post.language,
            cover_image_url: post.cover_image_url,
            canonical_url: post.canonical_url,
            meta_title: post.meta_title,
            meta_description: post.meta_description,
            author: Author {
                username: post.author.username.into(),
                display_name: post.author.display_name,
                avatar_url: post.author.avatar_url,
            },
            quote_of: None,
            reply_to: None,
            word_count: post.word_count,
            created_at: post.created_at,
            updated_at: post.updated_at,
            published_at: post.published_at,
            version: post.version,
            counts: Counts {
                comments: post.comments,
                reactions: post.reactions,
                reposts: post.reposts,
                replies: post.replies,
            },
            viewer: signed_in.then_some(ViewerMarks { reaction: None, reposted: false }),
        }
    }
}

impl Whole {
    /// A post with its text.
    pub fn new(post: Post, text: PostText, signed_in: bool) -> Self {
        Self { card: Card::new(post, signed_in), body: text.markdown, html: text.html }
    }

    /// The version that this shows.
    pub fn version(&self) -> u64 {
        self.card.version
    }
}

fn names(tags: &Tags) -> Vec<String> {
    tags.iter().map(|tag| tag.as_str().to_owned()).collect()
}
