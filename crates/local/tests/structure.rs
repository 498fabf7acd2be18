//! The house: which crate may use which, what a binary may link, and how many files a usual change touches.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use edge::telemetry::LOGGING_CRATES;

/// The crates of the workspace in layers, the lowest first. A crate uses crates of lower layers only. What is missing here
/// fails the test, so that somebody decides where a new crate belongs.
const LAYERS: &[&[&str]] = &[
    &["domain", "markdown", "search_index"],
    &["aws"],
    &["bucket", "bus", "table", "tokens"],
    &["identity", "views"],
    &["edge"],
    &[
        "authorizer",
        "catch_all",
        "community",
        "discovery",
        "events",
        "floor",
        "media",
        "posts",
        "search",
        "site",
        "users",
        "webhooks",
    ],
    // They run the operations of other crates: a page shows what these answer (docs/adr/0037, docs/adr/0039).
    &["conduit", "ghost", "pages"],
    &["importer", "local_cognito", "local_s3", "template"],
    &["load", "openapi"],
    &["local"],
    &["measure", "xtask"],
];

/// The crates that call AWS with a client of the SDK's, each with that client.
const CLIENTS: &[(&str, &str)] = &[("table", "aws-sdk-dynamodb"), ("identity", "aws-sdk-cognitoidentityprovider")];

/// The crates that are clients themselves (docs/adr/0031).
const CLIENTS_OF_OURS: &[&str] = &["bucket", "bus"];

/// The clients that each binary may link.
const BINARIES: &[(&str, &[&str])] = &[
    ("authorizer", &["aws-sdk-dynamodb"]),
    ("catch_all", &["aws-sdk-dynamodb"]),
    ("community", &["aws-sdk-dynamodb"]),
    ("conduit", &["aws-sdk-cognitoidentityprovider", "aws-sdk-dynamodb", "bucket"]),
    ("discovery", &["aws-sdk-dynamodb"]),
    ("events", &["aws-sdk-cognitoidentityprovider", "aws-sdk-dynamodb", "bucket", "bus"]),
    ("ghost", &["aws-sdk-dynamodb"]),
    ("media", &["aws-sdk-dynamodb", "bucket"]),
    ("pages", &["aws-sdk-dynamodb", "bucket", "bus"]),
    ("posts", &["aws-sdk-dynamodb"]),
    ("search", &["aws-sdk-dynamodb", "bucket", "bus"]),
    ("site", &["aws-sdk-dynamodb", "bucket"]),
    ("users", &["aws-sdk-cognitoidentityprovider", "aws-sdk-dynamodb", "bucket"]),
    ("webhooks", &["aws-sdk-dynamodb"]),
];

/// The crates of the workspace: the folder and the manifest of each.
fn crates() -> Vec<(PathBuf, toml::Table)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders = ["crates", "functions", "."].map(|folder| std::fs::read_dir(root.join(folder)).unwrap());
    let folders = folders.into_iter().flatten().map(|entry| entry.unwrap().path());
    let read = |folder: PathBuf| {
        let manifest: toml::Table = std::fs::read_to_string(folder.join("Cargo.toml")).ok()?.parse().unwrap();
        // A workspace of its own has the targets of cargo-fuzz.
        let is_crate = manifest.contains_key("package") && !manifest.contains_key("workspace");
        is_crate.then_some((folder, manifest))
    };
    folders.filter_map(read).collect()
}

/// What each crate of the workspace depends on, apart from its tests and its build script.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let of_crate = |(_, manifest): (_, toml::Table)| {
        let name = manifest["package"]["name"].as_str().unwrap().to_owned();
        let used = manifest.get("dependencies").and_then(|used| used.as_table());
        (name, used.into_iter().flatten().map(|(name, _)| name.clone()).collect())
    };
    crates().into_iter().map(of_crate).collect()
}

fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&name))
}

#[test]
fn no_crate_uses_one_of_its_own_or_a_higher_layer() {
    let dependencies = dependencies();
    let (mut upward, mut arrows) = (Vec::new(), 0);
    for (name, used) in &dependencies {
        let own = layer(name).unwrap_or_else(|| panic!("say in LAYERS where {name} belongs"));
        for other in used.iter().filter(|other| dependencies.contains_key(*other)) {
            arrows += 1;
            if layer(other) >= Some(own) {
                upward.push(format!("{name} -> {other}"));
            }
        }
    }
    assert!(arrows > 30, "only {arrows} arrows were found");
    assert!(upward.is_empty(), "{} of {arrows} arrows run upward: {upward:?}", upward.len());
}

#[test]
fn a_binary_links_the_clients_that_it_calls_and_no_others() {
    let dependencies = dependencies();
    for (name, client) in CLIENTS {
        assert!(dependencies[*name].contains(*client), "{name} links {client}");
    }
    for (binary, allowed) in BINARIES {
        let mut reached = BTreeSet::from([(*binary).to_owned()]);
        let mut pending = vec![(*binary).to_owned()];
        while let Some(next) = pending.pop() {
            for used in dependencies.get(&next).into_iter().flatten() {
                if reached.insert(used.clone()) {
                    pending.push(used.clone());
                }
            }
        }
        let linked: Vec<_> = reached
            .iter()
            .filter(|name| name.starts_with("aws-sdk-") || CLIENTS_OF_OURS.contains(&name.as_str()))
            .collect();
        assert_eq!(linked, allowed.iter().collect::<Vec<_>>(), "{binary}");
    }
}

#[test]
fn what_every_crate_logs_gets_through() {
    let logging: BTreeSet<_> =
        dependencies().into_iter().filter(|(_, used)| used.contains("tracing")).map(|(name, _)| name).collect();
    let listed = LOGGING_CRATES.map(|prefix| prefix.trim_end_matches("::").to_owned());
    assert_eq!(logging, BTreeSet::from(listed), "edge::telemetry::LOGGING_CRATES is not what depends on tracing");
}

/// The recipes of CONTRIBUTING.md, each with the most files that it may take: a change that takes more needs a better design,
/// not a longer recipe.
const RECIPES: &[(&str, usize)] = &[
    ("Add an operation", 6),
    ("Add a field of a post", 6),
    ("Add a handler of the table's changes", 6),
    ("Add a plug-in", 6),
    ("Add a domain event", 6),
    ("Add a setting", 4),
];

#[test]
fn a_usual_change_touches_few_files_and_the_recipes_name_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = std::fs::read_to_string(root.join("CONTRIBUTING.md")).unwrap();
    for (name, max_files) in RECIPES {
        let (_, recipe) = text.split_once(&format!("### {name}\n")).unwrap_or_else(|| panic!("no recipe {name:?}"));
        let recipe = recipe.split("\n### ").next().unwrap_or_default();
        let steps = recipe.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_digit()));
        let files: BTreeSet<&str> =
            steps.map(|step| step.split('`').nth(1).unwrap_or_else(|| panic!("{name}: no file in {step:?}"))).collect();
        assert!(!files.is_empty() && files.len() <= *max_files, "{name} touches {} files: {files:?}", files.len());
        assert!(recipe.contains(&format!("t most {max_files} files:")), "{name} does not say {max_files}");
        for file in files {
            assert!(root.join(file).is_file(), "{name}: there is no {file}");
        }
    }
}

#[test]
fn no_file_of_stories_is_forgotten() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let named = ["tests/main.rs", "Cargo.toml"].map(|file| std::fs::read_to_string(root.join(file)).unwrap()).concat();
    let files = std::fs::read_dir(root.join("tests")).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let names = files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned());
    let is_run =
        |name: &str| named.contains(&format!("\nmod {name};\n")) || named.contains(&format!("\"tests/{name}.rs\""));
    let forgotten: Vec<_> = names.filter(|name| !is_run(name)).collect();
    assert!(forgotten.is_empty(), "nothing runs {forgotten:?}; add them to crates/local/tests/main.rs");
}

/// All Rust code in a folder.
fn source(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| match path.extension() {
            _ if path.is_dir() => source(&path),
            Some(extension) if extension == "rs" => std::fs::read_to_string(&path).unwrap(),
            _ => String::new(),
        })
        .collect()
}

#[test]
fn a_library_is_compiled_for_unit_tests_only_if_it_has_some() {
    for (folder, manifest) in crates().into_iter().filter(|(folder, _)| folder.join("src/lib.rs").is_file()) {
        let source = source(&folder.join("src"));
        let says = |key: &str| manifest.get("lib").and_then(|lib| lib.get(key)?.as_bool()).unwrap_or(true);
        let has_tests = ["#[test]", "#[tokio::test"].iter().any(|attribute| source.contains(attribute));
        let manifest = folder.join("Cargo.toml");
        assert_eq!(says("test"), has_tests, "`test` in [lib] of {}", manifest.display());
        assert!(!says("doctest"), "`doctest = false` is not in [lib] of {}", manifest.display());
        // A code block that names no language would be a documentation test.
        let lines = source.lines().map(str::trim_start);
        let fences = lines.filter_map(|line| line.strip_prefix("/// ```").or_else(|| line.strip_prefix("//! ```")));
        let opening = fences.step_by(2).find(|language| *language != "text");
        assert_eq!(opening, None, "a documentation test of {} is not run: write a story", folder.display());
    }
}
