//! Slugs that lead to a post because somebody said so.

use domain::Role;
use serde_json::{Value, json};

use crate::concurrency::at_once;
use crate::harness::{Answer, Client, TestStack};

async fn set(client: &Client, slug: &str, aliases: &[&str]) -> Answer {
    client.put(&format!("/posts/{slug}/aliases"), json!({ "aliases": aliases })).await
}

/// Where a slug leads, or the status that it answers.
async fn leads(client: &Client, slug: &str) -> String {
    let answer = client.get(&format!("/posts/{slug}")).await;
    match answer.status.as_u16() {
        301 => answer.header("location").trim_start_matches("/v1/posts/").to_owned(),
        status => status.to_string(),
    }
}

fn slugs(number: usize, prefix: &str) -> Vec<String> {
    (0..number).map(|number| format!("{prefix}-{number}")).collect()
}

#[tokio::test]
async fn an_alias_leads_to_its_post_like_a_former_slug() {
    let stack = TestStack::start().await;
    let (ada, visitor) = (stack.user("ada").await, stack.visitor());
    ada.publish("Post", &[]).await;
    let answer = set(&ada, "post", &["2019-old", "p-42", "2019-old"]).await;
    answer.expect_status(200);
    assert_eq!(answer.body, json!({ "aliases": ["2019-old", "p-42"], "former_slugs": [] }));
    let read = ada.get("/posts/post/aliases").await;
    assert_eq!((&read.body, read.etag()), (&answer.body, answer.etag()));
    for slug in ["2019-old", "p-42"] {
        assert_eq!(leads(&visitor, slug).await, "post");
        let page = visitor.page(&format!("/posts/{slug}")).await;
        assert_eq!((page.status.as_u16(), page.header("location")), (301, "/posts/post"));
    }
    // It is no edit, and whatever takes a slug takes an alias.
    assert_eq!(ada.get("/posts/post").await.body["version"], 1);
    ada.post("/posts/p-42/comments", json!({ "body": "Found it." })).await.expect_status(201);
    let quote = json!({ "body": "See", "quote_of": "p-42", "status": "published" });
    assert_eq!(ada.post("/posts", quote).await.body["quote_of"]["slug"], "post");

    // It survives a new slug of the post, which may be an alias too. What the post had stays, whatever the set says.
    ada.patch("/posts/post", "*", json!({ "slug": "renamed" })).await.expect_status(200);
    ada.patch("/posts/renamed", "*", json!({ "slug": "p-42" })).await.expect_status(200);
    for slug in ["2019-old", "post", "renamed"] {
        assert_eq!(leads(&visitor, slug).await, "p-42", "{slug}");
    }
    let answer = set(&ada, "renamed", &["post", "new"]).await;
    assert_eq!(answer.body, json!({ "aliases": ["post", "new"], "former_slugs": ["post", "renamed"] }));
    assert_eq!(leads(&visitor, "2019-old").await, "404");
    assert_eq!(set(&ada, "p-42", &[]).await.body["aliases"], json!([]));
    for (slug, leads_to) in [("post", "p-42"), ("renamed", "p-42"), ("new", "404"), ("p-42", "200")] {
        assert_eq!(leads(&visitor, slug).await, leads_to, "{slug}");
    }
    // One that it has is kept for the time when it has another one, and what was freed is anybody's.
    set(&ada, "p-42", &["p-42"]).await.expect_status(200);
    ada.patch("/posts/p-42", "*", json!({ "slug": "last" })).await.expect_status(200);
    set(&ada, "last", &[]).await.expect_status(200);
    assert_eq!(leads(&visitor, "p-42").await, "last");
    let bob = stack.user("bob").await;
    bob.post("/posts", json!({ "title": "B", "body": "B", "slug": "2019-old" })).await.expect_status(201);
}

#[tokio::test]
async fn an_alias_is_one_posts_alone() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    ada.publish("First", &[]).await;
    ada.publish("Second", &[]).await;
    ada.patch("/posts/second", "*", json!({ "slug": "two" })).await.expect_status(200);
    set(&ada, "first", &["one"]).await.expect_status(200);
    for taken in ["first", "one"] {
        set(&ada, "two", &["free", taken]).await.expect_problem(409, "slug-taken");
    }
    for taken in ["two", "second"] {
        set(&ada, "first", &["one", "free", taken]).await.expect_problem(409, "slug-taken");
    }
    // Nothing of a set that is refused is taken, and nothing that it leaves out is freed.
    assert_eq!(ada.get("/posts/first/aliases").await.body["aliases"], json!(["one"]));
    assert_eq!((leads(&ada, "free").await, leads(&ada, "one").await), ("404".to_owned(), "first".to_owned()));
    // What spells an id leads to no other post than that with this id, and without one to any.
    let of_an_id = ada.get("/posts/first").await.body["id"].as_str().unwrap().to_lowercase();
    set(&ada, "two", &[&of_an_id]).await.expect_problem(409, "slug-taken");
    set(&ada, "two", &["01bx5zzkbkactav9wevgemmvrz"]).await.expect_status(200);
    assert_eq!(leads(&bob, "01bx5zzkbkactav9wevgemmvrz").await, "two");
    let chosen = json!({ "title": "B", "body": "B", "slug": "one" });
    bob.post("/posts", chosen).await.expect_problem(409, "slug-taken");
    ada.patch("/posts/two", "*", json!({ "slug": "one" })).await.expect_problem(409, "slug-taken");
    // A slug that is made from a title gives way.
    let made = bob.post("/posts", json!({ "title": "One", "body": "B" })).await;
    assert_ne!(made.body["slug"], "one");

    // Of many who want it, one gets it.
    for number in 0..6 {
        ada.publish(&format!("Wants {number}"), &[]).await;
    }
    let statuses = at_once(6, |number| {
        let ada = ada.clone();
        async move { set(&ada, &format!("wants-{number}"), &["wanted"]).await }
    })
    .await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    // Of many sets of one post, one is whole.
    let statuses = at_once(6, |number| {
        let ada = ada.clone();
        async move { set(&ada, "first", &[&format!("a-{number}"), &format!("b-{number}")]).await }
    })
    .await;
    assert!(statuses.contains(&200), "{statuses:?}");
    let kept = ada.get("/posts/first/aliases").await.body["aliases"].clone();
    for number in 0..6 {
        let pair = [format!("a-{number}"), format!("b-{number}")];
        let leads_to = if kept == json!(pair) { "first" } else { "404" };
        for slug in pair {
            assert_eq!(leads(&ada, &slug).await, leads_to, "{slug} of {kept}");
        }
    }
}

#[tokio::test]
async fn who_may_edit_a_post_sets_its_aliases() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    let (eve, admin) = (stack.user_with_role("eve", Role::Editor).await, stack.admin().await);
    let reader = stack.user_with_role("rita", Role::Reader).await;
    ada.publish("Post", &[]).await;
    ada.draft("Draft").save().await;
    for (client, status, name) in
        [(&bob, 403, "forbidden"), (&reader, 403, "forbidden"), (&stack.visitor(), 401, "unauthenticated")]
    {
        set(client, "post", &["x"]).await.expect_problem(status, name);
        client.get("/posts/post/aliases").await.expect_problem(status, name);
    }
    bob.get("/posts/draft/aliases").await.expect_problem(404, "not-found");
    set(&bob, "draft", &["x"]).await.expect_problem(404, "not-found");
    set(&ada, "none", &["x"]).await.expect_problem(404, "not-found");
    set(&eve, "post", &["by-eve"]).await.expect_status(200);
    assert_eq!(eve.get("/posts/by-eve/aliases").await.body["aliases"], json!(["by-eve"]));
    // What an editor does to another's post is in the audit log, once.
    set(&eve, "post", &["by-eve"]).await.expect_status(200);
    let log = admin.get("/admin/audit?actor=eve").await;
    assert_eq!(log.each("action"), ["post.edited"]);
    // What leads to a draft leads nobody else there.
    set(&ada, "draft", &["secret"]).await.expect_status(200);
    assert_eq!((leads(&ada, "secret").await, leads(&bob, "secret").await), ("draft".to_owned(), "404".to_owned()));

    // All that is wrong with a request.
    let many: Vec<_> = slugs(21, "many");
    for bad in [json!(["Upper"]), json!(["a--b"]), json!([""]), json!([1]), json!("a"), json!(null), json!(many)] {
        ada.put("/posts/post/aliases", json!({ "aliases": bad })).await.expect_invalid(&["/aliases"]);
    }
    ada.put("/posts/post/aliases", json!({})).await.expect_invalid(&["/aliases"]);
    ada.put("/posts/post/aliases", json!({ "aliases": [], "former_slugs": [] }))
        .await
        .expect_invalid(&["/former_slugs"]);
    // The whole of one set for the whole of another.
    for prefix in ["many", "more"] {
        ada.put("/posts/post/aliases", json!({ "aliases": slugs(20, prefix) })).await.expect_status(200);
        assert_eq!(leads(&bob, &format!("{prefix}-19")).await, "post");
    }
    assert_eq!(leads(&bob, "many-0").await, "404");

    // Who asks that nobody was faster is told.
    let etag = ada.get("/posts/post/aliases").await.etag();
    let pinned = |etag: String, alias: &'static str| {
        let ada = ada.clone();
        async move {
            ada.call("PUT", "/posts/post/aliases", &[("if-match", &etag)], Some(json!({ "aliases": [alias] }))).await
        }
    };
    pinned(etag.clone(), "a").await.expect_status(200);
    pinned(etag, "b").await.expect_problem(412, "precondition-failed");
    pinned("*".to_owned(), "c").await.expect_status(200);
    // By a key, within its scopes.
    let key = |scopes: Value| {
        let (stack, ada) = (&stack, &ada);
        async move {
            let key = ada.post("/me/keys", json!({ "name": "k", "scopes": scopes })).await;
            stack.bearer(key.body["key"].as_str().unwrap())
        }
    };
    let (reads, writes) = (key(json!(["read"])).await, key(json!(["posts:write"])).await);
    reads.get("/posts/post/aliases").await.expect_status(200);
    set(&reads, "post", &["d"]).await.expect_problem(403, "out-of-scope");
    set(&writes, "post", &["d"]).await.expect_status(200);
}

#[tokio::test]
async fn aliases_go_with_their_post() {
    let stack = TestStack::start().await;
    stack.set_time("2020-01-01T00:00:00Z");
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    ada.publish("Post", &[]).await;
    set(&ada, "post", &["old", "older"]).await.expect_status(200);
    // In its author's own copy.
    let asked = ada.post("/me/export", json!({})).await;
    stack.settle().await;
    let export = ada.get(&format!("/me/exports/{}", asked.body["export_id"].as_str().unwrap())).await;
    let file: Value = reqwest::get(export.body["url"].as_str().unwrap()).await.unwrap().json().await.unwrap();
    assert_eq!(file["posts"][0]["aliases"], json!(["old", "older"]));

    // In the trash it keeps them, and nobody else can have them.
    ada.delete("/posts/old").await.expect_status(204);
    stack.settle().await;
    ada.get("/posts/old").await.expect_problem(410, "gone");
    ada.get("/posts/old/aliases").await.expect_problem(410, "gone");
    set(&ada, "post", &[]).await.expect_problem(410, "gone");
    let wanted = json!({ "title": "B", "body": "B", "slug": "old" });
    bob.post("/posts", wanted.clone()).await.expect_problem(409, "slug-taken");
    ada.post("/posts/older/restore", json!({})).await.expect_status(200);
    assert_eq!(leads(&ada, "old").await, "post");
    ada.delete("/posts/post").await.expect_status(204);
    stack.set_time("2020-02-15T00:00:00Z");
    stack.stack.backing.remove_expired_now().await;
    stack.settle().await;
    let bob = stack.log_in("bob").await;
    bob.post("/posts", wanted).await.expect_status(201);
    assert_eq!(leads(&bob, "older").await, "404");

    // And with their author.
    set(&bob, "old", &["older"]).await.expect_status(200);
    bob.call("DELETE", "/me", &[], Some(json!({ "password": crate::harness::PASSWORD }))).await.expect_status(204);
    stack.settle().await;
    let carl = stack.user("carl").await;
    let again = json!({ "title": "C", "body": "C", "slug": "older" });
    carl.post("/posts", again).await.expect_status(201);
}
