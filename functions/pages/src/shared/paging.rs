//! Lists, page by page.

use domain::fields;
use url::form_urlencoded;

fields! {
    /// The query of a list.
    pub struct PageOfList {
        /// Where the page begins: the `next_cursor` of the page before.
        cursor: Option<String>,
        /// Where the page before begins, for a link back to it; `first` for the first page.
        from: Option<String>,
    }
}

/// The links from a page of a list to others.
#[derive(Debug, PartialEq, Eq)]
pub struct Pager {
    /// The first page, unless this is it.
    pub first: Option<String>,
    /// The page before, if it is known. A cursor leads one way only, so the link to a page says where the page before begins.
    pub previous: Option<String>,
    /// The page after, if there is one.
    pub next: Option<String>,
    /// This page.
    pub own: String,
}

impl Pager {
    /// The links from the page at `path`, of the list that `filter` selects, which begins as `page` says.
    pub fn new(path: &str, filter: &[(&str, &str)], page: &PageOfList, next: Option<&str>) -> Self {
        let link = |more: &[(&str, &str)]| {
            let query =
                form_urlencoded::Serializer::new(String::new()).extend_pairs(filter.iter().chain(more)).finish();
            if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
        };
        let begins = page.cursor.as_deref();
        let previous = match (begins, page.from.as_deref()) {
            (None, _) | (_, None) => None,
            (_, Some("first")) => Some(link(&[])),
            (_, Some(from)) => Some(link(&[("cursor", from)])),
        };
        Self {
            first: begins.map(|_| link(&[])),
            previous,
            next: next.map(|next| link(&[("cursor", next), ("from", begins.unwrap_or("first"))])),
            own: begins.map_or_else(|| link(&[]), |begins| link(&[("cursor", begins)])),
        }
    }

    /// The same links, to the part of the page that has the list.
    pub fn leading_to(self, id: &str) -> Self {
        let to_part = |link: Option<String>| link.map(|link| format!("{link}#{id}"));
        Self { first: to_part(self.first), previous: to_part(self.previous), next: to_part(self.next), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pager(cursor: Option<&str>, from: Option<&str>, next: Option<&str>) -> [Option<String>; 3] {
        let page = PageOfList { cursor: cursor.map(str::to_owned), from: from.map(str::to_owned) };
        let Pager { first, previous, next, .. } = Pager::new("/search", &[("q", "a&b")], &page, next);
        [first, previous, next]
    }

    #[test]
    fn a_page_leads_to_the_one_before_and_the_one_after() {
        let link = |rest: &str| Some(format!("/search?q=a%26b{rest}"));
        assert_eq!(pager(None, None, None), [None, None, None]);
        assert_eq!(pager(None, Some("x"), Some("B")), [None, None, link("&cursor=B&from=first")]);
        assert_eq!(pager(Some("B"), Some("first"), Some("C")), [link(""), link(""), link("&cursor=C&from=B")]);
        assert_eq!(pager(Some("C"), Some("B"), None), [link(""), link("&cursor=B"), None]);
        assert_eq!(pager(Some("C"), None, None), [link(""), None, None], "it says no more than is known");
    }
}
