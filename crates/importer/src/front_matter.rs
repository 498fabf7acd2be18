//! Front matter in YAML, TOML and JSON, and the head of a post of Pelican: keys and values, whoever wrote them.
//!
//! Nobody should have to edit a hundred old posts to move them here. So keys are found whatever their case, and a value
//! may be written in any of the ways that the generators accept. What cannot be understood is refused with a sentence.

use std::fmt;

use domain::Tag;
use serde::de::{Deserialize, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde_json::{Map, Value};

/// Why a file cannot be understood.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant's message says what it is")]
pub enum Error {
    #[error("The file is not UTF-8 text: byte {position} cannot be read. Save it as UTF-8 and try again.")]
    NotUtf8 { position: usize },
    #[error("The front matter that `{delimiter}` opens in the first line is never closed by another `{delimiter}`.")]
    Unterminated { delimiter: &'static str },
    #[error("The front matter is not valid {language}: {reason}.")]
    Syntax { language: &'static str, reason: String },
    #[error("The front matter is written in \"{language}\", which is not read: only YAML, TOML and JSON are.")]
    Program { language: String },
    #[error("`{key}` in the front matter must be {expected}, not {found}.")]
    WrongType { key: String, expected: &'static str, found: &'static str },
    #[error("`{text}` in the front matter is not a date. Write it as 2021-03-04 or 2021-03-04T10:11:12+02:00.")]
    NotADate { text: String },
    #[error("The name begins with the day {text}, which does not exist, and no `date` says otherwise.")]
    NoSuchDay { text: String },
    #[error("No slug can be made from \"{text}\". Give the post a `slug` of letters and digits.")]
    NoSlug { text: String },
}

/// The reader of one language.
type Parser = fn(&str) -> Result<Keys, Error>;

/// Separates front matter and body. A file without front matter is all body.
pub fn split(text: &str) -> Result<(Keys, &str), Error> {
    // Hugo, Zola and Astro pass over blank lines before it, and what a file says there hides a post anywhere.
    let first = text.len() - text.trim_start().len();
    let text = text.get(..first).and_then(|blank| blank.rfind('\n')).and_then(|at| text.get(at + 1..)).unwrap_or(text);
    if let Some(found) = split_json(text) {
        return found;
    }
    let mut lines = text.split_inclusive('\n');
    // Eleventy and Astro name the language behind the dashes.
    let (delimiter, parse): (_, Parser) = match lines.next().map(str::trim_end) {
        Some("---" | "---yaml" | "---yml") => ("---", Keys::from_yaml),
        Some("---toml") => ("---", Keys::from_toml),
        Some("---json") => ("---", Keys::from_json),
        Some("+++") => ("+++", Keys::from_toml),
        Some(line) if line.strip_prefix("---").is_some_and(is_word) && text.contains("\n---") => {
            return Err(Error::Program { language: line.trim_start_matches('-').to_owned() });
        }
        _ => return Ok((Keys::default(), text)),
    };
    let start = text.find('\n').map_or(text.len(), |end| end + 1);
    // A line of dashes may also be a rule, or underline a heading. Front matter names a key in its first lines.
    let head = text[start..].trim_start_matches(['\n', ' ']);
    let head = head.lines().take_while(|line| !line.trim().is_empty() && line.trim_end() != delimiter);
    if delimiter == "---" && text.starts_with("---\n") && start < text.len() && !head.clone().any(names_a_key) {
        let closed_at_once =
            text[start..].lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
        if !matches!(closed_at_once, Some("---" | "...")) {
            return Ok((Keys::default(), text));
        }
    }
    let mut end = start;
    for line in lines {
        let after = end + line.len();
        // YAML may also close a document with three dots, and Jekyll allows that.
        if line.trim_end() == delimiter || (delimiter == "---" && line.trim_end() == "...") {
            // A blank line stands for the opening delimiter, so that errors name the line of the file.
            return Ok((parse(&format!("\n{}", &text[start..end]))?, &text[after..]));
        }
        end = after;
    }
    Err(Error::Unterminated { delimiter })
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// Whether a line of YAML looks like `key: value`, `- item` of a broken one, or the brace of a map.
fn names_a_key(line: &str) -> bool {
    let line = line.trim_start();
    let key = line.split_once(':').map(|(key, _)| key.trim_matches(['"', '\'', ' ']));
    line.starts_with(['{', '<', '?', '!', '&'])
        || key.is_some_and(|key| !key.is_empty() && key.split_whitespace().count() <= 2)
}

/// Hugo's front matter in JSON: an object that begins the file. `{{< figure >}}` and `{% include %}` are text.
fn split_json(text: &str) -> Option<Result<(Keys, &str), Error>> {
    let inner = text.strip_prefix('{')?.trim_start();
    if !inner.starts_with(['"', '}']) {
        return None;
    }
    let mut objects = serde_json::Deserializer::from_str(text).into_iter::<Map<String, Value>>();
    let first = objects.next()?;
    Some(match first {
        Ok(map) => Ok((Keys::new(map), &text[objects.byte_offset()..])),
        Err(error) => Err(Error::Syntax { language: "JSON", reason: error.to_string() }),
    })
}

/// The head of a post of Pelican: lines of `Key: value` up to the first blank one, where indented lines continue a
/// value. A text that begins with anything else has none.
pub fn split_header(text: &str) -> (Keys, &str) {
    let mut keys = Keys::default();
    let mut last = String::new();
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        if line.trim().is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) && !last.is_empty() {
            if let Some(Value::String(value)) = keys.0.get_mut(&last) {
                value.push('\n');
                value.push_str(line.trim());
            }
        } else {
            let key_and_value = line.split_once(':').filter(|(key, _)| {
                !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
            });
            let Some((key, value)) = key_and_value else { return (Keys::default(), text) };
            last = key.to_lowercase();
            keys.1.push(key.to_owned());
            keys.0.insert(last.clone(), Value::String(value.trim().to_owned()));
        }
        end += line.len();
    }
    // https://docs.getpelican.com/en/latest/content.html: lists have commas, or semicolons if there are some; an author has a name of any kind.
    for (key, is_list) in [("tags", true), ("authors", true), ("author", false)] {
        if let Some(Value::String(text)) = keys.0.get(key) {
            let mark = if text.contains(';') { ';' } else { ',' };
            let mut words: Vec<&str> = if is_list { text.split(mark).map(str::trim).collect() } else { vec![text] };
            words.retain(|word| !word.is_empty());
            let words = Value::from_iter(words);
            keys.0.insert(key.to_owned(), words);
        }
    }
    (keys, &text[end..])
}

/// The front matter: its keys in lower case, with their values; and the keys as they were typed.
#[derive(Debug, Default)]
pub struct Keys(pub Map<String, Value>, pub Vec<String>);

impl Keys {
    pub fn new(map: Map<String, Value>) -> Self {
        let typed = map.keys().cloned().collect();
        Self(map.into_iter().map(|(key, value)| (key.to_lowercase(), value)).collect(), typed)
    }

    /// The front matter of a file; none if it has none that can be read.
    pub fn of_file(bytes: &[u8]) -> Option<Self> {
        let text = str::from_utf8(bytes).ok()?.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
        split(&text).ok().map(|(keys, _)| keys)
    }

    /// YAML with any tag. A tag names a class of the program that wrote it (`!ruby/object:Date`), or nothing at all
    /// (`! 'text'`, which Ruby once wrote); what it stands before is what counts.
    pub fn from_yaml(source: &str) -> Result<Self, Error> {
        let syntax = |error: serde_yaml_ng::Error| Error::Syntax { language: "YAML", reason: error.to_string() };
        let LastWins(mut value) = serde_yaml_ng::from_str(source).map_err(syntax)?;
        value.apply_merge().map_err(syntax)?;
        match from_yaml_value(value) {
            // An empty document is `null`, which is no keys at all.
            Value::Null => Ok(Self::default()),
            Value::Object(map) => Ok(Self::new(map)),
            _ => Err(Error::Syntax { language: "YAML", reason: "it is no list of keys and values".to_owned() }),
        }
    }

    pub fn from_json(source: &str) -> Result<Self, Error> {
        serde_json::from_str(source)
            .map(Self::new)
            .map_err(|error| Error::Syntax { language: "JSON", reason: error.to_string() })
    }

    pub fn from_toml(source: &str) -> Result<Self, Error> {
        let table: toml::Table = source.parse().map_err(|error: toml::de::Error| {
            let position = error.span().map_or(0, |span| span.start);
            let line = source.get(..position).unwrap_or_default().matches('\n').count() + 1;
            let message = error.message().trim().replace('\n', ", ");
            Error::Syntax { language: "TOML", reason: format!("{message} at line {line}") }
        })?;
        Ok(Self::new(table.into_iter().map(|(key, value)| (key, from_toml_value(value))).collect()))
    }

    /// A line of text. Years and numbers are titles and tags too, so YAML's guess at a type is not held against them.
    pub fn text(&self, key: &str) -> Result<Option<String>, Error> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => scalar(value)
                .map(|text| Some(text).filter(|text| !text.is_empty()))
                .ok_or_else(|| wrong_type(key, "text", value)),
        }
    }

    pub fn first_text(&self, keys: &[&str]) -> Result<Option<String>, Error> {
        for key in keys {
            if let Some(text) = self.text(key)? {
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    /// Whether a key is set to true, in any spelling. What is no flag is not.
    pub fn flag(&self, key: &str) -> bool {
        self.0.get(key).and_then(as_flag) == Some(true)
    }

    /// Whether a key is set to false.
    pub fn denies(&self, key: &str) -> bool {
        self.0.get(key).and_then(as_flag) == Some(false)
    }

    /// Like [`Self::flag`], but what is no flag is an error: it may have been meant to hide the post.
    pub fn strict_flag(&self, key: &str) -> Result<bool, Error> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(false),
            Some(value) => as_flag(value).ok_or_else(|| wrong_type(key, "true or false", value)),
        }
    }

    /// The addresses that a key lists: one text or several.
    pub fn addresses(&self, key: &str) -> Vec<String> {
        match self.0.get(key) {
            Some(Value::Array(values)) => values.iter().filter_map(scalar).collect(),
            Some(value) => scalar(value).into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// Tags, then categories, which are no different here. `None` when the file speaks of neither.
    pub fn tags(&self) -> Result<Option<Vec<String>>, Error> {
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
    pub fn list(&self, key: &str) -> Result<Option<Vec<String>>, Error> {
        let items: Vec<String> = match self.0.get(key) {
            None | Some(Value::Null) => return Ok(None),
            // An item that somebody left empty is null, and not one more tag.
            Some(Value::Array(values)) => values
                .iter()
                .filter(|value| !value.is_null())
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

/// YAML without its tags, in which the last of several keys that are the same counts, as Hugo and Jekyll have it. Without tags, because
/// merging looks for maps, which a tag would hide.
struct LastWins(serde_yaml_ng::Value);

impl<'de> Deserialize<'de> for LastWins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LastWinsVisitor).map(Self)
    }
}

struct LastWinsVisitor;

impl<'de> Visitor<'de> for LastWinsVisitor {
    type Value = serde_yaml_ng::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Self::Value::Null)
    }

    /// An empty document.
    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(Self::Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(flag.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(number.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(LastWins(value)) = items.next_element()? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut map = serde_yaml_ng::Mapping::new();
        while let Some((LastWins(key), LastWins(value))) = entries.next_entry()? {
            map.insert(key, value);
        }
        Ok(map.into())
    }

    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> Result<Self::Value, A::Error> {
        let (_, value) = tagged.variant::<String>()?;
        value.newtype_variant().map(|LastWins(value)| value)
    }
}

/// Numbers and flags may be keys in YAML; here they are the words that were typed.
fn from_yaml_value(value: serde_yaml_ng::Value) -> Value {
    use serde_yaml_ng::Value as Yaml;
    match value {
        Yaml::Null => Value::Null,
        Yaml::Bool(flag) => flag.into(),
        Yaml::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(number), _, _) => number.into(),
            (_, Some(number), _) => number.into(),
            (_, _, Some(number)) => number.into(),
            _ => Value::Null,
        },
        Yaml::String(text) => Value::String(text),
        Yaml::Sequence(values) => values.into_iter().map(from_yaml_value).collect(),
        Yaml::Mapping(map) => map
            .into_iter()
            .filter_map(|(key, value)| Some((scalar(&from_yaml_value(key))?, from_yaml_value(value))))
            .collect(),
        Yaml::Tagged(tagged) => from_yaml_value(tagged.value),
    }
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

pub fn scalar(value: &Value) -> Option<String> {
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
        "true" | "yes" | "on" | "y" | "1" => Some(true),
        "false" | "no" | "off" | "n" | "0" => Some(false),
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

/// Takes the first `# heading` out of the body, unless it is a comment in a block of code.
pub fn take_heading(body: &str) -> Option<(String, String)> {
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
pub fn without_blank_ends(body: &str) -> String {
    let body = body.trim_end();
    let first = body.len() - body.trim_start().len();
    let start = body[..first].rfind('\n').map_or(0, |end| end + 1);
    body[start..].to_owned()
}
