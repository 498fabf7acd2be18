//! What the role of a function allows and no story used. A test target of its own, because it has to run after the stories:
//! `cargo test` runs the targets of a package one after the other, in the order of their names.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test that fails panics")]

use std::collections::BTreeSet;
use std::path::Path;

use local::backing::refs;
use local::roles::{Permission, permissions};
use template::{self, Template};

#[test]
fn each_role_allows_no_more_than_the_stories_used() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("used-permissions");
    let Ok(files) = std::fs::read_dir(&folder) else { panic!("the stories have not run yet: cargo test -p local") };
    let used: BTreeSet<String> = files
        .flat_map(|file| {
            std::fs::read_to_string(file.unwrap().path()).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    let template = Template::read(template::SOURCE, &refs()).unwrap();
    let mut unused = Vec::new();
    for (handler, function) in &template.functions {
        for Permission { resource, action, leading_keys } in permissions(function) {
            // Init reads an item to open its connection. The catch-all and the functions of events read none then.
            let is_warming =
                action == "dynamodb:GetItem" && !["catch_all", "events"].contains(&function.binary.as_str());
            let line = format!("{handler} {resource} {action} {}", leading_keys.join(","));
            if !is_warming && !used.contains(&line) {
                unused.push(line);
            }
        }
    }
    assert!(unused.is_empty(), "no story used these permissions (did all of them run?):\n{}", unused.join("\n"));
}
