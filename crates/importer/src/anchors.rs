//! Where links to parts of texts lead: `#set-up`, `/posts/a#set-up`.
//!
//! Here, only headings have ids, made of their words (docs/markdown.md). On the old site their author or a program may have given them other
//! ones, and ids to what is no heading. A link to such an id is led to the heading that it meant. Within one text, it can be led to any other place by an id
//! such as footnotes have. Links that then lead nowhere are named in the report.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    ops::Range,
};

use markdown::{FOOTNOTE_PREFIXES, Heading, ID_PREFIX};

use crate::{document::Document, links::decoded, markup, naming::as_slug};

/// Elements in which a place for links may stand.
const HOLDERS: [&str; 19] = [
    "article",
    "b",
    "blockquote",
    "dd",
    "div",
    "dt",
    "em",
    "figure",
    "i",
    "p",
    "section",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "td",
    "th",
    "u",
];

/// How far before a heading a tag may stand, with others in between, for its id to be that of the heading.
const MAX_BEFORE: usize = 300;

/// How many names the report has of each kind, for each text.
const MAX_NAMED: usize = 10;

/// How often the texts are gone through until nothing changes any more.
const MAX_ROUNDS: usize = 8;

/// A place to which links lead by `id`, as it is written until it is known whether any does.
pub fn mark(id: &str) -> String {
    format!("<a id=\"{}\"></a>", id.replace('&', "&amp;").replace('"', "&quot;"))
}

/// The text without marks.
pub fn without_marks(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<a id=\"") {
        let Some((_, behind)) = after.split_once("\"></a>").filter(|(id, _)| !id.contains(['"', '<', '>'])) else {
            break;
        };
        written.push_str(before);
        rest = behind;
    }
    written + rest
}

/// Which parts of a text links name, decoded.
#[derive(Default)]
struct Wanted {
    by_itself: HashSet<String>,
    by_others: HashSet<String>,
}

/// Lets the links in posts lead to the parts of each other, and of themselves, that they meant. To do it again changes nothing.
pub fn lead(posts: &mut [&mut Document]) {
    let with_marks = |posts: &[&mut Document]| -> Vec<String> {
        posts.iter().map(|post| &post.body).filter(|body| body.contains("<a id=\"")).cloned().collect()
    };
    let mut before = with_marks(posts);
    let mut notes = Vec::new();
    // Without a mark that had a backtick in its id, another one may no longer be in code.
    for _ in 0..MAX_ROUNDS {
        notes = lead_once(posts);
        let after = with_marks(posts);
        if after.is_empty() || after == before {
            break;
        }
        before = after;
    }
    for (post, notes) in posts.iter_mut().zip(notes) {
        post.notes.extend(notes);
    }
}

/// What [`lead`] does, once; for each post, what is to be said of its links.
fn lead_once(posts: &mut [&mut Document]) -> Vec<Vec<String>> {
    let mut wanted: HashMap<String, Wanted> = HashMap::new();
    for post in &*posts {
        markup::rewrite(&post.body, |reference| {
            let (_, slug, fragment) = part(reference, &post.slug)?;
            let wanted = wanted.entry(slug.to_owned()).or_default();
            let names = if slug == post.slug { &mut wanted.by_itself } else { &mut wanted.by_others };
            names.insert(decoded(fragment));
            None
        });
    }
    let mut known: HashMap<String, Anchors> = HashMap::new();
    for post in &mut *posts {
        let wanted = wanted.remove(&post.slug);
        if wanted.is_some() || post.body.contains("<a id=\"") {
            let (body, anchors) = Anchors::of(&post.body, &wanted.unwrap_or_default());
            post.body = without_blank_ends(&body).to_owned();
            known.insert(post.slug.clone(), anchors);
        }
    }
    let name = |post: &mut &mut Document| {
        let (mut nowhere, mut of_others) = (BTreeSet::new(), BTreeSet::new());
        let (mut times, mut times_of_others) = (0, 0);
        let body = markup::rewrite(&post.body, |reference| {
            let (path, slug, fragment) = part(reference, &post.slug)?;
            let is_own = slug == post.slug;
            let Some(anchors) = known.get(slug) else {
                times_of_others += 1;
                of_others.insert(format!("{path}#{fragment}"));
                return None;
            };
            match anchors.find(&decoded(fragment), is_own) {
                Some(id) if is_own => Some(format!("#{id}")),
                // Only within one text are ids found without their prefix.
                Some(id) => Some(format!("{path}#{ID_PREFIX}{id}")),
                None => {
                    times += 1;
                    nowhere.insert(reference.to_owned());
                    None
                }
            }
        });
        post.body = body;
        let notes = [
            (times, "a link to a part that has no heading here, which leads to the beginning", nowhere),
            (times_of_others, "a link to a part of another post, which may lead to its beginning", of_others),
        ];
        let notes = notes.into_iter().filter(|(times, ..)| *times > 0).map(|(times, what, names)| {
            let named: Vec<_> = names.into_iter().take(MAX_NAMED).collect();
            format!("{times} × {what}: {}", named.join(", "))
        });
        notes.collect()
    };
    posts.iter_mut().map(name).collect()
}

/// The path, the post and the part that a reference in the post `own` names, if it names a part of a post that is here.
fn part<'a>(reference: &'a str, own: &'a str) -> Option<(&'a str, &'a str, &'a str)> {
    let (path, fragment) = reference.split_once('#')?;
    let slug = match path.strip_prefix("/posts/") {
        Some(slug) => slug.split(['?', '/']).next()?,
        None if path.is_empty() => own,
        None => return None,
    };
    // A browser looks for the text of `#:~:text=` itself; doors of Ghost are named by who reads its cards.
    (!fragment.is_empty() && !fragment.starts_with(":~:") && !fragment.starts_with("/portal"))
        .then_some((path, slug, fragment))
}

/// What links to parts of one text can lead to.
struct Anchors {
    /// The ids of its headings.
    headings: HashSet<String>,
    /// The same by their letters and digits only, which generators join in different ways; `None` if two have the same.
    alike: HashMap<String, Option<String>>,
    /// By the ids of the old site, the id of a heading.
    given: HashMap<String, String>,
    /// By the ids of the old site, an id to which only the text itself can lead.
    places: HashMap<String, String>,
}

impl Anchors {
    /// The text with ids that stay where links lead to them, and what they are.
    fn of(text: &str, wanted: &Wanted) -> (String, Self) {
        let headings = markdown::headings(text);
        let mut starts = vec![0];
        starts.extend(text.match_indices('\n').map(|(at, _)| at + 1));
        let line_at = |line: usize| starts.get(line - 1).copied().unwrap_or(text.len());
        let ranges: Vec<_> =
            headings.iter().map(|heading| line_at(heading.lines.0)..line_at(heading.lines.1 + 1)).collect();
        let mut found = Self::of_headings(&headings);
        found.places.extend(notes(text, wanted));
        let mut edits: Vec<(Range<usize>, String)> = Vec::new();
        for tag in markup::tags(text) {
            let name = &*name_of(text, &tag);
            let attributes: &[&str] = if name == "a" { &["id", "name"] } else { &["id"] };
            let typed = markup::values(text, tag.clone(), attributes).into_iter().find_map(|range| text.get(range));
            let Some(id) = typed.map(|id| id.replace("&quot;", "\"").replace("&amp;", "&")).filter(|id| !id.is_empty())
            else {
                continue;
            };
            let mark = Some(mark(&id)).filter(|mark| text.get(tag.start..).is_some_and(|rest| rest.starts_with(mark)));
            let whole = tag.start..tag.start + mark.as_ref().map_or(tag.len(), String::len);
            let behind_name = tag.start + 1 + name.len()..tag.start + 1 + name.len();
            let is_wanted = wanted.by_itself.contains(&id);
            let next = ranges.partition_point(|range| range.end <= tag.start);
            let heading = ranges
                .get(next)
                .filter(|range| range.contains(&tag.start) || leads_up(text.get(whole.end..range.start)))
                .and_then(|_| headings.get(next));
            let is_raw_heading = matches!(name, "h1" | "h2" | "h3" | "h4" | "h5" | "h6");
            let is_new = !found.given.contains_key(&id) && !found.places.contains_key(&id);
            if let Some(kept) = id.strip_prefix(ID_PREFIX).filter(|_| is_raw_heading) {
                found.given.insert(kept.to_owned(), kept.to_owned());
            } else if is_raw_heading && (is_wanted || wanted.by_others.contains(&id)) && is_new {
                let kept = as_id(&id);
                edits.push((behind_name, format!(" id=\"{ID_PREFIX}{kept}\"")));
                found.given.insert(id, kept);
            } else if let Some(heading) = heading.filter(|_| is_new && !is_raw_heading) {
                found.given.insert(id, heading.id.clone());
                edits.extend(mark.map(|_| (with_its_line(text, whole), String::new())));
            } else if is_wanted && is_new && !found.headings.contains(&id) {
                let kept =
                    if is_of_footnote(&id) { id.clone() } else { format!("{}{}", FOOTNOTE_PREFIXES[0], as_id(&id)) };
                if mark.is_some() {
                    edits.push((whole, self::mark(&kept)));
                } else if matches!(name, "a" | "li") && kept == id {
                    // It has it already.
                } else if matches!(name, "a" | "li") {
                    edits.push((behind_name, format!(" id=\"{kept}\"")));
                } else if HOLDERS.contains(&name) {
                    edits.push((tag.end..tag.end, self::mark(&kept)));
                } else {
                    continue;
                }
                found.places.insert(id, kept);
            } else {
                edits.extend(mark.map(|_| (with_its_line(text, whole), String::new())));
            }
        }
        (edited(text, edits), found)
    }

    /// Those that every text has without an edit.
    fn of_headings(headings: &[Heading]) -> Self {
        let mut alike = HashMap::new();
        for Heading { id, .. } in headings {
            alike.entry(letters(id)).and_modify(|known| *known = None).or_insert_with(|| Some(id.clone()));
        }
        let headings = headings.iter().map(|heading| heading.id.clone()).collect();
        Self { headings, alike, given: HashMap::new(), places: HashMap::new() }
    }

    /// The id here of what had the id `name` on the old site.
    fn find(&self, name: &str, is_own: bool) -> Option<String> {
        let place = || self.places.get(name).filter(|_| is_own);
        let exact = || self.headings.get(name.strip_prefix(ID_PREFIX).unwrap_or(name));
        let alike = || self.alike.get(Some(&letters(name)).filter(|letters| !letters.is_empty())?)?.as_ref();
        self.given.get(name).or_else(place).or_else(exact).or_else(alike).cloned()
    }
}

/// The text with something else in these ranges, which are in order.
fn edited(text: &str, edits: Vec<(Range<usize>, String)>) -> String {
    let mut written = String::with_capacity(text.len());
    let mut at = 0;
    for (range, new) in edits {
        written.push_str(text.get(at..range.start).unwrap_or_default());
        written.push_str(&new);
        at = at.max(range.end);
    }
    written.push_str(text.get(at..).unwrap_or_default());
    written
}

/// The footnotes that are linked to by the ids that they have here too.
fn notes<'a>(text: &'a str, wanted: &'a Wanted) -> impl Iterator<Item = (String, String)> + use<'a> {
    let is_note = |id: &&String| {
        let name = FOOTNOTE_PREFIXES.iter().find_map(|prefix| id.strip_prefix(prefix));
        name.is_some_and(|name| text.contains(&format!("[^{name}]:")))
    };
    wanted.by_itself.iter().filter(is_note).map(|id| (id.clone(), id.clone()))
}

fn is_of_footnote(id: &str) -> bool {
    FOOTNOTE_PREFIXES.iter().any(|prefix| id.starts_with(prefix)) && as_id(id) == id
}

/// The name of the element that a tag begins.
fn name_of(text: &str, tag: &Range<usize>) -> String {
    let inside = text.get(tag.start + 1..tag.end).unwrap_or_default();
    inside.split(|letter: char| !letter.is_ascii_alphanumeric()).next().unwrap_or_default().to_ascii_lowercase()
}

/// Whether nothing but tags stands between a tag and the heading behind it.
fn leads_up(between: Option<&str>) -> bool {
    let Some(mut rest) = between.filter(|between| between.len() <= MAX_BEFORE).map(str::trim_start) else {
        return false;
    };
    while let Some(tag) = rest.strip_prefix('<') {
        let Some((_, behind)) = tag.split_once('>') else { return false };
        rest = behind.trim_start();
    }
    rest.is_empty()
}

/// The range, with the whole line if nothing else stands in it.
fn with_its_line(text: &str, range: Range<usize>) -> Range<usize> {
    let before = text.get(..range.start).unwrap_or_default();
    let begin = before.rfind('\n').map_or(0, |at| at + 1);
    let behind = text.get(range.end..).unwrap_or_default();
    let end = behind.find('\n').map_or(text.len(), |at| range.end + at + 1);
    let is_alone = |part: Option<&str>| part.is_some_and(|part| part.trim().is_empty());
    if is_alone(text.get(begin..range.start)) && is_alone(text.get(range.end..end)) { begin..end } else { range }
}

/// The text without blank lines at its beginning and white space at its end, which a removed mark may leave.
fn without_blank_ends(text: &str) -> &str {
    let mut text = text.trim_end();
    while let Some((_, rest)) = text.split_once('\n').filter(|(line, _)| line.trim().is_empty()) {
        text = rest;
    }
    text
}

/// An id without what would need to be escaped.
fn as_id(id: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.');
    id.chars().map(|letter| if is_plain(letter) { letter } else { '-' }).collect()
}

/// What is the same in the ids that two generators make of one heading.
fn letters(id: &str) -> String {
    as_slug(id).unwrap_or_default().replace('-', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(slug: &str, body: &str) -> Document {
        Document { slug: slug.to_owned(), body: body.to_owned(), ..Document::default() }
    }

    /// What becomes of one text, and its notes.
    fn led(body: &str) -> (String, Vec<String>) {
        let mut document = post("own", body);
        lead(&mut [&mut document]);
        (document.body, document.notes)
    }

    /// Whether each link to a part of the page, as readers get it, finds one.
    fn leads_somewhere(body: &str) -> bool {
        let html = markdown::render(body).unwrap().html;
        let mut links = html.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap_or_default());
        links.all(|id| html.contains(&format!(" id=\"{}\"", decoded(id))))
    }

    #[test]
    fn links_lead_to_the_headings_and_places_that_they_meant() {
        for (body, expected) in [
            ("[a](#set-up)\n\n## Set up", "[a](#set-up)\n\n## Set up"),
            // Of a list of attributes, of a component, and as people put them before a heading.
            ("[a](#start)\n\n## <a id=\"start\"></a>Set up", "[a](#set-up)\n\n## Set up"),
            ("[a](#start)\n\n<a id=\"start\"></a>\n\n## Set up", "[a](#set-up)\n\n\n## Set up"),
            (
                "[a](#start)\n\n<a name='start'></a><br>\n\nSet up\n---",
                "[a](#set-up)\n\n<a name='start'></a><br>\n\nSet up\n---",
            ),
            // What other generators make of words: Zola, Python-Markdown, Ghost.
            (
                "[a](#what-s-new)[b](#x_1)\n\n# What's new?\n\n## X\n\n## X",
                "[a](#whats-new)[b](#x-1)\n\n# What's new?\n\n## X\n\n## X",
            ),
            ("[a](#%C3%BCber-uns)\n\n# Über uns", "[a](#über-uns)\n\n# Über uns"),
            // A place that is no heading.
            ("[a](#b)\n\n<a id=\"b\"></a>**Threads**", "[a](#fn-b)\n\n<a id=\"fn-b\"></a>**Threads**"),
            ("[a](#b)\n\n<A NAME=\"b\">x</A>", "[a](#fn-b)\n\n<A id=\"fn-b\" NAME=\"b\">x</A>"),
            (
                "[a](#b%2Fc)\n\n<div id='b/c'>\nx\n</div>",
                "[a](#fn-b-c)\n\n<div id='b/c'><a id=\"fn-b-c\"></a>\nx\n</div>",
            ),
            (
                "[a](#b)\n\n<h2 class=x id=b>Set up</h2>",
                "[a](#b)\n\n<h2 id=\"user-content-b\" class=x id=b>Set up</h2>",
            ),
            ("[a](/posts/own#b)\n\n## B", "[a](#b)\n\n## B"),
            ("x[^1] [a](#fn-1)\n\n[^1]: y", "x[^1] [a](#fn-1)\n\n[^1]: y"),
            (
                "<sup id=\"fnref:1\"><a href=\"#fn:1\">1</a></sup>\n\n<li id=\"fn:1\">x <a href=\"#fnref:1\">b</a></li>",
                "<sup id=\"fnref:1\"><a id=\"fn-fnref-1\"></a><a href=\"#fn-fn-1\">1</a></sup>\n\n<li id=\"fn-fn-1\" id=\"fn:1\">x <a href=\"#fn-fnref-1\">b</a></li>",
            ),
        ] {
            let (text, notes) = led(body);
            assert_eq!(text, expected);
            assert_eq!(notes, Vec::<String>::new(), "{body}");
            if !body.contains("[^1]") {
                assert!(leads_somewhere(&text), "{text}\n{}", markdown::render(&text).unwrap().html);
            }
            // Another import changes nothing.
            assert_eq!(led(&text).0, text);
        }
    }

    #[test]
    fn links_that_lead_nowhere_are_named() {
        let (text, notes) = led(
            "[a](#case-threads) [b](#case-threads) [c](#x) [d](#) [e](https://e.com/#x)\n\n## X y\n\n<a id=\"z\"></a>Text `<a id=\"x\"></a>`",
        );
        assert_eq!(
            text,
            "[a](#case-threads) [b](#case-threads) [c](#x) [d](#) [e](https://e.com/#x)\n\n## X y\n\nText `<a id=\"x\"></a>`"
        );
        assert_eq!(
            notes,
            ["3 × a link to a part that has no heading here, which leads to the beginning: #case-threads, #x"]
        );
        // Two headings might be meant.
        assert_eq!(led("[a](#a_b)\n\n# A b\n\n# A-b?!\n\n# Ab").1.len(), 1);
    }

    #[test]
    fn links_lead_to_parts_of_other_posts() {
        let mut one =
            post("one", "[a](/posts/two#Begin) [b](/posts/two?x=1#place) [c](/posts/gone#x) [d](/posts/two#raw)");
        let mut two = post("two", "## <a id=\"Begin\"></a>Start\n\n<p id=\"place\">x</p>\n\n<h3 id=\"raw\">Raw</h3>");
        lead(&mut [&mut one, &mut two]);
        assert_eq!(
            one.body,
            "[a](/posts/two#user-content-start) [b](/posts/two?x=1#place) [c](/posts/gone#x) [d](/posts/two#user-content-raw)"
        );
        assert_eq!(
            one.notes,
            [
                "1 × a link to a part that has no heading here, which leads to the beginning: /posts/two?x=1#place",
                "1 × a link to a part of another post, which may lead to its beginning: /posts/gone#x",
            ]
        );
        let html = markdown::render(&two.body).unwrap().html;
        assert!(html.contains("id=\"user-content-start\"") && html.contains("id=\"user-content-raw\""), "{html}");
    }

    #[test]
    fn many_ids_take_time_by_their_number_only() {
        let body = "[a](#b)<a id=\"b\"></a>\n\n".repeat(8_000);
        assert!(led(&body).0.len() < body.len());
        assert_eq!(without_marks(&mark("a").repeat(20_000)), "");
    }
}
