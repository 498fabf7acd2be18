//! Ghost's filters (NQL, <https://github.com/TryGhost/NQL>) and orders: parsed, and applied to what was read.
//!
//! A filter is bounded in its length, its depth and the number of its values before anything is read for it. What cannot be compared, such
//! as a time with a word, is an error and not a filter that lets nothing through.

use std::cmp::Ordering;

use domain::Timestamp;
use edge::Problem;

/// The maximum length of a filter, in bytes.
const MAX_BYTES: usize = 2_000;

/// The maximum number of groups around a comparison.
const MAX_DEPTH: usize = 20;

/// The maximum number of values in a filter.
const MAX_VALUES: usize = 100;

/// The maximum number of fields in an order.
const MAX_ORDERS: usize = 5;

/// What the field of a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text, or several, or none.
    Text,
    /// True or false.
    Bool,
    /// A whole number.
    Number,
    /// A time.
    Time,
    /// The same for all: this text, or null.
    Always(Option<&'static str>),
}

/// A value of a field, or of a filter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scalar {
    Text(String),
    Bool(bool),
    Number(i64),
    /// In whole seconds since 1970, as Ghost stores times: so `published_at:<'…'` with the time of a post, written without fractions,
    /// leaves that post out.
    Seconds(i64),
}

/// Something that can be filtered and ordered.
pub trait Row {
    /// The values of a field whose kind is known; none if it is null.
    fn values(&self, field: &str) -> Vec<Scalar>;
}

/// How a value is compared with those of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comparison {
    /// Whether it is one of these. `None` is null.
    In(Vec<Option<Scalar>>),
    Below(Scalar),
    AtMost(Scalar),
    Above(Scalar),
    AtLeast(Scalar),
    /// Whether it has this in it, in small letters.
    Contains(String),
    BeginsWith(String),
    EndsWith(String),
}

/// A filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// All of these; everything if there are none.
    All(Vec<Self>),
    /// Any of these; nothing if there are none.
    Any(Vec<Self>),
    Not(Box<Self>),
    /// A field by its name.
    Field(String, Comparison),
}

impl Filter {
    /// What lets everything through.
    pub fn everything() -> Self {
        Self::All(Vec::new())
    }

    /// What lets nothing through.
    pub fn nothing() -> Self {
        Self::Any(Vec::new())
    }

    fn constant(passes: bool) -> Self {
        if passes { Self::everything() } else { Self::nothing() }
    }

    /// All of these, without those that say nothing.
    fn all(mut filters: Vec<Self>) -> Self {
        filters.retain(|filter| *filter != Self::everything());
        if filters.contains(&Self::nothing()) {
            return Self::nothing();
        }
        if filters.len() == 1 { filters.remove(0) } else { Self::All(filters) }
    }

    /// Any of these, without those that let nothing through.
    fn any(mut filters: Vec<Self>) -> Self {
        filters.retain(|filter| *filter != Self::nothing());
        if filters.contains(&Self::everything()) {
            return Self::everything();
        }
        if filters.len() == 1 { filters.remove(0) } else { Self::Any(filters) }
    }

    fn negated(self) -> Self {
        match self {
            Self::All(filters) if filters.is_empty() => Self::nothing(),
            Self::Any(filters) if filters.is_empty() => Self::everything(),
            Self::Not(filter) => *filter,
            filter => Self::Not(Box::new(filter)),
        }
    }

    /// Whether it lets this through.
    pub fn lets_through(&self, row: &impl Row) -> bool {
        match self {
            Self::All(filters) => filters.iter().all(|filter| filter.lets_through(row)),
            Self::Any(filters) => filters.iter().any(|filter| filter.lets_through(row)),
            Self::Not(filter) => !filter.lets_through(row),
            Self::Field(field, comparison) => comparison.holds(&row.values(field)),
        }
    }
}

impl Comparison {
    /// Whether it holds for any of the values of a field.
    fn holds(&self, values: &[Scalar]) -> bool {
        let is_text = |value: &Scalar, test: &dyn Fn(&str) -> bool| match value {
            Scalar::Text(text) => test(&text.to_lowercase()),
            _ => false,
        };
        match self {
            Self::In(wanted) if values.is_empty() => wanted.contains(&None),
            Self::In(wanted) => values.iter().any(|value| wanted.iter().flatten().any(|wanted| wanted == value)),
            Self::Below(limit) => values.iter().any(|value| value < limit),
            Self::AtMost(limit) => values.iter().any(|value| value <= limit),
            Self::Above(limit) => values.iter().any(|value| value > limit),
            Self::AtLeast(limit) => values.iter().any(|value| value >= limit),
            Self::Contains(part) => values.iter().any(|value| is_text(value, &|text| text.contains(part))),
            Self::BeginsWith(part) => values.iter().any(|value| is_text(value, &|text| text.starts_with(part))),
            Self::EndsWith(part) => values.iter().any(|value| is_text(value, &|text| text.ends_with(part))),
        }
    }
}

/// Parses a filter of a resource whose fields have these kinds. Dates such as `now-30d` are relative to `now`.
pub fn parse(text: &str, kinds: &dyn Fn(&str) -> Option<Kind>, now: Timestamp) -> Result<Filter, Problem> {
    if text.len() > MAX_BYTES {
        return Err(Problem::malformed(format!("The filter is over {MAX_BYTES} bytes.")));
    }
    let mut parser = Parser { text, rest: text, kinds, now, depth: 0, values: 0 };
    let filter = parser.any()?;
    if parser.rest.is_empty() { Ok(filter) } else { Err(parser.unexpected()) }
}

struct Parser<'t> {
    text: &'t str,
    rest: &'t str,
    kinds: &'t dyn Fn(&str) -> Option<Kind>,
    now: Timestamp,
    depth: usize,
    values: usize,
}

/// A value as it is written.
enum Literal {
    Null,
    Text(String),
    Time(Timestamp),
}

impl Parser<'_> {
    fn unexpected(&self) -> Problem {
        let at = self.text.len() - self.rest.len() + 1;
        Problem::malformed(format!("Error parsing filter: unexpected character at {at}."))
    }

    /// Takes this, and says whether it was there.
    fn takes(&mut self, token: &str) -> bool {
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn skip_spaces(&mut self) -> bool {
        let trimmed = self.rest.trim_start();
        let skipped = trimmed.len() < self.rest.len();
        self.rest = trimmed;
        skipped
    }

    /// Filters with commas between them.
    fn any(&mut self) -> Result<Filter, Problem> {
        let mut filters = vec![self.all()?];
        while self.takes(",") {
            filters.push(self.all()?);
        }
        Ok(Filter::any(filters))
    }

    /// Filters with `+` between them, or a space: what a `+` becomes in an address in which nobody encoded it.
    fn all(&mut self) -> Result<Filter, Problem> {
        self.skip_spaces();
        let mut filters = vec![self.term()?];
        loop {
            let spaced = self.skip_spaces();
            let begins = |c: char| c == '(' || c == '!' || c == '_' || c.is_ascii_alphabetic();
            if !(self.takes("+") || spaced && self.rest.starts_with(begins)) {
                return Ok(Filter::all(filters));
            }
            self.skip_spaces();
            filters.push(self.term()?);
        }
    }

    /// A group, or a field with what is compared with it.
    fn term(&mut self) -> Result<Filter, Problem> {
        let negated = ["!(", "-("].iter().any(|begin| self.rest.starts_with(begin));
        if negated {
            self.rest = self.rest.get(1..).unwrap_or_default();
        }
        if self.takes("(") {
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return Err(Problem::malformed(format!("The filter has groups in more than {MAX_DEPTH} others.")));
            }
            let filter = self.any()?;
            if !self.takes(")") {
                return Err(self.unexpected());
            }
            self.depth -= 1;
            return Ok(if negated { filter.negated() } else { filter });
        }
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        let (name, rest) = self.rest.split_at(self.rest.find(|c| !is_of_name(c)).unwrap_or(self.rest.len()));
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit() || c == '.') || !rest.starts_with(':') {
            return Err(self.unexpected());
        }
        let Some(kind) = (self.kinds)(name) else {
            let name: String = name.chars().take(40).collect();
            return Err(Problem::malformed(format!("Error parsing filter: cannot filter by {name}.")));
        };
        self.rest = rest.get(1..).unwrap_or_default();
        self.skip_spaces();
        self.comparison(name, kind)
    }

    fn comparison(&mut self, name: &str, kind: Kind) -> Result<Filter, Problem> {
        let negated = self.takes("-") || self.takes("!");
        let comparison = if self.takes("[") {
            let mut values = Vec::new();
            loop {
                values.push(self.value(name, kind)?);
                self.skip_spaces();
                if !self.takes(",") {
                    break;
                }
            }
            if !self.takes("]") {
                return Err(self.unexpected());
            }
            Comparison::In(values)
        } else if self.takes("~") {
            let like = if self.takes("^") {
                Comparison::BeginsWith
            } else if self.takes("$") {
                Comparison::EndsWith
            } else {
                Comparison::Contains
            };
            match (kind, self.literal()?) {
                (Kind::Text | Kind::Always(_), Literal::Text(text)) => like(text.to_lowercase()),
                _ => return Err(cannot_compare(name)),
            }
        } else {
            let than = match () {
                () if self.takes(">=") => Some(Comparison::AtLeast as fn(Scalar) -> Comparison),
                () if self.takes("<=") => Some(Comparison::AtMost as fn(Scalar) -> Comparison),
                () if self.takes(">") => Some(Comparison::Above as fn(Scalar) -> Comparison),
                () if self.takes("<") => Some(Comparison::Below as fn(Scalar) -> Comparison),
                () => None,
            };
            match (than, self.value(name, kind)?) {
                (None, value) => Comparison::In(vec![value]),
                (Some(than), Some(value)) if !negated => than(value),
                _ => return Err(cannot_compare(name)),
            }
        };
        let filter = match kind {
            Kind::Always(value) => {
                let values: Vec<_> = value.into_iter().map(|text| Scalar::Text(text.to_owned())).collect();
                Filter::constant(comparison.holds(&values))
            }
            _ => Filter::Field(name.to_owned(), comparison),
        };
        Ok(if negated { filter.negated() } else { filter })
    }

    /// A value that can be compared with a field of this kind; none is null.
    fn value(&mut self, name: &str, kind: Kind) -> Result<Option<Scalar>, Problem> {
        self.skip_spaces();
        let literal = self.literal()?;
        let text = match (kind, literal) {
            (_, Literal::Null) => return Ok(None),
            (Kind::Time, Literal::Time(time)) => return Ok(Some(Scalar::Seconds(time.seconds()))),
            (_, Literal::Time(_)) => return Err(cannot_compare(name)),
            (_, Literal::Text(text)) => text,
        };
        let scalar = match kind {
            Kind::Text | Kind::Always(_) => Some(Scalar::Text(text)),
            Kind::Bool => match text.to_ascii_lowercase().as_str() {
                "true" | "1" => Some(Scalar::Bool(true)),
                "false" | "0" => Some(Scalar::Bool(false)),
                _ => None,
            },
            Kind::Number => text.parse().ok().map(Scalar::Number),
            Kind::Time => date(&text).map(|time| Scalar::Seconds(time.seconds())),
        };
        scalar.map(Some).ok_or_else(|| cannot_compare(name))
    }

    /// A word, or anything in single quotes.
    fn literal(&mut self) -> Result<Literal, Problem> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(Problem::malformed(format!("The filter has more than {MAX_VALUES} values.")));
        }
        let quoted = self.takes("'");
        // A `~` in a word is part of it, but not at its beginning.
        let ends = |c: char| if quoted { c == '\'' } else { c.is_whitespace() || "'\"+,()[]<>=".contains(c) };
        let (mut text, mut chars) = (String::new(), self.rest.chars());
        loop {
            let mut ahead = chars.clone();
            match ahead.next() {
                Some('\\') => {
                    let escaped = ahead.next();
                    // A backslash before anything else is one.
                    if !escaped.is_some_and(|c| "'\"+,()[]<>=~^$\\".contains(c)) {
                        text.push('\\');
                        chars.next();
                        continue;
                    }
                    text.extend(escaped);
                }
                Some(c) if !ends(c) => text.push(c),
                _ => break,
            }
            chars = ahead;
        }
        self.rest = chars.as_str();
        let is_closed = !quoted || self.takes("'");
        if !is_closed || !quoted && (text.is_empty() || text.starts_with(['-', '~', '!'])) {
            return Err(self.unexpected());
        }
        if quoted {
            return Ok(Literal::Text(text));
        }
        // In an address in which nobody encoded the `+` of `now+1d`, it is the end of the word; so only `-` is of use then.
        if text == "now" && self.rest.starts_with('+') {
            let sum = self.rest.get(1..).unwrap_or_default();
            let end = sum.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(sum.len());
            let (amount, rest) = sum.split_at(end);
            if let Some(time) = relative(amount, 1, self.now) {
                self.rest = rest;
                return Ok(Literal::Time(time));
            }
        }
        if let Some(time) = text.strip_prefix("now-").and_then(|amount| relative(amount, -1, self.now)) {
            return Ok(Literal::Time(time));
        }
        Ok(if matches!(text.as_str(), "null" | "NULL" | "Null") { Literal::Null } else { Literal::Text(text) })
    }
}

fn cannot_compare(name: &str) -> Problem {
    Problem::malformed(format!("Error parsing filter: {name} cannot be compared with this value."))
}

/// A time relative to now: a number and a unit, such as `30d`. Months and years are those of the calendar.
fn relative(amount: &str, sign: i32, now: Timestamp) -> Option<Timestamp> {
    let unit = amount.chars().next_back()?;
    let digits = amount.strip_suffix(unit)?;
    let number: i32 = if digits.len() <= 6 { digits.parse().ok().filter(|number| *number >= 0)? } else { return None };
    let seconds = |of_unit: i64| now.plus_seconds(i64::from(sign * number) * of_unit);
    Some(match unit {
        's' => seconds(1),
        'm' => seconds(60),
        'h' => seconds(60 * 60),
        'd' => seconds(domain::DAY_SECONDS),
        'w' => seconds(7 * domain::DAY_SECONDS),
        'M' => now.plus_months(sign * number.min(120_000)),
        'y' => now.plus_months(sign * number.min(10_000) * 12),
        _ => return None,
    })
}

/// A date, or a date with a time, with an offset or in UTC: `2026-11-21`, `2026-11-21 08:30:00`, RFC 3339.
fn date(text: &str) -> Option<Timestamp> {
    // An offset whose `+` nobody encoded in the address.
    let text = text.strip_suffix(" 00:00").filter(|_| text.len() > 20).unwrap_or(text);
    let (day, time) = text.split_at_checked(10)?;
    let time = time.strip_prefix(['T', 't', ' ']).map_or_else(|| time.is_empty().then_some("00:00:00"), Some)?;
    let (clock, offset) = time.split_at(time.find(['Z', 'z', '+', '-']).unwrap_or(time.len()));
    let seconds = if clock.len() == 5 { ":00" } else { "" };
    let offset = if offset.is_empty() { "Z" } else { offset };
    Timestamp::try_from(format!("{day}T{clock}{seconds}{offset}")).ok()
}

/// The order of a list: fields, each with whether it descends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order(Vec<(String, bool)>);

impl Order {
    /// By one field, the least first.
    pub fn ascending(field: &str) -> Self {
        Self(vec![(field.to_owned(), false)])
    }

    /// Parses an order such as `published_at desc, title asc`. Fields that nothing can be ordered by are ignored, as Ghost does; none if
    /// there are no others.
    pub fn parse(text: &str, kinds: &dyn Fn(&str) -> Option<Kind>) -> Result<Option<Self>, Problem> {
        let mut fields = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (field, direction) = part.split_once(char::is_whitespace).unwrap_or((part, "asc"));
            let descends = match direction.trim().to_ascii_lowercase().as_str() {
                "asc" => false,
                "desc" => true,
                _ => return Err(Problem::malformed("An order is a field, then asc or desc.")),
            };
            if kinds(field).is_some_and(|kind| !matches!(kind, Kind::Always(_))) {
                fields.push((field.to_owned(), descends));
            }
        }
        if fields.len() > MAX_ORDERS {
            return Err(Problem::malformed(format!("An order has at most {MAX_ORDERS} fields.")));
        }
        Ok((!fields.is_empty()).then_some(Self(fields)))
    }

    /// Whether it is by this field first of all, the greatest first.
    pub fn descends_by(&self, wanted: &str) -> bool {
        self.0.first().is_some_and(|(field, descends)| field == wanted && *descends)
    }

    /// Brings a list into the order; what is alike in it stays as it is. Texts are ordered whatever their case.
    pub fn sort<T: Row>(&self, list: &mut [T]) {
        let folded = |row: &T, field: &str| {
            row.values(field).into_iter().next().map(|value| match value {
                Scalar::Text(text) => Scalar::Text(text.to_lowercase()),
                value => value,
            })
        };
        list.sort_by(|one, other| {
            let by_field = self.0.iter().map(|(field, descends)| {
                let ordering = folded(one, field).cmp(&folded(other, field));
                if *descends { ordering.reverse() } else { ordering }
            });
            by_field.fold(Ordering::Equal, Ordering::then)
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails panics")]

    use proptest::prelude::*;

    use super::*;

    struct Post;

    impl Row for Post {
        fn values(&self, field: &str) -> Vec<Scalar> {
            let texts = |texts: &[&str]| texts.iter().map(|text| Scalar::Text((*text).to_owned())).collect();
            match field {
                "title" => texts(&["It's (a) Title, + more"]),
                "slug" => texts(&["2024-in-review"]),
                "tags" => texts(&["news", "hash-x"]),
                "featured" => vec![Scalar::Bool(true)],
                "count" => vec![Scalar::Number(7)],
                "published_at" => vec![Scalar::Seconds(Timestamp::try_from(NOW.to_owned()).unwrap().seconds())],
                _ => Vec::new(),
            }
        }
    }

    const NOW: &str = "2026-11-21T08:30:00.000Z";

    fn kinds(field: &str) -> Option<Kind> {
        match field {
            "title" | "slug" | "tags" | "nothing" => Some(Kind::Text),
            "featured" => Some(Kind::Bool),
            "count" => Some(Kind::Number),
            "published_at" => Some(Kind::Time),
            "visibility" => Some(Kind::Always(Some("public"))),
            "og_title" => Some(Kind::Always(None)),
            _ => None,
        }
    }

    fn parsed(text: &str) -> Result<Filter, Problem> {
        parse(text, &kinds, Timestamp::try_from(NOW.to_owned()).unwrap())
    }

    #[test]
    fn filters_let_through_what_they_say() {
        for (filter, expected) in [
            ("featured:true", true),
            ("featured:false", false),
            ("featured:-true", false),
            ("tags:news", true),
            ("tags:old", false),
            ("tags:-old", true),
            ("tags:-news", false),
            ("tags:!news", false),
            ("tags:[old,news]", true),
            ("tags:[old, news ]", true),
            ("tags:-[old,news]", false),
            ("tags:-[old,older]", true),
            ("tags:old,featured:true", true),
            ("tags:old+featured:true", false),
            ("tags:news featured:false", false),
            ("tags:news  (featured:false,featured:true)", true),
            ("tags:old+featured:true,slug:2024-in-review", true),
            ("tags:old+(featured:true,slug:2024-in-review)", false),
            ("!(tags:old)", true),
            ("-(tags:news,tags:old)", false),
            ("((featured:true))", true),
            ("nothing:null", true),
            ("nothing:-null", false),
            ("title:null", false),
            ("title:-null", true),
            ("nothing:'null'", false),
            ("nothing:-x", true),
            (r"title:'It\'s (a) Title, + more'", true),
            (r"title:~'\'s (A'", true),
            ("title:~title", true),
            ("title:~^it", true),
            ("title:~^title", false),
            ("title:~$MORE", true),
            ("title:-~title", false),
            ("slug:2024-in-review", true),
            ("slug:2024", false),
            ("count:7", true),
            ("count:>6+count:<8+count:>=7+count:<=7", true),
            ("count:>7", false),
            ("published_at:<'2026-11-21 08:30:00'", false),
            ("published_at:<='2026-11-21 08:30:00'", true),
            ("published_at:>'2026-11-21'", true),
            ("published_at:>2026-11-20", true),
            ("published_at:>'2026-11-21T09:30:00.500+01:00'", false),
            ("published_at:>='2026-11-21T09:30:00+01:00'", true),
            ("published_at:>='2026-11-21T08:30:00.000 00:00'", true),
            ("published_at:>now-30d", true),
            ("published_at:<now-1s", false),
            ("published_at:<now+1s", true),
            ("published_at:>now-1M+published_at:>now-1y+published_at:<=now-0h", true),
            ("visibility:public", true),
            ("visibility:-public", false),
            ("visibility:[members,paid]", false),
            ("og_title:null", true),
            ("og_title:x", false),
        ] {
            assert_eq!(parsed(filter).unwrap().lets_through(&Post), expected, "{filter}");
        }
    }

    #[test]
    fn what_is_the_same_for_all_posts_says_nothing() {
        assert_eq!(parsed("visibility:public+tags:news").unwrap(), parsed("tags:news").unwrap());
        assert_eq!(parsed("visibility:public").unwrap(), Filter::everything());
        assert_eq!(parsed("visibility:members+tags:news").unwrap(), Filter::nothing());
        assert_eq!(parsed("visibility:members,tags:news").unwrap(), parsed("tags:news").unwrap());
        assert_eq!(parsed("!(og_title:null)").unwrap(), Filter::nothing());
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        let deep = format!("{}featured:true{}", "(".repeat(21), ")".repeat(21));
        let long = format!("title:'{}'", "x".repeat(2_000));
        let wide = format!("slug:[{}x]", "x,".repeat(100));
        for filter in [
            "",
            " ",
            "x",
            ":",
            "tags:",
            "tags",
            "tags:news+",
            "tags:news,",
            ",tags:news",
            "+",
            "(tags:news",
            "tags:news)",
            "tags:[]",
            "tags:[news",
            "tags:[news,]",
            "tags:'news",
            "tags:''x",
            "tags:--x",
            "tags:>",
            "unknown:x",
            "html:x",
            "password:~'a'",
            "featured:perhaps",
            "count:many",
            "count:~7",
            "published_at:yesterday",
            "published_at:>null",
            "published_at:-<x",
            "title:>now-1d",
            "title:\"x\"",
            "1:x",
            ".:x",
            "ü:x",
            "tags:news ü",
            &deep,
            &long,
            &wide,
        ] {
            assert!(parsed(filter).is_err(), "{filter}");
        }
    }

    #[test]
    fn an_order_sorts_by_one_field_after_the_other() {
        let order = Order::parse("published_at DESC, title", &kinds).unwrap().unwrap();
        assert!(order.descends_by("published_at") && !order.descends_by("title"));
        assert_eq!(Order::parse("unknown desc", &kinds).unwrap(), None);
        assert!(Order::parse("title sideways", &kinds).is_err());
        assert!(Order::parse("title,title,title,title,title,title", &kinds).is_err());
    }

    proptest! {
        /// Whatever somebody sends is a filter or is refused.
        #[test]
        fn nothing_panics(text in "[a-z_:\\[\\]()+,'\\\\~^$!<>=0-9 \\-é]{0,60}") {
            let _ = parsed(&text).map(|filter| filter.lets_through(&Post));
            let _ = parsed(&format!("published_at:{text}"));
            let _ = parsed(&format!("title:'{text}'")).map(|filter| filter.lets_through(&Post));
        }
    }
}
