//! Texts with limits, counted in characters (Unicode scalar values).

use crate::schema::schema;

/// Defines a text type: `$min` to `$max` characters, counted as they were sent, as the document's `maxLength` has it; then trimmed at both
/// ends. `line` texts take no control characters and line breaks, so they cannot break out of a line of a log, a header or a feed, and
/// none that reorder what stands beside them on a page.
macro_rules! text {
    ($(#[doc = $doc:literal])+ $name:ident, line, $min:literal to $max:literal characters) => {
        $crate::text::text!(@type $(#[doc = $doc])+ $name);

        $crate::schema::schema! { $name, $(#[doc = $doc])+
            request {
                "type": "string",
                "minLength": $min,
                "maxLength": $max,
                "pattern": $crate::text::LINE,
            }
            reply { "type": "string", "minLength": $min, "maxLength": $max }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                let text = $crate::text::bounded(&text, $min, $max)?.trim();
                $crate::text::check_line(text)?;
                Ok(Self(text.to_owned()))
            }
        }
    };
    (@type $(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl $crate::details::Stored for $name {
            fn of_stored(text: String) -> Self {
                Self(text)
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }
    };
}
pub(super) use text;

/// A line as JSON Schema says it: no control characters, line breaks and controls of direction, and something that is
/// seen. It knows of the commonest invisible characters; [`is_seen`] knows more.
pub(super) const LINE: &str = concat!(
    r"^\s*[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]*",
    r"[^\s\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]",
    r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]*\s*$",
);

/// What every line must be. Characters are refused rather than removed: nothing that is sent is dropped silently.
///
/// Embeddings, overrides and isolates (UAX #9, 2.1 to 2.4) make a name read as another one, and one that is left open
/// turns what follows it on the page. The marks that order a line of Arabic or Hebrew (U+061C, U+200E, U+200F) are fine.
pub(super) fn check_line(text: &str) -> Result<(), String> {
    if text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        return Err("must not contain control characters or line breaks".to_owned());
    }
    if let Some(c) = text.chars().find(|c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')) {
        let code = u32::from(c);
        return Err(format!(
            "must not contain U+{code:04X}, an invisible character that changes the direction of text"
        ));
    }
    check_seen(text)
}

/// Refuses a text in which there is nothing to see.
fn check_seen(text: &str) -> Result<(), String> {
    if text.chars().any(is_seen) { Ok(()) } else { Err("must not be empty".to_owned()) }
}

/// Whether each character shows by itself or is a space, so that no two texts that differ look alike for what is hidden in them. Emoji of
/// several parts do hide some.
pub(super) fn hides_nothing(text: &str) -> bool {
    check_line(text).is_ok() && text.chars().all(|c| c == ' ' || is_seen(c))
}

/// Whether a character shows by itself: neither white space nor a default-ignorable code point (UAX #44), nor one that only says how
/// others are drawn, nor one of the letters and patterns that are drawn as nothing.
pub(super) fn is_seen(c: char) -> bool {
    let is_ignorable = matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    );
    !c.is_whitespace() && !c.is_control() && !is_ignorable
}

/// `text`, if it has `min` to `max` characters.
pub(super) fn bounded(text: &str, min: usize, max: usize) -> Result<&str, String> {
    match text.chars().count() {
        0 if min > 0 => Err("must not be empty".to_owned()),
        count if count < min => Err(format!("must have at least {min} characters, not {count}")),
        count if count > max => Err(format!("must have at most {max} characters, not {count}")),
        _ => Ok(text),
    }
}

text! {
    /// A post's title.
    Title, line, 1 to 200 characters
}
text! {
    /// The summary that lists show.
    Summary, line, 1 to 500 characters
}
text! {
    /// The title for search engines, where it differs.
    MetaTitle, line, 1 to 200 characters
}
text! {
    /// The description for search engines, where it differs from the summary.
    MetaDescription, line, 1 to 500 characters
}
text! {
    /// What a picture shows, for who does not see it.
    AltText, line, 1 to 500 characters
}
text! {
    /// The name of a file on the device that it comes from.
    FileName, line, 1 to 200 characters
}
text! {
    /// The name that pages show.
    DisplayName, line, 1 to 80 characters
}
text! {
    /// The username or the e-mail address.
    Login, line, 1 to 254 characters
}
text! {
    /// The code from the e-mail.
    ConfirmationCode, line, 1 to 64 characters
}
text! {
    /// The reason.
    Reason, line, 1 to 500 characters
}
text! {
    /// A refresh token; opaque.
    RefreshToken, line, 1 to 8192 characters
}

text!(@type
    /// What users say about themselves, in several lines.
    Biography
);

impl Biography {
    const MAX: usize = 2000;
}

schema! { Biography,
    /// What users say about themselves, in several lines.
    { "type": "string", "minLength": 1, "maxLength": Biography::MAX, "pattern": r"\S" }
}

impl TryFrom<String> for Biography {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let text = bounded(&text, 1, Self::MAX)?.trim();
        check_seen(text)?;
        Ok(Self(text.to_owned()))
    }
}

text!(@type
    /// A post's text, in Markdown: 1 byte to 200 KiB, kept as it was typed.
    Body
);

impl Body {
    const MAX_BYTES: usize = 200 * 1024;
}

schema! { Body,
    /// A text in Markdown, of at most 200 KiB.
    {
        "type": "string",
        "minLength": 1,
        // JSON Schema counts characters; the limit is in bytes.
        "maxLength": Body::MAX_BYTES,
        "pattern": r"\S",
        "examples": ["Some *Markdown* with a [link](https://example.com)."],
    }
}

impl TryFrom<String> for Body {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        check_seen(&text)?;
        if text.len() > Self::MAX_BYTES {
            Err(format!("must have at most {} bytes, not {}", Self::MAX_BYTES, text.len()))
        } else {
            Ok(Self(text))
        }
    }
}

text!(@type
    /// A comment's text, in Markdown: 1 to 10,000 characters, kept as it was typed.
    CommentBody
);

impl CommentBody {
    const MAX: usize = 10_000;
}

schema! { CommentBody,
    /// A text in Markdown, of at most 10,000 characters.
    {
        "type": "string",
        "minLength": 1,
        "maxLength": CommentBody::MAX,
        "pattern": r"\S",
        "examples": ["I *agree*."],
    }
}

impl TryFrom<String> for CommentBody {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("must not be empty".to_owned());
        }
        bounded(&text, 1, Self::MAX)?;
        Ok(Self(text))
    }
}

text!(@type
    /// A language tag such as `en` or `pt-BR`: the shape of BCP 47, without its registry.
    Language
);

schema! { Language,
    /// A language tag such as `en` or `pt-BR`.
    { "type": "string", "maxLength": Language::MAX, "pattern": "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$", "examples": ["en"] }
}

impl Language {
    const MAX: usize = 35;
}

impl TryFrom<String> for Language {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut subtags = text.split('-');
        let well_formed = text.len() <= Self::MAX
            && subtags.next().is_some_and(|language| {
                (2..=8).contains(&language.len()) && language.bytes().all(|byte| byte.is_ascii_alphabetic())
            })
            && subtags.all(|subtag| {
                (1..=8).contains(&subtag.len()) && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric())
            });
        if well_formed { Ok(Self(text)) } else { Err("must be a language tag such as en or pt-BR".to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_that_is_seen_and_keeps_its_direction() {
        let title = |text: &str| Title::try_from(text.to_owned());
        for bad in ["a\nb", "a\u{85}b", "a\u{2028}b", "a\u{2029}b", "a\u{0}b"] {
            assert!(title(bad).unwrap_err().contains("line breaks"), "{bad:?}");
        }
        for c in ('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}') {
            let refusal = title(&format!("user{c}gnp")).unwrap_err();
            assert!(refusal.contains(&format!("U+{:04X}", u32::from(c))), "{refusal}");
        }
        for unseen in [
            "",
            " ",
            "\u{200b}",
            "\u{200d}\u{200c}",
            "\u{feff}",
            "\u{2060}",
            "\u{ad}",
            "\u{3164}",
            "\u{2800}",
            "\u{e0020}",
        ] {
            assert_eq!(title(unseen).unwrap_err(), "must not be empty", "{unseen:?}");
            assert!(Body::try_from(unseen.to_owned()).is_err(), "{unseen:?}");
            assert!(Biography::try_from(unseen.to_owned()).is_err(), "{unseen:?}");
        }
        // Joiners within words and pictures, and the marks of right-to-left scripts.
        for good in ["می\u{200c}خواهم", "👩\u{200d}💻", "\u{200f}שלום!", "❤\u{fe0f}", "co\u{ad}operate"]
        {
            assert_eq!(title(good).unwrap().as_str(), good);
        }
    }
}
