//! The CDN on a laptop: the site, whose pages are at its root and whose API is below the stage. It does what `SiteFunction` does in
//! `infrastructure/cdn.yaml`; `contract/pages.mjs` runs that and compares.

use http::Uri;

/// What becomes of a path of the site.
#[derive(Debug, PartialEq, Eq)]
pub enum Rewritten {
    /// It is asked for at this path of the API.
    To(String),
    /// It is sent to this path of the site.
    Redirect(String),
}

/// What becomes of an address of the site, where the API has this stage. What is below the stage stays as it is.
pub fn rewrite(uri: &Uri, stage: &str) -> Rewritten {
    let path = uri.path();
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let api = format!("/{stage}");
    if path == api || path.strip_prefix(&api).is_some_and(|rest| rest.starts_with('/')) {
        return Rewritten::To(format!("{path}{query}"));
    }
    // An address that begins with two slashes would lead to another host, and browsers take a backslash for one.
    let is_plain =
        |path: &str| !path.contains("//") && path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-._~%".contains(&b));
    if let Some(own) = path.strip_suffix('/').filter(|own| !own.is_empty() && is_plain(path)) {
        return Rewritten::Redirect(format!("{own}{query}"));
    }
    // A name with a dot is a file, and the API has all of them: feeds, sitemaps, the stylesheet.
    let is_file = path.rsplit('/').next().is_some_and(|name| name.contains('.'));
    let folder = if is_file { "" } else { "/pages" };
    Rewritten::To(format!("{api}{folder}{}{query}", if path == "/" { "" } else { path }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_at_the_root_and_the_api_below_its_stage() {
        let to = |path: &str| match rewrite(&path.parse().unwrap(), "v1") {
            Rewritten::To(path) => path,
            Rewritten::Redirect(path) => format!("308 {path}"),
        };
        for (asked, expected) in [
            ("/", "/v1/pages"),
            ("/?cursor=a", "/v1/pages?cursor=a"),
            ("/posts/a?b=c", "/v1/pages/posts/a?b=c"),
            ("/feed.xml", "/v1/feed.xml"),
            ("/tags/a/feed.json", "/v1/tags/a/feed.json"),
            ("/style.css?v=1", "/v1/style.css?v=1"),
            ("/posts/a/?b=c", "308 /posts/a?b=c"),
            ("/v1/posts/", "/v1/posts/"),
            ("/v1", "/v1"),
            ("/v12", "/v1/pages/v12"),
            ("//evil.example/", "/v1/pages//evil.example/"),
            ("/a//", "/v1/pages/a//"),
        ] {
            assert_eq!(to(asked), expected, "{asked}");
        }
    }
}
