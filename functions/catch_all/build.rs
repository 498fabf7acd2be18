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
    let paths = template["Resources"]["Api"]["Properties"]["DefinitionBody"]["paths"].as_mapping();

    let mut routes: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (path, methods) in paths.ok_or("the template has no paths")? {
        let methods = methods.as_mapping().into_iter().flat_map(|methods| methods.keys()).filter_map(Value::as_str);
        // All others are extensions: that of any method is the route to here.
        let methods: Vec<_> = methods.filter(|method| !method.starts_with("x-")).map(str::to_uppercase).collect();
        if let (Some(path), false) = (path.as_str(), methods.is_empty()) {
            routes.entry(path).or_default().extend(methods.into_iter().chain(["OPTIONS".to_owned()]));
        }
    }
    let routes: Vec<_> = routes.into_iter().map(|(path, methods)| (path, Vec::from_iter(methods))).collect();
    // The debug form of text and lists is how Rust writes them; only `&` is missing.
    let routes = format!("&{routes:?}").replace(", [", ", &[");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("routes.rs"), routes)?;
    Ok(())
}
