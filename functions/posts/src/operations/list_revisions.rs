//! `GET /posts/{slug}/revisions`: List the revisions of a post, newest first.

use std::sync::Arc;

use domain::Page;
use edge::{Author, Blog, Call, PageQuery, Path, Problem, Query};

use crate::shared::lookup::PostPath;
use crate::shared::revision::{RevisionCard, own_post};

pub async fn list_revisions(
    blog: &Arc<Blog>,
    call: Call<Author, (Path<PostPath>, Query<PageQuery>)>,
) -> Result<Page<RevisionCard>, Problem> {
    let Call { caller: Author(viewer), input: (Path(path), Query(query)), now, .. } = call;
    let post = own_post(blog, &path.slug, &viewer, now).await?;
    let limit = query.limit.unwrap_or_default();
    let page = blog.table.revisions(post.id, query.cursor.as_deref(), limit).await?;
    Ok(page.map(RevisionCard::from))
}
