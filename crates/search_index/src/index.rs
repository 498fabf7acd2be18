//! Who is found, and in which order.
//!
//! A post is found if it has everything that is quoted and all of the other words; if no post has all of them, those that have
//! most. They are ranked by BM25F (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009, section 3.6): a word counts
//! more in the title and the tags, and less the more posts it is in and the longer the post is. Scores are exact: every
//! post that has a word is looked at, and nothing is rounded. How many posts a word is in, and how long they are, is counted over the segments; so
//! what a later segment has replaced counts until it is merged away, and is never shown.
//!
//! A search reads in rounds, in each of them all that it needs of all segments at once: the terms; their lists; the best posts. A round
//! whose blocks are in the cache takes no time.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::future::poll_fn;
use std::ops::Range;
use std::sync::Arc;
use std::task::Poll;

use futures_util::future::{try_join, try_join_all, try_join3};
use serde::{Deserialize, Serialize};

use crate::footer::place_key;
use crate::postings::{Postings, weight_at};
use crate::query::{Atom, Clause, Is, Query};
use crate::segment::{Blocks, Entry, Fetched, ReadError, Segment, Source, Wanted};
use crate::terms::{author_term, language_of, tag_term};
use crate::writer::Post;

/// BM25's usual parameters: how soon more of the same word stops counting, and how much the length of a post counts.
const K: f64 = 1.2;
const B: f64 = 0.75;

/// The maximum number of bytes of lists that a query reads, as they are before they are deflated: up to 16 million postings. What would
/// take more is cut ([`Cut`]).
const MAX_LIST_BYTES: u64 = 32 * 1024 * 1024;

/// How many of the best posts are looked up at the most, for as many that a later segment has replaced. Who goes on goes on behind them.
const MAX_LOOKED_UP: usize = 4_096;

/// An index: segments, the oldest first. What a later one says of a post replaces what an earlier one says.
#[derive(Debug)]
pub struct Index<S> {
    parts: Vec<Arc<Segment<S>>>,
    max_list_bytes: u64,
}

/// A post that is found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// The post.
    pub id: u128,
    /// Its author.
    pub author: u128,
    /// Rounded, so that what is equal but for the last bits of a sum is equal.
    score: f32,
    published_at: i64,
}

/// What is found of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The best of it, best first.
    pub hits: Vec<Hit>,
    /// Where to go on, if this is not all.
    pub next: Option<Place>,
}

/// A place in the posts that a query finds. It remembers what the first page was ranked by, so that whoever goes on from there
/// meets each post once that was there throughout, although others write meanwhile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Place {
    #[serde(flatten)]
    ranked_by: Statistics,
    /// The last post that was shown. The score in bits, since JSON would round it.
    score: u32,
    published_at: i64,
    id: u128,
}

/// What scores depend on besides the post itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Statistics {
    posts: u64,
    length: u64,
    /// How many posts each clause is in.
    frequencies: Vec<u64>,
    /// How many of the words that are not quoted a post must have.
    matched: u8,
    /// What is left out of a query that would read too much.
    #[serde(default)]
    left_out: Vec<usize>,
}

impl Statistics {
    /// What a clause adds to the score of a post of this length in which it weighs this much.
    fn scores(&self, clause: usize) -> impl Fn(u32, u32) -> f64 {
        let (posts, frequency) = (self.posts as f64, self.frequencies.get(clause).copied().unwrap_or_default() as f64);
        let rarity = (1.0 + (posts - frequency + 0.5).max(0.0) / (frequency + 0.5)).ln();
        let average = (self.length as f64 / posts.max(1.0)).max(1.0);
        let (most, shortest, longer) = (rarity * (K + 1.0), K * (1.0 - B), K * B / average);
        move |weight, length| {
            let weight = f64::from(weight);
            most * weight / (weight + shortest + longer * f64::from(length))
        }
    }
}

impl Hit {
    /// By which hits are ordered: the best first; of equals the newest.
    fn order(&self, other: &Self) -> Ordering {
        let by_age = other.published_at.cmp(&self.published_at).then(other.id.cmp(&self.id));
        other.score.total_cmp(&self.score).then(by_age)
    }
}

/// How a query that would read too much is cut. First the words that are in most posts are left out, as long as another is left: they
/// are not required and do not count. What is quoted, excluded or a filter stays. If that is too much still, only the newest posts of each
/// segment are searched, and the others not found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cut {
    pub left_out: Vec<usize>,
    /// The share of each segment that is searched.
    pub share: f64,
}

impl Cut {
    /// `sizes` are the bytes of the lists of each clause, `others` those of the filters.
    pub fn of(clauses: &[Clause], sizes: &[u64], others: u64, left_out: Option<&[usize]>, max: u64) -> Self {
        let mut cut = Self { left_out: left_out.unwrap_or_default().to_vec(), share: 1.0 };
        if left_out.is_none() {
            let wanted = clauses.iter().filter(|clause| !clause.is_excluded).count();
            let plain = clauses.iter().zip(sizes).enumerate().filter(|(_, (clause, _))| clause.is_plain());
            let mut plain: Vec<(u64, usize)> = plain.map(|(number, (_, size))| (*size, number)).collect();
            plain.sort_unstable();
            while total_of(sizes, others, &cut.left_out) > max
                && cut.left_out.len() + 1 < wanted
                && let Some((_, clause)) = plain.pop()
            {
                cut.left_out.push(clause);
            }
        }
        let total = total_of(sizes, others, &cut.left_out);
        if total > max {
            cut.share = max as f64 / total as f64;
        }
        cut
    }
}

fn total_of(sizes: &[u64], others: u64, left_out: &[usize]) -> u64 {
    let left = sizes.iter().enumerate().filter(|(clause, _)| !left_out.contains(clause));
    left.fold(others, |sum, (_, size)| sum.saturating_add(*size))
}

impl<S: Source> Index<S> {
    /// An index of these segments, the oldest first.
    pub fn new(segments: Vec<Arc<Segment<S>>>) -> Self {
        Self { parts: segments, max_list_bytes: MAX_LIST_BYTES }
    }

    #[cfg(test)]
    pub(crate) fn with_max_list_bytes(self, max_list_bytes: u64) -> Self {
        Self { max_list_bytes, ..self }
    }

    /// The best posts for a query, at most `max`; those that come behind `after`, if that is given. `author` gives the id of the user
    /// with a username.
    pub async fn search(
        &self,
        query: &Query,
        author: impl Fn(&str) -> Option<u128>,
        after: Option<&Place>,
        max: usize,
    ) -> Result<Found, ReadError<S::Error>> {
        let nothing = Found { hits: Vec::new(), next: None };
        if query.is_empty() {
            return Ok(nothing);
        }
        let filters: Vec<_> = query.filters.iter().map(|filter| wanted_of_filter(&filter.is, &author)).collect();
        let looked = self.parts.iter().enumerate();
        let looked = looked.map(|(number, part)| look_up(part, number > 0, query, &filters, after));
        let looked: Vec<Looked> = try_join_all(looked).await?;

        let size = |clause: usize| looked.iter().map(|looked| looked.bytes_of(clause)).sum();
        let sizes: Vec<u64> = (0..query.clauses.len()).map(size).collect();
        let others = looked.iter().flat_map(|looked| looked.filters.iter().flatten()).map(|entry| entry.bytes).sum();
        let left_out = after.map(|place| place.ranked_by.left_out.as_slice());
        let cut = Cut::of(&query.clauses, &sizes, others, left_out, self.max_list_bytes);
        let weighed = self.parts.iter().zip(&looked).map(|(part, looked)| weigh(part, query, looked, &cut));
        let weighed: Vec<Weighed> = try_join_all(weighed).await?;

        let (mut ranked_by, levels) = match after {
            Some(place) => (place.ranked_by.clone(), vec![place.ranked_by.matched]),
            None => {
                let of = |number: fn(&Segment<S>) -> u64| self.parts.iter().map(|part| number(part)).sum();
                let statistics = Statistics {
                    posts: of(|part| part.footer.posts.into()),
                    length: of(|part| part.footer.length),
                    frequencies: (0..query.clauses.len())
                        .map(|clause| weighed.iter().filter_map(|weighed| weighed.frequencies.get(clause)).sum())
                        .collect(),
                    matched: 0,
                    left_out: cut.left_out,
                };
                (statistics, levels(query, &weighed))
            }
        };
        for level in levels {
            ranked_by.matched = level;
            let best_of_parts = |count: usize| -> Vec<Best> {
                let parts = self.parts.iter().zip(&weighed).zip(&looked);
                parts
                    .map(|((part, weighed), looked)| best(part, query, weighed, looked, &ranked_by, after, count))
                    .collect()
            };
            let (mut hits, is_all) = self.best(best_of_parts, max + 1).await?;
            if hits.is_empty() {
                continue;
            }
            let has_more = hits.len() > max || !is_all;
            hits.truncate(max);
            let next = hits.last().filter(|_| has_more).map(|last| Place {
                score: last.score.to_bits(),
                published_at: last.published_at,
                id: last.id,
                ranked_by,
            });
            return Ok(Found { hits, next });
        }
        Ok(nothing)
    }

    /// The best `wanted` posts of all segments, but for those that a later segment has replaced; and whether that is all.
    async fn best(
        &self,
        best_of_parts: impl Fn(usize) -> Vec<Best>,
        wanted: usize,
    ) -> Result<(Vec<Hit>, bool), ReadError<S::Error>> {
        let mut count = wanted;
        loop {
            let of_parts = best_of_parts(count);
            let mut is_all = of_parts.iter().all(|best| best.is_all);
            let of_parts = of_parts.into_iter().enumerate();
            let mut best: Vec<(f32, usize, u32)> = of_parts
                .flat_map(|(part, best)| best.scored.into_iter().map(move |(score, post)| (score, part, post)))
                .collect();
            if best.len() > count {
                is_all = false;
                let (_, (threshold, ..), _) =
                    best.select_nth_unstable_by(count - 1, |one, other| other.0.total_cmp(&one.0));
                let threshold = *threshold;
                best.retain(|(score, ..)| *score >= threshold);
            }
            let mut hits = self.look_up_hits(&best).await?;
            hits.sort_unstable_by(|(one, _), (other, _)| one.order(other));
            hits.truncate(count);
            let replaced = self.replaced(&hits).await?;
            let hits = hits.into_iter().filter(|hit| !replaced.contains(&(hit.1, hit.0.id)));
            let hits: Vec<_> = hits.map(|(hit, _)| hit).take(wanted).collect();
            if hits.len() == wanted || is_all || count >= MAX_LOOKED_UP {
                return Ok((hits, is_all));
            }
            count = (count * 4).min(MAX_LOOKED_UP);
        }
    }

    /// Who these posts are, each with the segment that it is in.
    async fn look_up_hits(&self, best: &[(f32, usize, u32)]) -> Result<Vec<(Hit, usize)>, ReadError<S::Error>> {
        let read = self.parts.iter().enumerate().map(|(number, part)| {
            let of_part = best.iter().filter(move |(_, part, _)| *part == number);
            let (scores, posts): (Vec<f32>, Vec<u32>) = of_part.map(|(score, _, post)| (*score, *post)).unzip();
            async move {
                let posts = part.posts(&posts).await?.into_iter().zip(scores);
                let hit = |(post, score): (Post, f32)| {
                    let hit = Hit { id: post.id, author: post.author, score, published_at: post.published_at };
                    (hit, number)
                };
                Ok::<Vec<_>, ReadError<S::Error>>(posts.map(hit).collect())
            }
        });
        Ok(try_join_all(read).await?.concat())
    }

    /// Which of these a later segment says something of.
    async fn replaced(&self, hits: &[(Hit, usize)]) -> Result<HashSet<(usize, u128)>, ReadError<S::Error>> {
        let said = self.parts.iter().enumerate().map(|(number, part)| {
            let ids: Vec<u128> = hits.iter().filter(|(_, part)| *part < number).map(|(hit, _)| hit.id).collect();
            async move { part.says_of(&ids).await }
        });
        let said = try_join_all(said).await?.into_iter().enumerate();
        let said = said.flat_map(|(number, ids)| ids.into_iter().map(move |id| (number, id)));
        Ok(said.flat_map(|(number, id)| (0..number).map(move |older| (older, id))).collect())
    }
}

impl Clause {
    /// Whether a post may be found that does not have it.
    fn is_plain(&self) -> bool {
        !self.is_quoted && !self.is_excluded
    }
}

/// The numbers of words that a post may have to be found, the best first.
fn levels(query: &Query, weighed: &[Weighed]) -> Vec<u8> {
    let is_there = weighed.iter().flat_map(|weighed| &weighed.matched).fold(0_u64, |bits, matched| bits | 1 << matched);
    let wanted = query.clauses.iter().filter(|clause| !clause.is_excluded);
    let is_one_enough = wanted.clone().count() == 0 || wanted.clone().any(|clause| clause.is_quoted);
    let least = if is_one_enough { 0 } else { 1 };
    (least..NOT_FOUND).rev().filter(|level| is_there >> level & 1 == 1).collect()
}

/// What a query is in a segment, before any list is read.
struct Looked {
    /// Of each clause, for each of its words, the lists. Those of a clause with forms are all under one.
    clauses: Vec<Vec<Vec<Entry>>>,
    /// Of each filter.
    filters: Vec<Vec<Entry>>,
    /// The posts that the filters by time let pass.
    range: Range<u32>,
    /// The first post behind the last that was shown, among those with the same score.
    behind: u32,
    /// What is to be kept of the segment and was not known.
    kept: Fetched,
}

impl Looked {
    fn bytes_of(&self, clause: usize) -> u64 {
        self.clauses.get(clause).into_iter().flatten().flatten().map(|entry| entry.bytes).sum()
    }
}

/// The list that a filter looks for; none of one by time.
fn wanted_of_filter(filter: &Is, author: &impl Fn(&str) -> Option<u128>) -> Option<Wanted> {
    match filter {
        Is::Tagged(tag) => Some(Wanted::Term(tag_term(tag))),
        // No user has the id 0.
        Is::By(name) => Some(Wanted::Term(author_term(author(name).unwrap_or_default()))),
        Is::Before(_) | Is::After(_) => None,
    }
}

async fn look_up<S: Source>(
    part: &Segment<S>,
    has_older: bool,
    query: &Query,
    filters: &[Option<Wanted>],
    after: Option<&Place>,
) -> Result<Looked, ReadError<S::Error>> {
    let of_clause = |clause: &Clause| -> Vec<Vec<Wanted>> {
        if clause.forms.is_empty() {
            return clause.atoms.iter().map(|atom| vec![wanted_of_atom(atom)]).collect();
        }
        let is_here = |form: &&String| {
            let code = language_of(form).unwrap_or_default();
            part.footer.languages.iter().any(|known| known == code)
        };
        vec![clause.forms.iter().filter(is_here).cloned().map(Wanted::Term).collect()]
    };
    let clauses: Vec<Vec<Vec<Wanted>>> = query.clauses.iter().map(of_clause).collect();
    let wanted: Vec<Wanted> = clauses.iter().flatten().flatten().chain(filters.iter().flatten()).cloned().collect();

    // Before and after this time: where the posts begin that are older.
    let times: Vec<(i64, bool)> = query
        .filters
        .iter()
        .filter_map(|filter| match filter.is {
            Is::Before(time) => Some((time, !filter.is_excluded)),
            Is::After(time) => Some((time, filter.is_excluded)),
            _ => None,
        })
        .collect();
    let mut places: Vec<[u8; 24]> =
        times.iter().map(|(time, _)| place_key(time.saturating_sub(1), u128::MAX)).collect();
    places.extend(after.map(|place| match place.id.checked_sub(1) {
        Some(id) => place_key(place.published_at, id),
        None => place_key(place.published_at.saturating_sub(1), u128::MAX),
    }));
    let places = try_join_all(places.iter().map(|place| part.first_at(place)));
    let (lists, places, kept) = try_join3(part.find(&wanted), places, part.fetch_kept(has_older)).await?;

    let mut lists = lists.into_iter();
    let mut take = |count: usize| lists.by_ref().take(count).flatten().collect::<Vec<Entry>>();
    let clauses =
        clauses.iter().map(|atoms| atoms.iter().map(|wanted| take(wanted.len())).collect()).collect::<Vec<_>>();
    let filters = filters.iter().map(|wanted| take(usize::from(wanted.is_some()))).collect();
    let mut range = 0..part.footer.posts;
    for ((_, is_before), place) in times.iter().zip(&places) {
        if *is_before {
            range.start = range.start.max(*place);
        } else {
            range.end = range.end.min(*place);
        }
    }
    let behind = after.and(places.last()).copied().unwrap_or_default();
    Ok(Looked { clauses, filters, range, behind, kept })
}

fn wanted_of_atom(atom: &Atom) -> Wanted {
    if atom.is_prefix { Wanted::Prefix(atom.word.clone()) } else { Wanted::Term(atom.word.clone()) }
}

/// What a query is in the posts of a segment.
struct Weighed {
    /// Of each clause, the posts that it is in, in order, and how much it weighs there.
    postings: Vec<Vec<(u32, u32)>>,
    /// How many posts each clause is in.
    frequencies: Vec<u64>,
    /// How many of the clauses that are neither quoted nor excluded each post has. [`NOT_FOUND`] for one that may not be found: something that
    /// is quoted is not there, something that is excluded is, or a filter does not let it pass.
    matched: Vec<u8>,
}

/// More than the clauses of a query, and few enough that the numbers up to it are bits of an integer.
const NOT_FOUND: u8 = 63;

async fn weigh<S: Source>(
    part: &Segment<S>,
    query: &Query,
    looked: &Looked,
    cut: &Cut,
) -> Result<Weighed, ReadError<S::Error>> {
    let posts = part.footer.posts;
    let horizon = if cut.share < 1.0 { (f64::from(posts) * cut.share) as u32 } else { posts };
    let is_read = |clause: &usize| !cut.left_out.contains(clause);
    let entries = looked.clauses.iter().enumerate().filter(|(clause, _)| is_read(clause));
    let entries = entries.flat_map(|(_, atoms)| atoms.iter().flatten()).chain(looked.filters.iter().flatten());
    // What is to be kept is inflated while the lists are on their way.
    let keep = async {
        if looked.kept.is_empty() {
            return Ok(());
        }
        yield_once().await;
        part.keep(&looked.kept)
    };
    let (blocks, ()) = try_join(part.lists(entries, horizon), keep).await?;
    let lists = Lists { blocks, horizon };

    let mut weighed = Weighed { postings: Vec::new(), frequencies: Vec::new(), matched: vec![0; posts as usize] };
    for (number, (clause, atoms)) in query.clauses.iter().zip(&looked.clauses).enumerate() {
        let mut postings = Vec::new();
        let mut frequency = 0;
        if is_read(&number) {
            postings = lists.weights(clause, atoms);
            frequency = postings.len() as u64;
            if !clause.forms.is_empty() {
                // A word of a post has one language, so each post is in one of these lists.
                frequency = atoms.iter().flatten().map(|entry| u64::from(entry.posts)).sum();
            }
            if clause.is_plain() {
                for (post, _) in &postings {
                    if let Some(matched) = weighed.matched.get_mut(*post as usize) {
                        *matched += u8::from(*matched < NOT_FOUND);
                    }
                }
            } else {
                weighed.keep(postings.iter().map(|(post, _)| *post), clause.is_excluded);
            }
        }
        weighed.postings.push(postings);
        weighed.frequencies.push(frequency);
    }
    for (filter, entries) in query.filters.iter().zip(&looked.filters) {
        if matches!(filter.is, Is::Tagged(_) | Is::By(_)) {
            let mut found = Vec::new();
            for entry in entries {
                lists.read_weights(entry, false, |some| found.extend(some.iter().map(|(post, _)| *post)));
            }
            weighed.keep(found.into_iter(), filter.is_excluded);
        }
    }
    weighed.lose(0..looked.range.start as usize);
    weighed.lose(looked.range.end.min(horizon) as usize..posts as usize);
    Ok(weighed)
}

/// Lets the runtime send what was asked for before.
fn yield_once() -> impl Future<Output = ()> {
    let mut has_yielded = false;
    poll_fn(move |context| {
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
}

impl Weighed {
    /// Keeps what is in a list, which is in order, or what is not.
    fn keep(&mut self, list: impl Iterator<Item = u32>, is_excluded: bool) {
        if is_excluded {
            list.for_each(|post| _ = self.matched.get_mut(post as usize).map(|matched| *matched = NOT_FOUND));
            return;
        }
        let mut next = 0;
        for post in list {
            self.lose(next..post as usize);
            next = post as usize + 1;
        }
        self.lose(next..self.matched.len());
    }

    /// Finds none of these posts.
    fn lose(&mut self, posts: Range<usize>) {
        self.matched.get_mut(posts).unwrap_or_default().fill(NOT_FOUND);
    }
}

/// The lists of a query, as far as they were read.
struct Lists {
    blocks: Blocks,
    horizon: u32,
}

impl Lists {
    /// How much a clause weighs in each post that has it.
    fn weights(&self, clause: &Clause, atoms: &[Vec<Entry>]) -> Vec<(u32, u32)> {
        let mut weights: Vec<(u32, u32)> = Vec::new();
        let is_word = clause.forms.is_empty();
        match atoms {
            [entries] if entries.len() <= 1 => {
                for entry in entries {
                    weights.reserve(entry.posts as usize);
                    self.read_weights(entry, is_word, |some| weights.extend_from_slice(some));
                }
            }
            // A prefix may stand for thousands of words: to add up what they weigh in each post is faster than to sort their lists.
            [entries] => {
                let mut sums = vec![0_u32; self.horizon as usize];
                for entry in entries {
                    self.read_weights(entry, is_word, |some| {
                        for (post, weight) in some {
                            if let Some(sum) = sums.get_mut(*post as usize) {
                                *sum = sum.saturating_add(*weight);
                            }
                        }
                    });
                }
                weights.extend((0_u32..).zip(sums).filter(|(_, sum)| *sum > 0));
            }
            _ => {
                for (post, position) in self.starts(&clause.atoms, atoms) {
                    match weights.last_mut() {
                        Some((last, sum)) if *last == post => *sum = sum.saturating_add(weight_at(position)),
                        _ => weights.push((post, weight_at(position))),
                    }
                }
            }
        }
        weights
    }

    /// Where these words follow each other: posts, with the positions of the first word. Begins with the word that is rarest, and looks
    /// for the others in the posts that it is in.
    fn starts(&self, atoms: &[Atom], lists: &[Vec<Entry>]) -> Vec<(u32, u32)> {
        let bytes = |entries: &&Vec<Entry>| entries.iter().map(|entry| entry.bytes).sum::<u64>();
        let mut words: Vec<_> = atoms.iter().zip(lists).collect();
        words.sort_by_key(|(_, entries)| bytes(entries));
        let mut starts: Option<Vec<(u32, u32)>> = None;
        for (atom, entries) in words {
            let mut found = Vec::new();
            for entry in entries {
                let mut before = starts.as_deref().map(|starts| starts.iter().map(|(post, _)| *post).peekable());
                let is_wanted = |post: u32| match &mut before {
                    None => true,
                    Some(before) => {
                        while before.next_if(|next| *next < post).is_some() {}
                        before.peek() == Some(&post)
                    }
                };
                self.read_places(entry, is_wanted, |post, position| {
                    found.extend(position.checked_sub(atom.offset).map(|start| (post, start)));
                });
            }
            // The places of one word are in order already; those of several are not.
            found.sort_unstable();
            let both = match starts {
                Some(starts) => in_both(&starts, &found),
                None => found,
            };
            if both.is_empty() {
                return both;
            }
            starts = Some(both);
        }
        starts.unwrap_or_default()
    }

    /// Gives the posts of a list, some at a time, and how much the term weighs in each.
    fn read_weights(&self, entry: &Entry, is_word: bool, mut take: impl FnMut(&[(u32, u32)])) {
        for part in entry.parts(&self.blocks, self.horizon) {
            Postings::new(part).read_weights(is_word, self.horizon, &mut take);
        }
    }

    fn read_places(&self, entry: &Entry, mut wanted: impl FnMut(u32) -> bool, mut take: impl FnMut(u32, u32)) {
        for part in entry.parts(&self.blocks, self.horizon) {
            let mut postings = Postings::new(part);
            let mut places = Vec::new();
            loop {
                places.clear();
                let post = postings.next_places(|post| post < self.horizon && wanted(post), |at| places.push(at));
                let Some(post) = post.filter(|post| *post < self.horizon) else { break };
                places.iter().for_each(|position| take(post, *position));
            }
        }
    }
}

/// The best posts of a segment.
struct Best {
    /// Their scores and their numbers.
    scored: Vec<(f32, u32)>,
    /// Whether there are no others.
    is_all: bool,
}

/// What a clause adds to the scores of posts, which are asked for in order.
struct Scorer<'a, F> {
    score: F,
    /// Its postings that are not before the last post that was asked for.
    rest: &'a [(u32, u32)],
}

impl<'a, F: Fn(u32, u32) -> f64> Scorer<'a, F> {
    /// What it adds to the score of this post; 0 if the post does not have it.
    fn score_of(&mut self, post: u32, length: u32) -> f64 {
        let is_before = |(before, _): &(u32, u32)| *before < post;
        // In strides that double, since of a long list only some posts may be asked for.
        let mut end = 1;
        while self.rest.get(end).is_some_and(is_before) {
            end *= 2;
        }
        let near = self.rest.get(..end).unwrap_or(self.rest);
        self.rest = self.rest.get(near.partition_point(is_before)..).unwrap_or_default();
        let weight = self.rest.first().filter(|(same, _)| *same == post).map(|(_, weight)| *weight);
        weight.map_or(0.0, |weight| (self.score)(weight, length))
    }
}

/// The best `count` of the posts that may be shown; of equals those that come first.
fn best<S: Source>(
    part: &Segment<S>,
    query: &Query,
    weighed: &Weighed,
    looked: &Looked,
    ranked_by: &Statistics,
    after: Option<&Place>,
    count: usize,
) -> Best {
    let wanted = query.clauses.iter().zip(&weighed.postings).enumerate();
    let wanted = wanted.filter(|(number, (clause, _))| !clause.is_excluded && !ranked_by.left_out.contains(number));
    let plain = wanted.clone().filter(|(_, (clause, _))| clause.is_plain()).count();
    let is_required = |clause: &Clause| clause.is_quoted || usize::from(ranked_by.matched) == plain;
    let required = wanted.clone().enumerate().filter(|(_, (_, (clause, _)))| is_required(clause));
    let shortest = required.map(|(at, (_, (_, postings)))| (at, postings)).min_by_key(|(_, postings)| postings.len());
    let mut clauses: Vec<_> =
        wanted.map(|(number, (_, postings))| Scorer { score: ranked_by.scores(number), rest: postings }).collect();

    let last = after.map(|place| f32::from_bits(place.score));
    let is_behind = |score: f32, post: u32| match last.map(|last| score.total_cmp(&last)) {
        None | Some(Ordering::Less) => true,
        Some(Ordering::Equal) => post >= looked.behind,
        Some(Ordering::Greater) => false,
    };
    let found = ranked_by.matched..NOT_FOUND;
    let mut best = Best { scored: Vec::with_capacity(2 * count), is_all: true };
    // What the last of the best has so far, once there are enough: who has no more comes behind it.
    let mut least = None;
    let lengths = part.lengths();
    let (walked, postings) = shortest.map_or((None, [].as_slice()), |(at, postings)| (Some(at), postings));
    let all = if shortest.is_some() { 0..0 } else { 0..part.footer.posts };
    for (post, weight) in postings.iter().copied().chain(all.map(|post| (post, 0))) {
        if !weighed.matched.get(post as usize).is_some_and(|matched| found.contains(matched)) {
            continue;
        }
        let length = lengths.get(post as usize).copied().unwrap_or_default();
        let scores = clauses.iter_mut().enumerate().map(|(at, clause)| {
            // Of the list that is walked the weight is at hand.
            if Some(at) == walked { (clause.score)(weight, length) } else { clause.score_of(post, length) }
        });
        let score = scores.fold(0.0, |sum, score| sum + score) as f32;
        if least.is_some_and(|least| score <= least) || !is_behind(score, post) {
            continue;
        }
        best.scored.push((score, post));
        if best.scored.len() == 2 * count {
            least = best.keep(count);
        }
    }
    best.is_all &= best.scored.len() <= count;
    best.keep(count);
    best
}

impl Best {
    /// Keeps so many, and says what the last of them has.
    fn keep(&mut self, count: usize) -> Option<f32> {
        let last = count.checked_sub(1).filter(|_| self.scored.len() > count)?;
        let by_score = |one: &(f32, u32), other: &(f32, u32)| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1));
        let (_, (least, _), _) = self.scored.select_nth_unstable_by(last, by_score);
        let least = *least;
        self.scored.truncate(count);
        self.is_all = false;
        Some(least)
    }
}

/// What is in both of two lists in order.
fn in_both(one: &[(u32, u32)], other: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let mut other = other.iter().peekable();
    let is_there = |place: &&(u32, u32)| {
        while other.next_if(|next| *next < *place).is_some() {}
        other.peek() == Some(place)
    };
    one.iter().filter(is_there).copied().collect()
}
