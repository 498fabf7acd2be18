//! What each access pattern costs, as DynamoDB counts it.

use domain::Timestamp;
use domain::{Follow, UserId};
use expect_test::expect;
use local::wire::Call;
use serde_json::json;

use crate::harness::{Answer, Client, PASSWORD, START, TestStack};

/// Ten kilobytes that deflate to less than half, as prose does.
pub fn ten_kilobytes() -> String {
    let syllables =
        ["ka", "lo", "mi", "ren", "tus", "ver", "da", "shi", "por", "en", "gal", "ist", "om", "fe", "quo", "ry"];
    let mut state = 7_usize;
    let mut random = |below: usize| {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345) % 2_147_483_648;
        (state >> 8) % below
    };
    let mut text = String::new();
    while text.len() < 10_000 {
        for _ in 0..1 + random(3) {
            text.push_str(syllables[random(syllables.len())]);
        }
        text.push_str(if random(60) == 0 { ".\n\n" } else { " " });
    }
    text
}

/// A post whose card is a kilobyte. Titles of one length, so that blogs of any size compare.
async fn write_post(author: &Client, number: usize, tags: &[&str], status: &str) {
    let body = json!({
        "title": format!("Post number {number:06}"),
        "slug": slug(number),
        "body": ten_kilobytes(),
        "summary": "s".repeat(470),
        "tags": tags,
        "status": status,
    });
    author.post("/posts", body).await.expect_status(201);
}

fn id_of(answer: &Answer) -> UserId {
    answer.body["id"].as_str().unwrap().parse().unwrap()
}

fn slug(number: usize) -> String {
    format!("post-number-{number:06}")
}

/// What `request` cost, checked against its budget: calls of DynamoDB that read, capacity units that they may
/// take, calls that write, and units for those.
async fn cost(stack: &TestStack, pattern: &str, budget: [f64; 4], request: impl Future<Output = ()>) -> String {
    stack.stack.wire.take_calls();
    request.await;
    summed(pattern, budget, &stack.stack.wire.take_calls())
}

/// What the plug-in does that tells users, of all that there is to do.
async fn cost_of_notify(stack: &TestStack, pattern: &str, budget: [f64; 4]) -> String {
    stack.stack.wire.take_calls();
    stack.settle().await;
    let calls = stack.stack.wire.take_calls().into_iter();
    let calls: Vec<_> = calls.filter(|call| call.operation.as_deref() == Some("notify")).collect();
    summed(pattern, budget, &calls)
}

fn summed(pattern: &str, budget: [f64; 4], calls: &[Call]) -> String {
    // That a request is counted is one write of one unit more, the same for all (rate_limits.rs).
    let of_table: Vec<_> = calls.iter().filter(|call| call.service == "dynamodb" && !call.counts_request()).collect();
    let (writes, reads): (Vec<_>, Vec<_>) = of_table.iter().partition(|call| call.action.contains("Write"));
    let units = |calls: &[&&Call]| calls.iter().fold(0.0, |sum, call| sum + call.capacity);
    let took = [reads.len() as f64, units(&reads), writes.len() as f64, units(&writes)];
    for (took, allowed) in took.iter().zip(budget) {
        assert!(*took <= allowed, "{pattern} took {took:?} of {budget:?}: {calls:?}");
    }
    let [reads, read_units, writes, write_units] = took;
    format!("{pattern:28} {reads} reads {read_units:>4} RCU  {writes} writes {write_units:>3} WCU\n")
}

async fn measured(posts: usize) -> String {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let tags = ["one", "two", "three", "four", "five"];
    for number in 0..posts {
        stack.pass_seconds(1);
        write_post(&ada, number, &tags[..1], "published").await;
    }
    for number in 0..21 {
        write_post(&ada, posts + number, &tags, "draft").await;
    }
    let visitor = stack.visitor();
    let ada_id = id_of(&ada.get("/me").await);
    for number in 0..posts {
        let name = format!("user-{number:06}");
        let registration = json!({ "username": name, "email": format!("{name}@example.com"), "password": PASSWORD });
        // Each from elsewhere, or most would be too many from one place.
        let visitor = stack.visitor().from(&format!("203.0.113.{number}"));
        let follower = id_of(&visitor.post("/users", registration).await);
        let followed_at = Timestamp::from_milliseconds(START);
        stack.stack.blog.table.follow(&Follow { follower, followed: ada_id, followed_at }).await.unwrap();
    }
    // A thread whose comments are a kilobyte each, at the third post.
    let prose: String = ten_kilobytes().chars().take(1_000).collect();
    let thread = format!("/posts/{}/comments", slug(3));
    let mut parent = serde_json::Value::Null;
    for number in 0..21 {
        let comment = ada.post(&thread, json!({ "body": prose, "parent_id": parent })).await;
        comment.expect_status(201);
        parent = if number % 5 == 4 { serde_json::Value::Null } else { comment.body["id"].clone() };
    }
    let top = visitor.get(&thread).await.body["items"][0]["id"].clone();
    for number in 0..21 {
        ada.call("PUT", &format!("/me/bookmarks/{}", slug(number)), &[], None).await.expect_status(204);
    }
    let alias = async |aliases: [&str; 2]| {
        let path = format!("/posts/{}/aliases", slug(6));
        ada.put(&path, json!({ "aliases": aliases })).await.expect_status(200);
    };
    alias(["a", "b"]).await;
    ada.patch(&format!("/posts/{}", slug(5)), "*", json!({ "slug": "renamed" })).await.expect_status(200);
    let moved = async |path: &str| visitor.get(path).await.expect_status(301);
    // A warm process: token keys, cursor key and this year are known, and the authorizer has just answered.
    visitor.get("/feed.xml").await.expect_status(200);
    ada.get("/posts?limit=1").await.expect_status(200);
    stack.stack.wire.record();
    let get = async |client: &Client, path: &str| client.get(path).await.expect_status(200);
    let post = format!("/posts/{}", slug(posts));
    let publish = async || ada.post(&format!("{post}/publish"), json!({})).await.expect_status(200);
    let edit = async || ada.patch(&post, "*", json!({ "title": "Post number 999999" })).await.expect_status(200);
    let read = format!("/posts/{}", slug(3));
    let follow = async || ada.call("PUT", "/users/user-000003/follow", &[], None).await.expect_status(204);
    let unfollow = async || ada.delete("/users/user-000003/follow").await.expect_status(204);

    let post_to = async |path: &str, body| ada.post(path, body).await.expect_status(201);
    let react = async |kind: &str| {
        let path = format!("/posts/{}/reaction", slug(25));
        ada.put(&path, json!({ "kind": kind })).await.expect_status(204);
    };
    let bookmark = async || ada.call("PUT", &format!("/me/bookmarks/{}", slug(25)), &[], None).await.expect_status(204);

    // The budgets are DESIGN's. It counts eventually consistent reads; whoever is signed in reads consistently,
    // which costs twice as much. A change reads the post before and answers with its text after. Following is over
    // its budget of 6 (docs/adr/0005). Whom a name means is read before, and on a public route who is signed in.
    // Whoever follows reads whether the other is still there, because the transaction must not (docs/adr/0020).
    // What is pinned is asked for at the same time as the latest posts. Whoever unfollows hides the author's posts from the home
    // feed besides (docs/adr/0026). A page of that is 12 RCU, and what the viewer did with the posts.
    [
        cost(&stack, "read a post", [1.0, 2.0, 0.0, 0.0], get(&visitor, &read)).await,
        cost(&stack, "20 latest", [2.0, 3.0, 0.0, 0.0], get(&visitor, "/posts")).await,
        cost(&stack, "20 of an author", [1.0, 3.0, 0.0, 0.0], get(&visitor, "/posts?author=ada")).await,
        cost(&stack, "20 of a tag", [1.0, 3.0, 0.0, 0.0], get(&visitor, "/posts?tag=one")).await,
        cost(&stack, "20 of my drafts", [1.0, 6.0, 0.0, 0.0], get(&ada, "/me/posts?status=draft")).await,
        cost(&stack, "publish with 5 tags", [2.0, 5.0, 1.0, 40.0], publish()).await,
        cost(&stack, "edit a title with 5 tags", [2.0, 5.0, 1.0, 40.0], edit()).await,
        cost(&stack, "replace 2 aliases by 2", [2.0, 2.0, 1.0, 12.0], alias(["c", "d"])).await,
        cost(&stack, "by an alias", [4.0, 4.0, 0.0, 0.0], moved("/posts/c")).await,
        cost(&stack, "by a former slug", [4.0, 4.0, 0.0, 0.0], moved(&format!("/posts/{}", slug(5)))).await,
        cost(&stack, "follow", [2.0, 2.0, 1.0, 10.0], follow()).await,
        cost(&stack, "unfollow", [2.0, 2.0, 1.0, 12.0], unfollow()).await,
        cost(&stack, "a feed", [2.0, 40.0, 0.0, 0.0], get(&visitor, "/feed.xml")).await,
        cost(&stack, "a feed of an author", [4.0, 42.0, 0.0, 0.0], get(&visitor, "/users/ada/feed.xml")).await,
        cost(&stack, "a feed of a tag", [2.0, 40.0, 0.0, 0.0], get(&visitor, "/tags/one/feed.json")).await,
        cost(&stack, "20 comments", [2.0, 4.0, 0.0, 0.0], get(&visitor, &thread)).await,
        cost(&stack, "comment", [3.0, 3.0, 1.0, 10.0], post_to(&thread, json!({ "body": prose }))).await,
        cost(&stack, "reply", [5.0, 7.0, 1.0, 14.0], post_to(&thread, json!({ "body": prose, "parent_id": top })))
            .await,
        cost(&stack, "react", [4.0, 4.0, 1.0, 6.0], react("like")).await,
        cost(&stack, "react otherwise", [4.0, 4.0, 1.0, 6.0], react("love")).await,
        cost(&stack, "bookmark", [3.0, 4.0, 1.0, 6.0], bookmark()).await,
        cost(&stack, "20 bookmarks", [3.0, 32.0, 0.0, 0.0], get(&ada, "/me/bookmarks")).await,
        cost(&stack, "20 followers", [3.0, 12.0, 0.0, 0.0], get(&visitor, "/users/ada/followers")).await,
        cost(&stack, "20 followers, signed in", [4.0, 43.5, 0.0, 0.0], get(&ada, "/users/ada/followers")).await,
        cost(&stack, "read my profile", [1.0, 1.0, 0.0, 0.0], get(&ada, "/me")).await,
        {
            stack.pass_seconds(60);
            cost(&stack, "authorize, read my profile", [2.0, 1.5, 0.0, 0.0], get(&ada, "/me")).await
        },
        {
            let reader = stack.user("reader").await;
            reader.call("PUT", "/users/ada/follow", &[], None).await.expect_status(204);
            // As the plug-in does.
            stack.stack.blog.table.settle_follow(id_of(&reader.get("/me").await), ada_id, None, 1000).await.unwrap();
            // So long that the reader has written nothing lately, and not into the first seconds of a minute, when that is not
            // known; the authorizer has just answered.
            stack.pass_seconds(140);
            get(&reader, "/me/tags").await;
            cost(&stack, "20 of my home feed", [6.0, 13.0, 0.0, 0.0], get(&reader, "/me/feed")).await
        },
    ]
    .concat()
}

#[tokio::test]
async fn what_each_pattern_costs_does_not_grow_with_the_blog() {
    let small = measured(30).await;
    expect![[r#"
        read a post                  1 reads  1.5 RCU  0 writes   0 WCU
        20 latest                    2 reads    3 RCU  0 writes   0 WCU
        20 of an author              1 reads    3 RCU  0 writes   0 WCU
        20 of a tag                  1 reads  2.5 RCU  0 writes   0 WCU
        20 of my drafts              1 reads    5 RCU  0 writes   0 WCU
        publish with 5 tags          2 reads    3 RCU  1 writes  40 WCU
        edit a title with 5 tags     2 reads    3 RCU  1 writes  26 WCU
        replace 2 aliases by 2       2 reads    2 RCU  1 writes  12 WCU
        by an alias                  4 reads  3.5 RCU  0 writes   0 WCU
        by a former slug             4 reads  3.5 RCU  0 writes   0 WCU
        follow                       2 reads    2 RCU  1 writes  10 WCU
        unfollow                     2 reads    2 RCU  1 writes  12 WCU
        a feed                       2 reads 12.5 RCU  0 writes   0 WCU
        a feed of an author          4 reads   14 RCU  0 writes   0 WCU
        a feed of a tag              2 reads 12.5 RCU  0 writes   0 WCU
        20 comments                  2 reads  3.5 RCU  0 writes   0 WCU
        comment                      3 reads    3 RCU  1 writes  10 WCU
        reply                        5 reads    6 RCU  1 writes  12 WCU
        react                        4 reads    4 RCU  1 writes   6 WCU
        react otherwise              4 reads    4 RCU  1 writes   6 WCU
        bookmark                     3 reads    3 RCU  1 writes   4 WCU
        20 bookmarks                 3 reads   23 RCU  0 writes   0 WCU
        20 followers                 3 reads   12 RCU  0 writes   0 WCU
        20 followers, signed in      4 reads 43.5 RCU  0 writes   0 WCU
        read my profile              1 reads    1 RCU  0 writes   0 WCU
        authorize, read my profile   2 reads  1.5 RCU  0 writes   0 WCU
        20 of my home feed           5 reads   12 RCU  0 writes   0 WCU
    "#]]
    .assert_eq(&small);
    assert_eq!(measured(120).await, small);
}

/// What a blog of so many posts costs to search and to list for crawlers, with 20 posts in a sitemap.
async fn measured_discovery(posts: usize) -> String {
    let stack = TestStack::start_with_parameters(&[("SitemapPosts", "20")]).await;
    let ada = stack.user("ada").await;
    for number in 0..posts {
        stack.pass_seconds(1);
        write_post(&ada, number, &["one"], "published").await;
    }
    stack.settle().await;
    let visitor = stack.visitor();
    let get = async |path: &str| visitor.get(path).await.expect_status(200);
    // A warm process: it has the index, and the key that cursors are signed with.
    get("/search?q=post").await;
    stack.stack.wire.record();
    let rows = [
        cost(&stack, "search, 20 hits", [2.0, 11.0, 0.0, 0.0], get("/search?q=post")).await,
        cost(&stack, "search, 1 hit", [2.0, 1.5, 0.0, 0.0], get("/search?q=000007")).await,
        cost(&stack, "search, an author's", [3.0, 12.0, 0.0, 0.0], get("/search?q=post+author:ada")).await,
        cost(&stack, "a sitemap of 20", [2.0, 4.0, 0.0, 0.0], get("/sitemaps/1.xml")).await,
        cost(&stack, "the index of sitemaps", [1.0, 1.0, 0.0, 0.0], get("/sitemap.xml")).await,
        cost(&stack, "robots.txt", [0.0, 0.0, 0.0, 0.0], get("/robots.txt")).await,
    ];
    // A post more costs the writer of the index as much, but for what it merges.
    stack.stack.wire.take_calls();
    write_post(&ada, posts, &["one"], "published").await;
    stack.settle().await;
    let calls = stack.stack.wire.take_calls().into_iter();
    let calls: Vec<_> = calls.filter(|call| call.operation.as_deref() == Some("index_posts")).collect();
    let indexed = summed("take a post into the index", [6.0, 12.0, 4.0, 12.0], &calls);
    rows.concat() + &indexed
}

#[tokio::test]
async fn what_a_search_and_sitemaps_cost_does_not_grow_with_the_blog() {
    let small = measured_discovery(41).await;
    expect![[r#"
        search, 20 hits              2 reads   11 RCU  0 writes   0 WCU
        search, 1 hit                2 reads  1.5 RCU  0 writes   0 WCU
        search, an author's          3 reads   12 RCU  0 writes   0 WCU
        a sitemap of 20              2 reads    1 RCU  0 writes   0 WCU
        the index of sitemaps        1 reads  0.5 RCU  0 writes   0 WCU
        robots.txt                   0 reads    0 RCU  0 writes   0 WCU
        take a post into the index   4 reads    5 RCU  3 writes   8 WCU
    "#]]
    .assert_eq(&small);
    assert_eq!(measured_discovery(70).await, small);
}

/// What notifications cost, with so many of them.
async fn measured_notifications(number: usize) -> String {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    let names = (0..number).map(|number| format!("/posts/post-{number:03}"));
    let names: Vec<_> = names.collect();
    for number in 0..number {
        ada.publish(&format!("Post {number:03}"), &[]).await;
    }
    let react = async |client: &Client, post: &str, kind: &str| {
        client.put(&format!("{post}/reaction"), json!({ "kind": kind })).await.expect_status(204);
    };
    for post in &names {
        bob.post(&format!("{post}/comments"), json!({ "body": "A comment." })).await.expect_status(201);
        react(&bob, post, "like").await;
    }
    stack.settle().await;
    ada.get("/me/notifications").await.expect_status(200);
    stack.stack.wire.record();
    let get = async |path: &str| ada.get(path).await.expect_status(200);
    let ids = ada.get("/me/notifications?limit=100").await.each("id");
    let mark = async |place: usize| {
        let up_to = json!({ "up_to": ids[place] });
        ada.post("/me/notifications/read", up_to).await.expect_status(204);
    };
    let mut lines = String::new();
    // At the least what the page shows is looked at, at most all of the unread ones that are counted.
    for (unread, reads, units) in [("100", 4.0, 75.0), ("99", 7.0, 300.0), ("20", 4.0, 75.0), ("0", 3.0, 75.0)] {
        if unread != "100" {
            let marked = mark(unread.parse().expect("a number"));
            let marked = cost(&stack, "mark as read", [2.0, 2.0, 1.0, 2.0], marked).await;
            if unread == "0" {
                lines.push_str(&marked);
            }
        }
        let pattern = format!("20 notifications, {unread} unread");
        lines += &cost(&stack, &pattern, [reads, units, 0.0, 0.0], get("/me/notifications")).await;
    }
    bob.post(&format!("{}/comments", names[0]), json!({ "body": "Another." })).await.expect_status(201);
    lines += &cost_of_notify(&stack, "tell of a comment", [12.0, 14.0, 1.0, 4.0]).await;
    stack.user("eve").await.call("PUT", "/users/ada/follow", &[], None).await.expect_status(204);
    lines += &cost_of_notify(&stack, "tell of a follow", [8.0, 8.0, 1.0, 4.0]).await;
    react(&stack.log_in("eve").await, &names[0], "love").await;
    lines += &cost_of_notify(&stack, "tell of a reaction", [10.0, 12.0, 1.0, 10.0]).await;
    ada.publish("Of no concern", &[]).await;
    lines += &cost_of_notify(&stack, "a post that concerns nobody", [2.0, 2.0, 0.0, 0.0]).await;
    lines
}

#[tokio::test]
async fn what_notifications_cost_does_not_grow_with_their_number() {
    let few = measured_notifications(51).await;
    expect![[r#"
        20 notifications, 100 unread 4 reads   61 RCU  0 writes   0 WCU
        20 notifications, 99 unread  6 reads  259 RCU  0 writes   0 WCU
        20 notifications, 20 unread  4 reads   56 RCU  0 writes   0 WCU
        mark as read                 2 reads    2 RCU  1 writes   2 WCU
        20 notifications, 0 unread   3 reads   54 RCU  0 writes   0 WCU
        tell of a comment            10 reads   12 RCU  1 writes   4 WCU
        tell of a follow             6 reads    6 RCU  1 writes   4 WCU
        tell of a reaction           9 reads    9 RCU  1 writes   8 WCU
        a post that concerns nobody  2 reads    2 RCU  0 writes   0 WCU
    "#]]
    .assert_eq(&few);
    assert_eq!(measured_notifications(56).await, few);
}

/// Whoever has just written sees it at once, and pays for that; whoever only reads does not.
#[tokio::test]
async fn a_viewer_who_wrote_lately_reads_consistently_and_no_other() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let bob = stack.user("bob").await;
    ada.publish("Hello", &[]).await;
    stack.stack.wire.record();
    let is_strong = async |client: &Client| {
        stack.stack.wire.take_calls();
        client.get("/posts").await.expect_status(200);
        let calls = stack.stack.wire.take_calls();
        let latest = |call: &&Call| call.request["ExpressionAttributeValues"].to_string().contains("LATEST");
        calls.iter().find(latest).expect("the list is read").request["ConsistentRead"] == true
    };
    // What a window began with is not known.
    assert!(is_strong(&bob).await);
    stack.set_time("2026-11-21T08:31:05.000Z");
    assert!(!is_strong(&bob).await && !is_strong(&ada).await);
    ada.publish("Again", &[]).await;
    assert!(is_strong(&ada).await && !is_strong(&bob).await);
    // At the end of a window, and after it.
    stack.set_time("2026-11-21T08:31:59.999Z");
    assert!(is_strong(&ada).await);
    stack.set_time("2026-11-21T08:32:04.999Z");
    assert!(is_strong(&ada).await);
    stack.set_time("2026-11-21T08:32:05.000Z");
    assert!(!is_strong(&ada).await);
    assert!(!is_strong(&stack.visitor()).await);
}
