//! The sitemap: every post that everybody can read, once, with the time of its last change.

use std::collections::BTreeMap;

use local::wire::Fault;
use roxmltree::{Document, Node};
use serde_json::{Value, json};

use crate::harness::{Answer, Client, TestStack, walk};

const NAMESPACE: &str = "http://www.sitemaps.org/schemas/sitemap/0.9";

fn texts(node: Node<'_, '_>) -> BTreeMap<String, String> {
    let children = node.children().filter(|child| child.is_element());
    children
        .map(|child| {
            assert_eq!(child.tag_name().namespace(), Some(NAMESPACE));
            (child.tag_name().name().to_owned(), child.text().unwrap_or_default().to_owned())
        })
        .collect()
}

/// The addresses of a sitemap or an index, each with its time, checked against the schema of sitemaps.org.
fn read(answer: &Answer, root: &str, item: &str) -> Vec<(String, Option<String>)> {
    answer.expect_status(200);
    assert_eq!(answer.header("content-type"), "application/xml; charset=utf-8");
    let text = std::str::from_utf8(&answer.bytes).unwrap();
    let document = Document::parse(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let found = document.root_element();
    assert_eq!((found.tag_name().name(), found.tag_name().namespace()), (root, Some(NAMESPACE)), "{text}");
    assert!(found.attributes().next().is_none());
    let items: Vec<_> = found.children().filter(|child| child.is_element()).collect();
    assert!((1..=50_000).contains(&items.len()), "{text}");
    let read = |node: &Node<'_, '_>| {
        assert_eq!(node.tag_name().name(), item);
        // In this order.
        let names: Vec<_> = node.children().filter(|it| it.is_element()).map(|it| it.tag_name().name()).collect();
        assert!(names == ["loc"] || names == ["loc", "lastmod"], "{names:?}");
        let mut texts = texts(*node);
        let loc = texts.remove("loc").unwrap();
        assert!((12..=2048).contains(&loc.len()) && loc.starts_with("http://"), "{loc}");
        let lastmod = texts.remove("lastmod");
        assert!(lastmod.as_ref().is_none_or(|time| domain::Timestamp::try_from(time.clone()).is_ok()), "{lastmod:?}");
        (loc, lastmod)
    };
    items.iter().map(read).collect()
}

/// The posts of all sitemaps: slugs, each with its time.
async fn mapped(client: &Client) -> BTreeMap<String, String> {
    let answer = client.get("/sitemap.xml").await;
    let is_index = std::str::from_utf8(&answer.bytes).unwrap().contains("<sitemapindex");
    let mut found = Vec::new();
    if is_index {
        for (loc, lastmod) in read(&answer, "sitemapindex", "sitemap") {
            let path = loc.strip_prefix("http://localhost/v1").unwrap_or_else(|| panic!("{loc}"));
            let part = client.get(path).await;
            assert!(lastmod.is_some());
            found.extend(read(&part, "urlset", "url"));
        }
    } else {
        found = read(&answer, "urlset", "url");
        let first = client.get("/sitemaps/1.xml").await;
        if first.status.as_u16() == 200 {
            assert_eq!(first.bytes, answer.bytes);
        }
    }
    let (home, posts): (Vec<_>, Vec<_>) = found.into_iter().partition(|(loc, _)| loc == "http://localhost/");
    assert_eq!(home.len(), 1, "the home page");
    let count = posts.len();
    let slug = |(loc, lastmod): (String, Option<String>)| {
        let slug = loc.strip_prefix("http://localhost/posts/").unwrap_or_else(|| panic!("{loc}"));
        (slug.to_owned(), lastmod.unwrap())
    };
    let posts: BTreeMap<_, _> = posts.into_iter().map(slug).collect();
    assert_eq!(posts.len(), count, "each once");
    posts
}

/// What the API shows of all posts.
async fn shown(client: &Client) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    walk(client, "/posts", 100).await.iter().map(|post| (text(&post["slug"]), text(&post["updated_at"]))).collect()
}

#[tokio::test]
async fn the_sitemap_has_every_published_post_and_no_other() {
    let stack = TestStack::start().await;
    let visitor = stack.visitor();
    assert_eq!(mapped(&visitor).await, BTreeMap::new(), "of a blog without posts it is valid too");
    let robots = visitor.get("/robots.txt").await;
    assert_eq!(robots.header("content-type"), "text/plain; charset=utf-8");
    let rules = "User-agent: *\nDisallow: /write\n\nSitemap: http://localhost/v1/sitemap.xml\n";
    assert_eq!(std::str::from_utf8(&robots.bytes).unwrap(), rules);
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    ada.draft("Draft").save().await;
    ada.draft("Scheduled").with("status", "scheduled").with("publish_at", "2026-11-21T09:00:00Z").save().await;
    for title in ["One", "Two", "Three"] {
        ada.publish(title, &[]).await;
    }
    bob.call("PUT", "/posts/one/repost", &[], None).await.expect_status(204);
    stack.settle().await;
    let check = async || {
        stack.settle().await;
        let shown = shown(&visitor).await;
        assert_eq!(mapped(&visitor).await, shown);
        shown.into_keys().collect::<Vec<_>>()
    };
    assert_eq!(check().await, ["one", "three", "two"]);
    stack.pass_seconds(10);
    ada.patch("/posts/one", "*", json!({ "title": "Edited" })).await.expect_status(200);
    ada.patch("/posts/two", "*", json!({ "slug": "renamed" })).await.expect_status(200);
    check().await;
    stack.pass_seconds(10);
    // Nothing of this is a change of the post.
    bob.put("/posts/one/reaction", json!({ "kind": "like" })).await.expect_status(204);
    ada.patch("/me", "*", json!({ "display_name": "Ada Lovelace" })).await.expect_status(200);
    assert_eq!(check().await, ["one", "renamed", "three"]);
    stack.set_time("2026-11-21T09:00:30.000Z");
    stack.minute().await;
    assert_eq!(check().await, ["one", "renamed", "scheduled", "three"]);
    ada.patch("/posts/renamed", "*", json!({ "slug": "two" })).await.expect_status(200);
    ada.post("/posts/one/unpublish", json!({})).await.expect_status(200);
    ada.delete("/posts/three").await.expect_status(204);
    assert_eq!(check().await, ["scheduled", "two"]);
    ada.post("/posts/one/publish", json!({})).await.expect_status(200);
    ada.post("/posts/three/restore", json!({})).await.expect_status(200);
    assert_eq!(check().await, ["one", "scheduled", "two"]);
    let password = json!({ "password": crate::harness::PASSWORD });
    ada.call("DELETE", "/me", &[], Some(password)).await.expect_status(204);
    assert_eq!(check().await, [] as [String; 0]);
}

#[tokio::test]
async fn a_large_blog_has_an_index_of_sitemaps() {
    let stack = TestStack::start_with_parameters(&[("SitemapPosts", "3")]).await;
    let (ada, visitor) = (stack.user("ada").await, stack.visitor());
    for number in 0..3 {
        ada.publish(&format!("Post {number}"), &[]).await;
    }
    stack.settle().await;
    read(&visitor.get("/sitemap.xml").await, "urlset", "url");
    visitor.get("/sitemaps/2.xml").await.expect_problem(404, "not-found");
    stack.pass_seconds(10);
    for number in 3..8 {
        ada.publish(&format!("Post {number}"), &[]).await;
        stack.settle().await;
    }
    let index = read(&visitor.get("/sitemap.xml").await, "sitemapindex", "sitemap");
    let base = "http://localhost/v1/sitemaps";
    assert_eq!(
        index.iter().map(|(loc, _)| loc.clone()).collect::<Vec<_>>(),
        [1, 2, 3].map(|it| format!("{base}/{it}.xml"))
    );
    let times = index.iter().map(|(_, lastmod)| lastmod.clone().unwrap()).collect::<Vec<_>>();
    assert_eq!(times, ["2026-11-21T08:30:00.000Z", "2026-11-21T08:30:10.000Z", "2026-11-21T08:30:10.000Z"]);
    for (file, time) in [("sitemap.xml", "08:30:10"), ("sitemaps/1.xml", "08:30:00"), ("sitemaps/2.xml", "08:30:10")] {
        let modified = visitor.get(&format!("/{file}")).await.header("last-modified").to_owned();
        assert_eq!(modified, format!("Sat, 21 Nov 2026 {time} GMT"), "{file}");
    }
    assert_eq!(mapped(&visitor).await, shown(&visitor).await);
    let sizes = async || {
        let mut sizes = Vec::new();
        for number in 1..=4 {
            let part = visitor.get(&format!("/sitemaps/{number}.xml")).await;
            sizes.push(if part.status.as_u16() == 404 { 0 } else { read(&part, "urlset", "url").len() });
        }
        sizes
    };
    assert_eq!(sizes().await, [4, 3, 2, 0], "the first has the home page too");
    // A place that is free is not filled, so that each post stays where it is.
    stack.pass_seconds(10);
    ada.post("/posts/post-1/unpublish", json!({})).await.expect_status(200);
    for number in 3..6 {
        ada.delete(&format!("/posts/post-{number}")).await.expect_status(204);
    }
    stack.settle().await;
    ada.publish("One more", &[]).await;
    stack.settle().await;
    assert_eq!(sizes().await, [3, 0, 3, 0]);
    let index = read(&visitor.get("/sitemap.xml").await, "sitemapindex", "sitemap");
    assert_eq!(index.len(), 2, "{index:?}");
    assert_eq!(index[0].1.as_deref(), Some("2026-11-21T08:30:20.000Z"), "what is withdrawn changes it too");
    assert_eq!(mapped(&visitor).await, shown(&visitor).await);
    for bad in ["0.xml", "01.xml", "1", "x.xml", "99999999999.xml"] {
        visitor.get(&format!("/sitemaps/{bad}")).await.expect_problem(404, "not-found");
    }
}

#[tokio::test]
async fn a_client_that_has_the_sitemap_is_told_so() {
    let stack = TestStack::start().await;
    let (ada, visitor) = (stack.user("ada").await, stack.visitor());
    ada.publish("One", &[]).await;
    ada.publish("Two", &[]).await;
    stack.settle().await;
    for path in ["/sitemap.xml", "/sitemaps/1.xml"] {
        let sitemap = visitor.get(path).await;
        let (etag, time) = (sitemap.etag(), sitemap.header("last-modified").to_owned());
        visitor.get_with(path, &[("if-none-match", &etag)]).await.expect_status(304);
        visitor.get_with(path, &[("if-modified-since", &time)]).await.expect_status(304);
    }
    let time = visitor.get("/sitemap.xml").await.header("last-modified").to_owned();
    stack.pass_seconds(1);
    ada.delete("/posts/two").await.expect_status(204);
    stack.settle().await;
    let changed = visitor.get_with("/sitemap.xml", &[("if-modified-since", &time)]).await;
    assert_eq!(read(&changed, "urlset", "url").len(), 2);
}

#[tokio::test]
async fn a_sitemap_is_right_whatever_is_stopped_or_comes_twice() {
    for (action, fault) in [
        ("TransactWriteItems", Fault::ServerError),
        ("TransactWriteItems", Fault::AnswerLost),
        ("TransactWriteItems", Fault::TransactionConflict),
        ("GetItem", Fault::ServerError),
        ("Query", Fault::TimedOut),
    ] {
        let stack = TestStack::start_with_parameters(&[("SitemapPosts", "2")]).await;
        let (ada, visitor) = (stack.user("ada").await, stack.visitor());
        let mut all = Vec::new();
        for round in 0..2 {
            for number in 0..3 {
                let slug = ada.publish(&format!("Post {round} {number}"), &["t"]).await;
                match number {
                    0 => ada
                        .patch(&format!("/posts/{slug}"), "*", json!({ "slug": format!("moved-{round}") }))
                        .await
                        .expect_status(200),
                    1 => ada.delete(&format!("/posts/{slug}")).await.expect_status(204),
                    _ => {}
                }
            }
            let changes = stack.changes();
            stack.stack.wire.break_calls(action, round, 1 + round, fault);
            stack.settle().await;
            stack.stack.wire.mend();
            assert_eq!(mapped(&visitor).await, shown(&visitor).await, "{action} {fault:?}");
            all.extend(changes);
        }
        // Everything once more, and the other way round.
        stack.deliver_again(&all).await;
        all.reverse();
        stack.deliver_again(&all).await;
        assert_eq!(mapped(&visitor).await, shown(&visitor).await, "{action} {fault:?}");
        let counted: u32 =
            stack.stack.blog.table.sitemaps(table::Consistency::Strong).await.unwrap().iter().map(|it| it.posts).sum();
        assert_eq!(counted as usize, shown(&visitor).await.len());
    }
}

#[tokio::test]
async fn a_post_that_is_withdrawn_while_it_is_mapped_is_not_in_the_sitemap() {
    let stack = TestStack::start().await;
    let (ada, visitor) = (stack.user("ada").await, stack.visitor());
    ada.publish("One", &[]).await;
    // What keeps the table has read the post, and is about to write.
    let hold = stack.stack.wire.hold_call("TransactWriteItems");
    let settling = tokio::spawn({
        let stack = stack.clone();
        async move { stack.settle().await }
    });
    hold.arrived().await;
    ada.post("/posts/one/unpublish", json!({})).await.expect_status(200);
    hold.release();
    settling.await.unwrap();
    stack.settle().await;
    assert_eq!(mapped(&visitor).await, BTreeMap::new());
}

/// A blog that is older than its sitemap has one after a repair.
#[tokio::test]
async fn a_repair_maps_posts_that_are_not_mapped() {
    let stack = TestStack::start().await;
    let (ada, visitor) = (stack.user("ada").await, stack.visitor());
    ada.publish("One", &[]).await;
    ada.publish("Two", &[]).await;
    ada.draft("Three").save().await;
    assert_eq!(mapped(&visitor).await.len(), 0);
    events::JOBS.iter().find(|job| job.name == "repair").unwrap().run(&stack.stack.events).await.unwrap();
    assert_eq!(mapped(&visitor).await, shown(&visitor).await);
    stack.settle().await;
    assert_eq!(mapped(&visitor).await, shown(&visitor).await);
}

#[tokio::test]
async fn crawlers_are_told_where_the_sitemap_is() {
    let stack = TestStack::start().await;
    let robots = stack.visitor().get("/robots.txt").await;
    robots.expect_status(200);
    assert_eq!(robots.header("content-type"), "text/plain; charset=utf-8");
    let text = std::str::from_utf8(&robots.bytes).unwrap();
    assert_eq!(text, "User-agent: *\nDisallow: /write\n\nSitemap: http://localhost/v1/sitemap.xml\n");
}
