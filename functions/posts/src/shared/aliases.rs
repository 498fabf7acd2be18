//! The slugs that lead to a post besides its own, as those see them who may edit it.

use domain::{Aliases, Slug};
use schemars::JsonSchema;
use serde::Serialize;
use table::LeadingSlugs;

/// The slugs that lead to a post besides its own.
#[derive(Serialize, JsonSchema)]
pub struct PostAliases {
    /// The slugs that were chosen to lead to the post, in the order in which they were given.
    aliases: Aliases,
    /// The slugs that the post had. They lead to it as long as it exists.
    former_slugs: Vec<Slug>,
}

impl PostAliases {
    /// What leads to the post at `slug`.
    pub fn new(slugs: LeadingSlugs, slug: &Slug) -> Self {
        let former_slugs = slugs.former.into_iter().filter(|former| former != slug).collect();
        Self { aliases: slugs.aliases, former_slugs }
    }
}
