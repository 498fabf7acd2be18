//! The HTML of posts and comments as it stands in a page.

use domain::html::{Piece, parts_of_tag, pieces};

/// The text of a post: a table and a block of code can be scrolled with the keyboard, a box of a task list has a name, a picture without a
/// description has an empty one, and no heading is of the level of the page's own.
pub fn of_post(html: &str) -> String {
    written(html, None)
}

/// The text of the comment with this id. The ids in it are its own: a page has many comments, and two may have the same heading.
pub fn of_comment(html: &str, id: &str) -> String {
    written(html, Some(id))
}

fn written(html: &str, scope: Option<&str>) -> String {
    let mut written = String::with_capacity(html.len() + html.len() / 16);
    for piece in pieces(html) {
        match piece {
            Piece::Text(text) => written.push_str(text),
            Piece::Tag(tag) => write_tag(&mut written, tag, scope),
        }
    }
    written
}

fn write_tag(written: &mut String, tag: &str, scope: Option<&str>) {
    let (name, attributes) = parts_of_tag(tag);
    let shown_as = match name {
        "table" => "div class=\"scroll\" role=\"group\" aria-label=\"Table\" tabindex=\"0\"><table",
        "/table" => "/table></div",
        "h1" => "h2",
        "/h1" => "/h2",
        name => name,
    };
    written.extend(["<", shown_as]);
    let (mut has_alt, mut is_checked) = (false, false);
    for (attribute, value) in attributes {
        has_alt |= attribute == "alt";
        is_checked |= attribute == "checked";
        write_attribute(written, name, attribute, value, scope);
    }
    written.push_str(match name {
        "pre" => " tabindex=\"0\"",
        "img" if !has_alt => " alt=\"\"",
        "input" if is_checked => " aria-label=\"Done\" lang=\"en\"",
        "input" => " aria-label=\"To do\" lang=\"en\"",
        _ => "",
    });
    written.push('>');
}

/// Writes an attribute of an element; an id, and a link to one, within the scope; and how a cell is aligned as a class, because HTML has no
/// attribute for it any more.
fn write_attribute(written: &mut String, element: &str, name: &str, value: &str, scope: Option<&str>) {
    match (name, scope, value.strip_prefix('#')) {
        ("align", ..) if matches!(element, "td" | "th") && matches!(value, "left" | "center" | "right") => {
            written.extend([" class=\"align-", value, "\""]);
        }
        ("id", Some(scope), _) => written.extend([" id=\"", scope, "-", value, "\""]),
        ("href", Some(scope), Some(target)) if !target.is_empty() => {
            written.extend([" href=\"#", scope, "-", target, "\""]);
        }
        _ => written.extend([" ", name, "=\"", value, "\""]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(markdown: &str) -> String {
        markdown::render(markdown).unwrap().html
    }

    #[test]
    fn what_is_wide_can_be_scrolled() {
        let shown = of_post(&html("| a | b |\n|:-:|--:|\n| c | d |\n\n```rust\nfn a() -> &str { \"<b>\" }\n```"));
        assert!(
            shown.starts_with("<div class=\"scroll\" role=\"group\" aria-label=\"Table\" tabindex=\"0\"><table>"),
            "{shown}"
        );
        assert_eq!((shown.matches("<div").count(), shown.matches("</table></div>").count()), (1, 1), "{shown}");
        assert!(shown.contains("<pre tabindex=\"0\">"), "{shown}");
        assert!(
            shown.contains("<th class=\"align-center\">a") && shown.contains("<td class=\"align-right\">d"),
            "{shown}"
        );
        assert!(!shown.contains(" align="), "{shown}");
    }

    #[test]
    fn boxes_and_pictures_have_a_name() {
        let shown = of_post(&html("- [ ] t\n- [x] u\n\n<img src=\"/a.png\"> ![x > y](/b.png)\n\n# H"));
        assert!(shown.contains("aria-label=\"To do\"") && shown.contains("aria-label=\"Done\""), "{shown}");
        assert!(
            shown.contains("src=\"/a.png\" loading=\"lazy\" alt=\"\">")
                || shown.contains("loading=\"lazy\" src=\"/a.png\" alt=\"\">"),
            "{shown}"
        );
        assert_eq!(shown.matches("alt=").count(), 2, "{shown}");
        assert!(shown.contains("<h2") && shown.contains("</h2>") && !shown.contains("h1"), "{shown}");
    }

    #[test]
    fn the_ids_of_a_comment_are_its_own() {
        let shown = of_comment(
            &html("# Set up\n\n[see](#set-up) n[^1]\n\n[top](#) [away](https://e.example/#x)\n\n[^1]: Here."),
            "c1",
        );
        assert!(
            shown.contains("id=\"c1-user-content-set-up\"") && shown.contains("href=\"#c1-user-content-set-up\""),
            "{shown}"
        );
        assert!(shown.contains("id=\"c1-fn-") && shown.contains("href=\"#c1-fn-"), "{shown}");
        assert!(shown.contains("href=\"https://e.example/#x\"") && shown.contains("href=\"#\""), "{shown}");
    }

    #[test]
    fn hostile_text_stays_what_the_sanitiser_made_of_it() {
        for hostile in [
            "`id=\"x\" <table> href=\"#y\"`",
            "<p title='<pre> \" id=\"x\"'>x</p>",
            "<script>alert(1)</script><img src=x onerror=alert(1) alt='\"><script>'>",
            "<a title=\"</table><h1>\" href=\"#q\">q</a>",
            "a < b > c & d \"e\"",
        ] {
            let html = html(hostile);
            let shown = of_post(&html);
            let plain = |html: &str| html.replace(" tabindex=\"0\"", "").replace(" alt=\"\"", "");
            assert_eq!(plain(&shown), plain(&html), "{hostile}");
        }
    }
}
