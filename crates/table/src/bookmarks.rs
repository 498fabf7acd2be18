//! Access patterns of bookmarks: a mark, which makes each happen once, and an item in the user's list, newest first.

use std::collections::{HashMap, HashSet};

use crate::keys;
use crate::marks::{Mark, change_mark};
use crate::write::{MAX_TRIES, Write};
use crate::{Consistency, Entity, Refused, Table, read};
use domain::{Bookmark, Limit, Page, Post, PostId, UserId};

impl Entity for Bookmark {
    const TYPE: &'static str = "bookmark";
}

impl Table {
    /// Bookmarks a post for a user; 1 RCU and 4 WCU. Doing it twice is the same as once.
    pub async fn bookmark(&self, user: UserId, bookmark: &Bookmark) -> Result<(), Refused> {
        for _ in 0..MAX_TRIES {
            let mark = self.mark(user, bookmark.post).await?;
            if mark.bookmarked_at.is_some() {
                return Ok(());
            }
            let bookmarked = Mark { bookmarked_at: Some(bookmark.bookmarked_at), ..mark.clone() };
            let writes = vec![
                change_mark(user, bookmark.post, &mark, &bookmarked)?,
                Write::put(keys::bookmark(user, bookmark.post, bookmark.bookmarked_at), bookmark)?,
            ];
            match self.write(writes).await {
                // The user does something else with the post at this moment.
                Err(Refused::Changed) => {}
                outcome => return outcome,
            }
        }
        Err(Refused::Contended)
    }

    /// Removes a user's bookmark of a post; 1 RCU and 4 WCU. Says whether there was one.
    pub async fn remove_bookmark(&self, user: UserId, post: PostId) -> Result<bool, Refused> {
        for _ in 0..MAX_TRIES {
            let mark = self.mark(user, post).await?;
            let Some(bookmarked_at) = mark.bookmarked_at else { return Ok(false) };
            let removed = Mark { bookmarked_at: None, ..mark.clone() };
            let writes = vec![
                change_mark(user, post, &mark, &removed)?,
                Write::delete(keys::bookmark(user, post, bookmarked_at)),
            ];
            match self.write(writes).await {
                Err(Refused::Changed) => {}
                outcome => return outcome.map(|()| true),
            }
        }
        Err(Refused::Contended)
    }

    /// A page of a user's bookmarks, newest first.
    pub async fn bookmarks(&self, user: UserId, cursor: Option<&str>, limit: Limit) -> Result<Page<Bookmark>, Refused> {
        let Page { items, next_cursor } = self.page(&keys::bookmarks(user), cursor, limit, Consistency::Strong).await?;
        Ok(Page { items: items.into_iter().map(read).collect::<Result<_, _>>()?, next_cursor })
    }

    /// The published posts among these, each named with its author: so that a reference leads to the card by one read,
    /// whatever slug the post has now.
    pub async fn published_posts(
        &self,
        posts: &[(PostId, UserId)],
        consistency: Consistency,
    ) -> Result<HashMap<PostId, Post>, Refused> {
        let wanted: HashSet<_> = posts.iter().map(|(post, author)| keys::own_post(*author, *post)).collect();
        if wanted.is_empty() {
            return Ok(HashMap::new());
        }
        let mut found = HashMap::new();
        for item in self.batch_get(&wanted, consistency).await? {
            let post: Post = read(item)?;
            if post.is_published() {
                found.insert(post.id, post);
            }
        }
        Ok(found)
    }
}
