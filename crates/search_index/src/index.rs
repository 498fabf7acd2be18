//! Who is found, and in which order.
//!
//! A post is found if it has everything that is quoted and all of the other words; if no post has all of them, those that have
//! most. They are ranked by BM25F (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009, section 3.6): a word counts
//! more in the title and the tags, and less the more posts it is in and the longer the post is. Scores are exact: every
//! post that has a word is looked at, and nothing is rounded.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::query::{Atom, Clause, Filter, Is, Query};
use crate::segment::{Post, Segment, tag_term};

/// BM25's usual parameters: how soon more of the same word stops counting, and how much the length of a post counts.
const K: f64 = 1.2;
const B: f64 = 0.75;

/// An index: segments, and which of their posts count.
#[derive(Debug, Default)]
pub struct Index {
    parts: Vec<Part>,
    /// How many posts can be found, and how long they are together.
    posts: u64,
    length: u64,
}

#[derive(Debug)]
struct Part {
    segment: Arc<Segment>,
    /// For each post whether this segment has the last word on it, and it is not gone.
    is_live: Vec<bool>,
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
    matched: usize,
}

impl Statistics {
    /// What a clause adds to the score of a post of this length in which it weighs this much.
    fn scores(&self, clause: usize) -> impl Fn(u32, u32) -> f64 {
        let (posts, frequency) = (self.posts as f64, self.frequencies.get(clause).copied().unwrap_or_default() as f64);
        let rarity = (1.0 + (posts - frequency + 0.5).max(0.0) / (frequency + 0.5)).ln();
        let average = (self.length as f64 / posts.max(1.0)).max(1.0);
        move |weight, length| {
            let weight = f64::from(weight);
            rarity * weight * (K + 1.0) / (weight + K * (1.0 - B + B * f64::from(length) / average))
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

impl Index {
    /// An index of these segments, the oldest first: what a later one says of a post replaces what an earlier one says.
    pub fn new(segments: Vec<Arc<Segment>>) -> Self {
        let mut index = Self::default();
        let mut seen = HashSet::new();
        for segment in segments.into_iter().rev() {
            let mut is_live = Vec::with_capacity(segment.posts.len());
            for post in &segment.posts {
                let live = seen.insert(post.id) && !post.is_gone;
                if live {
                    index.posts += 1;
                    index.length += u64::from(post.length);
                }
                is_live.push(live);
            }
            index.parts.push(Part { segment, is_live });
        }
        index
    }

    /// How many posts can be found.
    pub fn len(&self) -> u64 {
        self.posts
    }

    /// Whether none can.
    pub fn is_empty(&self) -> bool {
        self.posts == 0
    }

    /// The best posts for a query, at most `max`; those that come behind `after`, if that is given. `author` gives the id of the user
    /// with a username.
    pub fn search(
        &self,
        query: &Query,
        author: impl Fn(&str) -> Option<u128>,
        after: Option<&Place>,
        max: usize,
    ) -> Found {
        if query.is_empty() {
            return Found { hits: Vec::new(), next: None };
        }
        let weighed: Vec<Weighed> = self.parts.iter().map(|part| part.weigh(query, &author)).collect();
        let ranked_by = match after {
            Some(place) => place.ranked_by.clone(),
            None => Statistics {
                posts: self.posts,
                length: self.length,
                frequencies: (0..query.clauses.len()).map(|clause| self.frequency(&weighed, clause)).collect(),
                matched: weighed.iter().filter_map(Weighed::most_matched).max().unwrap_or_default(),
            },
        };
        let wanted = |clause: &Clause| !clause.is_excluded;
        let is_any_quoted = query.clauses.iter().any(|clause| wanted(clause) && clause.is_quoted);
        if ranked_by.matched == 0 && query.clauses.iter().any(wanted) && !is_any_quoted {
            return Found { hits: Vec::new(), next: None };
        }

        let mut hits = Vec::new();
        for (Part { segment, .. }, weighed) in self.parts.iter().zip(&weighed) {
            let mut scores = vec![0.0_f64; segment.posts.len()];
            for (number, (_, weights)) in
                query.clauses.iter().zip(&weighed.weights).enumerate().filter(|(_, (clause, _))| wanted(clause))
            {
                let score = ranked_by.scores(number);
                for ((sum, post), weight) in scores.iter_mut().zip(&segment.posts).zip(weights) {
                    if *weight > 0 {
                        *sum += score(*weight, post.length);
                    }
                }
            }
            let found =
                weighed.fits.iter().zip(&weighed.matched).map(|(fits, count)| *fits && *count >= ranked_by.matched);
            let found = segment.posts.iter().zip(scores).zip(found).filter(|(_, found)| *found);
            hits.extend(found.map(|((post, score), _)| Hit {
                id: post.id,
                author: post.author,
                score: score as f32,
                published_at: post.published_at,
            }));
        }
        if let Some(place) = after {
            let last =
                Hit { id: place.id, author: 0, score: f32::from_bits(place.score), published_at: place.published_at };
            hits.retain(|hit| last.order(hit) == Ordering::Less);
        }
        let has_more = hits.len() > max;
        if has_more {
            // One more than wanted makes no difference; sorting them all would.
            hits.select_nth_unstable_by(max, Hit::order);
            hits.truncate(max);
        }
        hits.sort_unstable_by(Hit::order);
        let next = hits.last().filter(|_| has_more).map(|last| Place {
            score: last.score.to_bits(),
            published_at: last.published_at,
            id: last.id,
            ranked_by,
        });
        Found { hits, next }
    }

    /// How many posts a clause is in.
    fn frequency(&self, weighed: &[Weighed], clause: usize) -> u64 {
        let count = |(part, weighed): (&Part, &Weighed)| {
            let weights = weighed.weights.get(clause).into_iter().flatten();
            weights.zip(&part.is_live).filter(|(weight, live)| **weight > 0 && **live).count() as u64
        };
        self.parts.iter().zip(weighed).map(count).sum()
    }
}

/// What a query is in the posts of a part.
struct Weighed {
    /// Of each clause, how much it weighs in each post.
    weights: Vec<Vec<u32>>,
    /// Which posts may be found.
    fits: Vec<bool>,
    /// How many of the clauses that are neither quoted nor excluded each post has.
    matched: Vec<usize>,
}

impl Weighed {
    /// The most that a post has that may be found.
    fn most_matched(&self) -> Option<usize> {
        self.matched.iter().zip(&self.fits).filter(|(_, fits)| **fits).map(|(matched, _)| *matched).max()
    }
}

impl Part {
    fn weigh(&self, query: &Query, author: &impl Fn(&str) -> Option<u128>) -> Weighed {
        let weights: Vec<_> = query.clauses.iter().map(|clause| self.weights(clause)).collect();
        let fits = self.fits(query, &weights, author);
        let mut matched = vec![0; self.is_live.len()];
        for (clause, weights) in query.clauses.iter().zip(&weights) {
            if !clause.is_quoted && !clause.is_excluded {
                matched.iter_mut().zip(weights).for_each(|(matched, weight)| *matched += usize::from(*weight > 0));
            }
        }
        Weighed { weights, fits, matched }
    }

    /// How much a clause weighs in each post.
    fn weights(&self, clause: &Clause) -> Vec<u32> {
        let mut weights: Vec<u32> = vec![0; self.segment.posts.len()];
        let mut add = |post: u32, weight: u32| {
            if let Some(sum) = weights.get_mut(post as usize) {
                *sum = sum.saturating_add(weight);
            }
        };
        let weight_at =
            |post: u32, position| self.segment.posts.get(post as usize).map_or(0, |post| post.weight_at(position));
        match clause.atoms.as_slice() {
            _ if !clause.forms.is_empty() => {
                // A word of a post has one language, so at most one of these is in it.
                for term in clause.forms.iter().filter_map(|form| self.segment.find(form)) {
                    self.segment.weights(term, &mut add);
                }
            }
            [atom] => self.places(atom, |post, position| add(post, weight_at(post, position))),
            atoms => {
                for (post, position) in self.starts(atoms) {
                    add(post, weight_at(post, position));
                }
            }
        }
        weights
    }

    /// Where these words follow each other: posts, with the positions of the first word.
    fn starts(&self, atoms: &[Atom]) -> Vec<(u32, u32)> {
        let mut starts: Option<Vec<(u32, u32)>> = None;
        for atom in atoms {
            let mut found = Vec::new();
            self.places(atom, |post, position| {
                found.extend(position.checked_sub(atom.offset).map(|start| (post, start)));
            });
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

    /// Every place of a word, or of all words that begin like it.
    fn places(&self, atom: &Atom, mut take: impl FnMut(u32, u32)) {
        let terms = match atom.is_prefix {
            true => self.segment.find_prefix(&atom.word),
            false => self.segment.find(&atom.word).map_or(0..0, |term| term..term + 1),
        };
        for term in terms {
            self.segment.places(term, |post, positions| positions.iter().for_each(|position| take(post, *position)));
        }
    }

    /// Which posts may be found: all that is quoted is there, nothing that is excluded, and every filter lets them pass.
    fn fits(&self, query: &Query, weights: &[Vec<u32>], author: &impl Fn(&str) -> Option<u128>) -> Vec<bool> {
        let mut fits = self.is_live.clone();
        for (clause, weights) in query.clauses.iter().zip(weights) {
            if clause.is_excluded || clause.is_quoted {
                for (fits, weight) in fits.iter_mut().zip(weights) {
                    *fits &= (*weight == 0) == clause.is_excluded;
                }
            }
        }
        for Filter { is, is_excluded } in &query.filters {
            let mut passes = vec![false; fits.len()];
            let mut pass_if = |passes_if: &dyn Fn(&Post) -> bool| {
                passes.iter_mut().zip(&self.segment.posts).for_each(|(passes, post)| *passes = passes_if(post));
            };
            match is {
                Is::Tagged(tag) => {
                    if let Some(term) = self.segment.find(&tag_term(tag)) {
                        self.segment.weights(term, |post, _| {
                            if let Some(passes) = passes.get_mut(post as usize) {
                                *passes = true;
                            }
                        });
                    }
                }
                Is::By(name) => {
                    let id = author(name);
                    pass_if(&|post| Some(post.author) == id);
                }
                Is::Before(time) => pass_if(&|post| post.published_at < *time),
                Is::After(time) => pass_if(&|post| post.published_at >= *time),
            }
            fits.iter_mut().zip(passes).for_each(|(fits, passes)| *fits &= passes != *is_excluded);
        }
        fits
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
