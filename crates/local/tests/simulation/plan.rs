//! What the clients of a seed ask for.

use super::chance::Chance;

/// Who asks: an administrator, an editor, five authors and a reader.
pub const CLIENTS: [&str; 8] = ["chief", "edith", "ada", "bob", "cyd", "dan", "eve", "rex"];
pub const ADMIN: usize = 0;
pub const EDITOR: usize = 1;
pub const AUTHORS: [usize; 5] = [2, 3, 4, 5, 6];
pub const READER: usize = 7;

pub const POSTS: usize = 10;
pub const TAGS: [&str; 3] = ["tea", "sea", "lee"];
pub const NAMES: [&str; 3] = ["nova-a", "nova-b", "nova-c"];
pub const REACTIONS: [&str; 4] = ["like", "love", "insightful", "celebrate"];

/// Whose post it is.
pub fn author_of(post: usize) -> usize {
    AUTHORS[post % AUTHORS.len()]
}

/// The tag that a post has, besides `all`.
pub fn tag_of(post: usize) -> &'static str {
    TAGS[post % TAGS.len()]
}

/// A request. Numbers of titles and comments are different each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Create { post: usize, title: u32, published: bool },
    Edit { post: usize, title: u32, pinned_down: bool },
    Publish { post: usize, delay: Option<i64> },
    Unpublish { post: usize },
    Trash { post: usize },
    Restore { post: usize },
    Pin { post: usize, on: bool },
    Read { post: usize, anonymous: bool },
    React { post: usize, kind: Option<usize> },
    Follow { user: usize, on: bool },
    FollowTag { tag: usize, on: bool },
    Profile { user: usize },
    Bookmark { post: usize, on: bool },
    Comment { post: usize, number: u32 },
    Delete { recent: usize },
    Decide { recent: usize, approve: bool },
    Comments { post: usize },
    ByAuthor { user: usize },
    ByTag { tag: usize },
    Latest,
    Feed,
    Mine,
    Search { post: usize },
    Rename { name: usize },
    Register { name: usize, number: u32 },
    CreateKey,
    UseKey,
    DeleteKey,
    Minute,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    pub client: usize,
    pub act: Act,
}

/// So many requests, as the seed says. Each post is created early, so that much can happen to it.
pub fn requests(seed: u64, number: usize) -> Vec<Request> {
    let mut chance = Chance::new(seed ^ 0x5eed);
    (0..number).map(|position| request(&mut chance, position)).collect()
}

fn request(chance: &mut Chance, position: usize) -> Request {
    let number = u32::try_from(position).unwrap();
    let client = chance.below(CLIENTS.len());
    if position < 2 * POSTS {
        let post = position % POSTS;
        let act = Act::Create { post, title: number, published: chance.below(4) > 0 };
        // Now and then somebody tries who must not.
        let client = if position >= POSTS && chance.below(4) == 0 { READER } else { author_of(post) };
        return Request { client, act };
    }
    // A few posts are much busier than the others.
    let post = if chance.below(3) > 0 { chance.below(3) } else { chance.below(POSTS) };
    let on = chance.below(3) > 0;
    let owner = match chance.below(6) {
        0 => client,
        1 => EDITOR,
        _ => author_of(post),
    };
    let (client, act) = match chance.below(100) {
        0..=9 => (owner, Act::Edit { post, title: number, pinned_down: chance.below(3) > 0 }),
        10..=14 => (owner, Act::Publish { post, delay: None }),
        15..=16 => (owner, Act::Publish { post, delay: Some(30_000 * i64::try_from(1 + chance.below(4)).unwrap()) }),
        17..=20 => (owner, Act::Unpublish { post }),
        21..=23 => (owner, Act::Trash { post }),
        24..=26 => (owner, Act::Restore { post }),
        27..=29 => (if on { EDITOR } else { client }, Act::Pin { post, on: chance.below(2) > 0 }),
        30..=36 => (client, Act::Read { post, anonymous: chance.below(3) == 0 }),
        37..=45 => (client, Act::React { post, kind: (chance.below(4) > 0).then(|| chance.below(REACTIONS.len())) }),
        46..=51 => (client, Act::Follow { user: *chance.pick(&AUTHORS), on }),
        52..=53 => (client, Act::FollowTag { tag: chance.below(TAGS.len()), on }),
        54..=56 => (client, Act::Profile { user: *chance.pick(&AUTHORS) }),
        57..=60 => (client, Act::Bookmark { post, on }),
        61..=66 => (client, Act::Comment { post, number }),
        67..=69 => (client, Act::Delete { recent: chance.below(6) }),
        70..=73 => (if on { EDITOR } else { client }, Act::Decide { recent: chance.below(6), approve: on }),
        74..=76 => (client, Act::Comments { post }),
        77..=79 => (client, Act::ByAuthor { user: *chance.pick(&AUTHORS) }),
        80..=81 => (client, Act::ByTag { tag: chance.below(TAGS.len()) }),
        82..=83 => (client, Act::Latest),
        84..=85 => (client, Act::Feed),
        86 => (client, Act::Mine),
        87..=88 => (client, Act::Search { post }),
        89..=90 => (READER, Act::Rename { name: chance.below(NAMES.len()) }),
        91..=92 => (client, Act::Register { name: chance.below(NAMES.len()), number }),
        93 => (client, Act::CreateKey),
        94..=95 => (client, Act::UseKey),
        96 => (client, Act::DeleteKey),
        _ => (ADMIN, Act::Minute),
    };
    Request { client, act }
}
