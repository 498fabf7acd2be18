//! The template and the code agree: each of these fails when one of the two drifts.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::Username;
use edge::{Config, Endpoints};
use local::backing::{TABLE_NAME, USER_POOL_CLIENT_ID, USER_POOL_ID, refs};
use local::gateway::operations;
use local::s3::BUCKET_NAME;
use local::wire::Call;
use serde_json::json;
use serde_yaml_ng::Value as Yaml;
use template::{self, Route, Statement, Template};

use crate::harness::{Client, PASSWORD, TestStack};
use crate::triggers::sign_up;

fn template() -> Template {
    Template::read(template::SOURCE, &refs()).unwrap()
}

fn parameters(path: &str) -> Vec<&str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect()
}

#[test]
fn every_handler_is_an_operation_of_its_binary_and_every_operation_has_a_function() {
    let in_template: BTreeSet<_> =
        template().functions.into_iter().map(|(handler, function)| (function.binary, handler)).collect();
    let mut in_code: BTreeSet<_> =
        operations().map(|(binary, operation)| (binary.to_owned(), operation.name.to_owned())).collect();
    for name in [authorizer::NAME, catch_all::NAME] {
        in_code.insert((name.to_owned(), name.to_owned()));
    }
    in_code.extend(events::Function::all().map(|function| ("events".to_owned(), function.name().to_owned())));
    assert_eq!(in_template, in_code);

    let routed: BTreeSet<_> = template().routes.into_iter().map(|route| route.handler).collect();
    let named: BTreeSet<_> = operations().map(|(_, operation)| operation.name.to_owned()).collect();
    assert_eq!(routed, named, "every operation has a route");
    assert_eq!(template().catch_all, ("/{proxy+}".to_owned(), catch_all::NAME.to_owned()));

    let fed: BTreeSet<_> = template().event_sources.into_iter().map(|source| source.handler).collect();
    assert_eq!(
        fed,
        events::CONSUMERS.iter().map(|consumer| consumer.name.to_owned()).collect(),
        "every consumer is fed"
    );

    let called: BTreeSet<_> = template().triggers.into_values().collect();
    let named: BTreeSet<_> = events::TRIGGERS.iter().map(|trigger| trigger.name.to_owned()).collect();
    assert_eq!(called, named, "the user pool calls every trigger");
}

/// The templates that have functions, the root first, as they are written.
fn sources() -> Vec<(&'static str, Yaml)> {
    let sources = [("template.yaml", template::SOURCE)].into_iter().chain(template::PARTS);
    let read = |source| {
        let mut source: Yaml = serde_yaml_ng::from_str(source).unwrap();
        source.apply_merge().unwrap();
        source
    };
    sources.map(|(path, source)| (path, read(source))).collect()
}

/// The names that a loop of a section of the template goes through.
fn looped(section: &Yaml, name: &str) -> BTreeSet<String> {
    let names = section[format!("Fn::ForEach::{name}")][1].as_sequence().into_iter().flatten();
    names.map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_function_is_called_after_its_handler_and_has_logs_and_alarms_of_its_own() {
    let template = template();
    for (path, source) in sources() {
        let resources = source["Resources"].as_mapping().unwrap();
        let mut functions = BTreeSet::new();
        for (id, function) in resources {
            let (Some(id), properties) = (id.as_str().unwrap().strip_suffix("Function"), &function["Properties"])
            else {
                continue;
            };
            if function["Metadata"]["BuildProperties"].is_null() {
                continue;
            }
            let handler = properties["Handler"].as_str().unwrap();
            assert_eq!(id.to_lowercase(), handler.replace('_', ""), "{path}");
            assert_eq!(template.functions[handler].name, format!("local-{id}"), "{path}");
            let alarms = properties["DeploymentPreference"]["Alarms"].as_sequence().unwrap();
            let alarms: Vec<_> = alarms.iter().map(tagged).collect();
            let mut wanted = vec![format!("{id}Errors")];
            // How long a consumer takes says nothing: one change may lead to thousands of others.
            if looped(&source["Resources"], "Timed").contains(id) {
                wanted.push(format!("{id}Latency"));
            }
            assert_eq!(alarms, wanted, "{path}");
            functions.insert(id.to_owned());
        }
        assert_eq!(looped(&source["Resources"], "Logged"), functions, "{path}");
        // An alarm that differs from that of all others is written by hand.
        let mut judged = looped(&source["Resources"], "Judged");
        judged.extend(functions.iter().filter(|id| resources.contains_key(format!("{id}Errors"))).cloned());
        assert_eq!(judged, functions, "{path}");
        let timed = looped(&source["Resources"], "Timed");
        let answer_somebody: BTreeSet<_> = functions
            .iter()
            .filter(|id| !events::CONSUMERS.iter().any(|consumer| consumer.name.replace('_', "") == id.to_lowercase()))
            .filter(|id| !events::JOBS.iter().any(|job| job.name.replace('_', "") == id.to_lowercase()))
            .cloned()
            .collect();
        assert_eq!(timed, answer_somebody, "{path}");
    }
}

#[test]
fn the_guide_to_deploying_explains_every_parameter_and_no_other() {
    let (_, root) = sources().remove(0);
    let parameters: BTreeSet<_> =
        root["Parameters"].as_mapping().unwrap().keys().map(|name| name.as_str().unwrap().to_owned()).collect();
    let guide = include_str!("../../../docs/deploy.md");
    let (_, section) = guide.split_once("## 2. What to decide").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    // The first cell has one name or several.
    let names = rows.flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2));
    assert_eq!(names.map(str::to_owned).collect::<BTreeSet<_>>(), parameters);
}

#[test]
fn every_part_is_handed_what_it_asks_for_and_no_more() {
    let (_, root) = sources().remove(0);
    let mut parts = 0;
    for (id, part) in root["Resources"].as_mapping().unwrap() {
        let Some(location) = part["Properties"]["Location"].as_str() else { continue };
        let source = std::fs::read_to_string(format!("{}/../../{location}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let source: Yaml = serde_yaml_ng::from_str(&source).unwrap();
        let asked = source["Parameters"].as_mapping().unwrap();
        let handed = part["Properties"]["Parameters"].as_mapping().unwrap();
        for (name, parameter) in asked {
            assert!(handed.contains_key(name) || !parameter["Default"].is_null(), "{id:?} is not handed {name:?}");
        }
        for name in handed.keys() {
            assert!(asked.contains_key(name), "{id:?} does not ask for {name:?}");
        }
        parts += 1;
    }
    assert!(parts > 3, "only {parts} parts");
}

/// What `!Ref` refers to.
fn tagged(value: &Yaml) -> String {
    let Yaml::Tagged(tagged) = value else { panic!("{value:?} refers to nothing") };
    tagged.value.as_str().unwrap().to_owned()
}

#[test]
fn all_functions_have_the_same_globals_wherever_they_are_written() {
    let mut sources = sources();
    let (_, root) = sources.remove(0);
    assert!(root["Globals"].is_null(), "the root has no function of the blog");
    for (path, source) in &sources {
        assert_eq!(source["Globals"], sources[0].1["Globals"], "{path}");
        assert_eq!(source["Globals"]["Function"]["AutoPublishAlias"], Yaml::from("live"));
    }
}

#[test]
fn every_part_with_functions_is_read_and_is_there_before_its_routes() {
    let (_, root) = sources().remove(0);
    let locations = |(id, part): (&Yaml, &Yaml)| {
        let location = part["Properties"]["Location"].as_str()?;
        location.starts_with("functions/").then(|| (id.as_str().unwrap().to_owned(), location.to_owned()))
    };
    let parts: BTreeMap<_, _> = root["Resources"].as_mapping().unwrap().iter().filter_map(locations).collect();
    let read: BTreeSet<_> = template::PARTS.into_iter().map(|(location, _)| location.to_owned()).collect();
    assert_eq!(parts.values().cloned().collect::<BTreeSet<_>>(), read);
    // A part whose functions no route names may come later.
    let first = root["Resources"]["Api"]["DependsOn"].as_sequence().unwrap();
    let first: BTreeSet<_> = first.iter().map(|id| id.as_str().unwrap().to_owned()).collect();
    let routed = |location: &str| {
        let (_, source) = template::PARTS.into_iter().find(|(part, _)| *part == location).unwrap();
        let template = template();
        let handlers = template.routes.into_iter().map(|route| route.handler);
        let mut handlers = handlers.chain([authorizer::NAME.to_owned(), catch_all::NAME.to_owned()]);
        handlers.any(|handler| source.contains(&format!("\n      Handler: {handler}\n")))
    };
    let needed = parts.iter().filter(|(_, location)| routed(location)).map(|(id, _)| id.clone());
    assert_eq!(first, needed.collect(), "DependsOn of the API");
}

#[test]
fn parameters_that_are_numbers_are_understood() {
    let pool = template().user_pool;
    assert_eq!((pool.access_token_minutes, pool.refresh_token_days), (60, 30));
    let mut refs = refs();
    refs.extend(
        [("AccessTokenMinutes", "5"), ("RefreshTokenDays", "365")]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    let pool = Template::read(template::SOURCE, &refs).unwrap().user_pool;
    assert_eq!((pool.access_token_minutes, pool.refresh_token_days), (5, 365));
}

#[test]
fn a_function_asked_to_be_an_unknown_operation_says_which_it_knows() {
    let error = edge::runtime::find(users::OPERATIONS, "log_on").err().unwrap().to_string();
    assert!(error.contains("log_on") && error.contains("log_in") && error.contains("register"), "{error}");
    assert_eq!(edge::runtime::find(users::OPERATIONS, "log_in").unwrap().operation.name, "log_in");
}

#[test]
fn the_parameters_of_a_path_are_the_fields_of_its_operation() {
    for Route { path, handler, .. } in template().routes {
        let (_, operation) = operations().find(|(_, operation)| operation.name == handler).unwrap();
        assert_eq!(parameters(&path), (operation.path_names)(), "{path}");
    }
}

#[test]
fn a_route_has_the_authorizer_exactly_if_its_operation_needs_a_user() {
    for Route { method, path, handler, authorized } in template().routes {
        let (_, operation) = operations().find(|(_, operation)| operation.name == handler).unwrap();
        assert_eq!(authorized, operation.min_role.is_some(), "{method} {path}");
    }
}

#[test]
fn no_user_has_a_name_that_is_a_path_below_users() {
    for Route { path, .. } in template().routes {
        let name = path.strip_prefix("/users/").and_then(|rest| rest.split('/').next());
        if let Some(name) = name.filter(|name| !name.starts_with('{')) {
            // API Gateway would take everything below the name for that path, and find nothing there.
            assert!(Username::try_from(name.to_owned()).is_err(), "{path}");
        }
    }
}

#[test]
fn the_settings_are_exactly_the_environment() {
    let environment: BTreeSet<_> = template().environment.into_keys().collect();
    assert_eq!(environment, Config::VARIABLES.map(str::to_owned).into());
    let environment = template().environment;
    Config::read(|name| environment.get(name).cloned()).unwrap();
    for name in Config::VARIABLES {
        let error = Config::read(|asked| environment.get(asked).filter(|_| asked != name).cloned()).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
    // Neither is a field of the settings read that the template does not set, nor set that is not read.
    let settings: BTreeMap<String, serde_json::Value> = serde_json::from_str(&environment["SETTINGS"]).unwrap();
    let with = |settings: &BTreeMap<_, _>| {
        let settings = serde_json::to_string(settings).unwrap();
        Config::read(|asked| if asked == "SETTINGS" { Some(settings.clone()) } else { environment.get(asked).cloned() })
    };
    for name in settings.keys() {
        let mut fewer = settings.clone();
        fewer.remove(name);
        let error = with(&fewer).unwrap_err().to_string();
        assert!(error.contains(&format!("missing field `{name}`")), "{error}");
    }
    let mut more = settings.clone();
    more.insert("table_name".to_owned(), json!("other"));
    let error = with(&more).unwrap_err().to_string();
    assert!(error.contains("unknown field `table_name`"), "{error}");
}

#[test]
fn every_setting_is_a_parameter_that_cannot_end_its_text() {
    let (_, root) = sources().remove(0);
    let settings = tagged(&root["Resources"]["Users"]["Properties"]["Parameters"]["Settings"]);
    let mut seen = 0;
    for (before, rest) in settings.match_indices("${").map(|(at, _)| settings.split_at(at)) {
        let name = rest.trim_start_matches("${").split('}').next().unwrap();
        let parameter = &root["Parameters"][name];
        // What is no text is a number, and stands by itself.
        let is_text = before.ends_with('"');
        assert_eq!(parameter["Type"] == Yaml::from("String"), is_text, "{name}");
        let values = parameter["AllowedValues"].as_sequence().is_some();
        let pattern = parameter["AllowedPattern"].as_str() == Some(r#"^[^"\\]*$"#);
        assert!(!is_text || values || pattern, "{name} may have a quotation mark in it");
        seen += 1;
    }
    assert!(seen > 5, "only {seen} settings");
}

#[test]
fn settings_fit_into_a_parameter_and_an_environment() {
    // 4096 bytes each; the environment has some 300 bytes of names besides.
    // <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>
    let environment = template().environment;
    let bytes: usize = environment.iter().map(|(name, value)| name.len() + value.len()).sum();
    assert!(bytes < 1500, "{bytes} bytes without what operators set");
}

#[test]
fn sam_local_gets_what_is_elsewhere_on_this_machine() {
    let env: serde_json::Value = serde_json::from_str(include_str!("../../../local/env.json")).unwrap();
    let given = env["Parameters"].as_object().unwrap();
    let mut environment = template().environment;
    for (name, value) in given {
        // SAM leaves out what the template does not name.
        assert!(environment.insert(name.clone(), value.as_str().unwrap().to_owned()).is_some(), "{name}");
    }
    let config = Config::read(|name| environment.get(name).cloned()).unwrap();
    let physical = [&config.table_name, &config.bucket_name, &config.user_pool_id, &config.user_pool_client_id];
    assert_eq!(physical, [TABLE_NAME, BUCKET_NAME, USER_POOL_ID, USER_POOL_CLIENT_ID]);
    let Endpoints { dynamodb, cognito, s3, jwks } = config.endpoints;
    assert!([dynamodb, cognito, s3, jwks].iter().all(Option::is_some), "everything is elsewhere");
    assert_eq!(given.len(), 5, "what a blog is set to is not written again: {given:?}");
}

#[tokio::test]
async fn every_route_that_needs_a_user_refuses_who_is_none() {
    let stack = TestStack::start().await;
    let mut tried = 0;
    for route in template().routes.iter().filter(|route| route.authorized) {
        let path = route.path.replace(['{', '}'], "");
        let body = Some(json!({})).filter(|_| route.method != "GET");
        for client in [stack.visitor(), stack.bearer("forged")] {
            client
                .call(&route.method, &path, &[("if-match", "*")], body.clone())
                .await
                .expect_problem(401, "unauthenticated");
        }
        tried += 1;
    }
    assert!(tried > 5, "only {tried} routes need a user");
}

/// What an operation may do: actions on resources, and the partition keys that an action is confined to.
type Permissions = BTreeSet<(String, String, Option<String>)>;

#[tokio::test]
async fn each_role_allows_exactly_what_its_function_does() {
    let mut used: BTreeMap<String, Permissions> = BTreeMap::new();
    for call in calls_of_everything().await {
        let Some(operation) = call.operation.clone() else { continue };
        used.entry(operation).or_default().extend(permissions(&call));
    }
    let mut wrong = Vec::new();
    for (handler, function) in template().functions {
        let allowed: Permissions = function.statements.iter().flat_map(Statement::permissions).collect();
        let mut used = used.remove(&handler).unwrap_or_default();
        // Whoever has no limit of its own counts by that of all, whether or not that was seen here.
        let counts = operations().any(|(_, operation)| operation.name == handler && operation.rate_limit.is_none());
        let counting = ("BlogTable".to_owned(), "dynamodb:UpdateItem".to_owned(), Some("LIMIT#*".to_owned()));
        let shared: Permissions = function.shared.iter().flat_map(Statement::permissions).collect();
        assert_eq!(shared, counts.then(|| counting.clone()).into_iter().collect(), "CountRequests and {handler}");
        if counts {
            used.remove(&counting);
        }
        // Whoever makes something keeps its answers, which only a request with an Idempotency-Key shows.
        if operations().any(|(_, operation)| operation.name == handler && operation.creates) {
            used.insert(("BlogTable".to_owned(), "dynamodb:PutItem".to_owned(), Some("IDEMPOTENCY#*".to_owned())));
        }
        // What may be done with any key need not be allowed for some.
        let anywhere = used.clone();
        used.retain(|(resource, action, keys)| {
            keys.is_none() || !anywhere.contains(&(resource.clone(), action.clone(), None))
        });
        // What init reads to open its connection is no part of a request. The others read nothing then.
        if !["catch_all", "events"].contains(&function.binary.as_str()) {
            used.insert(("BlogTable".to_owned(), "dynamodb:GetItem".to_owned(), None));
        }
        let too_much: Vec<_> = allowed.difference(&used).collect();
        let too_little: Vec<_> = used.difference(&allowed).collect();
        if !too_much.is_empty() || !too_little.is_empty() {
            wrong.push(format!(
                "{handler} is allowed and never does {too_much:?}, does and is not allowed {too_little:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The permissions that a call takes. Calls of Cognito that anybody may make take none.
/// <https://docs.aws.amazon.com/cognito/latest/developerguide/authentication-flows-public-server-side.html>
fn permissions(call: &Call) -> Permissions {
    let of_table = |action: &str| {
        // What writes nothing but the key of cursors, or counters of tries, is confined to them.
        let key = match action {
            "PutItem" => &call.request["Item"]["pk"]["S"],
            _ => &call.request["Key"]["pk"]["S"],
        };
        let keys = match (action, key.as_str().unwrap_or_default()) {
            ("PutItem", "SIGNING_KEY") => Some("SIGNING_KEY".to_owned()),
            ("PutItem", key) if key.starts_with("IDEMPOTENCY#") => Some("IDEMPOTENCY#*".to_owned()),
            ("UpdateItem", key) if key.starts_with("LIMIT#") => Some("LIMIT#*".to_owned()),
            _ => None,
        };
        ("BlogTable".to_owned(), format!("dynamodb:{action}"), keys)
    };
    match (call.service, call.action.as_str()) {
        ("dynamodb", "TransactWriteItems") => call.request["TransactItems"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|write| write.as_object().into_iter().flatten())
            .map(|(kind, _)| of_table(&format!("{kind}Item")))
            .collect(),
        ("dynamodb", action) => [of_table(action)].into(),
        ("s3", "HeadBucket") => [("BlogBucket".to_owned(), "s3:ListBucket".to_owned(), None)].into(),
        // Each step of an upload takes the permission to put.
        ("s3", action) => {
            let folder = call.request["Key"].as_str().and_then(|key| key.split('/').next()).unwrap_or_default();
            let action = if ["GetObject", "DeleteObject"].contains(&action) { action } else { "PutObject" };
            [(format!("BlogBucket/{folder}/*"), format!("s3:{action}"), None)].into()
        }
        (service, action) if action.starts_with("Admin") => {
            [("UserPool".to_owned(), format!("{service}:{action}"), None)].into()
        }
        _ => Permissions::new(),
    }
}

/// What is called, in this order, when every operation does everything that it can do.
pub async fn calls_of_everything() -> Vec<Call> {
    let stack = TestStack::start().await;
    stack.stack.wire.record();
    everything(&stack).await;
    let confirming = TestStack::start_with(edge::SignUpConfirmation::Email).await;
    confirming.stack.wire.record();
    confirm_and_resend(&confirming).await;
    [stack.stack.wire.calls(), confirming.stack.wire.calls()].concat()
}

/// Makes every operation do everything that it can do.
async fn everything(stack: &TestStack) {
    let visitor = stack.visitor();
    let wire = &stack.stack.wire;
    // Registering that is refused gives the name back. What Cognito's trigger could not finish, registering does; and
    // what that could not, logging in. (The SDK tries each call three times.)
    wire.break_calls("SignUp", 0, 3, local::wire::Fault::ServerError);
    let registration = json!({ "username": "ada", "email": "ada@example.com", "password": PASSWORD });
    visitor.post("/users", registration.clone()).await.expect_status(503);
    wire.break_calls("AdminAddUserToGroup", 0, 6, local::wire::Fault::ServerError);
    visitor.post("/users", registration).await.expect_status(503);
    let ada = stack.log_in("ada").await;
    wire.break_calls("AdminAddUserToGroup", 0, 3, local::wire::Fault::ServerError);
    stack.user("bob").await;
    // Somebody signs up at Cognito itself, and is an administrator.
    let grace = [("email", "admin@example.com")];
    sign_up(stack, "grace", &grace).await.unwrap();
    let session = visitor.post("/sessions", json!({ "login": "ada", "password": PASSWORD })).await;
    visitor
        .post("/sessions/refresh", json!({ "refresh_token": session.body["refresh_token"] }))
        .await
        .expect_status(200);
    ada.get("/me").await.expect_status(200);
    let change = json!({ "current_password": PASSWORD, "new_password": "another passphrase" });
    ada.put("/me/password", change).await.expect_status(204);
    visitor.post("/password/forgot", json!({ "email": "ada@example.com" })).await.expect_status(202);
    let code = stack.code_for("ada@example.com");
    let reset = json!({ "email": "ada@example.com", "code": code, "new_password": PASSWORD });
    visitor.post("/password/reset", reset).await.expect_status(204);
    visitor.get("/users/ada").await.expect_status(200);
    ada.call("PUT", "/users/bob/follow", &[], None).await.expect_status(204);
    ada.delete("/users/bob/follow").await.expect_status(204);
    ada.call("PUT", "/users/bob/follow", &[], None).await.expect_status(204);
    visitor.get("/health").await.expect_status(200);
    for path in ["/ready", "/version", "/openapi.json", "/docs"] {
        visitor.get(path).await.expect_status(200);
    }

    let admin = stack.log_in("admin@example.com").await;
    admin.put("/admin/users/bob/role", json!({ "role": "editor" })).await.expect_status(200);
    admin.put("/admin/users/bob/suspension", json!({ "reason": "Spam" })).await.expect_status(204);
    admin.delete("/admin/users/bob/suspension").await.expect_status(204);
    stack.log_in("bob").await.delete("/sessions").await.expect_status(204);

    ada.post("/posts", json!({ "title": "Draft", "body": "B", "tags": ["x"] })).await.expect_status(201);
    ada.post("/posts", json!({ "title": "Second", "body": "B" })).await.expect_status(201);
    ada.get("/me/posts?limit=1").await.expect_status(200);
    ada.post("/posts/draft/publish", json!({})).await.expect_status(200);
    ada.publish("Third", &["y"]).await;
    ada.patch("/posts/draft", "*", json!({ "slug": "moved", "tags": ["z"] })).await.expect_status(200);
    visitor.get("/posts/draft").await.expect_status(301);
    visitor.get("/posts/moved").await.expect_status(200);
    // Through an old slug, as a client with a bookmark would.
    ada.post("/posts/draft/unpublish", json!({})).await.expect_status(200);
    ada.post("/posts/draft/publish", json!({})).await.expect_status(200);
    visitor.get("/posts?limit=1").await.expect_status(200);
    refer_and_lead(stack, &ada, &stack.log_in("bob").await).await;
    ada.delete("/posts/moved").await.expect_status(204);
    ada.patch("/me", "*", json!({ "username": "countess", "display_name": "Ada" })).await.expect_status(200);
    let export = ada.post("/me/export", json!({})).await.body["export_id"].as_str().unwrap().to_owned();
    stack.settle().await;
    let ada = stack.log_in("countess").await;
    // Whoever opens the link acts for the function that made it.
    let export = ada.get(&format!("/me/exports/{export}")).await;
    let link = reqwest::Url::parse(export.body["url"].as_str().unwrap()).unwrap();
    let key = link.path().strip_prefix("/broadsheet-local/").unwrap();
    wire.remember(local::wire::Call {
        operation: Some("get_export".to_owned()),
        service: "s3",
        action: "GetObject".to_owned(),
        request: json!({ "Key": key }),
        capacity: 0.0,
    });
    ada.call("DELETE", "/me", &[], Some(json!({ "password": PASSWORD }))).await.expect_status(204);
    stack.settle().await;
    // What signs on a stack of its own, where it comes first and makes the key.
    for (method, path) in [
        ("GET", "/posts?limit=1"),
        ("GET", "/me/posts?limit=1"),
        ("GET", "/posts/1/replies?limit=1"),
        ("GET", "/posts/1/quotes?limit=1"),
        ("GET", "/posts/1/revisions?limit=1"),
        ("POST", "/posts/1/preview"),
        ("GET", "/tags?limit=1"),
        ("GET", "/users/bob/followers?limit=1"),
        ("GET", "/users/ada/following?limit=1"),
        ("GET", "/admin/users?limit=1"),
    ] {
        let fresh = TestStack::start().await;
        let ada = fresh.user_with_role("ada", domain::Role::Admin).await;
        ada.publish("1", &["a", "b"]).await;
        ada.patch("/posts/1", "*", json!({ "summary": "S" })).await.expect_status(200);
        for refers in ["reply_to", "quote_of", "reply_to", "quote_of"] {
            let body = json!({ "body": "B", "status": "published", refers: "1" });
            ada.post("/posts", body).await.expect_status(201);
        }
        fresh.settle().await;
        let (_, cem) = (fresh.user("bob").await, fresh.user("cem").await);
        for (client, other) in [(&ada, "bob"), (&ada, "cem"), (&cem, "bob")] {
            client.call("PUT", &format!("/users/{other}/follow"), &[], None).await.expect_status(204);
        }
        fresh.stack.wire.record();
        assert!(ada.call(method, path, &[], None).await.status.is_success());
        fresh.set_time("2034-01-01T00:00:00Z");
        fresh.visitor().get("/posts").await.expect_status(200);
        fresh.log_in("ada").await.get("/admin/users").await.expect_status(200);
        for call in fresh.stack.wire.take_calls() {
            wire.remember(call);
        }
    }
}

/// What posts have to do with each other, and how they come and go.
async fn refer_and_lead(stack: &TestStack, ada: &Client, bob: &Client) {
    let none = json!({});
    ada.publish("Original", &["x", "y"]).await;
    bob.post("/posts", json!({ "body": "Q", "quote_of": "original", "status": "published" })).await.expect_status(201);
    bob.call("PUT", "/posts/original/repost", &[], None).await.expect_status(204);
    let reply = json!({ "title": "Reply", "body": "R", "reply_to": "original", "tags": ["x"], "status": "published" });
    bob.post("/posts", reply).await.expect_status(201);
    stack.settle().await;
    for path in ["/posts", "/posts/reply", "/posts/original/replies", "/posts/original/quotes", "/tags"] {
        bob.get(path).await.expect_status(200);
    }
    bob.get("/me/posts").await.expect_status(200);
    bob.get("/posts?author=bob&kind=reply").await.expect_status(200);
    bob.patch("/posts/reply", "*", json!({ "body": "Edited", "tags": ["q"] })).await.expect_status(200);
    bob.post("/posts/reply/unpublish", none.clone()).await.expect_status(200);
    bob.post("/posts/reply/publish", none.clone()).await.expect_status(200);
    bob.get("/posts/reply/revisions").await.expect_status(200);
    bob.get("/posts/reply/revisions/1?compare_to=2").await.expect_status(200);
    bob.post("/posts/reply/revisions/1/restore", none.clone()).await.expect_status(200);
    bob.delete("/posts/reply").await.expect_status(204);
    bob.post("/posts/reply/restore", none.clone()).await.expect_status(200);
    bob.call("PUT", "/posts/original/pin", &[], None).await.expect_status(204);
    bob.delete("/posts/original/pin").await.expect_status(204);
    let link = ada.post("/posts/original/preview", none.clone()).await;
    link.expect_status(201);
    ada.delete("/posts/original/preview").await.expect_status(204);
    bob.delete("/posts/original/repost").await.expect_status(204);
    bob.call("PUT", "/posts/original/repost", &[], None).await.expect_status(204);
    // One that comes out by itself.
    let later = json!({ "status": "published", "publish_at": "2026-11-21T08:31:00Z", "tags": ["x"] });
    bob.patch("/posts/reply", "*", later).await.expect_status(200);
    stack.pass_seconds(60);
    stack.minute().await;
    bob.get("/posts/reply").await.expect_status(200);
    // A tag that nobody uses any more, and a post that goes with its repost.
    ada.patch("/posts/original", "*", json!({ "slug": "renamed", "tags": ["x"] })).await.expect_status(200);
    ada.delete("/posts/renamed").await.expect_status(204);
    expire(stack, "renamed").await;
    stack.settle().await;
}

/// Removes a post from the trash, as DynamoDB does when its time is over.
async fn expire(stack: &TestStack, slug: &str) {
    let dynamodb = aws_sdk_dynamodb::Client::new(&local::stack::sdk_config(stack.stack.wire.clone()));
    let delete = dynamodb.delete_item().table_name(local::backing::TABLE_NAME);
    delete
        .key("pk", AttributeValue::S(format!("POST#{slug}")))
        .key("sk", AttributeValue::S("POST".to_owned()))
        .send()
        .await
        .unwrap();
}

async fn confirm_and_resend(stack: &TestStack) {
    let visitor = stack.visitor();
    let registration = json!({ "username": "ada", "email": "ada@example.com", "password": PASSWORD });
    visitor.post("/users", registration).await.expect_status(201);
    visitor.post("/users/confirm/resend", json!({ "email": "ada@example.com" })).await.expect_status(202);
    let code = stack.code_for("ada@example.com");
    stack.stack.wire.break_calls("AdminAddUserToGroup", 0, 3, local::wire::Fault::ServerError);
    visitor.post("/users/confirm", json!({ "email": "ada@example.com", "code": code })).await.expect_status(204);
}
