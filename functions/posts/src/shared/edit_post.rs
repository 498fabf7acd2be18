//! How every change of a post goes: read it, check that the caller may change it, make the next version, write it if
//! nobody else was faster.

use domain::{AuditAction, AuditEntry, AuditId, Denied, NewText, Post, PostText, Slug, Timestamp, Viewer};
use edge::{Blog, IfMatch, Problem, Versioned};
use table::{Consistency, PostWrite, Refused};
use views::PostView;

use crate::shared::lookup::current_post;
use crate::shared::rendering;

/// The maximum number of tries of a change that loses races; each is made on what is stored then. If the client pinned it
/// to a version, the faster write may have been no edit: a reply that is counted, a new name of the author.
const MAX_TRIES: usize = 10;

/// An edit of the post at `slug`, which may also be a slug that the post had before.
pub struct Edit<'a> {
    /// Which post.
    pub slug: &'a Slug,
    /// Who edits.
    pub viewer: &'a Viewer,
    /// Which version the client has seen.
    pub if_match: &'a IfMatch,
    /// The id of the entry in the audit log, if somebody else than the author edits.
    pub audit_id: AuditId,
    /// The time of the edit.
    pub now: Timestamp,
}

/// A post after an edit.
pub struct Edited {
    /// The post.
    pub post: Post,
    /// Its text.
    pub text: PostText,
}

/// Why an edit comes to nothing.
pub enum NotEdited {
    /// Another post has the slug that the edit gives the post.
    SlugTaken,
    /// For any other reason, which the client is told.
    Problem(Problem),
}

impl From<Problem> for NotEdited {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Denied> for NotEdited {
    fn from(denied: Denied) -> Self {
        Self::Problem(denied.into())
    }
}

impl From<NotEdited> for Problem {
    fn from(not_edited: NotEdited) -> Self {
        match not_edited {
            NotEdited::SlugTaken => Refused::SlugTaken.into(),
            NotEdited::Problem(problem) => problem,
        }
    }
}

impl Edit<'_> {
    /// Makes `change` of the post and writes it as its next version. `change` alters the post and returns its new text,
    /// if that changes too; a change that alters nothing writes nothing. A post in the trash is closed.
    pub async fn make(
        self,
        blog: &Blog,
        change: impl Fn(&mut Post) -> Result<Option<NewText>, Denied>,
    ) -> Result<Edited, NotEdited> {
        self.make_if(blog, Post::check_editable, change).await
    }

    /// The same for who may change the post as `check` says.
    pub async fn make_if(
        self,
        blog: &Blog,
        check: impl Fn(&Post, &Viewer) -> Result<(), Denied>,
        change: impl Fn(&mut Post) -> Result<Option<NewText>, Denied>,
    ) -> Result<Edited, NotEdited> {
        let Self { slug, viewer, if_match, audit_id, now } = self;
        for _ in 0..MAX_TRIES {
            let found = blog.table.post_with_text(slug, Consistency::Strong, now).await.map_err(Problem::from)?;
            let (post, text) = found.ok_or(Denied::PostNotFound)?;
            check(&post, viewer)?;
            if_match.check(post.version)?;

            let excerpt = || rendering::excerpt(&text.markdown);
            let Some((next, new_text)) = post.edit(viewer.user_id, now, &text, excerpt, &change)? else {
                return Ok(Edited { post, text });
            };
            let has_new_text = new_text.is_some();
            let text = new_text.map_or(text, |new_text| new_text.text);
            let read = || markdown::read(&text.html);
            next.check_edit(&post, has_new_text, &text.markdown, read, &blog.config.policy)?;
            let written = (next.text_version != post.text_version).then_some(&text);
            let audit = (post.author.id != viewer.user_id).then(|| {
                let action = AuditAction::of_edit(&post, &next);
                AuditEntry::new(audit_id, action, viewer.user_id, post.id, now)
            });
            let write = PostWrite::Update { old: &post, new: &next, text: written, audit: audit.as_ref() };
            match blog.table.write_post(write, now).await {
                Ok(()) => return Ok(Edited { post: next, text }),
                Err(Refused::Changed) => {}
                Err(Refused::SlugTaken) => return Err(NotEdited::SlugTaken),
                Err(refused) => return Err(Problem::of_post_write(refused, now).into()),
            }
        }
        Err(Problem::conflict("Too many others change this post at the moment. Try again.").into())
    }
}

impl Edited {
    /// The post as it is answered to `viewer`.
    pub async fn show(self, blog: &Blog, viewer: &Viewer) -> Result<Versioned<PostView>, Problem> {
        let version = self.post.version;
        let body = views::post_view(&blog.table, self.post, self.text, Some(viewer)).await?;
        Ok(Versioned { version, body })
    }
}

/// Makes `change` of a post and answers with the post: an edit that changes no text.
pub async fn edit_post(
    blog: &Blog,
    edit: Edit<'_>,
    change: impl Fn(&mut Post) -> Result<(), Denied>,
) -> Result<Versioned<PostView>, Problem> {
    let viewer = edit.viewer;
    edit.make(blog, |post| change(post).map(|()| None)).await?.show(blog, viewer).await
}

/// Changes something of a post that is no edit: the version stays, so nobody who is editing the post is disturbed. `audit` says
/// what the audit log is told of the change, if it is told.
pub async fn amend_post(
    blog: &Blog,
    slug: &Slug,
    viewer: &Viewer,
    now: Timestamp,
    audit: impl FnOnce(&Post) -> Option<AuditEntry>,
    change: impl Fn(&mut Post) -> Result<(), Denied>,
) -> Result<(), Problem> {
    let post = current_post(blog, slug, now).await?;
    post.check_editable(viewer)?;
    let audit = audit(&post);
    match blog.table.amend_post(post.id, &post.slug, audit.as_ref(), now, change).await {
        Ok(_) => Ok(()),
        Err(Refused::Absent) => Err(Denied::PostNotFound.into()),
        Err(refused) => Err(refused.into()),
    }
}
