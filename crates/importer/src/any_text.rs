//! Texts of any letters among the signs of every format that is read here. Whatever somebody typed, it must not end an import: what counts
//! bytes where it means letters is found by these.

use std::path::Path;

use jiff::tz::TimeZone;
use proptest::{collection::vec, prelude::*, sample::select};

use crate::{
    Document, Generator, addresses, anchors, attributes, comments, dates, directives, extras, fields, front_matter,
    glob, html_to_markdown, links, markup, mdx, naming, shortcodes, site::Site, wiki,
};

/// What the formats have signs of.
const SIGNS: &str = "< · > · <p> · </p> · <em> · </em> · <a href=\" · <a href='/ · \"> · '> · <img src=\"a.png\" alt=\" · <pre> · </pre> · <br /> · \
     <li> · <h2 id=\" · <code> · <script> · <td> · <figure> · <!-- · --> · <!--> · <!-- wp:paragraph --> · <!-- /wp:paragraph --> · \
     <!-- wp:html {\"a\":\" · \"} /--> · <!--more--> · <!--nextpage--> · <!--kg-card-begin: html--> · <!--members-only--> · [ · ] · \
     [/ · [[ · ]] · [caption] · [/caption] · [caption id=\"a\" caption=\" · [gallery ids=\" · \"] · [youtube= · [youtube  · [embed] · \
     [/embed] · [code language=\" · [code] · [/code] · [x y= · /] · {{< · >}} · {{% · %}} · {% · %} · {{ · }} · {# · #} · {% raw %} · \
     {% endraw %} · {{< figure src=\" · {{< ref \" · {% highlight  · {% endhighlight %} · {% include figure.html src=\" · {: · {: # · \
     {# · } · { · {::comment} · {:/} · :: · ::: · :::note[ · ::youtube{id=\" · :abbr[ · ![[ · ![ · ]( · ]: · ) · ( · %% · % · \
     <Image src={ · <Box title=\" · </Box> · import  · export const  ·  from \" · import { · <div markdown=\"1\"> · </div> · \n: · \n*[a]: · ``` · ~~~ · ` · ~ · $$ · $ · \\ · * · _ · \
     ** · # · ##  · -  · 1.  · >  · | · &amp; · & · www. · https:// · --- · +++ · \n · \n\n";

/// Letters that are longer in bytes than they look, or that become longer or shorter in another case.
const LETTERS: &str = "ä Ü ß é “ ” ’ … – € 日本 한 😀 👩‍💻 İ \u{a0} \u{feff} \u{301}";

/// The text.
pub fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => select(SIGNS.split(" · ").collect::<Vec<_>>()).prop_map(str::to_owned),
        2 => select(LETTERS.split(' ').collect::<Vec<_>>()).prop_map(str::to_owned),
        1 => select(&["a", "b c", " ", "=", "\"", "'", ":", "/", "0", "x.png"][..]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// What may stand where a date should: a beginning that is one, and anything behind it.
fn any_date() -> impl Strategy<Value = String> {
    let begin = select(&["", "2020-01-02", "2020-01-02T10:00", "2020-01-02 10:00:00 ", "March 2 2020 10:00"][..]);
    let sign = select(&["", "", "+", "-", ".", ":", "T", " "][..]);
    let piece = prop_oneof![
        2 => select(&["1", "02", "00", ":", "Z", "pm", "March"][..]).prop_map(str::to_owned),
        2 => select(LETTERS.split(' ').collect::<Vec<_>>()).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    (begin, sign, vec(piece, 0..4)).prop_map(|(begin, sign, pieces)| format!("{begin}{sign}{}", pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_text_ends_an_import(text in any_text()) {
        let text = text.as_str();
        let other = |target: &str| Some(format!("/posts/{target}"));
        shortcodes::translate(text, &other);
        shortcodes::without_raw_in_code(text);
        shortcodes::with_fences(text);
        shortcodes::without_nunjucks_comments(text);
        mdx::to_markdown(text);
        for read in [directives::Directives::All, directives::Directives::Blocks] {
            directives::translate(text, read);
        }
        for lists in [attributes::Lists::Everywhere, attributes::Lists::Headings] {
            attributes::translate(text, lists);
        }
        extras::translate(text, extras::Extras::All);
        let without_tags = |text: &str| {
            let tags = ["<dl>", "</dl>", "<dt>", "</dt>", "<dd>", "</dd>"];
            let text = tags.iter().fold(text.to_owned(), |text, tag| text.replace(tag, ""));
            text.replace(|letter: char| letter.is_whitespace() || letter == ':', "")
        };
        prop_assert_eq!(without_tags(&extras::translate(text, extras::Extras::Definitions)), without_tags(text));
        for is_vault in [false, true] {
            wiki::translate(text, is_vault, &other, &other);
        }
        markup::rewrite(text, |reference| Some(format!("{reference}ä")));
        markup::without_single_strikes(text);
        markup::tags(text);
        anchors::without_marks(text);
        html_to_markdown::to_markdown(text, &other);
        html_to_markdown::plain_text(text);
        html_to_markdown::escape_text(text);
        html_to_markdown::code_block(text, Some(text));
        html_to_markdown::code_span(text);
        html_to_markdown::link(text, text);
        html_to_markdown::watched(text);
        front_matter::split_header(text);
        front_matter::take_heading(text);
        front_matter::without_blank_ends(text);
        naming::as_slug(text);
        fields::cut_summary(text, &mut Vec::new());
        comments::Origin::split(text);
        links::decoded(text);
        addresses::urlized(text);
        addresses::fill(text, &[("a", text.to_owned())]);
    }

    #[test]
    fn no_name_ends_an_import(pattern in any_text(), path in any_text()) {
        for star in [glob::Star::InFolder, glob::Star::Anywhere] {
            glob::matches(&pattern, &path, star);
        }
        glob::is_ignored(&pattern, Path::new(&path));
        dates::leading(&path);
        dates::looks_dated(&path);
        dates::of_folders(path.split('/'));
        naming::FileName::parse(Path::new(&path)).in_words();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 5000, ..ProptestConfig::default() })]

    #[test]
    fn no_date_ends_an_import(text in any_date()) {
        dates::parse(&text, &TimeZone::UTC);
        dates::leading(&text);
        dates::looks_dated(&text);
        dates::zone(&text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn no_file_ends_an_import(head in any_text(), date in any_date(), text in any_text(), name in any_text()) {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        for generator in [
            Generator::Hugo, Generator::Jekyll, Generator::Zola, Generator::Eleventy, Generator::Astro, Generator::Pelican, Generator::Plain,
        ] {
            let site = Site::plain(Path::new(""), generator);
            for file in [
                format!("---\ntitle: \"{}\"\ndate: {date}\n---\n{text}", head.escape_debug()),
                format!("---\n{head}\n---\n{text}"),
                format!("+++\n{head}\n+++\n{text}"),
                format!("{{\"title\": \"a\"}}{text}"),
                format!("Title: {head}\nDate: {date}\n\n{text}"),
                text.clone(),
            ] {
                for end in [".md", ".mdx"] {
                    let path = format!("2020-1-2-{name}{end}");
                    if let Ok(mut document) = Document::parse(Path::new(&path), file.as_bytes(), &site, now) {
                        anchors::lead(&mut [&mut document]);
                    }
                }
            }
        }
    }
}
