//! What was measured.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

/// How many wrong answers are told in full.
const MAX_TOLD: usize = 10;

/// What came of a run.
#[derive(Debug, Default)]
pub struct Report {
    /// How long it took.
    pub elapsed: Duration,
    kinds: BTreeMap<&'static str, Kind>,
    told: Vec<String>,
}

/// The requests of a kind.
#[derive(Debug, Default)]
struct Kind {
    took: Vec<Duration>,
    refused: usize,
    wrong: usize,
}

impl Report {
    /// An answer was right, and took so long.
    pub(crate) fn right(&mut self, kind: &'static str, took: Duration) {
        self.kinds.entry(kind).or_default().took.push(took);
    }

    /// The server was too busy, or thinks that this asks too much: 503 or 429.
    pub(crate) fn refused(&mut self, kind: &'static str) {
        self.kinds.entry(kind).or_default().refused += 1;
    }

    /// An answer was wrong.
    pub(crate) fn wrong(&mut self, kind: &'static str, path: &str, what: &str) {
        self.kinds.entry(kind).or_default().wrong += 1;
        if self.told.len() < MAX_TOLD {
            // A page of an answer is enough to tell what it is.
            let what: String = what.chars().take(500).collect();
            self.told.push(format!("{kind}, {path}: {what}"));
        }
    }

    /// How many answers were wrong.
    pub fn wrong_answers(&self) -> usize {
        self.kinds.values().map(|kind| kind.wrong).sum()
    }

    /// How many answers were right.
    pub fn right_answers(&self) -> usize {
        self.kinds.values().map(|kind| kind.took.len()).sum()
    }

    /// Writes it as a table.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let all = Kind {
            took: self.kinds.values().flat_map(|kind| kind.took.iter().copied()).collect(),
            refused: self.kinds.values().map(|kind| kind.refused).sum(),
            wrong: self.wrong_answers(),
        };
        writeln!(
            out,
            "{:24} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}",
            "", "answers", "p50 ms", "p90 ms", "p99 ms", "max ms", "429, 503", "wrong"
        )?;
        for (name, kind) in self.kinds.iter().map(|(name, kind)| (*name, kind)).chain([("all", &all)]) {
            let mut took = kind.took.clone();
            took.sort_unstable();
            write!(out, "{name:24} {:>8}", took.len())?;
            for share in [50, 90, 99, 100] {
                write!(out, " {:>8.1}", percentile(&took, share).as_secs_f64() * 1000.0)?;
            }
            writeln!(out, " {:>8} {:>8}", kind.refused, kind.wrong)?;
        }
        let seconds = self.elapsed.as_secs_f64();
        writeln!(
            out,
            "{:.0} right answers a second, in {seconds:.1} s",
            all.took.len() as f64 / seconds.max(f64::EPSILON)
        )?;
        if all.refused > 0 {
            writeln!(out, "Requests were refused with 429 or 503: is the stack's RequestsPerMinute 0?")?;
        }
        self.told.iter().try_for_each(|told| writeln!(out, "WRONG  {told}"))
    }
}

/// What so many of a hundred take at most.
fn percentile(sorted: &[Duration], share: usize) -> Duration {
    let place = (sorted.len() * share).div_ceil(100).max(1) - 1;
    sorted.get(place).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_what_so_many_of_a_hundred_take() {
        let times: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        let of = |share| percentile(&times, share).as_millis();
        assert_eq!([of(50), of(90), of(99), of(100)], [100, 180, 198, 200]);
        assert_eq!(percentile(&[], 50), Duration::ZERO);
    }
}
