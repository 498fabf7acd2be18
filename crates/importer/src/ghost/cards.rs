//! Ghost's cards: what stands between the paragraphs. Mobiledoc and Lexical have the same ones under nearly the same names.

use std::{borrow::Cow, cell::RefCell, collections::BTreeMap};

use serde_json::Value;

use super::SITE;
use crate::html_to_markdown::{code_block, link, picture, plain_text, to_markdown, watched};

/// How the report ends what it says of something that only some readers of the old site saw.
pub const NOT_FOR_EVERYBODY: &str = "which is left out, as it is not for everybody";

/// Writes cards as Markdown, and counts what is left out.
pub struct Cards<'a> {
    address: &'a dyn Fn(&str) -> Option<String>,
    lost: RefCell<BTreeMap<String, usize>>,
}

impl<'a> Cards<'a> {
    pub fn new(address: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { address, lost: RefCell::default() }
    }

    pub fn lost(&self) -> BTreeMap<String, usize> {
        self.lost.borrow().clone()
    }

    pub fn lose(&self, what: &str) {
        self.lose_many(what, 1);
    }

    pub fn lose_many(&self, what: &str, times: usize) {
        *self.lost.borrow_mut().entry(what.to_owned()).or_default() += times;
    }

    /// Where an address leads from now on.
    pub fn address(&self, address: &str) -> String {
        (self.address)(address).unwrap_or_else(|| address.to_owned())
    }

    /// What is left of Ghost's word for the site's address in a text that was typed as Markdown.
    pub fn with_addresses(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(SITE) {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            let end = rest.find([')', ' ', '"', '\'', '>', '\n', '<', ']']).unwrap_or(rest.len());
            out.push_str(&self.address(&rest[..end]));
            rest = &rest[end..];
        }
        out.push_str(rest);
        out
    }

    pub fn html(&self, html: &str) -> String {
        let converted = to_markdown(&self.without_gated(html), self.address);
        converted.lost.into_iter().for_each(|(what, times)| self.lose_many(what, times));
        converted.markdown
    }

    /// HTML without the parts that visitors who are no members did not see. Ghost writes for whom a card is into comments around it.
    fn without_gated<'b>(&self, html: &'b str) -> Cow<'b, str> {
        let mut out = String::new();
        let mut rest = html;
        while let Some((before, begin)) = next_gate(rest, "kg-gated-block:begin") {
            let (options, inside) = begin.split_once("-->").unwrap_or((begin, ""));
            let is_public = options.split_whitespace().any(|option| option == "nonMember:true");
            out.push_str(before);
            rest = inside;
            if !is_public {
                self.lose(&format!("a part, {NOT_FOR_EVERYBODY}"));
                // What nothing ends may be for members down to the end of the text.
                rest = next_gate(inside, "kg-gated-block:end").map_or("", |(_, end)| end);
                rest = rest.split_once("-->").map_or("", |(_, after)| after);
            }
        }
        if out.is_empty() && rest.len() == html.len() {
            return html.into();
        }
        out.push_str(rest);
        out.into()
    }

    /// A card as Markdown; `None` if it is left out, or is no card that is known.
    pub fn markdown(&self, name: &str, card: &Value) -> Option<String> {
        let text = |keys: &[&str]| {
            let found = keys.iter().find_map(|key| card.get(*key).and_then(Value::as_str));
            found.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let caption = || text(&["caption"]).unwrap_or_default();
        let captioned = |block: String, caption: String| {
            if caption.is_empty() {
                return block;
            }
            let caption = caption.trim_start_matches("<p>").trim_end_matches("</p>").to_owned();
            // As HTML the caption is checked by the same rules as that of any page.
            self.html(&format!("<figure><hr><figcaption>{caption}</figcaption></figure>")).replacen("___", &block, 1)
        };
        // What the old site hid from some of its readers is not for all of them here.
        let shows =
            |place: &str, key: &str| card.pointer(&format!("/visibility/{place}{key}")).and_then(Value::as_bool);
        if shows("web/", "nonMember") == Some(false) || shows("", "showOnWeb") == Some(false) {
            self.lose(&format!("the card {name}, {NOT_FOR_EVERYBODY}"));
            return None;
        }
        let is_off = |key: &str| card.get(key).and_then(Value::as_bool) == Some(false);
        match name {
            "markdown" | "card-markdown" => text(&["markdown"]),
            "html" => Some(self.html(&text(&["html"])?)),
            "code" | "codeblock" => {
                let code = card.get("code").and_then(Value::as_str).unwrap_or_default();
                let language = text(&["language"]).map(|language| language.split_whitespace().collect::<String>());
                Some(captioned(code_block(code, language.as_deref())?, caption()))
            }
            "hr" | "horizontalrule" => Some("___".to_owned()),
            "image" => {
                let address = self.address(&text(&["src"])?);
                let shown = picture(
                    &address,
                    &text(&["alt", "altText"]).unwrap_or_default(),
                    &text(&["title"]).unwrap_or_default(),
                );
                let shown = text(&["href"]).map_or(shown.clone(), |href| {
                    // The picture is written already, so only the link around it is.
                    format!(
                        "[{shown}]({})",
                        self.address(&href).replace(' ', "%20").replace('(', "%28").replace(')', "%29")
                    )
                });
                Some(captioned(shown, caption()))
            }
            "gallery" => {
                let pictures = card.get("images").and_then(Value::as_array)?;
                let pictures: Vec<_> = pictures
                    .iter()
                    .filter_map(|image| {
                        let of = |key: &str| image.get(key).and_then(Value::as_str).unwrap_or_default();
                        let address = Some(of("src")).filter(|address| !address.is_empty())?;
                        Some(picture(&self.address(address), of("alt"), of("title")))
                    })
                    .collect();
                Some(captioned(pictures.join("\n\n"), caption()))
            }
            "bookmark" => {
                let address = self.address(&text(&["url"])?);
                let of = |key: &str| card.get("metadata").and_then(|data| data.get(key)).and_then(Value::as_str);
                let title =
                    of("title").map(str::to_owned).or_else(|| text(&["title"])).unwrap_or_else(|| address.clone());
                Some(captioned(link(&address, &plain_text(&title)), caption()))
            }
            "embed" => {
                let address = text(&["url"]).map(|url| watched(&url));
                match (address, text(&["html"])) {
                    (Some(address), _) => Some(captioned(link(&address, &address), caption())),
                    (None, Some(html)) => Some(captioned(self.html(&html), caption())),
                    (None, None) => None,
                }
            }
            "callout" => {
                let emoji = text(&["calloutEmoji"]).map(|emoji| emoji + " ").unwrap_or_default();
                let words = text(&["calloutText"])?;
                // Ghost 6 keeps paragraphs there, and the sign belongs into the first of them.
                let inside = match words.starts_with("<p").then(|| words.split_once('>')).flatten() {
                    Some((paragraph, rest)) => self.html(&format!("{paragraph}>{emoji}{rest}")),
                    None => self.html(&format!("<p>{emoji}{words}</p>")),
                };
                Some(quoted(&inside))
            }
            "toggle" => {
                let heading = text(&["heading"]).unwrap_or_default();
                let content = text(&["content"]).unwrap_or_default();
                Some(self.html(&format!("<details><summary>{heading}</summary>{content}</details>")))
            }
            "button" => Some(link(&self.address(&text(&["buttonUrl"])?), &text(&["buttonText"])?)),
            "video" | "audio" | "file" => {
                let address = self.address(&text(&["src", "fileSrc"])?);
                let title = text(&["title", "fileTitle", "fileName"]).unwrap_or_else(|| address.clone());
                self.lose(match name {
                    "video" => "films that became links",
                    "audio" => "sounds that became links",
                    _ => "files that became links",
                });
                Some(captioned(
                    link(&address, &plain_text(&title)),
                    text(&["caption", "fileCaption"]).unwrap_or_default(),
                ))
            }
            "product" => {
                let mut blocks = Vec::new();
                if let Some(image) = text(&["productImageSrc"]) {
                    blocks.push(picture(&self.address(&image), "", ""));
                }
                blocks.extend(text(&["productTitle"]).map(|title| self.html(&format!("<h4>{title}</h4>"))));
                blocks.extend(text(&["productDescription"]).map(|text| self.html(&text)));
                if let (Some(address), Some(label), false) =
                    (text(&["productUrl"]), text(&["productButton"]), is_off("productButtonEnabled"))
                {
                    blocks.push(link(&self.address(&address), &label));
                }
                if card.get("productRatingEnabled").and_then(Value::as_bool) == Some(true) {
                    self.lose("ratings in stars, which are left out");
                }
                Some(blocks.join("\n\n"))
            }
            "header" => {
                let mut blocks = Vec::new();
                blocks.extend(text(&["header", "heading"]).map(|text| self.html(&format!("<h2>{text}</h2>"))));
                blocks.extend(text(&["subheader", "subheading"]).map(|text| self.html(&format!("<p>{text}</p>"))));
                if let (Some(address), Some(label), false) =
                    (text(&["buttonUrl"]), text(&["buttonText"]), is_off("buttonEnabled"))
                {
                    blocks.push(link(&self.address(&address), &label));
                }
                if text(&["backgroundImageSrc"]).is_some() {
                    self.lose("pictures behind a header, which are left out");
                }
                Some(blocks.join("\n\n"))
            }
            "call-to-action" => {
                let label = text(&["sponsorLabel"]).filter(|_| !is_off("hasSponsorLabel"));
                let mut blocks: Vec<String> = label.map(|label| self.html(&label)).into_iter().collect();
                blocks.extend(text(&["imageUrl"]).map(|image| picture(&self.address(&image), "", "")));
                blocks.extend(text(&["textValue"]).map(|text| self.html(&text)));
                if let (Some(address), Some(label), false) =
                    (text(&["buttonUrl"]), text(&["buttonText"]), is_off("showButton"))
                {
                    blocks.push(link(&self.address(&address), &label));
                }
                Some(blocks.join("\n\n"))
            }
            // What shows in e-mails only, or asks to subscribe.
            "email" | "email-cta" | "signup" | "paywall" | "transistor" => {
                self.lose(&format!("the card {name}, which is left out"));
                None
            }
            name => {
                self.lose(&format!("the card {name}, which is not known"));
                None
            }
        }
        .filter(|text| !text.is_empty())
    }
}

/// What stands before the next comment that begins with `word`, and what stands behind that word.
fn next_gate<'a>(html: &'a str, word: &str) -> Option<(&'a str, &'a str)> {
    html.match_indices("<!--").find_map(|(at, sign)| {
        let (before, comment) = html.split_at(at);
        Some((before, comment.get(sign.len()..)?.trim_start().strip_prefix(word)?))
    })
}

/// A quotation.
pub fn quoted(text: &str) -> String {
    let lines = text.split('\n').map(|line| if line.is_empty() { ">".to_owned() } else { format!("> {line}") });
    lines.collect::<Vec<_>>().join("\n")
}
