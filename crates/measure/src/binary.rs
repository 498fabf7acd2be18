//! How large a binary is, and what is in it.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::Command;

/// The maximum number of crates that are named.
const CRATES: usize = 8;

/// The size of a binary.
pub struct Size {
    /// Bytes without symbols.
    pub stripped: u64,
    /// Bytes of the zip that is deployed.
    pub zipped: u64,
    /// The crates with the most code, each with its kilobytes.
    pub crates: Vec<(String, u64)>,
}

/// The size of a binary that has its symbols.
pub fn size(program: &Path) -> io::Result<Size> {
    let folder = tempfile::tempdir()?;
    let (bootstrap, zip) = (folder.path().join("bootstrap"), folder.path().join("bootstrap.zip"));
    output(Command::new("strip").arg("--strip-all").arg("-o").arg(&bootstrap).arg(program))?;
    output(Command::new("zip").args(["-9", "-q", "-X", "-j"]).arg(&zip).arg(&bootstrap))?;
    let symbols = output(Command::new("nm").args(["--print-size", "--demangle", "--radix=d"]).arg(program))?;
    let bytes = |file: &Path| std::fs::metadata(file).map(|metadata| metadata.len());
    Ok(Size { stripped: bytes(&bootstrap)?, zipped: bytes(&zip)?, crates: largest(&symbols) })
}

/// The crates with the most code: lines of `nm` are an address, a size, a type, and the name of a function. What has no path is C.
fn largest(symbols: &str) -> Vec<(String, u64)> {
    let mut crates = BTreeMap::<String, u64>::new();
    for line in symbols.lines() {
        let mut fields = line.splitn(4, ' ');
        let (_, size, kind, name) = (fields.next(), fields.next(), fields.next(), fields.next());
        let (Some(size), Some("t" | "T"), Some(name)) = (size.and_then(|size| size.parse::<u64>().ok()), kind, name)
        else {
            continue;
        };
        *crates.entry(owner(name)).or_default() += size;
    }
    let mut crates: Vec<_> = crates.into_iter().map(|(name, bytes)| (name, bytes / 1000)).collect();
    crates.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    crates.truncate(CRATES);
    crates
}

/// The crate that a function is of: of an implementation, that of the type, or of the trait if any type may have it.
pub fn owner(name: &str) -> String {
    let (of, of_trait) = name.trim_start_matches('<').split_once(" as ").unwrap_or((name, ""));
    let path = if of.contains("::") { of } else { of_trait };
    let path = path.trim_start_matches(['<', '&', '*', '(', '[']);
    let path = path.trim_start_matches("dyn ").trim_start_matches("mut ").trim_start_matches("const ");
    match path.split_once("::") {
        Some((name, _)) => name.split(['[', ' ', '<']).next().unwrap_or(name).to_owned(),
        None => "C (aws-lc)".to_owned(),
    }
}

/// What a command prints; that it fails is an error.
pub fn output(command: &mut Command) -> io::Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let done = command.output().map_err(|error| io::Error::new(error.kind(), format!("{program}: {error}")))?;
    if !done.status.success() {
        return Err(io::Error::other(format!("{program}: {}", String::from_utf8_lossy(&done.stderr))));
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_counts_for_the_crate_of_its_type() {
        let symbols = "\
            0000000000000001 0000000000003000 t rustls::client::hs::start\n\
            0000000000000001 0000000000002000 T <rustls::Error as core::fmt::Debug>::fmt\n\
            0000000000000001 0000000000004000 t aws_lc_0_47_0_EVP_sign\n\
            0000000000000001 0000000000001000 t <T as serde_json::value::Spec>::serialize\n\
            0000000000000001 0000000000009000 r a::table\n\
            0000000000000001 T main\n";
        assert_eq!(
            largest(symbols),
            [("rustls".to_owned(), 5), ("C (aws-lc)".to_owned(), 4), ("serde_json".to_owned(), 1)]
        );
    }
}
