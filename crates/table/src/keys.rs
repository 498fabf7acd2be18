//! Every key of the table, and only here.
//!
//! | pattern | operation | partition key | sort key | consistency | cost |
//! |---|---|---|---|---|---|
//! | a user's profile | GetItem | `USER#id` | `PROFILE` | eventual; strong for oneself | 0.5 to 1 RCU |
//! | a user's profile with exact counts | Query | `USER#id` | begins with `PROFILE` | eventual; strong for a viewer | 0.5 to 1 RCU |
//! | who has a username | GetItem | `USERNAME#name` | `USERNAME` | strong | 1 RCU |
//! | who has an e-mail address | GetItem | `EMAIL#sha256` | `EMAIL` | strong | 1 RCU |
//! | who has an e-mail address, to reset the password | UpdateItem | `EMAIL#sha256` | `EMAIL` | | 1 WCU |
//! | whose name in Cognito it is, if it is no id | GetItem | `COGNITO#sha256` | `COGNITO` | strong | 1 RCU |
//! | register | TransactWriteItems | the first three above | | | 12 WCU, twice |
//! | a profile for who came by another way | TransactWriteItems | the four above | | | 16 WCU |
//! | change the e-mail address | TransactWriteItems, twice | the new `EMAIL#sha256`; the profile and both `EMAIL#sha256` | | | 2 WCU, 8 WCU |
//! | change a role, suspend, reinstate | TransactWriteItems | the profile, `ADMINS` | `ADMINS` | | 4 to 6 WCU |
//! | a post by its slug, or where it moved | Query | `POST#slug` | begins with `POST` | eventual; strong for a viewer | 2 RCU |
//! | a post without its text | Query | `POST#slug` | from `POST` to `POST#COUNT#~` | strong | 1 RCU |
//! | count a reply, a repost of a post | in the transaction of the reply, the repost | `POST#slug` | `POST#COUNT#id#shard` | | 2 WCU |
//! | what quotes and replies show of a post; its current slug | GetItem, BatchGetItem | `POSTID#id` | `REFERENCE` | eventual; strong for a viewer | 0.5 to 1 RCU each |
//! | latest posts, newest first | Query | `LATEST` | `published_at#id` | eventual; strong for a viewer | 3 RCU |
//! | the posts that lead the blog | Query, beside the latest | `PINNED` | begins with `POST#` | as the latest | 0.5 RCU, and their cards |
//! | how many lead it | in the transaction that pins | `PINNED` | `COUNT` | | 2 WCU |
//! | count the published posts, with `Conduit=true` or `GhostContent=true` | in the transaction of the post | `SITE` | `COUNT#shard` | | 2 WCU |
//! | posts of a kind | Query | `KIND#kind` | `published_at#id` | eventual; strong for a viewer | 3 RCU |
//! | an author's published posts | Query | `BYLINE#username` | `published_at#id` | eventual; strong for a viewer | 3 RCU |
//! | an author's published posts of a kind | Query | `BYLINE#username#kind` | `published_at#id` | eventual; strong for a viewer | 3 RCU |
//! | a tag's posts | Query | `TAG#tag` | `published_at#id` | eventual; strong for a viewer | 3 RCU |
//! | a post's replies, quotes, reposts | Query | `REPLIES#id`, `QUOTES#id`, `REPOSTS#id` | `published_at#id` | eventual; strong for a viewer | 3 RCU |
//! | count a tag's published posts | in the transaction of the post | `TAGS#shard` | `NAME#tag#COUNT#shard` | | 2 WCU each |
//! | tags by name | Query, each shard | `TAGS#shard` | after `NAME#tag#~` | eventual; strong for a viewer | 0.5 to 2 RCU a shard |
//! | a tag's count, and where it stands by it | Query | `TAGS#shard` | begins with `NAME#tag#` (`AT`, `COUNT#shard`) | strong | 1 RCU |
//! | tags by count | Query, each shard | `TAGS#shard` | after `COUNT#count#tag` | eventual; strong for a viewer | 0.5 RCU a shard |
//! | posts that are due | Query, each shard | `SCHEDULED#shard` | up to `publish_at` | strong | 1 RCU a shard |
//! | how many posts an author published on a day | in the transaction that publishes, if the stack has a limit | `USER#id` | `PUBLISHED#day` | | 2 WCU |
//! | a post's versions, newest first | Query | `POSTID#id` | begins with `REVISION#` | strong | 6 RCU |
//! | a version of a post, and the text it had | GetItem, twice | `POSTID#id` | `REVISION#version`, `TEXT#version` | strong | 2 RCU |
//! | what a viewer did with a post | GetItem | `MARKS#user` | post id | strong | 1 RCU |
//! | what a viewer did with the posts of a page | Query | `MARKS#user` | from the least post id to the greatest | strong | 1 RCU |
//! | a page of comments, in reading order | Query | `COMMENTS#post` | after a path of comment ids | eventual; strong for a viewer | 3 RCU |
//! | the held comments of the same stretch, for editors | Query, beside the page | `HELD#post` | after a path | strong | 1 RCU |
//! | one's own held comments of the same stretch | Query, beside the page; BatchGetItem if there are any | `COMMENTER#user` | after `HELD#post#path` | strong | 1 RCU |
//! | which post and thread a comment is in | GetItem | `COMMENT#id` | `COMMENT` | as the comment | 0.5 to 1 RCU |
//! | a comment, published or held | BatchGetItem | `COMMENTS#post`, `HELD#post` | its path | eventual; strong for a viewer | 1 to 2 RCU |
//! | write a comment | TransactWriteItems | the comment, where it leads to, the list of its author's, the comment it answers, its author's profile, a count | | | 10 to 12 WCU |
//! | whether a user has a published comment | Query | `COMMENTER#user` | begins with `PUBLISHED#` | strong | 0.5 RCU |
//! | all comments of a user | Query | `COMMENTER#user` | all | strong | 1 RCU |
//! | comments that editors should look at | Query, BatchGetItem | `MODERATION` | begins with `HELD#`, `REPORTED#` | strong | 1 RCU, 2 a comment |
//! | report a comment | TransactWriteItems | `REPORTER#user`, `MODERATION`, the comment | comment id, ... | | 6 WCU |
//! | react to a post | GetItem, TransactWriteItems | `MARKS#user`, `REACTIONS#post`, `POST#slug` | post id, user id, `POST#COUNT#id#shard` | strong | 2 RCU, 6 WCU |
//! | how many reactions a post has of each kind | Query | `POST#slug` | begins with `POST#COUNT#id#` | eventual; strong for a viewer | 0.5 RCU |
//! | bookmark a post | GetItem, TransactWriteItems | `MARKS#user`, `BOOKMARKS#user` | post id, `bookmarked_at#post` | strong | 1 RCU, 4 WCU |
//! | a page of bookmarks | Query, BatchGetItem | `BOOKMARKS#user`, `AUTHOR#id` | `bookmarked_at#post`, `ALL#post` | strong | 1 RCU, 1 a card |
//! | the references of a page of the home feed, and what else belongs to it | Query, twice | `FEED#user` | up to `published_at#post`; `~POPULAR#author`, `~ENDED#author`, `~TAG#tag` | eventual; strong for a viewer who wrote | 0.5 RCU each |
//! | what is merged with them: one's own posts, those of tags and very popular authors | Query, each | `BYLINE#username`, `TAG#tag` | between two of `published_at#post` | as the references | 0.5 RCU each |
//! | the cards of the references | BatchGetItem | `AUTHOR#id` | `ALL#post` | as the references | 0.5 RCU each |
//! | write a post to the feeds of followers, or remove it | BatchWriteItem; BatchGetItem of the follows | `FEED#user` | `published_at#post` | strong | 1 WCU and 1 RCU a follower |
//! | whether an author's posts are merged, and who has them written all the same | GetItem, Query | `USER#id`, `FANOUT#id` | `POPULARITY`, user id | strong | 1 RCU |
//! | a page of notifications | Query, GetItem, BatchGetItem | `NOTIFICATIONS#user` | begins with `AT#`; `READ`; what they are about | eventual; strong for a viewer | 1 to 2 RCU, 3 a notification |
//! | how many are not read | Query, if the page does not tell; BatchGetItem | `NOTIFICATIONS#user` | after `AT#` and the last that is read | as the page | 1 to 7 RCU, 3 a notification |
//! | mark notifications as read | Query, TransactWriteItems | `NOTIFICATIONS#user` | `AT#id`, `READ` | strong | 1 RCU, 2 WCU |
//! | tell somebody of something, once | TransactWriteItems | `TOLD#subject`, `NOTIFICATIONS#user` | user id, `AT#id` | | 4 WCU |
//! | whom something is told | Query | `TOLD#subject` | user id | strong | 0.5 RCU |
//! | tell of a reaction | GetItem, TransactWriteItems | `TOLD#REACTIONS#post`, `NOTIFICATIONS#user` | user id, `BY#user`, `AT#id` | strong | 3 RCU, 8 WCU |
//! | announce a picture, change it, delete it | TransactWriteItems | `MEDIA#id`, `MEDIAOF#user` | `MEDIA`, id | | 4 WCU |
//! | a picture | GetItem | `MEDIA#id` | `MEDIA` | eventual; strong for a viewer | 0.5 to 1 RCU |
//! | the pictures that a text shows | BatchGetItem | `MEDIA#id` | `MEDIA` | strong | 1 RCU each |
//! | my pictures, newest first | Query | `MEDIAOF#user` | id | strong | 3 RCU |
//! | which of my pictures my posts show | Query, beside the page | `MEDIAUSES#user` | from the least picture id to the greatest: `picture#post` | strong | 1 RCU |
//! | note that a post shows a picture, or no longer | in the transaction of the post | `MEDIAUSES#author` | `picture#post` | | 2 WCU each |
//! | the tags that a user follows, by name | Query | `FEED#user` | begins with `~TAG#` | strong | 1 RCU |
//! | follow a tag | Query, TransactWriteItems | `FEED#user` | begins with `~TAG#` | strong | 1 RCU, 2 WCU |
//! | my posts | Query | `AUTHOR#id` | begins with `ALL#` | strong | 6 RCU |
//! | my drafts, my scheduled posts, my trash | Query | `AUTHOR#id` | begins with `DRAFT#`, `SCHEDULED#`, `TRASHED#` | strong | 6 RCU |
//! | the aliases of a post, and the slugs that it had | Query | `POSTID#id` | from `ALIASES` to `FORMER#~` | strong | 1 RCU |
//! | replace the aliases of a post | TransactWriteItems | `POSTID#id`, `POST#slug` of each that comes or goes, the post | `ALIASES`, `POST` | | 4 WCU, 2 each |
//! | users, newest first; those of a role; active or suspended ones | Query, BatchGetItem | `USERS`, `AUTHORS` and so on, `ACTIVE`, `SUSPENDED` | user id | strong | 1 RCU, 1 a profile |
//! | follow | TransactWriteItems | `FOLLOW#follower`, both lists, the follower's profile, the followed's `PROFILE#COUNT#shard` | `followed`, ... | | 10 WCU |
//! | whether one follows another | GetItem, BatchGetItem | `FOLLOW#follower` | `followed` | as the profile; strong to unfollow | 0.5 to 1 RCU |
//! | a user's followers | Query | `FOLLOWERS#id` | `followed_at#follower` | eventual; strong for a viewer | 1 RCU |
//! | whom a user follows | Query | `FOLLOWING#id` | `followed_at#followed` | eventual; strong for a viewer | 1 RCU |
//! | the profiles of a page of users | BatchGetItem | `USER#id` | `PROFILE` | eventual; strong for a viewer | 0.5 to 1 RCU each |
//! | one of my exports | GetItem | `USER#id` | `EXPORT#id` | strong | 1 RCU |
//! | the export that I asked for last | GetItem | `USER#id` | `EXPORT` | strong | 1 RCU |
//! | ask for an export | TransactWriteItems | the two above | | | 4 WCU |
//! | how far a repair has come | GetItem, TransactWriteItems | `REPAIR` | `REPAIR` | strong | 1 RCU, 2 WCU a step |
//! | what the ids of feeds begin with | GetItem, once a process | `FEEDS` | `FEEDS` | eventual | 0.5 RCU |
//! | the texts of a feed | BatchGetItem | `POST#slug` | `POST#HTML` | eventual; strong for a viewer | 0.5 RCU each, and 0.5 each 4 KB |
//! | the sitemaps | Query | `SITEMAPS` | number | eventual; strong for a viewer | 0.5 RCU |
//! | the posts of a sitemap | Query | `SITEMAP#number` | post id | eventual; strong for a viewer | 130 RCU of 10,000 posts |
//! | put a post into a sitemap, or take it out | GetItem, TransactWriteItems | `MAPPED#post`, `SITEMAP#number`, `SITEMAPS`, `POST#slug` | | strong | 2 to 4 RCU, 6 to 8 WCU |
//! | which segments the search index has, and what changed since | Query | `SEARCH` | all: `CHANGED#id`, `MANIFEST` | strong | 1 RCU |
//! | mark a post as changed for the search index, and take the mark back | TransactWriteItems | `SEARCH` | `CHANGED#id` | | 2 WCU each |
//! | note a file before it is written for the search index | TransactWriteItems | `SEARCHFILES` | name | | 2 WCU |
//! | which files the search index may not list | Query | `SEARCHFILES` | before the names of ten minutes ago | strong | 1 RCU |
//! | swap the search index, with the notes of files that it now lists and lists no more | TransactWriteItems | `SEARCH`, `SEARCHFILES` | `MANIFEST`; names | | 2 to 6 WCU, 2 a note |
//! | forget files of the search index that are deleted | DeleteItem | `SEARCHFILES` | name | | 1 WCU |
//! | the posts that a search finds | BatchGetItem | `AUTHOR#id` | `ALL#post` | eventual; strong for a viewer | 0.5 RCU a card |
//! | the webhooks | Query | `WEBHOOKS` | all: webhook id | eventual; strong for an administrator | 0.5 RCU each 10 |
//! | a webhook | GetItem | `WEBHOOKS` | webhook id | strong | 1 RCU |
//! | queue a message to a webhook, once | TransactWriteItems | `DELIVERIES#webhook`, `DUE` | delivery id, `due_at#webhook#delivery` | | 6 WCU |
//! | note an attempt, or call for one | GetItem, TransactWriteItems | the two above | | strong | 1 RCU, 6 to 8 WCU |
//! | a page of what was sent to a webhook | Query | `DELIVERIES#webhook` | delivery id | strong | 1 RCU each 4 KB |
//! | the messages whose time has come | Query, each minute | `DUE` | up to `due_at` | eventual | 0.5 RCU |
//! | check an API key | GetItem, twice at once, and the profile | `KEY#id`, `KEYUSED#id` | `KEY`, `KEYUSED` | eventual | 1 RCU |
//! | note the day on which an API key is used, once a day | UpdateItem | `KEYUSED#id` | `KEYUSED` | | 1 WCU |
//! | a user's API keys | Query, BatchGetItem | `KEYS#user`, `KEY#id`, `KEYUSED#id` | key id, ... | strong | 1 RCU, 2 a key |
//! | create an API key | Query, TransactWriteItems | `KEY#id`, `KEYS#user`, the profile, the audit log | | strong | 1 RCU, 12 WCU |
//! | revoke an API key | TransactWriteItems | the three of a key, the audit log | | | 12 WCU |
//! | an invitation; all of them | GetItem; Query | `INVITATIONS` | invitation id | strong | 1 RCU |
//! | hold an invitation, use it up, let go of it | in the transaction of the registration | `INVITATIONS` | invitation id | | 2 WCU, and 6 for the audit log |
//! | check a key of Ghost's Content API | GetItem | `CONTENTKEY#key` | `CONTENTKEY` | eventual | 0.5 RCU |
//! | all keys of Ghost's Content API; one of them | Query; GetItem | `CONTENTKEYS` | key id | strong | 1 RCU |
//! | create or revoke a key of Ghost's Content API | TransactWriteItems | the two above, the audit log | | | 10 WCU |
//! | write an entry of the audit log | in the transaction of what it tells of | `AUDIT`, `AUDIT#ACTOR#user`, `AUDIT#SUBJECT#id` | entry id | | 6 WCU |
//! | the audit log; what a user did; what was done to somebody or something | Query, BatchGetItem | as above | entry id | strong | 1 RCU, 1 a profile |
//! | the key that cursors are signed with | GetItem, once a process | `SIGNING_KEY` | `SIGNING_KEY` | strong | 1 RCU |
//! | a request with an `Idempotency-Key` | PutItem | `IDEMPOTENCY#sha256` | `IDEMPOTENCY` | | 1 WCU, and 1 a KB of the answer |
//! | count a request of a user, from a source | UpdateItem | `LIMIT#sha256` | `requests#end` | | 1 WCU |
//! | count a try from a source, for an account | UpdateItem | `LIMIT#sha256` | `operation#SOURCE#end`, `operation#ACCOUNT#end` | | 1 WCU, twice |
//!
//! The lists that the whole site shares (`LATEST`, `KIND#kind`, `USERS` and its kin) have one partition each, because all
//! writes of a moment would fall into one part of any division by time, and a division by anything else makes each page
//! several queries. DynamoDB gives a partition 1,000 WCU and 3,000 RCU a second: the ceiling is some 500 publications and
//! 1,000 uncached first pages a second. `INVITATIONS` lets some 250 people a second register. `AUDIT` takes 500 entries a second, which are decisions of editors and administrators, and keys,
//! of which a user makes few an hour. What does not have to be read in order is spread over [`SHARDS`].
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html>
//!
//! What is put between the separators cannot contain one: ids, names, slugs and tags are types whose alphabet
//! lacks `#`. E-mail addresses and names in Cognito may contain anything, and keys show up in AWS's tools
//! (Contributor Insights), so theirs is a hash; so is that of what is typed as a login, and of network addresses.

use aws_lc_rs::digest;

use domain::{
    AuditEntry, AuditedId, CognitoName, Comment, CommentId, CommentPath, CommentStatus, ContentKeyId, ContentKeyText,
    DeliveryId, Email, ExportId, Follow, InvitationId, KeyId, MediaId, NotificationId, Post, PostId, PostKind,
    PostStatus, Role, Slug, Source, Subject, Tag, Timestamp, User, UserId, UserStatus, Username, WebhookId,
};

/// The primary key of an item.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// The partition key.
    pub pk: String,
    /// The sort key.
    pub sk: String,
}

impl Key {
    fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }
}

/// A user's profile.
pub fn profile(id: UserId) -> Key {
    Key::new(user_partition(id), PROFILE_PREFIX)
}

/// The partition of a user: the profile, what is counted in it, and exports.
pub fn user_partition(id: UserId) -> String {
    format!("USER#{id}")
}

/// An export of a user's.
pub fn export(user: UserId, id: ExportId) -> Key {
    Key::new(format!("USER#{user}"), format!("{EXPORT_PREFIX}{id}"))
}

/// What the sort keys of a user's exports begin with.
pub const EXPORT_PREFIX: &str = "EXPORT#";

/// Which export a user asked for last.
pub fn last_export(user: UserId) -> Key {
    Key::new(format!("USER#{user}"), "EXPORT")
}

/// The guard of a username.
pub fn username(username: &Username) -> Key {
    Key::new(format!("USERNAME#{username}"), "USERNAME")
}

/// The guard of an e-mail address.
pub fn email(email: &Email) -> Key {
    Key::new(format!("EMAIL#{}", hash(email.as_str())), "EMAIL")
}

/// Where a name in Cognito that is no id of ours leads to the user. The pool does not tell `Ana` from `ana`.
pub fn cognito_name(name: &CognitoName) -> Key {
    Key::new(format!("COGNITO#{}", hash(&name.as_str().to_lowercase())), "COGNITO")
}

fn hash(text: &str) -> String {
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// That one user follows another; the item is what makes it happen once.
pub fn follow(follower: UserId, followed: UserId) -> Key {
    Key::new(format!("{FOLLOW_PREFIX}{follower}"), followed.to_string())
}

/// What the partition keys of follows begin with; those of lists of follows begin otherwise.
pub const FOLLOW_PREFIX: &str = "FOLLOW#";

/// The partition of a slug: the post, or where it moved, and the post's text.
pub fn slug_partition(slug: &Slug) -> String {
    format!("POST#{slug}")
}

/// What a slug's partition begins its items' sort keys with.
pub const POST_PREFIX: &str = "POST";

/// A post at its slug; the item is the guard of the slug too.
pub fn post(slug: &Slug) -> Key {
    Key::new(slug_partition(slug), POST_PREFIX)
}

/// A post's text as it was typed.
pub fn markdown(slug: &Slug) -> Key {
    Key::new(slug_partition(slug), "POST#MARKDOWN")
}

/// A post's text as it is shown. Its own item: with the Markdown in one, 200 KiB of text that does not
/// compress would come near the 400 KB that an item may have.
pub fn html(slug: &Slug) -> Key {
    Key::new(slug_partition(slug), "POST#HTML")
}

/// What others show of a post, with its current slug.
pub fn post_reference(id: PostId) -> Key {
    Key::new(post_partition(id), "REFERENCE")
}

/// A version of a post, apart from its text.
pub fn revision(id: PostId, version: u64) -> Key {
    Key::new(post_partition(id), format!("{REVISION_PREFIX}{version:010}"))
}

/// What the sort keys of versions begin with.
pub const REVISION_PREFIX: &str = "REVISION#";

/// The text that a version of a post wrote.
pub fn revision_text(id: PostId, text_version: u64) -> Key {
    Key::new(post_partition(id), format!("TEXT#{text_version:010}"))
}

/// The versions of a post.
pub fn revisions(id: PostId) -> List {
    List::new(post_partition(id), REVISION_PREFIX)
}

/// What a user did with a post.
pub fn mark(user: UserId, post: PostId) -> Key {
    Key::new(marks_partition(user), post.to_string())
}

/// What a user did with posts.
pub fn marks_partition(user: UserId) -> String {
    format!("MARKS#{user}")
}

/// The reactions to a post.
pub fn reactions(post: PostId) -> List {
    List::new(format!("REACTIONS#{post}"), "")
}

/// A user's reaction to a post.
pub fn reaction(post: PostId, user: UserId) -> Key {
    reactions(post).item(&user.to_string())
}

/// The posts that a user keeps for later.
pub fn bookmarks(user: UserId) -> List {
    List::new(format!("BOOKMARKS#{user}"), "")
}

/// A post that a user keeps for later.
pub fn bookmark(user: UserId, post: PostId, at: Timestamp) -> Key {
    bookmarks(user).item(&format!("{at}#{post}"))
}

/// A user's home feed: the posts that were written to it, by the time of their publication, as references.
pub fn feed(user: UserId) -> List {
    List::new(format!("FEED#{user}"), "")
}

/// A post in a user's home feed. Its sort key is that of the post in lists, so that they can be merged.
pub fn feed_entry(user: UserId, published_at: Timestamp, post: PostId) -> Key {
    feed(user).item(&format!("{published_at}#{post}"))
}

/// What the sort keys begin with of what is no post in a home feed. They sort after all posts.
pub const FEED_NOTE_PREFIX: &str = "~";

/// What the sort keys begin with of the very popular authors whom a user follows.
pub const POPULAR_FOLLOW_PREFIX: &str = "~POPULAR#";

/// That a user follows a very popular author, whose posts are merged when the feed is read.
pub fn popular_follow(user: UserId, author: UserId) -> Key {
    Key::new(feed(user).partition, format!("{POPULAR_FOLLOW_PREFIX}{author}"))
}

/// That a user follows an author no longer whose posts are still in the feed.
pub fn ended_follow(user: UserId, author: UserId) -> Key {
    Key::new(feed(user).partition, format!("~ENDED#{author}"))
}

/// Whether the posts of an author are merged into the feeds of their followers.
pub fn popularity(author: UserId) -> Key {
    Key::new(user_partition(author), "POPULARITY")
}

/// The followers of a very popular author to whose feeds posts are written all the same.
pub fn fan_out_followers(author: UserId) -> List {
    List::new(format!("FANOUT#{author}"), "")
}

/// One of these followers.
pub fn fan_out_follower(author: UserId, follower: UserId) -> Key {
    fan_out_followers(author).item(&follower.to_string())
}

/// A picture.
pub fn media(id: MediaId) -> Key {
    Key::new(format!("MEDIA#{id}"), MEDIA)
}

/// The sort key of a picture at its id.
pub const MEDIA: &str = "MEDIA";

/// A user's pictures.
pub fn media_of(owner: UserId) -> List {
    List::new(format!("MEDIAOF#{owner}"), "")
}

/// A picture among those of its owner.
pub fn media_of_owner(owner: UserId, id: MediaId) -> Key {
    media_of(owner).item(&id.to_string())
}

/// Which pictures the posts of an author show.
pub fn media_uses(author: UserId) -> List {
    List::new(format!("MEDIAUSES#{author}"), "")
}

/// That a post of an author shows a picture.
pub fn media_use(author: UserId, media: MediaId, post: PostId) -> Key {
    media_uses(author).item(&format!("{media}#{post}"))
}

/// What sorts after every post that shows a picture.
pub fn media_use_end(media: MediaId) -> String {
    format!("{media}#~")
}

/// The post that a sort key of [`media_uses`] is about.
pub fn post_of_use(sk: &str) -> Option<PostId> {
    sk.split_once('#')?.1.parse().ok()
}

/// The picture that a sort key of [`media_uses`] is about.
pub fn media_of_use(sk: &str) -> Option<MediaId> {
    sk.split_once('#')?.0.parse().ok()
}

/// The tags that a user follows. They are among the notes of the home feed, which is merged with their posts.
pub fn followed_tags(user: UserId) -> List {
    List { prefix: "~TAG#", ..feed(user) }
}

/// That a user follows a tag.
pub fn tag_follow(user: UserId, tag: &Tag) -> Key {
    followed_tags(user).item(tag.as_str())
}

/// The comments of a post that everybody sees, placeholders included, in reading order.
pub fn comments(post: PostId) -> List {
    List::new(format!("COMMENTS#{post}"), "")
}

/// The comments of a post that wait for an editor, in reading order.
pub fn held_comments(post: PostId) -> List {
    List::new(format!("HELD#{post}"), "")
}

/// A comment where everybody sees it.
pub fn comment(post: PostId, path: &CommentPath) -> Key {
    comments(post).item(&path.to_string())
}

/// A comment where it waits for an editor.
pub fn held_comment(post: PostId, path: &CommentPath) -> Key {
    held_comments(post).item(&path.to_string())
}

/// Which post a comment is on, and where in its thread.
pub fn comment_place(id: CommentId) -> Key {
    Key::new(format!("COMMENT#{id}"), "COMMENT")
}

/// The comments of a user.
pub fn commenter_partition(user: UserId) -> String {
    format!("COMMENTER#{user}")
}

/// What the sort keys of a user's published comments begin with.
pub const PUBLISHED_COMMENT_PREFIX: &str = "PUBLISHED#";

/// What the sort keys of a user's held comments on a post begin with; their paths follow.
pub fn held_comment_prefix(post: PostId) -> String {
    format!("HELD#{post}#")
}

/// A comment among those of its author. None if it has no author.
pub fn comment_of_author(comment: &Comment) -> Option<Key> {
    let partition = commenter_partition(comment.author.as_ref()?.id);
    match comment.status {
        CommentStatus::Published => Some(Key::new(partition, format!("{PUBLISHED_COMMENT_PREFIX}{}", comment.id()))),
        CommentStatus::Held => {
            Some(Key::new(partition, format!("{}{}", held_comment_prefix(comment.post), comment.path)))
        }
        CommentStatus::Deleted => None,
    }
}

/// The comments that wait for an editor.
pub fn held_queue() -> List {
    List::new("MODERATION", "HELD#")
}

/// The comments that were reported.
pub fn reported_queue() -> List {
    List::new("MODERATION", "REPORTED#")
}

/// A comment among those that wait for an editor.
pub fn held_entry(id: CommentId) -> Key {
    held_queue().item(&id.to_string())
}

/// A comment among those that were reported.
pub fn reported_entry(id: CommentId) -> Key {
    reported_queue().item(&id.to_string())
}

/// The reports that a user made.
pub fn reporter_partition(user: UserId) -> String {
    format!("REPORTER#{user}")
}

/// That a user reported a comment; the item is what makes it happen once.
pub fn comment_report(user: UserId, comment: CommentId) -> Key {
    Key::new(reporter_partition(user), comment.to_string())
}

/// How many posts an author published on a day, or scheduled for it.
pub fn published_on(author: UserId, day: Timestamp) -> Key {
    let day: String = day.to_string().chars().take(10).collect();
    Key::new(format!("USER#{author}"), format!("PUBLISHED#{day}"))
}

/// How many posts are published, reposts apart, in one shard.
pub fn site_counts(shard: u8) -> Key {
    Key::new("SITE", format!("COUNT#{shard:02}"))
}

/// How many posts lead the blog.
pub fn pinned_count() -> Key {
    Key::new("PINNED", "COUNT")
}

/// How many items a count is spread over that strangers change (docs/adr/0020).
pub const COUNT_SHARDS: u8 = 16;

/// The shard that counts this member, which is always the same: so a shard is repaired by itself.
pub fn count_shard(member: &str) -> u8 {
    first_byte_of_hash(member) % COUNT_SHARDS
}

/// What others count in a post, in one shard. The id is part of the key, because a slug may go to another post.
pub fn post_counts(slug: &Slug, id: PostId, shard: u8) -> Key {
    Key::new(slug_partition(slug), format!("{}{shard:02}", post_counts_prefix(id)))
}

/// What the sort keys of a post's counts begin with, in the partition of its slug. They sort between the post and its text.
pub fn post_counts_prefix(id: PostId) -> String {
    format!("{POST_COUNTS_PREFIX}{id}#")
}

const POST_COUNTS_PREFIX: &str = "POST#COUNT#";

/// The last sort key that a post's counts may have.
pub const POST_COUNTS_END: &str = "POST#COUNT#~";

/// The post, and the slug, that the item with this key counts for. None if it is another item.
pub fn counted_post(pk: &str, sk: &str) -> Option<(PostId, Slug)> {
    let slug = pk.strip_prefix("POST#")?.to_owned().try_into().ok()?;
    let (id, _) = sk.strip_prefix(POST_COUNTS_PREFIX)?.split_once('#')?;
    Some((id.parse().ok()?, slug))
}

/// What others count in a user, in one shard.
pub fn user_counts(id: UserId, shard: u8) -> Key {
    Key::new(user_partition(id), format!("{USER_COUNTS_PREFIX}{shard:02}"))
}

/// What the sort keys of a user's counts begin with.
pub const USER_COUNTS_PREFIX: &str = "PROFILE#COUNT#";

/// What the sort keys of a user's profile and counts begin with.
pub const PROFILE_PREFIX: &str = "PROFILE";

/// The user that the item with this key counts for. None if it is another item.
pub fn counted_user(pk: &str, sk: &str) -> Option<UserId> {
    sk.strip_prefix(USER_COUNTS_PREFIX)?;
    pk.strip_prefix("USER#")?.parse().ok()
}

/// A tag's published posts, in one shard.
pub fn tag_counts(tag: &Tag, shard: u8) -> Key {
    Key::new(partition_of_tag(tag), format!("{}COUNT#{shard:02}", tag_prefix(tag)))
}

/// Where the tag stands in the list of tags by count.
pub fn tag_place(tag: &Tag) -> Key {
    Key::new(partition_of_tag(tag), format!("{}AT", tag_prefix(tag)))
}

/// What the sort keys of a tag's counts and its place begin with, in the partition of the tag.
pub fn tag_prefix(tag: &Tag) -> String {
    format!("{TAG_NAME_PREFIX}{tag}#")
}

/// The partition that a tag is in.
pub fn partition_of_tag(tag: &Tag) -> String {
    tags_partition(shard(tag.as_str()))
}

/// The sort key of a tag with this many posts in the list of tags by count: the largest count first.
pub fn tag_rank(tag: &Tag, posts: u64) -> Key {
    let rank = 9_999_999_999_u64.saturating_sub(posts);
    Key::new(tags_partition(shard(tag.as_str())), format!("{TAG_RANK_PREFIX}{rank:010}#{tag}"))
}

/// The note that the tag left its place in the list of tags by count at this time.
pub fn tag_move(tag: &Tag, at: Timestamp) -> Key {
    Key::new(tags_partition(shard(tag.as_str())), format!("{TAG_MOVE_PREFIX}{at}#{tag}"))
}

/// The tags of a shard.
pub fn tags_partition(shard: u8) -> String {
    format!("TAGS#{shard}")
}

/// What the sort keys of tags by name begin with.
pub const TAG_NAME_PREFIX: &str = "NAME#";

/// What the sort keys of tags by count begin with.
pub const TAG_RANK_PREFIX: &str = "COUNT#";

/// What the sort keys of moves in the list of tags by count begin with.
pub const TAG_MOVE_PREFIX: &str = "MOVE#";

/// The posts that wait for their time, in a shard.
pub fn scheduled_partition(shard: u8) -> String {
    format!("SCHEDULED#{shard}")
}

/// Where a scheduled post waits. The times sort as they come.
fn scheduled(post: &Post) -> Option<Key> {
    let at = post.publish_at?;
    Some(Key::new(scheduled_partition(shard(&post.id.to_string())), format!("{at}#{}", post.id)))
}

/// What has one partition for all of the site and cannot be split by time is split into this many. Reading it asks
/// each, so more would cost more; four take 4,000 writes a second.
pub const SHARDS: [u8; 4] = [0, 1, 2, 3];

/// The shard that something of this name is in.
fn shard(name: &str) -> u8 {
    SHARDS.get(usize::from(first_byte_of_hash(name)) % SHARDS.len()).copied().unwrap_or_default()
}

fn first_byte_of_hash(text: &str) -> u8 {
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    digest.as_ref().first().copied().unwrap_or_default()
}

/// A slug that a post had, by the post: what has to go with it.
pub fn former_slug(id: PostId, slug: &Slug) -> Key {
    Key::new(post_partition(id), format!("{FORMER_PREFIX}{slug}"))
}

/// The aliases of a post. Beside the slugs that it had, so that one query reads both.
pub fn aliases(id: PostId) -> Key {
    Key::new(post_partition(id), ALIASES)
}

/// The sort key of the aliases of a post.
pub const ALIASES: &str = "ALIASES";

/// What belongs to a post by its id.
pub fn post_partition(id: PostId) -> String {
    format!("POSTID#{id}")
}

/// What the sort keys of former slugs begin with.
pub const FORMER_PREFIX: &str = "FORMER#";

/// Sorts after the sort key of every former slug.
pub const FORMER_END: &str = "FORMER#~";

/// Who the administrators are.
pub fn admins() -> Key {
    Key::new("ADMINS", "ADMINS")
}

/// How far a repair has come.
pub fn repair() -> Key {
    Key::new("REPAIR", "REPAIR")
}

/// An API key.
pub fn api_key(id: KeyId) -> Key {
    Key::new(format!("KEY#{id}"), "KEY")
}

/// The keys of a user.
pub fn api_keys(user: UserId) -> List {
    List::new(format!("KEYS#{user}"), "")
}

/// That a user has a key.
pub fn api_key_of(user: UserId, id: KeyId) -> Key {
    api_keys(user).item(&id.to_string())
}

/// When a key was last used.
pub fn api_key_use(id: KeyId) -> Key {
    Key::new(format!("KEYUSED#{id}"), "KEYUSED")
}

/// The key whose use this partition tells of.
pub fn api_key_of_use(pk: &str) -> Option<KeyId> {
    pk.strip_prefix("KEYUSED#")?.parse().ok()
}

/// The invitations.
pub fn invitations() -> List {
    List::new("INVITATIONS", "")
}

/// An invitation.
pub fn invitation(id: InvitationId) -> Key {
    invitations().item(&id.to_string())
}

/// The keys of Ghost's Content API.
pub fn content_keys() -> List {
    List::new("CONTENTKEYS", "")
}

/// A key of Ghost's Content API, in the list of them.
pub fn content_key(id: ContentKeyId) -> Key {
    content_keys().item(&id.to_string())
}

/// That there is this key of Ghost's Content API.
pub fn content_key_in_use(key: &ContentKeyText) -> Key {
    Key::new(format!("CONTENTKEY#{}", key.as_str()), "CONTENTKEY")
}

/// The audit log, by id and so by time.
pub fn audit() -> List {
    List::new("AUDIT", "")
}

/// The entries of the audit log that tell what a user did.
pub fn audit_of_actor(actor: UserId) -> List {
    List::new(format!("AUDIT#ACTOR#{actor}"), "")
}

/// The entries of the audit log that tell what was done to this.
pub fn audit_of_subject(subject: AuditedId) -> List {
    List::new(format!("AUDIT#SUBJECT#{subject}"), "")
}

/// The keys of an entry of the audit log: in all of it, and among those of who did it and of whom it was done to.
pub fn audit_entry(entry: &AuditEntry) -> [Key; 3] {
    let lists = [audit(), audit_of_actor(entry.actor), audit_of_subject(entry.subject)];
    lists.map(|list| list.item(&entry.id.to_string()))
}

/// What the ids of feeds and of their entries begin with.
pub fn feed_identity() -> Key {
    Key::new("FEEDS", "FEEDS")
}

/// The sitemaps, in the order of their numbers.
pub fn sitemaps() -> List {
    List::new("SITEMAPS", "")
}

/// A sitemap: how many posts are in it.
pub fn sitemap(number: u32) -> Key {
    sitemaps().item(&format!("{number:05}"))
}

/// The posts of a sitemap.
pub fn sitemap_entries(number: u32) -> List {
    List::new(format!("SITEMAP#{number}"), "")
}

/// A post in a sitemap.
pub fn sitemap_entry(number: u32, post: PostId) -> Key {
    sitemap_entries(number).item(&post.to_string())
}

/// Which sitemap a post is in.
pub fn sitemap_place(post: PostId) -> Key {
    Key::new(format!("MAPPED#{post}"), "MAPPED")
}

/// The search index: what changed since it was written, and then, as a query reads them in this order, what it is made of. So
/// whoever does not find a change there any more finds the index that has it.
pub const SEARCH_PARTITION: &str = "SEARCH";

/// What the sort keys of posts that the search index does not have yet begin with.
const PENDING_PREFIX: &str = "CHANGED#";

/// That a post has changed since the search index was written.
pub fn pending_post(id: PostId) -> Key {
    Key::new(SEARCH_PARTITION, format!("{PENDING_PREFIX}{id}"))
}

/// Files of the search index that it may not list: apart from what every search reads.
pub const SEARCH_FILES_PARTITION: &str = "SEARCHFILES";

/// That this file of the search index is being written, or has taken the place of others. Its name begins with the time.
pub fn unlisted_files(name: &str) -> Key {
    Key::new(SEARCH_FILES_PARTITION, name.to_owned())
}

/// What the search index is made of.
pub fn search_manifest() -> Key {
    Key::new(SEARCH_PARTITION, "MANIFEST")
}

/// The webhooks, newest first.
pub fn webhooks() -> List {
    List::new("WEBHOOKS", "")
}

/// A webhook.
pub fn webhook(id: WebhookId) -> Key {
    webhooks().item(&id.to_string())
}

/// The messages to a webhook, newest first.
pub fn deliveries(webhook: WebhookId) -> List {
    List::new(format!("DELIVERIES#{webhook}"), "")
}

/// A message to a webhook.
pub fn delivery(webhook: WebhookId, id: DeliveryId) -> Key {
    deliveries(webhook).item(&id.to_string())
}

/// The messages that are to be sent, by the time when they are. One partition, because each minute asks for all: it takes some
/// 160 messages a second, of which each is put here and taken out again in transactions.
pub const DUE_DELIVERIES: &str = "DUE";

/// When a message is to be sent.
pub fn due_delivery(due_at: Timestamp, webhook: WebhookId, id: DeliveryId) -> Key {
    Key::new(DUE_DELIVERIES, format!("{due_at}#{webhook}#{id}"))
}

/// The key that cursors are signed with.
pub fn signing_key() -> Key {
    Key::new("SIGNING_KEY", "SIGNING_KEY")
}

/// A request with an `Idempotency-Key`. Clients choose keys, so this is a hash too.
pub fn idempotency(user: Option<UserId>, source: Source, key: &str) -> Key {
    Key::new(format!("IDEMPOTENCY#{}", hash(&format!("{}#{key}", owner(user, source)))), "IDEMPOTENCY")
}

/// The requests of a user, or from a source, in the window that ends at this second.
pub fn requests(user: Option<UserId>, source: Source, ends_at: i64) -> Key {
    Key::new(format!("LIMIT#{}", hash(&owner(user, source))), format!("requests#{ends_at}"))
}

fn owner(user: Option<UserId>, source: Source) -> String {
    user.map_or_else(|| format!("SOURCE#{source}"), |user| format!("USER#{user}"))
}

/// The tries of an operation from a source, in the window that ends at this second.
pub fn tries_from_source(operation: &str, source: Source, ends_at: i64) -> Key {
    Key::new(format!("LIMIT#{}", hash(&source.to_string())), format!("{operation}#SOURCE#{ends_at}"))
}

/// The tries of an operation for an account, named as it was typed, in the window that ends at this second.
pub fn tries_for_account(operation: &str, account: &str, ends_at: i64) -> Key {
    Key::new(format!("LIMIT#{}", hash(&account.to_lowercase())), format!("{operation}#ACCOUNT#{ends_at}"))
}

/// A list: items of one partition, in the order of their sort keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// The partition key.
    pub partition: String,
    /// The prefix of the sort keys of the list's items.
    pub prefix: &'static str,
    /// What else it is called where a client knows two lists of the same items.
    alias: &'static str,
}

impl List {
    fn new(partition: impl Into<String>, prefix: &'static str) -> Self {
        Self { partition: partition.into(), prefix, alias: "" }
    }

    /// The list's name, which its cursors are bound to.
    pub fn name(&self) -> String {
        format!("{}/{}{}", self.partition, self.prefix, self.alias)
    }

    /// The item at this position.
    fn item(&self, position: &str) -> Key {
        Key::new(&self.partition, format!("{}{position}", self.prefix))
    }
}

/// All published posts.
pub fn latest() -> List {
    List::new("LATEST", "")
}

/// The published posts of an author. By name, not by id, so that the page needs no look-up first.
pub fn posts_by_author(username: &Username) -> List {
    List::new(format!("BYLINE#{username}"), "")
}

/// The same posts as their author's own list, whose cursors are its own.
pub fn own_published_posts(username: &Username) -> List {
    List { alias: "/OWN", ..posts_by_author(username) }
}

/// The published posts of a kind.
pub fn posts_by_kind(kind: PostKind) -> List {
    List::new(format!("KIND#{kind}"), "")
}

/// The published posts of an author that are of a kind.
pub fn posts_by_author_of_kind(username: &Username, kind: PostKind) -> List {
    List::new(format!("BYLINE#{username}#{kind}"), "")
}

/// The posts that lead the blog.
pub fn pinned() -> List {
    List::new("PINNED", "POST#")
}

/// The published posts that answer a post.
pub fn replies(id: PostId) -> List {
    List::new(format!("REPLIES#{id}"), "")
}

/// The published posts that quote a post.
pub fn quotes(id: PostId) -> List {
    List::new(format!("QUOTES#{id}"), "")
}

/// The reposts of a post.
pub fn reposts(id: PostId) -> List {
    List::new(format!("REPOSTS#{id}"), "")
}

/// The published posts of a tag.
pub fn posts_by_tag(tag: &Tag) -> List {
    List::new(format!("TAG#{tag}"), "")
}

/// A user's own posts that are not in the trash.
pub fn own_posts(id: UserId) -> List {
    List::new(format!("AUTHOR#{id}"), OWN_POST_PREFIX)
}

/// What the sort keys of a user's own posts begin with. The item of a post keeps its key while the post changes its slug, its
/// status or its author's name, and is gone while the post is in the trash.
pub const OWN_POST_PREFIX: &str = "ALL#";
/// The key of a post that is not in the trash, in the list of its author's posts. It stays while the slug changes.
pub fn own_post(author: UserId, post: PostId) -> Key {
    own_posts(author).item(&post.to_string())
}

/// A user's own drafts.
pub fn drafts(id: UserId) -> List {
    List::new(format!("AUTHOR#{id}"), "DRAFT#")
}

/// A user's own posts that wait for their time.
pub fn scheduled_posts(id: UserId) -> List {
    List::new(format!("AUTHOR#{id}"), "SCHEDULED#")
}

/// A user's own posts in the trash.
pub fn trash(id: UserId) -> List {
    List::new(format!("AUTHOR#{id}"), "TRASHED#")
}

/// The key of a post in the trash, in the list of its author's posts.
pub fn trash_item(post: &Post) -> Key {
    trash(post.author.id).item(&post.id.to_string())
}

/// Who follows a user.
pub fn followers(id: UserId) -> List {
    List::new(format!("FOLLOWERS#{id}"), "")
}

/// Whom a user follows.
pub fn following(id: UserId) -> List {
    List::new(format!("FOLLOWING#{id}"), "")
}

/// All users.
pub fn users() -> List {
    List::new("USERS", "")
}

/// The users with this role.
pub fn users_with_role(role: Role) -> List {
    let partition = match role {
        Role::Reader => "READERS",
        Role::Author => "AUTHORS",
        Role::Editor => "EDITORS",
        Role::Admin => "ADMINISTRATORS",
    };
    List::new(partition, "")
}

/// The users whose accounts are in use, or those that are suspended.
pub fn users_with_status(suspended: bool) -> List {
    List::new(if suspended { "SUSPENDED" } else { "ACTIVE" }, "")
}

/// The lists that a user is in.
fn lists_of_user(user: &User) -> Vec<List> {
    match user.status {
        UserStatus::Unconfirmed | UserStatus::Deleting => Vec::new(),
        UserStatus::Active | UserStatus::Suspended => {
            vec![users(), users_with_role(user.role), users_with_status(user.status == UserStatus::Suspended)]
        }
    }
}

/// The keys of a user in lists.
pub fn list_items_of_user(user: &User) -> Vec<Key> {
    let id = user.id.to_string();
    lists_of_user(user).iter().map(|list| list.item(&id)).collect()
}

/// The keys of a post in lists. Every write of a post derives from this which list items come, go and change.
pub fn list_items(post: &Post) -> Vec<Key> {
    let own = |list: fn(UserId) -> List| list(post.author.id).item(&post.id.to_string());
    match (post.status, post.published_at) {
        (PostStatus::Trashed, _) => vec![trash_item(post)],
        (PostStatus::Published, Some(at)) => {
            let (id, username) = (post.id, &post.author.username);
            let mut lists =
                vec![posts_by_kind(post.kind), posts_by_author(username), posts_by_author_of_kind(username, post.kind)];
            lists.extend((post.kind != PostKind::Repost).then(latest));
            lists.extend(post.details.tags.iter().map(posts_by_tag));
            lists.extend(post.reply_to.map(replies));
            lists.extend(post.quote_of.map(if post.kind == PostKind::Repost { reposts } else { quotes }));
            let pin = post.pinned_at.map(|pinned_at| pinned().item(&format!("{pinned_at}#{id}")));
            let listed = lists.iter().map(|list| list.item(&format!("{at}#{id}")));
            [own(own_posts)].into_iter().chain(pin).chain(listed).collect()
        }
        (PostStatus::Scheduled, _) => {
            [own(own_posts), own(scheduled_posts)].into_iter().chain(scheduled(post)).collect()
        }
        (PostStatus::Draft | PostStatus::Published, _) => vec![own(own_posts), own(drafts)],
    }
}

/// The keys of a follow in lists: in that of whom the follower follows, and in that of the followed's followers.
pub fn follow_list_items(follow: &Follow) -> [Key; 2] {
    let Follow { follower, followed, followed_at } = follow;
    [
        following(*follower).item(&format!("{followed_at}#{followed}")),
        followers(*followed).item(&format!("{followed_at}#{follower}")),
    ]
}

/// The post whose thread this partition is, as everybody sees it.
pub fn post_of_thread(pk: &str) -> Option<PostId> {
    pk.strip_prefix("COMMENTS#")?.parse().ok()
}

/// The post whose held comments this partition has.
pub fn post_of_held_comments(pk: &str) -> Option<PostId> {
    pk.strip_prefix("HELD#")?.parse().ok()
}

/// The comment that this partition leads to.
pub fn comment_of_place(pk: &str) -> Option<CommentId> {
    pk.strip_prefix("COMMENT#")?.parse().ok()
}

/// The post whose reactions this partition has.
pub fn post_of_reactions(pk: &str) -> Option<PostId> {
    pk.strip_prefix("REACTIONS#")?.parse().ok()
}

/// The notifications of a user.
pub fn notifications(user: UserId) -> List {
    List::new(format!("NOTIFICATIONS#{user}"), "AT#")
}

/// A notification of a user.
pub fn notification(user: UserId, id: NotificationId) -> Key {
    notifications(user).item(&id.to_string())
}

/// Up to which notification a user has read.
pub fn read_mark(user: UserId) -> Key {
    Key::new(notifications(user).partition, "READ")
}

/// Whom a subject is told.
pub fn told_partition(subject: Subject) -> String {
    match subject {
        Subject::Comment(id) => format!("TOLD#COMMENT#{id}"),
        Subject::Post(id) => format!("TOLD#POST#{id}"),
        Subject::Reactions(id) => format!("TOLD#REACTIONS#{id}"),
        Subject::Follows(id) => format!("TOLD#FOLLOWS#{id}"),
        Subject::Decision(id) => format!("TOLD#DECISION#{id}"),
    }
}

/// That a user is told of a subject; the item is what makes it happen once.
pub fn told(subject: Subject, recipient: UserId) -> Key {
    Key::new(told_partition(subject), recipient.to_string())
}

/// That the author of a post is told of this user's reaction.
pub fn told_reaction(post: PostId, user: UserId) -> Key {
    Key::new(told_partition(Subject::Reactions(post)), format!("{TOLD_REACTION_PREFIX}{user}"))
}

/// What the sort keys of those whose reactions are told begin with. Ids of users sort before it.
pub const TOLD_REACTION_PREFIX: &str = "BY#";
