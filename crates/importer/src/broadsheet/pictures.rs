//! Pictures: in a text of the blog `/media/ID`, in a file of an export the path of the picture's file, as seen from `posts`.

use std::collections::BTreeMap;

use domain::MediaId;

/// The length of an id.
const ID: usize = 26;

/// What a text of the blog has before the id of a picture.
const IN_BLOG: &str = "/media/";
/// What a file of the export has before the name of a picture's file.
const IN_FILE: &str = "../media/";

/// The ids of the pictures that a text names.
pub fn named(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    rewrite(text, IN_BLOG, |id, _| {
        found.push(id.to_ascii_uppercase());
        None
    });
    found
}

/// The text with the paths of files where it names pictures. `names` has the name of each picture's file by its id.
pub fn to_files(text: &str, names: &BTreeMap<String, String>) -> String {
    rewrite(text, IN_BLOG, |id, _| {
        let name = names.get(&id.to_ascii_uppercase())?;
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        Some((format!("{IN_FILE}{id}.{extension}"), 0))
    })
}

/// The text with the new ids where it has paths of files. `ids` has the new id of each picture by the name of its file.
pub fn to_ids(text: &str, ids: &BTreeMap<String, String>) -> String {
    rewrite(text, IN_FILE, |id, rest| {
        let extension: String = rest.strip_prefix('.')?.chars().take_while(char::is_ascii_alphanumeric).collect();
        let id = ids.get(&format!("{}.{extension}", id.to_ascii_uppercase()))?;
        Some((format!("{IN_BLOG}{id}"), extension.len() + 1))
    })
}

/// The path of a picture's file, as the head of a post has it.
pub fn path_of(name: &str) -> String {
    format!("{IN_FILE}{name}")
}

/// The name of a picture's file, if this is the path of one.
pub fn name_in(path: &str) -> Option<&str> {
    path.strip_prefix(IN_FILE)
}

/// The address of a picture's file taken apart: what is before `/media/`, and the id.
pub fn in_address(address: &str) -> Option<(&str, &str)> {
    let (root, path) = address.split_once(IN_BLOG)?;
    let (id, file) = path.split_once('/')?;
    (id.parse::<MediaId>().is_ok() && !file.contains('/')).then_some((root, id))
}

/// Replaces each `prefix` with the id after it by what `replacement` gives for the id and the text that follows it, with the number
/// of bytes of that text which go too. A `prefix` within an address is none.
fn rewrite(text: &str, prefix: &str, mut replacement: impl FnMut(&str, &str) -> Option<(String, usize)>) -> String {
    let mut written = String::with_capacity(text.len());
    let mut done = 0;
    for (at, _) in text.match_indices(prefix) {
        let begins =
            text[..at].chars().next_back().is_none_or(|before| !before.is_alphanumeric() && !"/.-_~%".contains(before));
        let Some(id) = text.get(at + prefix.len()..at + prefix.len() + ID) else { continue };
        let rest = &text[at + prefix.len() + ID..];
        let ends = rest.chars().next().is_none_or(|after| !after.is_alphanumeric() && after != '/' && after != '_');
        if at < done || !begins || !ends || id.to_ascii_uppercase().parse::<MediaId>().is_err() {
            continue;
        }
        if let Some((new, taken)) = replacement(id, rest) {
            written.push_str(&text[done..at]);
            written.push_str(&new);
            done = at + prefix.len() + ID + taken;
        }
    }
    written.push_str(&text[done..]);
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "01BX5ZZKBKACTAV9WEVGEMMVRZ";
    const TWO: &str = "01BX5ZZKBKACTAV9WEVGEMMVS0";

    #[test]
    fn pictures_become_files_and_files_pictures() {
        let names = BTreeMap::from([(ONE.to_owned(), format!("{ONE}.jpg"))]);
        let ids = BTreeMap::from([(format!("{ONE}.jpg"), TWO.to_owned())]);
        let small = ONE.to_lowercase();
        for (text, file, back) in [
            (format!("![a](/media/{ONE})"), format!("![a](../media/{ONE}.jpg)"), format!("![a](/media/{TWO})")),
            (
                format!("[p]: </media/{ONE}> \"t\""),
                format!("[p]: <../media/{ONE}.jpg> \"t\""),
                format!("[p]: </media/{TWO}> \"t\""),
            ),
            (
                format!("/media/{small}/media/{ONE}"),
                format!("/media/{small}/media/{ONE}"),
                format!("/media/{small}/media/{ONE}"),
            ),
            (format!("![](/media/{small})"), format!("![](../media/{small}.jpg)"), format!("![](/media/{TWO})")),
        ] {
            assert_eq!(to_files(&text, &names), file);
            assert_eq!(to_ids(&file, &ids), back);
        }
        // Nobody's picture, a part of another address, a file of a picture, no id.
        for same in [
            format!("![](/media/{TWO})"),
            format!("https://example.com/media/{ONE}"),
            format!("![](/media/{ONE}/480.jpg)"),
            format!("/media/{ONE}x"),
            "/media/ü23456789012345678901234567".to_owned(),
            "/media/".to_owned(),
        ] {
            assert_eq!(to_files(&same, &names), same);
            assert_eq!(to_ids(&same.replace("/media/", "../media/"), &ids), same.replace("/media/", "../media/"));
        }
        assert_eq!(named(&format!("![](/media/{small}) ![](/media/{TWO})")), [ONE, TWO]);
        let root = "https://example.com/v1";
        assert_eq!(in_address(&format!("{root}/media/{ONE}/960.jpg")), Some((root, ONE)));
        for other in
            [format!("{root}/media/{ONE}"), format!("{root}/media/x/960.jpg"), format!("{root}/media/{ONE}/a/b")]
        {
            assert_eq!(in_address(&other), None, "{other}");
        }
    }
}
