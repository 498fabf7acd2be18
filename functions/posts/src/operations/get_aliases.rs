//! `GET /posts/{slug}/aliases`: Get the aliases of a post. These are the slugs that redirect to the post besides those that it
//! had, for its author and editors.
//!
//! Problems: gone.

use std::sync::Arc;

use edge::{Author, Blog, Call, Path, Problem, Versioned};

use crate::shared::aliases::PostAliases;
use crate::shared::lookup::{PostPath, current_post};

pub async fn get_aliases(
    blog: &Arc<Blog>,
    Call { caller: Author(viewer), input: Path(path), now, .. }: Call<Author, Path<PostPath>>,
) -> Result<Versioned<PostAliases>, Problem> {
    let post = current_post(blog, &path.slug, now).await?;
    post.check_editable(&viewer)?;
    let slugs = blog.table.leading_slugs(post.id).await?;
    Ok(Versioned { version: slugs.version, body: PostAliases::new(slugs, &post.slug) })
}
