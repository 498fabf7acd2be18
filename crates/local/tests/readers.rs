//! The two readers of the table's stream.

use local::backing::refs;
use local::wire::Fault;
use serde_json::{Value, json};
use serde_yaml_ng::Value as Yaml;
use template::{self, Pattern, Template, TemplateError};

use crate::harness::TestStack;

/// The root template with this many more readers of the stream in it.
fn with_readers(more: usize) -> Result<Template, TemplateError> {
    let (_, part) = template::PARTS.into_iter().find(|(path, _)| path.contains("/events/")).unwrap();
    let mut part: Yaml = serde_yaml_ng::from_str(part).unwrap();
    part.apply_merge().unwrap();
    let mut root: Yaml = serde_yaml_ng::from_str(template::SOURCE).unwrap();
    // So that functions of the root have the environment of all others.
    let resources = root["Resources"].as_mapping_mut().unwrap();
    for number in 0..more {
        let mut reader = part["Resources"]["KeepTableFunction"].clone();
        reader["Properties"]["Handler"] = format!("reader_{number}").into();
        resources.insert(format!("Reader{number}Function").into(), reader);
    }
    if more > 0 {
        let variables = &template::Template::read(template::SOURCE, &refs()).unwrap().environment;
        root["Globals"] =
            serde_yaml_ng::to_value(json!({ "Function": { "Environment": { "Variables": variables } } })).unwrap();
    }
    Template::read(&serde_yaml_ng::to_string(&root).unwrap(), &refs())
}

#[test]
fn a_template_with_a_third_reader_is_refused() {
    assert_eq!(with_readers(0).unwrap().event_sources.len(), 2);
    let refused = with_readers(1).unwrap_err();
    assert!(matches!(&refused, TemplateError::TooManyReaders(readers) if readers.len() == 3), "{refused}");
    let said = refused.to_string();
    assert!(said.contains("3 functions read") && said.contains("reader_0") && said.contains("keep_table"), "{said}");
}

#[test]
fn a_pattern_matches_as_on_aws_or_is_refused() {
    let event =
        json!({ "source": "broadsheet", "detail": { "tags": ["a", "b"], "n": 1, "none": null, "slug": "abc" } });
    for (pattern, matches) in [
        (json!({ "source": ["broadsheet"] }), true),
        (json!({ "source": ["other", "broadsheet"] }), true),
        (json!({ "source": ["other"] }), false),
        (json!({ "source": ["broad"] }), false),
        (json!({ "source": [{ "prefix": "broad" }] }), true),
        (json!({ "source": [{ "prefix": "sheet" }] }), false),
        (json!({ "missing": ["x"] }), false),
        (json!({ "missing": [null] }), false),
        (json!({ "detail": { "none": [null], "n": [1] } }), true),
        (json!({ "detail": { "n": ["1"] } }), false),
        (json!({ "detail": { "tags": ["b"], "slug": [{ "prefix": "a" }] } }), true),
        (json!({ "detail": { "tags": ["c"] } }), false),
        (json!({ "source": ["broadsheet"], "detail": { "n": [2] } }), false),
    ] {
        assert_eq!(Pattern::read(&pattern).unwrap().matches(&event), matches, "{pattern}");
    }
    for refused in [
        json!({}),
        json!([]),
        json!({ "source": "broadsheet" }),
        json!({ "source": [] }),
        json!({ "source": [{ "suffix": "x" }] }),
        json!({ "source": [{ "anything-but": ["x"] }] }),
        json!({ "source": [{ "prefix": "x", "suffix": "y" }] }),
        json!({ "source": [{ "prefix": { "equals-ignore-case": "x" } }] }),
        json!({ "source": [["x"]] }),
        json!({ "$or": [{ "source": ["x"] }] }),
    ] {
        assert!(Pattern::read(&refused).is_err(), "{refused}");
    }
}

/// The counts of replies that lists show of these posts.
async fn replies(stack: &TestStack, author: &str) -> Vec<(String, u64)> {
    let page = stack.visitor().get(&format!("/posts?author={author}")).await.body;
    let shown = |post: &Value| (post["slug"].as_str().unwrap().to_owned(), post["counts"]["replies"].as_u64().unwrap());
    let mut shown: Vec<_> = page["items"].as_array().unwrap().iter().map(shown).collect();
    shown.sort();
    shown
}

#[tokio::test]
async fn a_change_that_fails_keeps_no_other_back_and_is_given_up_in_the_end() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    for title in ["First", "Second", "Third"] {
        ada.publish(title, &[]).await;
    }
    stack.settle().await;
    for title in ["first", "second", "third"] {
        bob.draft("Reply").with("reply_to", title).publish().await;
    }
    // A change that nobody can read, in front of two others.
    let mut changes = stack.changes();
    let is_first = |change: &Value| change["dynamodb"]["Keys"]["pk"]["S"] == "POST#first";
    let poison = changes.iter().position(is_first).unwrap();
    changes[poison]["dynamodb"]["Keys"]["sk"]["S"] = json!("POST#COUNT#nobody");
    stack.stack.streams.hand_on(&changes).await;
    let given_up = stack.stack.bus.given_up("KeepTableFailures");
    assert_eq!(given_up, [changes[poison].clone()]);
    let all_but_one = [("first", 0), ("second", 1), ("third", 1)].map(|(slug, count)| (slug.to_owned(), count));
    assert_eq!(replies(&stack, "ada").await, all_but_one);

    // Nor does it keep back what others are told.
    let mut changes = stack.changes();
    let is_card = |change: &Value| {
        change["eventName"] == "INSERT" && change["dynamodb"]["Keys"]["sk"]["S"].as_str().unwrap().starts_with("ALL#")
    };
    let poison = changes.iter().position(is_card).unwrap();
    changes[poison]["dynamodb"]["NewImage"].as_object_mut().unwrap().remove("slug");
    stack.stack.bus.take_recorded();
    stack.stack.streams.hand_on(&changes).await;
    assert_eq!(stack.stack.bus.given_up("PublishEventsFailures"), [changes[poison].clone()]);
    let told = stack.stack.bus.take_recorded();
    let told: std::collections::BTreeSet<_> =
        told.iter().map(|event| event["detail"]["id"].as_str().unwrap()).collect();
    assert_eq!(told.len(), changes.iter().filter(|change| is_card(change)).count() - 1);
    assert!(told.len() >= 2, "{told:?}");
    stack.settle().await;
    assert!(replies(&stack, "ada").await.iter().all(|(_, count)| *count == 1));
}

#[tokio::test]
async fn a_change_that_fails_for_a_while_is_handled_with_all_behind_it() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    ada.publish("First", &["t"]).await;
    ada.publish("Second", &["t", "u"]).await;
    stack.settle().await;
    for (action, times) in [("BatchGetItem", 3), ("BatchGetItem", 30), ("UpdateItem", 3), ("GetItem", 9)] {
        for slug in ["first", "second"] {
            bob.draft("Reply").with("reply_to", slug).publish().await;
        }
        stack.stack.wire.break_calls(action, 0, times, Fault::ServerError);
        stack.settle().await;
        let counts = replies(&stack, "ada").await;
        assert_eq!(counts[0].1, counts[1].1, "{action} {times}");
    }
    assert_eq!(replies(&stack, "ada").await[0].1, 4);
    assert_eq!(stack.stack.bus.given_up("KeepTableFailures"), [] as [Value; 0]);
}
