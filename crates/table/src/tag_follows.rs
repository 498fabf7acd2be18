//! Access patterns of the tags that users follow.

use crate::keys;
use crate::write::Write;
use crate::{Consistency, Entity, Refused, Table, read};
use domain::{Limit, MAX_FOLLOWED_TAGS, Page, Tag, TagFollow, UserId};

impl Entity for TagFollow {
    const TYPE: &'static str = "tag_follow";
}

impl Table {
    /// Makes a user follow a tag; 1 RCU and 2 WCU. Doing it twice is the same as once. [`Refused::TooManyFollowedTags`] beyond
    /// [`MAX_FOLLOWED_TAGS`]; who sends several such requests at the same moment may get past it by as many.
    pub async fn follow_tag(&self, user: UserId, follow: &TagFollow) -> Result<(), Refused> {
        let followed = self.followed_tags_after(user, None, MAX_FOLLOWED_TAGS).await?;
        if followed.len() == MAX_FOLLOWED_TAGS && followed.iter().all(|followed| followed.tag != follow.tag) {
            return Err(Refused::TooManyFollowedTags);
        }
        let put = Write::put(keys::tag_follow(user, &follow.tag), follow)?
            .on_condition("attribute_not_exists(pk)")
            .on_condition_failed(Refused::AlreadyDone);
        match self.write(vec![put]).await {
            Err(Refused::AlreadyDone) => Ok(()),
            outcome => outcome,
        }
    }

    /// Makes a user follow a tag no longer; 1 WCU.
    pub async fn unfollow_tag(&self, user: UserId, tag: &Tag) -> Result<(), Refused> {
        self.delete_item(&keys::tag_follow(user, tag)).await
    }

    /// A page of the tags that a user follows, by name.
    pub async fn followed_tags(
        &self,
        user: UserId,
        cursor: Option<&str>,
        limit: Limit,
    ) -> Result<Page<TagFollow>, Refused> {
        let list = keys::followed_tags(user);
        let Page { items, next_cursor } = self.page_by_name(&list, cursor, limit, Consistency::Strong).await?;
        Ok(Page { items: items.into_iter().map(read).collect::<Result<_, _>>()?, next_cursor })
    }

    /// Tags that a user follows, at most `max` of those after `after`.
    pub async fn followed_tags_after(
        &self,
        user: UserId,
        after: Option<&Tag>,
        max: usize,
    ) -> Result<Vec<TagFollow>, Refused> {
        let list = keys::followed_tags(user);
        let start = after.map(|tag| keys::tag_follow(user, tag).sk);
        let items = self.walk_by_name(&list, start.as_deref(), max, Consistency::Strong).await?;
        items.into_iter().map(read).collect()
    }
}
