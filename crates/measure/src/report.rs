//! What was measured: as JSON for comparing, as Markdown for reading.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::growth::{self, Growth};

/// The difference that [`Measurements::compare`] lets pass, in percent.
const TOLERANCE: f64 = 3.0;
/// The instructions of an init with its warming call, in millions, that only jitter entropy exceeds (`.cargo/config.toml`).
const MAX_INIT: f64 = 150.0;
/// The empty function, with which the others are compared.
const FLOOR: &str = "floor";

/// Everything that was measured in one run.
#[derive(Serialize, Deserialize)]
pub struct Measurements {
    /// The processor.
    pub machine: String,
    /// The number of certificates that functions read before they trust the table's.
    pub roots: usize,
    /// Each binary.
    pub functions: BTreeMap<String, Measured>,
    /// Each typical request.
    pub warm: BTreeMap<String, Warm>,
    /// What pages take of the table, by the number of posts.
    #[serde(default)]
    pub growth: Growth,
}

/// A binary and its cold start.
#[derive(Serialize, Deserialize)]
pub struct Measured {
    /// Bytes without symbols.
    pub stripped: u64,
    /// Bytes of the zip.
    pub zipped: u64,
    /// The crates with the most code, in kilobytes.
    pub crates: Vec<(String, u64)>,
    /// Instructions of an init without the warming call.
    pub init_instructions: u64,
    /// Instructions of an init with it.
    pub warmed_instructions: u64,
    /// Instructions of an init with it and of the first answer.
    pub answer_instructions: u64,
    /// Processor time of an init without the warming call.
    pub unwarmed_nanoseconds: u64,
    /// Processor time of an init with it.
    pub init_nanoseconds: u64,
    /// Processor time of an init with it and of the first answer.
    pub answer_nanoseconds: u64,
    /// The most memory after the first answer.
    pub memory_kilobytes: u64,
}

/// A request to a warm function.
#[derive(Serialize, Deserialize)]
pub struct Warm {
    /// The binary that answers it.
    pub binary: String,
    /// Instructions, with those of the calls that it makes and of asking for the next event.
    pub instructions: u64,
    /// Processor time.
    pub nanoseconds: u64,
}

/// What the processor calls itself.
pub fn machine() -> io::Result<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo")?;
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    Ok(model.map_or("unknown", |(_, model)| model).to_owned())
}

/// What is committed.
pub fn committed() -> io::Result<Measurements> {
    Ok(serde_json::from_str(&std::fs::read_to_string(docs("measurements.json"))?)?)
}

/// Writes what pages take in blogs of other sizes; the rest stays as it is.
pub fn write_growth(growth: Growth) -> io::Result<()> {
    std::fs::write(docs("measurements-growth.md"), growth::table(&growth))?;
    Measurements { growth, ..committed()? }.write_json()
}

/// A file of the documentation.
pub fn docs(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs")).join(name)
}

const INTRODUCTION: &str = "\
# What functions cost

`scripts/measure` builds the functions of the release profile for the machine that it runs on, runs each against a Runtime API and the services of the
local stack, and writes this file and `measurements.json`. `scripts/measure --check` compares with that file, and fails on instructions or sizes that are more than
3 % higher or lower. Times depend on the machine, so only those of one run compare with each other; nothing checks them.

- The **floor** is a function of `lambda_http` that answers nothing (`crates/floor`), built with the same profile.
- **Init** ends when the function asks for its first event. The warming call reads one item of the table, through TLS; the authorizer also fetches the
  user pool's keys. \"Without\" it, services have addresses that nothing can be sent to.
- **First answer** is init with the warming call, and a request that asks the table. `events` gets no records, so it asks nothing.
- DynamoDB and the user pool's keys are behind TLS 1.3, with a chain of certificates like that of AWS's endpoints: RSA keys of 2048 bits, and one
  intermediate authority, whose root stands beside those of AWS. Cognito and S3 are called without TLS.
- A **bare** call is a function of `lambda_http` that makes this one call of DynamoDB through the SDK and answers nothing (`crates/floor`).
- Instructions are counted by callgrind in user space. Processor time is that of all threads, with the kernel's; of a cold start the least of nine runs, of a
  warm request the median of forty.
- Memory is the peak of the resident set after the first answer.
- Sizes are of x86_64 or of whatever the machine is; what is deployed is arm64 and linked by cargo-lambda.
";

impl Measurements {
    /// The tables of the document.
    pub fn tables(&self) -> String {
        let mut text = String::new();
        let empty = self.functions.get(FLOOR);
        let millions = |count: u64| count as f64 / 1e6;
        let ratio = |value: u64, floor: Option<u64>| match floor {
            Some(floor) if floor > 0 => format!("{:.2}", value as f64 / floor as f64),
            _ => "-".to_owned(),
        };
        text.push_str(
            "\n## Size\n\n| binary | MB | MB zipped | kilobytes of code, of the largest crates |\n|---|---|---|---|\n",
        );
        for (name, of) in &self.functions {
            let crates: Vec<_> = of.crates.iter().map(|(name, size)| format!("{name} {size}")).collect();
            let (size, zip) = (millions(of.stripped), millions(of.zipped));
            let _ = writeln!(text, "| {name} | {size:.2} | {zip:.2} | {} |", crates.join(", "));
        }
        text.push_str("\n## Cold start\n\nIn millions of instructions, and in milliseconds of processor time with its ratio to the floor's.\n\n");
        text.push_str("| binary | init without the warming call | init | first answer | ms without | ratio | ms init | ms first answer | ratio | MB |\n");
        text.push_str("|---|---|---|---|---|---|---|---|---|---|\n");
        for (name, of) in &self.functions {
            let _ = writeln!(
                text,
                "| {name} | {:.1} | {:.1} | {:.1} | {:.1} | {} | {:.1} | {:.1} | {} | {:.1} |",
                millions(of.init_instructions),
                millions(of.warmed_instructions),
                millions(of.answer_instructions),
                millions(of.unwarmed_nanoseconds),
                ratio(of.unwarmed_nanoseconds, empty.map(|empty| empty.unwarmed_nanoseconds)),
                millions(of.init_nanoseconds),
                millions(of.answer_nanoseconds),
                ratio(of.answer_nanoseconds, empty.map(|empty| empty.answer_nanoseconds)),
                of.memory_kilobytes as f64 / 1000.0,
            );
        }
        text.push_str("\n## Warm requests\n\n| request | binary | million instructions | ms of processor time |\n|---|---|---|---|\n");
        for (name, of) in &self.warm {
            let (count, time) = (millions(of.instructions), millions(of.nanoseconds));
            let _ = writeln!(text, "| {name} | {} | {count:.2} | {time:.2} |", of.binary);
        }
        text
    }

    /// Writes both files.
    pub fn write(&self) -> io::Result<()> {
        self.write_json()?;
        let machine = format!("\nMeasured on {}, with {} roots.\n", self.machine, self.roots);
        std::fs::write(docs("measurements.md"), format!("{INTRODUCTION}{machine}{}", self.tables()))?;
        self.check_entropy()
    }

    fn write_json(&self) -> io::Result<()> {
        let json = serde_json::to_string_pretty(self)?;
        std::fs::write(docs("measurements.json"), json + "\n")
    }

    /// Fails where this differs from what is committed of these binaries.
    pub fn compare(&self, is_asked: impl Fn(&str) -> bool) -> io::Result<()> {
        let differences = self.differences(&committed()?.of(is_asked));
        if differences.is_empty() { self.check_entropy() } else { Err(io::Error::other(differences.join("\n"))) }
    }

    /// What was measured of these binaries.
    fn of(mut self, is_asked: impl Fn(&str) -> bool) -> Self {
        self.functions.retain(|binary, _| is_asked(binary));
        self.warm.retain(|_, warm| is_asked(&warm.binary));
        self
    }

    /// What is stable, by its name.
    fn stable(&self) -> BTreeMap<String, u64> {
        let of_functions = self.functions.iter().flat_map(|(name, of)| {
            [
                (format!("{name}: bytes"), of.stripped),
                (format!("{name}: bytes of the zip"), of.zipped),
                (format!("{name}: instructions of init without the warming call"), of.init_instructions),
                (format!("{name}: instructions of init"), of.warmed_instructions),
                (format!("{name}: instructions to the first answer"), of.answer_instructions),
            ]
        });
        let of_warm = self.warm.iter().map(|(name, of)| (format!("{name}: instructions, warm"), of.instructions));
        of_functions.chain(of_warm).collect()
    }

    fn differences(&self, committed: &Self) -> Vec<String> {
        let (mut now, before) = (self.stable(), committed.stable());
        let mut differences = Vec::new();
        for (name, before) in before {
            match now.remove(&name) {
                Some(now) if (now as f64 - before as f64).abs() * 100.0 <= TOLERANCE * before as f64 => {}
                Some(now) => differences.push(format!("{name}: {now}, and {before} is committed")),
                None => differences.push(format!("{name} was not measured")),
            }
        }
        differences.extend(now.into_keys().map(|name| format!("{name} is not committed")));
        differences
    }

    fn check_entropy(&self) -> io::Result<()> {
        let gathers = |of: &Measured| of.warmed_instructions as f64 / 1e6 > MAX_INIT;
        match self.functions.iter().find(|(_, of)| gathers(of)) {
            Some((name, of)) => Err(io::Error::other(format!(
                "{name} takes {} instructions to start: is AWS_LC_SYS_NO_JITTER_ENTROPY not set when aws-lc is built?",
                of.warmed_instructions
            ))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(instructions: u64) -> Measurements {
        let warm = Warm { binary: "posts".to_owned(), instructions, nanoseconds: instructions };
        Measurements {
            machine: String::new(),
            roots: 1,
            functions: BTreeMap::new(),
            growth: Growth::new(),
            warm: BTreeMap::from([("get_post".to_owned(), warm)]),
        }
    }

    #[test]
    fn what_changes_by_more_than_three_percent_is_told() {
        let committed = measured(1_000_000);
        assert!(measured(1_030_000).differences(&committed).is_empty());
        assert!(measured(970_000).differences(&committed).is_empty());
        for other in [1_030_001, 969_999] {
            let told = format!("get_post: instructions, warm: {other}, and 1000000 is committed");
            assert_eq!(measured(other).differences(&committed), [told]);
        }
    }

    #[test]
    fn only_what_was_asked_for_is_compared() {
        let (none, committed) = (|| Measurements { warm: BTreeMap::new(), ..measured(1) }, || measured(1));
        assert!(none().differences(&committed().of(|binary| binary == "authorizer")).is_empty());
        assert_eq!(none().differences(&committed().of(|binary| binary == "posts")).len(), 1);
    }

    #[test]
    fn what_is_missing_or_new_is_told() {
        let none = Measurements { warm: BTreeMap::new(), ..measured(1) };
        assert_eq!(none.differences(&measured(1)), ["get_post: instructions, warm was not measured"]);
        assert_eq!(measured(1).differences(&none), ["get_post: instructions, warm is not committed"]);
    }
}
