//! Domain events: every one that any story causes is what its schema in `docs/events` says, and says nothing that is not
//! public.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use domain::event::Event;
use expect_test::expect_file;
use jsonschema::Validator;
use local::wire::Fault;
use serde_json::{Value, json};

use crate::harness::{PASSWORD, TestStack};

/// The schemas of the events' data as they are committed, by the type of the event.
static SCHEMAS: LazyLock<BTreeMap<&str, (Value, Validator)>> = LazyLock::new(|| {
    let read = |kind: &domain::event::EventType| {
        let path = format!("{}/../../docs/events/{}.{}.json", env!("CARGO_MANIFEST_DIR"), kind.name, kind.version);
        let schema = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut schema: Value = serde_json::from_str(&schema).unwrap();
        // Readers must expect new fields; the tests must not.
        schema["unevaluatedProperties"] = json!(false);
        let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
        (kind.name, (schema, validator))
    };
    Event::TYPES.iter().map(read).collect()
});

/// Panics if this, which is on the bus, is an event that is not as it should be.
#[track_caller]
pub fn check(event: &Value) {
    if event["source"] != "broadsheet" {
        assert_eq!(event["source"], "broadsheet.work", "{event}");
        return;
    }
    let envelope = &event["detail"];
    let fields: BTreeSet<_> = envelope.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = ["data", "datacontenttype", "dataschema", "id", "source", "specversion", "time", "type"];
    assert_eq!(fields, expected.into(), "{event}");
    assert_eq!(envelope["specversion"], "1.0");
    assert_eq!(envelope["datacontenttype"], "application/json");
    assert_eq!(envelope["source"], "urn:broadsheet:local");
    assert_eq!(envelope["type"], event["detail-type"]);
    assert!(envelope["id"].as_str().is_some_and(|id| !id.is_empty()), "{event}");
    assert!(jiff_like(envelope["time"].as_str().unwrap()), "{event}");
    let kind = envelope["type"].as_str().unwrap();
    let (schema, validator) = SCHEMAS.get(kind).unwrap_or_else(|| panic!("no schema of {event}"));
    assert_eq!(envelope["dataschema"], schema["$id"], "{event}");
    if let Some(error) = validator.iter_errors(&envelope["data"]).next() {
        panic!("{error} at {}: {event}", error.instance_path());
    }
    let text = event.to_string();
    assert!(text.len() < 8 * 1024, "{} bytes: {event}", text.len());
    for secret in ["@example.", PASSWORD, "eyJ"] {
        assert!(!text.contains(secret), "{secret} is told to everybody: {event}");
    }
}

/// Whether it is a time as the API writes it.
fn jiff_like(time: &str) -> bool {
    domain::Timestamp::try_from(time.to_owned()).is_ok_and(|parsed| parsed.to_string() == time)
}

#[test]
fn the_schemas_are_those_that_are_committed_and_the_documentation_lists_them() {
    let mut table = "| event | when | schema of its `data` |\n|---|---|---|\n".to_owned();
    for kind in Event::TYPES {
        let text = serde_json::to_string_pretty(&kind.schema()).unwrap() + "\n";
        let file = format!("{}.{}.json", kind.name, kind.version);
        let path = format!("{}/../../docs/events/{file}", env!("CARGO_MANIFEST_DIR"));
        expect_file![path].assert_eq(&text);
        table += &format!("| `{}` | {} | [{file}]({file}) |\n", kind.name, kind.description.trim());
    }
    let path = format!("{}/../../docs/events/README.md", env!("CARGO_MANIFEST_DIR"));
    let written = std::fs::read_to_string(&path).unwrap();
    let (begin, rest) = written.split_once("| event |").unwrap();
    let end = rest.split_once("\n\n").map_or("", |(_, end)| end);
    expect_file![path].assert_eq(&format!("{begin}{table}\n{end}"));
}

/// The types of the events that happened since this was asked last, each with its data.
async fn told(stack: &TestStack) -> Vec<(String, Value)> {
    stack.settle().await;
    let events = stack.take_put("broadsheet");
    events
        .iter()
        .map(|event| (event["detail-type"].as_str().unwrap().to_owned(), event["detail"]["data"].clone()))
        .collect()
}

fn types(told: &[(String, Value)]) -> Vec<&str> {
    told.iter().map(|(kind, _)| kind.as_str()).collect()
}

#[tokio::test]
async fn what_happens_is_told() {
    let stack = TestStack::start_with_parameters(&[("BlockedWords", "clandestine")]).await;
    let mut seen = BTreeSet::new();
    let ada = stack.user("ada").await;
    let me = ada.get("/me").await.body;
    let registered = json!({ "user_id": me["id"], "username": "ada", "display_name": "ada", "version": 1 });
    let events = told(&stack).await;
    assert_eq!(events, [("user.registered".to_owned(), registered)]);
    seen.extend(events.into_iter().map(|(kind, _)| kind));

    let slug = ada.publish("On Engines", &["engines", "notes"]).await;
    let post = ada.get(&format!("/posts/{slug}")).await.body;
    let published = json!({
        "post_id": post["id"], "slug": "on-engines", "kind": "article", "title": "On Engines",
        "tags": ["engines", "notes"], "author_id": me["id"], "quote_of": null, "reply_to": null,
        "published_at": post["published_at"], "version": 1,
    });
    let events = told(&stack).await;
    assert_eq!(events, [("post.published".to_owned(), published.clone())]);
    seen.extend(events.into_iter().map(|(kind, _)| kind));

    // A new slug is an edit like any other.
    let change = json!({ "slug": "engines", "tags": ["engines"], "body": "Another text." });
    ada.patch("/posts/on-engines", "*", change).await.expect_status(200);
    let mut updated = published;
    for (field, value) in [
        ("slug", json!("engines")),
        ("tags", json!(["engines"])),
        ("version", json!(2)),
        ("former_slug", json!("on-engines")),
        ("removed_tags", json!(["notes"])),
    ] {
        updated[field] = value;
    }
    let events = told(&stack).await;
    assert_eq!(events, [("post.updated".to_owned(), updated)]);
    seen.extend(events.into_iter().map(|(kind, _)| kind));

    ada.post("/posts/engines/unpublish", json!({})).await.expect_status(200);
    let unpublished = json!({
        "post_id": post["id"], "slug": "engines", "tags": ["engines"], "author_id": me["id"],
        "published_at": post["published_at"], "version": 2,
    });
    let events = told(&stack).await;
    assert_eq!(events, [("post.unpublished".to_owned(), unpublished)]);
    seen.extend(events.into_iter().map(|(kind, _)| kind));
    ada.post("/posts/engines/publish", json!({})).await.expect_status(200);
    assert_eq!(types(&told(&stack).await), ["post.published"]);
    ada.delete("/posts/engines").await.expect_status(204);
    assert_eq!(types(&told(&stack).await), ["post.unpublished"]);
    ada.post("/posts/engines/restore", json!({})).await.expect_status(200);
    assert_eq!(told(&stack).await, []);

    ada.patch("/me", "*", json!({ "username": "countess" })).await.expect_status(200);
    let renamed = json!({
        "user_id": me["id"], "username": "countess", "display_name": "ada", "version": 2, "former_username": "ada",
    });
    let events = told(&stack).await;
    assert_eq!(events, [("user.renamed".to_owned(), renamed)]);
    seen.extend(events.into_iter().map(|(kind, _)| kind));
    ada.patch("/me", "*", json!({ "display_name": "Ada" })).await.expect_status(200);
    assert_eq!(told(&stack).await[0].1["former_username"], Value::Null);

    let bob = stack.user("bob").await;
    told(&stack).await;
    bob.call("PUT", "/users/countess/follow", &[], None).await.expect_status(204);
    let events = told(&stack).await;
    assert_eq!(types(&events), ["user.followed"]);
    assert_eq!(
        (&events[0].1["followed_id"], &events[0].1["follower_id"]),
        (&me["id"], &bob.get("/me").await.body["id"])
    );
    seen.extend(events.into_iter().map(|(kind, _)| kind));
    bob.delete("/users/countess/follow").await.expect_status(204);
    let events = told(&stack).await;
    let ids = json!({ "follower_id": bob.get("/me").await.body["id"], "followed_id": me["id"] });
    assert_eq!(events, [("user.unfollowed".to_owned(), ids)]);
    seen.extend(events.into_iter().map(|(kind, _)| kind));

    ada.call("DELETE", "/me", &[], Some(json!({ "password": PASSWORD }))).await.expect_status(204);
    let events = told(&stack).await;
    assert_eq!(types(&events), ["user.deleted", "post.deleted"]);
    assert_eq!(events[0].1, json!({ "user_id": me["id"] }));
    assert_eq!(events[1].1, json!({ "post_id": post["id"], "author_id": me["id"] }));
    seen.extend(events.into_iter().map(|(kind, _)| kind));

    bob.publish("Of Bob", &[]).await;
    told(&stack).await;
    let bob_id = bob.get("/me").await.body["id"].clone();
    let comments = "/posts/of-bob/comments";
    let comment = bob.post(comments, json!({ "body": "Top" })).await.body;
    let post_id = stack.visitor().get("/posts/of-bob").await.body["id"].clone();
    let events = told(&stack).await;
    let of_comment = json!({ "comment_id": comment["id"], "post_id": post_id });
    let mut published = of_comment.clone();
    for (field, value) in [
        ("parent_id", Value::Null),
        ("author_id", bob_id.clone()),
        ("created_at", comment["created_at"].clone()),
        ("version", json!(1)),
    ] {
        published[field] = value;
    }
    assert_eq!(events, [("comment.published".to_owned(), published)]);
    seen.extend(events.into_iter().map(|(kind, _)| kind));
    let path = format!("{comments}/{}", comment["id"].as_str().unwrap());
    bob.patch(&path, "*", json!({ "body": "clandestine" })).await.expect_status(200);
    let events = told(&stack).await;
    assert_eq!(events, [("comment.held".to_owned(), of_comment.clone())]);
    seen.extend(events.into_iter().map(|(kind, _)| kind));
    bob.delete(&path).await.expect_status(204);
    let events = told(&stack).await;
    assert_eq!(events, [("comment.deleted".to_owned(), of_comment)]);
    seen.extend(events.into_iter().map(|(kind, _)| kind));

    for (kind, former_kind) in
        [(json!("like"), Value::Null), (json!("love"), json!("like")), (Value::Null, json!("love"))]
    {
        let changed = || bob.put("/posts/of-bob/reaction", json!({ "kind": kind }));
        let answer = if kind.is_null() { bob.delete("/posts/of-bob/reaction").await } else { changed().await };
        answer.expect_status(204);
        let changed = json!({ "post_id": post_id, "user_id": bob_id, "kind": kind, "former_kind": former_kind });
        let events = told(&stack).await;
        assert_eq!(events, [("reaction.changed".to_owned(), changed)]);
        seen.extend(events.into_iter().map(|(kind, _)| kind));
    }

    let picture = crate::media::ready(&stack, &bob, 20).await;
    let events = told(&stack).await;
    let id = picture.rsplit('/').next().unwrap();
    let ready = json!({ "media_id": id, "owner_id": bob_id, "width": 20, "height": 10 });
    assert_eq!(events, [("media.ready".to_owned(), ready)]);
    seen.extend(events.into_iter().map(|(kind, _)| kind));

    let all: BTreeSet<_> = Event::TYPES.iter().map(|kind| kind.name.to_owned()).collect();
    assert_eq!(seen, all, "every type of event has happened here");
}

#[tokio::test]
async fn what_is_not_public_is_told_to_nobody() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    told(&stack).await;
    let draft = ada.draft("Clandestine").tags(&["clandestine"]).with("body", "Clandestine.").save().await;
    ada.patch("/posts/clandestine", "*", json!({ "summary": "Clandestine." })).await.expect_status(200);
    let later = json!({ "publish_at": "2026-11-22T08:30:00Z" });
    ada.post("/posts/clandestine/publish", later).await.expect_status(200);
    assert_eq!(told(&stack).await, []);
    // Nor does it say so when it is out, but for what lists show of it too.
    ada.delete("/posts/clandestine").await.expect_status(204);
    ada.call("DELETE", "/me", &[], Some(json!({ "password": PASSWORD }))).await.expect_status(204);
    let events = told(&stack).await;
    assert_eq!(types(&events), ["user.deleted", "post.deleted"]);
    assert_eq!(events[1].1["post_id"], draft["id"]);
    assert!(!json!(events).to_string().to_lowercase().contains("clandestine"), "{events:?}");

    // Of a registration that is not finished nobody hears either, nor that it has lapsed.
    let stack = TestStack::start_with(edge::SignUpConfirmation::Email).await;
    let registration = json!({ "username": "ada", "email": "ada@example.com", "password": PASSWORD });
    stack.visitor().post("/users", registration).await.expect_status(201);
    assert_eq!(told(&stack).await, []);
    let confirmation = json!({ "email": "ada@example.com", "code": stack.code_for("ada@example.com") });
    stack.visitor().post("/users/confirm", confirmation).await.expect_status(204);
    assert_eq!(types(&told(&stack).await), ["user.registered"]);
}

#[tokio::test]
async fn what_only_follows_from_others_is_no_event() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    ada.publish("Post", &["t"]).await;
    told(&stack).await;
    bob.call("PUT", "/posts/post/repost", &[], None).await.expect_status(204);
    // The repost is a post of its own; that it is counted is none of the other's events.
    let events = told(&stack).await;
    assert_eq!(types(&events), ["post.published"]);
    assert_eq!(events[0].1["kind"], "repost");
    // Nor that the author's name is copied into their posts, or when they log out.
    ada.patch("/me", "*", json!({ "username": "countess", "bio": "Poet." })).await.expect_status(200);
    assert_eq!(types(&told(&stack).await), ["user.renamed"]);
    ada.delete("/sessions").await.expect_status(204);
    assert_eq!(told(&stack).await, []);
}

/// Each comment is told when it can be read, when it comes to wait and when it is gone, and of nothing else.
#[tokio::test]
async fn a_comment_is_told_as_it_comes_waits_and_goes() {
    let stack = TestStack::start_with_parameters(&[("BlockedWords", "wait")]).await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    let mona = stack.user_with_role("mona", domain::Role::Editor).await;
    ada.publish("Hello", &[]).await;
    told(&stack).await;
    let comment = async |body: &str, parent: Value| {
        let written = bob.post("/posts/hello/comments", json!({ "body": body, "parent_id": parent })).await;
        written.expect_status(201);
        written.body["id"].clone()
    };
    let decide = async |id: &Value, decision: &str| {
        let path = format!("/moderation/comments/{}", id.as_str().unwrap());
        mona.put(&path, json!({ "decision": decision })).await.expect_status(200);
    };
    let at = |id: &Value| format!("/posts/hello/comments/{}", id.as_str().unwrap());
    // What waits is told by its ids, and by no more when it is rejected or deleted.
    for by_editor in [true, false] {
        let held = comment("wait, secret", Value::Null).await;
        if by_editor {
            decide(&held, "reject").await;
        } else {
            bob.patch(&at(&held), "*", json!({ "body": "wait, another secret" })).await.expect_status(200);
            bob.delete(&at(&held)).await.expect_status(204);
        }
        let events = told(&stack).await;
        assert_eq!(types(&events), ["comment.held", "comment.deleted"]);
        let of_comment = json!({ "comment_id": held, "post_id": events[0].1["post_id"] });
        assert!(events.iter().all(|(_, data)| *data == of_comment), "{events:?}");
    }
    let top = comment("wait", Value::Null).await;
    decide(&top, "approve").await;
    assert_eq!(types(&told(&stack).await), ["comment.held", "comment.published"]);
    // Nor an edit, a reply for the comment that it answers, a report, or what becomes of the post.
    bob.patch(&at(&top), "*", json!({ "body": "edited" })).await.expect_status(200);
    ada.post(&format!("{}/report", at(&top)), json!({ "reason": "r" })).await.expect_status(202);
    decide(&top, "approve").await;
    assert_eq!(told(&stack).await, []);
    let below = comment("below", top.clone()).await;
    let events = told(&stack).await;
    assert_eq!((types(&events), &events[0].1["parent_id"]), (vec!["comment.published"], &top));
    bob.patch("/me", "*", json!({ "display_name": "Robert" })).await.expect_status(200);
    assert_eq!(types(&told(&stack).await), ["user.renamed"]);
    for (action, expected) in [("unpublish", "post.unpublished"), ("publish", "post.published")] {
        ada.post(&format!("/posts/hello/{action}"), json!({})).await.expect_status(200);
        assert_eq!(types(&told(&stack).await), [expected]);
    }
    ada.delete("/posts/hello").await.expect_status(204);
    assert_eq!(types(&told(&stack).await), ["post.unpublished"]);
    ada.post("/posts/hello/restore", json!({})).await.expect_status(200);
    ada.post("/posts/hello/publish", json!({})).await.expect_status(200);
    assert_eq!(types(&told(&stack).await), ["post.published"]);
    // A published comment with replies that has to wait leaves its place, and comes back to it.
    bob.patch(&at(&top), "*", json!({ "body": "wait" })).await.expect_status(200);
    assert_eq!(types(&told(&stack).await), ["comment.held"]);
    decide(&top, "approve").await;
    assert_eq!(types(&told(&stack).await), ["comment.published"]);
    // It is deleted once: the placeholder that goes with its last reply is no other comment.
    bob.delete(&at(&top)).await.expect_status(204);
    let events = told(&stack).await;
    assert_eq!((types(&events), &events[0].1["comment_id"]), (vec!["comment.deleted"], &top));
    bob.delete(&at(&below)).await.expect_status(204);
    let events = told(&stack).await;
    assert_eq!((types(&events), &events[0].1["comment_id"]), (vec!["comment.deleted"], &below));
    // One that waits in the place of a placeholder likewise.
    let top = comment("top", Value::Null).await;
    comment("below", top.clone()).await;
    bob.patch(&at(&top), "*", json!({ "body": "wait" })).await.expect_status(200);
    told(&stack).await;
    decide(&top, "reject").await;
    assert_eq!(types(&told(&stack).await), ["comment.deleted"]);
    // Whoever leaves leaves their comments, and takes their reactions along.
    bob.put("/posts/hello/reaction", json!({ "kind": "like" })).await.expect_status(204);
    told(&stack).await;
    bob.call("DELETE", "/me", &[], Some(json!({ "password": PASSWORD }))).await.expect_status(204);
    assert_eq!(types(&told(&stack).await), ["user.deleted", "reaction.changed"]);
}

/// The ids of the events that are told.
fn ids(events: &[Value]) -> BTreeSet<String> {
    events.iter().map(|event| event["detail"]["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_event_that_comes_again_has_the_id_that_it_had() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    for number in 0..12 {
        ada.publish(&format!("Post {number}"), &[]).await;
    }
    let changes = stack.changes();
    stack.settle().await;
    let first = stack.take_put("broadsheet");
    assert_eq!(first.len(), 13);
    assert_eq!(ids(&first).len(), 13, "each has an id of its own");
    stack.deliver_again(&changes).await;
    assert_eq!(ids(&stack.take_put("broadsheet")), ids(&first));

    // The first time that something fails on the way, whatever it is, all come to be told.
    for (fault, times) in [
        (Fault::ServerError, 3),
        (Fault::Throttled, 3),
        (Fault::TimedOut, 3),
        (Fault::AnswerLost, 3),
        (Fault::Unprocessed, 1),
        (Fault::Unprocessed, 4),
    ] {
        for skip in 0..2 {
            stack.stack.wire.break_calls("PutEvents", skip, times, fault);
            stack.deliver_again(&changes).await;
            assert_eq!(ids(&stack.take_put("broadsheet")), ids(&first), "{fault:?} {skip}");
            assert_eq!(stack.stack.bus.given_up("PublishEventsFailures"), [] as [Value; 0]);
        }
    }
}
