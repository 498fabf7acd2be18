//! `GET /posts/{slug}`: one post.

use blog::domain::Post;
use blog::edge::{Call, MovedOr, NoFields, Operation, Versioned, Visitor};
use blog::table::{Consistency, Slot};
use blog::{Blog, Error};

use crate::edit::{PostPath, current_post};
use crate::representation::Whole;

pub struct GetPost;

impl Operation for GetPost {
    const NAME: &'static str = "get_post";
    type Caller = Visitor;
    type Path = PostPath;
    type Query = NoFields;
    type Body = NoFields;
    type Reply = MovedOr<Versioned<Whole>>;

    async fn run(
        blog: &Blog,
        Call { caller: Visitor(viewer), path, now, .. }: Call<Self>,
    ) -> Result<Self::Reply, Error> {
        // A viewer may have written it a moment ago.
        let consistency = if viewer.is_some() { Consistency::Strong } else { Consistency::Eventual };
        match blog.table.post_with_text(&path.slug, consistency, now).await? {
            None => Err(Post::not_found()),
            Some(Slot::Post((post, text))) => {
                post.check_readable(viewer.as_ref())?;
                Ok(MovedOr::Here(Versioned { version: post.version, body: Whole::new(post, text, viewer.is_some()) }))
            }
            Some(Slot::Moved(_)) => {
                let post = current_post(blog, path.slug, now).await?;
                post.check_readable(viewer.as_ref())?;
                Ok(MovedOr::Moved(format!("/posts/{}", post.slug)))
            }
        }
    }
}
