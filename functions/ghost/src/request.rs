//! What is taken of a request: the route, and the parameters of the query.

use std::collections::BTreeSet;

use domain::Timestamp;
use edge::Problem;
use serde_json::{Map, Value, json};

use crate::filter::{self, Filter, Kind, Order};

/// How many resources a page has unless the request says otherwise.
const DEFAULT_LIMIT: usize = 15;

/// How many it has at most; who asks for more, or for `all`, gets as many (as of Ghost 6).
const MAX_LIMIT: usize = 100;

/// A kind of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    Posts,
    Pages,
    Authors,
    Tags,
    Tiers,
    Newsletters,
    Offers,
}

impl Resource {
    const ALL: [Self; 7] =
        [Self::Posts, Self::Pages, Self::Authors, Self::Tags, Self::Tiers, Self::Newsletters, Self::Offers];

    /// Its name in paths and responses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Posts => "posts",
            Self::Pages => "pages",
            Self::Authors => "authors",
            Self::Tags => "tags",
            Self::Tiers => "tiers",
            Self::Newsletters => "newsletters",
            Self::Offers => "offers",
        }
    }

    /// What is said where there is no such resource.
    pub fn not_found(self) -> &'static str {
        match self {
            Self::Posts => "Post not found.",
            Self::Pages => "Page not found.",
            Self::Authors => "Author not found.",
            Self::Tags => "Tag not found.",
            Self::Tiers => "Tier not found.",
            Self::Newsletters => "Newsletter not found.",
            Self::Offers => "Offer not found.",
        }
    }
}

/// How a path names a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By<'a> {
    Id(&'a str),
    Slug(&'a str),
}

/// A route with the parameters of its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route<'a> {
    Settings,
    Browse(Resource),
    Read(Resource, By<'a>),
}

impl<'a> Route<'a> {
    /// The route of the segments of a path below `/ghost/api`. Clients that know older versions ask below `/ghost/api/v3` and so on, which
    /// Ghost takes for the current version too.
    pub fn find(path: &[&'a str]) -> Result<Self, Problem> {
        let path = match path {
            ["v2" | "v3" | "v4" | "v5" | "canary", path @ ..] | path => path,
        };
        let ["content", path @ ..] = path else { return Err(nothing()) };
        let resource =
            |name: &str| Resource::ALL.into_iter().find(|resource| resource.name() == name).ok_or_else(nothing);
        match *path {
            ["settings"] => Ok(Self::Settings),
            ["offers"] => Err(nothing()),
            [name] => Ok(Self::Browse(resource(name)?)),
            [name, id] if id != "slug" => Ok(Self::Read(resource(name)?, By::Id(id))),
            [name, "slug", slug] => Ok(Self::Read(resource(name)?, By::Slug(slug))),
            _ => Err(nothing()),
        }
    }

    /// What it is for, as Ghost's errors say.
    pub fn action(&self) -> &'static str {
        match self {
            Self::Settings => "read settings",
            Self::Browse(Resource::Posts) => "list posts",
            Self::Browse(Resource::Pages) => "list pages",
            Self::Browse(Resource::Authors) => "list authors",
            Self::Browse(Resource::Tags) => "list tags",
            Self::Browse(Resource::Tiers) => "list tiers",
            Self::Browse(Resource::Newsletters) => "list newsletters",
            Self::Browse(Resource::Offers) => "list offers",
            Self::Read(Resource::Posts, _) => "read post",
            Self::Read(Resource::Pages, _) => "read page",
            Self::Read(Resource::Authors, _) => "read author",
            Self::Read(Resource::Tags, _) => "read tag",
            Self::Read(Resource::Tiers, _) => "read tier",
            Self::Read(Resource::Newsletters, _) => "read newsletter",
            Self::Read(Resource::Offers, _) => "read offer",
        }
    }
}

fn nothing() -> Problem {
    Problem::not_found("There is nothing here.")
}

/// The parameters of the query. Unknown ones are ignored, as Ghost does.
#[derive(Debug)]
pub struct Query {
    include: BTreeSet<String>,
    fields: BTreeSet<String>,
    formats: BTreeSet<String>,
    filter: Option<String>,
    order: Option<String>,
    page: usize,
    limit: usize,
}

impl Query {
    pub fn of(pairs: &[(String, String)]) -> Result<Self, Problem> {
        let text = |name: &str| {
            let mut values = pairs.iter().filter(|(known, _)| known == name).map(|(_, value)| value.trim());
            match (values.next().filter(|value| !value.is_empty()), values.next()) {
                (value, None) => Ok(value),
                _ => Err(Problem::field(name, "was given more than once")),
            }
        };
        let list = |name: &str| {
            let names = text(name)?.into_iter().flat_map(|names| names.split(','));
            Ok::<_, Problem>(names.map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect())
        };
        let number = |name: &str, default: usize| match text(name)? {
            None => Ok(default),
            Some(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
                // 0 is the default, and what is beyond all numbers is the greatest.
                Ok(Some(digits.parse().unwrap_or(usize::MAX)).filter(|number| *number > 0).unwrap_or(default))
            }
            Some(_) => Err(Problem::field(name, "must be a whole number")),
        };
        let mut formats: BTreeSet<String> = list("formats")?;
        // What posts were written with in Ghost is nobody's to see.
        formats.retain(|format| !matches!(format.as_str(), "mobiledoc" | "lexical"));
        if let Some(unknown) = formats.iter().find(|format| !matches!(format.as_str(), "html" | "plaintext")) {
            let unknown: String = unknown.chars().take(20).collect();
            return Err(Problem::field("formats", format!("must be html or plaintext, not {unknown}")));
        }
        Ok(Self {
            include: list("include")?,
            fields: list("fields")?,
            formats,
            filter: text("filter")?.map(str::to_owned),
            order: text("order")?.map(str::to_owned),
            page: number("page", 1)?,
            limit: if text("limit")? == Some("all") {
                MAX_LIMIT
            } else {
                number("limit", DEFAULT_LIMIT)?.min(MAX_LIMIT)
            },
        })
    }

    /// Whether a relation is asked for.
    pub fn includes(&self, relation: &str) -> bool {
        self.include.contains(relation)
    }

    /// Whether a format of the text is asked for: HTML is unless something else is.
    pub fn has_format(&self, format: &str) -> bool {
        let is_default = format == "html" && self.formats.is_empty() && self.fields.is_empty();
        is_default || self.formats.contains(format) || self.fields.contains(format)
    }

    /// Those of the members that are asked for. What is included is, and so is a format.
    pub fn pick(&self, mut resource: Map<String, Value>) -> Map<String, Value> {
        if !self.fields.is_empty() {
            let is_included = |name: &str| match name {
                "tags" | "primary_tag" => self.includes("tags"),
                "authors" | "primary_author" => self.includes("authors"),
                "count" => self.includes("count.posts"),
                format => self.formats.contains(format),
            };
            resource.retain(|name, _| self.fields.contains(name) || is_included(name));
        }
        resource
    }

    /// The filter, of a resource whose fields have these kinds. All of it is let through if there is none.
    pub fn filter(&self, kinds: &dyn Fn(&str) -> Option<Kind>, now: Timestamp) -> Result<Filter, Problem> {
        self.filter.as_deref().map_or_else(|| Ok(Filter::everything()), |text| filter::parse(text, kinds, now))
    }

    /// The order, if one is asked for.
    pub fn order(&self, kinds: &dyn Fn(&str) -> Option<Kind>) -> Result<Option<Order>, Problem> {
        self.order.as_deref().map(|text| Order::parse(text, kinds)).transpose().map(Option::flatten)
    }

    /// How many resources come before the page.
    pub fn offset(&self) -> usize {
        (self.page - 1).saturating_mul(self.limit)
    }

    /// How many resources are on the page.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// What of a list is on the page.
    pub fn window<T>(&self, list: Vec<T>) -> Vec<T> {
        list.into_iter().skip(self.offset()).take(self.limit).collect()
    }

    /// A page of resources, with how many there are in all.
    pub fn page_of(&self, name: &str, resources: Vec<Map<String, Value>>, total: usize) -> Value {
        let (page, pages) = (self.page, total.div_ceil(self.limit).max(1));
        let pagination = json!({
            "page": page,
            "limit": self.limit,
            "pages": pages,
            "total": total,
            "next": Some(page.saturating_add(1)).filter(|next| *next <= pages),
            "prev": Some(page - 1).filter(|previous| (1..=pages).contains(previous)),
        });
        json!({ name: resources, "meta": { "pagination": pagination } })
    }
}
