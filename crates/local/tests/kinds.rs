//! Notes, quotes, replies and reposts.

use domain::Role;
use expect_test::expect_file;
use serde_json::{Value, json};

use crate::concurrency::at_once;
use crate::harness::{Answer, Client, PASSWORD, TestStack, walk};

/// Publishes what `fields` says, with a text; gives it.
async fn publish(client: &Client, fields: Value) -> Value {
    let mut post = json!({ "body": "B", "status": "published" });
    post.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let answer = client.post("/posts", post).await;
    answer.expect_status(201);
    answer.body
}

async fn reply(client: &Client, to: &str) -> Value {
    publish(client, json!({ "reply_to": to })).await
}

async fn repost(client: &Client, slug: &str) -> Answer {
    client.call("PUT", &format!("/posts/{slug}/repost"), &[], None).await
}

async fn unrepost(client: &Client, slug: &str) -> Answer {
    client.delete(&format!("/posts/{slug}/repost")).await
}

fn path(post: &Value) -> String {
    format!("/posts/{}", post["slug"].as_str().unwrap())
}

async fn counts(stack: &TestStack, slug: &str) -> (u64, u64) {
    let post = stack.visitor().get(&format!("/posts/{slug}")).await;
    post.expect_status(200);
    let count = |name: &str| post.body["counts"][name].as_u64().unwrap();
    (count("replies"), count("reposts"))
}

/// Makes "bob" an author.
async fn with_role_of_author(stack: &TestStack) -> Client {
    let admin = stack.admin().await;
    admin.put("/admin/users/bob/role", json!({ "role": "author" })).await.expect_status(200);
    stack.log_in("bob").await
}

#[tokio::test]
async fn the_kind_follows_from_what_a_post_has() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let first = publish(&ada, json!({ "title": "First" })).await;
    let note = publish(&ada, json!({})).await;
    assert_eq!(note["slug"].as_str().unwrap(), note["id"].as_str().unwrap().to_lowercase());
    assert_eq!((&first["kind"], &note["kind"], &note["title"]), (&json!("article"), &json!("note"), &Value::Null));
    let quote = publish(&ada, json!({ "quote_of": "first" })).await;
    let reply = publish(&ada, json!({ "title": "With a title", "reply_to": "first" })).await;
    assert_eq!((&quote["kind"], &reply["kind"]), (&json!("quote"), &json!("reply")));
    let lists = async |expected: [usize; 4]| {
        for (kind, count) in ["article", "note", "quote", "reply"].into_iter().zip(expected) {
            for list in [format!("/posts?kind={kind}"), format!("/posts?author=ada&kind={kind}")] {
                let shown = stack.visitor().get(&list).await;
                assert_eq!(shown.each("kind"), vec![kind; count], "{list}");
            }
        }
        assert_eq!(stack.visitor().get("/posts").await.each("slug").len(), 4);
        assert_eq!(stack.visitor().get("/posts?author=ada").await.each("slug").len(), 4);
    };
    lists([1, 1, 1, 1]).await;
    stack.visitor().get("/posts?kind=poem").await.expect_status(422);
    stack.visitor().get("/posts?kind=note&tag=t").await.expect_status(422);

    // An edit may make another kind of it, and moves it in the lists.
    let patch = async |post: &Value, fields: Value| ada.patch(&path(post), "*", fields).await.body["kind"].clone();
    assert_eq!(patch(&note, json!({ "title": "T" })).await, "article");
    assert_eq!(patch(&reply, json!({ "reply_to": null })).await, "article");
    assert_eq!(patch(&quote, json!({ "quote_of": null })).await, "note");
    lists([3, 1, 0, 0]).await;
    assert_eq!(patch(&quote, json!({ "reply_to": "first" })).await, "reply");
    assert_eq!(patch(&reply, json!({ "quote_of": "first" })).await, "quote");
    assert_eq!(patch(&note, json!({ "title": null })).await, "note");
    lists([1, 1, 1, 1]).await;
}

#[tokio::test]
async fn a_note_has_at_most_777_characters_of_any_script() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    for character in ["a", "ß", "字", "🦀"] {
        let note = publish(&ada, json!({ "body": character.repeat(777) })).await;
        assert_eq!(note["body"], character.repeat(777));
        let body = character.repeat(778);
        ada.post("/posts", json!({ "body": body })).await.expect_invalid(&["/body"]);
        ada.patch(&path(&note), "*", json!({ "body": body })).await.expect_invalid(&["/body"]);
        // With a title, or about another post, it may be as long as any.
        let long = publish(&ada, json!({ "title": "T", "body": body })).await;
        publish(&ada, json!({ "reply_to": long["id"], "body": body })).await;
        publish(&ada, json!({ "quote_of": long["id"], "body": body })).await;
        ada.patch(&path(&long), "*", json!({ "title": null })).await.expect_invalid(&["/body"]);
        ada.patch(&path(&long), "*", json!({ "title": null, "body": "Short." })).await.expect_status(200);
    }
}

#[tokio::test]
async fn a_post_that_is_quoted_or_answered_is_named_in_every_way() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    let first = publish(&ada, json!({ "title": "First", "summary": "S" })).await;
    ada.patch("/posts/first", "*", json!({ "slug": "renamed" })).await.expect_status(200);
    let id = first["id"].as_str().unwrap().to_owned();
    for field in ["quote_of", "reply_to"] {
        for name in ["first", "renamed", &id] {
            let post = publish(&bob, json!({ field: name })).await;
            let expected = json!({
                "id": id,
                "gone": false,
                "slug": "renamed",
                "kind": "article",
                "title": "First",
                "summary": "S",
                "author": { "username": "ada", "display_name": "ada", "avatar_url": null },
                "published_at": first["published_at"],
            });
            assert_eq!(post[field], expected, "{field} {name}");
            assert_eq!(stack.visitor().get(&path(&post)).await.body[field], expected, "{field} {name}");
        }
    }
    assert_eq!(counts(&stack, "renamed").await.0, 3);
    // Newest first.
    for (list, kind) in [("replies", "reply"), ("quotes", "quote")] {
        for slug in ["renamed", "first"] {
            let path = format!("/posts/{slug}/{list}");
            let shown = stack.visitor().get(&path).await;
            assert_eq!(shown.each("kind"), [kind; 3], "{path}");
            let mut ids = shown.each("id");
            assert_eq!(walk(&stack.visitor(), &path, 1).await.len(), 3);
            ids.reverse();
            assert!(ids.is_sorted(), "{path}");
        }
    }

    let draft = ada.post("/posts", json!({ "title": "Draft", "body": "B" })).await.body;
    let strange = "01M7YKM0T0ZZZZZZZZZZZZZZZZ";
    let mine = publish(&bob, json!({ "title": "Mine" })).await;
    for field in ["quote_of", "reply_to"] {
        let pointer = format!("/{field}");
        for name in ["draft", draft["id"].as_str().unwrap(), "nothing", strange] {
            for client in [&ada, &bob] {
                client.post("/posts", json!({ "body": "B", field: name })).await.expect_invalid(&[&pointer]);
            }
            bob.patch("/posts/mine", "*", json!({ field: name })).await.expect_invalid(&[&pointer]);
        }
        for name in ["mine", mine["id"].as_str().unwrap()] {
            bob.patch("/posts/mine", "*", json!({ field: name })).await.expect_invalid(&[&pointer]);
        }
    }
    let both = json!({ "body": "B", "quote_of": "renamed", "reply_to": "renamed" });
    bob.post("/posts", both).await.expect_invalid(&["/reply_to"]);
    let quote = publish(&bob, json!({ "quote_of": "renamed" })).await;
    bob.patch(&path(&quote), "*", json!({ "reply_to": "renamed" })).await.expect_invalid(&["/reply_to"]);
}

#[tokio::test]
async fn what_is_shown_of_another_post_follows_it() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    publish(&ada, json!({ "title": "First" })).await;
    let quote = publish(&bob, json!({ "quote_of": "first" })).await;
    let answer = reply(&bob, "first").await;
    let shown = async |field: &str, expected: Value| {
        for (post, other) in [(&quote, "quote_of"), (&answer, "reply_to")] {
            for client in [&stack.visitor(), &bob] {
                assert_eq!(client.get(&path(post)).await.body[other][field], expected);
            }
        }
        let cards = stack.visitor().get("/posts?author=bob").await;
        assert_eq!(cards.body["items"][0]["reply_to"][field], expected);
        assert_eq!(cards.body["items"][1]["quote_of"][field], expected);
    };
    shown("gone", json!(false)).await;
    ada.patch("/posts/first", "*", json!({ "slug": "renamed", "title": "Other", "summary": "S" }))
        .await
        .expect_status(200);
    shown("slug", json!("renamed")).await;
    shown("title", json!("Other")).await;
    shown("summary", json!("S")).await;
    let etag = ada.get("/me").await.etag();
    ada.patch("/me", &etag, json!({ "display_name": "Countess" })).await.expect_status(200);
    stack.settle().await;
    shown("author", json!({ "username": "ada", "display_name": "Countess", "avatar_url": null })).await;

    for (away, back) in [("unpublish", None), ("", Some("restore"))] {
        let method = if away.is_empty() { "DELETE" } else { "POST" };
        let target = format!("/posts/renamed/{away}");
        let target = target.trim_end_matches('/');
        assert!(ada.call(method, target, &[], None).await.status.is_success());
        shown("gone", json!(true)).await;
        for field in ["slug", "kind", "title", "summary", "author", "published_at"] {
            shown(field, Value::Null).await;
        }
        stack.visitor().get("/posts/renamed/replies").await.expect_problem(404, "not-found");
        if let Some(back) = back {
            ada.post(&format!("/posts/renamed/{back}"), json!({})).await.expect_status(200);
            shown("gone", json!(true)).await;
        }
        ada.post("/posts/renamed/publish", json!({})).await.expect_status(200);
        shown("gone", json!(false)).await;
        shown("title", json!("Other")).await;
        assert_eq!(counts(&stack, "renamed").await.0, 1, "its replies are still there");
        assert_eq!(stack.visitor().get("/posts/renamed/replies").await.each("id").len(), 1);
    }
    // An edit of a post whose other is gone keeps what it says.
    ada.delete("/posts/renamed").await.expect_status(204);
    let edited = bob.patch(&path(&quote), "*", json!({ "body": "Edited." })).await;
    edited.expect_status(200);
    assert_eq!((&edited.body["kind"], &edited.body["quote_of"]["gone"]), (&json!("quote"), &json!(true)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_replies_at_once_are_fifty() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    publish(&ada, json!({ "title": "First", "tags": ["t"] })).await;
    let mut authors = Vec::new();
    for number in 0..10 {
        authors.push(stack.user(&format!("author-{number}")).await);
    }
    for _ in 0..5 {
        let statuses = at_once(10, |number| {
            let author = authors[number].clone();
            let body = json!({ "body": "B", "reply_to": "first", "status": "published" });
            async move { author.post("/posts", body).await }
        })
        .await;
        assert_eq!(statuses, [201; 10]);
    }
    assert_eq!(counts(&stack, "first").await, (50, 0));
    assert_eq!(walk(&stack.visitor(), "/posts/first/replies", 20).await.len(), 50);
    stack.settle().await;
    for list in ["/posts?tag=t", "/posts?kind=article", "/posts?author=ada&kind=article"] {
        assert_eq!(stack.visitor().get(list).await.body["items"][0]["counts"]["replies"], 50, "{list}");
    }
    assert_eq!(stack.visitor().get("/posts/first").await.body["version"], 1, "a reply is no edit");
}

#[tokio::test]
async fn replies_count_while_they_are_out() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    publish(&ada, json!({ "title": "First", "tags": ["t"] })).await;
    publish(&ada, json!({ "title": "Second" })).await;
    let post = reply(&bob, "first").await;
    reply(&bob, "first").await;
    let expected = async |first: u64, second: u64, when: &str| {
        stack.settle().await;
        assert_eq!((counts(&stack, "first").await.0, counts(&stack, "second").await.0), (first, second), "{when}");
        for (slug, count) in [("first", first), ("second", second)] {
            let list = stack.visitor().get(&format!("/posts/{slug}/replies")).await;
            assert_eq!(list.each("id").len() as u64, count, "{when}");
        }
        let card = &stack.visitor().get("/posts?tag=t").await.body["items"][0];
        assert_eq!(card["counts"]["replies"], first, "{when}");
        let cards = stack.visitor().get("/posts?author=ada").await;
        assert_eq!(cards.body["items"][0]["counts"]["replies"], second, "{when}");
    };
    expected(2, 0, "replied").await;
    let act = async |method: &str, rest: &str| {
        let answer = bob.call(method, &format!("{}{rest}", path(&post)), &[], None).await;
        assert!(answer.status.is_success(), "{method} {rest}: {}", answer.body);
    };
    act("POST", "/unpublish").await;
    expected(1, 0, "unpublished").await;
    act("POST", "/publish").await;
    expected(2, 0, "published again").await;
    act("DELETE", "").await;
    expected(1, 0, "in the trash").await;
    act("POST", "/restore").await;
    expected(1, 0, "restored").await;
    act("POST", "/publish").await;
    bob.patch(&path(&post), "*", json!({ "reply_to": "second" })).await.expect_status(200);
    expected(1, 1, "answers another").await;
    bob.patch(&path(&post), "*", json!({ "reply_to": null })).await.expect_status(200);
    expected(1, 0, "answers none").await;
    bob.patch(&path(&post), "*", json!({ "reply_to": "second" })).await.expect_status(200);
    expected(1, 1, "answers again").await;
    act("POST", "/unpublish").await;
    let later = json!({ "status": "scheduled", "publish_at": "2026-12-01T00:00:00Z" });
    bob.patch(&path(&post), "*", later).await.expect_status(200);
    expected(1, 0, "scheduled").await;
    bob.call("DELETE", "/me", &[], Some(json!({ "password": PASSWORD }))).await.expect_status(204);
    expected(0, 0, "left").await;
}

#[tokio::test]
async fn a_reply_at_the_same_moment_as_an_edit_is_counted_everywhere() {
    let edits = [
        ("first", json!({ "tags": ["t", "new"] }), "first"),
        ("first", json!({ "tags": ["t", "new"], "title": "Other" }), "first"),
        ("first", json!({ "tags": ["t", "new"], "slug": "renamed" }), "renamed"),
    ];
    for (slug, edit, after) in edits {
        for edit_is_held in [true, false] {
            let stack = TestStack::start().await;
            let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
            publish(&ada, json!({ "title": "First", "tags": ["t"] })).await;
            stack.settle().await;
            // Pinned to the version: the reply is no edit, so it does not get in the way of one.
            let etag = ada.get("/posts/first").await.etag();
            let hold = stack.stack.wire.hold_call("TransactWriteItems");
            if edit_is_held {
                let task = tokio::spawn({
                    let (edit, path) = (edit.clone(), format!("/posts/{slug}"));
                    async move { ada.patch(&path, &etag, edit).await }
                });
                hold.arrived().await;
                reply(&bob, "first").await;
                hold.release();
                task.await.unwrap().expect_status(200);
            } else {
                let task = tokio::spawn(async move { reply(&bob, "first").await });
                hold.arrived().await;
                ada.patch(&format!("/posts/{slug}"), &etag, edit.clone()).await.expect_status(200);
                hold.release();
                task.await.unwrap();
            }
            stack.settle().await;
            assert_eq!(counts(&stack, after).await, (1, 0), "{edit}");
            for list in ["/posts?tag=t", "/posts?tag=new", "/posts?kind=article", "/posts?author=ada"] {
                let cards = stack.visitor().get(list).await;
                assert_eq!(cards.body["items"][0]["counts"]["replies"], 1, "{edit} {list}");
            }
        }
    }
}

#[tokio::test]
async fn counts_reach_the_lists_of_a_post_that_moved_before_they_did() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    publish(&ada, json!({ "title": "First", "tags": ["t"] })).await;
    stack.settle().await;
    reply(&ada, "first").await;
    ada.patch("/posts/first", "*", json!({ "slug": "renamed" })).await.expect_status(200);
    stack.settle().await;
    assert_eq!(stack.visitor().get("/posts?tag=t").await.body["items"][0]["counts"]["replies"], 1);
}

#[tokio::test]
async fn a_repost_happens_once_and_shows_the_original() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let bob = stack.user_with_role("bob", Role::Reader).await;
    let original = publish(&ada, json!({ "title": "First", "tags": ["t"] })).await;
    ada.patch("/posts/first", "*", json!({ "slug": "renamed" })).await.expect_status(200);
    stack.visitor().call("PUT", "/posts/first/repost", &[], None).await.expect_problem(401, "unauthenticated");
    repost(&bob, "nothing").await.expect_problem(404, "not-found");
    unrepost(&bob, "nothing").await.expect_problem(404, "not-found");
    unrepost(&bob, "renamed").await.expect_status(204);
    for slug in ["first", "renamed", "renamed"] {
        repost(&bob, slug).await.expect_status(204);
    }
    let by_bob = stack.visitor().get("/posts?author=bob").await;
    let card = by_bob.body["items"][0].clone();
    assert_eq!((&card["kind"], &card["slug"], &card["title"]), (&json!("repost"), &json!("renamed"), &Value::Null));
    assert_eq!((&card["quote_of"]["id"], &card["quote_of"]["title"]), (&original["id"], &json!("First")));
    assert_eq!(card["author"]["username"], "bob");
    // Of a repost too.
    let id = card["id"].as_str().unwrap().to_lowercase();
    repost(&bob, &id).await.expect_status(204);
    repost(&ada, &id).await.expect_status(204);
    stack.settle().await;
    assert_eq!(counts(&stack, "renamed").await, (0, 2));
    for list in ["/posts?author=bob", "/posts?author=bob&kind=repost", "/me/posts"] {
        assert_eq!(bob.get(list).await.each("slug"), ["renamed"], "{list}");
    }
    assert_eq!(stack.visitor().get("/posts?kind=repost").await.each("slug"), ["renamed", "renamed"]);
    assert_eq!(stack.visitor().get("/posts").await.each("kind"), ["article"]);
    assert_eq!(stack.visitor().get("/posts?tag=t").await.each("kind"), ["article"]);
    assert_eq!(stack.visitor().get("/tags").await.body["items"], json!([{ "tag": "t", "posts": 1 }]));
    assert_eq!(stack.visitor().get("/users/bob").await.body["counts"]["posts"], 0);
    // What bob did is shown to bob, on the post, on its cards, and on the card of the repost.
    let carol = stack.user("carol").await;
    for (client, reposted) in [(&bob, true), (&ada, true), (&carol, false)] {
        assert_eq!(client.get("/posts/renamed").await.body["viewer"]["reposted"], reposted);
        for list in ["/posts", "/posts?tag=t", "/posts?author=ada&kind=article", "/posts?author=bob"] {
            let cards = client.get(list).await;
            assert_eq!(cards.body["items"][0]["viewer"]["reposted"], reposted, "{list}");
            if !list.ends_with("bob") {
                assert_eq!(cards.body["items"][0]["counts"]["reposts"], 2, "{list}");
            }
        }
    }

    // At its own name it leads to the original, and is not to be changed.
    let own = format!("/posts/{id}");
    let moved = stack.visitor().get(&own).await;
    moved.expect_status(301);
    assert_eq!(moved.header("location"), "/v1/posts/renamed");
    let bob = with_role_of_author(&stack).await;
    bob.patch(&own, "*", json!({ "title": "Mine" })).await.expect_problem(409, "conflict");
    bob.delete(&own).await.expect_problem(409, "conflict");
    for rest in ["publish", "unpublish", "restore"] {
        bob.post(&format!("{own}/{rest}"), json!({})).await.expect_problem(409, "conflict");
    }
    // Who answers or quotes it, answers or quotes the original.
    assert_eq!(reply(&ada, &id).await["reply_to"]["id"], original["id"]);
    assert_eq!(publish(&ada, json!({ "quote_of": id })).await["quote_of"]["id"], original["id"]);

    for slug in ["first", "renamed"] {
        unrepost(&bob, slug).await.expect_status(204);
    }
    stack.settle().await;
    assert_eq!(counts(&stack, "renamed").await, (1, 1));
    assert_eq!(bob.get("/posts/renamed").await.body["viewer"]["reposted"], false);
    assert_eq!(bob.get("/posts?author=bob").await.body["items"], json!([]));
    stack.visitor().get(&own).await.expect_problem(404, "not-found");
    repost(&bob, "renamed").await.expect_status(204);
    assert_eq!(counts(&stack, "renamed").await, (1, 2));
    // By the name of the repost too.
    let id = bob.get("/posts?author=bob").await.each("id")[0].to_lowercase();
    unrepost(&bob, &id).await.expect_status(204);
    assert_eq!(counts(&stack, "renamed").await, (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_reposts_at_once_are_one() {
    let stack = TestStack::start().await;
    stack.stack.wire.one_transaction_at_a_time();
    let ada = stack.user("ada").await;
    publish(&ada, json!({ "title": "First" })).await;
    let statuses = at_once(100, |_| {
        let ada = ada.clone();
        async move { repost(&ada, "first").await }
    })
    .await;
    assert_eq!(statuses, [204; 100]);
    assert_eq!(counts(&stack, "first").await, (0, 1));
    assert_eq!(stack.visitor().get("/posts?kind=repost").await.each("slug"), ["first"]);
    let statuses = at_once(20, |_| {
        let ada = ada.clone();
        async move { unrepost(&ada, "first").await }
    })
    .await;
    assert_eq!(statuses, [204; 20]);
    assert_eq!(counts(&stack, "first").await, (0, 0));
    assert_eq!(stack.visitor().get("/posts?kind=repost").await.body["items"], json!([]));
}

#[tokio::test]
async fn a_repost_of_what_is_gone_shows_nothing() {
    let stack = TestStack::start().await;
    let (ada, bob, eve) = (stack.user("ada").await, stack.user("bob").await, stack.user("eve").await);
    publish(&ada, json!({ "title": "First" })).await;
    repost(&bob, "first").await.expect_status(204);
    repost(&eve, "first").await.expect_status(204);
    let id = bob.get("/posts?author=bob").await.each("id")[0].to_lowercase();
    ada.delete("/posts/first").await.expect_status(204);
    for client in [&stack.visitor(), &bob] {
        for list in ["/posts?author=bob", "/posts?kind=repost", "/posts?author=bob&kind=repost"] {
            assert_eq!(client.get(list).await.body["items"], json!([]), "{list}");
        }
        client.get(&format!("/posts/{id}")).await.expect_problem(404, "not-found");
    }
    assert_eq!(bob.get("/me/posts").await.body["items"], json!([]));
    for name in [id.clone(), id.to_uppercase()] {
        eve.post("/posts", json!({ "body": "B", "quote_of": name })).await.expect_invalid(&["/quote_of"]);
    }
    ada.call("PUT", &format!("/posts/{id}/repost"), &[], None).await.expect_problem(404, "not-found");
    // It can be taken back all the same, by whoever made it.
    unrepost(&bob, "first").await.expect_status(204);
    unrepost(&bob, "first").await.expect_problem(404, "not-found");
    ada.post("/posts/first/restore", json!({})).await.expect_status(200);
    ada.post("/posts/first/publish", json!({})).await.expect_status(200);
    assert_eq!(counts(&stack, "first").await, (0, 1));
    assert_eq!(stack.visitor().get("/posts?kind=repost").await.each("slug"), ["first"]);
    assert_eq!(stack.visitor().get("/posts?author=bob").await.body["items"], json!([]));
}

#[tokio::test]
async fn reposts_go_with_the_name_and_the_account_of_who_made_them() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    publish(&ada, json!({ "title": "First" })).await;
    publish(&bob, json!({ "title": "Own" })).await;
    repost(&bob, "first").await.expect_status(204);
    repost(&bob, "own").await.expect_status(204);
    repost(&ada, "own").await.expect_status(204);
    let etag = bob.get("/me").await.etag();
    bob.patch("/me", &etag, json!({ "username": "robert" })).await.expect_status(200);
    stack.settle().await;
    stack.visitor().get("/posts?author=bob").await.expect_status(301);
    for list in ["/posts?author=robert", "/posts?author=robert&kind=repost"] {
        let cards = stack.visitor().get(list).await;
        assert_eq!(cards.each("slug")[..2], ["own", "first"], "{list}");
        assert_eq!(cards.body["items"][0]["author"]["username"], "robert", "{list}");
    }
    let bob = stack.log_in("robert").await;
    bob.call("DELETE", "/me", &[], Some(json!({ "password": PASSWORD }))).await.expect_status(204);
    stack.settle().await;
    assert_eq!(counts(&stack, "first").await, (0, 0));
    assert_eq!(stack.visitor().get("/posts?kind=repost").await.body["items"], json!([]));
    let again = stack.user("robert").await;
    assert_eq!(again.get("/posts?author=robert").await.body["items"], json!([]));
    assert_eq!(ada.get("/posts/first").await.body["viewer"]["reposted"], false);
}

/// Every field of every kind as clients get it: what changes here changes for them.
#[tokio::test]
async fn each_kind_is_shown_as_it_always_was() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let article = ada.draft("An article").tags(&["rust"]).save().await;
    ada.post(&format!("{}/publish", path(&article)), json!({})).await.expect_status(200);
    let note = ada.draft("A note").without("title").publish().await;
    let quote = ada.draft("A quote").with("quote_of", "an-article").publish().await;
    let answer = ada.draft("A reply").without("title").with("reply_to", "an-article").publish().await;
    repost(&ada, "an-article").await.expect_status(204);
    stack.settle().await;
    let mut shown = json!({});
    for (kind, slug) in [("article", "an-article"), ("note", &note), ("quote", &quote), ("reply", &answer)] {
        let post = stack.visitor().get(&format!("/posts/{slug}")).await.body;
        assert_eq!(post["kind"], kind);
        shown[kind] = post;
    }
    shown["repost"] = stack.visitor().get("/posts?author=ada&kind=repost").await.body["items"][0].clone();
    let text = serde_json::to_string_pretty(&shown).unwrap() + "\n";
    expect_file!["kinds.json"].assert_eq(&text);
}

#[tokio::test]
async fn a_slug_cannot_pass_for_the_id_of_another_post() {
    let stack = TestStack::start().await;
    let (ada, eve) = (stack.user("ada").await, stack.user("eve").await);
    let article = publish(&ada, json!({ "title": "First" })).await;
    let note = publish(&ada, json!({})).await;
    let id = article["id"].as_str().unwrap();
    let small = id.to_lowercase();
    eve.post("/posts", json!({ "title": "T", "body": "B", "slug": small })).await.expect_invalid(&["/slug"]);
    let titled = publish(&eve, json!({ "title": id })).await;
    assert_eq!(titled["slug"], titled["id"].as_str().unwrap().to_lowercase());
    eve.patch(&path(&titled), "*", json!({ "slug": small })).await.expect_invalid(&["/slug"]);
    // Small letters are the id as well, so that a note is found by its slug, which is its own id.
    assert_eq!(reply(&eve, &small).await["reply_to"]["slug"], "first");
    assert_eq!(reply(&eve, note["slug"].as_str().unwrap()).await["reply_to"]["id"], note["id"]);
    let same = json!({ "slug": note["slug"], "body": "Edited." });
    ada.patch(&path(&note), "*", same).await.expect_status(200);
}

#[tokio::test]
async fn a_thread_has_a_beginning() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    let first = publish(&ada, json!({ "title": "First" })).await;
    let second = reply(&bob, "first").await;
    let third = publish(&bob, json!({ "quote_of": second["id"] })).await;
    for field in ["reply_to", "quote_of"] {
        let pointer = format!("/{field}");
        for later in [&second, &third] {
            ada.patch("/posts/first", "*", json!({ field: later["id"] })).await.expect_invalid(&[&pointer]);
        }
    }
    // Nor by way of an old version: it answered this post when this one answered nothing.
    bob.patch(&path(&second), "*", json!({ "reply_to": null })).await.expect_status(200);
    ada.patch("/posts/first", "*", json!({ "reply_to": second["id"] })).await.expect_status(200);
    let restore = format!("{}/revisions/1/restore", path(&second));
    bob.post(&restore, json!({})).await.expect_invalid(&["/reply_to"]);
    assert_eq!(stack.visitor().get("/posts/first").await.body["reply_to"]["id"], second["id"]);
    assert_eq!(first["kind"], "article");
}
