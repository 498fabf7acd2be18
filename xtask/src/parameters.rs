//! The tables of what an operator can set: the parameters of `template.yaml`, with their defaults and descriptions.

use std::error::Error;
use std::fs;
use std::path::Path;

use serde_yaml_ng::Value;

use crate::{Generated, blocks};

/// The files that have a block `parameters`, or `parameters from NAME` for that one and all after it.
const FILES: [&str; 2] = ["README.md", "docs/deploy.md"];

pub fn generate(repository: &Path) -> Result<Vec<Generated>, Box<dyn Error>> {
    let template: Value = serde_yaml_ng::from_str(&fs::read_to_string(repository.join("template.yaml"))?)?;
    let table = |block: &[&str]| match block {
        ["parameters", "from", first, ..] => table(&template, Some(first)),
        ["parameters", ..] => table(&template, None),
        _ => Err(format!("nothing that is generated is called {block:?}")),
    };
    let file = |path| {
        let path = repository.join(path);
        let text = blocks::replaced(&fs::read_to_string(&path)?, table)?;
        Ok(Generated { path, text })
    };
    FILES.into_iter().map(file).collect()
}

fn table(template: &Value, first: Option<&str>) -> Result<String, String> {
    let mut table = "| parameter | default | |\n|---|---|---|\n".to_owned();
    let parameters = template["Parameters"].as_mapping().into_iter().flatten();
    let named = parameters.filter_map(|(name, parameter)| Some((name.as_str()?, parameter)));
    for (name, parameter) in named.skip_while(|(name, _)| first.is_some_and(|first| *name != first)) {
        let default = match written(&parameter["Default"]).as_str() {
            "" => "empty".to_owned(),
            default => format!("`{default}`"),
        };
        let mut description = written(&parameter["Description"]);
        // Where YAML sees a comment, the sentence is cut and nothing else says so.
        if !description.ends_with('.') {
            return Err(format!(
                "the Description of {name} does not end like a sentence; quote it if it contains ` #`"
            ));
        }
        if let Some(values) = parameter["AllowedValues"].as_sequence() {
            let values: Vec<_> = values.iter().map(|value| format!("`{}`", written(value))).collect();
            description += &format!(" {}.", values.join(", "));
        }
        table += &format!("| `{name}` | {default} | {} |\n", description.replace('|', "\\|"));
    }
    Ok(table)
}

/// A text, a number or nothing, as one would write it.
fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}
