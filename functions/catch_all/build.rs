//! Writes down which methods each path of `template.yaml` has, for `Allow`: the template stays the only place where
//! routes are written.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::Path;
use std::{env, fs};

use serde_yaml_ng::Value;

#[allow(clippy::disallowed_methods, reason = "cargo tells build scripts by environment variables")]
fn main() -> Result<(), Box<dyn Error>> {
    let template = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../template.yaml");
    println!("cargo::rerun-if-changed={}", template.display());
    let template: Value = serde_yaml_ng::from_str(&fs::read_to_string(template)?)?;

    let mut routes: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for resource in template["Resources"].as_mapping().ok_or("the template has no resources")?.values() {
        for event in resource["Properties"]["Events"].as_mapping().into_iter().flat_map(|events| events.values()) {
            let properties = &event["Properties"];
            if let (Some(path), Some(method)) = (properties["Path"].as_str(), properties["Method"].as_str())
                && method != "ANY"
            {
                routes.entry(path).or_default().extend([method.to_uppercase(), "OPTIONS".to_owned()]);
            }
        }
    }
    let routes: Vec<_> = routes.into_iter().map(|(path, methods)| (path, Vec::from_iter(methods))).collect();
    // The debug form of text and lists is how Rust writes them; only `&` is missing.
    let routes = format!("&{routes:?}").replace(", [", ", &[");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("routes.rs"), routes)?;
    Ok(())
}
