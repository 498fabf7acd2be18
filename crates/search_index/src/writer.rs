//! Writes a segment from its beginning to its end: posts first, then each term with its list, then what says where everything is.
//! Nothing is held that grows with the lists.

use crate::block::deflate;
use crate::bytes::{put_number, put_text};
use crate::footer::{Filter, Footer, Layout, Section, place_key};
use crate::terms::language_of;

/// What a segment says of a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Post {
    pub id: u128,
    pub author: u128,
    /// When it was published, in milliseconds since 1970.
    pub published_at: i64,
    /// Its words, each counted as it weighs.
    pub length: u32,
}

impl Post {
    /// By which the posts of a segment are ordered: the newest first.
    pub fn key(&self) -> [u8; 24] {
        place_key(self.published_at, self.id)
    }
}

/// A post as it is stored.
pub(crate) const POST_BYTES: usize = 40;

/// An id as it is stored, with the number of its post.
pub(crate) const ID_BYTES: usize = 20;

/// Instead of the number of a post that is gone.
pub(crate) const GONE: u32 = u32::MAX;

/// Lengths as they are stored: the lowest byte of each, then the next of each, up to the highest that one of them needs.
pub(crate) fn put_lengths(lengths: &[u32]) -> Vec<u8> {
    let used = lengths.iter().fold(0, |used, length| used | length);
    let bytes = (4 - used.leading_zeros() / 8).max(1);
    (0..bytes).flat_map(|at| lengths.iter().map(move |length| (length >> (8 * at)) as u8)).collect()
}

/// A segment that is being written.
pub(crate) struct Writer {
    layout: Layout,
    /// What is written and not taken yet.
    ready: Vec<u8>,
    footer: Footer,
    ids: Vec<(u128, u32)>,
    lengths: Vec<u32>,
    /// The blocks of posts and lists that are not full.
    posts: Vec<u8>,
    posts_key: Vec<u8>,
    list: Vec<u8>,
    /// How many blocks of lists there are, but for the one that is not full.
    lists: u32,
    /// The blocks of terms, which come after the lists, and the one that is not full.
    terms: Vec<(Vec<u8>, Vec<u8>, u32)>,
    block: Vec<u8>,
    first_term: String,
    last_term: String,
    /// Where the list of the last term ends.
    last_list: (u32, usize),
}

impl Writer {
    pub fn new(layout: Layout) -> Self {
        Self {
            layout,
            ready: Vec::new(),
            footer: Footer::new(&layout),
            ids: Vec::new(),
            lengths: Vec::new(),
            posts: Vec::new(),
            posts_key: Vec::new(),
            list: Vec::new(),
            lists: 0,
            terms: Vec::new(),
            block: Vec::new(),
            first_term: String::new(),
            last_term: String::new(),
            last_list: (0, 0),
        }
    }

    /// Adds a post: the newest first.
    pub fn post(&mut self, post: &Post) {
        if self.posts.is_empty() {
            self.posts_key = post.key().to_vec();
        }
        self.posts.extend_from_slice(&post.id.to_be_bytes());
        self.posts.extend_from_slice(&post.author.to_be_bytes());
        self.posts.extend_from_slice(&post.published_at.to_be_bytes());
        self.ids.push((post.id, self.footer.posts));
        self.lengths.push(post.length);
        self.footer.posts += 1;
        self.footer.length += u64::from(post.length);
        if self.posts.len() == self.layout.posts * POST_BYTES {
            self.end_posts_block();
        }
    }

    fn end_posts_block(&mut self) {
        let (raw, key) = (std::mem::take(&mut self.posts), std::mem::take(&mut self.posts_key));
        self.put(Section::Posts, &raw, key);
    }

    /// Says that a post is gone.
    pub fn gone(&mut self, id: u128) {
        self.ids.push((id, GONE));
        self.footer.gone += 1;
    }

    /// Ends the posts, before the first term.
    pub fn end_posts(&mut self) {
        if !self.posts.is_empty() {
            self.end_posts_block();
        }
        let mut ids = std::mem::take(&mut self.ids);
        ids.sort_unstable();
        let mut filter = Filter::of(ids.len());
        for some in ids.chunks(self.layout.ids) {
            let mut raw = Vec::with_capacity(some.len() * ID_BYTES);
            for (id, number) in some {
                filter.insert(*id);
                raw.extend_from_slice(&id.to_be_bytes());
                raw.extend_from_slice(&number.to_le_bytes());
            }
            let key = some.first().map(|(id, _)| id.to_be_bytes().to_vec()).unwrap_or_default();
            self.put(Section::Ids, &raw, key);
        }
        for raw in filter.0.chunks(self.layout.filter) {
            self.put(Section::Filter, raw, Vec::new());
        }
        for some in std::mem::take(&mut self.lengths).chunks(self.layout.lengths) {
            self.put(Section::Lengths, &put_lengths(some), Vec::new());
        }
    }

    /// Adds a term with its list: terms come in order, and so do the posts of a list.
    pub fn term(&mut self, term: &str, postings: &[(u32, &[u8])]) {
        let Some((first_post, _)) = postings.first() else { return };
        if let Some(code) = language_of(term)
            && !self.footer.languages.iter().any(|known| known == code)
        {
            self.footer.languages.push(code.to_owned());
        }
        // Parts of a list, each with its first post.
        let mut parts: Vec<(u32, Vec<u8>)> = vec![(*first_post, Vec::new())];
        let mut next = 0;
        for (post, payload) in postings {
            if parts.last().is_some_and(|(_, part)| part.len() >= self.layout.lists) {
                parts.push((*post, Vec::new()));
                next = 0;
            }
            if let Some((_, part)) = parts.last_mut() {
                put_number(part, post.saturating_sub(next).into());
                part.extend_from_slice(payload);
            }
            next = post.saturating_add(1);
        }
        let bytes: usize = parts.iter().map(|(_, part)| part.len()).sum();
        let is_shared = parts.len() == 1;
        if !self.list.is_empty() && (!is_shared || self.list.len() + bytes > self.layout.lists) {
            self.end_list_block();
        }
        let at = (self.lists, self.list.len());
        self.put_term(term, postings.len(), at, bytes, &parts);
        for (_, part) in &parts {
            self.list.extend_from_slice(part);
            if !is_shared {
                self.end_list_block();
            }
        }
        self.last_list = (self.lists, self.list.len());
    }

    /// ```text
    /// block: term  list_block  offset  entry…         the first term, and where its list begins
    /// entry: shared suffix  posts  parts  blocks_on  bytes  [post+]…
    /// ```
    fn put_term(&mut self, term: &str, posts: usize, at: (u32, usize), bytes: usize, parts: &[(u32, Vec<u8>)]) {
        if self.block.len() >= self.layout.terms {
            self.end_terms_block();
        }
        if self.block.is_empty() {
            self.first_term = term.to_owned();
            put_text(&mut self.block, term.as_bytes());
            put_number(&mut self.block, at.0.into());
            put_number(&mut self.block, at.1 as u64);
            self.last_term = term.to_owned();
            self.last_list = at;
        }
        let shared = self.last_term.bytes().zip(term.bytes()).take_while(|(a, b)| a == b).count();
        put_number(&mut self.block, shared as u64);
        put_text(&mut self.block, term.as_bytes().get(shared..).unwrap_or_default());
        put_number(&mut self.block, posts as u64);
        put_number(&mut self.block, parts.len() as u64);
        put_number(&mut self.block, at.0.saturating_sub(self.last_list.0).into());
        put_number(&mut self.block, bytes as u64);
        if parts.len() > 1 {
            let mut before = 0;
            for (first_post, _) in parts {
                put_number(&mut self.block, first_post.saturating_sub(before).into());
                before = *first_post;
            }
        }
        term.clone_into(&mut self.last_term);
    }

    fn end_terms_block(&mut self) {
        let (bytes, checksum) = deflate(&std::mem::take(&mut self.block));
        self.terms.push((std::mem::take(&mut self.first_term).into_bytes(), bytes, checksum));
    }

    fn end_list_block(&mut self) {
        let raw = std::mem::take(&mut self.list);
        self.put(Section::Lists, &raw, Vec::new());
        self.lists += 1;
    }

    fn put(&mut self, section: Section, raw: &[u8], key: Vec<u8>) {
        let (bytes, checksum) = deflate(raw);
        self.footer.push(section, bytes.len(), checksum, key);
        self.ready.extend_from_slice(&bytes);
    }

    /// How many bytes can be taken.
    pub fn ready(&self) -> usize {
        self.ready.len()
    }

    /// The bytes that come next in the file.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.ready)
    }

    /// The last bytes of the file, without the footer, and the footer.
    pub fn finish(mut self) -> (Vec<u8>, Footer) {
        if !self.list.is_empty() {
            self.end_list_block();
        }
        if !self.block.is_empty() {
            self.end_terms_block();
        }
        for (key, bytes, checksum) in std::mem::take(&mut self.terms) {
            self.footer.push(Section::Terms, bytes.len(), checksum, key);
            self.ready.extend_from_slice(&bytes);
        }
        self.footer.languages.sort_unstable();
        (self.ready, self.footer)
    }
}
