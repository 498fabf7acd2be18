//! Addresses of web pages and pictures.

use crate::schema::schema;
use crate::text::{bounded, text};

text!(@type
    /// An absolute `http` or `https` address of at most 2,000 characters, as it is typed and normalised as the URL standard says.
    /// Other schemes are refused: a page that links `javascript:` would run it.
    WebUrl
);

impl WebUrl {
    const MAX: usize = 2000;
}

schema! { WebUrl,
    /// The absolute `http` or `https` address of a page or picture, without a user name or password. The maximum length is also that of
    /// the address as it is answered, with `%C3%A9` for `é`.
    request {
        "type": "string",
        "maxLength": WebUrl::MAX,
        "pattern": "^\\s*[Hh][Tt][Tt][Pp][Ss]?://\\S+\\s*$",
        "examples": ["https://example.com/page"],
    }
    // Without the maximum, because those that were taken before it held for them too may be longer.
    reply { "type": "string", "pattern": "^https?://", "examples": ["https://example.com/page"] }
}

impl TryFrom<String> for WebUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let text = bounded(&text, 1, Self::MAX)?.trim();
        // The parser forgives more: `https:example.com`, and line breaks anywhere.
        let prefix = |prefix: &str| text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix));
        if !prefix("http://") && !prefix("https://") {
            return Err("must start with http:// or https://".to_owned());
        }
        if text.contains(char::is_whitespace) {
            return Err("must not contain white space".to_owned());
        }
        let url = ::url::Url::parse(text)
            .map_err(|_| "must be an absolute address such as https://example.com/page".to_owned())?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not contain a user name or password".to_owned());
        }
        // So that what is answered is taken when it is sent back.
        let url = String::from(url);
        bounded(&url, 1, Self::MAX).map_err(|error| format!("with %C3%A9 for é and the like, {error}"))?;
        Ok(Self(url))
    }
}
