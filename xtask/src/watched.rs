//! Which functions `infrastructure/watching.yaml` has alarms on: the readers of the table's stream, and all that keep what they
//! give up in a queue. Their definitions in the parts of the template say so, and a line above each, `# Given up: `, what the runbook says of
//! it.

use std::error::Error;
use std::fs;
use std::path::Path;

use crate::{Generated, blocks, parts};

pub fn generate(repository: &Path) -> Result<Vec<Generated>, Box<dyn Error>> {
    let mut by_hand = String::new();
    let mut folders: Vec<_> = fs::read_dir(repository.join("functions"))?.collect::<Result<_, _>>()?;
    folders.sort_by_key(fs::DirEntry::path);
    for folder in folders {
        let path = folder.path().join("template.yaml");
        if path.exists() {
            by_hand += &blocks::by_hand(&fs::read_to_string(path)?)?;
        }
    }
    let kept: Vec<_> = parts::with_failures(&by_hand).collect();
    // A reader says where a change goes that it gives up in its event source, a plug-in in its own settings.
    let is_reader = |function: &&&str| {
        let (_, definition) = by_hand.split_once(&format!("\n  {function}Function:\n")).unwrap_or_default();
        definition.split("\n\n").next().is_some_and(|definition| definition.contains("Type: DynamoDB"))
    };
    let readers: Vec<_> = kept.iter().filter(is_reader).copied().collect();
    let lines = |indent: &str, functions: &[&str], line: &dyn Fn(&str) -> String| -> String {
        functions.iter().map(|function| format!("{indent}- {}\n", line(function))).collect()
    };
    let behind = |reader: &str| format!("!GetAtt {reader}IsBehind.Arn");
    let gave_up = |function: &str| format!("!GetAtt {function}GaveUp.Arn");
    let waiting = |function: &str| {
        let queue = format!("!Sub \"${{Blog}}-{function}-failures\"");
        format!("[AWS/SQS, ApproximateNumberOfMessagesVisible, QueueName, {queue}, {{ label: {function} }}]")
    };
    let given_up = |function: &&str| {
        let (before, _) = by_hand.split_once(&format!("\n  {function}Function:\n")).unwrap_or_default();
        let said = before.lines().last().and_then(|line| line.strip_prefix("  # Given up: "));
        let said = said
            .ok_or_else(|| format!("{function}Function: say above it, after `# Given up: `, what is not done then"))?;
        Ok(format!("| `{function}` | {said} |\n"))
    };
    let given_up: String = kept.iter().map(given_up).collect::<Result<_, String>>()?;
    let widget = " ".repeat(18);
    let path = repository.join("infrastructure/watching.yaml");
    let text = blocks::replaced(&fs::read_to_string(&path)?, |block| match block.first() {
        Some(&"readers") => Ok(format!("    - [{}]\n", readers.join(", "))),
        Some(&"failures") => Ok(format!("    - [{}]\n", kept.join(", "))),
        Some(&"alarms") => Ok(lines(&widget, &readers, &behind) + &lines(&widget, &kept, &gave_up)),
        Some(&"queues") => Ok(lines(&widget, &kept, &waiting)),
        _ => Err(format!("nothing that is generated is called {block:?}")),
    })?;
    let runbook = repository.join("docs/runbook.md");
    let explained = blocks::replaced(&fs::read_to_string(&runbook)?, |block| match block.first() {
        Some(&"given-up") => Ok(format!("| function | what is not done |\n|---|---|\n{given_up}")),
        _ => Err(format!("nothing that is generated is called {block:?}")),
    })?;
    Ok(vec![Generated { path, text }, Generated { path: runbook, text: explained }])
}
