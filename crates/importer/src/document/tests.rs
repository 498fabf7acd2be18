use std::path::Path;

use jiff::Timestamp;

use crate::{document::Document, front_matter::Keys, generators::Generator, site::Site};

fn site(generator: Generator) -> Site {
    Site::plain(Path::new("."), generator)
}

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn parse(path: &str, text: &str) -> Result<Document, String> {
    Document::parse(Path::new(path), text.as_bytes(), &site(Generator::Plain), now())
        .map(|document| Document { place: Default::default(), ..document })
        .map_err(|error| error.to_string())
}

fn document(path: &str, text: &str) -> Document {
    parse(path, text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn date(text: &str) -> Option<Timestamp> {
    Some(text.parse().unwrap())
}

fn words(list: &[&str]) -> Option<Vec<String>> {
    Some(list.iter().map(|&word| word.to_owned()).collect())
}

#[test]
fn a_post_of_hugo() {
    let text = "---\n\
        title: \"Feeds: a love letter\"\n\
        date: 2021-03-04T10:11:12+02:00\n\
        lastmod: 2022-01-01\n\
        draft: false\n\
        description: Why feeds outlive their readers.\n\
        categories:\n  - RSS\n\
        tags: [Small Web, rss, 2021]\n\
        ---\n\nA feed is a *promise*.\n";
    let expected = Document {
        title: "Feeds: a love letter".to_owned(),
        body: "A feed is a *promise*.".to_owned(),
        slug: "love-letter".to_owned(),
        date: date("2021-03-04T08:11:12Z"),
        hidden: None,
        summary: Some("Why feeds outlive their readers.".to_owned()),
        tags: words(&["Small Web", "rss", "2021"]),
        dropped: vec!["lastmod".to_owned()],
        ..Document::default()
    };
    assert_eq!(document("posts/love-letter.md", text), expected);
    assert_eq!(document("posts/love-letter/index.md", text), expected, "as a page bundle");
    assert_eq!(document("love-letter.md", &text.replace('\n', "\r\n")), expected, "with the line ends of Windows");
    assert_eq!(document("love-letter.md", &format!("\u{feff}{text}")), expected, "with a byte order mark");
}

#[test]
fn a_post_of_jekyll() {
    let text = "---\n\
        layout: post\n\
        title:  Welcome to Jekyll!\n\
        date:   2021-03-04 10:11:12 +0200\n\
        categories: jekyll update\n\
        tags: welcome\n\
        published: false\n\
        excerpt: |\n  Two\n  lines.\n\
        ---\nHello.\n";
    let expected = Document {
        title: "Welcome to Jekyll!".to_owned(),
        body: "Hello.".to_owned(),
        slug: "welcome-to-jekyll".to_owned(),
        date: date("2021-03-04T08:11:12Z"),
        hidden: Some("`published` in its front matter says so".to_owned()),
        summary: Some("Two lines.".to_owned()),
        tags: words(&["welcome", "jekyll", "update"]),
        dropped: vec!["layout".to_owned()],
        ..Document::default()
    };
    assert_eq!(document("_posts/2021-03-01-welcome-to-jekyll.markdown", text), expected);
}

#[test]
fn a_post_of_zola() {
    let text = "+++\n\
        title = \"Static, \\\"still\\\"\"\n\
        date = 2021-03-04\n\
        path = \"blog/static-still\"\n\
        [taxonomies]\n\
        tags = [\"zola\", \"Small_Web\"]\n\
        categories = [\"small web\", \"tools\"]\n\
        [extra]\n\
        tags = \"of the theme\"\n\
        +++\n+++\n";
    let expected = Document {
        title: "Static, \"still\"".to_owned(),
        body: "+++".to_owned(),
        slug: "static-still".to_owned(),
        date: date("2021-03-04T00:00:00Z"),
        hidden: None,
        summary: None,
        tags: words(&["zola", "Small_Web", "tools"]),
        old_addresses: vec!["/blog/static-still".to_owned()],
        dropped: vec!["extra".to_owned()],
        ..Document::default()
    };
    assert_eq!(document("content/static.md", text), expected);
}

#[test]
fn a_file_without_front_matter_speaks_through_its_name_and_heading() {
    for (path, text, title, slug, body) in [
        ("2021-03-04-some-title.md", "Text.", "Some title", "some-title", "Text."),
        ("2021-03-04_some_title.md", "---\n---\nText.", "Some title", "some-title", "Text."),
        ("2021-03-04-a/index.md", "---\n# only a comment\n---\nText.", "A", "a", "Text."),
        ("2021-03-04.md", "", "2021 03 04", "2021-03-04", ""),
        ("a.md", "\n# The title #\n\nText.", "The title", "a", "Text."),
        ("a.md", "Intro.\n\n# Title C#\nText.", "Title C#", "a", "Intro.\n\nText."),
        ("a.md", "```sh\n# a comment\n```\n# Title", "Title", "a", "```sh\n# a comment\n```"),
        ("a.md", "~~~~\n~~~\n# a comment\n~~~~\n#no\n## no", "A", "a", "~~~~\n~~~\n# a comment\n~~~~\n#no\n## no"),
        ("a.md", "```in line```\n# Title", "Title", "a", "```in line```"),
        ("a.md", "\n\n    # code\n", "A", "a", "    # code"),
        ("a.md", "----\nText.", "A", "a", "----\nText."),
        ("a.md", "# The\t old  title\r\rText.\r\rMore.\r", "The old title", "a", "Text.\n\nMore."),
        ("index.md", "Text.", "Index", "index", "Text."),
        ("Ημέρα.md", "Text.", "Ημέρα", "emera", "Text."),
        ("My Post (2).md", "Text.", "My Post (2)", "my-post-2", "Text."),
    ] {
        let found = document(path, text);
        let expected = (title, slug, body);
        assert_eq!((&*found.title, &*found.slug, &*found.body), expected, "{path}: {text:?}");
        assert_eq!(found.date, path.starts_with("2021").then(|| date("2021-03-04T00:00:00Z").unwrap()), "{path}");
        assert_eq!((found.hidden, found.summary, found.tags), (None, None, None), "{path}");
    }
}

#[test]
fn dates_are_read_as_all_three_write_them() {
    for (text, expected) in [
        ("2021-03-04", "2021-03-04T00:00:00Z"),
        ("2021-03-04 10:11", "2021-03-04T10:11:00Z"),
        ("2021-03-04 10:11:12", "2021-03-04T10:11:12Z"),
        ("2021-03-04T10:11:12.5", "2021-03-04T10:11:12.5Z"),
        ("2021-03-04t10:11:12z", "2021-03-04T10:11:12Z"),
        ("2021-03-04T10:11:12-08:00", "2021-03-04T18:11:12Z"),
        ("2021-03-04 10:11:12 -0800", "2021-03-04T18:11:12Z"),
        ("2021-03-04 10:11 +0530", "2021-03-04T04:41:00Z"),
        ("2021-03-04 10:11:12 UTC", "2021-03-04T10:11:12Z"),
        ("2021-03-04   10:11:12  +02:00", "2021-03-04T08:11:12Z"),
        ("1969-07-20T20:17:40Z", "1969-07-20T20:17:40Z"),
    ] {
        let yaml = format!("---\ndate: {text}\n---\n");
        assert_eq!(document("a.md", &yaml).date, date(expected), "{text}");
        let quoted = format!("+++\nDate = \"{text}\"\n+++\n");
        assert_eq!(document("a.md", &quoted).date, date(expected), "{text} in TOML");
    }
    for (toml, expected) in [
        ("2021-03-04T10:11:12+02:00", "2021-03-04T08:11:12Z"),
        ("2021-03-04 10:11:12Z", "2021-03-04T10:11:12Z"),
        ("2021-03-04T10:11:12.250", "2021-03-04T10:11:12.25Z"),
    ] {
        let text = format!("+++\ndate = {toml}\n+++\n");
        assert_eq!(document("2020-01-01-a.md", &text).date, date(expected), "{toml}");
    }
    for wrong in ["2021-02-30", "yesterday", "10:11:12", "2021", "2021-03-04 10:11:12 EST", "2021-03-04T25:00:00Z"] {
        let error = parse("a.md", &format!("---\ndate: {wrong}\n---\n")).unwrap_err();
        assert!(error.starts_with(&format!("`{wrong}` in the front matter is not a date.")), "{error}");
    }
}

#[test]
fn tags_are_lists_or_lines() {
    for (yaml, expected) in [
        ("title: a", None),
        ("tags:", None),
        ("tags: []", words(&[])),
        ("tags: \"\"", words(&[])),
        ("TAGS: one two", words(&["one", "two"])),
        ("tags: one two, three,", words(&["one two", "three"])),
        ("tags: [One, one, o-n-e, \" two \"]", words(&["One", "o-n-e", "two"])),
        ("tags: [1.5, true]", words(&["1.5", "true"])),
        ("category: Small Web\ntags: small-web a", words(&["small-web", "a"])),
        ("tags: [a, '!!!', b]", words(&["a", "b"])),
        ("categories: [ελληνικά, 日本語]", words(&["ελληνικά", "日本語"])),
        ("taxonomies: {Tags: [a]}\ncategories: b", words(&["a", "b"])),
    ] {
        assert_eq!(document("a.md", &format!("---\n{yaml}\n---\n")).tags, expected, "{yaml}");
    }
}

#[test]
fn the_other_keys_have_their_spellings_too() {
    let slug = |yaml: &str| document("name.md", &format!("---\n{yaml}\n---\n")).slug;
    assert_eq!(slug("slug: My_Slug\nurl: /other/"), "my-slug");
    assert_eq!(slug("permalink: /2021/some-title/"), "some-title");
    assert_eq!(slug("permalink: /2021/some-title.html"), "some-title");
    assert_eq!(slug("permalink: /:year/:title/"), "name");
    assert_eq!(slug("url: /\npermalink:"), "name");
    assert_eq!(slug("slug: 2021"), "2021");

    let draft = |path: &str, yaml: &str| document(path, &format!("---\n{yaml}\n---\n")).hidden.is_some();
    for (yaml, expected) in [
        ("Draft: true", true),
        ("draft: \"yes\"", true),
        ("draft: false", false),
        ("draft:", false),
        ("published: no", true),
        ("published: true", false),
        ("published: 2021-03-04", false),
    ] {
        assert_eq!(draft("a.md", yaml), expected, "{yaml}");
    }
    assert!(draft("site/_drafts/a.md", "title: a"));

    let summary = |yaml: &str| document("a.md", &format!("---\n{yaml}\n---\n")).summary;
    assert_eq!(summary("excerpt: c\ndescription: b\nSummary: a").as_deref(), Some("a"));
    assert_eq!(summary("excerpt: c\ndescription: \"\"").as_deref(), Some("c"));
    assert_eq!(summary("title: a"), None);

    let cover = |yaml: &str| document("a.md", &format!("---\n{yaml}\n---\n")).cover;
    for key in ["featuredimage", "coverImage", "featureimage"] {
        assert_eq!(cover(&format!("{key}: /a.png")).as_deref(), Some("/a.png"), "{key}");
    }

    assert_eq!(document("a.md", "---\ntitle: 1984\n...\n# Heading").title, "1984");
    assert_eq!(document("a.md", "---\ntitle: 1984\n---\n# Heading").body, "# Heading");
}

#[test]
fn what_cannot_be_understood_is_refused_with_a_sentence() {
    for (text, expected) in [
        ("---\ntitle: a\n", "The front matter that `---` opens in the first line is never closed by another `---`."),
        ("---", "The front matter that `---` opens in the first line is never closed by another `---`."),
        ("+++\n---\n", "The front matter that `+++` opens in the first line is never closed by another `+++`."),
        (
            "---\ntitle: Rust: a story\n---\n",
            "The front matter is not valid YAML: mapping values are not allowed in this context at line 2 column 12.",
        ),
        (
            "+++\ntitle = \"a\"\ndraft = maybe\n+++\n",
            "The front matter is not valid TOML: string values must be quoted, expected literal string at line 3.",
        ),
        ("---\ntitle: [a, b]\n---\n", "`title` in the front matter must be text, not a list."),
        ("---\ntags: {a: b}\n---\n", "`tags` in the front matter must be a list of words, not a table of keys."),
        ("---\ntags: [[a]]\n---\n", "`tags` in the front matter must be a list of words, not a list."),
        ("---\ndraft: maybe\n---\n", "`draft` in the front matter must be true or false, not other text."),
        ("+++\ntaxonomies = 1\n+++\n", "`taxonomies` in the front matter must be a table, not a number."),
        ("---\nslug: '...'\n---\n", "No slug can be made from \"...\". Give the post a `slug` of letters and digits."),
    ] {
        assert_eq!(parse("a.md", text).unwrap_err(), expected, "{text:?}");
    }
    let latin = Document::parse(Path::new("a.md"), b"caf\xe9", &site(Generator::Plain), now()).unwrap_err();
    assert_eq!(latin.to_string(), "The file is not UTF-8 text: byte 4 cannot be read. Save it as UTF-8 and try again.");
}

#[test]
fn yaml_may_have_any_tag_anchors_and_merges() {
    let text = "--- \n\
        base: &base {lang: de, description: ! 'Of the base'}\n\
        <<: *base\n\
        title: ! 'Hello: world'\n\
        date: !ruby/object:Date 2021-03-04\n\
        extra: !ruby/object:OpenStruct {a: !x 1}\n\
        tags:\n- ! 'a tag'\n-\n- !!str 2021\n\
        1: one\n\
        ---\nText.\n";
    let found = document("a.md", text);
    assert_eq!((&*found.title, found.date), ("Hello: world", date("2021-03-04T00:00:00Z")));
    assert_eq!((found.language.as_deref(), found.summary.as_deref()), (Some("de"), Some("Of the base")));
    assert_eq!(found.tags, words(&["a tag", "2021"]));
    assert_eq!(found.dropped, ["1", "base", "extra"]);
}

/// As Hugo and Jekyll have it; the site of Hugo itself has such a file.
#[test]
fn of_keys_that_are_there_twice_the_last_counts() {
    let text = "---\ntitle: One\ndraft: false\nmenu: {a: 1, a: 2}\ntitle: !x Two\ndraft: true\n---\nText.\n";
    let found = document("a.md", text);
    assert_eq!((&*found.title, found.hidden.is_some()), ("Two", true));
    assert_eq!(found.dropped, ["menu"]);
}

#[test]
fn json_and_the_languages_behind_the_dashes_are_read() {
    let json = document("a.md", "{\n\"title\": \"Secret\", \"draft\": true,\n\"x\": {\"y\": \"}\"}\n}\nText.\n");
    assert_eq!((&*json.title, &*json.body, json.hidden.is_some()), ("Secret", "Text.", true));
    for (text, title) in [
        ("---json\n{\"title\": \"A\"}\n---\nText.", "A"),
        ("---toml\ntitle = 'A'\n---\nText.", "A"),
        ("---yaml\ntitle: A\n---\nText.", "A"),
    ] {
        let found = document("b.md", text);
        assert_eq!((&*found.title, &*found.body), (title, "Text."), "{text}");
    }
    for text in ["{{< figure >}}\n", "{% include a %}\n", "{ a: b }\n"] {
        assert_eq!(document("b.md", text).body, text.trim(), "{text}");
    }
    let broken = parse("a.md", "{\n\"title\": oops\n}\n").unwrap_err();
    assert!(broken.starts_with("The front matter is not valid JSON"), "{broken}");
}

#[test]
fn pelican_writes_a_head_without_a_fence() {
    let text = "Title: My: post\nDate: 2010-12-03 10:20\nTags: pelican, publishing\nCategory: Small Web\n\
        Summary: Two\n    lines\nStatus: hidden\n\nText: not a key.\n";
    let found = document("a.md", text);
    assert_eq!((&*found.title, &*found.body), ("My: post", "Text: not a key."));
    assert_eq!(
        (found.date, found.tags),
        (date("2010-12-03T10:20:00Z"), words(&["pelican", "publishing", "Small Web"]))
    );
    assert_eq!((found.summary.as_deref(), found.hidden.is_some()), (Some("Two lines"), true));
    assert_eq!(document("a.md", "Note: this is text.\n\nMore.").body, "Note: this is text.\n\nMore.");
    let lists = |head: &str| {
        let found = document("a.md", &format!("Title: A\n{head}\n\nText."));
        (found.tags, found.authors)
    };
    let names = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    assert_eq!(lists("Tags: Small web\nAuthor: Ada, Countess"), (words(&["Small web"]), names(&["Ada, Countess"])));
    assert_eq!(lists("Tags: a; b, c\nAuthors: Ada, C.; Bob"), (words(&["a", "b, c"]), names(&["Ada, C.", "Bob"])));
    assert_eq!(lists("Tags:\nAuthors: Ada, Bob"), (words(&[]), names(&["Ada", "Bob"])));
}

#[test]
fn the_folder_of_an_article_is_its_category_in_pelican() {
    let parse = |config: &str, head: &str| {
        let config = Keys::from_yaml(config).unwrap();
        let site = Site { config, has_config: true, ..site(Generator::Pelican) };
        let text = format!("Title: A\nDate: 2020-01-02\n{head}\nText.");
        let found = Document::parse(Path::new("content/a/Small web/b.md"), text.as_bytes(), &site, now()).unwrap();
        (found.tags, found.old_addresses)
    };
    let address = "article_url: '{category}/{slug}'";
    assert_eq!(parse(address, "Tags: x\n"), (words(&["x", "Small web"]), vec!["/small-web/a".to_owned()]));
    assert_eq!(parse(address, "Category: Own\n"), (words(&["Own"]), vec!["/own/a".to_owned()]));
    assert_eq!(parse("use_folder_as_category: false", ""), (None, vec!["/a.html".to_owned()]));
}

#[test]
fn what_any_generator_hides_is_a_draft() {
    for yaml in [
        "draft: true",
        "draft: 'yes'",
        "isDraft: true",
        "published: false",
        "published: no",
        "unlisted: true",
        "hidden: true",
        "private: true",
        "headless: true",
        "_build: {list: never}",
        "build: {render: never}",
        "_build: {list: false}",
        "eleventyExcludeFromCollections: true",
        "permalink: false",
        "render: false",
        "status: Draft",
        "status: hidden",
        "visibility: unlisted",
        "password: abc",
        "expiryDate: 2025-12-31",
    ] {
        let found = document("a.md", &format!("---\n{yaml}\ndate: 2020-01-01\n---\n"));
        assert!(found.hidden.is_some(), "{yaml}");
    }
    for yaml in [
        "draft: false",
        "published: 2020-01-01",
        "published: true",
        "headless: false",
        "build: {list: always}",
        "permalink: /a/",
        "render: true",
        "status: published",
        "expiryDate: 2027-01-01",
        "password: ''",
    ] {
        let found = document("a.md", &format!("---\n{yaml}\ndate: 2020-01-01\n---\n"));
        assert_eq!(found.hidden, None, "{yaml}");
    }
    for (path, generator, expected) in [
        ("_drafts/a.md", Generator::Jekyll, true),
        ("content/drafts/a.md", Generator::Pelican, true),
        ("src/content/_old/a.md", Generator::Astro, true),
        ("src/content/blog/a.md", Generator::Astro, false),
        ("_posts/a.md", Generator::Jekyll, false),
    ] {
        let found = Document::parse(Path::new(path), b"Text.", &site(generator), now()).unwrap();
        assert_eq!(found.hidden.is_some(), expected, "{path}");
    }
}

#[test]
fn a_post_is_dated_by_what_its_generator_takes() {
    for (path, yaml, expected) in [
        ("a.md", "pubdate: 2015-05-05", "2015-05-05T00:00:00Z"),
        ("a.md", "pubDate: Jul 08 2022", "2022-07-08T00:00:00Z"),
        ("a.md", "published: 2015-05-05", "2015-05-05T00:00:00Z"),
        ("a.md", "publishDate: 2015-05-05", "2015-05-05T00:00:00Z"),
        ("a.md", "date: 2020-01-01\npublishDate: 2015-05-05", "2020-01-01T00:00:00Z"),
        ("a.md", "date: 2020-01-01\npublishDate: 2099-01-01", "2099-01-01T00:00:00Z"),
        ("a.md", "date: 2099-01-01\npublishDate: 2015-05-05", "2015-05-05T00:00:00Z"),
        ("a.md", "date: 2099-01-01", "2099-01-01T00:00:00Z"),
        ("2014-3-3-one-digit.md", "title: a", "2014-03-03T00:00:00Z"),
        ("2014-3-3-one-digit.md", "date: 2013-05-1 16:30:00", "2013-05-01T16:30:00Z"),
        ("2019/05/a.md", "title: a", "2019-05-01T00:00:00Z"),
        ("2014-3-3-a.md", "date: Last Modified", "2014-03-03T00:00:00Z"),
    ] {
        assert_eq!(document(path, &format!("---\n{yaml}\n---\n")).date, date(expected), "{path} {yaml}");
    }
    let without = document("a.md", "---\ntitle: a\n---\n");
    assert_eq!((without.date, without.notes.len()), (None, 1));
}

#[test]
fn names_are_cut_as_the_server_cuts_them_and_carry_languages() {
    let slug = |path: &str| document(path, "Text.").slug;
    assert_eq!(slug(&format!("{}.md", "x".repeat(101))), "x".repeat(80));
    assert_eq!(slug(&format!("{}.md", "x".repeat(100))), "x".repeat(100));
    assert_eq!(slug(&format!("{} {}.md", "y".repeat(60), "x".repeat(60))), "y".repeat(60));
    assert_eq!(slug(&format!("{}.md", "é".repeat(240))), "e".repeat(80));
    for (path, name, language) in [
        ("a/index.fr.md", "a", Some("fr")),
        ("a.pt-br.md", "a", Some("pt-br")),
        ("version-2.0.md", "version-2-0", None),
        ("a.min.md", "a-min", None),
    ] {
        let found = document(path, "Text.");
        assert_eq!((&*found.slug, found.language.as_deref()), (name, language), "{path}");
    }
}

#[test]
fn what_the_server_would_refuse_costs_no_post() {
    let tags: Vec<_> = (0..12).map(|number| format!("t{number}")).collect();
    let many = document("2020-01-01-a.md", &format!("---\ntags: [{}, {}]\n---\n", tags.join(", "), "x".repeat(41)));
    assert_eq!(many.tags.map(|tags| tags.len()), Some(10));
    assert!(many.notes[0].contains("t10, t11, xxx"), "{:?}", many.notes);

    let long = document("2020-01-01-a.md", &format!("---\nsummary: {}\n---\n", "word ".repeat(120)));
    assert!(long.summary.unwrap().ends_with("word…"));
    assert_eq!(long.notes.len(), 1, "{:?}", long.notes);

    let yaml = "lang: en_US\ncover: {image: a.png}\ncanonicalURL: https://example.com/first";
    let found = document("2020-01-01-a.md", &format!("---\n{yaml}\n---\n"));
    assert_eq!((found.language.as_deref(), found.cover_image_url), (Some("en-US"), None));
    assert_eq!(found.cover.as_deref(), Some("a.png"));
    assert_eq!(found.canonical_url.as_deref(), Some("https://example.com/first"));
    let odd = document("2020-01-01-a.md", "---\nlang: 'the queens english'\n---\n");
    assert_eq!((odd.language, odd.notes.len()), (None, 1));
}

#[test]
fn old_addresses_come_from_the_file_and_from_jekylls_pattern() {
    let found = document("a.md", "---\naliases: [/old/a/, b.html]\nredirect_from: /c/\nurl: /d/e/\n---\n");
    assert_eq!(found.old_addresses, ["/d/e/", "/old/a/", "/b.html", "/c/"]);
    let jekyll = |permalink: &str, path: &str, yaml: &str| {
        let config = Keys::from_yaml(&format!("permalink: {permalink}")).unwrap();
        let site = Site { config, has_config: true, ..site(Generator::Jekyll) };
        let text = format!("---\n{yaml}\n---\nText.");
        Document::parse(Path::new(path), text.as_bytes(), &site, now()).unwrap().old_addresses
    };
    let path = "_posts/2019-05-06-Some-post.md";
    assert_eq!(jekyll("date", path, "title: a"), ["/2019/05/06/Some-post.html"]);
    assert_eq!(jekyll("pretty", path, "categories: [A, b]"), ["/a/b/2019/05/06/Some-post/"]);
    assert_eq!(jekyll("/blog/:i_month/:slug", path, "title: a"), ["/blog/5/some-post"]);
    assert_eq!(jekyll("date", path, "permalink: /own/"), ["/own/"]);
    assert_eq!(jekyll("/:collection/:title", path, "title: a"), ["/posts/Some-post"]);
    assert_eq!(jekyll("/:theme/:title", path, "title: a"), [""; 0]);
    assert_eq!(jekyll("date", "about.md", "title: a"), [""; 0]);
}
