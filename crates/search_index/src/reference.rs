//! What the index should find: a scorer that looks at every word of every post, and shares nothing with the index but what a word is.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::Document;
use crate::words::{Kind, Language, words};

/// Scores are rounded to a hundred thousandth, as the order of additions makes a difference.
const SCALE: f64 = 1e5;

/// Posts by the plain words that are looked for.
pub struct Reference {
    typed: Vec<String>,
    posts: f64,
    length: f64,
    /// Of each post that has one of the words: id, time, length, and how much each weighs.
    found: Vec<(u128, i64, f64, Vec<f64>)>,
}

impl Reference {
    pub fn new(typed: &[&str]) -> Self {
        let typed = typed.iter().map(|word| (*word).to_owned()).collect();
        Self { typed, posts: 0.0, length: 0.0, found: Vec::new() }
    }

    pub fn add(&mut self, document: &Document) {
        self.add_counted(document, &Counted::of(document));
    }

    /// The same of a post whose words are counted already.
    pub fn add_counted(&mut self, document: &Document, counted: &Counted) {
        self.posts += 1.0;
        self.length += counted.length;
        let weight = |word: &String| {
            let wanted = forms(word, document.language.as_deref());
            wanted.iter().filter_map(|form| counted.weights.get(form)).sum::<f64>()
        };
        let weights: Vec<f64> = self.typed.iter().map(weight).collect();
        if weights.iter().any(|weight| *weight > 0.0) {
            self.found.push((document.id, document.published_at, counted.length, weights));
        }
    }

    /// Who is found, best first: score and id.
    pub fn best(&self) -> Vec<(i64, u128)> {
        let average = self.length / self.posts;
        let frequencies: Vec<f64> = (0..self.typed.len())
            .map(|word| self.found.iter().filter(|(.., weights)| weights[word] > 0.0).count() as f64)
            .collect();
        let scored = self.found.iter().map(|(id, time, length, weights)| {
            let scores = weights.iter().zip(&frequencies).map(|(weight, frequency)| {
                let idf = (1.0 + (self.posts - frequency + 0.5) / (frequency + 0.5)).ln();
                idf * weight * 2.2 / (weight + 1.2 * (0.25 + 0.75 * length / average))
            });
            let score = (scores.sum::<f64>() * SCALE).round() as i64;
            (weights.iter().filter(|weight| **weight > 0.0).count(), score, *time, *id)
        });
        let mut scored: Vec<_> = scored.collect();
        let most = scored.iter().map(|(matched, ..)| *matched).max().unwrap_or_default();
        scored.retain(|(matched, ..)| *matched == most);
        scored.sort_by_key(|(_, score, time, id)| (Reverse(*score), Reverse(*time), Reverse(*id)));
        scored.into_iter().map(|(_, score, _, id)| (score, id)).collect()
    }
}

/// How much each form of a word weighs in a post.
pub struct Counted {
    pub weights: HashMap<String, f64>,
    pub length: f64,
}

impl Counted {
    pub fn of(document: &Document) -> Self {
        let mut counted = Self { weights: HashMap::new(), length: 0.0 };
        for (text, weight) in [(&document.title, 4.0), (&document.tags.join(" "), 3.0), (&document.body, 1.0)] {
            for form in forms(text, document.language.as_deref()) {
                *counted.weights.entry(form).or_default() += weight;
                counted.length += weight;
            }
        }
        counted
    }
}

fn forms(text: &str, language: Option<&str>) -> Vec<String> {
    let words = words(text).into_iter().filter(|word| word.kind == Kind::Word);
    let form = |word: crate::words::Word| match Language::of(&word.text, language) {
        Some(language) => language.stem(&word.text),
        None => word.text,
    };
    words.map(form).collect()
}
