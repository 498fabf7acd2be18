//! `PATCH /posts/{slug}/comments/{id}`: Edit one's own comment (JSON merge patch). `If-Match` names the version that was
//! edited. On some blogs the new text waits for an editor.
//!
//! Problems: conflict, gone, precondition-failed, precondition-required.

use std::sync::Arc;

use domain::{CommentBody, PatchRequired, fields};
use edge::{Blog, Body, Call, Path, Problem, Reader, Versioned};
use table::Refused;

use crate::shared::comment_view::CommentView;
use crate::shared::delete_comment::MAX_TRIES;
use crate::shared::lookup::{CommentPath, comment_on_readable_post};
use crate::shared::text::{is_held, render};

fields! {
    pub struct EditedComment {
        body: PatchRequired<CommentBody>,
    }
}

pub async fn update_comment(
    blog: &Arc<Blog>,
    call: Call<Reader, (Path<CommentPath>, Body<EditedComment>)>,
) -> Result<Versioned<CommentView>, Problem> {
    let Call { caller: Reader(viewer), input: (Path(path), Body(fields)), if_match, now, .. } = call;
    if_match.required()?;
    let text = fields.body.set().map(render).transpose()?;
    for _ in 0..MAX_TRIES {
        let (post, comment) = comment_on_readable_post(blog, &path, Some(&viewer), now).await?;
        comment.check_editable(&viewer)?;
        if_match.check(comment.version)?;
        let edited = match &text {
            Some(text) if *text != comment.text => {
                let held = is_held(blog, &viewer, text).await?;
                comment.edited(text.clone(), held, now)
            }
            _ => comment.clone(),
        };
        let written = if edited == comment { Ok(()) } else { blog.table.update_comment(&comment, &edited).await };
        match written {
            Ok(()) => return Ok(Versioned { version: edited.version, body: CommentView::new(edited, &post.slug) }),
            Err(Refused::Changed) => {}
            Err(refused) => return Err(refused.into()),
        }
    }
    Err(Problem::conflict("Too many others change this comment at the moment. Try again."))
}
