//! `POST /posts/{slug}/comments`: Comment on a post, or answer a comment. On some blogs comments wait for an editor: their
//! `status` is `held`, and only their author and editors see them.
//!
//! Problems: comments-closed, conflict, gone.

use std::sync::Arc;

use domain::{Comment, CommentBody, CommentId, Denied, Slug, fields};
use edge::{Blog, Body, Call, Created, Path, Problem, Reader};
use table::{Consistency, Refused};

use crate::shared::comment_view::CommentView;
use crate::shared::delete_comment::MAX_TRIES;
use crate::shared::lookup::{PostPath, comment_on, readable_post};
use crate::shared::text::{is_held, render, status};

fields! {
    pub struct CommentToCreate {
        body: CommentBody,
        /// The comment that this one answers. Without it, the comment answers the post.
        parent_id: Option<CommentId>,
    }
}

pub async fn create_comment(
    blog: &Arc<Blog>,
    call: Call<Reader, (Path<PostPath>, Body<CommentToCreate>)>,
) -> Result<Created<CommentView>, Problem> {
    let Call { caller: Reader(viewer), input: (Path(path), Body(body)), new_id, now, .. } = call;
    let post = readable_post(blog, &path.slug, Some(&viewer), now).await?;
    post.check_takes_comments()?;
    let parent = match body.parent_id {
        Some(parent) => {
            let parent = comment_on(blog, post.id, parent, Consistency::Strong).await?;
            Some(parent.filter(Comment::is_published).ok_or(Denied::ParentNotFound)?)
        }
        None => None,
    };
    let text = render(body.body)?;
    let status = status(is_held(blog, &viewer, &text).await?);
    let id: CommentId = new_id.into();
    for _ in 0..MAX_TRIES {
        let author = blog.table.active_user(viewer.user_id).await?;
        let comment = Comment::new(id, (post.id, parent.as_ref()), &author, text.clone(), status, now)?;
        match blog.table.create_comment(&comment, &author).await {
            Ok(()) => return Ok(created(comment, &post.slug)),
            // The author changed their profile meanwhile; the comment copies it as it is now.
            Err(Refused::Changed) => {}
            // An earlier try of this request created it; somebody may have changed it since.
            Err(Refused::AlreadyDone) => {
                let comment = comment_on(blog, post.id, id, Consistency::Strong).await?;
                return Ok(created(comment.ok_or(Denied::CommentNotFound)?, &post.slug));
            }
            Err(refused) => return Err(refused.into()),
        }
    }
    Err(Problem::conflict("Your profile changes faster than this comment can be written. Try again."))
}

fn created(comment: Comment, post: &Slug) -> Created<CommentView> {
    let location = Some(format!("/posts/{post}/comments/{}", comment.id()));
    Created { location, version: Some(comment.version), body: CommentView::new(comment, post) }
}
