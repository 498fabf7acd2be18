//! `cargo run -p xtask -- generate`: writes what is generated. A test fails if what is committed is something else.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

mod blocks;
mod parameters;
mod parts;
mod watched;

/// A file, and the text that it has to have.
struct Generated {
    path: PathBuf,
    text: String,
}

/// Reads what it needs of the repository in this folder and says what some of its files have to be.
type Generator = fn(&Path) -> Result<Vec<Generated>, Box<dyn Error>>;

/// All generators. A new one is a module with a function `generate`, and a line here.
const GENERATORS: &[Generator] = &[parameters::generate, parts::generate, watched::generate];

/// The tests that write what needs the code of the blog, each as arguments of `cargo test`: with `UPDATE_EXPECT` they write
/// it, without they compare.
const TESTS: &[&[&str]] = &[
    &["-p", "markdown", "the_documentation_lists_all_that_may_stand_in_a_page"],
    &[
        "-p",
        "local",
        "--test",
        "stories",
        "--",
        "--exact",
        "openapi::the_document_is_the_one_that_is_committed",
        "openapi::the_readme_lists_every_operation",
        "caching::every_get_is_cached_as_the_docs_say",
        "administration::every_operation_lets_pass_whom_the_documentation_says",
        "api_keys::every_operation_takes_the_scope_that_the_documentation_says",
        "audit::the_documentation_lists_every_action",
        "operations::the_documentation_says_what_every_operation_costs",
        "spread::the_documentation_says_what_a_partition_takes",
        "domain_events::the_schemas_are_those_that_are_committed_and_the_documentation_lists_them",
    ],
];

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["generate"] => generate(),
        _ => Err("usage: cargo run -p xtask -- generate".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The checkout that cargo runs this for: not the one that it was compiled in, which differs if two share a target folder.
fn repository() -> PathBuf {
    Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("..")
}

/// The files that are not what they have to be.
fn outdated() -> Result<Vec<Generated>, Box<dyn Error>> {
    let mut outdated = Vec::new();
    for generator in GENERATORS {
        for file in generator(&repository())? {
            // A file that is not there yet is outdated too.
            if fs::read_to_string(&file.path).ok().as_ref() != Some(&file.text) {
                outdated.push(file);
            }
        }
    }
    Ok(outdated)
}

fn generate() -> Result<(), Box<dyn Error>> {
    let root = repository();
    for Generated { path, text } in outdated()? {
        println!("{}", path.strip_prefix(&root).unwrap_or(&path).display());
        fs::write(path, text)?;
    }
    for arguments in TESTS {
        let tests = Command::new(env!("CARGO")).arg("test").args(*arguments).env("UPDATE_EXPECT", "1").status()?;
        if !tests.success() {
            return Err(format!("cargo test {} failed", arguments.join(" ")).into());
        }
    }
    Ok(())
}

#[cfg(test)]
#[test]
fn what_is_committed_is_what_is_generated() {
    let paths: Vec<_> = outdated().unwrap().into_iter().map(|file| file.path).collect();
    assert!(paths.is_empty(), "run `cargo run -p xtask -- generate`, which changes {paths:?}");
}
