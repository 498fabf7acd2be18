//! Keeps home feeds: writes a post that is published to the feeds of its author's followers, moves it when it gets another date, and takes it
//! out when it is withdrawn; fills a feed when a user follows somebody, and clears it of who is followed no longer (docs/home-feed.md).

use domain::{Post, PostId, Timestamp, UserId};
use edge::{BusEvent, Problem};
use serde::{Deserialize, Serialize};
use table::{FanOutPlace, FollowPlace, Settled};

use crate::{Services, read, steps};

/// What the template calls it.
pub const NAME: &str = "home_feed";

/// What is to be done, and how far it is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// A post was published or withdrawn, or got another date: then there is a work for each of the two.
    Post {
        /// Who wrote it.
        author: UserId,
        /// The post.
        post: PostId,
        /// Its date, which is its place in feeds.
        published_at: Timestamp,
        /// None at the beginning.
        place: Option<FanOutPlace>,
    },
    /// A user began to follow another, or ended it.
    Follow {
        /// Who follows, or did.
        follower: UserId,
        /// Who is followed, or was.
        followed: UserId,
        /// None at the beginning.
        place: Option<FollowPlace>,
    },
    /// An author has become very popular.
    Popular {
        /// The author.
        author: UserId,
        /// The last follower who was told; none at the beginning.
        after: Option<String>,
    },
}

/// What the events about posts say that matters here.
#[derive(Deserialize)]
struct PostEvent {
    post_id: PostId,
    author_id: UserId,
    published_at: Option<Timestamp>,
}

/// What the events about follows say that matters here.
#[derive(Deserialize)]
struct FollowEvent {
    follower_id: UserId,
    followed_id: UserId,
}

/// Does one step of what follows from an event, or of what is left of it. The event only says where to look.
pub async fn home_feed(services: &Services, event: BusEvent) -> Result<(), Problem> {
    let event = if event.detail_type.contains('.') {
        let Some(work) = work_of(&event)? else { return Ok(()) };
        steps::first(NAME, &work)?
    } else {
        event
    };
    steps::step(services, event, NAME, take).await
}

/// The work that an event makes. What never was published is in no feed.
fn work_of(event: &BusEvent) -> Result<Option<Work>, Problem> {
    let data = event.detail["data"].clone();
    Ok(if event.detail_type.starts_with("post.") {
        let PostEvent { post_id, author_id, published_at } = read(data)?;
        published_at.map(|published_at| Work::Post { author: author_id, post: post_id, published_at, place: None })
    } else {
        let FollowEvent { follower_id, followed_id } = read(data)?;
        Some(Work::Follow { follower: follower_id, followed: followed_id, place: None })
    })
}

/// The work that follows if a published post gets another date: its entries leave the old date and come to the new one. To readers it
/// was only edited, so no event says that it was published or withdrawn.
pub fn works_of_dates(old: &Post, new: &Post) -> Vec<Work> {
    if !old.is_published() || !new.is_published() || old.published_at == new.published_at {
        return Vec::new();
    }
    let work = |published_at| Work::Post { author: new.author.id, post: new.id, published_at, place: None };
    old.published_at.into_iter().chain(new.published_at).map(work).collect()
}

async fn take(services: &Services, work: Work) -> Result<Option<Work>, Problem> {
    let (table, max_followers) = (&services.blog.table, services.blog.config.fan_out_followers);
    Ok(match work {
        Work::Post { author, post, published_at, place } => {
            let place = table.fan_out_post(author, post, published_at, place.as_ref()).await?;
            place.map(|place| Work::Post { author, post, published_at, place: Some(place) })
        }
        Work::Follow { follower, followed, place } => {
            match table.settle_follow(follower, followed, place, max_followers).await? {
                Settled::Done => None,
                Settled::More(place) => Some(Work::Follow { follower, followed, place: Some(place) }),
                Settled::BecamePopular => Some(Work::Popular { author: followed, after: None }),
            }
        }
        Work::Popular { author, after } => {
            let after = table.tell_followers(author, after.as_deref()).await?;
            after.map(|after| Work::Popular { author, after: Some(after) })
        }
    })
}
