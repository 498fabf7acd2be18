//! The patterns by which configurations name files.

use std::path::Path;

/// What `*` and `?` stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Star {
    /// Anything but a slash; `**` for anything. As in `.gitignore`.
    InFolder,
    /// Anything. As Ruby's `File.fnmatch` and Python's `fnmatch`.
    Anywhere,
}

/// Whether the pattern names the whole of the path. It may have `*`, `**`, `?`, `[a-z]`, `{a,b}` and `\`.
pub fn matches(pattern: &str, path: &str, star: Star) -> bool {
    if let Some((before, inside, after)) = alternatives(pattern) {
        return inside.split(',').any(|one| matches(&format!("{before}{one}{after}"), path, star));
    }
    let (pattern, path): (Vec<char>, Vec<char>) = (pattern.chars().collect(), path.chars().collect());
    at(&pattern, &path, true, star)
}

/// The first `{a,b}` of a pattern, with what stands around it.
fn alternatives(pattern: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = pattern.split_once('{')?;
    let (inside, after) = rest.split_once('}')?;
    Some((before, inside, after))
}

fn at(pattern: &[char], path: &[char], begins_part: bool, star: Star) -> bool {
    let crosses = |letter: &char| star == Star::Anywhere || *letter != '/';
    let rest_of = |rest: &[char], path: &[char]| {
        path.split_first().is_some_and(|(first, others)| at(rest, others, *first == '/', star))
    };
    match (pattern, path) {
        ([], _) => path.is_empty(),
        (['*', '*', '/', rest @ ..], _) if begins_part => {
            at(rest, path, true, star)
                || path.iter().enumerate().any(|(index, letter)| {
                    *letter == '/' && path.get(index + 1..).is_some_and(|path| at(rest, path, true, star))
                })
        }
        (['*', '*', rest @ ..], _) => {
            (0..=path.len()).any(|index| path.get(index..).is_some_and(|path| at(rest, path, false, star)))
        }
        (['*', rest @ ..], _) => {
            at(rest, path, false, star)
                || path.split_first().is_some_and(|(first, others)| crosses(first) && at(pattern, others, false, star))
        }
        (['?', rest @ ..], [first, ..]) => crosses(first) && rest_of(rest, path),
        (['[', ..], [first, ..]) if pattern.contains(&']') => {
            let end = pattern.iter().position(|letter| *letter == ']').unwrap_or_default();
            let class = pattern.get(1..end).unwrap_or_default();
            let (negated, class) = match class {
                ['!' | '^', class @ ..] => (true, class),
                class => (false, class),
            };
            let is_in = class.contains(first)
                || class.windows(3).any(|three| matches!(three, [low, '-', high] if (low..=high).contains(&first)));
            is_in != negated && crosses(first) && pattern.get(end + 1..).is_some_and(|rest| rest_of(rest, path))
        }
        (['\\', letter, rest @ ..], [first, ..]) | ([letter, rest @ ..], [first, ..]) => {
            letter == first && rest_of(rest, path)
        }
        _ => false,
    }
}

/// Whether the lines of a `.gitignore` name the file at `path`, which is relative to the folder of the lines.
pub fn is_ignored(lines: &str, path: &Path) -> bool {
    let path = path.to_string_lossy();
    // The file itself, and each folder that it is in.
    let places: Vec<_> = path
        .match_indices('/')
        .filter_map(|(end, _)| Some((path.get(..end)?, true)))
        .chain([(&*path, false)])
        .collect();
    let mut ignored = false;
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (line, verdict) = line.strip_prefix('!').map_or((line, true), |line| (line, false));
        let (pattern, only_folders) = line.strip_suffix('/').map_or((line, false), |line| (line, true));
        let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
        let is_anchored = pattern.contains('/');
        let pattern = pattern.trim_start_matches('/');
        let named = |(place, is_folder): &(&str, bool)| {
            let name = if is_anchored { place } else { place.rsplit('/').next().unwrap_or(place) };
            (*is_folder || !only_folders) && matches(pattern, name, Star::InFolder)
        };
        if places.iter().any(named) {
            ignored = verdict;
        }
    }
    ignored
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_files() {
        for (pattern, path, in_folder, anywhere) in [
            ("a.md", "a.md", true, true),
            ("a.md", "b/a.md", false, false),
            ("*.md", "b/a.md", false, true),
            ("**/*.md", "a.md", true, true),
            ("**/*.md", "b/c/a.md", true, true),
            ("b/**", "b/c/a.md", true, true),
            ("/b/**", "/bc/a.md", false, false),
            ("?[a-c][!x].md", "xby.md", true, true),
            ("{a,b}/x.*", "b/x.md", true, true),
            ("\\*", "*", true, true),
            ("[", "[", true, true),
            ("*", "", true, true),
        ] {
            assert_eq!(matches(pattern, path, Star::InFolder), in_folder, "{pattern} {path}");
            assert_eq!(matches(pattern, path, Star::Anywhere), anywhere, "{pattern} {path}");
        }
        for (lines, path, expected) in [
            ("src/ign", "src/ign/a.md", true),
            ("ign/", "src/ign/a.md", true),
            ("a.md/", "src/a.md", false),
            ("# a.md\n*.md\n!keep.md", "x/a.md", true),
            ("*.md\n!keep.md", "x/keep.md", false),
            ("/a.md", "x/a.md", false),
            ("./src/*.md", "src/a.md", true),
        ] {
            assert_eq!(is_ignored(lines, Path::new(path)), expected, "{lines:?} {path}");
        }
    }
}
