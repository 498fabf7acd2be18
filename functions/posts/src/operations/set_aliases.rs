//! `PUT /posts/{slug}/aliases`: Replace the aliases of a post. An alias redirects to the post as a former slug does, such as the
//! address that it had on another site. Aliases that are left out are free again; former slugs stay.
//!
//! Problems: slug-taken, conflict, gone, precondition-failed.

use std::sync::Arc;

use domain::{Aliases, AuditAction, AuditEntry, fields};
use edge::{Author, Blog, Body, Call, Path, Problem, Versioned};
use table::{LeadingSlugs, Refused};

use crate::shared::aliases::PostAliases;
use crate::shared::lookup::{PostPath, current_post};

/// The maximum number of tries, each on what is stored then.
const MAX_TRIES: usize = 10;

fields! {
    pub struct AliasesToSet {
        /// The slugs that are to redirect to the post: at most 20. Of those that are given twice, the first counts.
        aliases: Aliases,
    }
}

pub async fn set_aliases(
    blog: &Arc<Blog>,
    call: Call<Author, (Path<PostPath>, Body<AliasesToSet>)>,
) -> Result<Versioned<PostAliases>, Problem> {
    let Call { caller: Author(viewer), input: (Path(path), Body(fields)), if_match, new_id, now, .. } = call;
    let aliases = fields.aliases;
    for _ in 0..MAX_TRIES {
        let post = current_post(blog, &path.slug, now).await?;
        post.check_editable(&viewer)?;
        let old = blog.table.leading_slugs(post.id).await?;
        if_match.check(old.version)?;
        if old.aliases == aliases {
            return Ok(Versioned { version: old.version, body: PostAliases::new(old, &post.slug) });
        }
        blog.config.policy.check_aliases(&aliases, &old.aliases)?;

        let audit = (post.author.id != viewer.user_id)
            .then(|| AuditEntry::new(new_id.into(), AuditAction::PostEdited, viewer.user_id, post.id, now));
        match blog.table.replace_aliases(&post, &old, &aliases, audit.as_ref()).await {
            Ok(version) => {
                let slugs = LeadingSlugs { aliases, version, ..old };
                return Ok(Versioned { version, body: PostAliases::new(slugs, &post.slug) });
            }
            Err(Refused::Changed) => {}
            Err(refused) => return Err(refused.into()),
        }
    }
    Err(Problem::conflict("Too many others change this post at the moment. Try again."))
}
