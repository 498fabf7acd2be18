//! The cookie in which a browser keeps the refresh token of the blog's own editor, out of reach of scripts (docs/adr/0040).
//!
//! Nothing but the operations on sessions looks at it, and they only if the request asks for it. It never proves who calls: it is
//! changed for an access token, which the page then sends itself.

use std::time::Duration;

use lambda_http::http::{HeaderMap, HeaderValue, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::{Problem, ProblemKind};

const NAME: &str = "broadsheet_session";

/// What may not stand in the value of a cookie (RFC 6265, section 4.1.1), and more than that.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a browser says of the page that sent a request. By default nothing: no page sent it.
#[derive(Default)]
pub struct Browser {
    refresh_token: Option<String>,
    is_own_page: bool,
}

impl Browser {
    /// What these headers say, of a request to the API at `base_url`.
    pub(crate) fn of(headers: &HeaderMap, base_url: &str) -> Self {
        // Browsers send `Origin` with every request that is not a GET, and no page can change it
        // (<https://fetch.spec.whatwg.org/#origin-header>).
        let own = url::Url::parse(base_url).map(|url| url.origin().ascii_serialization());
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let origin = origins.next().and_then(|origin| origin.to_str().ok()).filter(|_| origins.next().is_none());
        let is_own_page = matches!((origin, own), (Some(origin), Ok(own)) if origin == own && own != "null");
        Self { refresh_token: cookie(headers), is_own_page }
    }

    /// Lets only a page of the site itself keep its session in a cookie. `SameSite=Strict` keeps out other sites; this keeps out
    /// other hosts of the same one, and who logs somebody in as somebody else.
    pub fn check_own_page(&self) -> Result<(), Problem> {
        if self.is_own_page {
            Ok(())
        } else {
            Err(Problem::new(ProblemKind::FORBIDDEN, "Only pages of this site may keep a session in a cookie."))
        }
    }

    /// The refresh token in the cookie.
    pub fn refresh_token(&self) -> Option<&str> {
        self.refresh_token.as_deref()
    }
}

/// The value of the cookie. One that is there twice, which no browser of ours made, is none.
fn cookie(headers: &HeaderMap) -> Option<String> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut values = pairs
        .flat_map(|pairs| pairs.split(';'))
        .filter_map(|pair| pair.trim().split_once('=').filter(|(name, _)| *name == NAME));
    match (values.next(), values.next()) {
        (Some((_, value)), None) if !value.is_empty() => {
            percent_decode_str(value).decode_utf8().ok().map(|value| value.into_owned())
        }
        _ => None,
    }
}

/// What becomes of the cookie.
pub enum SessionCookie {
    /// The browser keeps this refresh token.
    Keep {
        /// The token.
        refresh_token: String,
        /// How long, at most.
        max_age: Duration,
    },
    /// The browser forgets it.
    Forget,
}

impl SessionCookie {
    /// `Set-Cookie`. `base` is the path in front of the API's paths: the cookie is sent to the operations on sessions and to no
    /// others. Plain HTTP is the local stack, whose `Secure` cookies some browsers would not keep.
    pub(crate) fn header(&self, base: &str, is_https: bool) -> Result<HeaderValue, Problem> {
        let (value, max_age) = match self {
            Self::Keep { refresh_token, max_age } => {
                (utf8_percent_encode(refresh_token, ESCAPED).to_string(), max_age.as_secs())
            }
            Self::Forget => (String::new(), 0),
        };
        let secure = if is_https { "; Secure" } else { "" };
        let text =
            format!("{NAME}={value}; Path={base}/sessions; Max-Age={max_age}; HttpOnly{secure}; SameSite=Strict");
        let mut header = HeaderValue::try_from(text).map_err(Problem::internal)?;
        header.set_sensitive(true);
        Ok(header)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lambda_http::http::{HeaderMap, HeaderValue};

    use super::{Browser, SessionCookie};

    fn browser(headers: &[(&'static str, &'static str)]) -> Browser {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        Browser::of(&map, "https://blog.example.com/v1")
    }

    #[test]
    fn only_the_sites_own_origin_is_its_own() {
        assert!(browser(&[("origin", "https://blog.example.com")]).check_own_page().is_ok());
        for other in ["http://blog.example.com", "https://example.com", "https://a.blog.example.com", "null", ""] {
            assert!(browser(&[("origin", other)]).check_own_page().is_err(), "{other}");
        }
        assert!(browser(&[]).check_own_page().is_err());
        let twice = [("origin", "https://blog.example.com"), ("origin", "https://evil.example")];
        assert!(browser(&twice).check_own_page().is_err());
    }

    #[test]
    fn a_cookie_comes_back_as_it_was_kept() {
        let token = "a.b-c~us;er=ä \"x\"";
        let cookie = SessionCookie::Keep { refresh_token: token.to_owned(), max_age: Duration::from_secs(60) };
        let header = cookie.header("/v1", true).ok().and_then(|header| header.to_str().map(str::to_owned).ok());
        let header = header.unwrap_or_default();
        let (pair, attributes) = header.split_once(';').unwrap_or_default();
        assert_eq!(attributes, " Path=/v1/sessions; Max-Age=60; HttpOnly; Secure; SameSite=Strict");
        let mut headers = HeaderMap::new();
        let sent = format!("other=1; {pair}; another=2");
        headers.insert("cookie", HeaderValue::try_from(sent).unwrap_or_else(|_| HeaderValue::from_static("")));
        assert_eq!(Browser::of(&headers, "").refresh_token(), Some(token));
        assert_eq!(browser(&[("cookie", "broadsheet_session=a; broadsheet_session=b")]).refresh_token(), None);
        assert_eq!(browser(&[("cookie", "xbroadsheet_session=a")]).refresh_token(), None);
    }
}
