//! Tags and their counts.

use serde_json::json;

use crate::concurrency::at_once;
use crate::harness::{Client, TestStack, walk};

async fn counts(client: &Client, sort: &str, limit: usize) -> Vec<(String, u64)> {
    let tags = walk(client, &format!("/tags?sort={sort}"), limit).await;
    tags.iter().map(|tag| (tag["tag"].as_str().unwrap().to_owned(), tag["posts"].as_u64().unwrap())).collect()
}

fn of(expected: &[(&str, u64)]) -> Vec<(String, u64)> {
    expected.iter().map(|(tag, posts)| ((*tag).to_owned(), *posts)).collect()
}

#[tokio::test]
async fn tags_are_listed_by_count_and_by_name() {
    let stack = TestStack::start().await;
    let (ada, visitor) = (stack.user("ada").await, stack.visitor());
    assert_eq!(visitor.get("/tags").await.body, json!({ "items": [], "next_cursor": null }));
    for tags in [&["rust", "aws"][..], &["rust", "Déjà vu", "aws"], &["rust"], &["zig", "aws", "go"]] {
        ada.publish("Post", tags).await;
    }
    ada.post("/posts", json!({ "title": "Draft", "body": "B", "tags": ["rust", "draft"] })).await.expect_status(201);
    stack.settle().await;
    let by_name = of(&[("aws", 3), ("deja-vu", 1), ("go", 1), ("rust", 3), ("zig", 1)]);
    let by_count = of(&[("aws", 3), ("rust", 3), ("deja-vu", 1), ("go", 1), ("zig", 1)]);
    for limit in [1, 2, 3, 5, 100] {
        assert_eq!(counts(&visitor, "name", limit).await, by_name, "by {limit}");
        assert_eq!(counts(&visitor, "count", limit).await, by_count, "by {limit}");
    }
    assert_eq!(visitor.get("/tags").await.body["items"][0], json!({ "tag": "aws", "posts": 3 }));
    visitor.get("/tags?sort=size").await.expect_invalid(&["/sort"]);
    // A cursor of one order is none of the other.
    let cursor = visitor.get("/tags?limit=1").await.body["next_cursor"].as_str().unwrap().to_owned();
    visitor.get(&format!("/tags?sort=name&cursor={cursor}")).await.expect_problem(400, "invalid-cursor");
}

/// Each tag of the list by count is where it stood when the walk began, however far it moves up or down meanwhile.
#[tokio::test]
async fn a_walk_by_count_shows_tags_that_move_once() {
    let stack = TestStack::start().await;
    let (ada, visitor) = (stack.user("ada").await, stack.visitor());
    let names: Vec<_> = (0..7).map(|number| format!("tag-{number}")).collect();
    for number in 0..7 {
        ada.publish(&format!("Post {number}"), &names[..=number].iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
    stack.settle().await;
    let (mut shown, mut next) = (Vec::new(), "/tags?limit=2".to_owned());
    for page in 0.. {
        let answer = visitor.get(&next).await;
        shown.extend(answer.each("tag"));
        let Some(cursor) = answer.body["next_cursor"].as_str() else { break };
        next = format!("/tags?limit=2&cursor={cursor}");
        // The last one goes to the top in steps, another goes up and back.
        for number in 0..4 {
            stack.pass_seconds(1);
            ada.publish(&format!("Up {page} {number}"), &["tag-6"]).await;
            stack.settle().await;
        }
        ada.publish(&format!("Back {page}"), &["tag-5"]).await;
        stack.settle().await;
        stack.pass_seconds(1);
        ada.delete(&format!("/posts/back-{page}")).await.expect_status(204);
        // One that was shown goes to the end.
        for number in page..6 {
            let tags = json!({ "tags": &names[page + 1..=number] });
            ada.patch(&format!("/posts/post-{number}"), "*", tags).await.expect_status(200);
        }
        stack.settle().await;
    }
    assert_eq!(shown, names);
}

#[tokio::test]
async fn counts_follow_every_change_of_a_post_and_leave_no_orphan() {
    let stack = TestStack::start().await;
    let (ada, visitor) = (stack.user("ada").await, stack.visitor());
    ada.publish("Stays", &["a"]).await;
    let tags = |numbers: std::ops::Range<u32>| numbers.map(|number| format!("t{number}")).collect::<Vec<_>>();
    let body = json!({ "title": "Post", "body": "B", "tags": tags(0..10), "status": "published" });
    ada.post("/posts", body).await.expect_status(201);
    assert_eq!(counts(&visitor, "name", 100).await.len(), 11);
    // Ten tags into ten others.
    ada.patch("/posts/post", "*", json!({ "tags": tags(10..20) })).await.expect_status(200);
    for sort in ["name", "count"] {
        stack.settle().await;
        let found: Vec<_> = counts(&visitor, sort, 100).await.into_iter().map(|(tag, _)| tag).collect();
        let mut expected = tags(10..20);
        expected.insert(0, "a".to_owned());
        assert_eq!(found, expected, "{sort}");
    }
    assert!(visitor.get("/posts?tag=t0").await.each("slug").is_empty());
    assert_eq!(visitor.get("/posts?tag=t19").await.each("slug"), ["post"]);

    ada.patch("/posts/post", "*", json!({ "tags": ["a", "b"] })).await.expect_status(200);
    assert_eq!(counts(&visitor, "name", 100).await, of(&[("a", 2), ("b", 1)]));
    ada.post("/posts/post/unpublish", json!({})).await.expect_status(200);
    ada.patch("/posts/post", "*", json!({ "tags": ["c"] })).await.expect_status(200);
    assert_eq!(counts(&visitor, "name", 100).await, of(&[("a", 1)]));
    ada.post("/posts/post/publish", json!({})).await.expect_status(200);
    assert_eq!(counts(&visitor, "name", 100).await, of(&[("a", 1), ("c", 1)]));
    ada.delete("/posts/post").await.expect_status(204);
    ada.delete("/posts/stays").await.expect_status(204);
    stack.settle().await;
    for sort in ["name", "count"] {
        assert_eq!(counts(&visitor, sort, 100).await, of(&[]), "{sort}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_are_exact_when_many_publish_at_once() {
    let stack = TestStack::start().await;
    let visitor = stack.visitor();
    let mut authors = Vec::new();
    for number in 0..10 {
        authors.push(stack.user(&format!("author-{number}")).await);
    }
    for ten in 0..3 {
        let statuses = at_once(10, |author| {
            let (number, author) = (10 * ten + author, authors[author].clone());
            let body = json!({ "title": format!("{number}"), "body": "B", "tags": ["all", format!("t{}", number % 3)], "status": "published" });
            async move { author.post("/posts", body).await }
        })
        .await;
        assert_eq!(statuses, [201; 10]);
    }
    let expected = of(&[("all", 30), ("t0", 10), ("t1", 10), ("t2", 10)]);
    assert_eq!(counts(&visitor, "name", 100).await, expected);
    let statuses = at_once(30, |number| {
        let ada = authors[number % 10].clone();
        async move {
            match number % 3 {
                0 => ada.delete(&format!("/posts/{number}")).await,
                1 => ada.patch(&format!("/posts/{number}"), "*", json!({ "tags": ["all"] })).await,
                _ => ada.post(&format!("/posts/{number}/unpublish"), json!({})).await,
            }
        }
    })
    .await;
    assert!(statuses.iter().all(|status| [200, 204].contains(status)), "{statuses:?}");
    stack.settle().await;
    for sort in ["name", "count"] {
        assert_eq!(counts(&visitor, sort, 100).await, of(&[("all", 10)]), "{sort}");
    }
}

#[tokio::test]
async fn tags_are_spread_over_partitions() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    stack.stack.wire.record();
    for number in 0..4 {
        let tags: Vec<_> = (0..10).map(|tag| format!("{number}-{tag}")).collect();
        let tags: Vec<_> = tags.iter().map(String::as_str).collect();
        ada.publish(&format!("{number}"), &tags).await;
    }
    let mut partitions = std::collections::BTreeMap::<String, u32>::new();
    for call in stack.stack.wire.take_calls() {
        for write in call.request["TransactItems"].as_array().into_iter().flatten() {
            let key = write["Update"]["Key"]["pk"]["S"].as_str().unwrap_or_default();
            if key.starts_with("TAGS#") {
                *partitions.entry(key.to_owned()).or_default() += 1;
            }
        }
    }
    assert_eq!(partitions.len(), 4, "{partitions:?}");
    assert!(partitions.values().all(|writes| (4..=18).contains(writes)), "{partitions:?}");
}
