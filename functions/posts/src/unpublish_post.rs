//! `POST /posts/{slug}/unpublish`: a draft again.

use blog::domain::Post;
use blog::edge::{Author, Call, NoFields, Operation, Versioned};
use blog::{Blog, Error};

use crate::edit::{PostPath, edit_post, with_text};
use crate::representation::Whole;

pub struct UnpublishPost;

impl Operation for UnpublishPost {
    const NAME: &'static str = "unpublish_post";
    type Caller = Author;
    type Path = PostPath;
    type Query = NoFields;
    type Body = NoFields;
    type Reply = Versioned<Whole>;

    async fn run(blog: &Blog, call: Call<Self>) -> Result<Self::Reply, Error> {
        let Call { caller: Author(viewer), path, if_match, now, .. } = call;
        let unpublish = |post: &mut Post| {
            post.unpublish();
            Ok(None)
        };
        let post = edit_post(blog, path.slug, &viewer, &if_match, now, unpublish).await?;
        let whole = with_text(blog, post, now).await?;
        Ok(Versioned { version: whole.version(), body: whole })
    }
}
