//! The targets of the fuzzer (`fuzz/fuzz_targets`), each with some input whenever the tests run: its seeds, and what becomes of them when they are changed
//! here and there, the same each time; with `FUZZED=100` a hundred times as many. The fuzzer itself looks for input that takes other ways through the code,
//! and takes hours (docs/reliability.md).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

#[path = "../../../fuzz/fuzz_targets/cursor.rs"]
mod cursor;
#[path = "../../../fuzz/fuzz_targets/front_matter.rs"]
mod front_matter;
#[path = "../../../fuzz/fuzz_targets/markdown.rs"]
mod markdown;
#[path = "../../../fuzz/fuzz_targets/picture.rs"]
mod picture;
#[path = "../../../fuzz/fuzz_targets/request.rs"]
mod request;
#[path = "../../../fuzz/fuzz_targets/search_query.rs"]
mod search_query;
#[path = "../../../fuzz/fuzz_targets/template.rs"]
mod template;
#[path = "../../../fuzz/fuzz_targets/texts.rs"]
mod texts;
#[path = "../../../fuzz/fuzz_targets/token.rs"]
mod token;

use crate::simulation::{chance::Chance, number};

/// What means something in one input or another.
const PIECES: [&[u8]; 24] = [
    b"\n",
    b"\n\n",
    b"\0",
    b" ",
    b"\"",
    b"'",
    b"{",
    b"}",
    b"[",
    b"]",
    b"<",
    b">",
    b"&",
    b"#",
    b"%00",
    b"%2F",
    b"..",
    b"---\n",
    b": ",
    b"null",
    b"-1",
    b"99999999999999999999",
    b"\xff",
    "\u{202e}é".as_bytes(),
];

/// Checks the seeds of a target, and `times` inputs that are made of them.
fn try_seeds(target: &str, times: u64, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let mut paths: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let seeds: Vec<Vec<u8>> = paths.iter().map(|path| std::fs::read(path).unwrap()).collect();
    let mut chance = Chance::new(20);
    let made = (0..times * number("FUZZED").unwrap_or(1)).map(|_| changed(&seeds, &mut chance));
    for input in seeds.iter().cloned().chain(made) {
        let checked = catch_unwind(AssertUnwindSafe(|| check(&input)));
        assert!(checked.is_ok(), "{target} fails with \"{}\"", input.escape_ascii());
    }
}

/// A seed that is changed in up to four places.
fn changed(seeds: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut input = seeds[chance.below(seeds.len())].clone();
    for _ in 0..=chance.below(4) {
        let from = chance.below(input.len() + 1);
        let to = (from + chance.below(8)).min(input.len());
        match chance.below(6) {
            0 => drop(input.drain(from..to)),
            1 => input.truncate(from),
            2 => input[from..to].iter_mut().for_each(|byte| *byte = chance.below(256) as u8),
            3 => drop(input.splice(from..from, input[from..to].to_vec())),
            4 => {
                let other = &seeds[chance.below(seeds.len())];
                let other = other[chance.below(other.len() + 1)..].to_vec();
                drop(input.splice(from.., other));
            }
            _ => drop(input.splice(from..to, PIECES[chance.below(PIECES.len())].to_vec())),
        }
    }
    input
}

#[test]
fn cursors() {
    try_seeds("cursor", 2_000, cursor::check);
}

#[test]
fn front_matters() {
    try_seeds("front_matter", 2_000, front_matter::check);
}

#[test]
fn markdowns() {
    try_seeds("markdown", 500, markdown::check);
}

#[test]
fn pictures() {
    try_seeds("picture", 300, picture::check);
}

#[test]
fn requests() {
    try_seeds("request", 300, request::check);
}

#[test]
fn search_queries() {
    try_seeds("search_query", 1_000, search_query::check);
}

#[test]
fn templates() {
    try_seeds("template", 300, template::check);
}

#[test]
fn texts_of_fields() {
    try_seeds("texts", 2_000, texts::check);
}

#[test]
fn tokens() {
    try_seeds("token", 300, token::check);
}
