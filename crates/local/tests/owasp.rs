//! The OWASP API Security Top 10 (2023), as far as it can be read off the API's document: who may call what, whose things they reach
//! by their ids, and what a client cannot send. Every operation of `openapi.json` is tried, so a new one is too.
//! <https://owasp.org/API-Security/editions/2023/en/0x11-t10/>

use std::collections::{BTreeMap, BTreeSet};

use domain::Role;
use serde_json::{Map, Value, json};

use crate::harness::{Answer, Client, PASSWORD, TestStack};

/// What stands in everything of Ada's that nobody else may see.
const CANARY: &str = "canary";

/// Fields that others change by what they may do, or that say who asks.
const OF_OTHERS: [&str; 4] = ["counts", "viewer", "last_used_on", "viewer_follows"];

/// An operation of the document.
struct Operation {
    id: String,
    method: String,
    path: String,
    /// The lowest role that may call it; none if that is anybody.
    role: Option<Role>,
    /// What an API key needs; none if no key may.
    scope: Option<String>,
    /// The schema of the body.
    body: Option<Value>,
}

/// The document, in which references are replaced by what they lead to.
fn document() -> Value {
    let document: Value = serde_json::from_str(include_str!("../../../openapi.json")).unwrap();
    let mut resolved = document.clone();
    resolve(&mut resolved["paths"], &document);
    resolved
}

fn resolve(value: &mut Value, document: &Value) {
    if let Some(reference) = value["$ref"].as_str() {
        *value = document.pointer(&reference[1..]).unwrap().clone();
        return resolve(value, document);
    }
    match value {
        Value::Object(members) => members.values_mut().for_each(|member| resolve(member, document)),
        Value::Array(items) => items.iter_mut().for_each(|item| resolve(item, document)),
        _ => {}
    }
}

fn operations(document: &Value) -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, of_path) in document["paths"].as_object().unwrap() {
        for (method, operation) in of_path.as_object().unwrap() {
            let text = operation["description"].as_str().unwrap();
            let roles = [("admin", Role::Admin), ("editor", Role::Editor), ("author", Role::Author)];
            let named = roles.into_iter().find(|(name, _)| text.contains(&format!("Requires the role `{name}`")));
            let security = operation["security"].as_array().unwrap();
            let is_for_anybody = security.contains(&json!({}));
            operations.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase(),
                path: path.clone(),
                role: (!is_for_anybody).then(|| named.map_or(Role::Reader, |(_, role)| role)),
                scope: security.iter().find_map(|way| Some(way["api_key"][0].as_str()?.to_owned())),
                body: Some(&operation["requestBody"]["content"]["application/json"]["schema"])
                    .filter(|schema| schema.is_object())
                    .cloned(),
            });
        }
    }
    // What destroys comes last.
    operations.sort_by_key(|operation| {
        ["GET", "PATCH", "PUT", "POST", "DELETE"].iter().position(|method| *method == operation.method)
    });
    assert!(operations.len() > 100, "only {} operations were found", operations.len());
    operations
}

/// A value that a schema allows.
fn example(name: &str, schema: &Value) -> Value {
    match name {
        // The only address that needs no network.
        "url" => return json!("https://8.8.8.8/stolen"),
        "expires_at" => return json!("2027-01-01T00:00:00Z"),
        "status" | "publish_at" | "parent_id" | "quote_of" | "reply_to" | "slug" | "email" | "invitation"
        | "cookie" => {
            return Value::Null;
        }
        _ => {}
    }
    if let Some(value) =
        schema["examples"].get(0).or(schema["enum"].get(0)).or(schema.get("const")).or(schema["oneOf"].get(0))
    {
        return if value.is_object() { example(name, value) } else { value.clone() };
    }
    let is = |kind: &str| {
        schema["type"] == kind || schema["type"].as_array().is_some_and(|kinds| kinds.contains(&json!(kind)))
    };
    if is("object") {
        body(schema)
    } else if is("array") {
        json!([example("", &schema["items"])])
    } else if is("boolean") {
        json!(true)
    } else if is("integer") {
        schema["minimum"].clone()
    } else {
        json!("Stolen")
    }
}

/// A body with every field that can be made up.
fn body(schema: &Value) -> Value {
    let fields = schema["properties"].as_object().cloned().unwrap_or_default();
    let fields = fields.iter().map(|(name, schema)| (name.clone(), example(name, schema)));
    fields.filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>().into()
}

/// A blog on which Ada has one of everything, and an administrator too.
struct Blog {
    stack: TestStack,
    chief: Client,
    ada: Client,
    /// What the parameters of paths stand for: all that they could.
    ids: BTreeMap<&'static str, Vec<String>>,
    /// Secrets that who made something was told, and that nobody is told again.
    shown_once: [String; 3],
}

impl Blog {
    async fn start() -> Self {
        let stack = TestStack::start_with_parameters(&[("HoldComments", "all")]).await;
        let (chief, ada) = (stack.admin().await, stack.user_with_email("ada", "ada-canary@example.com").await);
        let text = |answer: &Answer, name: &str| {
            assert!(answer.status.is_success(), "{}", answer.body);
            answer.body[name].as_str().unwrap().to_owned()
        };
        ada.publish("Public", &["all"]).await;
        ada.draft("Secret canary").with("slug", "secret").with("body", "The canary sings.").save().await;
        ada.draft("Gone canary").with("slug", "gone").save().await;
        ada.delete("/posts/gone").await.expect_status(204);
        let comment = ada.post("/posts/public/comments", json!({ "body": "A canary" })).await;
        assert_eq!(comment.body["status"], "held");
        let key = ada.post("/me/keys", json!({ "name": "Key of the canary", "scopes": ["read"] })).await;
        let announced =
            json!({ "filename": "canary.png", "content_type": "image/png", "size": 100, "alt": "A canary" });
        let waiting = ada.post("/media", announced).await;
        let ready = crate::media::ready(&stack, &ada, 20).await;
        let export = ada.post("/me/export", json!({})).await;
        let hook = chief.post("/webhooks", json!({ "url": "https://8.8.8.8/canary", "events": ["*"] })).await;
        let (hook, of_hook) = (text(&hook, "id"), text(&hook, "secret"));
        let delivery = chief.call("POST", &format!("/webhooks/{hook}/test"), &[], None).await;
        let invitation =
            chief.post("/admin/invitations", json!({ "role": "editor", "email": "canary@example.com" })).await;
        let content_key = chief.post("/admin/content-keys", json!({ "name": "canary" })).await;
        stack.settle().await;
        let comment = text(&comment, "id");
        let shown_once = [text(&key, "key"), of_hook, text(&invitation, "code")];
        let ids = BTreeMap::from([
            ("{slug}", ["public", "secret", "gone"].map(str::to_owned).to_vec()),
            ("/posts/{slug}/comments/{id}", vec![comment.clone()]),
            ("/moderation/comments/{id}", vec![comment]),
            ("/me/keys/{id}", vec![text(&key, "id")]),
            ("/admin/content-keys/{id}", vec![text(&content_key, "id")]),
            ("/admin/invitations/{id}", vec![text(&invitation, "id")]),
            ("/media/{id}", vec![text(&waiting, "id"), ready.trim_start_matches("/media/").to_owned()]),
            ("/webhooks/{id}", vec![hook]),
            ("{delivery_id}", vec![text(&delivery, "id")]),
            ("{export_id}", vec![text(&export, "export_id")]),
            ("{username}", vec!["ada".to_owned()]),
            ("{version}", vec!["1".to_owned()]),
            ("{tag}", vec!["all".to_owned()]),
            ("{file}", vec!["1.xml".to_owned(), "20.jpg".to_owned()]),
        ]);
        Self { stack, chief, ada, ids, shown_once }
    }

    /// The paths of an operation, with every id that there is.
    fn paths(&self, operation: &Operation) -> Vec<String> {
        let mut paths = vec![operation.path.clone()];
        let names = operation.path.split('/').filter(|part| part.starts_with('{'));
        for name in names {
            // The longest beginning of the path that says what an id is of.
            let place = operation.path.find(name).unwrap() + name.len();
            let ids = self.ids.get(&operation.path[..place]).or_else(|| self.ids.get(name));
            let ids = ids.unwrap_or_else(|| panic!("say here what {name} of {} leads to", operation.path));
            paths = paths.iter().flat_map(|path| ids.iter().map(move |id| path.replacen(name, id, 1))).collect();
        }
        paths
    }

    async fn call(&self, client: &Client, operation: &Operation, path: &str) -> Answer {
        let mut headers = Vec::new();
        if operation.method != "GET" {
            headers.push(("if-match", "*"));
        }
        let answer = client.call(&operation.method, path, &headers, operation.body.as_ref().map(body)).await;
        self.stack.settle().await;
        answer
    }

    /// All that Ada and the administrator have, without what others may change of it.
    async fn snapshot(&self, operations: &[Operation]) -> BTreeMap<String, Value> {
        let mut snapshot = BTreeMap::new();
        let changes = [
            "list_comments",
            "list_notifications",
            "list_audit",
            "list_users",
            "list_followers",
            "list_queued_comments",
        ];
        let changes = changes.into_iter().chain([
            "get_reactions",
            "list_feed",
            "list_deliveries",
            "ready",
            "list_tags",
            "get_sitemap",
        ]);
        let changes: BTreeSet<_> = changes.collect();
        for operation in operations.iter().filter(|it| it.method == "GET" && !changes.contains(&*it.id)) {
            for path in self.paths(operation) {
                let client = if operation.role == Some(Role::Admin) { &self.chief } else { &self.ada };
                let mut answer = client.get(&path).await;
                without_others(&mut answer.body);
                snapshot.insert(path, answer.body);
            }
        }
        snapshot
    }
}

fn without_others(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !OF_OTHERS.contains(&&**name));
            // Of a problem.
            members.remove("request_id");
            members.values_mut().for_each(without_others);
        }
        Value::Array(items) => items.iter_mut().for_each(without_others),
        _ => {}
    }
}

/// API1, API5: whoever has not the role is refused, whatever the ids are.
#[tokio::test]
async fn every_operation_asks_for_its_role() {
    let blog = Blog::start().await;
    let visitor = blog.stack.visitor();
    let mut callers = Vec::new();
    for (name, role) in [("rex", Role::Reader), ("art", Role::Author), ("edith", Role::Editor)] {
        callers.push((role, blog.stack.user_with_role(name, role).await));
    }
    for operation in operations(&document()) {
        let Some(least) = operation.role else { continue };
        let path = blog.paths(&operation).remove(0);
        let call =
            async |caller: &Client| caller.call(&operation.method, &path, &[], operation.body.as_ref().map(body)).await;
        call(&visitor).await.expect_problem(401, "unauthenticated");
        for (_, caller) in callers.iter().filter(|(role, _)| *role < least) {
            call(caller).await.expect_problem(403, "forbidden");
        }
    }
}

/// API5: a key of somebody who may do everything does what its scope names, and nothing that no scope names.
#[tokio::test]
async fn every_key_is_held_to_its_scope() {
    let blog = Blog::start().await;
    let operations = operations(&document());
    let scopes: BTreeSet<&str> = operations.iter().filter_map(|operation| operation.scope.as_deref()).collect();
    assert_eq!(scopes.len(), 6, "{scopes:?}");
    let mut refused = 0;
    for scope in &scopes {
        let key = blog.chief.post("/me/keys", json!({ "name": "One scope", "scopes": [scope] })).await;
        let program = blog.stack.bearer(key.body["key"].as_str().unwrap());
        for operation in operations.iter().filter(|operation| operation.scope.as_deref() != Some(scope)) {
            let path = blog.paths(operation).remove(0);
            let answer = program.call(&operation.method, &path, &[], operation.body.as_ref().map(body)).await;
            answer.expect_problem(403, "out-of-scope");
            refused += 1;
        }
    }
    assert!(refused > 400, "only {refused} calls were refused");
}

/// API1, API3: by her ids nobody reads what is Ada's alone, or changes anything of hers. She does, by the same requests.
#[tokio::test]
async fn nobody_reaches_what_is_somebody_elses() {
    let blog = Blog::start().await;
    let operations = operations(&document());
    let visitor = blog.stack.visitor();
    let (bob, rex) = (blog.stack.user("bob").await, blog.stack.user_with_role("rex", Role::Reader).await);
    let before = blog.snapshot(&operations).await;
    assert!(before.values().any(|value| value.to_string().contains(CANARY)), "there is nothing to see");
    for operation in operations.iter().filter(|operation| operation.path.contains('{')) {
        for path in blog.paths(operation) {
            for stranger in [&bob, &rex, &visitor] {
                let answer = blog.call(stranger, operation, &path).await;
                let what = format!("{} {path}: {} {}", operation.method, answer.status, answer.body);
                assert!(!String::from_utf8_lossy(&answer.bytes).contains(CANARY), "{what}");
                assert!(!answer.status.is_success() || !(path.contains("/secret") || path.contains("/gone")), "{what}");
            }
        }
    }
    for operation in operations.iter().filter(|operation| operation.method == "GET" && !operation.path.contains('{')) {
        for stranger in [&bob, &rex, &visitor] {
            let answer = stranger.get(&operation.path).await;
            assert!(!String::from_utf8_lossy(&answer.bytes).contains(CANARY), "{}: {}", operation.path, answer.body);
        }
    }
    let after = blog.snapshot(&operations).await;
    for (path, value) in &before {
        assert_eq!(after.get(path), Some(value), "{path} has changed");
    }
    // What was refused was not wrong otherwise.
    let mut failed = Vec::new();
    for operation in operations.iter().filter(|operation| operation.path.contains('{')) {
        let is_for_editors = operation.role.is_some_and(|role| role > Role::Author);
        let client =
            if is_for_editors || operation.path.ends_with("{username}/follow") { &blog.chief } else { &blog.ada };
        let (mut answers, mut worked) = (Vec::new(), false);
        for path in blog.paths(operation) {
            // Who is suspended or the like meanwhile is Bob.
            let path = path.replace("/ada", "/bob");
            let answer = blog.call(client, operation, &path).await;
            worked |= !answer.status.is_client_error() || [409, 410].contains(&answer.status.as_u16());
            answers.push(format!("{path}: {} {}", answer.status, answer.body));
        }
        if !worked {
            failed.push(format!("{}: {answers:#?}", operation.id));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

/// API3: fields that responses have and requests do not are refused by their names, and change nothing.
#[tokio::test]
async fn no_field_of_responses_can_be_sent() {
    let blog = Blog::start().await;
    let raw: Value = serde_json::from_str(include_str!("../../../openapi.json")).unwrap();
    let schemas = raw["components"]["schemas"].as_object().unwrap();
    let fields = schemas.values().filter_map(|schema| schema["properties"].as_object()).flat_map(Map::keys);
    let internal =
        ["pk", "sk", "hash", "session", "cognito_name", "writes", "expires_at_seconds", "is_admin"].map(str::to_owned);
    let all: BTreeSet<String> = fields.cloned().chain(internal).collect();
    let mut tried = 0;
    for operation in operations(&document()) {
        let Some(schema) = &operation.body else { continue };
        let own = schema["properties"].as_object().unwrap();
        let others: Vec<_> = all.iter().filter(|name| !own.contains_key(*name)).collect();
        let mut sent = body(schema);
        others.iter().for_each(|name| sent[name.as_str()] = json!("admin"));
        let path = blog.paths(&operation).remove(0);
        let source = format!("2001:db8:3:{tried:x}::1");
        let client = if operation.role.is_some() { blog.chief.clone() } else { blog.stack.visitor() };
        let answer = client.from(&source).call(&operation.method, &path, &[("if-match", "*")], Some(sent)).await;
        answer.expect_problem(422, "validation-failed");
        let errors = answer.body["errors"].as_array().unwrap();
        let refused: BTreeSet<_> = errors.iter().filter_map(|error| error["pointer"].as_str()).collect();
        for name in &others {
            assert!(refused.contains(&*format!("/{name}")), "{} takes {name}: {}", operation.id, answer.body);
        }
        tried += 1;
    }
    assert!(tried > 25, "only {tried} bodies were sent");
}

/// How many of something there may be at most. The schema of what is sent does not say it where the same counts once; that of what is
/// answered does.
fn max_items(document: &Value) -> BTreeMap<String, usize> {
    let schemas = document["components"]["schemas"].as_object().unwrap().values();
    let properties = schemas.filter_map(|schema| schema["properties"].as_object()).flatten();
    let limits = properties.filter_map(|(name, schema)| Some((name.clone(), schema["maxItems"].as_u64()?)));
    limits.map(|(name, max)| (name, usize::try_from(max).unwrap())).collect()
}

/// Values at the edges of what a schema allows, each with one that is just past it.
fn edges(name: &str, schema: &Value, max_items: &BTreeMap<String, usize>) -> Vec<(Value, Value)> {
    let is_url = schema["pattern"].as_str().is_some_and(|pattern| pattern.contains("://"));
    let begin = if is_url { "https://a.example/" } else { "" };
    let text = |length: usize| json!(format!("{begin}{}", "a".repeat(length - begin.len())));
    let number = |limit: &str| usize::try_from(schema[limit].as_u64()?).ok();
    let items = |length: usize| -> Value { (0..length).map(|number| format!("a{number}")).collect() };
    let mut edges = Vec::new();
    edges.extend(number("maxLength").map(|max| (text(max), text(max + 1))));
    // White space at the end counts, though it is not kept.
    let sample = schema["examples"].get(0).and_then(Value::as_str).map_or_else(|| "a".repeat(20), str::to_owned);
    let padded = |max: usize| json!(sample.clone() + &" ".repeat(max + 1 - sample.len()));
    edges.extend(number("maxLength").map(|max| (json!(sample), padded(max))));
    edges.extend(number("minLength").filter(|_| !is_url).map(|min| (text(min), text(min - 1))));
    edges.extend(number("maximum").map(|max| (json!(max), json!(max + 1))));
    edges.extend(number("minimum").map(|min| (json!(min), json!(i64::try_from(min).unwrap() - 1))));
    if schema["items"].is_object() {
        edges.extend(max_items.get(name).map(|max| (items(*max), items(max + 1))));
        edges.extend(number("minItems").map(|_| (json!([example("", &schema["items"])]), json!([]))));
    }
    edges
}

/// API4: what is one longer or shorter, more or fewer, than the document allows is refused by its name, and what is at the edge is not.
#[tokio::test]
async fn every_limit_holds_one_past_its_edge() {
    let blog = Blog::start().await;
    let document = document();
    let max_items = max_items(&document);
    let (mut tried, mut lists) = (0, 0);
    for operation in operations(&document) {
        let path = blog.paths(&operation).remove(0);
        let client = if operation.role.is_some() { &blog.chief } else { &blog.stack.visitor() };
        for (name, schema) in operation.body.iter().filter_map(|schema| schema["properties"].as_object()).flatten() {
            for (edge, past) in edges(name, schema, &max_items) {
                lists += usize::from(past.is_array());
                for (value, is_past) in [(edge, false), (past, true)] {
                    let source = format!("2001:db8:4:{tried:x}::1");
                    // Another field is wrong in any case, so that nothing happens.
                    let sent = json!({ name: value, "not_there": 1 });
                    let answer =
                        client.from(&source).call(&operation.method, &path, &[("if-match", "*")], Some(sent)).await;
                    answer.expect_problem(422, "validation-failed");
                    let errors = answer.body["errors"].as_array().unwrap();
                    let is_refused = errors.iter().any(|error| error["pointer"] == *format!("/{name}"));
                    // Addresses of mailboxes have more to them than a length.
                    assert!(
                        is_refused == is_past || name == "email" || name == "language",
                        "{} {name} {is_past}: {value} {}",
                        operation.id,
                        answer.body
                    );
                    assert!(is_refused || !is_past, "{} {name}: {}", operation.id, answer.body);
                    tried += 1;
                }
            }
        }
        let parameters = &document["paths"][&operation.path][operation.method.to_lowercase()]["parameters"];
        for parameter in parameters.as_array().into_iter().flatten().filter(|parameter| parameter["in"] == "query") {
            let name = parameter["name"].as_str().unwrap();
            for (edge, past) in edges(name, &parameter["schema"], &max_items) {
                let asked = |value: Value| {
                    let text = value.as_str().map_or_else(|| value.to_string(), |text| text.replace(' ', "%20"));
                    let others = if operation.id == "search" && name != "q" { "q=a&" } else { "" };
                    format!("{path}?{others}{name}={text}")
                };
                client.get(&asked(past)).await.expect_invalid(&[&format!("/{name}")]);
                let at_edge = client.get(&asked(edge)).await;
                assert_ne!(at_edge.status, 422, "{path} {name}: {}", at_edge.body);
                tried += 1;
            }
        }
    }
    assert!(tried > 230 && lists > 5, "only {tried} values and {lists} lists were tried");
}

/// API2, API3: no answer of any operation repeats what proves who calls, nor what is shown once. Every answer of every story is searched for
/// passwords and for what the table says (harness.rs).
#[tokio::test]
async fn no_answer_repeats_a_secret() {
    let blog = Blog::start().await;
    let session = blog.stack.visitor().post("/sessions", json!({ "login": "ada", "password": PASSWORD })).await.body;
    let tokens: Vec<&str> = ["access_token", "refresh_token"].map(|name| session[name].as_str().unwrap()).to_vec();
    let client = blog.stack.bearer(tokens[0]);
    let shown_once = blog.shown_once.iter().map(String::as_str);
    let secrets: Vec<&str> = tokens.iter().copied().chain(shown_once).chain(["cognito"]).collect();
    let mut tried = 0;
    for operation in &operations(&document()) {
        for path in blog.paths(operation) {
            for caller in [&client, &blog.chief, &blog.stack.visitor()] {
                let answer = blog.call(caller, operation, &path).await;
                let text = String::from_utf8_lossy(&answer.bytes).into_owned();
                let repeated = secrets.iter().find(|secret| text.contains(**secret));
                // The document itself may explain.
                let may_explain = operation.path == "/openapi.json";
                assert!(may_explain || repeated.is_none(), "{} {path} has {repeated:?}", operation.method);
                tried += usize::from(answer.status.is_success());
            }
        }
    }
    assert!(tried > 150, "only {tried} requests were answered");
}
