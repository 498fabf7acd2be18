use std::{collections::HashSet, io::Write};

use proptest::prelude::*;

use super::*;
use crate::{any_text::any_text, formats::Formats};

/// An export as WordPress writes it, around these items.
fn export(items: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n<!-- generator=\"WordPress/6.5\" -->\n\
         <rss version=\"2.0\" xmlns:excerpt=\"http://wordpress.org/export/1.2/excerpt/\" xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" \
         xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:wp=\"http://wordpress.org/export/1.2/\">\n<channel>\n\
         <title>Blog</title>\n<link>https://blog.example.com</link>\n<language>de-DE</language>\n\
         <wp:base_blog_url>https://blog.example.com</wp:base_blog_url>\n\
         <wp:author><wp:author_id>1</wp:author_id><wp:author_login><![CDATA[ada]]></wp:author_login>\
         <wp:author_email><![CDATA[ada@example.com]]></wp:author_email>\
         <wp:author_display_name><![CDATA[Ada L.]]></wp:author_display_name></wp:author>\n{items}\n</channel>\n</rss>\n"
    )
}

fn item(id: u32, kind: &str, status: &str, more: &str, content: &str) -> String {
    format!(
        "<item><title><![CDATA[Title {id}]]></title><link>https://blog.example.com/2020/01/title-{id}/</link>\
         <dc:creator><![CDATA[ada]]></dc:creator><content:encoded><![CDATA[{content}]]></content:encoded>\
         <excerpt:encoded><![CDATA[]]></excerpt:encoded><wp:post_id>{id}</wp:post_id>\
         <wp:post_date><![CDATA[2020-01-02 04:04:05]]></wp:post_date><wp:post_date_gmt><![CDATA[2020-01-02 03:04:05]]></wp:post_date_gmt>\
         <wp:comment_status><![CDATA[open]]></wp:comment_status><wp:post_name><![CDATA[title-{id}]]></wp:post_name>\
         <wp:status><![CDATA[{status}]]></wp:status><wp:post_parent>0</wp:post_parent><wp:post_type><![CDATA[{kind}]]></wp:post_type>\
         <wp:post_password><![CDATA[]]></wp:post_password><wp:is_sticky>0</wp:is_sticky>{more}</item>\n"
    )
}

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn plan_of(bytes: &[u8]) -> (tempfile::TempDir, Plan) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.xml");
    std::fs::write(&path, bytes).unwrap();
    let plan = Plan::of(&path, None, &Formats::default(), &HashMap::new(), now()).unwrap();
    (folder, plan)
}

/// Each item: its path, and its slug with `?` for a draft, or why it is none.
fn shown(plan: &Plan) -> Vec<(String, String)> {
    let what = |item: &Item| match &item.what {
        Planned::Post(document) => match &document.hidden {
            Some(reason) => format!("{}? {reason}", document.slug),
            None => document.slug.clone(),
        },
        Planned::Picture(path) => format!("picture {}", path.display()),
        Planned::Left(reason) => format!("- {reason}"),
        Planned::Failed(reason) => format!("! {reason}"),
    };
    plan.items
        .iter()
        .map(|item| (item.path.to_string_lossy().replace("blog.example.com/?p=", ""), what(item)))
        .collect()
}

fn documents(plan: &Plan) -> Vec<Document> {
    plan.posts().map(|(path, planned)| plan.whole(path, planned).unwrap().document.into_owned()).collect()
}

#[test]
fn what_wordpress_hides_is_hidden_and_every_item_is_named() {
    let password = "<wp:post_password><![CDATA[open sesame]]></wp:post_password>";
    let attachment =
        "<wp:attachment_url><![CDATA[https://blog.example.com/wp-content/uploads/a.png]]></wp:attachment_url>";
    let items = [
        item(1, "post", "publish", "", "Text"),
        item(2, "post", "draft", "<wp:post_date_gmt>0000-00-00 00:00:00</wp:post_date_gmt>", "Text"),
        item(3, "post", "pending", "", "Text"),
        item(4, "post", "private", "", "Text"),
        item(5, "post", "publish", password, "Text"),
        item(6, "post", "future", "<wp:post_date_gmt>2099-01-02 03:04:05</wp:post_date_gmt>", "Text"),
        item(7, "post", "trash", "", "Text"),
        item(8, "post", "auto-draft", "", ""),
        item(9, "page", "publish", "", "Text"),
        item(10, "attachment", "inherit", attachment, ""),
        item(11, "nav_menu_item", "publish", "", ""),
        item(12, "product", "publish", "", "Text"),
        item(1, "post", "publish", "", "The same id again"),
    ];
    let (_folder, plan) = plan_of(export(&items.concat()).as_bytes());
    let shown = shown(&plan);
    let shown: Vec<_> = shown.iter().map(|(path, what)| (&**path, &**what)).collect();
    assert_eq!(
        shown,
        [
            ("1", "title-1"),
            ("2", "title-2? its status is draft"),
            ("3", "title-3? its status is pending"),
            ("4", "title-4? its status is private"),
            ("5", "title-5? it has a password"),
            ("6", "title-6"),
            ("7", "- in the trash"),
            ("8", "- an empty draft that was never saved"),
            ("9", "title-9? it is a page, which has no place of its own here"),
            ("10", "- an attachment: https://blog.example.com/wp-content/uploads/a.png"),
            ("11", "- an entry of a menu"),
            ("12", "- of the type product, which has no place here: \"Title 12\""),
            ("1#2", "title-1-de-de"),
        ]
    );
    let documents = documents(&plan);
    assert_eq!(documents[0].date, Some("2020-01-02T03:04:05Z".parse().unwrap()));
    assert_eq!(documents[5].date, Some("2099-01-02T03:04:05Z".parse().unwrap()));
    assert_eq!(documents.last().unwrap().body, "The same id again");
    assert_eq!(plan.site.generator, Generator::WordPress);
    assert!(plan.site.notes[0].contains("Ada L. (8)"), "{:?}", plan.site.notes);
}

#[test]
fn what_plug_ins_keep_for_members_is_hidden() {
    let items = [
        item(1, "post", "publish", &meta("_jetpack_newsletter_access", "subscribers"), "Text"),
        item(2, "post", "publish", &meta("_jetpack_newsletter_access", "everybody"), "Text [members] [box]a[/box]"),
        item(3, "post", "publish", &meta("_members_access_role", "editor"), "Text"),
        item(4, "post", "publish", "", "Text [members_only level=\"1\"]secret[/members_only]"),
        item(5, "post", "publish", "", "Text <!-- wp:jetpack/paywall -->\n<!-- /wp:jetpack/paywall --> secret"),
    ];
    let (_folder, plan) = plan_of(export(&items.concat()).as_bytes());
    let reasons: Vec<_> = documents(&plan).into_iter().map(|document| document.hidden).collect();
    let reasons: Vec<_> = reasons.iter().map(Option::as_deref).collect();
    assert_eq!(
        reasons,
        [
            Some("it is for subscribers only"),
            None,
            Some("it is for members only"),
            Some("a part of it is for members only ([members_only])"),
            Some("a part of it is for members only (wp:jetpack/paywall)"),
        ]
    );
}

/// A field of a plug-in.
fn meta(key: &str, value: &str) -> String {
    format!(
        "<wp:postmeta><wp:meta_key>{key}</wp:meta_key><wp:meta_value><![CDATA[{value}]]></wp:meta_value></wp:postmeta>"
    )
}

fn password(password: &str) -> String {
    format!("<wp:post_password><![CDATA[{password}]]></wp:post_password>")
}

fn reasons(plan: &Plan) -> Vec<Option<String>> {
    plan.posts().map(|(_, document)| document.hidden.clone()).collect()
}

#[test]
fn every_kind_of_restriction_of_membership_plug_ins_hides() {
    let um = |settings: &str, accessible: &str| {
        let value = format!(
            "a:3:{{s:26:\"_um_custom_access_settings\";{settings};s:14:\"_um_accessible\";{accessible};s:16:\"_um_access_roles\";a:0:{{}}}}"
        );
        meta("um_content_restriction", &value)
    };
    let restricted = [
        ("", "a [wcm_restrict plans=\"gold\"]secret[/wcm_restrict]"),
        ("", "a [is_paid]secret[/is_paid]"),
        ("", "a [is_free]secret[/is_free]"),
        ("", "a [is_expired]secret[/is_expired]"),
        ("", "a [restrict]secret[/restrict]"),
        ("", "a [wlm_private_Gold]secret[/wlm_private_Gold]"),
        ("", "a [private_Gold]secret[/private_Gold]"),
        ("", "a [wlm_private_\"Gold plan\"]secret[/wlm_private_\"Gold plan\"]"),
        ("", "a <!-- wp:pmpro/membership {\"levels\":[\"1\"]} --><p>secret</p><!-- /wp:pmpro/membership -->"),
        ("", "a <!--  wp:restrict-content-pro/content --><p>secret</p><!-- /wp:restrict-content-pro/content -->"),
        (
            "",
            "a <!-- wp:woocommerce-memberships/member-content --><p>secret</p><!-- /wp:woocommerce-memberships/member-content -->",
        ),
        ("", "a <!-- wp:paragraph {\"um_is_restrict\":true} --><p>secret</p><!-- /wp:paragraph -->"),
        ("", "a <!-- wp:group {\"b\":{},\"um_is_restrict\" : true} --><p>secret</p><!-- /wp:group -->"),
        (&meta("rcp_subscription_level", "any"), "secret"),
        (&meta("rcp_subscription_level", "a:1:{i:0;s:1:\"2\";}"), "secret"),
        (&meta("rcp_access_level", "3"), "secret"),
        (&meta("rcp_user_level", "Subscriber"), "secret"),
        (&meta("_is_paid", "1"), "secret"),
        (&um("s:1:\"1\"", "s:1:\"2\""), "secret"),
        (&um("b:1", "i:2"), "secret"),
        (&meta("um_content_restriction", "a:1:{s:14:\"_um_accessible\";s:1:\"2\";}"), "secret"),
        (&password(" "), "secret"),
    ];
    let open = [
        ("", "a [wcm_nonmember]Join[/wcm_nonmember] [not_logged_in]Join[/not_logged_in]"),
        ("", "a <!-- wp:paragraph {\"um_is_restrict\":false} --><p>b</p><!-- /wp:paragraph -->"),
        (&(meta("rcp_access_level", "None") + &meta("rcp_user_level", "All")), "a"),
        (&(meta("rcp_subscription_level", "all") + &meta("rcp_user_level", "a:0:{}")), "a"),
        (&um("s:1:\"1\"", "s:1:\"0\""), "a"),
        (&um("s:1:\"1\"", "s:1:\"1\""), "a"),
        (&um("b:0", "s:1:\"2\""), "a"),
        ("<wp:post_password>\n  </wp:post_password>", "a"),
    ];
    for (more, content) in restricted {
        let (_folder, plan) = plan_of(export(&item(1, "post", "publish", more, content)).as_bytes());
        assert!(reasons(&plan)[0].is_some(), "{more} {content}");
    }
    for (more, content) in open {
        let (_folder, plan) = plan_of(export(&item(1, "post", "publish", more, content)).as_bytes());
        assert_eq!(reasons(&plan), [None], "{more} {content}");
    }
}

#[test]
fn shared_blocks_that_no_reader_saw_are_in_no_post() {
    let refs =
        |ids: &[u32]| -> String { ids.iter().map(|id| format!("<!-- wp:block {{\"ref\":{id}}} /-->")).collect() };
    let secret = "<!-- wp:paragraph --><p>secret</p><!-- /wp:paragraph -->";
    let public = "<!-- wp:paragraph --><p>Shared</p><!-- /wp:paragraph -->";
    let items = [
        item(1, "post", "publish", "", &refs(&[11, 12, 13, 14, 15, 16, 17])),
        item(2, "post", "publish", "", &refs(&[18])),
        item(3, "post", "publish", "", &refs(&[19])),
        item(11, "wp_block", "publish", "", public),
        item(12, "wp_block", "draft", "", secret),
        item(13, "wp_block", "trash", "", secret),
        item(14, "wp_block", "private", "", secret),
        item(15, "wp_block", "publish", &password("sesame"), secret),
        item(16, "wp_block", "publish", &password(" "), secret),
        item(17, "wp_block", "future", "", secret),
        item(18, "wp_block", "publish", "", &refs(&[18, 19])),
        item(19, "wp_block", "publish", "", "<p>[members_only]secret[/members_only]</p>"),
        item(20, "wp_block", "publish", &meta("_members_access_role", "editor"), secret),
        item(4, "post", "publish", "", &refs(&[20])),
    ];
    let (_folder, plan) = plan_of(export(&items.concat()).as_bytes());
    let members = Some("a part of it is for members only ([members_only])".to_owned());
    let whole = Some("a part of it is for members only".to_owned());
    assert_eq!(reasons(&plan), [None, members.clone(), members, whole]);
    let documents = documents(&plan);
    assert_eq!(documents[0].body, "Shared");
    let expected = [12, 13, 14, 15, 16, 17]
        .map(|id| format!("1 × the shared block {id}, which is left out, as readers did not see it"));
    assert_eq!(documents[0].notes, expected);
}

#[test]
fn a_date_that_cannot_be_read_makes_nothing_public() {
    let dates = |date: &str| format!("<wp:post_date>{date}</wp:post_date><wp:post_date_gmt>{date}</wp:post_date_gmt>");
    let (zero, wrong) = (dates("0000-00-00 00:00:00"), dates("2027-13-45 99:99:99"));
    let items = [
        item(1, "post", "future", &zero, "Text"),
        item(2, "post", "future", &dates(""), "Text"),
        item(3, "post", "future", &wrong, "Text"),
        item(4, "post", "publish", &wrong, "Text"),
        item(5, "post", "publish", &zero, "Text"),
        item(6, "post", "draft", &wrong, "Text"),
        item(7, "post", "future", &dates("2099-01-02 03:04:05"), "Text"),
    ];
    let (_folder, plan) = plan_of(export(&items.concat()).as_bytes());
    let shown: Vec<_> = shown(&plan).into_iter().map(|(_, what)| what).collect();
    let reason = "it is scheduled, but its date is not there or cannot be read";
    assert_eq!(
        shown,
        [
            format!("title-1? {reason}"),
            format!("title-2? {reason}"),
            format!("title-3? {reason}"),
            "! Its date 2027-13-45 99:99:99 cannot be read.".to_owned(),
            "title-5".to_owned(),
            "title-6? its status is draft".to_owned(),
            "title-7".to_owned(),
        ]
    );
}

#[test]
fn links_to_parts_lead_to_them_and_broken_letters_are_counted() {
    let content = "<p><a href=\"#one\">1</a> <a href=\"https://blog.example.com/2020/01/title-1/#two\">2</a> <a href=\"#gone\">3</a></p>\
        <h2 id=\"one\">First</h2><p id=\"two\">Text</p>";
    let text = export(&[item(1, "post", "publish", "", content), item(2, "post", "publish", "", "K~hl")].concat());
    let bytes: Vec<u8> = text.bytes().map(|byte| if byte == b'~' { 0xfc } else { byte }).collect();
    let (_folder, plan) = plan_of(&bytes);
    let documents = documents(&plan);
    assert_eq!(documents[0].body, "[1](#first) [2](#fn-two) [3](#gone)\n\n## First\n\n<a id=\"fn-two\"></a>\n\nText");
    assert_eq!(
        documents[0].notes.last().unwrap(),
        "1 × a link to a part that has no heading here, which leads to the beginning: #gone"
    );
    assert_eq!(documents[1].notes, ["1 × a letter that is no UTF-8 in the file, which is shown as \u{fffd}"]);
}

#[test]
fn a_post_has_its_tags_summary_picture_addresses_and_links() {
    let more = "<excerpt:encoded><![CDATA[A <b>short</b>\r\nsummary &amp; more]]></excerpt:encoded>\
        <category domain=\"category\" nicename=\"uncategorized\"><![CDATA[Uncategorized]]></category>\
        <category domain=\"category\" nicename=\"r-d\"><![CDATA[R &amp; D]]></category>\
        <category domain=\"post_tag\" nicename=\"rust\"><![CDATA[Rust]]></category>\
        <category domain=\"post_format\" nicename=\"post-format-aside\"><![CDATA[Aside]]></category>\
        <wp:comment_status>closed</wp:comment_status><wp:is_sticky>1</wp:is_sticky>\
        <wp:postmeta><wp:meta_key>_thumbnail_id</wp:meta_key><wp:meta_value><![CDATA[20]]></wp:meta_value></wp:postmeta>\
        <wp:postmeta><wp:meta_key>_wp_old_slug</wp:meta_key><wp:meta_value><![CDATA[first-name]]></wp:meta_value></wp:postmeta>\
        <wp:postmeta><wp:meta_key>mood</wp:meta_key><wp:meta_value><![CDATA[good]]></wp:meta_value></wp:postmeta>";
    let content = "See <a href=\"https://blog.example.com/2020/01/title-2/#part\">that</a>, <a href=\"http://www.blog.example.com/?p=2\">it</a>\
        \r\n\r\n[gallery ids=\"20\"]";
    let attachment = "<wp:attachment_url>https://blog.example.com/wp-content/uploads/2020/01/a.png</wp:attachment_url>\
        <wp:postmeta><wp:meta_key>_wp_attachment_image_alt</wp:meta_key><wp:meta_value>A cat</wp:meta_value></wp:postmeta>";
    let items = [
        item(1, "post", "publish", more, content),
        item(2, "post", "publish", "<wp:post_name>%e6%97%a5%e6%9c%ac</wp:post_name>", "Text"),
        item(20, "attachment", "inherit", attachment, ""),
    ];
    let (_folder, plan) = plan_of(export(&items.concat()).as_bytes());
    let documents = documents(&plan);
    let first = &documents[0];
    assert_eq!(first.tags.as_deref(), Some(["R & D".to_owned(), "Rust".to_owned()].as_slice()));
    assert_eq!(first.summary.as_deref(), Some("A short summary & more"));
    assert_eq!(first.language.as_deref(), Some("de-DE"));
    assert_eq!(first.comments_open, Some(false));
    let picture = "https://blog.example.com/wp-content/uploads/2020/01/a.png";
    assert_eq!(first.cover_image_url.as_deref(), Some(picture));
    assert_eq!(first.dropped, ["sticky", "the field mood", "the taxonomy post_format"]);
    let second = &documents[1].slug;
    assert_eq!(second, "ri-ben");
    assert_eq!(first.body, format!("See [that](/posts/{second}#part), [it](/posts/{second})\n\n![A cat]({picture})"));
    assert_eq!(
        plan.redirects(&HashMap::new(), &HashSet::new()).lines().take(4).collect::<Vec<_>>(),
        [
            "/2020/01/title-1/ /posts/title-1 301",
            "/?p=1 /posts/title-1 301",
            "/2020/01/first-name/ /posts/title-1 301",
            "/title-1/ /posts/title-1 301",
        ]
    );
}

#[test]
fn bytes_that_are_no_text_entities_and_a_torn_end_lose_nothing_else() {
    let mut bytes = export(&item(1, "post", "publish", "", "A \u{1}b\r\nc ]]]]><![CDATA[> d")).into_bytes();
    let end = bytes.windows(10).position(|part| part == b"</channel>").unwrap();
    bytes.truncate(end);
    bytes.extend(b"<item><title>Tom &amp; Jerry & co &#8211; &nbsp;\xff</title><wp:post_id>2</wp:post_id><wp:post_type>post</wp:post_type>");
    bytes.extend(b"<wp:status>publish</wp:status><content:encoded>&lt;p&gt;Text &amp;amp; more&lt;/p&gt;</content:encoded></item>");
    bytes.extend(item(3, "post", "publish", "", "Never").as_bytes());
    bytes.truncate(bytes.len() - 40);
    let (_folder, plan) = plan_of(&bytes);
    let documents = documents(&plan);
    assert_eq!(documents[0].body, "A b\\\nc \\]\\]> d");
    assert_eq!(documents[1].title, "Tom & Jerry & co – \u{fffd}");
    assert_eq!(documents[1].body, "Text & more");
    assert_eq!(documents.len(), 2);
    let last = shown(&plan).pop().unwrap();
    assert!(last.1.starts_with("! From here on the file cannot be read"), "{last:?}");
}

#[test]
fn only_approved_comments_are_read_and_of_their_authors_the_name_only() {
    let comment = |id: u32, parent: u32, approved: &str, kind: &str, text: &str| {
        format!(
            "<wp:comment><wp:comment_id>{id}</wp:comment_id><wp:comment_author><![CDATA[*Bob* {id}]]></wp:comment_author>\
             <wp:comment_author_email>bob@example.com</wp:comment_author_email><wp:comment_author_IP>192.0.2.1</wp:comment_author_IP>\
             <wp:comment_date_gmt>2020-01-0{id} 03:04:05</wp:comment_date_gmt><wp:comment_content><![CDATA[{text}]]></wp:comment_content>\
             <wp:comment_approved>{approved}</wp:comment_approved><wp:comment_type>{kind}</wp:comment_type>\
             <wp:comment_parent>{parent}</wp:comment_parent>\
             <wp:commentmeta><wp:meta_key>akismet</wp:meta_key><wp:meta_value>x</wp:meta_value></wp:commentmeta></wp:comment>"
        )
    };
    let comments = [
        comment(1, 0, "1", "comment", "One\n\ntwo\nlines"),
        comment(3, 2, "1", "", "To one that waits"),
        comment(2, 1, "0", "comment", "Waits"),
        comment(4, 0, "1", "pingback", "Ping"),
        comment(5, 0, "spam", "", "Spam"),
    ];
    let (_folder, plan) = plan_of(export(&item(1, "post", "publish", &comments.concat(), "Text")).as_bytes());
    let (path, planned) = plan.posts().next().unwrap();
    let comments = plan.whole(path, planned).unwrap().comments;
    let shown: Vec<_> = comments.iter().map(|one| (&*one.id, one.parent.as_deref(), &*one.body)).collect();
    assert_eq!(
        shown,
        [
            (
                "1",
                None,
                "[imported-comment]: <import:comment?author=&name=*Bob*+1&created_at=2020-01-01T03%3A04%3A05.000Z&id=1>\n\n\
                 **\\*Bob\\* 1**, 1 January 2020:\n\nOne\n\ntwo\\\nlines"
            ),
            (
                "3",
                Some("1"),
                "[imported-comment]: <import:comment?author=&name=*Bob*+3&created_at=2020-01-03T03%3A04%3A05.000Z&id=3>\n\n\
                 **\\*Bob\\* 3**, 3 January 2020:\n\nTo one that waits"
            ),
        ]
    );
    let notes = plan.site.notes.join("\n");
    assert!(
        notes.contains("approved (2), pingbacks and trackbacks (1), spam (1), waiting for approval (1)"),
        "{notes}"
    );
}

/// How much memory the process has in use at most, in bytes, as far as the system tells.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

#[test]
fn a_large_file_is_read_an_item_at_a_time() {
    const ITEMS: u32 = 400;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.xml");
    let mut file = std::io::BufWriter::new(File::create(&path).unwrap());
    let whole = export("HERE");
    let (head, tail) = whole.split_once("HERE").unwrap();
    let text = "<p>Some words of a long post.</p>\n".repeat(4000);
    file.write_all(head.as_bytes()).unwrap();
    for id in 1..=ITEMS {
        file.write_all(item(id, "post", "publish", "", &format!("{text}<p>The end of {id}</p>")).as_bytes()).unwrap();
    }
    file.write_all(tail.as_bytes()).unwrap();
    file.into_inner().unwrap();
    let size = std::fs::metadata(&path).unwrap().len();
    assert!(size > 50_000_000, "{size}");

    let before = resident();
    let plan = Plan::of(&path, None, &Formats::default(), &HashMap::new(), now()).unwrap();
    assert_eq!(plan.posts().count(), ITEMS as usize);
    // From anywhere in the file, in any order.
    for number in [ITEMS - 1, 0, ITEMS / 2] {
        let (path, planned) = plan.posts().nth(number as usize).unwrap();
        let body = &plan.whole(path, planned).unwrap().document.body;
        assert!(body.ends_with(&format!("The end of {}", number + 1)), "{number}");
    }
    if let (Some(before), Some(after)) = (before, resident()) {
        let grown = after.saturating_sub(before);
        assert!(grown < size / 2, "{grown} bytes for a file of {size}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// In every field, as plug-ins and editors of old versions write what they like.
    #[test]
    fn no_item_ends_an_import(text in any_text(), field in any_text()) {
        let (text, field) = (text.replace("]]>", ""), field.replace("]]>", ""));
        let comment = format!(
            "<wp:comment><wp:comment_id><![CDATA[{field}]]></wp:comment_id><wp:comment_author><![CDATA[{field}]]></wp:comment_author>\
             <wp:comment_date_gmt><![CDATA[{field}]]></wp:comment_date_gmt><wp:comment_content><![CDATA[{text}]]></wp:comment_content>\
             <wp:comment_approved>1</wp:comment_approved><wp:comment_type><![CDATA[comment]]></wp:comment_type></wp:comment>"
        );
        let meta = format!(
            "<wp:postmeta><wp:meta_key><![CDATA[um_content_restriction]]></wp:meta_key><wp:meta_value><![CDATA[{field}]]></wp:meta_value></wp:postmeta>"
        );
        let typed = item(1, "post", "publish", &format!("{comment}{meta}"), &text)
            .replace("Title 1", &field)
            .replace("2020-01-02 03:04:05", &field)
            .replace("[CDATA[title-1]]", &format!("[CDATA[{field}]]"));
        let (_folder, plan) = plan_of(export(&(typed + &item(2, "post", "publish", &comment, &text))).as_bytes());
        for (path, document) in plan.posts() {
            let _ = plan.whole(path, document);
        }
    }
}
