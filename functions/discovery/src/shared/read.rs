//! Reading what a feed shows: one list of posts, and one batch of their texts.

use std::sync::Arc;

use domain::{Denied, Post, PostKind, Tag, Timestamp, User, Username, fields};
use edge::{Blog, Call, MovedOr, Path, Problem, Rendered, Site, Visitor};
use table::{Consistency, FeedIdentity, keys};
use url::{Host, Url};

use crate::shared::feed::{self, Feed, FeedFormat, MAX_ENTRIES};

fields! {
    /// The path of a feed of an author's.
    pub struct UserPath {
        /// The author's username.
        username: Username,
    }
}

fields! {
    /// The path of a feed of a tag.
    pub struct TagPath {
        /// The tag.
        tag: Tag,
    }
}

/// The feed of all posts.
pub async fn site_feed<F: FeedFormat>(blog: &Arc<Blog>, call: Call<Visitor>) -> Result<Rendered<F>, Problem> {
    let Call { caller: Visitor(viewer), base_url, now, .. } = call;
    let reading = Reading::begin(blog, &base_url, Consistency::for_viewer(viewer.as_ref()), now).await?;
    let posts = blog.table.newest(&keys::latest(), MAX_ENTRIES, reading.consistency).await?;
    let page = reading.site.home();
    reading.feed::<F>(posts, None, page, "feed", "").await
}

/// The feed of a tag. Any tag has one: posts may come.
pub async fn tag_feed<F: FeedFormat>(
    blog: &Arc<Blog>,
    call: Call<Visitor, Path<TagPath>>,
) -> Result<Rendered<F>, Problem> {
    let Call { caller: Visitor(viewer), input: Path(TagPath { tag }), base_url, now, .. } = call;
    let reading = Reading::begin(blog, &base_url, Consistency::for_viewer(viewer.as_ref()), now).await?;
    let posts = blog.table.newest(&keys::posts_by_tag(&tag), MAX_ENTRIES, reading.consistency).await?;
    let (page, path) = (reading.site.tag(&tag), format!("/tags/{tag}"));
    reading.feed::<F>(posts, Some(&format!("#{tag}")), page, &format!("tags/{tag}"), &path).await
}

/// The feed of what an author wrote, or where it is now.
pub async fn user_feed<F: FeedFormat>(
    blog: &Arc<Blog>,
    call: Call<Visitor, Path<UserPath>>,
) -> Result<MovedOr<Rendered<F>>, Problem> {
    let Call { caller: Visitor(viewer), input: Path(UserPath { username }), base_url, now, .. } = call;
    let consistency = Consistency::for_viewer(viewer.as_ref());
    let user = user_named(blog, &username, consistency, now).await?;
    if user.username != username {
        return Ok(MovedOr::Moved(format!("/users/{}/{}", user.username, F::FILE)));
    }
    let reading = Reading::begin(blog, &base_url, consistency, now).await?;
    let posts = posts_of(blog, &username, consistency).await?;
    let (page, path) = (reading.site.user(&username), format!("/users/{username}"));
    let id = format!("users/{}", user.id);
    reading.feed::<F>(posts, Some(&user.display_name), page, &id, &path).await.map(MovedOr::Here)
}

/// The user with this username, or who had it until lately.
async fn user_named(
    blog: &Blog,
    username: &Username,
    consistency: Consistency,
    now: Timestamp,
) -> Result<User, Problem> {
    let holder = blog.table.holder_of_username(username, now).await?.filter(|holder| !holder.is_reserved());
    let id = holder.ok_or(Denied::UserNotFound)?.user_id;
    let user = blog.table.user(id, consistency).await?.filter(User::is_public);
    Ok(user.ok_or(Denied::UserNotFound)?)
}

/// What an author wrote, the newest first. Reposts are somebody else's. Whose newest ones are reposts is asked for kind by kind: so a feed
/// is never empty because its author reposts much, and no read gets longer.
async fn posts_of(blog: &Blog, username: &Username, consistency: Consistency) -> Result<Vec<Post>, Problem> {
    let posts = blog.table.newest(&keys::posts_by_author(username), MAX_ENTRIES, consistency).await?;
    if posts.iter().all(|post| post.kind != PostKind::Repost) {
        return Ok(posts);
    }
    let lists = [PostKind::Article, PostKind::Note, PostKind::Quote, PostKind::Reply]
        .map(|kind| keys::posts_by_author_of_kind(username, kind));
    let [articles, notes, quotes, replies] =
        lists.each_ref().map(|list| blog.table.newest(list, MAX_ENTRIES, consistency));
    let (articles, notes, quotes, replies) = tokio::try_join!(articles, notes, quotes, replies)?;
    let mut posts: Vec<_> = [articles, notes, quotes, replies].into_iter().flatten().collect();
    posts.sort_by_key(|post| std::cmp::Reverse((post.published_at, post.id)));
    posts.truncate(MAX_ENTRIES);
    Ok(posts)
}

/// The host that ids begin with if there are none yet, as RFC 4151 takes it. None if nobody says what the host is: then it is only tried
/// whether this function works, and nothing is to be kept of that.
fn authority(site: &Site) -> Option<String> {
    let url = Url::parse(site.url()).ok()?;
    Some(match url.host()? {
        Host::Domain(domain) => domain.to_owned(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(_) => "localhost".to_owned(),
    })
}

/// A feed that is being read.
struct Reading<'a> {
    blog: &'a Blog,
    site: Site,
    identity: &'a FeedIdentity,
    consistency: Consistency,
    now: Timestamp,
}

impl<'a> Reading<'a> {
    async fn begin(blog: &'a Blog, base_url: &str, consistency: Consistency, now: Timestamp) -> Result<Self, Problem> {
        let site = Site::new(&blog.config, base_url);
        let authority = authority(&site).ok_or_else(|| Problem::malformed("The request names no host."))?;
        let identity = blog.table.feed_identity(&authority, now).await?;
        Ok(Self { blog, site, identity, consistency, now })
    }

    /// The feed of these posts. `of` is whose or what it is, `page` shows the same, `id` is what it is known by, and `path` is its folder.
    async fn feed<F: FeedFormat>(
        self,
        posts: Vec<Post>,
        of: Option<&str>,
        page: String,
        id: &str,
        path: &str,
    ) -> Result<Rendered<F>, Problem> {
        let Self { blog, site, identity, consistency, now } = self;
        let config = &blog.config;
        let posts = blog.table.with_html(posts, consistency, now).await?;
        let entries = feed::entries(posts, &site, identity);
        let title = config.site_title.as_str();
        let feed = Feed {
            id: feed::id(identity, id),
            title: of.map_or_else(|| title.to_owned(), |of| format!("{of} – {title}")),
            description: config.site_description.as_ref().map(|it| it.as_str().to_owned()).unwrap_or_default(),
            language: config.site_language.as_str().to_owned(),
            page,
            folder: site.feed(path),
            hub: config.web_sub_hub.as_ref().map(|hub| hub.as_str().to_owned()),
            updated_at: entries.iter().map(|entry| entry.updated_at).max().unwrap_or(identity.since),
            entries,
        };
        let mut rendered = Rendered::new(F::write(&feed)?, Some(feed.updated_at));
        // Where a subscriber looks first (<https://www.w3.org/TR/websub/#discovery>).
        if let Some(hub) = &feed.hub {
            rendered.links = vec![format!("<{hub}>; rel=\"hub\""), format!("<{}>; rel=\"self\"", feed.address::<F>())];
        }
        Ok(rendered)
    }
}
