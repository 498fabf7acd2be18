//! The plug-in that tells users what others did that concerns them. Switched off by the parameter `Notifications`.
//!
//! An event only says where to look: who is told follows from what is there now, and what is told already. That is brought together, and
//! looked at again, until there is nothing left to do. So an event that comes twice, late or after a later one comes to the same end,
//! and so does one that was stopped anywhere and comes again. What an editor decides on a comment is told by the decision itself
//! (`moderate_comment`); here it is only taken back.

use std::collections::BTreeMap;

use domain::{About, Comment, CommentId, Notification, Post, PostId, ReactionKind, Subject, UserId};
use edge::{Blog, BusEvent, Problem};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use table::{Consistency, Told};

use crate::Services;

/// What the template calls it.
pub const NAME: &str = "notify";

/// The maximum number of looks. More than two are needed only if things change meanwhile.
const MAX_LOOKS: usize = 8;

#[derive(Deserialize)]
struct OfComment {
    comment_id: CommentId,
}

#[derive(Deserialize)]
struct OfPost {
    post_id: PostId,
    author_id: UserId,
}

#[derive(Deserialize)]
struct OfReaction {
    post_id: PostId,
    user_id: UserId,
    former_kind: Option<ReactionKind>,
}

#[derive(Deserialize)]
struct OfFollow {
    follower_id: UserId,
    followed_id: UserId,
}

/// What users are told of.
#[derive(Debug, Clone, Copy)]
enum Source {
    Comment(CommentId),
    Decision(CommentId),
    Post { post: PostId, author: UserId },
    Follow { follower: UserId, followed: UserId },
}

/// Whom something is told: what it is about, and who did it.
type Wanted = BTreeMap<UserId, (About, Option<UserId>)>;

/// Tells what an event is about to whom it concerns, or takes it back.
pub async fn notify(services: &Services, event: BusEvent) -> Result<(), Problem> {
    let (blog, mut envelope) = (&*services.blog, event.detail);
    let data = envelope["data"].take();
    match event.detail_type.as_str() {
        "comment.published" | "comment.held" => {
            settle(blog, Source::Comment(read::<OfComment>(data)?.comment_id)).await
        }
        "comment.deleted" => {
            let OfComment { comment_id } = read(data)?;
            settle(blog, Source::Comment(comment_id)).await?;
            settle(blog, Source::Decision(comment_id)).await
        }
        "post.published" | "post.updated" | "post.unpublished" | "post.deleted" => {
            let OfPost { post_id: post, author_id: author } = read(data)?;
            settle(blog, Source::Post { post, author }).await
        }
        "reaction.changed" => {
            let OfReaction { post_id, user_id, former_kind } = read(data)?;
            let now = blog.now();
            let new_id = || blog.new_id(now);
            Ok(blog.table.notify_of_reaction(post_id, user_id, former_kind.is_none(), new_id, now).await?)
        }
        "user.followed" | "user.unfollowed" => {
            let OfFollow { follower_id: follower, followed_id: followed } = read(data)?;
            settle(blog, Source::Follow { follower, followed }).await
        }
        // A rule that selects more than this reads.
        _ => Ok(()),
    }
}

fn read<T: DeserializeOwned>(data: Value) -> Result<T, Problem> {
    serde_json::from_value(data).map_err(Problem::internal)
}

/// Brings what is told of something to what is to be told of it now.
async fn settle(blog: &Blog, source: Source) -> Result<(), Problem> {
    let table = &blog.table;
    for _ in 0..MAX_LOOKS {
        let told = match source {
            // Whom somebody follows are many; each is told by themselves.
            Source::Follow { follower, followed } => {
                table.told_to(Subject::Follows(follower), followed).await?.into_iter().collect()
            }
            _ => table.told(source.subject()).await?,
        };
        let mut wanted = source.wanted(blog, &told).await?;
        let concerned: Vec<_> = wanted.keys().copied().collect();
        let here = table.users_seen_by(None, &concerned, Consistency::Strong).await?;
        wanted.retain(|recipient, _| here.iter().any(|(user, _)| user.id == *recipient));

        let mut is_settled = true;
        for told in told {
            match wanted.remove(&told.recipient) {
                Some((about, _)) if about == told.notification.about => {}
                other => {
                    is_settled = false;
                    table.withdraw(&told).await?;
                    wanted.extend(other.map(|other| (told.recipient, other)));
                }
            }
        }
        for (recipient, (about, actor)) in wanted {
            is_settled = false;
            let now = blog.now();
            table.notify(recipient, &Notification::new(blog.new_id(now), about, actor, now)).await?;
        }
        // Whatever has gone while this was written is noticed by looking again.
        if is_settled {
            return Ok(());
        }
    }
    Err(Problem::from(table::Refused::Contended))
}

impl Source {
    fn subject(self) -> Subject {
        match self {
            Self::Comment(id) => Subject::Comment(id),
            Self::Decision(id) => Subject::Decision(id),
            Self::Post { post, .. } => Subject::Post(post),
            Self::Follow { follower, .. } => Subject::Follows(follower),
        }
    }

    /// Who is to be told of it, as it is now.
    async fn wanted(self, blog: &Blog, told: &[Told]) -> Result<Wanted, Problem> {
        let table = &blog.table;
        let as_told = |told: &Told| (told.recipient, (told.notification.about.clone(), told.notification.actor));
        Ok(match self {
            Self::Comment(id) => {
                let comment = table.comment(id, Consistency::Strong).await?;
                match comment.filter(|comment| comment.is_published() && comment.author.is_some()) {
                    Some(comment) => {
                        let mut wanted = told_of_comment(blog, &comment).await?;
                        // Who was told stays told, whatever became of the comment that it answers.
                        wanted.extend(told.iter().map(as_told));
                        wanted
                    }
                    None => Wanted::new(),
                }
            }
            Self::Decision(id) => {
                let is_there =
                    table.comment(id, Consistency::Strong).await?.is_some_and(|comment| comment.author.is_some());
                let stays = |told: &&Told| is_there || matches!(told.notification.about, About::CommentRejected { .. });
                told.iter().filter(stays).map(as_told).collect()
            }
            Self::Post { post, author } => match table.own_post(author, post).await? {
                Some(post) => told_of_post(blog, &post).await?,
                None => Wanted::new(),
            },
            Self::Follow { follower, followed } => {
                let is_following = table.is_following(follower, followed).await?;
                let wanted = is_following.then_some((followed, (About::Follow { follower }, Some(follower))));
                wanted.into_iter().collect()
            }
        })
    }
}

async fn told_of_comment(blog: &Blog, comment: &Comment) -> Result<Wanted, Problem> {
    let Some(post_author) = blog.table.author_of(comment.post).await? else { return Ok(Wanted::new()) };
    let parent = match comment.path.parent() {
        Some(parent) => blog.table.comment(parent.id(), Consistency::Strong).await?,
        None => None,
    };
    let parent_author = parent.and_then(|parent| parent.author).map(|author| author.id);
    let actor = comment.author.as_ref().map(|author| author.id);
    let told = About::told_of_comment(comment, post_author, parent_author);
    Ok(told.into_iter().map(|(recipient, about)| (recipient, (about, actor))).collect())
}

async fn told_of_post(blog: &Blog, post: &Post) -> Result<Wanted, Problem> {
    let mut authors = BTreeMap::new();
    for other in post.quote_of.into_iter().chain(post.reply_to) {
        authors.extend(blog.table.author_of(other).await?.map(|author| (other, author)));
    }
    let told = About::told_of_post(post, |other| authors.get(&other).copied());
    Ok(told.into_iter().map(|(recipient, about)| (recipient, (about, Some(post.author.id)))).collect())
}
