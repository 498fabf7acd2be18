//! Who is found, and in which order.
//!
//! A post is found if it has everything that is quoted and all of the other words; if no post has all of them, those that have
//! most. They are ranked by BM25F (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009, section 3.6): a word counts
//! more in the title and the tags, and less the more posts it is in and the longer the post is. Scores are exact: every
//! post that has a word is looked at, and nothing is rounded.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
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
    score: f64,
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
    score: u64,
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
    /// What a clause that weighs this much in a post adds to its score.
    fn score(&self, clause: usize, weight: u32, post: &Post) -> f64 {
        let (weight, posts) = (f64::from(weight), self.posts as f64);
        let frequency = self.frequencies.get(clause).copied().unwrap_or_default() as f64;
        let rarity = (1.0 + (posts - frequency + 0.5).max(0.0) / (frequency + 0.5)).ln();
        let average = (self.length as f64 / posts.max(1.0)).max(1.0);
        let length = f64::from(post.length) / average;
        rarity * weight * (K + 1.0) / (weight + K * (1.0 - B + B * length))
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
        // Of each part, of each clause, how much it weighs in each post.
        let weights: Vec<Vec<Vec<u32>>> = self.parts.iter().map(|part| part.weights(&query.clauses)).collect();
        let fits: Vec<Vec<bool>> =
            self.parts.iter().zip(&weights).map(|(part, weights)| part.fits(query, weights, &author)).collect();
        let matched = |part: usize, post: usize| {
            let of_part = weights.get(part).into_iter().flatten();
            let clauses =
                query.clauses.iter().zip(of_part).filter(|(clause, _)| !clause.is_quoted && !clause.is_excluded);
            clauses.filter(|(_, weights)| weights.get(post).is_some_and(|weight| *weight > 0)).count()
        };
        let candidates = || {
            fits.iter().enumerate().flat_map(|(part, fits)| {
                fits.iter().enumerate().filter(|(_, fits)| **fits).map(move |(post, _)| (part, post))
            })
        };
        let ranked_by = match after {
            Some(place) => place.ranked_by.clone(),
            None => Statistics {
                posts: self.posts,
                length: self.length,
                frequencies: (0..query.clauses.len()).map(|clause| self.frequency(&weights, clause)).collect(),
                matched: candidates().map(|(part, post)| matched(part, post)).max().unwrap_or_default(),
            },
        };
        let must_match = |clause: &Clause| !clause.is_excluded;
        let mut musts = query.clauses.iter().filter(|clause| must_match(clause)).peekable();
        let must_match_one = musts.peek().is_some() && !musts.any(|clause| clause.is_quoted);
        if ranked_by.matched == 0 && must_match_one {
            return Found { hits: Vec::new(), next: None };
        }

        let mut hits = Vec::new();
        for (part, post) in candidates().filter(|(part, post)| matched(*part, *post) >= ranked_by.matched) {
            let Some(Part { segment, .. }) = self.parts.get(part) else { continue };
            let Some(found) = segment.posts.get(post) else { continue };
            let of_part = weights.get(part).into_iter().flatten().enumerate().zip(&query.clauses);
            let wanted = of_part.filter(|(_, clause)| must_match(clause));
            let weight = |weights: &Vec<u32>| weights.get(post).copied().unwrap_or_default();
            let score = wanted.map(|((number, weights), _)| ranked_by.score(number, weight(weights), found)).sum();
            hits.push(Hit { id: found.id, author: found.author, score, published_at: found.published_at });
        }
        if let Some(place) = after {
            let last =
                Hit { id: place.id, author: 0, score: f64::from_bits(place.score), published_at: place.published_at };
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
    fn frequency(&self, weights: &[Vec<Vec<u32>>], clause: usize) -> u64 {
        let parts = self.parts.iter().zip(weights).filter_map(|(part, weights)| Some((part, weights.get(clause)?)));
        let count = |(part, weights): (&Part, &Vec<u32>)| {
            weights.iter().zip(&part.is_live).filter(|(weight, live)| **weight > 0 && **live).count() as u64
        };
        parts.map(count).sum()
    }
}

impl Part {
    /// Of each clause, how much it weighs in each post.
    fn weights(&self, clauses: &[Clause]) -> Vec<Vec<u32>> {
        clauses.iter().map(|clause| self.weigh(clause)).collect()
    }

    fn weigh(&self, clause: &Clause) -> Vec<u32> {
        let mut weights = vec![0; self.segment.posts.len()];
        let mut set = |post: u32, weight: u32| {
            if let Some(known) = weights.get_mut(post as usize) {
                *known = weight.max(*known);
            }
        };
        // A word of a post has one language, so at most one of these is in it.
        for term in clause.stems.iter().filter_map(|stem| self.segment.find(stem)) {
            self.segment.weights(term, &mut set);
        }
        for (post, starts) in self.starts(&clause.atoms) {
            if let Some(found) = self.segment.posts.get(post as usize) {
                set(post, starts.iter().fold(0, |sum, at| found.weight_at(*at).saturating_add(sum)));
            }
        }
        weights
    }

    /// Where these words follow each other: posts, each with the positions of the first word.
    fn starts(&self, atoms: &[Atom]) -> HashMap<u32, Vec<u32>> {
        let mut starts: Option<HashMap<u32, Vec<u32>>> = None;
        for atom in atoms {
            let terms = match atom.is_prefix {
                true => self.segment.find_prefix(&atom.word),
                false => self.segment.find(&atom.word).map_or(0..0, |term| term..term + 1),
            };
            let mut found: HashMap<u32, Vec<u32>> = HashMap::new();
            for term in terms {
                self.segment.places(term, |post, positions| {
                    let known = starts.as_ref().map(|starts| starts.get(&post));
                    if known == Some(None) {
                        return;
                    }
                    let positions = positions.iter().filter_map(|position| position.checked_sub(atom.offset));
                    let positions = positions
                        .filter(|start| known.flatten().is_none_or(|known| known.binary_search(start).is_ok()));
                    let positions: Vec<u32> = positions.collect();
                    if !positions.is_empty() {
                        found.entry(post).or_default().extend(positions);
                    }
                });
            }
            if atom.is_prefix {
                found.values_mut().for_each(|positions| positions.sort_unstable());
            }
            if found.is_empty() {
                return found;
            }
            starts = Some(found);
        }
        starts.unwrap_or_default()
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
