//! Notifications: what users are told of what others did, once each, and not of what was withdrawn.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::Role;
use local::backing::TABLE_NAME;
use local::wire::Fault;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::{Answer, Client, PASSWORD, TestStack, walk};
use crate::leaving::left_over;

const LIST: &str = "/me/notifications";

/// The notifications of a user, newest first: kind, who, how many people if it is not one, which post; `*` if it is unread.
async fn shown(client: &Client) -> Vec<String> {
    let line = |item: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let people = match item["people"].as_u64().unwrap() {
            1 => String::new(),
            people => format!(" {people}"),
        };
        let unread = if item["read"] == true { "" } else { " *" };
        let (kind, who) = (text(&item["kind"]), text(&item["actors"][0]["username"]));
        format!("{kind} {who}{people} {}{unread}", text(&item["post"]["slug"]))
    };
    let page = client.get(&format!("{LIST}?limit=100")).await;
    page.expect_status(200);
    let items = page.body["items"].as_array().unwrap();
    let lines: Vec<String> = items.iter().map(line).collect();
    let unread = lines.iter().filter(|line| line.ends_with('*')).count();
    assert_eq!(page.body["unread"], unread, "{lines:?}");
    lines
}

async fn settled(stack: &TestStack, client: &Client) -> Vec<String> {
    stack.settle().await;
    shown(client).await
}

async fn put(client: &Client, path: &str) {
    client.call("PUT", path, &[], None).await.expect_status(204);
}

async fn delete(client: &Client, path: &str) {
    client.delete(path).await.expect_status(204);
}

async fn react(client: &Client, slug: &str, kind: &str) {
    client.put(&format!("/posts/{slug}/reaction"), json!({ "kind": kind })).await.expect_status(204);
}

async fn unreact(client: &Client, slug: &str) {
    delete(client, &format!("/posts/{slug}/reaction")).await;
}

/// The id of a new comment.
async fn comment(client: &Client, slug: &str, body: &str, parent: Option<&str>) -> String {
    let mut fields = json!({ "body": body });
    if let Some(parent) = parent {
        fields["parent_id"] = json!(parent);
    }
    let answer = client.post(&format!("/posts/{slug}/comments"), fields).await;
    answer.expect_status(201);
    answer.body["id"].as_str().unwrap().to_owned()
}

async fn decide(editor: &Client, comment: &str, decision: &str) {
    let answer = editor.put(&format!("/moderation/comments/{comment}"), json!({ "decision": decision })).await;
    answer.expect_status(200);
}

async fn mark_read(client: &Client, id: &str) -> Answer {
    client.post("/me/notifications/read", json!({ "up_to": id })).await
}

/// Marks as read up to the notification at this place of the list.
async fn read_from(client: &Client, place: usize) {
    let ids = client.get(&format!("{LIST}?limit=100")).await.each("id");
    mark_read(client, &ids[place]).await.expect_status(204);
}

/// The keys of all that is stored of notifications.
async fn of_notifications(stack: &TestStack) -> Vec<String> {
    let is_one = |key: &String| key.starts_with("TOLD#") || key.starts_with("NOTIFICATIONS#");
    left_over(stack).await.into_iter().filter(is_one).collect()
}

async fn start(parameters: &[(&str, &str)]) -> (TestStack, Client, Client, Client) {
    let stack = TestStack::start_with_parameters(parameters).await;
    let (ada, bob, eve) = (stack.user("ada").await, stack.user("bob").await, stack.user("eve").await);
    ada.publish("Hello", &[]).await;
    stack.settle().await;
    (stack, ada, bob, eve)
}

/// All that bob may do that ada is told of; gives the id of a comment.
async fn all_kinds(stack: &TestStack, ada: &Client, bob: &Client) -> String {
    let own = comment(ada, "hello", "My own post", None).await;
    let on_post = comment(bob, "hello", "On a post", None).await;
    comment(bob, "hello", "An answer", Some(&own)).await;
    bob.draft("Reply").with("reply_to", "hello").publish().await;
    bob.draft("Quote").with("quote_of", "hello").publish().await;
    put(bob, "/posts/hello/repost").await;
    react(bob, "hello", "love").await;
    put(bob, "/users/ada/follow").await;
    stack.settle().await;
    on_post
}

const ALL_KINDS: [&str; 7] = [
    "comment bob hello *",
    "comment_reply bob hello *",
    "follow bob - *",
    "quote bob hello *",
    "reaction bob hello *",
    "reply bob hello *",
    "repost bob hello *",
];

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

#[tokio::test]
async fn users_are_told_what_others_did_once_each_and_nothing_of_their_own() {
    let (stack, ada, bob, _) = start(&[]).await;
    let page = ada.get(LIST).await;
    assert_eq!(page.body, json!({ "items": [], "next_cursor": null, "unread": 0 }));
    assert_eq!(page.header("cache-control"), "private, no-store");
    all_kinds(&stack, &ada, &bob).await;
    assert_eq!(sorted(shown(&ada).await), ALL_KINDS);
    assert_eq!(shown(&bob).await, [""; 0], "nobody is told of their own");
    // Nor of anything that they do to what is theirs.
    let own = comment(&ada, "hello", "Again", None).await;
    comment(&ada, "hello", "To myself", Some(&own)).await;
    ada.draft("Own reply").with("reply_to", "hello").publish().await;
    ada.draft("Own quote").with("quote_of", "hello").publish().await;
    react(&ada, "hello", "like").await;
    put(&ada, "/posts/hello/repost").await;
    assert_eq!(sorted(settled(&stack, &ada).await), ALL_KINDS);

    // In the order in which it happened, with all that there is to say.
    let items = ada.get(LIST).await.body["items"].as_array().unwrap().clone();
    let of = |kind: &str| items.iter().find(|item| item["kind"] == kind).unwrap().clone();
    let ids: Vec<_> = items.iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert!(ids.is_sorted_by(|left, right| left > right), "{ids:?}");
    let hello = stack.visitor().get("/posts/hello").await.body;
    let shown = |post: &Value| json!({ "id": post["id"], "slug": post["slug"], "kind": post["kind"], "title": post["title"], "summary": post["summary"] });
    let reply = stack.visitor().get("/posts/reply").await.body;
    let mut expected = json!({
        "id": of("reply")["id"], "kind": "reply", "read": false, "at": "2026-11-21T08:30:00.000Z", "people": 1,
        "actors": [{ "username": "bob", "display_name": "bob", "avatar_url": null }],
        "post": shown(&hello), "by_post": shown(&reply), "comment": null,
    });
    expected["post"]["summary"] = json!("Some text.");
    expected["by_post"]["summary"] = json!("Some text.");
    assert_eq!(of("reply"), expected);
    let answer = of("comment_reply");
    let thread = stack.visitor().get("/posts/hello/comments").await.body;
    let written = thread["items"].as_array().unwrap().iter().find(|comment| comment["body"] == "An answer").unwrap();
    assert_eq!(answer["comment"], json!({ "id": written["id"], "parent_id": written["parent_id"] }));
    assert_eq!((&of("repost")["by_post"], &of("follow")["post"]), (&Value::Null, &Value::Null));

    // Whoever answers a comment under somebody else's post tells both.
    let eve = stack.log_in("eve").await;
    let top = comment(&bob, "hello", "Top", None).await;
    comment(&eve, "hello", "Below", Some(&top)).await;
    assert_eq!(settled(&stack, &bob).await, ["comment_reply eve hello *"]);
    assert_eq!(self::shown(&ada).await[..2], ["comment eve hello *", "comment bob hello *"]);
    // Of a repost the original is meant, and so is who wrote that.
    let repost = bob.get("/posts?author=bob&kind=repost").await.body["items"][0]["id"].clone();
    eve.draft("To a repost").with("reply_to", repost).publish().await;
    assert_eq!(settled(&stack, &ada).await[0], "reply eve hello *");
    assert_eq!(self::shown(&bob).await.len(), 1);
}

#[tokio::test]
async fn reactions_to_a_post_are_one_notification_that_is_new_with_each_person() {
    let (stack, ada, bob, eve) = start(&[]).await;
    let (dan, fay) = (stack.user("dan").await, stack.user("fay").await);
    ada.publish("Other", &[]).await;
    let step = async |client: &Client, kind: &str| {
        stack.pass_seconds(1);
        react(client, "hello", kind).await;
        settled(&stack, &ada).await
    };
    assert_eq!(step(&bob, "like").await, ["reaction bob hello *"]);
    assert_eq!(step(&eve, "love").await, ["reaction eve 2 hello *"]);
    react(&bob, "other", "like").await;
    assert_eq!(settled(&stack, &ada).await, ["reaction bob other *", "reaction eve 2 hello *"]);
    assert_eq!(step(&dan, "like").await, ["reaction dan 3 hello *", "reaction bob other *"]);
    // One's own is nobody else.
    assert_eq!(step(&ada, "like").await, ["reaction dan 3 hello *", "reaction bob other *"]);
    read_from(&ada, 1).await;
    assert_eq!(shown(&ada).await, ["reaction dan 3 hello *", "reaction bob other"]);
    read_from(&ada, 0).await;
    let before = ada.get(LIST).await.body["items"].clone();
    // Whoever changes their mind is nobody new.
    assert_eq!(step(&bob, "celebrate").await, ["reaction dan 3 hello", "reaction bob other"]);
    assert_eq!(ada.get(LIST).await.body["items"], before);
    stack.pass_seconds(1);
    react(&fay, "other", "like").await;
    assert_eq!(settled(&stack, &ada).await, ["reaction fay 2 other *", "reaction dan 3 hello"]);
    assert_eq!(ada.get(LIST).await.body["items"][0]["at"], "2026-11-21T08:30:06.000Z");

    // Whoever takes it back leaves the place to the last one before, which is no news.
    unreact(&dan, "hello").await;
    assert_eq!(settled(&stack, &ada).await, ["reaction fay 2 other *", "reaction eve 2 hello"]);
    unreact(&eve, "hello").await;
    unreact(&fay, "other").await;
    assert_eq!(settled(&stack, &ada).await, ["reaction bob other *", "reaction bob hello"]);
    unreact(&bob, "hello").await;
    unreact(&bob, "other").await;
    assert_eq!(settled(&stack, &ada).await, [""; 0]);
    assert_eq!(step(&dan, "like").await, ["reaction dan hello *"]);
    // At once, and not only when the plug-in has come to it.
    unreact(&dan, "hello").await;
    assert_eq!(shown(&ada).await, [""; 0]);
    assert_eq!(settled(&stack, &ada).await, [""; 0]);
    step(&dan, "like").await;
    step(&eve, "like").await;
    unreact(&eve, "hello").await;
    assert_eq!(shown(&ada).await, ["reaction - hello *"]);
    assert_eq!(settled(&stack, &ada).await, ["reaction dan hello *"]);
}

/// All of these vanish at once, before any plug-in has looked; and nothing is left of what does not come back.
#[tokio::test]
async fn what_is_withdrawn_vanishes_at_once() {
    let (stack, ada, bob, _) = start(&[]).await;
    let on_post = all_kinds(&stack, &ada, &bob).await;
    let answer = stack.visitor().get("/posts/hello/comments").await.body["items"][1]["id"].clone();
    let gone = async |kind: &str| {
        let at_once = shown(&ada).await;
        assert!(!at_once.iter().any(|line| line.starts_with(&format!("{kind} "))), "{kind}: {at_once:?}");
        assert_eq!(settled(&stack, &ada).await, at_once, "{kind}");
    };
    delete(&bob, &format!("/posts/hello/comments/{on_post}")).await;
    gone("comment").await;
    delete(&bob, &format!("/posts/hello/comments/{}", answer.as_str().unwrap())).await;
    gone("comment_reply").await;
    bob.post("/posts/reply/unpublish", json!({})).await.expect_status(200);
    gone("reply").await;
    bob.patch("/posts/quote", "*", json!({ "quote_of": null })).await.expect_status(200);
    gone("quote").await;
    delete(&bob, "/posts/hello/repost").await;
    gone("repost").await;
    delete(&bob, "/users/ada/follow").await;
    gone("follow").await;
    assert_eq!(shown(&ada).await, ["reaction bob hello *"]);
    // What comes back is told again, what was only out of sight is not.
    bob.post("/posts/reply/publish", json!({})).await.expect_status(200);
    bob.patch("/posts/quote", "*", json!({ "quote_of": "hello" })).await.expect_status(200);
    put(&bob, "/posts/hello/repost").await;
    put(&bob, "/users/ada/follow").await;
    let back =
        ["follow bob - *", "quote bob hello *", "reaction bob hello *", "reply bob hello *", "repost bob hello *"];
    assert_eq!(sorted(settled(&stack, &ada).await), back);
    read_from(&ada, 0).await;
    let read = shown(&ada).await;
    ada.delete("/posts/hello").await.expect_status(204);
    assert_eq!(shown(&ada).await, ["follow bob -"]);
    ada.post("/posts/hello/restore", json!({})).await.expect_status(200);
    assert_eq!(settled(&stack, &ada).await, ["follow bob -"]);
    ada.post("/posts/hello/publish", json!({})).await.expect_status(200);
    assert_eq!(settled(&stack, &ada).await, read);

    // With a post that is removed for good goes what was told of it.
    bob.delete("/posts/reply").await.expect_status(204);
    bob.delete("/posts/quote").await.expect_status(204);
    delete(&bob, "/users/ada/follow").await;
    let table = &stack.stack.blog.table;
    for slug in ["hello", "reply", "quote"] {
        let post = table.post(&slug.to_owned().try_into().unwrap(), stack.stack.blog.now()).await.unwrap().unwrap();
        table.delete_post(&post, stack.stack.blog.now()).await.unwrap();
    }
    assert_eq!(settled(&stack, &ada).await, [""; 0]);
    let left = of_notifications(&stack).await;
    assert!(left.len() == 1 && left[0].ends_with(" READ"), "{left:?}");
}

#[tokio::test]
async fn an_editors_decision_is_told_to_the_author_of_the_comment() {
    let (stack, ada, bob, eve) = start(&[("HoldComments", "all"), ("BlockedWords", "wait")]).await;
    let mona = stack.user_with_role("mona", Role::Editor).await;
    let good = comment(&bob, "hello", "Good", None).await;
    let bad = comment(&bob, "hello", "Bad", None).await;
    let own = comment(&bob, "hello", "Own", None).await;
    assert_eq!(settled(&stack, &ada).await, [""; 0], "nobody is told of what waits");
    decide(&mona, &good, "approve").await;
    decide(&mona, &bad, "reject").await;
    // Deciding again on what is decided is no other decision, and what one deletes oneself is none.
    decide(&mona, &good, "approve").await;
    delete(&bob, &format!("/posts/hello/comments/{own}")).await;
    assert_eq!(settled(&stack, &bob).await, ["comment_rejected - 0 hello *", "comment_approved - 0 hello *"]);
    let items = bob.get(LIST).await.body["items"].clone();
    assert_eq!((&items[0]["comment"]["id"], &items[1]["comment"]["id"]), (&json!(bad), &json!(good)));
    assert_eq!(shown(&ada).await, ["comment bob hello *"]);
    assert_eq!(shown(&mona).await, [""; 0]);

    // An answer is told when it is approved, and after an edit that waits not a second time.
    let answer = comment(&eve, "hello", "Answer", Some(&good)).await;
    assert_eq!(settled(&stack, &bob).await.len(), 2);
    decide(&mona, &answer, "approve").await;
    assert_eq!(settled(&stack, &bob).await[0], "comment_reply eve hello *");
    let edit = json!({ "body": "Answer, wait" });
    eve.patch(&format!("/posts/hello/comments/{answer}"), "*", edit).await.expect_status(200);
    assert_eq!(shown(&bob).await.len(), 2);
    assert_eq!(settled(&stack, &bob).await.len(), 2);
    decide(&mona, &answer, "approve").await;
    assert_eq!(settled(&stack, &bob).await.len(), 3);

    // A published comment that an editor deletes, either way, was rejected too.
    delete(&mona, &format!("/posts/hello/comments/{answer}")).await;
    decide(&mona, &good, "reject").await;
    assert_eq!(settled(&stack, &eve).await, ["comment_rejected - 0 hello *"]);
    assert_eq!(shown(&bob).await, ["comment_rejected - 0 hello *", "comment_rejected - 0 hello *"]);
    assert_eq!(shown(&ada).await, [""; 0]);
    // What editors decide on their own comments, they know.
    let of_mona = comment(&mona, "hello", "Mine", None).await;
    decide(&mona, &of_mona, "reject").await;
    assert_eq!(settled(&stack, &mona).await, [""; 0]);
}

#[tokio::test]
async fn what_is_read_stays_read_and_what_comes_later_is_unread() {
    let (stack, ada, bob, _) = start(&[]).await;
    for number in 0..5 {
        comment(&bob, "hello", &format!("Number {number}"), None).await;
    }
    stack.settle().await;
    let ids = ada.get(LIST).await.each("id");
    let unread = async || ada.get(LIST).await.body["unread"].as_u64().unwrap();
    assert_eq!(unread().await, 5);
    mark_read(&ada, &ids[3]).await.expect_status(204);
    assert_eq!(unread().await, 3);
    // A page further down tells as much as the first.
    let second = ada.get(&format!("{LIST}?limit=2")).await;
    assert_eq!(second.body["unread"], 3);
    let next = format!("{LIST}?limit=2&cursor={}", second.body["next_cursor"].as_str().unwrap());
    assert_eq!(ada.get(&next).await.body["unread"], 3);
    assert_eq!(ada.get(&next).await.each("id"), ids[2..4]);
    for earlier in [&ids[4], &ids[3], &ids[2]] {
        mark_read(&ada, earlier).await.expect_status(204);
    }
    assert_eq!(unread().await, 2);
    mark_read(&ada, &ids[4]).await.expect_status(204);
    assert_eq!(unread().await, 2, "what is read stays read");
    // An id that is of no notification marks what is there, and nothing that comes.
    mark_read(&ada, "7ZZZZZZZZZZZZZZZZZZZZZZZZZ").await.expect_status(204);
    assert_eq!(unread().await, 0);
    comment(&bob, "hello", "Later", None).await;
    stack.settle().await;
    assert_eq!(unread().await, 1);
    assert_eq!(ada.get(LIST).await.body["items"][0]["read"], false);
    // They are of each user alone.
    mark_read(&bob, &ids[0]).await.expect_status(204);
    assert_eq!(unread().await, 1);

    mark_read(&ada, "nonsense").await.expect_invalid(&["/up_to"]);
    ada.post("/me/notifications/read", json!({})).await.expect_invalid(&["/up_to"]);
    let visitor = stack.visitor();
    visitor.get(LIST).await.expect_problem(401, "unauthenticated");
    mark_read(&visitor, &ids[0]).await.expect_problem(401, "unauthenticated");
    let reader = stack.user_with_role("rita", Role::Reader).await;
    reader.get(LIST).await.expect_status(200);
}

#[tokio::test]
async fn nobody_is_told_of_a_comment_before_an_editor_lets_it_through() {
    let (stack, ada, bob, eve) = start(&[("HoldComments", "all")]).await;
    let held = comment(&bob, "hello", "Wait", None).await;
    assert_eq!(settled(&stack, &ada).await, [""; 0]);
    // Whoever read what came meanwhile has not read this.
    react(&eve, "hello", "like").await;
    assert_eq!(settled(&stack, &ada).await, ["reaction eve hello *"]);
    read_from(&ada, 0).await;
    decide(&stack.user_with_role("edith", domain::Role::Editor).await, &held, "approve").await;
    assert_eq!(settled(&stack, &ada).await, ["comment bob hello *", "reaction eve hello"]);
    // One that waits again is taken back, and told anew.
    read_from(&ada, 0).await;
    bob.patch(&format!("/posts/hello/comments/{held}"), "*", json!({ "body": "Wait again" })).await.expect_status(200);
    assert_eq!(settled(&stack, &ada).await, ["reaction eve hello"]);
    react(&bob, "hello", "love").await;
    assert_eq!(settled(&stack, &ada).await.len(), 1);
    read_from(&ada, 0).await;
    decide(&stack.log_in("edith").await, &held, "approve").await;
    assert_eq!(settled(&stack, &ada).await[0], "comment bob hello *");
}

#[tokio::test]
async fn unread_ones_are_counted_exactly_below_a_hundred() {
    let (stack, ada, bob, eve) = start(&[]).await;
    let mut comments = Vec::new();
    for number in 0..98 {
        comments.push(comment(&bob, "hello", &format!("Number {number}"), None).await);
    }
    react(&eve, "hello", "like").await;
    let unread = async |limit: usize| ada.get(&format!("{LIST}?limit={limit}")).await.body["unread"].as_u64().unwrap();
    stack.settle().await;
    assert_eq!([unread(1).await, unread(20).await, unread(100).await], [99; 3]);
    for (comments, expected) in [(1, 100), (1, 100), (30, 100)] {
        for _ in 0..comments {
            comment(&bob, "hello", "One more", None).await;
        }
        stack.settle().await;
        assert_eq!([unread(1).await, unread(20).await, unread(100).await], [expected; 3]);
    }
    assert_eq!(walk(&ada, LIST, 7).await.len(), 131);
    // What is withdrawn and not yet cleared away is not counted.
    read_from(&ada, 50).await;
    assert_eq!([unread(1).await, unread(20).await], [50; 2]);
    unreact(&eve, "hello").await;
    let newest: Vec<_> = ada.get(&format!("{LIST}?limit=3")).await.body["items"].as_array().unwrap().clone();
    for item in &newest {
        delete(&bob, &format!("/posts/hello/comments/{}", item["comment"]["id"].as_str().unwrap())).await;
    }
    assert_eq!([unread(1).await, unread(20).await, unread(100).await], [46; 3]);
    stack.settle().await;
    assert_eq!([unread(1).await, unread(20).await, unread(100).await], [46; 3]);
}

#[tokio::test]
async fn names_and_titles_are_as_they_are_now() {
    let (stack, ada, bob, _) = start(&[]).await;
    all_kinds(&stack, &ada, &bob).await;
    bob.patch("/me", "*", json!({ "username": "robert", "display_name": "Robert" })).await.expect_status(200);
    ada.patch("/posts/hello", "*", json!({ "title": "Good day", "slug": "good-day" })).await.expect_status(200);
    bob.patch("/posts/reply", "*", json!({ "title": "An answer", "slug": "answer" })).await.expect_status(200);
    // At once, while nothing was copied anywhere yet.
    let items = ada.get(LIST).await.body["items"].as_array().unwrap().clone();
    assert_eq!(items.len(), ALL_KINDS.len());
    for item in &items {
        assert_eq!(item["actors"][0]["username"], "robert", "{item}");
        assert_eq!(item["actors"][0]["display_name"], "Robert", "{item}");
        if item["kind"] != "follow" {
            assert_eq!((&item["post"]["slug"], &item["post"]["title"]), (&json!("good-day"), &json!("Good day")));
        }
        if item["kind"] == "reply" {
            assert_eq!((&item["by_post"]["slug"], &item["by_post"]["title"]), (&json!("answer"), &json!("An answer")));
        }
    }
    stack.settle().await;
    assert_eq!(ada.get(LIST).await.body["items"], json!(items));
}

/// Calls the plug-in with an event, as the bus does.
async fn call(stack: &TestStack, event: &Value) {
    let plugin = events::PLUGINS.iter().find(|plugin| plugin.name == "notify").unwrap();
    plugin.run(&stack.stack.events, serde_json::from_value(event.clone()).unwrap()).await.unwrap();
}

/// Something of everything is done, and some of it withdrawn; gives what ada is told of it in the end.
async fn a_day(stack: &TestStack, ada: &Client, bob: &Client, eve: &Client) -> Vec<&'static str> {
    let on_post = all_kinds(stack, ada, bob).await;
    let gone = comment(eve, "hello", "Gone", None).await;
    let below = comment(eve, "hello", "Below", Some(&on_post)).await;
    delete(eve, &format!("/posts/hello/comments/{gone}")).await;
    delete(bob, &format!("/posts/hello/comments/{on_post}")).await;
    delete(eve, &format!("/posts/hello/comments/{below}")).await;
    delete(bob, "/posts/hello/repost").await;
    bob.delete("/posts/quote").await.expect_status(204);
    for (client, kind) in [(eve, "like"), (bob, "like"), (ada, "love")] {
        stack.pass_seconds(1);
        react(client, "hello", kind).await;
    }
    unreact(bob, "hello").await;
    put(eve, "/users/ada/follow").await;
    delete(eve, "/users/ada/follow").await;
    vec!["comment_reply bob hello *", "follow bob - *", "reaction eve hello *", "reply bob hello *"]
}

#[tokio::test]
async fn events_may_come_again_late_and_in_any_order() {
    // Nothing is told while they happen.
    let (stack, ada, bob, eve) = start(&[("Notifications", "false")]).await;
    stack.take_put("broadsheet");
    let expected = a_day(&stack, &ada, &bob, &eve).await;
    assert_eq!(settled(&stack, &ada).await, [""; 0]);
    let events = stack.take_put("broadsheet");
    let kinds: BTreeSet<_> = events.iter().map(|event| event["detail-type"].as_str().unwrap()).collect();
    assert!(
        ["comment.published", "comment.deleted", "reaction.changed", "user.followed"]
            .iter()
            .all(|kind| kinds.contains(kind))
    );
    // The first comes last.
    for event in events.iter().rev() {
        call(&stack, event).await;
    }
    assert_eq!(sorted(shown(&ada).await), expected);
    let told = ada.get(LIST).await.body;
    let left = of_notifications(&stack).await;
    for seed in 0..5_usize {
        // In some other order, most of them twice.
        for number in 0..events.len() * 2 {
            call(&stack, &events[(number * (2 * seed + 7) + seed) % events.len()]).await;
        }
        assert_eq!(ada.get(LIST).await.body, told);
        assert_eq!(of_notifications(&stack).await, left);
    }
    for client in [&bob, &eve] {
        assert!(shown(client).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_at_once_come_to_the_same_end() {
    let (stack, ada, bob, eve) = start(&[("Notifications", "false")]).await;
    let expected = a_day(&stack, &ada, &bob, &eve).await;
    for number in 0..12 {
        stack.pass_seconds(1);
        react(&stack.user(&format!("fan-{number:02}")).await, "hello", "like").await;
    }
    stack.settle().await;
    let events = stack.take_put("broadsheet");
    let mut calls = JoinSet::new();
    for event in events.iter().chain(&events) {
        let (stack, event) = (stack.clone(), event.clone());
        calls.spawn(async move { call(&stack, &event).await });
    }
    calls.join_all().await;
    let mut lines = sorted(shown(&ada).await);
    assert_eq!(lines[2], "reaction fan-11 13 hello *");
    lines[2] = expected[2].to_owned();
    assert_eq!(lines, expected);
    // As many as are told of are remembered, so each is news once.
    let told = of_notifications(&stack).await.into_iter().filter(|key| key.contains(" BY#")).count();
    assert_eq!(told, 13);
}

#[tokio::test]
async fn whatever_is_stopped_goes_on_where_it_was() {
    let (stack, ada, bob, eve) = start(&[("Notifications", "false")]).await;
    stack.take_put("broadsheet");
    let on_post = all_kinds(&stack, &ada, &bob).await;
    stack.pass_seconds(1);
    react(&eve, "hello", "like").await;
    stack.settle().await;
    let mut expected: Vec<_> = ALL_KINDS.map(|line| line.replace("reaction bob", "reaction eve 2")).into();
    stopped_everywhere(&stack, &ada, &[], &expected, 16).await;

    // And what is withdrawn.
    let told = stored(&stack).await;
    delete(&bob, &format!("/posts/hello/comments/{on_post}")).await;
    delete(&bob, "/posts/hello/repost").await;
    bob.post("/posts/reply/unpublish", json!({})).await.expect_status(200);
    unreact(&eve, "hello").await;
    stack.settle().await;
    expected.retain(|line| !["comment ", "repost", "reply"].iter().any(|gone| line.starts_with(gone)));
    let expected: Vec<_> = expected.iter().map(|line| line.replace("reaction eve 2", "reaction bob")).collect();
    stopped_everywhere(&stack, &ada, &told, &expected, 9).await;
}

/// Lets the plug-in have the events that were put on the bus since this was asked last, after `told` was told, and stops it at calls of
/// each kind. Wherever it is stopped, ada is told what is `expected`, which is stored in so many `items`: two for each
/// notification, and one for each person who reacts.
async fn stopped_everywhere(
    stack: &TestStack,
    ada: &Client,
    told: &[HashMap<String, AttributeValue>],
    expected: &[String],
    items: usize,
) {
    let events = stack.take_put("broadsheet");
    let plugin = events::PLUGINS.iter().find(|plugin| plugin.name == "notify").unwrap();
    for action in ["TransactWriteItems", "Query", "GetItem", "BatchGetItem"] {
        // At every write, and at some reads.
        for step in (0_usize..).step_by(if action == "TransactWriteItems" { 1 } else { 7 }) {
            let dynamodb = dynamodb(stack);
            for item in stored(stack).await {
                let delete = dynamodb.delete_item().table_name(TABLE_NAME);
                delete.key("pk", item["pk"].clone()).key("sk", item["sk"].clone()).send().await.unwrap();
            }
            for item in told {
                dynamodb.put_item().table_name(TABLE_NAME).set_item(Some(item.clone())).send().await.unwrap();
            }
            let fault = if step % 2 == 0 { Fault::ServerError } else { Fault::AnswerLost };
            stack.stack.wire.break_calls(action, step, 3, fault);
            let mut stopped = 0;
            for event in &events {
                let run = || plugin.run(&stack.stack.events, serde_json::from_value(event.clone()).unwrap());
                if run().await.is_err() {
                    stopped += 1;
                    run().await.unwrap();
                }
            }
            stack.stack.wire.mend();
            assert_eq!(sorted(shown(ada).await), expected, "stopped at {action} {step}");
            assert_eq!(stored(stack).await.len(), items, "stopped at {action} {step}");
            if stopped == 0 {
                // Some of these events make no batch.
                assert!(step >= 4 || action == "BatchGetItem", "{action} is stopped {step} times");
                break;
            }
        }
    }
}

fn dynamodb(stack: &TestStack) -> aws_sdk_dynamodb::Client {
    aws_sdk_dynamodb::Client::new(&local::stack::sdk_config(stack.stack.wire.clone()))
}

/// All that is stored of notifications.
async fn stored(stack: &TestStack) -> Vec<HashMap<String, AttributeValue>> {
    let items = dynamodb(stack).scan().table_name(TABLE_NAME).send().await.unwrap().items.unwrap();
    let is_one = |item: &HashMap<String, AttributeValue>| {
        let pk = item["pk"].as_s().unwrap();
        pk.starts_with("TOLD#") || pk.starts_with("NOTIFICATIONS#")
    };
    items.into_iter().filter(is_one).collect()
}

#[tokio::test]
async fn nothing_is_told_of_who_leaves_nor_left_of_what_they_were_told() {
    for leaver in ["ada", "bob"] {
        let stack = TestStack::start().await;
        let stays = stack.user(if leaver == "ada" { "bob" } else { "ada" }).await;
        stack.settle().await;
        let leaves = stack.user(leaver).await;
        let (ada, bob) = if leaver == "ada" { (&leaves, &stays) } else { (&stays, &leaves) };
        ada.publish("Hello", &[]).await;
        let on_post = all_kinds(&stack, ada, bob).await;
        comment(ada, "hello", "Thank you", Some(&on_post)).await;
        assert_eq!(sorted(settled(&stack, ada).await), ALL_KINDS);
        read_from(ada, 3).await;
        assert_eq!(shown(bob).await, ["comment_reply ada hello *"]);
        leaves.call("DELETE", "/me", &[], Some(json!({ "password": PASSWORD }))).await.expect_status(204);
        // At once, whatever is still to be removed.
        assert_eq!(shown(&stays).await, [""; 0], "{leaver} leaves");
        stack.settle().await;
        assert_eq!(shown(&stays).await, [""; 0], "{leaver} leaves");
        let id = |client: Value| client["id"].as_str().unwrap().to_owned();
        let stays_id = id(stays.get("/me").await.body);
        let mut left = of_notifications(&stack).await;
        left.retain(|key| *key != format!("NOTIFICATIONS#{stays_id} READ"));
        assert_eq!(left, [""; 0], "{leaver} leaves");
    }
}

#[tokio::test]
async fn leaving_goes_on_wherever_it_was_stopped() {
    for step in [0, 1, 3, 4, 6, 9, 12, 15] {
        let stack = TestStack::start().await;
        let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
        ada.publish("Hello", &[]).await;
        all_kinds(&stack, &ada, &bob).await;
        let who = if step % 2 == 0 { &ada } else { &bob };
        who.call("DELETE", "/me", &[], Some(json!({ "password": PASSWORD }))).await.expect_status(204);
        stack.stack.wire.break_calls("TransactWriteItems", step, 3, Fault::ServerError);
        stack.settle().await;
        assert_eq!(of_notifications(&stack).await, [""; 0], "stopped at {step}");
    }
}

#[tokio::test]
async fn a_walk_shows_each_once_while_others_write() {
    let (stack, ada, bob, eve) = start(&[]).await;
    for number in 0..20 {
        comment(&bob, "hello", &format!("Number {number}"), None).await;
    }
    stack.settle().await;
    let there = ada.get(&format!("{LIST}?limit=100")).await.each("id");
    let (mut met, mut path) = (Vec::new(), format!("{LIST}?limit=3"));
    loop {
        let page = ada.get(&path).await;
        page.expect_status(200);
        met.extend(page.each("id"));
        let Some(cursor) = page.body["next_cursor"].as_str() else { break };
        path = format!("{LIST}?limit=3&cursor={cursor}");
        comment(&eve, "hello", "Meanwhile", None).await;
        react(&eve, "hello", if met.len() % 2 == 0 { "like" } else { "love" }).await;
        stack.settle().await;
    }
    assert_eq!(met, there);
    // A cursor of one user's is none of another's.
    bob.get(&path).await.expect_problem(400, "invalid-cursor");
}

#[tokio::test]
async fn they_are_forgotten_after_ninety_days() {
    let (stack, ada, bob, eve) = start(&[]).await;
    comment(&bob, "hello", "Old", None).await;
    react(&bob, "hello", "like").await;
    stack.settle().await;
    stack.pass_seconds(80 * 24 * 60 * 60);
    let eve = {
        drop(eve);
        stack.log_in("eve").await
    };
    react(&eve, "hello", "like").await;
    stack.settle().await;
    let lines = ["reaction eve 2 hello *", "comment bob hello *"];
    drop(ada);
    assert_eq!(shown(&stack.log_in("ada").await).await, lines);
    stack.pass_seconds(10 * 24 * 60 * 60);
    // What is new again is kept from then on.
    assert_eq!(shown(&stack.log_in("ada").await).await, lines[..1]);
    stack.pass_seconds(80 * 24 * 60 * 60);
    assert_eq!(shown(&stack.log_in("ada").await).await, [""; 0]);
}
