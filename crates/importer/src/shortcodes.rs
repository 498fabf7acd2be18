//! Shortcodes of Hugo and Zola, and tags of Liquid: those with a plain meaning become Markdown, the others stay and are counted.
//!
//! One reader is enough for all: their spellings differ, and what a theme calls `figure` is a figure.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use crate::markup;

/// A text after its shortcodes were translated.
#[derive(Debug, Default, PartialEq)]
pub struct Translated {
    pub text: String,
    /// The names of those that stay as text, each with how often it stands there.
    pub kept: BTreeMap<String, usize>,
}

/// One shortcode: its name, and what stands behind the name.
struct Tag<'a> {
    /// As it is typed, with its braces.
    source: &'a str,
    /// What stands before its name: `{{<`, `{{%`, `{%` or `{{`.
    opening: &'static str,
    name: &'a str,
    rest: &'a str,
}

/// Translates the shortcodes of `text`. `post` gives the address of the post that a `ref` or a `post_url` names.
pub fn translate(text: &str, post: &dyn Fn(&str) -> Option<String>) -> Translated {
    let mut kept: BTreeMap<String, usize> = BTreeMap::new();
    let mut unclosed = BTreeSet::new();
    let text = with_tags(text, |written, tag, after| {
        let (new, end) = match pair(tag, text.get(after..).unwrap_or_default(), &mut unclosed) {
            Some((new, length)) => (Some(new), after + length),
            None => (single(tag, post), after),
        };
        let Some(new) = new else {
            written.push_str(tag.source);
            if !tag.name.is_empty() && !tag.name.starts_with(['/', '#']) && !tag.name.starts_with("end") {
                *kept.entry(tag.name.to_owned()).or_default() += 1;
            }
            return end;
        };
        match autolink(written, &new, text, end).filter(|_| tag.opening == "{{") {
            Some((address, end)) => {
                written.pop();
                written.push_str(&format!("[{address}]({address})"));
                end
            }
            None => {
                written.push_str(&new);
                end
            }
        }
    });
    Translated { text, kept }
}

/// The text with a fence around each block of code that has tags around it (`{% highlight ruby %}`). It is code from then on.
pub fn with_fences(text: &str) -> String {
    let mut unclosed = BTreeSet::new();
    with_tags(text, |written, tag, after| {
        let begin = after - tag.source.len();
        let found = pair(tag, text.get(after..).unwrap_or_default(), &mut unclosed);
        let end = found.as_ref().map_or(after, |(_, length)| after + length);
        match found {
            Some((code, _)) if matches!(tag.name, "highlight" | "codeblock") => written.push_str(&code),
            // What stands in `raw` is no tag.
            _ => written.push_str(text.get(begin..end).unwrap_or_default()),
        }
        end
    })
}

/// The text with what `write` writes in place of each tag outside of code, as far as it says: it gets what is written so far, the tag and
/// where it ends.
fn with_tags<'a>(text: &'a str, mut write: impl FnMut(&mut String, &Tag<'a>, usize) -> usize) -> String {
    let mut code = markup::code(text).into_iter().peekable();
    let mut written = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(begin) = next(text, at) {
        while code.next_if(|range| range.end <= begin).is_some() {}
        if let Some(range) = code.peek().filter(|range| range.contains(&begin)) {
            written.push_str(text.get(at..range.end).unwrap_or_default());
            at = range.end;
            continue;
        }
        written.push_str(text.get(at..begin).unwrap_or_default());
        at = match read(text.get(begin..).unwrap_or_default()) {
            Some(tag) => write(&mut written, &tag, begin + tag.source.len()),
            None => {
                written.push_str(text.get(begin..begin + 2).unwrap_or_default());
                begin + 2
            }
        };
    }
    written.push_str(text.get(at..).unwrap_or_default());
    written
}

/// The text without the tags `raw` and `endraw` in code. Liquid and Nunjucks do not know what code is in Markdown: there too, these tags are
/// on no page.
pub fn without_raw_in_code(text: &str) -> String {
    let mut code: Vec<Range<usize>> = Vec::new();
    for range in markup::code(text) {
        // Each line of an indented block has a range of its own.
        match code.last_mut().filter(|last| text.get(last.end..range.start).is_some_and(|gap| gap.trim().is_empty())) {
            Some(last) => last.end = range.end,
            None => code.push(range),
        }
    }
    let mut written = String::with_capacity(text.len());
    let mut at = 0;
    for range in code {
        written.push_str(text.get(at..range.start).unwrap_or_default());
        written.push_str(&without_raw(text.get(range.clone()).unwrap_or_default()));
        at = range.end;
    }
    written.push_str(text.get(at..).unwrap_or_default());
    written
}

/// The text without comments of Nunjucks, which do not know code either, but for what stands in `raw`.
pub fn without_nunjucks_comments(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let mut unclosed = BTreeSet::new();
    let mut rest = text;
    while let Some((before, from)) = rest.find(['{']).and_then(|begin| rest.split_at_checked(begin)) {
        written.push_str(before);
        let comment = || from.strip_prefix("{#").and_then(|inside| Some((0, inside.find("#}")? + 4)));
        let raw = || {
            let tag = Some(from).filter(|from| from.starts_with("{%")).and_then(read)?;
            let after = Some(&tag).filter(|tag| matches!(tag.name, "raw" | "verbatim"))?;
            let whole = after.source.len() + pair(&tag, from.get(after.source.len()..)?, &mut unclosed)?.1;
            Some((whole, whole))
        };
        let (kept, length) = comment().or_else(raw).unwrap_or((1, 1));
        written.push_str(from.get(..kept).unwrap_or_default());
        rest = from.get(length..).unwrap_or_default();
    }
    written.push_str(rest);
    written
}

fn without_raw(code: &str) -> String {
    let mut written = String::with_capacity(code.len());
    let mut unclosed = BTreeSet::new();
    let mut rest = code;
    while let Some((before, from)) = rest.find("{%").and_then(|begin| rest.split_at_checked(begin)) {
        written.push_str(before);
        let found = read(from).filter(|tag| matches!(tag.name, "raw" | "verbatim")).and_then(|tag| {
            let after = from.get(tag.source.len()..)?;
            let (inside, length) = pair(&tag, after, &mut unclosed)?;
            Some((inside, after.get(length..)?))
        });
        let Some((inside, after)) = found else {
            let (brace, after) = from.split_at_checked(2).unwrap_or((from, ""));
            written.push_str(brace);
            rest = after;
            continue;
        };
        // A line that has only the tag goes with it.
        let is_alone = written.trim_end_matches([' ', '\t']).ends_with('\n');
        written.push_str(inside.strip_prefix('\n').filter(|_| is_alone).unwrap_or(&inside));
        let is_alone = written.trim_end_matches([' ', '\t']).ends_with('\n');
        rest = after.strip_prefix('\n').filter(|_| is_alone).unwrap_or(after);
    }
    written.push_str(rest);
    written
}

/// Where a tag may begin.
fn next(text: &str, at: usize) -> Option<usize> {
    let mut braces = text.get(at..)?.match_indices('{').map(|(begin, _)| at + begin);
    braces.find(|begin| text.get(begin + 1..).is_some_and(|rest| rest.starts_with(['{', '%'])))
}

/// How many bytes of a tag are looked at for its end. To look further would take as long as the text is, for each brace that is never closed.
const MAX_TAG: usize = 4096;

/// The tag that the text begins with.
fn read(text: &str) -> Option<Tag<'_>> {
    let text = text.get(..text.floor_char_boundary(MAX_TAG))?;
    let pairs = [("{{<", ">}}"), ("{{%", "%}}"), ("{%", "%}"), ("{{", "}}")];
    let (opening, closing) = pairs.into_iter().find(|(opening, _)| text.starts_with(opening))?;
    let inside_start = opening.len();
    let end = text.get(inside_start..)?.find(closing)? + inside_start;
    let source = text.get(..end + closing.len())?;
    // A tag is short; a brace that is closed pages later is none.
    if source.matches("\n\n").count() > 0 {
        return None;
    }
    let inside = text.get(inside_start..end)?.trim_matches('-').trim();
    let inside = inside.strip_suffix('/').unwrap_or(inside).trim_end();
    let end = inside.find(|letter: char| letter.is_whitespace() || letter == '(').unwrap_or(inside.len());
    let (name, rest) = inside.split_at_checked(end)?;
    Some(Tag { source, opening, name, rest: rest.trim() })
}

/// What a tag and its closing one are together, and how many bytes behind the tag they take. `unclosed` has those that nothing closes from
/// here on.
fn pair<'a>(tag: &Tag<'a>, after: &str, unclosed: &mut BTreeSet<(&'static str, &'a str)>) -> Option<(String, usize)> {
    let is_liquid = tag.opening == "{%";
    let mut closing = |name: &'a str| -> Option<(usize, usize)> {
        if unclosed.contains(&(tag.opening, name)) {
            return None;
        }
        let mut at = 0;
        loop {
            let Some(begin) = after.get(at..).and_then(|rest| rest.find(tag.opening)) else {
                unclosed.insert((tag.opening, name));
                return None;
            };
            let begin = at + begin;
            at = begin + tag.opening.len();
            let Some(other) = read(after.get(begin..)?) else { continue };
            let is_end = if is_liquid {
                other.name == format!("end{name}")
            } else {
                other.name == "/" && other.rest == name || other.name == format!("/{name}")
            };
            if is_end {
                return Some((begin, begin + other.source.len()));
            }
        }
    };
    match tag.name {
        "raw" | "verbatim" if is_liquid => {
            let (begin, end) = closing(tag.name)?;
            Some((after.get(..begin)?.to_owned(), end))
        }
        // It was on no page.
        "comment" => closing(tag.name).map(|(_, end)| (String::new(), end)),
        "highlight" | "codeblock" => {
            let (begin, end) = closing(tag.name)?;
            let inside = after.get(..begin)?.trim_matches('\n');
            let language = words(tag.rest).into_iter().next().map(|(_, word)| word).unwrap_or_default();
            let language = language.strip_prefix("lang:").unwrap_or(&language).to_owned();
            // Longer than any fence in it.
            let fence = "`".repeat(3.max(markup::longest_run(inside) + 1));
            Some((format!("{fence}{language}\n{inside}\n{fence}"), end))
        }
        _ => None,
    }
}

/// The Markdown that a tag stands for, if it is known.
fn single(tag: &Tag<'_>, post: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    // Hugo's way to show a shortcode: `{{</* figure */>}}`.
    if tag.name.starts_with("/*") {
        return Some(tag.source.replacen("/*", "", 1).replacen("*/", "", 1));
    }
    let (mut name, mut rest) = (tag.name, tag.rest);
    if tag.opening == "{{" && !rest.starts_with('(') {
        return expression(tag);
    }
    if tag.opening == "{%" && name == "include" {
        let (file, others) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        name = file.rsplit('/').next().unwrap_or(file).split('.').next().unwrap_or(file);
        rest = others;
    }
    let words = words(rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(rest));
    let named = |names: &[&str]| {
        let found = words.iter().find(|(key, _)| key.as_deref().is_some_and(|key| names.contains(&key)));
        found.map(|(_, value)| value.clone())
    };
    let place = |index: usize| words.iter().filter(|(key, _)| key.is_none()).nth(index).map(|(_, value)| value.clone());
    let first = |names: &[&str]| named(names).or_else(|| place(0));
    let link = |address: String| Some(format!("<{address}>"));
    match name {
        "figure" | "image" | "img" | "picture" => {
            let address = first(&["src", "url", "path", "image_path", "link_src"])?;
            let plain = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
            let lines = [
                named(&["title"]),
                named(&["caption"]),
                named(&["attr"]).map(|attr| attributed(attr, named(&["attrlink"]))),
            ];
            let lines: Vec<_> = lines.into_iter().flatten().map(plain).filter(|line| !line.is_empty()).collect();
            // Eleventy's own has the text behind the address: `{% image "a.png", "A text" %}`.
            let behind = place(1).filter(|_| tag.opening == "{%" && rest.contains(','));
            let alt = named(&["alt"])
                .or(behind)
                .map(plain)
                .or_else(|| named(&["caption"]).or(named(&["title"])).map(plain))
                .unwrap_or_default()
                .replace(['[', ']'], "");
            let address = if address.contains(char::is_whitespace) { format!("<{address}>") } else { address };
            let picture = format!("![{alt}]({address})");
            let picture = match named(&["link", "href"]) {
                Some(target) => format!("[{picture}]({target})"),
                None => picture,
            };
            let lines = lines.iter().map(|line| format!("\n*{}*", line.replace('*', "\\*")));
            Some(picture + &lines.collect::<String>())
        }
        "youtube" | "youtube_id" | "yt" => {
            let id = first(&["id", "src", "video", "video_id"])?;
            if id.starts_with("http") { link(id) } else { link(format!("https://www.youtube.com/watch?v={id}")) }
        }
        "vimeo" => {
            let id = first(&["id", "src", "video", "video_id"])?;
            if id.starts_with("http") { link(id) } else { link(format!("https://vimeo.com/{id}")) }
        }
        "gist" => {
            let found = named(&["url"]);
            if found.is_some() {
                return link(found?);
            }
            let (user, id) = (first(&["user", "id"])?, named(&["id"]).or_else(|| place(1)));
            match (tag.opening, id) {
                // Jekyll's has a file behind the id.
                ("{%", _) | (_, None) => link(format!("https://gist.github.com/{user}")),
                (_, Some(id)) => link(format!("https://gist.github.com/{user}/{id}")),
            }
        }
        "tweet" | "twitter" | "x" => {
            let id = first(&["id", "url"])?;
            let user = named(&["user"]).unwrap_or_else(|| "i".to_owned());
            if id.starts_with("http") { link(id) } else { link(format!("https://x.com/{user}/status/{id}")) }
        }
        "instagram" => link(format!("https://www.instagram.com/p/{}/", first(&["id"])?)),
        "ref" | "relref" => post(&first(&["path"])?),
        "post_url" => post(rest),
        // A file that is no post has its address.
        "link" if tag.opening == "{%" => post(rest).or_else(|| Some(format!("/{}", rest.trim_start_matches('/')))),
        _ => None,
    }
}

/// Who made a picture, with a link to where it is from.
fn attributed(who: String, address: Option<String>) -> String {
    address.map_or(who.clone(), |address| format!("[{who}]({address})"))
}

/// `{{ site.baseurl }}` and `{{ '/a' | relative_url }}`: addresses, wherever the site was.
fn expression(tag: &Tag<'_>) -> Option<String> {
    let inside = tag.source.trim_matches(['{', '}', '-', ' ']);
    let parts: Vec<_> = inside.split('|').map(str::trim).collect();
    match *parts {
        ["site.baseurl" | "site.url" | "site.base_url" | "SITEURL"] => Some(String::new()),
        [text, "relative_url" | "absolute_url" | "url" | "prepend: site.baseurl" | "prepend:site.baseurl"] => {
            let text = text.strip_prefix(['"', '\''])?.strip_suffix(['"', '\''])?;
            Some(text.to_owned())
        }
        _ => None,
    }
}

/// The path of an address in angle brackets that a tag begins, and where it ends: `<{{ site.url }}/a>`, which would be a tag of HTML without its host.
fn autolink(before: &str, new: &str, text: &str, from: usize) -> Option<(String, usize)> {
    let rest = text.get(from..)?;
    let end = rest.find(|letter: char| letter.is_whitespace() || "<>".contains(letter))?;
    let path = format!("{new}{}", rest.get(..end)?);
    let address = if path.is_empty() { "/".to_owned() } else { path };
    let is_whole = before.ends_with('<') && rest.get(end..)?.starts_with('>') && address.starts_with('/');
    is_whole.then_some((address, from + end + 1))
}

/// `key="value"`, `"value"` and `value`, divided by spaces or, in Zola, commas.
fn words(text: &str) -> Vec<(Option<String>, String)> {
    let mut found = Vec::new();
    let mut letters = text.chars().peekable();
    loop {
        while letters.next_if(|letter| letter.is_whitespace() || *letter == ',').is_some() {}
        let (mut key, mut value) = (None, String::new());
        let Some(_) = letters.peek() else { return found };
        let mut is_quoted = false;
        while let Some(letter) = letters.peek().copied() {
            match letter {
                '"' | '\'' | '`' if value.is_empty() && !is_quoted => {
                    is_quoted = true;
                    letters.next();
                    while let Some(inside) = letters.next() {
                        match inside {
                            '\\' if letter != '`' => value.extend(letters.next()),
                            inside if inside == letter => break,
                            inside => value.push(inside),
                        }
                    }
                }
                '=' if key.is_none() && !is_quoted && is_key(&value) => {
                    letters.next();
                    key = Some(std::mem::take(&mut value));
                    while letters.next_if(|letter| letter.is_whitespace()).is_some() {}
                }
                letter if letter.is_whitespace() || letter == ',' || is_quoted => break,
                letter => {
                    value.push(letter);
                    letters.next();
                }
            }
        }
        if key.is_none() && value.is_empty() && !is_quoted {
            // A stray sign that begins no word.
            letters.next();
            continue;
        }
        found.push((key, value));
    }
}

/// An address may have an equals sign as well.
fn is_key(word: &str) -> bool {
    word.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(text: &str) -> Translated {
        let post = |target: &str| target.starts_with("2020-01-02-a").then(|| "/posts/a".to_owned());
        translate(text, &post)
    }

    #[test]
    fn what_has_a_plain_meaning_becomes_markdown() {
        for (text, expected) in [
            ("{{< figure src=\"a b.png\" alt='A [cat]' >}}", "![A cat](<a b.png>)"),
            ("{{< figure src=a.png caption=\"A *cat*\" link=\"/x\" />}}", "[![A *cat*](a.png)](/x)\n*A \\*cat\\**"),
            ("{{% youtube w7Ft2ymGmfc %}}", "<https://www.youtube.com/watch?v=w7Ft2ymGmfc>"),
            ("{{ youtube(id=\"abc\", autoplay=true) }}", "<https://www.youtube.com/watch?v=abc>"),
            ("{% include youtube.html id='abc' %}", "<https://www.youtube.com/watch?v=abc>"),
            ("{% twitter https://x.com/a/status/1?s=2 %}", "<https://x.com/a/status/1?s=2>"),
            ("{{< vimeo 55073825 >}}", "<https://vimeo.com/55073825>"),
            (
                "{{< gist jmooring 50a7 >}} {% gist a/1 f.rb %}",
                "<https://gist.github.com/jmooring/50a7> <https://gist.github.com/a/1>",
            ),
            ("{{< tweet user=\"S\" id=\"1\" >}} {{< x 2 >}}", "<https://x.com/S/status/1> <https://x.com/i/status/2>"),
            ("{{< highlight go \"linenos=table\" >}}\na := `x`\n{{< / highlight >}}", "```go\na := `x`\n```"),
            ("{% highlight ruby linenos %}\n```\n{% endhighlight %}", "````ruby\n```\n````"),
            ("{% raw %}{{ x }}{% endraw %}!", "{{ x }}!"),
            ("{% image \"./a.png\", \"A [text]\", \"100vw\" %}", "![A text](./a.png)"),
            ("a{% comment %}secret{% endcomment %}b", "ab"),
            (
                "[x]({{< ref \"2020-01-02-a.md\" >}}) [y]({{site.baseurl}}{% post_url 2020-01-02-a %})",
                "[x](/posts/a) [y](/posts/a)",
            ),
            ("<{{ site.url }}/a_b/> <{{ '/c' | relative_url }}> <{{ site.url }}>", "[/a_b/](/a_b/) [/c](/c) [/](/)"),
            ("![]({{ '/a.png' | relative_url }}) [f]({% link a/b.pdf %})", "![](/a.png) [f](/a/b.pdf)"),
            (
                "{{< figure src=a.png title=\"T\" caption=\"C\" attr=\"Ada\" attrlink=\"https://e.com\" >}}",
                "![C](a.png)\n*T*\n*C*\n*[Ada](https://e.com)*",
            ),
            ("{{</* figure src=a */>}}", "{{< figure src=a >}}"),
            ("`{{< x 1 >}}`\n\n```\n{% raw %}\n```\n", "`{{< x 1 >}}`\n\n```\n{% raw %}\n```\n"),
            ("{{ open, {% open\n\nno", "{{ open, {% open\n\nno"),
            ("é{{", "é{{"),
        ] {
            assert_eq!(translated(text), Translated { text: expected.to_owned(), kept: BTreeMap::new() }, "{text}");
        }
    }

    #[test]
    fn raw_is_taken_out_of_code_as_liquid_does() {
        for (text, expected) in [
            ("```njk\n{% raw %}\n{{ a }}\n{% endraw %}\n```\n", "```njk\n{{ a }}\n```\n"),
            ("```\na: {%- raw -%}${{ b }}{% endraw %}\n```", "```\na: ${{ b }}\n```"),
            ("`{% raw %}{{ a }}{% endraw %}` {% raw %}b{% endraw %}", "`{{ a }}` {% raw %}b{% endraw %}"),
            ("x\n\n    {% verbatim %}{{ a }}\n\n    b{% endverbatim %}\n", "x\n\n    {{ a }}\n\n    b\n"),
            ("```\n{% raw %}\n```\n\n{% endraw %}", "```\n{% raw %}\n```\n\n{% endraw %}"),
            ("```\n{% if a %}{{ é }}{% endif %}{%\n```", "```\n{% if a %}{{ é }}{% endif %}{%\n```"),
        ] {
            assert_eq!(without_raw_in_code(text), expected);
        }
        let text = format!("```\n{}```\n", "{% raw %}".repeat(20_000));
        assert_eq!(without_raw_in_code(&text), text);
    }

    #[test]
    fn tags_that_are_never_closed_take_time_by_their_number_only() {
        for (piece, times) in [
            ("{% ", 50_000),
            ("{{< ", 50_000),
            ("{%", 50_000),
            ("{{", 50_000),
            ("{% raw %}", 20_000),
            ("{{< highlight >}} ", 20_000),
            ("{% comment %}{{", 20_000),
            ("`a`{{", 40_000),
        ] {
            let text = piece.repeat(times);
            assert_eq!(translated(&text).text, text, "{piece}");
        }
        let ticks: String = (1..3_000).map(|length| format!("{}\n", "`".repeat(length))).collect();
        let text = format!("{{% highlight a %}}\na\n{ticks}{{% endhighlight %}}");
        assert!(translated(&text).text.starts_with(&format!("{}a\n", "`".repeat(3_000))));
    }

    #[test]
    fn the_others_stay_and_are_counted() {
        let text = "{{< tabs >}}a{{< /tabs >}} {{< tabs \"x\" >}} {% if a %}b{% endif %} {{ page.title }} {{< ref \"gone\" >}}";
        let found = translated(text);
        assert_eq!(found.text, text);
        let kept: Vec<_> = found.kept.iter().map(|(name, count)| (&**name, *count)).collect();
        assert_eq!(kept, [("if", 1), ("page.title", 1), ("ref", 1), ("tabs", 2)]);
    }
}
