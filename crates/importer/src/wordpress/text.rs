//! The text of a post as WordPress keeps it, to the HTML that WordPress would show: shortcodes, blocks, and blank lines that are paragraphs.

use std::collections::{BTreeMap, HashMap};

/// What the text of a post refers to.
pub struct References<'a> {
    /// An attachment's address and description, by its id.
    pub attachment: &'a dyn Fn(&str) -> Option<(String, String)>,
    /// The pictures that were uploaded for this post, in their order.
    pub own_pictures: &'a [String],
    /// The blocks that several posts use, by their ids.
    pub blocks: &'a HashMap<String, Shared>,
}

/// A block that several posts use.
pub enum Shared {
    Text(String),
    /// A draft, or one with a password, that WordPress shows nobody.
    Hidden,
}

/// How deep blocks of others nest that are put in.
const MAX_NESTING: usize = 5;
/// How many bytes of shared blocks a post gets. It is more than a post may have, and few blocks that name others often would be without end.
const MAX_INSERTED: usize = 1024 * 1024;

/// The HTML, and what of it is not as it was, each with how often.
pub struct Shown {
    pub html: String,
    pub lost: BTreeMap<String, usize>,
}

/// The HTML of a text.
pub fn shown(text: &str, references: &References<'_>) -> Shown {
    let mut lost = BTreeMap::new();
    let mut inserting = Inserting { references, around: Vec::new(), left: MAX_INSERTED };
    let text = inserting.inserted_blocks(text, &mut lost);
    let text = shortcodes(&text, references, &mut lost);
    Shown { html: paragraphs(&text), lost }
}

fn lose(lost: &mut BTreeMap<String, usize>, what: String) {
    *lost.entry(what).or_default() += 1;
}

/// The blocks of a text that open or have no text of their own: their names and their attributes, as they were typed.
pub fn blocks(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split("<!--").skip(1).filter_map(|comment| {
        let block = comment.split_once("-->")?.0.trim().strip_prefix("wp:")?;
        Some(parts_of_block(block.strip_suffix('/').unwrap_or(block)))
    })
}

fn parts_of_block(block: &str) -> (&str, &str) {
    let (name, options) = block.split_once(char::is_whitespace).unwrap_or((block, ""));
    (name, options.trim())
}

/// The id of the shared block that a block of this name stands for.
pub fn shared_block(name: &str, options: &str) -> Option<String> {
    let options: serde_json::Value = serde_json::from_str(options).ok().filter(|_| name == "block")?;
    options.get("ref").map(|id| id.to_string().trim_matches('"').to_owned())
}

/// Puts shared blocks into the text of a post.
struct Inserting<'a, 'b> {
    references: &'a References<'b>,
    /// The ids of the blocks whose text is being read. As in WordPress, a block does not show in itself.
    around: Vec<String>,
    /// How many bytes may still be put in.
    left: usize,
}

impl Inserting<'_, '_> {
    /// Blocks that WordPress fills when a page is shown have no text in the export: those that are kept elsewhere in it are
    /// put in, the others are left out.
    fn inserted_blocks(&mut self, text: &str, lost: &mut BTreeMap<String, usize>) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(begin) = rest.find("<!--") {
            let (before, comment) = rest.split_at(begin);
            out.push_str(before);
            let Some(end) = comment.find("-->") else {
                rest = comment;
                break;
            };
            // Of `<!-->` too, which a browser takes for a whole comment.
            let inside = comment.get(4..end).unwrap_or_default().trim();
            rest = &comment[end + 3..];
            if inside == "nextpage" {
                lose(lost, "breaks between pages of one post".to_owned());
            }
            let Some(block) = inside.strip_prefix("wp:").and_then(|block| block.strip_suffix('/')) else {
                // What opens or closes a block with a text stays, as it tells a text of blocks from a classic one.
                if inside.starts_with("wp:") || inside.starts_with("/wp:") {
                    out.push_str(&comment[..end + 3]);
                }
                continue;
            };
            let (name, options) = parts_of_block(block);
            match shared_block(name, options) {
                Some(id) => out.push_str(&self.inserted(&id, lost)),
                None if matches!(name, "spacer" | "separator" | "post-title" | "post-date") => {}
                None => lose(lost, format!("the block {name}, which has no text of its own")),
            }
        }
        out.push_str(rest);
        out
    }

    /// The text of a shared block.
    fn inserted(&mut self, id: &str, lost: &mut BTreeMap<String, usize>) -> String {
        let mut left_out = |why: &str| {
            lose(lost, format!("the shared block {id}, which is left out, as {why}"));
            String::new()
        };
        let text = match self.references.blocks.get(id) {
            Some(Shared::Text(text)) => text,
            Some(Shared::Hidden) => return left_out("readers did not see it"),
            None => return left_out("the export does not have it"),
        };
        if self.around.iter().any(|around| around == id) {
            return left_out("it stands in itself");
        }
        if self.around.len() >= MAX_NESTING {
            return left_out("it nests too deep");
        }
        let Some(left) = self.left.checked_sub(text.len()) else { return left_out("the text would be too long") };
        self.left = left;
        self.around.push(id.to_owned());
        let inserted = self.inserted_blocks(text, lost);
        self.around.pop();
        inserted
    }
}

/// Replaces the shortcodes that have a plain meaning. What is no shortcode that is known here stays as it is typed, and is
/// counted if it can be nothing else.
fn shortcodes(text: &str, references: &References<'_>, lost: &mut BTreeMap<String, usize>) -> String {
    let closings = Closings::of(text);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find('[') {
        let (before, code) = rest.split_at(begin);
        out.push_str(before);
        let Some(tag) = Tag::parse(code) else {
            out.push('[');
            rest = &code[1..];
            continue;
        };
        if tag.is_escaped {
            out.push_str(&code[1..tag.length - 1]);
            rest = &code[tag.length..];
            continue;
        }
        let after = &code[tag.length..];
        let closing = closings.next(&tag.name, text.len() - after.len()).filter(|_| !tag.is_closed);
        let (content, end) = match closing.map(|at| at - (text.len() - code.len())) {
            Some(at) => (Some(&code[tag.length..at]), at + "[/]".len() + tag.name.len()),
            None => (None, tag.length),
        };
        match translated(&tag, content, references, lost) {
            Some(html) => {
                out.push_str(&html);
                rest = &code[end..];
            }
            None => {
                let is_code = content.is_some() || !tag.attributes.is_empty();
                if is_code {
                    lose(lost, format!("the shortcode {}, which is kept as text", tag.name));
                }
                out.push_str(&code[..tag.length]);
                rest = &code[tag.length..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// Where the closing shortcodes of each name stand. To look for them behind each opening one would take as long as the text is.
struct Closings<'a>(HashMap<&'a str, Vec<usize>>);

impl<'a> Closings<'a> {
    fn of(text: &'a str) -> Self {
        let mut found: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, sign) in text.match_indices("[/") {
            let inside = &text[at + sign.len()..];
            let length = inside.find(|letter: char| !is_of_name(letter)).unwrap_or(inside.len());
            if inside[length..].starts_with(']') {
                found.entry(&inside[..length]).or_default().push(at);
            }
        }
        Self(found)
    }

    /// The next one of this name.
    fn next(&self, name: &str, from: usize) -> Option<usize> {
        let places = self.0.get(name)?;
        places.get(places.partition_point(|at| *at < from)).copied()
    }
}

fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_')
}

fn translated(
    tag: &Tag,
    content: Option<&str>,
    references: &References<'_>,
    lost: &mut BTreeMap<String, usize>,
) -> Option<String> {
    let content = content.map(str::trim).filter(|content| !content.is_empty());
    match tag.name.as_str() {
        "caption" | "wp_caption" => {
            let content = content?;
            // The caption is an attribute in old posts, and what follows the picture in new ones.
            // It begins with its picture. To look for one in all that follows would take as long as the text is.
            let begin = &content[..content.floor_char_boundary(MAX_TAG)];
            let image = find_ignoring_case(begin, "<img")?;
            let image_end = image + end_of_tag(&content[image..])?;
            let rest = content[image_end..].trim_start();
            let end = if rest.starts_with("</a>") { content.len() - rest.len() + 4 } else { image_end };
            let (picture, text) = content.split_at(end);
            let caption = tag.attribute("caption").map(str::to_owned).unwrap_or_else(|| text.trim().to_owned());
            Some(format!("\n\n<figure>{picture}<figcaption>{caption}</figcaption></figure>\n\n"))
        }
        "gallery" => {
            let ids = tag.attribute("ids").or_else(|| tag.attribute("include"));
            let ids: Vec<String> = match ids {
                Some(ids) => ids.split(',').map(|id| id.trim().to_owned()).collect(),
                None => references.own_pictures.to_vec(),
            };
            let mut pictures = String::new();
            for id in &ids {
                match (references.attachment)(id) {
                    Some((address, alt)) => {
                        pictures.push_str(&format!(
                            "<p><img src=\"{}\" alt=\"{}\"></p>",
                            quoted(&address),
                            quoted(&alt)
                        ));
                    }
                    None => lose(lost, format!("the picture {id} of a gallery, which the export does not have")),
                }
            }
            Some(format!("\n\n{pictures}\n\n"))
        }
        "code" | "sourcecode" | "sourcecode-plain" | "highlight" => {
            let language = tag.attribute("language").or_else(|| tag.attribute("lang")).or_else(|| tag.first());
            let class =
                language.map(|language| format!(" class=\"language-{}\"", quoted(language))).unwrap_or_default();
            // The classic editor keeps what is typed as text; posts that were converted have entities already.
            let code = html_code(content?);
            Some(format!("\n\n<pre><code{class}>{code}</code></pre>\n\n"))
        }
        "embed" => content.map(link),
        "youtube" | "vimeo" | "wpvideo" | "video" | "audio" | "playlist" | "soundcloud" | "dailymotion" | "twitter"
        | "tweet" | "instagram" => {
            let keys = ["src", "url", "mp4", "m4v", "webm", "ogv", "mp3", "m4a", "ogg", "wav", "id", "v"];
            let named = keys.iter().find_map(|key| tag.attribute(key)).or_else(|| tag.first());
            let named = named.or(content)?.trim_matches('"').trim_start_matches('=').to_owned();
            let is_id = named.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'));
            let address = match (tag.name.as_str(), is_id) {
                (_, false) => named,
                ("youtube", true) => format!("https://www.youtube.com/watch?v={named}"),
                ("vimeo", true) => format!("https://vimeo.com/{named}"),
                ("dailymotion", true) => format!("https://www.dailymotion.com/video/{named}"),
                _ => return None,
            };
            address.contains("://").then(|| link(&address))
        }
        _ => None,
    }
}

fn link(address: &str) -> String {
    let address = crate::html_to_markdown::watched(&address.replace("&amp;", "&"));
    format!("\n\n<p><a href=\"{0}\">{0}</a></p>\n\n", quoted(&address))
}

fn html_code(code: &str) -> String {
    let has_entities = ["&lt;", "&gt;", "&amp;", "&quot;"].iter().any(|entity| code.contains(entity));
    if has_entities { code.replace('<', "&lt;") } else { code.replace('&', "&amp;").replace('<', "&lt;") }
}

fn quoted(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

/// How many bytes of a shortcode are looked at for its end, and of a caption for its picture.
const MAX_TAG: usize = 4096;

/// `[name key="value" value]`.
struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
    /// In bytes, with its brackets.
    length: usize,
    /// It ends in `/]`, so that nothing belongs to it.
    is_closed: bool,
    /// It stands in two pairs of brackets and shows as it is.
    is_escaped: bool,
}

impl Tag {
    fn parse(text: &str) -> Option<Self> {
        let text = &text[..text.floor_char_boundary(MAX_TAG)];
        let is_escaped = text.starts_with("[[");
        let open = if is_escaped { 2 } else { 1 };
        let inside = text.get(open..)?;
        let name_length = inside.find(|letter: char| !is_of_name(letter))?;
        let name = inside[..name_length].to_owned();
        if name.is_empty() || !name.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
            return None;
        }
        let mut rest = &inside[name_length..];
        let mut attributes = Vec::new();
        loop {
            let trimmed = rest.trim_start_matches([' ', '\n', '\t', '\u{a0}']);
            let has_space = trimmed.len() < rest.len();
            rest = trimmed;
            if let Some(after) = rest.strip_prefix("/]").or_else(|| rest.strip_prefix(']')) {
                let is_closed = rest.starts_with('/');
                let is_escaped = is_escaped && after.starts_with(']');
                let length = text.len() - after.len() + usize::from(is_escaped);
                // A bracket before one that is not closed twice is text.
                return (is_escaped || open == 1).then_some(Self { name, attributes, length, is_closed, is_escaped });
            }
            // `[youtube=https://…]`
            if !has_space && !rest.starts_with('=') {
                return None;
            }
            let key_length = rest.find([' ', '=', ']', '\n', '"', '\'', '[', '<'])?;
            let key = rest[..key_length].to_owned();
            rest = &rest[key_length..];
            if let Some(after) = rest.strip_prefix('=').filter(|_| !key.is_empty() || attributes.is_empty()) {
                let (value, after) = value(after)?;
                attributes.push((key, value.to_owned()));
                rest = after;
            } else if rest.starts_with(['"', '\'']) && key.is_empty() {
                let (value, after) = value(rest)?;
                attributes.push((String::new(), value.to_owned()));
                rest = after;
            } else if !key.is_empty() {
                attributes.push((String::new(), key));
            } else {
                return None;
            }
            if attributes.len() > 50 {
                return None;
            }
        }
    }

    fn attribute(&self, key: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known.eq_ignore_ascii_case(key));
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The first value without a key.
    fn first(&self) -> Option<&str> {
        self.attribute("")
    }
}

fn value(text: &str) -> Option<(&str, &str)> {
    for quote in ['"', '\''] {
        if let Some(inside) = text.strip_prefix(quote) {
            return inside.split_once(quote);
        }
    }
    let end = text.bytes().position(|byte| matches!(byte, b' ' | b']' | b'\n'))?;
    Some(text.split_at(end))
}

/// Elements around which a blank line is no paragraph. See WordPress's `wpautop`.
const BLOCKS: [&str; 38] = [
    "table",
    "thead",
    "tfoot",
    "caption",
    "col",
    "colgroup",
    "tbody",
    "tr",
    "td",
    "th",
    "div",
    "dl",
    "dd",
    "dt",
    "ul",
    "ol",
    "li",
    "pre",
    "form",
    "map",
    "area",
    "blockquote",
    "address",
    "style",
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "fieldset",
    "section",
    "article",
    "figure",
    "figcaption",
    "details",
];

/// Blank lines become paragraphs and other line breaks `<br>`, as in the classic editor; in a text of blocks only outside of blocks.
pub fn paragraphs(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut rest = text;
    let mut in_blocks = 0_usize;
    // Whether what was written last begins or ends a block, so that a line break there means nothing.
    let mut is_at_block = true;
    while !rest.is_empty() {
        if rest.starts_with("<!--") {
            let end = rest.find("-->").map_or(rest.len(), |at| at + 3);
            let inside = rest[4..end].trim_end_matches("-->").trim();
            if inside.starts_with("wp:") && !inside.ends_with('/') {
                in_blocks += 1;
            } else if inside.starts_with("/wp:") {
                in_blocks = in_blocks.saturating_sub(1);
            }
            is_at_block = true;
            rest = &rest[end..];
            continue;
        }
        if let Some(name) = tag_name(rest) {
            let is_verbatim = matches!(name.as_str(), "pre" | "script" | "style" | "textarea" | "svg");
            let closing = format!("</{name}");
            let end = if is_verbatim && !rest.starts_with("</") {
                find_ignoring_case(rest, &closing).and_then(|at| rest[at..].find('>').map(|end| at + end + 1))
            } else {
                end_of_tag(rest)
            };
            let end = end.unwrap_or(rest.len());
            out.push_str(&rest[..end]);
            is_at_block = BLOCKS.contains(&name.as_str()) || name == "br" || is_verbatim;
            rest = &rest[end..];
            continue;
        }
        // A sign at the beginning opens no tag that is known.
        let end = rest.match_indices('<').map(|(at, _)| at).find(|at| *at > 0).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        rest = after;
        if in_blocks > 0 {
            out.push_str(part);
            is_at_block = false;
            continue;
        }
        let before_block =
            tag_name(rest).is_some_and(|name| BLOCKS.contains(&name.as_str())) || rest.starts_with("<!--");
        is_at_block = write_lines(part, is_at_block, before_block || rest.is_empty(), &mut out);
    }
    out
}

/// Text between two tags; returns whether it was nothing but white space at a block.
fn write_lines(part: &str, after_block: bool, before_block: bool, out: &mut String) -> bool {
    let mut letters = part.chars().peekable();
    let mut is_at_block = after_block;
    while let Some(letter) = letters.next() {
        if letter != '\n' {
            is_at_block &= letter.is_ascii_whitespace();
            out.push(letter);
            continue;
        }
        let mut breaks = 1;
        while let Some(next) = letters.next_if(|next| matches!(next, '\n' | ' ' | '\t')) {
            breaks += usize::from(next == '\n');
        }
        let is_end = letters.peek().is_none() && before_block;
        out.push_str(match breaks {
            _ if is_at_block || is_end => "\n",
            1 => "<br>\n",
            _ => "\n<p>",
        });
        is_at_block |= breaks > 1;
    }
    is_at_block
}

/// The name of the tag that `text` begins with.
fn tag_name(text: &str) -> Option<String> {
    let inside = text.strip_prefix('<')?;
    let inside = inside.strip_prefix('/').unwrap_or(inside);
    let length = inside.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(inside.len());
    let is_name = inside.starts_with(|letter: char| letter.is_ascii_alphabetic());
    is_name.then(|| inside[..length].to_ascii_lowercase())
}

fn end_of_tag(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (None, '>') => return Some(at + 1),
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), letter) if open == letter => quote = None,
            _ => {}
        }
    }
    text.find('>').map(|at| at + 1)
}

fn find_ignoring_case(text: &str, wanted: &str) -> Option<usize> {
    text.as_bytes().windows(wanted.len()).position(|part| part.eq_ignore_ascii_case(wanted.as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{any_text::any_text, html_to_markdown::to_markdown};

    fn markdown(text: &str) -> (String, Vec<String>) {
        let attachment = |id: &str| (id != "9").then(|| (format!("https://e.com/{id}.png"), format!("Picture {id}")));
        let shared = "<!-- wp:paragraph --><p>Shared</p><!-- /wp:paragraph -->".to_owned();
        let blocks = HashMap::from([("12".to_owned(), Shared::Text(shared))]);
        let own = ["3".to_owned()];
        let shown = shown(text, &References { attachment: &attachment, own_pictures: &own, blocks: &blocks });
        let lost = shown.lost.iter().map(|(what, times)| format!("{times} {what}")).collect();
        (to_markdown(&shown.html, &|_| None).markdown, lost)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 400, ..ProptestConfig::default() })]

        #[test]
        fn no_text_ends_an_import(text in any_text()) {
            markdown(&text);
            paragraphs(&text);
            for (name, options) in blocks(&text) {
                shared_block(name, options);
            }
        }
    }

    #[test]
    fn classic_texts_have_paragraphs_where_lines_are_blank() {
        for (text, expected) in [
            ("One\ntwo\n\nThree", "One\\\ntwo\n\nThree"),
            ("One <b>bold\n\nnext</b> end", "One **bold**\n\n**next** end"),
            ("<ul>\n\n<li>a</li>\n\n<li>b\nc</li>\n</ul>\n\nAfter", "- a\n- b\\\n  c\n\nAfter"),
            ("<h2>T</h2>\nText<br />\nmore", "## T\n\nText\\\nmore"),
            ("<div>a\n\nb</div>\nc", "a\n\nb\n\nc"),
            ("<pre>\na\n\nb\n</pre>", "```\na\n\nb\n```"),
            ("a\n<!--more-->\nb", "a\n\nb"),
            ("<a\nhref='/x'>x</a>", "[x](/x)"),
            ("<blockquote>a\n\nb</blockquote>", "> a\n>\n> b"),
            ("Über uns", "Über uns"),
            ("“Quote” he said\n\nÜben <em>ö</em>… <em>“x”</em>", "“Quote” he said\n\nÜben *ö*… *“x”*"),
            ("日本語の文\n\n<b>日本</b>", "日本語の文\n\n**日本**"),
            ("😀 first\nlast 👩‍💻", "😀 first\\\nlast 👩‍💻"),
            ("é < ü & <ö", "é \\< ü & \\<ö"),
        ] {
            assert_eq!(markdown(text).0, expected, "{text}");
        }
    }

    #[test]
    fn blocks_are_read_by_their_html() {
        let text = "<!-- wp:heading {\"level\":3} -->\n<h3 class=\"wp-block-heading\">H</h3>\n<!-- /wp:heading -->\n\n\
            <!-- wp:paragraph -->\n<p>One\ntwo</p>\n<!-- /wp:paragraph -->\n\n<!-- wp:block {\"ref\":12} /-->\n\n\
            <!-- wp:latest-posts {\"postsToShow\":3} /-->\n\nClassic\n\nbetween\n\n\
            <!-- wp:embed {\"url\":\"https://youtu.be/abc\"} -->\n<figure class=\"wp-block-embed\"><div class=\"wp-block-embed__wrapper\">\n\
            https://youtu.be/abc\n</div></figure>\n<!-- /wp:embed -->\n<!-- wp:spacer /-->";
        let (markdown, lost) = markdown(text);
        assert_eq!(markdown, "### H\n\nOne two\n\nShared\n\nClassic\n\nbetween\n\nhttps://youtu.be/abc");
        assert_eq!(lost, ["1 the block latest-posts, which has no text of its own"]);
    }

    #[test]
    fn what_is_typed_first_may_be_any_letter() {
        for text in ["“Quote” he said", "Über uns", "日本語", "😀", "…"] {
            let block = format!("<!-- wp:paragraph -->\n<p>{text}</p>\n<!-- /wp:paragraph -->");
            for shown in
                [text, &format!("<p>{text}</p>"), &block, &format!("[caption]<img src=\"/a.png\"> {text}[/caption]")]
            {
                assert!(markdown(shown).0.contains(text), "{shown}");
            }
        }
    }

    #[test]
    fn shared_blocks_that_name_themselves_or_each_other_often_have_an_end() {
        let refs = |id: u32, times: usize| format!("<!-- wp:block {{\"ref\":{id}}} /-->").repeat(times);
        let shown_with = |blocks: &[(u32, String)]| {
            let blocks = blocks.iter().map(|(id, text)| (id.to_string(), Shared::Text(text.clone()))).collect();
            shown(&refs(1, 1), &References { attachment: &|_| None, own_pictures: &[], blocks: &blocks })
        };
        let lost = |why: &str, times| BTreeMap::from([(format!("the shared block {why}"), times)]);

        let found = shown_with(&[(1, format!("x{}", refs(1, 30)))]);
        assert_eq!((found.html.as_str(), found.lost), ("x", lost("1, which is left out, as it stands in itself", 30)));
        let found = shown_with(&[(1, format!("x{}", refs(2, 2))), (2, format!("y{}", refs(1, 1)))]);
        assert_eq!((found.html.as_str(), found.lost), ("xyy", lost("1, which is left out, as it stands in itself", 2)));

        let chain: Vec<_> = (1..=7).map(|id| (id, format!("{id}{}", refs(id + 1, 1)))).collect();
        let found = shown_with(&chain);
        assert_eq!((found.html.as_str(), found.lost), ("12345", lost("6, which is left out, as it nests too deep", 1)));

        let mut many: Vec<_> = (1..=4).map(|id| (id, refs(id + 1, 100))).collect();
        many.push((5, "x".repeat(1000)));
        let found = shown_with(&many);
        assert!((500_000..MAX_INSERTED).contains(&found.html.len()), "{}", found.html.len());
        assert!(found.lost.keys().all(|what| what.ends_with("as the text would be too long")), "{:?}", found.lost);
    }

    #[test]
    fn texts_of_many_shortcodes_take_time_by_their_number_only() {
        for piece in
            ["[a]", "[a=", "[a b='", "[caption]", "[caption]a[/caption]", "<pre>a</pre>", "<!-->", "<!-- wp:block"]
        {
            let text = piece.repeat(200_000 / piece.len());
            // Minutes, if each looks for its end in all that follows.
            markdown(&text);
        }
        // Which closing shortcode belongs to which opening one stays as it was.
        let text = "[code]a[/code][code]b [code]c[/code] [/code] [/gallery][audio src=\"https://e.com/a.mp3\"]";
        assert_eq!(
            markdown(text).0,
            "```\na\n```\n\n```\nb [code]c\n```\n\n\\[/code\\] \\[/gallery\\]\n\n<https://e.com/a.mp3>"
        );
    }

    #[test]
    fn shortcodes_with_a_plain_meaning_are_translated_and_others_stay() {
        for (text, expected) in [
            (
                "[caption id=\"a\" width=\"3\"]<a href=\"/b\"><img src=\"/a.png\" alt=\"A\" /></a> A <i>cap</i>[/caption]",
                "<figure>\n\n[![A](/a.png)](/b)\n\n<figcaption>A <i>cap</i></figcaption>\n</figure>",
            ),
            (
                "[caption]<img src=\"/a.png\"> One<br />two[/caption]",
                "<figure>\n\n![](/a.png)\n\n<figcaption>One<br>two</figcaption>\n</figure>",
            ),
            (
                "[caption caption=\"Old\"]<img src=\"/a.png\">[/caption]",
                "<figure>\n\n![](/a.png)\n\n<figcaption>Old</figcaption>\n</figure>",
            ),
            ("[gallery ids=\"1,2\"]", "![Picture 1](https://e.com/1.png)\n\n![Picture 2](https://e.com/2.png)"),
            ("[gallery]", "![Picture 3](https://e.com/3.png)"),
            ("[youtube=https://www.youtube.com/watch?v=abc&w=3]", "<https://www.youtube.com/watch?v=abc&w=3>"),
            ("[youtube abc_1]", "<https://www.youtube.com/watch?v=abc_1>"),
            ("[vimeo 123]", "<https://vimeo.com/123>"),
            ("[embed width=\"3\"]https://e.com/x[/embed]", "<https://e.com/x>"),
            ("[audio mp3=\"https://e.com/a.mp3\"][/audio]", "<https://e.com/a.mp3>"),
            (
                "[code language=\"php\"]if (a < b && c) {\n\n  [gallery]\n}[/code]",
                "```php\nif (a < b && c) {\n\n  [gallery]\n}\n```",
            ),
            ("[sourcecode lang=\"xml\"]&lt;a&gt;[/sourcecode]", "```xml\n<a>\n```"),
            ("[[gallery]] and a[1] [sic]", "\\[gallery\\] and a\\[1\\] \\[sic\\]"),
        ] {
            let (markdown, lost) = markdown(text);
            assert_eq!(markdown, expected, "{text}");
            assert!(lost.is_empty(), "{text}: {lost:?}");
        }
        let (markdown, lost) = markdown("[contact-form-7 id=\"12\"] [box]In[/box] [gallery ids=\"9\"]");
        assert_eq!(markdown, "\\[contact-form-7 id=\"12\"\\] \\[box\\]In\\[/box\\]");
        assert_eq!(
            lost,
            [
                "1 the picture 9 of a gallery, which the export does not have",
                "1 the shortcode box, which is kept as text",
                "1 the shortcode contact-form-7, which is kept as text"
            ]
        );
    }
}
