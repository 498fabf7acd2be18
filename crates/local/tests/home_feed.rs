//! The home feed: what is in it, in what order, at what cost, and what happens when its plug-in is stopped, late or repeated.

use std::collections::BTreeSet;

use domain::{Follow, Timestamp, UserId};
use dynoxide::ImportOptions;
use expect_test::expect;
use local::backing::TABLE_NAME;
use local::wire::{Call, Fault};
use serde_json::{Value, json};
use table::keys::{self, List};
use table::{Consistency, Repair};

use crate::harness::{Answer, Client, PASSWORD, START, TestStack, walk};
use crate::repaired;

async fn follow(client: &Client, username: &str) {
    client.call("PUT", &format!("/users/{username}/follow"), &[], None).await.expect_status(204);
}

async fn unfollow(client: &Client, username: &str) {
    client.delete(&format!("/users/{username}/follow")).await.expect_status(204);
}

async fn repost(client: &Client, slug: &str) {
    client.call("PUT", &format!("/posts/{slug}/repost"), &[], None).await.expect_status(204);
}

async fn feed(client: &Client) -> Answer {
    let page = client.get("/me/feed").await;
    page.expect_status(200);
    page
}

async fn slugs(client: &Client) -> Vec<String> {
    feed(client).await.each("slug")
}

async fn walked(client: &Client, limit: usize) -> Vec<String> {
    let items = walk(client, "/me/feed", limit).await;
    items.iter().map(|item| item["slug"].as_str().unwrap().to_owned()).collect()
}

async fn id_of(client: &Client) -> UserId {
    client.get("/me").await.body["id"].as_str().unwrap().parse().unwrap()
}

async fn publish(stack: &TestStack, author: &Client, title: &str, tags: &[&str]) -> String {
    stack.pass_seconds(1);
    author.publish(title, tags).await
}

/// The slugs `PREFIX-N`, from the last number to the first.
fn numbered(prefix: &str, numbers: impl DoubleEndedIterator<Item = usize>) -> Vec<String> {
    numbers.rev().map(|number| format!("{prefix}-{number}")).collect()
}

/// Asks the database itself.
async fn dynamodb(stack: &TestStack, action: &str, mut request: Value) -> Value {
    request["TableName"] = json!(TABLE_NAME);
    let asked = reqwest::Client::new()
        .post(format!("http://{}/", stack.stack.backing.dynamodb))
        .header("x-amz-target", format!("DynamoDB_20120810.{action}"))
        .header("content-type", "application/x-amz-json-1.0")
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=local/20260101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
        )
        .header("x-amz-date", "20260101T000000Z")
        .body(request.to_string());
    let answer = asked.send().await.unwrap();
    let status = answer.status();
    let body = answer.text().await.unwrap();
    assert!(status.is_success(), "{status} {body}");
    serde_json::from_str(&body).unwrap()
}

/// The sort keys of what is stored in a list.
async fn sort_keys(stack: &TestStack, list: &List) -> Vec<String> {
    let request = json!({
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": { ":pk": { "S": list.partition } },
    });
    let found = dynamodb(stack, "Query", request).await;
    found["Items"].as_array().unwrap().iter().map(|item| item["sk"]["S"].as_str().unwrap().to_owned()).collect()
}

/// What is stored in the feed of a user.
async fn stored(stack: &TestStack, user: UserId) -> Vec<String> {
    sort_keys(stack, &keys::feed(user)).await
}

/// A stack on which this many followers make an author very popular if there is one more.
async fn stack_with(max_followers: usize) -> TestStack {
    TestStack::start_with_parameters(&[("FanOutFollowers", &max_followers.to_string())]).await
}

async fn given_up(stack: &TestStack) -> Vec<Value> {
    stack.stack.bus.given_up("HomeFeedFailures")
}

#[tokio::test]
async fn a_feed_has_the_posts_of_whom_one_follows_and_ones_own_newest_first() {
    let stack = TestStack::start().await;
    let (ada, bob, cem) = (stack.user("ada").await, stack.user("bob").await, stack.user("cem").await);
    let visitor = stack.visitor();
    visitor.get("/me/feed").await.expect_problem(401, "unauthenticated");
    assert_eq!(feed(&bob).await.body, json!({ "items": [], "next_cursor": null }));
    publish(&stack, &ada, "Ada 0", &[]).await;
    publish(&stack, &cem, "Cem 0", &[]).await;
    ada.draft("Draft").save().await;
    follow(&bob, "ada").await;
    // Their newest posts come in a moment later; one's own are there at once.
    publish(&stack, &bob, "Bob 0", &[]).await;
    assert_eq!(slugs(&bob).await, ["bob-0"]);
    stack.settle().await;
    assert_eq!(slugs(&bob).await, ["bob-0", "ada-0"]);
    publish(&stack, &ada, "Ada 1", &[]).await;
    publish(&stack, &bob, "Bob 1", &[]).await;
    publish(&stack, &cem, "Cem 1", &[]).await;
    stack.settle().await;
    let page = feed(&bob).await;
    assert_eq!(page.each("slug"), ["bob-1", "ada-1", "bob-0", "ada-0"]);
    assert_eq!(page.header("cache-control"), "private, no-store");
    // A card is what it is in any other list.
    assert_eq!(page.body["items"][1], bob.get("/posts?author=ada").await.body["items"][0]);
    assert_eq!(slugs(&ada).await, ["ada-1", "ada-0"]);
    for limit in [1, 2, 3, 4, 100] {
        assert_eq!(walked(&bob, limit).await, ["bob-1", "ada-1", "bob-0", "ada-0"], "by {limit}");
    }
    bob.get("/me/feed?limit=0&x=1").await.expect_invalid(&["/limit", "/x"]);
    let cursor = bob.get("/me/feed?limit=1").await.body["next_cursor"].as_str().unwrap().to_owned();
    for (client, path) in [(&ada, "/me/feed"), (&bob, "/me/bookmarks")] {
        client.get(&format!("{path}?cursor={cursor}")).await.expect_problem(400, "invalid-cursor");
    }
    assert_eq!(given_up(&stack).await, [] as [Value; 0]);
}

#[tokio::test]
async fn a_post_shows_once_whatever_ways_it_comes() {
    let stack = TestStack::start().await;
    let (ada, bob, cem, dee) =
        (stack.user("ada").await, stack.user("bob").await, stack.user("cem").await, stack.user("dee").await);
    for name in ["ada", "bob", "cem"] {
        follow(&dee, name).await;
    }
    dee.call("PUT", "/tags/rust/follow", &[], None).await.expect_status(204);
    for number in 0..6 {
        publish(&stack, &ada, &format!("Ada {number}"), &["rust"]).await;
    }
    for (client, slug) in [(&bob, "ada-1"), (&cem, "ada-1"), (&cem, "ada-4"), (&dee, "ada-3")] {
        stack.pass_seconds(1);
        repost(client, slug).await;
    }
    stack.settle().await;
    // By its author, by a tag, and by two reposts: where it comes first.
    let expected = ["ada-3", "ada-4", "ada-1", "ada-5", "ada-2", "ada-0"];
    for limit in [1, 2, 3, 4, 6, 100] {
        assert_eq!(walked(&dee, limit).await, expected, "by {limit}");
    }
    let page = feed(&dee).await;
    assert_eq!(page.body["items"][2]["kind"], "repost");
    assert_eq!(page.body["items"][2]["author"]["username"], "cem");
    // Without the repost it is where it was, and without that of the one it is that of the other.
    cem.delete("/posts/ada-1/repost").await.expect_status(204);
    cem.delete("/posts/ada-4/repost").await.expect_status(204);
    for _ in 0..2 {
        let page = feed(&dee).await;
        assert_eq!(page.each("slug"), ["ada-3", "ada-1", "ada-5", "ada-4", "ada-2", "ada-0"]);
        assert_eq!(page.body["items"][1]["author"]["username"], "bob");
        stack.settle().await;
    }
    // A repost of what is gone shows nothing, and of whom one does not follow neither.
    ada.post("/posts/ada-1/unpublish", json!({})).await.expect_status(200);
    unfollow(&dee, "ada").await;
    dee.delete("/tags/rust/follow").await.expect_status(204);
    assert_eq!(slugs(&dee).await, ["ada-3"]);
    ada.post("/posts/ada-1/publish", json!({})).await.expect_status(200);
    assert_eq!(slugs(&dee).await, ["ada-3", "ada-1"]);
    stack.settle().await;
    assert_eq!(slugs(&dee).await, ["ada-3", "ada-1"]);
}

#[tokio::test]
async fn a_walk_shows_each_post_once_however_many_reposts_there_are_of_it() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let reader = stack.user("reader").await;
    let mut fans = Vec::new();
    for number in 0..3 {
        let name = format!("fan-{number}");
        fans.push(stack.user(&name).await);
        follow(&reader, &name).await;
    }
    follow(&reader, "ada").await;
    for number in 0..20 {
        publish(&stack, &ada, &format!("Ada {number}"), &[]).await;
    }
    // Days later, when nearly all that was shown is forgotten but what still may come.
    stack.pass_seconds(3 * 24 * 60 * 60);
    let reader = stack.log_in("reader").await;
    for (number, fan) in fans.iter_mut().enumerate() {
        *fan = stack.log_in(&format!("fan-{number}")).await;
    }
    for (number, fan) in (0..40).map(|number| (number, &fans[number % 3])) {
        stack.pass_seconds(1);
        repost(fan, &format!("ada-{}", number * 7 % 20)).await;
    }
    stack.settle().await;
    let all: BTreeSet<_> = numbered("ada", 0..20).into_iter().collect();
    for limit in [3, 7, 100] {
        let seen = walked(&reader, limit).await;
        assert_eq!(seen.len(), 20, "by {limit}: {seen:?}");
        assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), all, "by {limit}");
    }
}

#[tokio::test]
async fn what_is_withdrawn_edited_or_renamed_shows_so_at_once() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    follow(&bob, "ada").await;
    for number in 0..4 {
        publish(&stack, &ada, &format!("Ada {number}"), &[]).await;
    }
    stack.settle().await;
    let before = stored(&stack, id_of(&bob).await).await;
    assert_eq!(before.len(), 4);

    ada.post("/posts/ada-1/unpublish", json!({})).await.expect_status(200);
    ada.delete("/posts/ada-2").await.expect_status(204);
    ada.patch("/posts/ada-3", "*", json!({ "title": "New title", "slug": "new" })).await.expect_status(200);
    let shown = async || {
        let page = feed(&bob).await;
        (page.each("slug"), page.body["items"][0]["title"].clone())
    };
    // Before the plug-in has heard of it, and after.
    assert_eq!(shown().await, (vec!["new".to_owned(), "ada-0".to_owned()], json!("New title")));
    // A page that loses something has a next one.
    assert_eq!(walked(&bob, 1).await, ["new", "ada-0"]);
    stack.settle().await;
    assert_eq!(shown().await.0, ["new", "ada-0"]);
    assert_eq!(stored(&stack, id_of(&bob).await).await.len(), 2, "what is withdrawn is taken out");

    // Back where they were.
    ada.post("/posts/ada-1/publish", json!({})).await.expect_status(200);
    ada.post("/posts/ada-2/restore", json!({})).await.expect_status(200);
    stack.settle().await;
    assert_eq!(shown().await.0, ["new", "ada-1", "ada-0"]);
    ada.post("/posts/ada-2/publish", json!({})).await.expect_status(200);
    stack.settle().await;
    assert_eq!(shown().await.0, ["new", "ada-2", "ada-1", "ada-0"]);
    assert_eq!(stored(&stack, id_of(&bob).await).await, before);

    let reaction = json!({ "kind": "like" });
    bob.put("/posts/new/reaction", reaction).await.expect_status(204);
    stack.settle().await;
    let card = feed(&bob).await.body["items"][0].clone();
    assert_eq!((&card["counts"]["reactions"], &card["viewer"]["reaction"]), (&json!(1), &json!("like")));
    ada.patch("/me", "*", json!({ "username": "countess", "display_name": "Countess" })).await.expect_status(200);
    stack.settle().await;
    let page = feed(&bob).await;
    assert_eq!(page.each("slug"), ["new", "ada-2", "ada-1", "ada-0"]);
    assert!(page.body["items"].as_array().unwrap().iter().all(|item| item["author"]["username"] == "countess"));

    // One that waits for its time comes when it has come.
    let at = json!({ "title": "Later", "body": "B", "status": "scheduled", "publish_at": "2026-11-21T09:00:00.000Z" });
    ada.post("/posts", at).await.expect_status(201);
    stack.set_time("2026-11-21T09:00:01.000Z");
    stack.minute().await;
    stack.settle().await;
    assert_eq!(slugs(&bob).await[0], "later");
}

#[tokio::test]
async fn who_is_followed_no_longer_is_gone_at_once_and_comes_back() {
    for max_followers in [0, 1000] {
        let stack = stack_with(max_followers).await;
        let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
        let bob_id = id_of(&bob).await;
        for number in 0..3 {
            publish(&stack, &ada, &format!("Ada {number}"), &[]).await;
        }
        publish(&stack, &bob, "Bob", &[]).await;
        for round in 0..3 {
            follow(&bob, "ada").await;
            stack.settle().await;
            assert_eq!(slugs(&bob).await, ["bob", "ada-2", "ada-1", "ada-0"], "{max_followers} {round}");
            unfollow(&bob, "ada").await;
            assert_eq!(slugs(&bob).await, ["bob"], "{max_followers} {round}");
            if round == 0 {
                stack.settle().await;
                assert_eq!(stored(&stack, bob_id).await, [] as [String; 0]);
            }
            // Also at the same moment as before.
            if round == 1 {
                stack.pass_seconds(1);
            }
        }
        stack.settle().await;
        assert_eq!(slugs(&bob).await, ["bob"]);
        assert_eq!(stored(&stack, bob_id).await, [] as [String; 0]);
        publish(&stack, &ada, "Ada 3", &[]).await;
        stack.settle().await;
        assert_eq!(slugs(&bob).await, ["bob"]);
    }
}

#[tokio::test]
async fn a_new_follower_gets_the_newest_posts_and_not_all() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    for number in 0..30 {
        publish(&stack, &ada, &format!("Ada {number}"), &[]).await;
    }
    stack.settle().await;
    follow(&bob, "ada").await;
    stack.settle().await;
    assert_eq!(walked(&bob, 10).await, numbered("ada", 5..30));
}

#[tokio::test]
async fn posts_of_tags_are_in_the_feed_as_long_as_one_follows_them() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    publish(&stack, &ada, "Ada 0", &["rust"]).await;
    publish(&stack, &ada, "Ada 1", &["zig"]).await;
    publish(&stack, &ada, "Ada 2", &["rust", "zig"]).await;
    publish(&stack, &bob, "Bob", &["rust"]).await;
    bob.call("PUT", "/tags/rust/follow", &[], None).await.expect_status(204);
    assert_eq!(slugs(&bob).await, ["bob", "ada-2", "ada-0"]);
    bob.call("PUT", "/tags/zig/follow", &[], None).await.expect_status(204);
    for limit in [1, 2, 100] {
        assert_eq!(walked(&bob, limit).await, ["bob", "ada-2", "ada-1", "ada-0"]);
    }
    // Who is not followed any more still writes about it.
    follow(&bob, "ada").await;
    unfollow(&bob, "ada").await;
    ada.patch("/posts/ada-1", "*", json!({ "tags": ["go"] })).await.expect_status(200);
    assert_eq!(slugs(&bob).await, ["bob", "ada-2", "ada-0"]);
    bob.delete("/tags/rust/follow").await.expect_status(204);
    assert_eq!(slugs(&bob).await, ["bob", "ada-2"]);
    // Each is a list to read, so there is a limit.
    for number in 0..29 {
        bob.call("PUT", &format!("/tags/t{number}/follow"), &[], None).await.expect_status(204);
    }
    bob.call("PUT", "/tags/t0/follow", &[], None).await.expect_status(204);
    bob.call("PUT", "/tags/more/follow", &[], None).await.expect_problem(409, "conflict");
    publish(&stack, &ada, "Ada 3", &["t28"]).await;
    assert_eq!(slugs(&bob).await, ["ada-3", "bob", "ada-2"]);
    bob.delete("/tags/t0/follow").await.expect_status(204);
    bob.call("PUT", "/tags/more/follow", &[], None).await.expect_status(204);
}

#[tokio::test]
async fn a_walk_shows_what_was_there_throughout_once_while_others_write() {
    // Followed authors whose posts are written, and one whose posts are merged.
    let stack = stack_with(1).await;
    let (ada, bob, cem) = (stack.user("ada").await, stack.user("bob").await, stack.user("cem").await);
    let reader = stack.user("reader").await;
    follow(&cem, "bob").await;
    for name in ["ada", "bob"] {
        follow(&reader, name).await;
    }
    reader.call("PUT", "/tags/rust/follow", &[], None).await.expect_status(204);
    let mut stays = BTreeSet::new();
    for number in 0..16 {
        let (author, tags): (_, &[&str]) = match number % 4 {
            0 => (&ada, &[]),
            1 => (&bob, &[]),
            2 => (&cem, &["rust"]),
            _ => (&reader, &[]),
        };
        let slug = publish(&stack, author, &format!("Post {number}"), tags).await;
        if number % 5 != 0 {
            stays.insert(slug);
        }
        stack.settle().await;
    }
    for limit in [2, 5] {
        let (mut seen, mut cursor, mut round) = (Vec::new(), String::new(), 0);
        loop {
            let page = reader.get(&format!("/me/feed?limit={limit}{cursor}")).await;
            page.expect_status(200);
            seen.extend(page.each("slug"));
            // Between two pages others publish, withdraw, publish again and repost what is on a later page.
            let author = |number: usize| [&ada, &bob, &cem, &reader][number % 4];
            publish(&stack, author(round), &format!("New {limit} {round}"), &["rust"]).await;
            let comes_and_goes = round * 5 % 20;
            if comes_and_goes < 16 {
                let path = format!("/posts/post-{comes_and_goes}");
                let change = if round % 2 == 0 { "unpublish" } else { "publish" };
                author(comes_and_goes).post(&format!("{path}/{change}"), json!({})).await;
            }
            if round % 3 == 0 {
                bob.call("PUT", &format!("/posts/post-{}/repost", round % 16), &[], None).await;
            }
            if round % 2 == 0 {
                stack.settle().await;
            }
            round += 1;
            match page.body["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        for slug in &stays {
            let times = seen.iter().filter(|seen| *seen == slug).count();
            assert_eq!(times, 1, "{slug} by {limit} in {seen:?}");
        }
        let distinct: BTreeSet<_> = seen.iter().collect();
        assert_eq!(distinct.len(), seen.len(), "{seen:?}");
        stack.settle().await;
    }
}

#[tokio::test]
async fn a_feed_comes_to_the_same_whatever_comes_again_or_in_another_order() {
    for max_followers in [1, 1000] {
        let stack = stack_with(max_followers).await;
        let (ada, bob, cem) = (stack.user("ada").await, stack.user("bob").await, stack.user("cem").await);
        stack.settle().await;
        follow(&bob, "ada").await;
        follow(&cem, "ada").await;
        for number in 0..4 {
            publish(&stack, &ada, &format!("Ada {number}"), &[]).await;
        }
        ada.post("/posts/ada-1/unpublish", json!({})).await.expect_status(200);
        ada.post("/posts/ada-2/unpublish", json!({})).await.expect_status(200);
        ada.post("/posts/ada-2/publish", json!({})).await.expect_status(200);
        repost(&ada, "ada-0").await;
        ada.delete("/posts/ada-3").await.expect_status(204);
        unfollow(&cem, "ada").await;
        stack.pass_seconds(1);
        publish(&stack, &cem, "Cem", &[]).await;
        follow(&cem, "ada").await;
        follow(&bob, "cem").await;
        unfollow(&bob, "cem").await;
        let changes = stack.changes();
        stack.settle().await;
        let all = async || {
            let (bob_id, cem_id) = (id_of(&bob).await, id_of(&cem).await);
            let notes = (stored(&stack, bob_id).await, stored(&stack, cem_id).await);
            (slugs(&bob).await, slugs(&cem).await, notes)
        };
        let settled = all().await;
        stack.take_put("broadsheet");
        stack.take_put("broadsheet.work");
        assert_eq!(settled.0, ["ada-0", "ada-2"], "{max_followers}");
        assert_eq!(settled.1, ["cem", "ada-0", "ada-2"], "{max_followers}");
        stack.deliver_again(&changes).await;
        assert_eq!(all().await, settled, "{max_followers}, again");
        let mut events = stack.take_put("broadsheet");
        events.extend(stack.take_put("broadsheet.work"));
        assert!(events.len() > 10, "{events:?}");
        for event in events.iter().rev() {
            stack.stack.bus.send(event);
        }
        stack.settle().await;
        assert_eq!(all().await, settled, "{max_followers}, from the last to the first");
        assert_eq!(given_up(&stack).await, [] as [Value; 0]);
    }
}

/// Whatever call fails that the plug-in makes: before it is done, and after.
#[tokio::test]
async fn a_post_that_is_dated_anew_is_in_a_feed_once_whatever_comes_late() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    follow(&bob, "ada").await;
    stack.settle().await;
    ada.publish("Again", &[]).await;
    let first = stack.changes();
    stack.settle().await;
    stack.take_put("broadsheet");
    ada.post("/posts/again/unpublish", json!({})).await.expect_status(200);
    ada.post("/posts/again/publish", json!({ "publish_at": "2020-01-01T00:00:00Z" })).await.expect_status(200);
    let between = ada.publish("Between", &[]).await;
    stack.settle().await;
    assert_eq!(slugs(&bob).await, [&*between, "again"]);
    // The event of the first publication.
    stack.deliver_again(&first).await;
    assert_eq!(slugs(&bob).await, [&*between, "again"]);
    // Dated anew while it is public.
    ada.post("/posts/again/publish", json!({ "publish_at": "2019-01-01T00:00:00Z" })).await.expect_status(200);
    stack.settle().await;
    assert_eq!(slugs(&bob).await, [&*between, "again"]);
    let user = id_of(&bob).await;
    let entries = stored(&stack, user).await;
    assert_eq!(entries.len(), 2, "{entries:?}");
    assert!(entries[0].starts_with("2019-01-01T"), "{entries:?}");
    // What it was before is forgotten when it is withdrawn.
    ada.post("/posts/again/unpublish", json!({})).await.expect_status(200);
    stack.settle().await;
    assert_eq!(stored(&stack, user).await.len(), 1);
}

/// What was written to feeds before stays there, as such an author's posts are merged from then on.
#[tokio::test]
async fn a_post_that_is_dated_anew_after_its_author_became_popular_shows_once() {
    let stack = stack_with(1).await;
    let (ada, bob, cem) = (stack.user("ada").await, stack.user("bob").await, stack.user("cem").await);
    follow(&bob, "ada").await;
    stack.settle().await;
    publish(&stack, &ada, "Early", &[]).await;
    follow(&cem, "ada").await;
    stack.settle().await;
    publish(&stack, &ada, "Late", &[]).await;
    ada.post("/posts/early/publish", json!({ "publish_at": "2019-01-01T00:00:00Z" })).await.expect_status(200);
    stack.settle().await;
    assert_eq!(slugs(&bob).await, ["late", "early"]);
    let bob_id = id_of(&bob).await;
    let is_entry = |sort_key: &&String| !sort_key.starts_with('~');
    assert_eq!(stored(&stack, bob_id).await.iter().filter(is_entry).count(), 1);
    let blog = &stack.stack.blog;
    blog.table.repair(Repair::Mend, repaired::settings(blog), blog.now(), &mut |_| {}).await.unwrap();
    assert_eq!(stored(&stack, bob_id).await.iter().filter(is_entry).count(), 0);
    assert_eq!(slugs(&bob).await, ["late", "early"]);
}

#[tokio::test]
async fn a_post_that_is_withdrawn_or_dated_anew_while_a_feed_is_filled_is_at_its_place_only() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    publish(&stack, &ada, "Gone", &[]).await;
    publish(&stack, &ada, "Moved", &[]).await;
    let bob_id = id_of(&bob).await;
    let data = json!({ "follower_id": bob_id, "followed_id": id_of(&ada).await });
    follow(&bob, "ada").await;
    // The plug-in has read the posts and is about to write them.
    let hold = stack.stack.wire.hold_call("BatchWriteItem");
    let filling = tell(&stack, "user.followed", data);
    let changing = async {
        hold.arrived().await;
        ada.post("/posts/gone/unpublish", json!({})).await.expect_status(200);
        ada.post("/posts/moved/publish", json!({ "publish_at": "2019-01-01T00:00:00Z" })).await.expect_status(200);
        stack.settle().await;
        hold.release();
    };
    tokio::join!(filling, changing);
    let entries = stored(&stack, bob_id).await;
    assert!(entries.len() == 1 && entries[0].starts_with("2019-01-01T"), "{entries:?}");
}

#[tokio::test]
async fn a_feed_comes_to_the_same_wherever_its_plug_in_is_stopped() {
    let faults = [
        ("BatchWriteItem", 0, Fault::ServerError),
        ("BatchWriteItem", 1, Fault::ServerError),
        ("BatchWriteItem", 2, Fault::ServerError),
        ("BatchWriteItem", 0, Fault::AnswerLost),
        ("TransactWriteItems", 0, Fault::ServerError),
        ("TransactWriteItems", 1, Fault::AnswerLost),
        ("PutEvents", 0, Fault::ServerError),
        ("PutEvents", 1, Fault::AnswerLost),
        ("Query", 1, Fault::ServerError),
        ("BatchGetItem", 0, Fault::ServerError),
        ("GetItem", 1, Fault::ServerError),
    ];
    // Most of the time is waiting for the next try, so some go on beside each other.
    for some in faults.chunks(4) {
        let mut stories = tokio::task::JoinSet::new();
        for (action, skip, fault) in some.iter().copied() {
            stories.spawn(stopped(1, action, skip, fault));
            stories.spawn(stopped(1000, action, skip, fault));
        }
        while let Some(story) = stories.join_next().await {
            story.unwrap();
        }
    }
}

/// What happens to two followers of an author, while a call fails in each part of it.
async fn stopped(max_followers: usize, action: &'static str, skip: usize, fault: Fault) {
    let stack = stack_with(max_followers).await;
    let (ada, bob, cem) = (stack.user("ada").await, stack.user("bob").await, stack.user("cem").await);
    let when = format!("{max_followers} {action} {skip} {fault:?}");
    for number in 0..3 {
        publish(&stack, &ada, &format!("Ada {number}"), &[]).await;
    }
    stack.settle().await;
    let settle = async || {
        // As often as the SDK tries: the plug-in sees it fail, and is called again.
        stack.stack.wire.break_calls(action, skip, 3, fault);
        stack.settle().await;
        stack.stack.wire.mend();
    };
    for client in [&bob, &cem] {
        follow(client, "ada").await;
        settle().await;
        assert_eq!(slugs(client).await, ["ada-2", "ada-1", "ada-0"], "{when}");
    }
    publish(&stack, &ada, "Ada 3", &[]).await;
    for change in ["unpublish", "publish"] {
        settle().await;
        for client in [&bob, &cem] {
            assert_eq!(slugs(client).await, ["ada-3", "ada-2", "ada-1", "ada-0"], "{when}");
        }
        ada.post("/posts/ada-3/unpublish", json!({})).await.expect_status(200);
        settle().await;
        for client in [&bob, &cem] {
            assert_eq!(slugs(client).await, ["ada-2", "ada-1", "ada-0"], "{when} {change}");
        }
        ada.post("/posts/ada-3/publish", json!({})).await.expect_status(200);
    }
    settle().await;
    for client in [&bob, &cem] {
        assert_eq!(slugs(client).await, ["ada-3", "ada-2", "ada-1", "ada-0"], "{when}");
        unfollow(client, "ada").await;
        settle().await;
        assert_eq!(slugs(client).await, [] as [String; 0], "{when}");
        assert_eq!(stored(&stack, id_of(client).await).await, [] as [String; 0], "{when}");
    }
    assert_eq!(given_up(&stack).await, [] as [Value; 0], "{when}");
}

#[tokio::test]
async fn what_a_batch_of_writes_leaves_over_is_written_too() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    for number in 0..5 {
        publish(&stack, &ada, &format!("Ada {number}"), &[]).await;
    }
    stack.settle().await;
    follow(&bob, "ada").await;
    stack.stack.wire.break_calls("BatchWriteItem", 0, 4, Fault::Unprocessed);
    stack.settle().await;
    assert_eq!(slugs(&bob).await, numbered("ada", 0..5));
    assert_eq!(stored(&stack, id_of(&bob).await).await.len(), 5);
}

#[tokio::test]
async fn an_author_who_becomes_very_popular_is_merged_and_loses_nothing() {
    let stack = stack_with(2).await;
    let ada = stack.user("ada").await;
    let mut fans = Vec::new();
    for number in 0..6 {
        fans.push(stack.user(&format!("fan-{number}")).await);
    }
    let mut expected = Vec::new();
    let mut titles = 0;
    let mut next = async |expected: &mut Vec<String>| {
        expected.insert(0, publish(&stack, &ada, &format!("Ada {titles}"), &[]).await);
        titles += 1;
    };
    // Up, with a post between each two, and the plug-in now before it and now after.
    for number in 0..6 {
        next(&mut expected).await;
        if number % 2 == 0 {
            stack.settle().await;
        }
        follow(&fans[number], "ada").await;
        if number % 3 == 0 {
            stack.settle().await;
        }
        next(&mut expected).await;
        stack.settle().await;
        for fan in &fans[..=number] {
            assert_eq!(slugs(fan).await, expected, "{number}");
        }
    }
    stack.stack.wire.record();
    next(&mut expected).await;
    stack.settle().await;
    let writes = stack.stack.wire.take_calls().into_iter().filter(|call| call.action == "BatchWriteItem").count();
    assert_eq!(writes, 0, "what is merged is not written");
    // And down again.
    for number in (1..6).rev() {
        unfollow(&fans[number], "ada").await;
        next(&mut expected).await;
        stack.settle().await;
        assert_eq!(slugs(&fans[number]).await, [] as [String; 0]);
        for fan in &fans[..number] {
            assert_eq!(slugs(fan).await, expected[..expected.len().min(20)], "{number}");
            assert_eq!(walked(fan, 7).await, expected, "{number}");
        }
    }
    // A new name is no other author.
    ada.patch("/me", "*", json!({ "username": "countess" })).await.expect_status(200);
    stack.settle().await;
    assert_eq!(walked(&fans[0], 5).await, expected);
    ada.post(&format!("/posts/{}/unpublish", expected[0]), json!({})).await.expect_status(200);
    assert_eq!(walked(&fans[0], 5).await, expected[1..]);
}

#[tokio::test]
async fn more_very_popular_authors_than_are_merged_lose_nothing() {
    let stack = stack_with(0).await;
    let reader = stack.user("reader").await;
    let mut authors = Vec::new();
    for number in 0..13 {
        let name = format!("author-{number}");
        let author = stack.user(&name).await;
        publish(&stack, &author, &format!("Old {number}"), &[]).await;
        follow(&reader, &name).await;
        authors.push(author);
    }
    stack.settle().await;
    for (number, author) in authors.iter().enumerate() {
        publish(&stack, author, &format!("New {number}"), &[]).await;
    }
    stack.settle().await;
    let mut expected = numbered("new", 0..13);
    expected.extend(numbered("old", 0..13));
    stack.pass_seconds(120);
    stack.stack.wire.record();
    assert_eq!(walked(&reader, 30).await, expected);
    let calls = stack.stack.wire.take_calls();
    let lists = |call: &&Call| call.request["ExpressionAttributeValues"].to_string().contains("BYLINE#author");
    assert_eq!(calls.iter().filter(lists).count(), 10);
    // Each of them can be left, whichever way it came.
    for number in 0..13 {
        unfollow(&reader, &format!("author-{number}")).await;
        let left = walked(&reader, 30).await;
        assert_eq!(left.len(), 2 * (12 - number), "{left:?}");
    }
    stack.settle().await;
    assert_eq!(stored(&stack, id_of(&reader).await).await, [] as [String; 0]);
    for author in &authors {
        let list = keys::fan_out_followers(id_of(author).await);
        assert_eq!(sort_keys(&stack, &list).await, [] as [String; 0]);
    }
}

#[tokio::test]
async fn who_leaves_takes_their_feed_along_and_is_in_no_other() {
    for max_followers in [0, 1000] {
        let stack = stack_with(max_followers).await;
        let (ada, bob, cem) = (stack.user("ada").await, stack.user("bob").await, stack.user("cem").await);
        let (ada_id, bob_id, cem_id) = (id_of(&ada).await, id_of(&bob).await, id_of(&cem).await);
        for number in 0..30 {
            publish(&stack, &ada, &format!("Ada {number}"), &[]).await;
        }
        publish(&stack, &bob, "Bob", &[]).await;
        stack.settle().await;
        follow(&bob, "ada").await;
        follow(&cem, "bob").await;
        follow(&cem, "ada").await;
        stack.settle().await;
        assert_eq!(walked(&bob, 20).await.len(), if max_followers == 0 { 31 } else { 26 });
        for (client, id) in [(&bob, bob_id), (&ada, ada_id)] {
            client.call("DELETE", "/me", &[], Some(json!({ "password": PASSWORD }))).await.expect_status(204);
            stack.settle().await;
            assert_eq!(stored(&stack, id).await, [] as [String; 0], "{max_followers}");
            assert_eq!(sort_keys(&stack, &keys::fan_out_followers(id)).await, [] as [String; 0]);
            let partition = json!({ "pk": { "S": keys::user_partition(id) }, "sk": { "S": "POPULARITY" } });
            assert_eq!(dynamodb(&stack, "GetItem", json!({ "Key": partition })).await, json!({}));
            assert!(stack.stack.blog.table.user(id, Consistency::Strong).await.unwrap().is_none());
        }
        assert_eq!(slugs(&cem).await, [] as [String; 0]);
        assert_eq!(stored(&stack, cem_id).await, [] as [String; 0], "{max_followers}");
        assert_eq!(given_up(&stack).await, [] as [Value; 0]);
    }
}

/// Lets the plug-in do what follows from an event, at this moment.
async fn tell(stack: &TestStack, kind: &str, data: Value) {
    let event = json!({ "detail-type": kind, "detail": { "data": data } });
    let plugin = events::PLUGINS.iter().find(|plugin| plugin.name == "home_feed").unwrap();
    plugin.run(&stack.stack.events, serde_json::from_value(event).unwrap()).await.unwrap();
}

#[tokio::test]
async fn who_ends_a_follow_while_a_post_is_written_to_feeds_does_not_get_it() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    follow(&bob, "ada").await;
    stack.settle().await;
    publish(&stack, &ada, "Ada", &[]).await;
    let post = ada.get("/posts/ada").await.body;
    let (ada_id, bob_id) = (id_of(&ada).await, id_of(&bob).await);
    // The plug-in has seen bob among the followers and is about to write.
    let hold = stack.stack.wire.hold_call("BatchWriteItem");
    let data = json!({ "post_id": post["id"], "author_id": ada_id, "published_at": post["published_at"] });
    let writing = tell(&stack, "post.published", data);
    let ending = async {
        hold.arrived().await;
        unfollow(&bob, "ada").await;
        // What follows from that is done before.
        tell(&stack, "user.unfollowed", json!({ "follower_id": bob_id, "followed_id": ada_id })).await;
        assert_eq!(stored(&stack, bob_id).await, [] as [String; 0]);
        hold.release();
    };
    tokio::join!(writing, ending);
    assert_eq!(stored(&stack, bob_id).await, [] as [String; 0]);
    assert_eq!(slugs(&bob).await, [] as [String; 0]);
}

#[tokio::test]
async fn a_post_that_is_withdrawn_while_it_is_written_to_feeds_is_in_none() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    follow(&bob, "ada").await;
    stack.settle().await;
    publish(&stack, &ada, "Ada", &[]).await;
    let post = ada.get("/posts/ada").await.body;
    let bob_id = id_of(&bob).await;
    let data = json!({ "post_id": post["id"], "author_id": id_of(&ada).await, "published_at": post["published_at"] });
    // The plug-in has seen that the post is published and is about to write.
    let hold = stack.stack.wire.hold_call("BatchWriteItem");
    let writing = tell(&stack, "post.published", data.clone());
    let withdrawing = async {
        hold.arrived().await;
        ada.post("/posts/ada/unpublish", json!({})).await.expect_status(200);
        tell(&stack, "post.unpublished", data.clone()).await;
        assert_eq!(stored(&stack, bob_id).await, [] as [String; 0]);
        hold.release();
    };
    tokio::join!(writing, withdrawing);
    assert_eq!(stored(&stack, bob_id).await, [] as [String; 0]);
}

#[tokio::test]
async fn who_ends_a_follow_while_their_feed_is_filled_is_left_with_nothing() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    publish(&stack, &ada, "Ada", &[]).await;
    let bob_id = id_of(&bob).await;
    let data = json!({ "follower_id": bob_id, "followed_id": id_of(&ada).await });
    follow(&bob, "ada").await;
    // The plug-in has read the posts and is about to write them.
    let hold = stack.stack.wire.hold_call("BatchWriteItem");
    let filling = tell(&stack, "user.followed", data.clone());
    let ending = async {
        hold.arrived().await;
        unfollow(&bob, "ada").await;
        tell(&stack, "user.unfollowed", data.clone()).await;
        hold.release();
    };
    tokio::join!(filling, ending);
    assert_eq!(stored(&stack, bob_id).await, [] as [String; 0]);
    assert_eq!(slugs(&bob).await, [] as [String; 0]);
}

#[tokio::test]
async fn without_its_plug_in_a_feed_has_ones_own_posts_and_those_of_tags() {
    let stack = TestStack::start_with_parameters(&[("HomeFeed", "false")]).await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    follow(&bob, "ada").await;
    publish(&stack, &ada, "Ada", &["rust"]).await;
    publish(&stack, &bob, "Bob", &[]).await;
    stack.settle().await;
    assert_eq!(slugs(&bob).await, ["bob"]);
    bob.call("PUT", "/tags/rust/follow", &[], None).await.expect_status(204);
    assert_eq!(slugs(&bob).await, ["bob", "ada"]);
}

/// An author with this many followers, whose profiles are written straight into the table.
async fn followed_by(stack: &TestStack, number: usize) -> (Client, Vec<UserId>) {
    let (ada, model) = (stack.user("ada").await, stack.user("model").await);
    let (followed, model) = (id_of(&ada).await, id_of(&model).await);
    let key = json!({ "pk": { "S": keys::user_partition(model) }, "sk": { "S": keys::PROFILE_PREFIX } });
    let profile = dynamodb(stack, "GetItem", json!({ "Key": key })).await["Item"].clone();
    let mut followers = Vec::new();
    for number in 0..number {
        let follower = numbered_follower(number);
        let mut profile = profile.clone();
        profile["pk"]["S"] = json!(keys::user_partition(follower));
        profile["id"]["S"] = json!(follower);
        dynamodb(stack, "PutItem", json!({ "Item": profile })).await;
        let followed_at = Timestamp::from_milliseconds(START + i64::try_from(number).unwrap());
        stack.stack.blog.table.follow(&Follow { follower, followed, followed_at }).await.unwrap();
        followers.push(follower);
    }
    (ada, followers)
}

fn numbered_follower(number: usize) -> UserId {
    format!("01KAM5K9R0{number:016}").parse().unwrap()
}

/// More followers of ada, up to this number of all, as copies of the first one that are loaded straight into the table. Nothing
/// counts them, so no repair of this stack would find nothing.
async fn load_followers(stack: &TestStack, ada: UserId, followers: &mut Vec<UserId>, number: usize) {
    let first = Follow { follower: followers[0], followed: ada, followed_at: Timestamp::from_milliseconds(START) };
    let mut items = Vec::new();
    for key in keys::follow_list_items(&first).into_iter().chain([keys::follow(first.follower, ada)]) {
        let key = json!({ "pk": { "S": key.pk }, "sk": { "S": key.sk } });
        items.push(dynamodb(stack, "GetItem", json!({ "Key": key })).await["Item"].to_string());
    }
    let more: Vec<_> = (followers.len()..number).map(numbered_follower).collect();
    for some in more.chunks(5_000) {
        let of = |id: UserId| items.iter().map(move |item| item.replace(&first.follower.to_string(), &id.to_string()));
        let copies = some.iter().flat_map(|id| of(*id)).map(|item| serde_json::from_str(&item).unwrap()).collect();
        stack.stack.backing.database().import_items(TABLE_NAME, copies, ImportOptions::default()).unwrap();
    }
    followers.extend(more);
}

/// What a plug-in's calls of DynamoDB took since they were asked for last: RCU and WCU.
fn units_of(stack: &TestStack, plugin: &str) -> (f64, f64) {
    let calls = stack.stack.wire.take_calls();
    let of = |writes: bool| {
        let calls = calls.iter().filter(|call| call.operation.as_deref() == Some(plugin) && call.service == "dynamodb");
        calls.filter(|call| call.action.contains("Write") == writes).map(|call| call.capacity).sum()
    };
    (of(false), of(true))
}

/// What the plug-in does with a post of this author: its steps, RCU and WCU.
async fn cost_of_a_post(stack: &TestStack, author: &Client) -> (usize, f64, f64) {
    stack.take_put("broadsheet.work");
    publish(stack, author, "Ada", &[]).await;
    stack.stack.wire.record();
    stack.settle().await;
    let (read, written) = units_of(stack, "home_feed");
    (1 + stack.take_put("broadsheet.work").len(), read, written)
}

/// What a post costs that an author with so many followers publishes.
async fn check_fan_out(stack: TestStack, number: usize) -> String {
    let (ada, mut followers) = followed_by(&stack, number.min(110)).await;
    stack.settle().await;
    if followers.len() < number {
        load_followers(&stack, id_of(&ada).await, &mut followers, number).await;
    }
    let (steps, read, written) = cost_of_a_post(&stack, &ada).await;
    assert_eq!(steps, 1 + number / 100, "a hundred followers a step");
    for follower in followers.iter().step_by(1 + number / 1_000) {
        assert_eq!(stored(&stack, *follower).await.len(), 1);
    }
    format!("{number} followers: {steps} steps, {read} RCU, {written} WCU")
}

#[tokio::test]
async fn a_post_goes_to_many_followers_in_steps() {
    expect!["10 followers: 1 steps, 14 RCU, 10 WCU"].assert_eq(&check_fan_out(stack_with(100_000).await, 10).await);
    expect!["110 followers: 2 steps, 123 RCU, 110 WCU"].assert_eq(&check_fan_out(stack_with(100_000).await, 110).await);
}

/// `cargo test -p local --test stories -- --ignored --nocapture thousands_of_followers`: takes minutes.
#[tokio::test]
#[ignore = "takes minutes, and prints"]
async fn what_a_post_costs_an_author_with_thousands_of_followers() {
    for number in [1000, 10_000, 100_000] {
        let stack = TestStack::start_unwatched(&[("FanOutFollowers", "100000")]).await;
        println!("{}", check_fan_out(stack, number).await);
    }
    let stack = TestStack::start_unwatched(&[("FanOutFollowers", "2")]).await;
    let (ada, mut followers) = followed_by(&stack, 3).await;
    stack.settle().await;
    load_followers(&stack, id_of(&ada).await, &mut followers, 100_000).await;
    let (steps, read, written) = cost_of_a_post(&stack, &ada).await;
    println!("{} followers of a very popular author: {steps} steps, {read} RCU, {written} WCU", followers.len());
}

/// What a page costs, beside the write that counts the request: calls and RCU.
async fn page_cost(stack: &TestStack, client: &Client) -> String {
    stack.stack.wire.take_calls();
    assert_eq!(feed(client).await.each("slug").len(), 20);
    let calls = stack.stack.wire.take_calls();
    let reads: Vec<_> = calls.iter().filter(|call| !call.counts_request()).collect();
    assert!(reads.iter().all(|call| !call.action.contains("Write")));
    format!("{} calls {} RCU\n", reads.len(), reads.iter().map(|call| call.capacity).sum::<f64>())
}

#[tokio::test]
async fn a_page_costs_its_cards_and_a_list_for_each_very_popular_author_and_tag() {
    let stack = stack_with(1).await;
    let reader = stack.user("reader").await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    let mut popular = Vec::new();
    for number in 0..10 {
        let name = format!("popular-{number}");
        popular.push((stack.user(&name).await, name.clone()));
        follow(&bob, &name).await;
    }
    follow(&reader, "ada").await;
    stack.settle().await;
    let summary = "s".repeat(470);
    for number in 0..30 {
        stack.pass_seconds(1);
        ada.draft(&format!("Post {number}")).with("summary", summary.as_str()).tags(&["rust"]).publish().await;
    }
    stack.settle().await;
    let mut costs = String::new();
    stack.stack.wire.record();
    let measure = async |what: &str, costs: &mut String| {
        // So long that the reader has written nothing lately; the authorizer has just answered.
        stack.pass_seconds(180);
        feed(&reader).await;
        *costs += &format!("{what}: {}", page_cost(&stack, &reader).await);
    };
    measure("of authors whose posts are written", &mut costs).await;
    reader.call("PUT", "/tags/rust/follow", &[], None).await.expect_status(204);
    measure("and a tag", &mut costs).await;
    reader.delete("/tags/rust/follow").await.expect_status(204);
    for (_, name) in &popular {
        follow(&reader, name).await;
    }
    stack.settle().await;
    measure("and ten very popular authors", &mut costs).await;
    reader.call("PUT", "/tags/rust/follow", &[], None).await.expect_status(204);
    costs += &format!("all that, right after writing: {}", page_cost(&stack, &reader).await);
    expect![[r#"
        of authors whose posts are written: 5 calls 12 RCU
        and a tag: 5 calls 4.5 RCU
        and ten very popular authors: 16 calls 22 RCU
        all that, right after writing: 16 calls 29 RCU
    "#]]
    .assert_eq(&costs);
}
