//! A Markdown file, as Hugo, Jekyll and Zola write them, read as the post that its author meant.
//!
//! Nobody should have to edit a hundred old posts to move them here. So keys are found whatever their case, a value
//! may be written in any of the ways that the three programs accept, and what the front matter leaves out is taken from
//! the file's name and its first heading. What cannot be understood is refused with a sentence and never guessed:
//! a wrong date on a published post is worse than a file that has to be looked at again.

use std::path::Path;

use domain::Tag;
use jiff::{Timestamp, civil, tz::TimeZone};
use serde_json::{Map, Value};

/// What a file says. Whatever the API leaves optional and the file does not mention is `None`, and is then left alone
/// in a post that is there already.
#[derive(Debug, PartialEq)]
pub struct Document {
    pub title: String,
    pub body: String,
    pub slug: String,
    pub date: Option<Timestamp>,
    pub draft: bool,
    pub summary: Option<String>,
    pub tags: Option<Vec<String>>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("The file is not UTF-8 text: byte {position} cannot be read. Save it as UTF-8 and try again.")]
    NotUtf8 { position: usize },
    #[error("The front matter that `{delimiter}` opens in the first line is never closed by another `{delimiter}`.")]
    Unterminated { delimiter: &'static str },
    #[error("The front matter is not valid {language}: {reason}.")]
    Syntax { language: &'static str, reason: String },
    #[error("`{key}` in the front matter must be {expected}, not {found}.")]
    WrongType { key: String, expected: &'static str, found: &'static str },
    #[error("`{text}` in the front matter is not a date. Write it as 2021-03-04 or 2021-03-04T10:11:12+02:00.")]
    NotADate { text: String },
    #[error("No slug can be made from \"{text}\". Give the post a `slug` of letters and digits.")]
    NoSlug { text: String },
}

impl Document {
    /// Reads the file at `path`, a path relative to the seeded folder, whose content is `bytes`.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, Error> {
        let text = str::from_utf8(bytes).map_err(|error| Error::NotUtf8 { position: error.valid_up_to() + 1 })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
        let (keys, body) = split(&text)?;
        let name = FileName::parse(path);

        let (title, body) = match keys.text("title")? {
            Some(title) => (title, body.to_owned()),
            None => take_heading(body).unwrap_or_else(|| (name.in_words(), body.to_owned())),
        };
        let slug_source = match keys.slug()? {
            Some(slug) => slug,
            None => name.words.clone(),
        };
        // The server's own rule for titles, so that a file called `Ημέρα.md` has an address as well.
        let slug = slug::slugify(&slug_source);
        if slug.is_empty() {
            return Err(Error::NoSlug { text: slug_source });
        }
        let date = match keys.text("date")? {
            Some(date) => Some(parse_date(&date)?),
            None => name.date.and_then(|date| date.to_zoned(TimeZone::UTC).ok()).map(|date| date.timestamp()),
        };

        Ok(Self {
            title,
            body: without_blank_ends(&body),
            slug,
            date,
            draft: keys.is_draft()? || name.in_drafts,
            summary: keys.first_text(&["summary", "description", "excerpt"])?,
            tags: keys.tags()?,
        })
    }
}

/// What a file's place and name tell: `2021-03-04-some-title.md`, or `some-title/index.md` for a page bundle of Hugo,
/// or anything in a `_drafts` folder of Jekyll.
struct FileName {
    date: Option<civil::Date>,
    words: String,
    in_drafts: bool,
}

impl FileName {
    fn parse(path: &Path) -> Self {
        let stem = path.file_stem().unwrap_or_default();
        let bundle = path.parent().and_then(Path::file_name).filter(|_| stem == "index");
        let name = bundle.unwrap_or(stem).to_string_lossy().into_owned();
        let in_drafts = path.iter().any(|part| part == "_drafts");

        let date = name.get(..10).and_then(|start| start.parse::<civil::Date>().ok());
        let rest = name.get(10..).unwrap_or_default().trim_start_matches(['-', '_', ' ']);
        match date {
            Some(_) if !rest.is_empty() => Self { date, words: rest.to_owned(), in_drafts },
            _ => Self { date, words: name, in_drafts },
        }
    }

    /// A title for a file that has no other: `small-web_diary` becomes `Small web diary`.
    fn in_words(&self) -> String {
        let spaced = self.words.replace(['-', '_'], " ");
        let mut letters = spaced.trim().chars();
        match letters.next() {
            Some(first) => first.to_uppercase().chain(letters).collect(),
            None => self.words.clone(),
        }
    }
}

/// Separates front matter and body. A file without front matter is all body.
fn split(text: &str) -> Result<(Keys, &str), Error> {
    let mut lines = text.split_inclusive('\n');
    let delimiter = match lines.next().map(str::trim_end) {
        Some("---") => "---",
        Some("+++") => "+++",
        _ => return Ok((Keys::default(), text)),
    };
    let start = text.find('\n').map_or(text.len(), |end| end + 1);
    let mut end = start;
    for line in lines {
        let after = end + line.len();
        // YAML may also close a document with three dots, and Jekyll allows that.
        if line.trim_end() == delimiter || (delimiter == "---" && line.trim_end() == "...") {
            // A blank line stands for the opening delimiter, so that errors name the line of the file.
            let source = format!("\n{}", &text[start..end]);
            let keys = if delimiter == "---" { Keys::from_yaml(&source)? } else { Keys::from_toml(&source)? };
            return Ok((keys, &text[after..]));
        }
        end = after;
    }
    Err(Error::Unterminated { delimiter })
}

/// The front matter, its keys in lower case.
#[derive(Default)]
struct Keys(Map<String, Value>);

impl Keys {
    fn new(map: Map<String, Value>) -> Self {
        Self(map.into_iter().map(|(key, value)| (key.to_lowercase(), value)).collect())
    }

    fn from_yaml(source: &str) -> Result<Self, Error> {
        // An empty document is `null`, which is no keys at all.
        serde_yaml_ng::from_str::<Option<Map<String, Value>>>(source)
            .map(|map| Self::new(map.unwrap_or_default()))
            .map_err(|error| Error::Syntax { language: "YAML", reason: error.to_string() })
    }

    fn from_toml(source: &str) -> Result<Self, Error> {
        let table: toml::Table = source.parse().map_err(|error: toml::de::Error| {
            let position = error.span().map_or(0, |span| span.start);
            let line = source.get(..position).unwrap_or_default().matches('\n').count() + 1;
            let message = error.message().trim().replace('\n', ", ");
            Error::Syntax { language: "TOML", reason: format!("{message} at line {line}") }
        })?;
        Ok(Self::new(table.into_iter().map(|(key, value)| (key, from_toml_value(value))).collect()))
    }

    /// A line of text. Years and numbers are titles and tags too, so YAML's guess at a type is not held against them.
    fn text(&self, key: &str) -> Result<Option<String>, Error> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => scalar(value)
                .map(|text| Some(text).filter(|text| !text.is_empty()))
                .ok_or_else(|| wrong_type(key, "text", value)),
        }
    }

    fn first_text(&self, keys: &[&str]) -> Result<Option<String>, Error> {
        for key in keys {
            if let Some(text) = self.text(key)? {
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    /// Jekyll says `published: false`; in Hugo the same key can hold a date, which says nothing about drafts.
    fn is_draft(&self) -> Result<bool, Error> {
        let draft = match self.0.get("draft") {
            None | Some(Value::Null) => false,
            Some(value) => as_flag(value).ok_or_else(|| wrong_type("draft", "true or false", value))?,
        };
        Ok(draft || self.0.get("published").and_then(as_flag) == Some(false))
    }

    /// The post's own part of its address. A pattern such as Jekyll's `/:year/:title/` names no post.
    fn slug(&self) -> Result<Option<String>, Error> {
        for key in ["slug", "permalink", "path", "url"] {
            let Some(address) = self.text(key)? else { continue };
            let last = address.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
            let last = last.strip_suffix(".html").unwrap_or(last);
            if !last.is_empty() && !last.starts_with(':') {
                return Ok(Some(last.to_owned()));
            }
        }
        Ok(None)
    }

    /// Tags, then categories, which are no different here. `None` when the file speaks of neither.
    fn tags(&self) -> Result<Option<Vec<String>>, Error> {
        let taxonomies = match self.0.get("taxonomies") {
            None | Some(Value::Null) => Self::default(),
            Some(Value::Object(map)) => Self::new(map.clone()),
            Some(other) => return Err(wrong_type("taxonomies", "a table", other)),
        };
        let mut all: Option<Vec<String>> = None;
        for (keys, key) in [
            (self, "tags"),
            (&taxonomies, "tags"),
            (self, "categories"),
            (self, "category"),
            (&taxonomies, "categories"),
        ] {
            let Some(list) = keys.list(key)? else { continue };
            let all = all.get_or_insert_default();
            for tag in list {
                // A category is often one of the tags as well.
                if !all.iter().any(|known| known == &tag || same_tag(known, &tag)) {
                    all.push(tag);
                }
            }
        }
        Ok(all)
    }

    /// A list, or one text that is divided at commas, or, as Jekyll does, at spaces. (`category` is one whole name.)
    fn list(&self, key: &str) -> Result<Option<Vec<String>>, Error> {
        let items: Vec<String> = match self.0.get(key) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Array(values)) => values
                .iter()
                .map(|value| scalar(value).ok_or_else(|| wrong_type(key, "a list of words", value)))
                .collect::<Result<_, _>>()?,
            Some(value) => {
                let text = scalar(value).ok_or_else(|| wrong_type(key, "a list of words", value))?;
                if text.contains(',') {
                    text.split(',').map(|tag| tag.trim().to_owned()).collect()
                } else if key == "category" {
                    vec![text]
                } else {
                    text.split_whitespace().map(str::to_owned).collect()
                }
            }
        };
        Ok(Some(items.into_iter().filter(|tag| !tag.is_empty()).collect()))
    }
}

/// Whether the server would take both for the same tag.
fn same_tag(one: &str, other: &str) -> bool {
    Tag::try_from(one.to_owned()).is_ok_and(|folded| Tag::try_from(other.to_owned()) == Ok(folded))
}

/// TOML's dates become text, which is what YAML's are already: one reader of dates is enough.
fn from_toml_value(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(flag) => flag.into(),
        toml::Value::Datetime(date) => Value::String(date.to_string()),
        toml::Value::Array(values) => values.into_iter().map(from_toml_value).collect(),
        toml::Value::Table(table) => table.into_iter().map(|(key, value)| (key, from_toml_value(value))).collect(),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Jekyll reads YAML 1.1, where `no` and `off` are false; for our YAML 1.2 reader they are words.
fn as_flag(value: &Value) -> Option<bool> {
    match scalar(value)?.to_lowercase().as_str() {
        "true" | "yes" | "on" => Some(true),
        "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

fn wrong_type(key: &str, expected: &'static str, found: &Value) -> Error {
    let found = match found {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "other text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table of keys",
    };
    Error::WrongType { key: key.to_owned(), expected, found }
}

/// A date with a zone is an instant; without one it is UTC, and without a time it is midnight, as Hugo has it.
fn parse_date(text: &str) -> Result<Timestamp, Error> {
    let not_a_date = || Error::NotADate { text: text.to_owned() };
    // Jekyll writes `2021-03-04 10:11:12 +0200`, and sometimes `UTC`: joined, that is a form of ISO 8601.
    let joined = match text.split_whitespace().collect::<Vec<_>>()[..] {
        [date, time, "UTC" | "GMT" | "Z"] => format!("{date}T{time}Z"),
        [date, time, offset] if offset.starts_with(['+', '-']) => format!("{date}T{time}{offset}"),
        [_] | [_, _] => text.to_owned(),
        _ => return Err(not_a_date()),
    };
    if let Ok(instant) = joined.parse::<Timestamp>() {
        return Ok(instant);
    }
    let wall_clock: civil::DateTime = joined.parse().map_err(|_| not_a_date())?;
    let in_utc = wall_clock.to_zoned(TimeZone::UTC).map_err(|_| not_a_date())?;
    Ok(in_utc.timestamp())
}

/// Takes the first `# heading` out of the body, unless it is a comment in a block of code.
fn take_heading(body: &str) -> Option<(String, String)> {
    let mut fence: Option<&str> = None;
    let mut start = 0;
    for line in body.split_inclusive('\n') {
        let end = start + line.len();
        let text = line.trim();
        let indented = line.starts_with("    ") || line.starts_with('\t');
        match (fence, fence_of(text)) {
            _ if indented => {}
            (None, Some(opening)) => fence = Some(opening),
            (Some(opening), Some(closing)) if closing.starts_with(opening) && closing == text => fence = None,
            (None, None) => {
                if let Some(title) = heading(text) {
                    return Some((title.to_owned(), format!("{}{}", &body[..start], &body[end..])));
                }
            }
            (Some(_), _) => {}
        }
        start = end;
    }
    None
}

/// The run of three or more backticks or tildes that `line` starts with, unless backticks close it in the same line.
fn fence_of(line: &str) -> Option<&str> {
    let mark = line.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let rest = line.trim_start_matches(mark);
    let length = line.len() - rest.len();
    (length >= 3 && (mark == '~' || !rest.contains('`'))).then(|| &line[..length])
}

/// The text of a heading of the first level, without the marks that may close it.
fn heading(line: &str) -> Option<&str> {
    let text = line.strip_prefix('#').filter(|rest| rest.starts_with([' ', '\t']))?.trim();
    let unclosed = text.trim_end_matches('#');
    let text = if unclosed.is_empty() || unclosed.ends_with([' ', '\t']) { unclosed.trim_end() } else { text };
    (!text.is_empty()).then_some(text)
}

/// Blank lines around a body mean nothing. Spaces before its first word do: they may begin a block of code.
fn without_blank_ends(body: &str) -> String {
    let body = body.trim_end();
    let first = body.len() - body.trim_start().len();
    let start = body[..first].rfind('\n').map_or(0, |end| end + 1);
    body[start..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(path: &str, text: &str) -> Result<Document, String> {
        Document::parse(Path::new(path), text.as_bytes()).map_err(|error| error.to_string())
    }

    fn document(path: &str, text: &str) -> Document {
        parse(path, text).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn date(text: &str) -> Option<Timestamp> {
        Some(text.parse().unwrap())
    }

    fn words(list: &[&str]) -> Option<Vec<String>> {
        Some(list.iter().map(|&word| word.to_owned()).collect())
    }

    #[test]
    fn a_post_of_hugo() {
        let text = "---\n\
            title: \"Feeds: a love letter\"\n\
            date: 2021-03-04T10:11:12+02:00\n\
            lastmod: 2022-01-01\n\
            draft: false\n\
            description: Why feeds outlive their readers.\n\
            categories:\n  - RSS\n\
            tags: [Small Web, rss, 2021]\n\
            ---\n\nA feed is a *promise*.\n";
        let expected = Document {
            title: "Feeds: a love letter".to_owned(),
            body: "A feed is a *promise*.".to_owned(),
            slug: "love-letter".to_owned(),
            date: date("2021-03-04T08:11:12Z"),
            draft: false,
            summary: Some("Why feeds outlive their readers.".to_owned()),
            tags: words(&["Small Web", "rss", "2021"]),
        };
        assert_eq!(document("posts/love-letter.md", text), expected);
        assert_eq!(document("posts/love-letter/index.md", text), expected, "as a page bundle");
        assert_eq!(document("love-letter.md", &text.replace('\n', "\r\n")), expected, "with the line ends of Windows");
        assert_eq!(document("love-letter.md", &format!("\u{feff}{text}")), expected, "with a byte order mark");
    }

    #[test]
    fn a_post_of_jekyll() {
        let text = "---\n\
            layout: post\n\
            title:  Welcome to Jekyll!\n\
            date:   2021-03-04 10:11:12 +0200\n\
            categories: jekyll update\n\
            tags: welcome\n\
            published: false\n\
            excerpt: |\n  Two\n  lines.\n\
            ---\nHello.\n";
        let expected = Document {
            title: "Welcome to Jekyll!".to_owned(),
            body: "Hello.".to_owned(),
            slug: "welcome-to-jekyll".to_owned(),
            date: date("2021-03-04T08:11:12Z"),
            draft: true,
            summary: Some("Two\nlines.".to_owned()),
            tags: words(&["welcome", "jekyll", "update"]),
        };
        assert_eq!(document("_posts/2021-03-01-welcome-to-jekyll.markdown", text), expected);
    }

    #[test]
    fn a_post_of_zola() {
        let text = "+++\n\
            title = \"Static, \\\"still\\\"\"\n\
            date = 2021-03-04\n\
            path = \"blog/static-still\"\n\
            [taxonomies]\n\
            tags = [\"zola\", \"Small_Web\"]\n\
            categories = [\"small web\", \"tools\"]\n\
            [extra]\n\
            tags = \"of the theme\"\n\
            +++\n+++\n";
        let expected = Document {
            title: "Static, \"still\"".to_owned(),
            body: "+++".to_owned(),
            slug: "static-still".to_owned(),
            date: date("2021-03-04T00:00:00Z"),
            draft: false,
            summary: None,
            tags: words(&["zola", "Small_Web", "tools"]),
        };
        assert_eq!(document("content/static.md", text), expected);
    }

    #[test]
    fn a_file_without_front_matter_speaks_through_its_name_and_heading() {
        for (path, text, title, slug, body) in [
            ("2021-03-04-some-title.md", "Text.", "Some title", "some-title", "Text."),
            ("2021-03-04_some_title.md", "---\n---\nText.", "Some title", "some-title", "Text."),
            ("2021-03-04-a/index.md", "---\n# only a comment\n---\nText.", "A", "a", "Text."),
            ("2021-03-04.md", "", "2021 03 04", "2021-03-04", ""),
            ("a.md", "\n# The title #\n\nText.", "The title", "a", "Text."),
            ("a.md", "Intro.\n\n# Title C#\nText.", "Title C#", "a", "Intro.\n\nText."),
            ("a.md", "```sh\n# a comment\n```\n# Title", "Title", "a", "```sh\n# a comment\n```"),
            ("a.md", "~~~~\n~~~\n# a comment\n~~~~\n#no\n## no", "A", "a", "~~~~\n~~~\n# a comment\n~~~~\n#no\n## no"),
            ("a.md", "```in line```\n# Title", "Title", "a", "```in line```"),
            ("a.md", "\n\n    # code\n", "A", "a", "    # code"),
            ("a.md", "----\nText.", "A", "a", "----\nText."),
            ("index.md", "Text.", "Index", "index", "Text."),
            ("Ημέρα.md", "Text.", "Ημέρα", "emera", "Text."),
            ("My Post (2).md", "Text.", "My Post (2)", "my-post-2", "Text."),
        ] {
            let found = document(path, text);
            let expected = (title, slug, body);
            assert_eq!((&*found.title, &*found.slug, &*found.body), expected, "{path}: {text:?}");
            assert_eq!(found.date, path.starts_with("2021").then(|| date("2021-03-04T00:00:00Z").unwrap()), "{path}");
            assert_eq!((found.draft, found.summary, found.tags), (false, None, None), "{path}");
        }
    }

    #[test]
    fn dates_are_read_as_all_three_write_them() {
        for (text, expected) in [
            ("2021-03-04", "2021-03-04T00:00:00Z"),
            ("2021-03-04 10:11", "2021-03-04T10:11:00Z"),
            ("2021-03-04 10:11:12", "2021-03-04T10:11:12Z"),
            ("2021-03-04T10:11:12.5", "2021-03-04T10:11:12.5Z"),
            ("2021-03-04t10:11:12z", "2021-03-04T10:11:12Z"),
            ("2021-03-04T10:11:12-08:00", "2021-03-04T18:11:12Z"),
            ("2021-03-04 10:11:12 -0800", "2021-03-04T18:11:12Z"),
            ("2021-03-04 10:11 +0530", "2021-03-04T04:41:00Z"),
            ("2021-03-04 10:11:12 UTC", "2021-03-04T10:11:12Z"),
            ("2021-03-04   10:11:12  +02:00", "2021-03-04T08:11:12Z"),
            ("1969-07-20T20:17:40Z", "1969-07-20T20:17:40Z"),
        ] {
            let yaml = format!("---\ndate: {text}\n---\n");
            assert_eq!(document("a.md", &yaml).date, date(expected), "{text}");
            let quoted = format!("+++\nDate = \"{text}\"\n+++\n");
            assert_eq!(document("a.md", &quoted).date, date(expected), "{text} in TOML");
        }
        for (toml, expected) in [
            ("2021-03-04T10:11:12+02:00", "2021-03-04T08:11:12Z"),
            ("2021-03-04 10:11:12Z", "2021-03-04T10:11:12Z"),
            ("2021-03-04T10:11:12.250", "2021-03-04T10:11:12.25Z"),
        ] {
            let text = format!("+++\ndate = {toml}\n+++\n");
            assert_eq!(document("2020-01-01-a.md", &text).date, date(expected), "{toml}");
        }
        for wrong in ["2021-02-30", "yesterday", "10:11:12", "2021", "2021-03-04 10:11:12 EST", "2021-03-04T25:00:00Z"]
        {
            let error = parse("a.md", &format!("---\ndate: {wrong}\n---\n")).unwrap_err();
            assert!(error.starts_with(&format!("`{wrong}` in the front matter is not a date.")), "{error}");
        }
    }

    #[test]
    fn tags_are_lists_or_lines() {
        for (yaml, expected) in [
            ("title: a", None),
            ("tags:", None),
            ("tags: []", words(&[])),
            ("tags: \"\"", words(&[])),
            ("TAGS: one two", words(&["one", "two"])),
            ("tags: one two, three,", words(&["one two", "three"])),
            ("tags: [One, one, o-n-e, \" two \"]", words(&["One", "o-n-e", "two"])),
            ("tags: [1.5, true]", words(&["1.5", "true"])),
            ("category: Small Web\ntags: small-web a", words(&["small-web", "a"])),
            ("categories: [ελληνικά, 日本語]", words(&["ελληνικά", "日本語"])),
            ("taxonomies: {Tags: [a]}\ncategories: b", words(&["a", "b"])),
        ] {
            assert_eq!(document("a.md", &format!("---\n{yaml}\n---\n")).tags, expected, "{yaml}");
        }
    }

    #[test]
    fn the_other_keys_have_their_spellings_too() {
        let slug = |yaml: &str| document("name.md", &format!("---\n{yaml}\n---\n")).slug;
        assert_eq!(slug("slug: My_Slug\nurl: /other/"), "my-slug");
        assert_eq!(slug("permalink: /2021/some-title/"), "some-title");
        assert_eq!(slug("permalink: /2021/some-title.html"), "some-title");
        assert_eq!(slug("permalink: /:year/:title/"), "name");
        assert_eq!(slug("url: /\npermalink:"), "name");
        assert_eq!(slug("slug: 2021"), "2021");

        let draft = |path: &str, yaml: &str| document(path, &format!("---\n{yaml}\n---\n")).draft;
        for (yaml, expected) in [
            ("Draft: true", true),
            ("draft: \"yes\"", true),
            ("draft: false", false),
            ("draft:", false),
            ("published: no", true),
            ("published: true", false),
            ("published: 2021-03-04", false),
        ] {
            assert_eq!(draft("a.md", yaml), expected, "{yaml}");
        }
        assert!(draft("site/_drafts/a.md", "title: a"));

        let summary = |yaml: &str| document("a.md", &format!("---\n{yaml}\n---\n")).summary;
        assert_eq!(summary("excerpt: c\ndescription: b\nSummary: a").as_deref(), Some("a"));
        assert_eq!(summary("excerpt: c\ndescription: \"\"").as_deref(), Some("c"));
        assert_eq!(summary("title: a"), None);

        assert_eq!(document("a.md", "---\ntitle: 1984\n...\n# Heading").title, "1984");
        assert_eq!(document("a.md", "---\ntitle: 1984\n---\n# Heading").body, "# Heading");
    }

    #[test]
    fn what_cannot_be_understood_is_refused_with_a_sentence() {
        for (text, expected) in [
            (
                "---\ntitle: a\n",
                "The front matter that `---` opens in the first line is never closed by another `---`.",
            ),
            ("---", "The front matter that `---` opens in the first line is never closed by another `---`."),
            ("+++\n---\n", "The front matter that `+++` opens in the first line is never closed by another `+++`."),
            (
                "---\ntitle: Rust: a story\n---\n",
                "The front matter is not valid YAML: mapping values are not allowed in this context at line 2 column 12.",
            ),
            (
                "---\njust words\n---\n",
                "The front matter is not valid YAML: invalid type: string \"just words\", expected a map at line 2 column 1.",
            ),
            (
                "+++\ntitle = \"a\"\ndraft = maybe\n+++\n",
                "The front matter is not valid TOML: string values must be quoted, expected literal string at line 3.",
            ),
            ("---\ntitle: [a, b]\n---\n", "`title` in the front matter must be text, not a list."),
            ("---\ntags: {a: b}\n---\n", "`tags` in the front matter must be a list of words, not a table of keys."),
            ("---\ntags: [[a]]\n---\n", "`tags` in the front matter must be a list of words, not a list."),
            ("---\ndraft: maybe\n---\n", "`draft` in the front matter must be true or false, not other text."),
            ("+++\ntaxonomies = 1\n+++\n", "`taxonomies` in the front matter must be a table, not a number."),
            (
                "---\nslug: '...'\n---\n",
                "No slug can be made from \"...\". Give the post a `slug` of letters and digits.",
            ),
        ] {
            assert_eq!(parse("a.md", text).unwrap_err(), expected, "{text:?}");
        }
        let latin = Document::parse(Path::new("a.md"), b"caf\xe9").unwrap_err();
        assert_eq!(
            latin.to_string(),
            "The file is not UTF-8 text: byte 4 cannot be read. Save it as UTF-8 and try again."
        );
    }
}
