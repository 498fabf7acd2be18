//! Access patterns of media: a picture at its id and, as a whole, in the list of its owner's; and which posts show it.

use std::collections::{HashMap, HashSet};

use crate::audit::record;
use crate::keys;
use crate::post_writes::number;
use crate::write::Write;
use crate::{Consistency, Entity, Query, Refused, SortKeys, Table, read, sort_key};
use domain::{AuditEntry, Limit, Media, MediaId, Page, PostId, Timestamp, UserId};

impl Entity for Media {
    const TYPE: &'static str = "media";
}

/// How many items that say where pictures are shown are read at once, looking for those of a page of pictures.
const USES_AT_ONCE: usize = 100;

impl Table {
    /// Announces a picture; 4 WCU. [`Refused::AlreadyDone`] if an earlier try of the same request did.
    pub async fn create_media(&self, media: &Media) -> Result<(), Refused> {
        let put = Write::put(keys::media(media.id), media)?;
        let put = put.on_condition("attribute_not_exists(pk)").on_condition_failed(Refused::AlreadyDone);
        self.write(vec![put, Write::put(keys::media_of_owner(media.owner, media.id), media)?]).await
    }

    /// A picture; 0.5 to 1 RCU.
    pub async fn media(&self, id: MediaId, consistency: Consistency, now: Timestamp) -> Result<Option<Media>, Refused> {
        let media: Option<Media> = self.get(&keys::media(id), consistency).await?;
        Ok(media.filter(|media| !media.is_expired(now)))
    }

    /// The pictures among these that there are; one batch, 1 RCU each. Strongly consistent, because whoever shows a picture has just
    /// uploaded it.
    pub async fn media_by_id(
        &self,
        ids: &HashSet<MediaId>,
        now: Timestamp,
    ) -> Result<HashMap<MediaId, Media>, Refused> {
        let wanted: HashSet<_> = ids.iter().map(|id| keys::media(*id)).collect();
        if wanted.is_empty() {
            return Ok(HashMap::new());
        }
        let mut found = HashMap::new();
        for item in self.batch_get(&wanted, Consistency::Strong).await? {
            let media: Media = read(item)?;
            if !media.is_expired(now) {
                found.insert(media.id, media);
            }
        }
        Ok(found)
    }

    /// Changes a picture; 4 WCU. [`Refused::Changed`] if it is no longer as it was read, or gone.
    pub async fn change_media(&self, old: &Media, new: &Media) -> Result<(), Refused> {
        let unchanged = |write: Write| {
            write
                .on_condition("version = :version")
                .with_value(":version", number(old.version))
                .on_condition_failed(Refused::Changed)
        };
        let writes = vec![
            unchanged(Write::update(keys::media(old.id), old, new)?),
            unchanged(Write::update(keys::media_of_owner(old.owner, old.id), old, new)?),
        ];
        self.write(writes).await
    }

    /// Deletes a picture; 4 WCU. Its files follow from the stream. `audit` is written with it.
    pub async fn delete_media(&self, media: &Media, audit: Option<&AuditEntry>) -> Result<(), Refused> {
        let keys = [keys::media(media.id), keys::media_of_owner(media.owner, media.id)];
        let mut writes: Vec<_> = keys.into_iter().map(Write::delete).collect();
        writes.extend(record(audit)?);
        self.write(writes).await
    }

    /// A page of a user's pictures, newest first; 1 RCU each 4 KB.
    pub async fn media_of(
        &self,
        owner: UserId,
        cursor: Option<&str>,
        limit: Limit,
        now: Timestamp,
    ) -> Result<Page<Media>, Refused> {
        let list = keys::media_of(owner);
        let Page { items, next_cursor } = self.page(&list, cursor, limit, Consistency::Strong).await?;
        let mut media: Vec<Media> = items.into_iter().map(read).collect::<Result<_, _>>()?;
        media.retain(|media| !media.is_expired(now));
        Ok(Page { items: media, next_cursor })
    }

    /// A user's pictures, the oldest first, at most `max` of those after `after`.
    pub async fn media_after(&self, owner: UserId, after: Option<MediaId>, max: usize) -> Result<Vec<Media>, Refused> {
        let partition = keys::media_of(owner).partition;
        let after = after.map(|after| after.to_string());
        let query = Query::of(&partition, SortKeys::Any, Consistency::Strong);
        let query = Query { start: after.as_deref(), limit: Some(max), ..query };
        self.query(query).await?.into_iter().map(read).collect()
    }

    /// Deletes a user's pictures, at most `max`. Says whether there was none any more.
    pub async fn delete_media_of(&self, owner: UserId, max: usize) -> Result<bool, Refused> {
        let media = self.media_after(owner, None, max).await?;
        for media in &media {
            self.delete_media(media, None).await?;
        }
        Ok(media.is_empty())
    }

    /// Which of a user's pictures from `first` to `last` that user's posts show, whatever status the posts have; one query, and one more
    /// for each picture that very many of them show.
    pub async fn shown_media(
        &self,
        author: UserId,
        first: MediaId,
        last: MediaId,
    ) -> Result<HashSet<MediaId>, Refused> {
        let partition = keys::media_uses(author).partition;
        let (mut from, to) = (first.to_string(), keys::media_use_end(last));
        let mut shown = HashSet::new();
        loop {
            let query = Query::of(&partition, SortKeys::Between(&from, &to), Consistency::Strong);
            let items = self.query(Query { limit: Some(USES_AT_ONCE), ..query }).await?;
            let found: Vec<MediaId> = items.iter().filter_map(sort_key).filter_map(keys::media_of_use).collect();
            shown.extend(&found);
            match found.last() {
                // What else shows the last of them is of no matter.
                Some(last) if items.len() == USES_AT_ONCE => from = keys::media_use_end(*last),
                _ => return Ok(shown),
            }
        }
    }

    /// Forgets which pictures a post of an author showed that is gone.
    pub async fn delete_media_uses(&self, author: UserId, post: PostId, media: &[MediaId]) -> Result<(), Refused> {
        for media in media {
            self.delete_item(&keys::media_use(author, *media, post)).await?;
        }
        Ok(())
    }
}
