//! Posts of the table as the index takes them.

use domain::{Post, PostId, PostKind, PostText, Slug, Timestamp, UserId};
use edge::{Blog, Problem};
use futures_util::future::join_all;
use search_index::{Document, text_of_html};
use table::Consistency;

/// How many posts are read at once.
const AT_ONCE: usize = 25;

/// What there is to index of each of these posts now, in their order: none of one that is not published.
pub async fn documents(
    blog: &Blog,
    posts: &[(PostId, Slug)],
    now: Timestamp,
) -> Result<Vec<Option<Document>>, Problem> {
    let mut documents = Vec::with_capacity(posts.len());
    for some in posts.chunks(AT_ONCE) {
        let read = some.iter().map(|(id, slug)| document(blog, *id, slug, now));
        for document in join_all(read).await {
            documents.push(document?);
        }
    }
    Ok(documents)
}

async fn document(blog: &Blog, id: PostId, slug: &Slug, now: Timestamp) -> Result<Option<Document>, Problem> {
    // Nothing older than what the manifest was read beside.
    let found = blog.table.post_with_text(slug, Consistency::Strong, now).await?;
    // The slug may be another post's by now.
    let found = found.filter(|(post, _)| post.id == id && post.is_published() && post.kind != PostKind::Repost);
    Ok(found.map(|(post, text)| of(&post, &text)))
}

fn of(post: &Post, text: &PostText) -> Document {
    let details = &post.details;
    Document {
        id: post.id.number(),
        author: post.author.id.number(),
        published_at: post.published_at.map(Timestamp::milliseconds).unwrap_or_default(),
        title: details.title.as_ref().map(|title| title.as_str().to_owned()).unwrap_or_default(),
        tags: details.tags.iter().map(|tag| tag.as_str().to_owned()).collect(),
        body: text_of_html(&text.html),
        language: details.language.as_ref().map(|language| language.as_str().to_owned()),
    }
}

/// The post and its author that the index means.
pub fn ids(post: u128, author: u128) -> (PostId, UserId) {
    (PostId::from_number(post), UserId::from_number(author))
}
