//! `GET /posts/{slug}`: Get a post. As JSON or, with `Accept: text/markdown`, as the Markdown that it was written in. A
//! former slug redirects to the current one.
//!
//! Problems: gone.

use std::sync::Arc;

use domain::fields;
use edge::{Blog, Call, Document, MovedOr, Path, Problem, Query, Visitor};
use views::PostView;

use crate::shared::lookup::PostPath;
use crate::shared::reading::{ReadPost, read_post};

fields! {
    /// The query of a post.
    pub struct Preview {
        /// The token of a preview link, which shows the post although it is not published.
        preview: Option<String>,
    }
}

pub async fn get_post(
    blog: &Arc<Blog>,
    call: Call<Visitor, (Path<PostPath>, Query<Preview>)>,
) -> Result<MovedOr<Document<PostView>>, Problem> {
    let Call { caller: Visitor(viewer), input: (Path(path), Query(query)), now, .. } = call;
    match read_post(blog, &path.slug, query.preview, viewer.as_ref(), now).await? {
        MovedOr::Here(ReadPost { post, text, is_private: private }) => {
            let (version, markdown) = (post.version, text.markdown.clone());
            let body = views::post_view(&blog.table, post, text, viewer.as_ref()).await?;
            Ok(MovedOr::Here(Document { version, body, markdown, private }))
        }
        MovedOr::Moved(path) => Ok(MovedOr::Moved(path)),
    }
}
