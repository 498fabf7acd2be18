//! What the parts of the template (`functions/*/template.yaml`) have alike: parameters and Globals at their head, and
//! the logs, queues and alarms of each function at their end. CloudFormation cannot share these between templates.
//!
//! A part says where they go by two pairs of lines, `# >>> generated: head` or `releases` and `# <<< generated`. After `head` stand
//! parameters that this part alone is handed. Which functions it has is read from the rest: a function is written by hand once, where
//! it is defined.

use std::error::Error;
use std::fs;
use std::path::Path;

use crate::{Generated, blocks};

const HEAD: &str = include_str!("../templates/head.yaml");
const LOGS: &str = include_str!("../templates/logs.yaml");
const FAILURES: &str = include_str!("../templates/failures.yaml");
const ERRORS: &str = include_str!("../templates/errors.yaml");

pub fn generate(repository: &Path) -> Result<Vec<Generated>, Box<dyn Error>> {
    let mut parts = Vec::new();
    for folder in fs::read_dir(repository.join("functions"))? {
        let folder = folder?;
        let path = folder.path().join("template.yaml");
        if path.exists() {
            let text = part(&folder.file_name().to_string_lossy(), &fs::read_to_string(&path)?)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            parts.push(Generated { path, text });
        }
    }
    Ok(parts)
}

/// The template of a crate, from its current text.
fn part(name: &str, now: &str) -> Result<String, String> {
    let by_hand = blocks::by_hand(now)?;
    let mut written = Vec::new();
    let text = blocks::replaced(now, |block| {
        let (block, words) = block.split_first().unwrap_or((&"", &[]));
        written.push((*block).to_owned());
        match *block {
            "head" => {
                let own = words.iter().take_while(|word| !word.starts_with('('));
                let own: String = own.map(|own| format!("  {own}: {{ Type: String }}\n")).collect();
                let own = if own.is_empty() { own } else { format!("  # Of this part alone.\n{own}") };
                Ok(HEAD.replace("{{crate}}", name).replace("{{own}}", &own))
            }
            "releases" => Ok(releases(&by_hand)),
            _ => Err(format!("nothing that is generated is called {block:?}")),
        }
    })?;
    if written == ["head", "releases"] { Ok(text) } else { Err("has to have the blocks head and releases".to_owned()) }
}

/// The functions that are defined here.
fn functions(by_hand: &str) -> impl Iterator<Item = &str> {
    by_hand.lines().filter_map(|line| line.strip_prefix("  ")?.strip_suffix("Function:"))
}

/// The functions that are called by an event and not by somebody who waits, so that what they give up is kept.
pub fn with_failures(by_hand: &str) -> impl Iterator<Item = &str> {
    functions(by_hand).filter(|function| by_hand.contains(&format!("!GetAtt {function}Failures.Arn")))
}

/// Logs, queues and alarms for each function.
fn releases(by_hand: &str) -> String {
    let looped = |template: &str, functions: Vec<&str>| match functions.as_slice() {
        [] => String::new(), // CloudFormation takes no empty loop
        functions => {
            let lines: Vec<_> = functions.iter().map(|function| format!("\n        - {function}")).collect();
            format!("\n{}", template.replace(" {{functions}}", &lines.concat()))
        }
    };
    // An alarm that a part writes itself is not made again.
    let judged = functions(by_hand).filter(|function| !by_hand.contains(&format!("\n  {function}Errors:")));
    let loops = [
        looped(LOGS, functions(by_hand).collect()),
        looped(FAILURES, with_failures(by_hand).collect()),
        looped(ERRORS, judged.collect()),
    ];
    let loops = loops.concat();
    format!(
        "  # ---------------------------------------------------------------- logs and releases, for each function alike{loops}"
    )
}
