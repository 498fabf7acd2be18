//! A post as a file: front matter in YAML between two lines of `---`, then the text, byte for byte.
//!
//! Each key is one line and each text in quotation marks, with an escape for everything that a reader of YAML would fold, trim or refuse. So what
//! is read is what was written, whatever it is, and the text may itself begin with `---`.

use std::fmt::Write;

use serde_json::{Map, Value};

use crate::front_matter::{Error, Keys};

const DELIMITER: &str = "---";

/// A post as a file has it.
#[derive(Debug, Clone, PartialEq)]
pub struct PostFile {
    pub keys: Map<String, Value>,
    pub body: String,
}

/// The file of a post with these keys, in this order.
pub fn write<'a>(keys: impl IntoIterator<Item = (&'a str, &'a Value)>, body: &str) -> String {
    let mut file = format!("{DELIMITER}\n");
    for (key, value) in keys {
        let _ = writeln!(file, "{key}: {}", flow(value));
    }
    file + DELIMITER + "\n" + body
}

/// Reads what [`write`] has written. Whoever edits the head may end its lines as Windows does.
pub fn parse(file: &str) -> Result<PostFile, Error> {
    let unterminated = || Error::Unterminated { delimiter: DELIMITER };
    let rest = file.strip_prefix('\u{feff}').unwrap_or(file);
    let mut head = None;
    let mut end = 0;
    for line in rest.split_inclusive('\n') {
        let after = end + line.len();
        let is_delimiter = line.trim_end() == DELIMITER;
        match head {
            None if is_delimiter => head = Some(after),
            None => break,
            Some(start) if is_delimiter => {
                // A blank line stands for the opening delimiter, so that errors name the line of the file.
                let Keys(keys, _) = Keys::from_yaml(&format!("\n{}", &rest[start..end]))?;
                return Ok(PostFile { keys, body: rest[after..].to_owned() });
            }
            Some(_) => {}
        }
        end = after;
    }
    Err(unterminated())
}

/// A value on one line.
fn flow(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let entries = map.iter().map(|(key, value)| format!("{}: {}", quoted(key), flow(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

/// A text as a double-quoted scalar of YAML (1.2, 7.3.1; the escapes are 5.7). What YAML 1.1 takes for a line break (U+0085, U+2028, U+2029)
/// is escaped too, as are a byte order mark and whatever is no printable character.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            ' '..='~'
            | '\u{a0}'..='\u{2027}'
            | '\u{202f}'..='\u{d7ff}'
            | '\u{e000}'..='\u{fefe}'
            | '\u{ff00}'..='\u{fffd}'
            | '\u{10000}'.. => {
                quoted.push(c);
            }
            c if u32::from(c) <= 0xff => {
                let _ = write!(quoted, "\\x{:02x}", u32::from(c));
            }
            c => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn back(keys: &Map<String, Value>, body: &str) -> PostFile {
        let file = write(keys.iter().map(|(key, value)| (key.as_str(), value)), body);
        parse(&file).unwrap_or_else(|error| panic!("{error}: {file:?}"))
    }

    #[test]
    fn what_is_odd_comes_back() {
        let odd = [
            "",
            " ",
            "---",
            "...",
            "null",
            "true",
            "no",
            "1.0",
            "2021-03-04",
            "a: b # c",
            "- a",
            "[a, b]",
            "{a}",
            "&a *b !c",
            "'a' \"b\" \\c",
            "%YAML",
            "@ `",
            "a\n---\nb",
            "a\r\nb\rc\n",
            "  a  \n  b  ",
            "\t",
            "\u{85}\u{2028}\u{2029}\u{feff}\u{0}\u{7f}\u{9f}\u{ffff}",
            "👩\u{200d}💻",
        ];
        let keys = json!({ "title": odd, "nested": { odd[13]: odd, "": null }, "flag": false, "number": 7 });
        let keys = keys.as_object().unwrap();
        for body in odd {
            assert_eq!(back(keys, body), PostFile { keys: keys.clone(), body: body.to_owned() });
        }
        let long = "x \u{85}".repeat(50_000);
        let keys = Map::from_iter([("long".to_owned(), json!([long]))]);
        assert_eq!(back(&keys, &long).keys, keys);
    }

    #[test]
    fn a_head_may_be_edited() {
        let file = parse("---\r\ntitle: A plain title\r\ntags: [a, b]\r\n---\r\n\r\nText.\r\n").unwrap();
        assert_eq!(file.keys, *json!({ "title": "A plain title", "tags": ["a", "b"] }).as_object().unwrap());
        assert_eq!(file.body, "\r\nText.\r\n");
        for broken in ["", "Text.", "---\ntitle: a\n", "title: a\n---\n", "\n---\ntitle: a\n---\n"] {
            assert!(parse(broken).is_err(), "{broken:?}");
        }
        assert!(parse("---\ntitle: [\n---\n").unwrap_err().to_string().contains("YAML"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_is_read(
            texts in proptest::collection::vec(prop_oneof![any::<String>(), "(---|\n|\r|: |#|\"|'|\\\\| |\t|[a-z]|\u{85}|\u{2028}){0,12}"], 3),
            list in proptest::collection::vec(any::<String>(), 0..4),
            number in any::<i32>(),
            flag in any::<bool>(),
        ) {
            let [title, body, inner] = &*texts else { unreachable!() };
            let keys = json!({ "title": title, "tags": list, "pinned": number, "comments_open": flag, "only": { "a": inner } });
            let keys = keys.as_object().unwrap();
            let file = back(keys, body);
            prop_assert_eq!(&file.keys, keys);
            prop_assert_eq!(&file.body, body);
        }
    }
}
