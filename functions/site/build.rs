//! Says which commit this is, and from when. A build of the same commit is the same, so its time is the commit's, or
//! what `SOURCE_DATE_EPOCH` says (<https://reproducible-builds.org/specs/source-date-epoch/>). Without git, as from a
//! tarball, `BROADSHEET_COMMIT` says the commit, or nothing does.

use std::env;
use std::process::Command;

#[allow(clippy::disallowed_methods, reason = "a build script is told by environment variables")]
fn main() {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8(output.stdout).ok()?.trim().to_owned()).filter(|text| !text.is_empty())
    };
    for (variable, asked_as, format) in
        [("COMMIT", "BROADSHEET_COMMIT", "--format=%H"), ("COMMIT_SECONDS", "SOURCE_DATE_EPOCH", "--format=%ct")]
    {
        println!("cargo::rerun-if-env-changed={asked_as}");
        let value = env::var(asked_as).ok().or_else(|| git(&["show", "--no-patch", format, "HEAD"]));
        println!("cargo::rustc-env={variable}={}", value.unwrap_or_default());
    }
    // Git writes here whenever another commit is checked out or made.
    println!("cargo::rerun-if-changed=build.rs");
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo::rerun-if-changed={log}");
    }
}
