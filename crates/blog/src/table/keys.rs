//! Every key of the table, and only here.
//!
//! | pattern | operation | partition key | sort key | consistency | cost |
//! |---|---|---|---|---|---|
//! | a user's profile | GetItem | `USER#id` | `PROFILE` | eventual; strong for oneself | 0.5 to 1 RCU |
//! | who has a username | GetItem | `USERNAME#name` | `USERNAME` | strong | 1 RCU |
//! | who has an e-mail address | GetItem | `EMAIL#sha256` | `EMAIL` | strong | 1 RCU |
//! | whose name in Cognito it is, if it is no id | GetItem | `COGNITO#sha256` | `COGNITO` | strong | 1 RCU |
//! | register | TransactWriteItems | the first three above | | | 12 WCU, twice |
//! | a profile for who came by another way | TransactWriteItems | the four above | | | 16 WCU |
//! | change a role, suspend, reinstate | TransactWriteItems | the profile, `ADMINS` | `ADMINS` | | 4 to 6 WCU |
//! | a post by its slug, or where it moved | Query | `POST#slug` | begins with `POST` | eventual; strong for a viewer | 2 RCU |
//! | a post without its text | GetItem | `POST#slug` | `POST` | strong | 1 RCU |
//! | a post's current slug | GetItem | `POSTID#id` | `SLUG` | strong | 1 RCU |
//! | latest posts, newest first | Query | `LATEST#year` | `published_at#id` | eventual; strong for a viewer | 3 RCU |
//! | an author's published posts | Query | `BYLINE#username` | `published_at#id` | eventual; strong for a viewer | 3 RCU |
//! | a tag's posts | Query | `TAG#tag` | `published_at#id` | eventual; strong for a viewer | 3 RCU |
//! | my posts | Query | `AUTHOR#id` | begins with `ALL#` | strong | 6 RCU |
//! | my drafts, my trash | Query | `AUTHOR#id` | begins with `DRAFT#`, `TRASHED#` | strong | 6 RCU |
//! | the year before a year in the latest list | Query, with the page | `LATEST#year` | `0` | as the page | 0 |
//! | all years of the latest list | GetItem | `LATEST` | `YEARS` | strong | 1 RCU |
//! | the key that cursors are signed with | GetItem, once a process | `SIGNING_KEY` | `SIGNING_KEY` | strong | 1 RCU |
//!
//! What is put between the separators cannot contain one: ids, names, slugs and tags are types whose alphabet
//! lacks `#`. E-mail addresses and names in Cognito may contain anything, and keys show up in AWS's tools
//! (Contributor Insights), so theirs is a hash.

use aws_lc_rs::digest;

use crate::clock::Timestamp;
use crate::domain::{CognitoName, Email, Post, PostId, PostStatus, Slug, Tag, UserId, Username};

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
    Key::new(format!("USER#{id}"), "PROFILE")
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

/// A post's current slug.
pub fn post_slug(id: PostId) -> Key {
    Key::new(format!("POSTID#{id}"), "SLUG")
}

/// The years that the latest list has.
pub fn latest_years() -> Key {
    Key::new("LATEST", "YEARS")
}

/// The end of a year's part of the latest list. It sorts before every time, so reading newest first reaches
/// it last.
pub fn latest_end(year: &str) -> Key {
    Key::new(format!("LATEST#{year}"), "0")
}

/// Who the administrators are.
pub fn admins() -> Key {
    Key::new("ADMINS", "ADMINS")
}

/// The key that cursors are signed with.
pub fn signing_key() -> Key {
    Key::new("SIGNING_KEY", "SIGNING_KEY")
}

/// A list of posts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostList {
    /// All published posts. In a partition a year, so that no partition takes the writes of all time.
    Latest,
    /// The published posts of an author. By name, not by id, so that the page needs no look-up first.
    ByAuthor(Username),
    /// The published posts of a tag.
    ByTag(Tag),
    /// A user's own posts that are not in the trash.
    Own(UserId),
    /// A user's own drafts.
    Drafts(UserId),
    /// A user's own posts in the trash.
    Trash(UserId),
}

impl PostList {
    /// The partition, for the lists that have one only; and for the latest list that of a year.
    pub fn partition(&self, year: &str) -> String {
        match self {
            Self::Latest => format!("LATEST#{year}"),
            Self::ByAuthor(username) => format!("BYLINE#{username}"),
            Self::ByTag(tag) => format!("TAG#{tag}"),
            Self::Own(id) | Self::Drafts(id) | Self::Trash(id) => format!("AUTHOR#{id}"),
        }
    }

    /// What the sort keys of the list's items begin with.
    pub fn prefix(&self) -> &'static str {
        match self {
            Self::Latest | Self::ByAuthor(_) | Self::ByTag(_) => "",
            Self::Own(_) => "ALL#",
            Self::Drafts(_) => "DRAFT#",
            Self::Trash(_) => "TRASHED#",
        }
    }

    /// The list's name, which its cursors are bound to.
    pub fn name(&self) -> String {
        format!("{}/{}", self.partition(""), self.prefix())
    }

    fn key(&self, year: &str, position: &str) -> Key {
        Key::new(self.partition(year), format!("{}{position}", self.prefix()))
    }
}

/// The year part of the latest list that a post published at this time stands in.
pub fn latest_year(published_at: Timestamp) -> String {
    format!("{:04}", published_at.year())
}

/// Where a post stands in lists. Every write of a post derives from this which list items come, go and change.
pub fn list_items(post: &Post) -> Vec<Key> {
    let own = post.author.id;
    let id = post.id.to_string();
    match (post.status, post.published_at) {
        (PostStatus::Trashed, _) => vec![PostList::Trash(own).key("", &id)],
        (PostStatus::Published, Some(published_at)) => {
            let position = format!("{published_at}#{id}");
            let mut keys = vec![
                PostList::Own(own).key("", &id),
                PostList::Latest.key(&latest_year(published_at), &position),
                PostList::ByAuthor(post.author.username.clone()).key("", &position),
            ];
            keys.extend(post.tags.iter().map(|tag| PostList::ByTag(tag.clone()).key("", &position)));
            keys
        }
        (PostStatus::Draft | PostStatus::Published, _) => {
            vec![PostList::Own(own).key("", &id), PostList::Drafts(own).key("", &id)]
        }
    }
}
