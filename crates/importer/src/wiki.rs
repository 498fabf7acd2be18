//! What Obsidian and other wikis write in Markdown: `[[Note]]`, `[[Note#Part|words]]`, `![[picture.png]]`, `%%a comment%%`.

use std::path::Path;

use crate::{markup, media::has_name_of_picture};

/// How many bytes of a link are looked at for its end.
const MAX_LINK: usize = 1024;

/// A text after its links of a wiki became Markdown.
#[derive(Debug, Default, PartialEq)]
pub struct Translated {
    pub text: String,
    /// How many links stay as text, as they lead to no post.
    pub kept: usize,
    /// How many comments are left out.
    pub comments: usize,
}

/// Translates the links of `text`. `post` gives the address of the note that one names, `picture` that of a picture. Comments are left out if
/// `is_vault`: elsewhere two percent signs are text.
pub fn translate(
    text: &str,
    is_vault: bool,
    post: &dyn Fn(&str) -> Option<String>,
    picture: &dyn Fn(&str) -> Option<String>,
) -> Translated {
    let code = markup::code(text);
    let mut found = Translated::default();
    let mut at = 0;
    let mut is_open = is_vault;
    while let Some(begin) = text.get(at..).and_then(|rest| rest.find(['[', '!', '%'])).map(|begin| at + begin) {
        found.text.push_str(text.get(at..begin).unwrap_or_default());
        let rest = text.get(begin..).unwrap_or_default();
        let (new, length) = if markup::is_code(&code, begin) {
            (None, 1)
        } else if let Some(inside) = rest.strip_prefix("%%").filter(|_| is_open) {
            // What nothing closes is looked for once.
            let end = inside.find("%%");
            is_open = end.is_some();
            found.comments += usize::from(is_open);
            (end.map(|_| String::new()), end.map_or(2, |end| end + 4))
        } else {
            link(rest, post, picture, &mut found.kept).map_or((None, 1), |(new, length)| (new, length))
        };
        at = begin + length;
        found.text.push_str(new.as_deref().unwrap_or(text.get(begin..at).unwrap_or_default()));
    }
    found.text.push_str(text.get(at..).unwrap_or_default());
    found
}

/// What stands for the link that a text begins with, if it leads anywhere, and how long it is.
fn link(
    text: &str,
    post: &dyn Fn(&str) -> Option<String>,
    picture: &dyn Fn(&str) -> Option<String>,
    kept: &mut usize,
) -> Option<(Option<String>, usize)> {
    let text = text.get(..text.floor_char_boundary(MAX_LINK))?;
    let is_embedded = text.starts_with("![[");
    let line = text.strip_prefix(if is_embedded { "![[" } else { "[[" })?.split('\n').next()?;
    let (inside, behind) = line.split_once("]]")?;
    let is_link = !inside.trim().is_empty() && !inside.starts_with(' ') && !inside.contains(['[', ']']);
    if !is_link || behind.starts_with(['(', '[']) {
        return None;
    }
    let length = usize::from(is_embedded) + 2 + inside.len() + 2;
    let (target, words) = inside.split_once('|').map_or((inside, None), |(target, words)| (target, Some(words.trim())));
    // In a table the bar is escaped.
    let target = target.trim().trim_end_matches('\\');
    if is_embedded && has_name_of_picture(Path::new(target)) {
        // Behind the bar, a picture has its width.
        let words =
            words.filter(|words| !words.starts_with(|letter: char| letter.is_ascii_digit())).unwrap_or_default();
        let address = picture(target).unwrap_or_else(|| target.to_owned());
        return Some((Some(format!("![{words}](<{address}>)")), length));
    }
    let words = words.filter(|words| !words.is_empty()).unwrap_or_else(|| target.trim_start_matches('#'));
    let new = post(target).map(|address| format!("[{words}]({})", address.replace(' ', "-")));
    *kept += usize::from(new.is_none());
    Some((new, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, is_vault: bool, expected: &str, kept: usize, comments: usize) {
        let post = |target: &str| {
            let part = target.strip_prefix("Note")?;
            (part.is_empty() || part.starts_with('#')).then(|| format!("/posts/note{part}"))
        };
        assert_eq!(
            translate(text, is_vault, &post, &|_| None),
            Translated { text: expected.to_owned(), kept, comments },
            "{text}"
        );
    }

    #[test]
    fn links_of_a_wiki_lead_to_posts_and_others_are_counted() {
        check(
            "See [[Note]], [[Note|that]], [[Note#Set up|it]], ![[a b.png]] ![[c.jpg|300]] ![[d.png|A cat]].",
            false,
            "See [Note](/posts/note), [that](/posts/note), [it](/posts/note#Set-up), ![](<a b.png>) ![](<c.jpg>) ![A cat](<d.png>).",
            0,
            0,
        );
        check("[[Gone]] ![[Note]] ![[Gone|x]]", false, "[[Gone]] [Note](/posts/note) ![[Gone|x]]", 2, 0);
        for text in ["`[[Note]]` [[1]](b) [[a] b]] [[ -f x ]] [[Note\n]] [x] ![y](z)", "[[", "[[]]", "![["] {
            check(text, true, text, 0, 0);
        }
    }

    #[test]
    fn comments_of_a_vault_are_left_out() {
        check("A %%secret [[Note]]\n\n%%b `%%c%%` 5%% of", true, "A b `%%c%%` 5%% of", 0, 1);
        check("5%% and 6%% of", false, "5%% and 6%% of", 0, 0);
        let many = "[[".repeat(50_000) + &"%%".repeat(50_001);
        assert_eq!(translate(&many, true, &|_| None, &|_| None).comments, 25_000);
    }
}
