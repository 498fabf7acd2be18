//! Texts with limits, counted in characters (Unicode scalar values).

use crate::schema::schema;

/// Defines a text type: trimmed at both ends, `$min` to `$max` characters, checked when parsed. `line` texts
/// take no control characters, so they cannot break out of a line of a log, a header or a feed.
macro_rules! text {
    ($(#[doc = $doc:literal])+ $name:ident, line, $min:literal to $max:literal characters) => {
        $crate::text::text!(@type $(#[doc = $doc])+ $name);

        $crate::schema::schema! { $name, $(#[doc = $doc])+
            request {
                "type": "string",
                "minLength": $min,
                "maxLength": $max,
                // Something besides white space, and no control characters.
                "pattern": r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$",
            }
            reply { "type": "string", "minLength": $min, "maxLength": $max }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                let text = $crate::text::bounded(text.trim(), $min, $max)?;
                if text.chars().any(char::is_control) {
                    return Err("must not contain control characters or line breaks".to_owned());
                }
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
        bounded(text.trim(), 1, Self::MAX).map(|text| Self(text.to_owned()))
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
        if text.trim().is_empty() {
            Err("must not be empty".to_owned())
        } else if text.len() > Self::MAX_BYTES {
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
