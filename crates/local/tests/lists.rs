//! Lists: order, pages, cursors.

use domain::Role;
use local::wire::Call;
use serde_json::{Value, json};

use crate::harness::{TestStack, walk};

fn ids(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn whichever_list_is_read_first_makes_the_key_of_the_cursors() {
    for path in ["/users/ada/following", "/posts/quoted/quotes"] {
        let stack = TestStack::start().await;
        let ada = stack.user("ada").await;
        ada.publish("Quoted", &[]).await;
        for name in ["bob", "cem"] {
            stack.user(name).await;
            ada.put(&format!("/users/{name}/follow"), json!({})).await.expect_status(204);
            ada.draft(name).with("quote_of", "quoted").publish().await;
        }
        assert_eq!(walk(&ada, path, 1).await.len(), 2, "{path}");
    }
}

#[tokio::test]
async fn every_list_is_walked_to_its_end_newest_first() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let bob = stack.user("bob").await;
    let (mut all, mut of_ada, mut of_rust) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..25 {
        // Two at a time have the same time of publication.
        if number % 2 == 0 {
            stack.pass_seconds(60);
        }
        let (author, name) = if number % 3 == 0 { (&bob, "bob") } else { (&ada, "ada") };
        let tags: &[&str] = if number % 4 == 0 { &["rust", "other"] } else { &["other"] };
        let slug = author.publish(&format!("Post {number}"), tags).await;
        all.insert(0, slug.clone());
        if name == "ada" {
            of_ada.insert(0, slug.clone());
        }
        if number % 4 == 0 {
            of_rust.insert(0, slug);
        }
    }
    let visitor = stack.visitor();
    let slugs = async |client, path: &str, limit| -> Vec<String> {
        walk(client, path, limit).await.iter().map(|item| item["slug"].as_str().unwrap().to_owned()).collect()
    };
    for limit in [1, 7, 20, 25, 100] {
        assert_eq!(slugs(&visitor, "/posts", limit).await, all, "by {limit}");
        assert_eq!(slugs(&visitor, "/posts?author=ada", limit).await, of_ada, "by {limit}");
        assert_eq!(slugs(&visitor, "/posts?author=ADA", limit).await, of_ada, "by {limit}");
        assert_eq!(slugs(&visitor, "/posts?tag=Rust", limit).await, of_rust, "by {limit}");
        assert_eq!(slugs(&ada, "/me/posts?status=published", limit).await, of_ada, "by {limit}");
        assert_eq!(slugs(&ada, "/me/posts", limit).await, of_ada, "by {limit}");
    }
    let first = visitor.get("/posts").await;
    assert_eq!(first.each("slug"), all[..20], "20 if the client does not say");
    for list in ["/posts?author=nobody", "/posts?tag=nothing"] {
        assert_eq!(visitor.get(list).await.body, json!({ "items": [], "next_cursor": null }));
    }
}

#[tokio::test]
async fn ones_own_posts_are_listed_by_status() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    ada.post("/posts", json!({ "title": "Draft", "body": "B" })).await.expect_status(201);
    stack.pass_seconds(1);
    ada.publish("Published", &[]).await;
    stack.pass_seconds(1);
    ada.publish("Trashed", &[]).await;
    ada.delete("/posts/trashed").await.expect_status(204);
    for (query, expected) in [
        ("", vec!["published", "draft"]),
        ("?status=draft", vec!["draft"]),
        ("?status=published", vec!["published"]),
        ("?status=trashed", vec!["trashed"]),
        ("?status=scheduled", vec![]),
    ] {
        assert_eq!(ada.get(&format!("/me/posts{query}")).await.each("slug"), expected, "{query}");
    }
    ada.get("/me/posts?status=lost").await.expect_invalid(&["/status"]);
    let bob = stack.user("bob").await;
    assert!(bob.get("/me/posts").await.each("slug").is_empty());
}

#[tokio::test]
async fn a_cursor_of_an_authors_page_is_none_of_the_authors_own_list() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    for number in 0..3 {
        ada.publish(&format!("Post {number}"), &[]).await;
    }
    let lists = ["/posts?author=ada", "/me/posts?status=published"];
    for (from, to) in [(lists[0], lists[1]), (lists[1], lists[0])] {
        let page = ada.get(&format!("{from}&limit=1")).await;
        let cursor = page.body["next_cursor"].as_str().unwrap();
        ada.get(&format!("{from}&cursor={cursor}")).await.expect_status(200);
        ada.get(&format!("{to}&cursor={cursor}")).await.expect_problem(400, "invalid-cursor");
    }
}

#[tokio::test]
async fn a_cursor_is_good_for_its_own_list_only() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let bob = stack.user("bob").await;
    for number in 0..3 {
        ada.publish(&format!("A {number}"), &["one", "two"]).await;
        bob.publish(&format!("B {number}"), &["one", "two"]).await;
    }
    let visitor = stack.visitor();
    let cursor_of = async |client: &crate::harness::Client, list: &str| {
        let separator = if list.contains('?') { '&' } else { '?' };
        let page = client.get(&format!("{list}{separator}limit=1")).await;
        page.body["next_cursor"].as_str().unwrap_or_else(|| panic!("no cursor: {}", page.body)).to_owned()
    };
    let lists = ["/posts", "/posts?author=ada", "/posts?author=bob", "/posts?tag=one", "/posts?tag=two"];
    for from in lists {
        let cursor = cursor_of(&visitor, from).await;
        for to in lists {
            let separator = if to.contains('?') { '&' } else { '?' };
            let answer = visitor.get(&format!("{to}{separator}cursor={cursor}")).await;
            if from == to {
                answer.expect_status(200);
            } else {
                answer.expect_problem(400, "invalid-cursor");
            }
        }
    }
    // Not even for the same list of somebody else, or of another status.
    let cursor = cursor_of(&ada, "/me/posts").await;
    bob.get(&format!("/me/posts?cursor={cursor}")).await.expect_problem(400, "invalid-cursor");
    ada.get(&format!("/me/posts?status=draft&cursor={cursor}")).await.expect_problem(400, "invalid-cursor");
    ada.get(&format!("/me/posts?limit=2&cursor={cursor}")).await.expect_status(200);

    let cursor = cursor_of(&visitor, "/posts").await;
    for position in 0..cursor.len() {
        let mut altered = cursor.clone().into_bytes();
        altered[position] = if altered[position] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(altered).unwrap();
        visitor.get(&format!("/posts?cursor={altered}")).await.expect_problem(400, "invalid-cursor");
    }
    for broken in ["", "x", "%00", "%F0%9F%A6%80", &cursor[1..], &format!("{cursor}A")] {
        visitor.get(&format!("/posts?cursor={broken}")).await.expect_problem(400, "invalid-cursor");
    }
}

#[tokio::test]
async fn what_a_list_is_asked_for_is_checked() {
    let stack = TestStack::start().await;
    let visitor = stack.visitor();
    for limit in ["0", "101", "-1", "x", "", "1.5", "99999999999999999999"] {
        visitor.get(&format!("/posts?limit={limit}")).await.expect_invalid(&["/limit"]);
    }
    visitor.get("/posts?tag=a&author=ada").await.expect_invalid(&["/tag"]);
    visitor.get("/posts?tags=a").await.expect_invalid(&["/tags"]);
    visitor.get("/posts?tag=a&tag=b").await.expect_invalid(&["/tag"]);
    visitor.get("/posts?author=!&limit=0").await.expect_invalid(&["/author", "/limit"]);
    visitor.get("/health?x=1").await.expect_invalid(&["/x"]);
}

#[tokio::test]
async fn a_walk_sees_each_post_once_while_others_publish() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    for number in 0..40 {
        stack.pass_seconds(7);
        ada.publish(&format!("Old {number}"), &["t"]).await;
    }
    let visitor = stack.visitor();
    let before = walk(&visitor, "/posts", 100).await;
    for list in [
        "/posts",
        "/posts?tag=t",
        "/posts?author=ada",
        "/posts?kind=article",
        "/posts?author=ada&kind=article",
        "/me/posts",
        "/me/posts?status=published",
    ] {
        let visitor = if list.starts_with("/me") { &ada } else { &visitor };
        let separator = if list.contains('?') { '&' } else { '?' };
        let mut seen = Vec::new();
        let mut cursor = String::new();
        let mut page_number = 0;
        loop {
            let page = visitor.get(&format!("{list}{separator}limit=6{cursor}")).await;
            page.expect_status(200);
            seen.extend(page.body["items"].as_array().unwrap().clone());
            // Between two pages others publish, edit, and take back what was published since.
            stack.pass_seconds(1);
            let slug = ada.publish(&format!("New {list} {page_number}"), &["t"]).await;
            ada.patch("/posts/old-3", "*", json!({ "summary": format!("Edit {page_number}") }))
                .await
                .expect_status(200);
            if page_number % 2 == 0 {
                ada.delete(&format!("/posts/{slug}")).await.expect_status(204);
            }
            page_number += 1;
            match page.body["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let seen = ids(&seen);
        for id in ids(&before) {
            assert_eq!(seen.iter().filter(|seen| **seen == id).count(), 1, "{id} in {list}");
        }
    }
}

#[tokio::test]
async fn a_walk_sees_each_draft_scheduled_and_trashed_post_reply_quote_and_tag_once() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    ada.publish("Parent", &[]).await;
    // Makes one of each, named by its number.
    let make = async |number: usize| {
        stack.pass_seconds(1);
        let title = format!("{number}");
        let draft = json!({ "title": format!("Draft {title}"), "body": "B" });
        let later = json!({ "title": format!("Later {title}"), "body": "B", "status": "scheduled", "publish_at": "2027-01-01T00:00:00Z" });
        let reply =
            json!({ "title": format!("Reply {title}"), "body": "B", "reply_to": "parent", "status": "published" });
        let quote = json!({
            "title": format!("Quote {title}"), "body": "B", "quote_of": "parent", "status": "published",
            "tags": [format!("tag-{title}")],
        });
        for post in [draft, later, reply, quote, json!({ "title": format!("Trash {title}"), "body": "B" })] {
            ada.post("/posts", post).await.expect_status(201);
        }
        ada.delete(&format!("/posts/trash-{title}")).await.expect_status(204);
    };
    for number in 0..12 {
        make(number).await;
    }
    let mut made = 12;
    for (list, name) in [
        ("/me/posts?status=draft", "title"),
        ("/me/posts?status=scheduled", "title"),
        ("/me/posts?status=trashed", "title"),
        ("/posts/parent/replies?", "title"),
        ("/posts/parent/quotes?", "title"),
        ("/tags?sort=name", "tag"),
        ("/tags?sort=count", "tag"),
    ] {
        // The list of tags by count is a moment behind.
        stack.settle().await;
        let before = ada.get(&format!("{list}&limit=100")).await.each(name);
        assert_eq!(before.len(), made, "{list}");
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = ada.get(&format!("{list}&limit=5{cursor}")).await;
            seen.extend(page.each(name));
            make(made).await;
            made += 1;
            let Some(next) = page.body["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        for one in before {
            assert_eq!(seen.iter().filter(|seen| **seen == one).count(), 1, "{one} in {list}");
        }
    }
}

#[tokio::test]
async fn the_latest_list_goes_on_over_the_years() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let mut expected = Vec::new();
    for (year, posts) in [("2026", 3), ("2009", 2), ("2031", 0), ("1999", 1), ("2020", 4), ("2010", 2)] {
        for number in 0..posts {
            let title = format!("Of {year} {number}");
            let at = format!("{year}-05-0{}T00:00:00Z", number + 1);
            let body = json!({ "title": title, "body": "x", "status": "published", "publish_at": at });
            ada.post("/posts", body).await.expect_status(201);
            expected.push((at, title));
        }
    }
    expected.sort();
    expected.reverse();
    let expected: Vec<_> = expected.into_iter().map(|(_, title)| title).collect();
    let visitor = stack.visitor();
    for limit in [1, 2, 3, 5, 12, 100] {
        let titles: Vec<_> = walk(&visitor, "/posts", limit).await.iter().map(|post| post["title"].clone()).collect();
        assert_eq!(titles, expected, "by {limit}");
    }

    // In a new year, before its first post, the way back is found at once.
    stack.set_time("2027-01-01T00:00:01Z");
    stack.stack.wire.record();
    assert_eq!(visitor.get("/posts?limit=3").await.each("title"), expected[..3]);
    let reads = stack.stack.wire.take_calls().len();
    assert!(reads <= 3, "{reads} reads");
    // And also when nobody wrote for years.
    stack.set_time("2034-01-01T00:00:01Z");
    assert_eq!(visitor.get("/posts?limit=3").await.each("title"), expected[..3]);
    // A year without posts in between is stepped over.
    let ada = stack.log_in("ada").await;
    ada.publish("Back again", &[]).await;
    let titles: Vec<_> = walk(&visitor, "/posts", 4).await.iter().map(|post| post["title"].clone()).collect();
    assert_eq!(titles[0], "Back again");
    assert_eq!(titles[1..], expected);
}

/// DynamoDB ends a query after 1 MB, which is not the end of the list.
#[tokio::test]
async fn a_page_of_cards_that_are_as_large_as_they_can_be_is_whole() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let url = format!("https://example.com/{}", "a".repeat(1980));
    let tags: Vec<_> = (0..10).map(|number| format!("{number}{}", "a".repeat(39))).collect();
    for number in 0..101 {
        let body = json!({
            "title": format!("{number} {}", "🦀".repeat(190)), "slug": format!("large-{number}"), "body": "B",
            "summary": "🦀".repeat(500), "meta_title": "🦀".repeat(200), "meta_description": "🦀".repeat(500),
            "cover_image_url": url, "canonical_url": url, "tags": tags, "status": "published",
        });
        ada.post("/posts", body).await.expect_status(201);
    }
    for (list, partition) in [("/posts", "LATEST"), ("/posts?author=ada", "BYLINE#ada")] {
        stack.stack.wire.record();
        assert_eq!(walk(&stack.visitor(), list, 100).await.len(), 101, "{list}");
        let of_list = |call: &&Call| call.request["ExpressionAttributeValues"][":pk"]["S"] == partition;
        let queries = stack.stack.wire.take_calls().iter().filter(of_list).count();
        assert_eq!(queries, 3, "two of {list} for the page of 100, and one for the last card");
    }
}

/// What others have not published, editors find by its author.
#[tokio::test]
async fn editors_list_the_posts_of_another_author() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    let editor = stack.user_with_role("eve", Role::Editor).await;
    for title in ["First", "Second", "Third"] {
        ada.draft(title).save().await;
    }
    ada.publish("Public", &[]).await;
    ada.draft("Gone").save().await;
    ada.delete("/posts/gone").await.expect_status(204);
    editor.draft("Of the editor").save().await;
    let slugs = async |query: &str| editor.get(&format!("/me/posts?{query}")).await.each("slug");
    assert_eq!(slugs("author=ada&status=draft").await, ["third", "second", "first"]);
    assert_eq!(slugs("author=ada").await, ["public", "third", "second", "first"]);
    assert_eq!(slugs("author=ada&status=published").await, ["public"]);
    assert_eq!(slugs("author=ada&status=trashed").await, ["gone"]);
    assert_eq!(slugs("author=ada&status=scheduled").await, [""; 0]);
    assert_eq!(slugs("author=eve").await, ["of-the-editor"]);
    let page = editor.get("/me/posts?author=ada&status=draft&limit=2").await;
    let cursor = page.body["next_cursor"].as_str().unwrap();
    assert_eq!(slugs(&format!("author=ada&status=draft&limit=2&cursor={cursor}")).await, ["first"]);
    bob.get(&format!("/me/posts?status=draft&cursor={cursor}")).await.expect_status(400);

    // Others see what they have written themselves.
    assert_eq!(ada.get("/me/posts?author=ada&status=draft").await.each("slug"), ["third", "second", "first"]);
    bob.get("/me/posts?author=ada").await.expect_problem(403, "forbidden");
    editor.get("/me/posts?author=nobody").await.expect_problem(404, "not-found");
    ada.patch("/me", "*", json!({ "username": "countess" })).await.expect_status(200);
    stack.settle().await;
    for name in ["ada", "countess"] {
        assert_eq!(slugs(&format!("author={name}&status=published")).await, ["public"], "{name}");
        // What one was called before is oneself still.
        let own = ada.get(&format!("/me/posts?author={name}&status=draft")).await;
        assert_eq!(own.each("slug"), ["third", "second", "first"], "{name}");
    }
}
