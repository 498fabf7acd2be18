//! Addresses of web pages and pictures.

use super::text::{bounded, text};

text!(@type
    /// An absolute `http` or `https` address of at most 2,000 characters, normalised as the URL standard says.
    /// Other schemes are refused: a page that links `javascript:` would run it.
    WebUrl
);

impl TryFrom<String> for WebUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let url = ::url::Url::parse(bounded(text.trim(), 1, 2000)?)
            .map_err(|_| "must be an absolute address such as https://example.com/page".to_owned())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("must start with http:// or https://".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not contain a user name or password".to_owned());
        }
        Ok(Self(url.into()))
    }
}
