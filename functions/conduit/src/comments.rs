//! `/articles/{slug}/comments`.
//!
//! Conduit's ids of comments are numbers below 2^53, which JavaScript counts exactly. Ours are ULIDs of 128 bits, so a number is a
//! hash of one: it is the same in every answer and needs no item that leads from it to the comment, because a comment is looked for
//! in the thread of its article only. Two comments of one thread have the same number once in 2^53 pairs; then neither is deleted
//! by it.

use std::collections::HashMap;

use domain::{Comment, CommentId, Denied, Role, User, UserId};
use edge::Problem;
use lambda_http::Body;
use lambda_http::http::{Response, StatusCode};
use serde_json::{Map, Value, json};
use table::{Consistency, HeldComments};

use crate::request::{Caller, refuse_blank, renamed, with};
use crate::{articles, no_content, perform, respond};

/// How many comments of an article are shown at most, the oldest: Conduit has no pages of them.
const MAX_COMMENTS: usize = 500;

/// The number of a comment: 53 bits of its id, mixed (the finaliser of SplitMix64).
fn number(id: CommentId) -> u64 {
    let mix = |mut z: u64| {
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let id = id.number().to_be_bytes();
    let [high, low] =
        [0, 8].map(|from| id.iter().skip(from).take(8).fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte)));
    mix(high ^ mix(low.wrapping_add(0x9e37_79b9_7f4a_7c15))) >> 11
}

/// `GET /articles/{slug}/comments`
pub async fn list(caller: &Caller<'_>, slug: &str) -> Result<Response<Body>, Problem> {
    let post = articles::readable(caller, slug).await?;
    let comments = thread(caller, post.id).await?;
    let authors: Vec<UserId> = comments.iter().filter_map(|comment| Some(comment.author.as_ref()?.id)).collect();
    let authors = articles::authors(caller, authors).await?;
    respond(StatusCode::OK, "comments", comments.iter().map(|comment| show(comment, &authors)).collect())
}

/// What the caller sees of a thread, without the places of what was deleted.
async fn thread(caller: &Caller<'_>, post: domain::PostId) -> Result<Vec<Comment>, Problem> {
    let held = match &caller.viewer {
        None => HeldComments::None,
        Some(viewer) if viewer.role >= Role::Editor => HeldComments::All,
        Some(viewer) => HeldComments::By(viewer.user_id),
    };
    let comments = caller.blog().table.thread(post, held, MAX_COMMENTS).await?;
    let seen = comments.into_iter().filter_map(|comment| comment.seen_by(caller.viewer.as_ref()));
    Ok(seen.filter(|comment| comment.author.is_some() && !comment.text.markdown.is_empty()).collect())
}

fn show(comment: &Comment, authors: &HashMap<UserId, (User, Option<bool>)>) -> Value {
    json!({
        "id": number(comment.id()),
        "createdAt": comment.created_at,
        "updatedAt": comment.updated_at,
        "body": shown(&comment.text.markdown),
        "author": comment.author.as_ref().map(|author| articles::show_author(author, authors)),
    })
}

/// A text without the line of an import above it (docs/import.md). No reader of HTML sees that line, but these clients show Markdown as it is.
fn shown(markdown: &str) -> &str {
    let below = markdown.strip_prefix("[imported-comment]: ").and_then(|rest| Some(rest.split_once("\n\n")?.1));
    below.unwrap_or(markdown)
}

/// `POST /articles/{slug}/comments`
pub async fn create(
    caller: &mut Caller<'_>,
    slug: &str,
    mut comment: Map<String, Value>,
) -> Result<Response<Body>, Problem> {
    refuse_blank(&["body"], &comment)?;
    let blog = caller.blog();
    let body = renamed(&mut comment, &[("body", "body")]);
    let created = perform!(community::create_comment, blog, caller, with("slug", slug), body).await?;
    let created = serde_json::to_value(&created.body).map_err(Problem::internal)?;
    let id: CommentId = created["id"].as_str().unwrap_or_default().parse().map_err(Problem::internal)?;
    let comment = blog.table.comment(id, Consistency::Strong).await?.ok_or(Denied::CommentNotFound)?;
    let authors = articles::authors(caller, comment.author.iter().map(|author| author.id).collect()).await?;
    respond(StatusCode::CREATED, "comment", show(&comment, &authors))
}

/// `DELETE /articles/{slug}/comments/{id}`
pub async fn delete(caller: &mut Caller<'_>, slug: &str, id: &str) -> Result<Response<Body>, Problem> {
    let post = articles::readable(caller, slug).await?;
    caller.subject = Some("comment");
    let thread = thread(caller, post.id).await?;
    let mut found = thread.iter().filter(|comment| number(comment.id()).to_string() == id);
    let (Some(comment), None) = (found.next(), found.next()) else { return Err(Denied::CommentNotFound.into()) };
    let path = Map::from_iter([
        ("slug".to_owned(), json!(post.slug.to_string())),
        ("id".to_owned(), json!(comment.id().to_string())),
    ]);
    let blog = caller.blog();
    perform!(community::delete_comment, blog, caller, path, Map::new()).await?;
    Ok(no_content())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::number;

    #[test]
    fn numbers_are_exact_in_javascript_and_differ_for_ids_that_hardly_do() {
        // The ids of one millisecond, and those of one source of chance at many times.
        let ids = (0..100_000_u128).flat_map(|n| [n, n << 80, (7 << 80) + (n << 40)]);
        let (ids, numbers): (HashSet<_>, HashSet<_>) =
            ids.map(|id| (id, number(domain::CommentId::from_number(id)))).unzip();
        assert_eq!(ids.len(), numbers.len());
        assert!(numbers.iter().all(|number| *number < 1 << 53));
    }
}
