//! `DELETE /posts/{slug}`: to the trash.

use blog::domain::Post;
use blog::edge::{Author, Call, NoContent, NoFields, Operation};
use blog::error::Problem;
use blog::{Blog, Error};

use crate::edit::{Edit, PostPath};

pub struct TrashPost;

impl Operation for TrashPost {
    const NAME: &'static str = "trash_post";
    type Caller = Author;
    type Path = PostPath;
    type Query = NoFields;
    type Body = NoFields;
    type Reply = NoContent;
    const PROBLEMS: &'static [Problem] = &[Problem::CONFLICT, Problem::GONE, Problem::PRECONDITION_FAILED];

    async fn run(blog: &Blog, call: Call<Self>) -> Result<Self::Reply, Error> {
        let Call { caller: Author(viewer), path, if_match, now, .. } = call;
        let trash = |post: &mut Post| {
            post.trash(now);
            Ok(None)
        };
        let edit = Edit { slug: path.slug, viewer: &viewer, if_match: &if_match, restores: false, now };
        edit.make(blog, trash).await?;
        Ok(NoContent)
    }
}
