//! `GET /posts/{slug}`: one post, as JSON or as the Markdown that it was written in.

use blog::domain::Post;
use blog::edge::{Call, Document, MovedOr, NoFields, Operation, Visitor};
use blog::error::Problem;
use blog::table::{Consistency, Slot};
use blog::{Blog, Error, fields};

use crate::edit::{PostPath, current_post};
use crate::preview::opens;
use crate::representation::{Whole, subject_slug, whole};

pub struct GetPost;

fields! {
    pub struct Preview {
        /// What a preview link carries: shows the post although it is not published.
        preview: Option<String>,
    }
}

impl Operation for GetPost {
    const NAME: &'static str = "get_post";
    type Caller = Visitor;
    type Path = PostPath;
    type Query = Preview;
    type Body = NoFields;
    type Reply = MovedOr<Document<Whole>>;
    const PROBLEMS: &'static [Problem] = &[Problem::GONE];

    async fn run(
        blog: &Blog,
        Call { caller: Visitor(viewer), path, query, now, .. }: Call<Self>,
    ) -> Result<Self::Reply, Error> {
        // A viewer may have written it a moment ago.
        let consistency = if viewer.is_some() { Consistency::Strong } else { Consistency::Eventual };
        let moved = match blog.table.post_with_text(&path.slug, consistency, now).await? {
            None => return Err(Post::not_found()),
            Some(Slot::Post((post, text))) => match subject_slug(blog, &post, consistency).await? {
                None => {
                    let shown_by_link = opens(blog, query.preview.as_deref(), &post, now).await?;
                    if !shown_by_link {
                        post.check_readable(viewer.as_ref())?;
                    }
                    let (version, private) = (post.version, shown_by_link && !post.is_published());
                    let markdown = text.markdown.clone();
                    let body = whole(blog, post, text, viewer.as_ref()).await?;
                    return Ok(MovedOr::Here(Document { version, body, markdown, private }));
                }
                Some(original) => original,
            },
            Some(Slot::Moved(_)) => {
                let post = current_post(blog, path.slug, now).await?;
                if !opens(blog, query.preview.as_deref(), &post, now).await? {
                    post.check_readable(viewer.as_ref())?;
                }
                post.slug
            }
        };
        let preview = query.preview.map(|preview| format!("?preview={preview}")).unwrap_or_default();
        Ok(MovedOr::Moved(format!("/posts/{moved}{preview}")))
    }
}
