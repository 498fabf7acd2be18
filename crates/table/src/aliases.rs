//! Access patterns of aliases: slugs that lead to a post because somebody said so, and not because it had them.
//!
//! At an alias there is the same [`Redirect`] as at a former slug, which guards the slug and costs a reader the same. What differs is how
//! long it stays: a former slug leads to its post for good, an alias until it is taken out of the set (ADR 42).

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{Aliases, AuditEntry, Post, PostId, Slug};
use serde::{Deserialize, Serialize};

use crate::audit::record;
use crate::post_writes::unchanged;
use crate::posts::Redirect;
use crate::write::Write;
use crate::{Consistency, Entity, Query, Refused, SortKeys, Table, keys, read, sort_key};

/// The aliases of a post as they are stored.
#[derive(Serialize, Deserialize)]
struct StoredAliases {
    aliases: Aliases,
    /// Counts the changes, from 1.
    version: u64,
}

impl Entity for StoredAliases {
    const TYPE: &'static str = "aliases";
}

/// The slugs that lead to a post, apart from its own.
#[derive(Debug, Default)]
pub struct LeadingSlugs {
    /// The aliases. The post's own slug may be among them, and slugs that it had.
    pub aliases: Aliases,
    /// The slugs that it had, by the alphabet. Its own is among them if it had another one in between.
    pub former: Vec<Slug>,
    /// Counts the changes of the aliases; 0 if there never were any.
    pub version: u64,
}

impl Table {
    /// The slugs that lead to a post, apart from its own; strongly consistent.
    pub async fn leading_slugs(&self, id: PostId) -> Result<LeadingSlugs, Refused> {
        let partition = keys::post_partition(id);
        let sort_keys = SortKeys::Between(keys::ALIASES, keys::FORMER_END);
        let mut found = LeadingSlugs::default();
        for item in self.query(Query::of(&partition, sort_keys, Consistency::Strong)).await? {
            match sort_key(&item).and_then(|sk| sk.strip_prefix(keys::FORMER_PREFIX)) {
                Some(former) => found.former.push(Slug::try_from(former.to_owned()).map_err(Refused::internal)?),
                None => {
                    let StoredAliases { aliases, version } = read(item)?;
                    found = LeadingSlugs { aliases, version, ..found };
                }
            }
        }
        Ok(found)
    }

    /// Makes `aliases` those of `post`, to which `old` leads, and gives their version. [`Refused::SlugTaken`] if one of them
    /// is another post's slug, former slug or alias, [`Refused::Changed`] if the post or its aliases are no longer these.
    pub async fn replace_aliases(
        &self,
        post: &Post,
        old: &LeadingSlugs,
        aliases: &Aliases,
        audit: Option<&AuditEntry>,
    ) -> Result<u64, Refused> {
        let id = || AttributeValue::S(post.id.to_string());
        let is_ours =
            |write: Write| write.on_condition("attribute_not_exists(pk) OR moved = :id").with_value(":id", id());
        let version = old.version + 1;
        let stored = Write::put(keys::aliases(post.id), &StoredAliases { aliases: aliases.clone(), version })?;
        let stored = match old.version {
            0 => stored.on_condition("attribute_not_exists(pk)"),
            version => stored.at_version(version),
        };
        // The post's own item says that it has not been renamed, trashed or deleted meanwhile.
        let unmoved = unchanged(Write::check(keys::post(&post.slug)), post);
        let mut writes = vec![unmoved, stored.on_condition_failed(Refused::Changed)];
        // At the slug that the post has there is the post. When it gets another one, it leaves a redirect behind.
        for slug in aliases.iter().filter(|slug| !old.aliases.contains(slug) && **slug != post.slug) {
            let redirect = Write::put(keys::post(slug), &Redirect { moved: post.id })?;
            writes.push(is_ours(redirect).on_condition_failed(Refused::SlugTaken));
            // The address of a note from another stack spells the id that it had there. That of a post of this one is its own.
            if let Some(other) = slug.as_id().filter(|other| *other != post.id) {
                let absent = Write::check(keys::post_reference(other)).on_condition("attribute_not_exists(pk)");
                writes.push(absent.on_condition_failed(Refused::SlugTaken));
            }
        }
        let removed = old.aliases.iter().filter(|slug| !aliases.contains(slug));
        for slug in removed.filter(|slug| !old.former.contains(slug) && **slug != post.slug) {
            writes.push(is_ours(Write::delete(keys::post(slug))).on_condition_failed(Refused::Changed));
        }
        writes.extend(record(audit)?);
        self.write(writes).await?;
        Ok(version)
    }
}
