//! The template and the code agree: each of these fails when one of the two drifts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use domain::Username;
use edge::{Config, Endpoints};
use local::backing::{TABLE_NAME, USER_POOL_CLIENT_ID, USER_POOL_ID, refs};
use local::gateway::operations;
use local::roles::{Permission, permissions};
use local::s3::BUCKET_NAME;
use proptest::prelude::*;
use serde_json::json;
use serde_yaml_ng::Value as Yaml;
use template::{self, Route, Template};

use crate::harness::TestStack;

fn template() -> Template {
    Template::read(template::SOURCE, &refs()).unwrap()
}

fn parameters(path: &str) -> Vec<&str> {
    path.split('/').filter_map(|part| Some(part.strip_prefix('{')?.strip_suffix('}')?.trim_end_matches('+'))).collect()
}

#[test]
fn every_handler_is_an_operation_of_its_binary_and_every_operation_has_a_function() {
    let in_template: BTreeSet<_> =
        template().functions.into_iter().map(|(handler, function)| (function.binary, handler)).collect();
    let mut in_code: BTreeSet<_> =
        operations().map(|(binary, operation)| (binary.to_owned(), operation.name.to_owned())).collect();
    for name in [authorizer::NAME, catch_all::NAME, conduit::NAME, ghost::NAME] {
        in_code.insert((name.to_owned(), name.to_owned()));
    }
    in_code.extend(events::Function::all().map(|function| ("events".to_owned(), function.name().to_owned())));
    in_code.extend(media::PLUGINS.iter().map(|plugin| ("media".to_owned(), plugin.name.to_owned())));
    in_code.extend(search::PLUGINS.iter().map(|plugin| ("search".to_owned(), plugin.name.to_owned())));
    in_code.extend(webhooks::PLUGINS.iter().map(|plugin| ("webhooks".to_owned(), plugin.name.to_owned())));
    let only = |one: &BTreeSet<_>, other| one.difference(other).cloned().collect::<Vec<_>>();
    let nothing: Vec<(String, String)> = Vec::new();
    assert_eq!(only(&in_code, &in_template), nothing, "these have no function in the template of their crate");
    assert_eq!(only(&in_template, &in_code), nothing, "these functions are `Handler` of nothing in the code");

    let routed: BTreeSet<_> = template().routes.into_iter().map(|route| route.handler).collect();
    let named: BTreeSet<_> = operations().map(|(_, operation)| operation.name.to_owned()).collect();
    let only = |one: &BTreeSet<String>, other| one.difference(other).cloned().collect::<Vec<_>>();
    assert_eq!(only(&named, &routed), [""; 0], "these operations have no route in template.yaml");
    assert_eq!(only(&routed, &named), [""; 0], "these routes lead to no operation");
    assert_eq!(template().catch_all, ("/{proxy+}".to_owned(), catch_all::NAME.to_owned()));

    let fed: BTreeSet<_> = template().event_sources.into_iter().map(|source| source.handler).collect();
    assert_eq!(fed, events::READERS.iter().map(|reader| reader.name.to_owned()).collect(), "every reader is fed");

    let ruled: BTreeSet<_> = template().rules.into_iter().map(|rule| rule.handler).collect();
    let named = events::PLUGINS.iter().map(|plugin| plugin.name);
    let named = named
        .chain(media::PLUGINS.iter().map(|plugin| plugin.name))
        .chain(search::PLUGINS.iter().map(|plugin| plugin.name));
    let named = named.chain(webhooks::PLUGINS.iter().map(|plugin| plugin.name));
    let named: BTreeSet<_> = named.map(str::to_owned).collect();
    assert_eq!(ruled, named, "every plug-in has a rule");

    // Some are called only where SES sends the messages.
    let ses = [("EmailIdentityArn", "arn:aws:ses:of-ours"), ("EmailFrom", "blog@example.com")];
    let with_ses = refs().into_iter().chain(ses.map(|(name, value)| (name.to_owned(), value.to_owned()))).collect();
    let called: BTreeSet<_> = Template::read(template::SOURCE, &with_ses).unwrap().triggers.into_values().collect();
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
            assert_eq!(alarms, [format!("{id}Errors")], "{path}");
            functions.insert(id.to_owned());
        }
        assert_eq!(looped(&source["Resources"], "Logged"), functions, "{path}");
        // An alarm that differs from that of all others is written by hand.
        let mut judged = looped(&source["Resources"], "Judged");
        judged.extend(functions.iter().filter(|id| resources.contains_key(format!("{id}Errors"))).cloned());
        assert_eq!(judged, functions, "{path}");
    }
}

/// All templates, by their path in the repository.
fn templates() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut templates = BTreeMap::from([("template.yaml".to_owned(), root.join("template.yaml"))]);
    for folder in ["functions", "infrastructure"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let path = if path.is_dir() { path.join("template.yaml") } else { path };
            if path.exists() && path.extension().is_some_and(|extension| extension == "yaml") {
                templates.insert(path.strip_prefix(&root).unwrap().display().to_string(), path);
            }
        }
    }
    templates.into_iter().map(|(name, path)| (name, fs::read_to_string(path).unwrap())).collect()
}

/// China's and GovCloud's ARNs begin otherwise, and China's hosts end otherwise. Names of services that call us
/// (`lambda.amazonaws.com`) are the same everywhere, and so is the audience of GitHub's tokens.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-services>
#[test]
fn no_template_names_a_partition() {
    let templates = templates();
    assert!(templates.len() > 10, "{:?}", templates.keys());
    for (path, text) in templates {
        for (number, line) in text.lines().enumerate() {
            let line = line.split(" #").next().unwrap().trim();
            if line.starts_with('#') {
                continue;
            }
            let place = format!("{path}:{}: {line}", number + 1);
            for partition in ["arn:aws:", "arn:aws-"] {
                assert!(!line.contains(partition), "{place}");
            }
            for (at, host) in line.match_indices(".amazonaws.com") {
                let name = line[..at].rsplit([' ', '"', '\'', '[', '/']).next().unwrap();
                let principal = name
                    .chars()
                    .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-.".contains(letter));
                assert!(principal && !line.contains(&format!("//{name}{host}")), "{place}");
            }
        }
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
    for name in settings["policy"].as_object().unwrap().keys() {
        let mut fewer = settings.clone();
        fewer.get_mut("policy").unwrap().as_object_mut().unwrap().remove(name);
        let error = with(&fewer).unwrap_err().to_string();
        assert!(error.contains(&format!("missing field `{name}`")), "{error}");
    }
    let mut more = settings.clone();
    more.insert("table_name".to_owned(), json!("other"));
    let error = with(&more).unwrap_err().to_string();
    assert!(error.contains("unknown field `table_name`"), "{error}");
}

/// The parameters that the settings of the functions are made of, each with whether it is a text there.
fn settings() -> Vec<(String, bool)> {
    let (_, root) = sources().remove(0);
    let settings = tagged(&root["Resources"]["Users"]["Properties"]["Parameters"]["Settings"]);
    let places = settings.match_indices("${").map(|(at, _)| settings.split_at(at));
    let name = |rest: &str| rest.trim_start_matches("${").split('}').next().unwrap_or_default().to_owned();
    places.map(|(before, rest)| (name(rest), before.ends_with('"'))).collect()
}

/// Whether any text may be its value, as far as its pattern lets it.
fn is_free(parameter: &Yaml) -> bool {
    parameter["AllowedValues"].as_sequence().is_none()
}

#[test]
fn every_setting_is_a_parameter_that_cannot_end_its_text() {
    let (_, root) = sources().remove(0);
    for (name, is_text) in settings() {
        let parameter = &root["Parameters"][&*name];
        // What is no text is a number, and stands by itself.
        assert_eq!(parameter["Type"] == *"String", is_text, "{name}");
        let good = parameter["Default"].as_str().unwrap_or_default();
        let taken = |end: &str| template::check_parameter(&name, &format!("{good}{end}")).is_ok();
        let ends = ["\"", "\\", "\n", "\0", "\u{1f}"].into_iter().any(taken);
        assert!(!is_text || !is_free(parameter) || !ends, "{name} may have a quotation mark or a line break in it");
    }
    assert!(settings().len() > 5);
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
    assert_eq!(given.len(), 6, "what a blog is set to is not written again: {given:?}");
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

/// A policy that several functions have is on exactly those that need it. What else a role allows, the wire compares with
/// each call (`local::roles`).
#[test]
fn whoever_has_no_limit_of_its_own_counts_requests_and_nobody_else_does() {
    for (handler, function) in template().functions {
        let counts = operations().any(|(_, operation)| operation.name == handler && operation.rate_limit.is_none());
        let counting = Permission {
            resource: "BlogTable".to_owned(),
            action: "dynamodb:UpdateItem".to_owned(),
            leading_keys: vec!["LIMIT#*".to_owned(), "KEYUSED#*".to_owned()],
        };
        assert_eq!(!function.shared.is_empty(), counts, "CountRequests and {handler}");
        assert!(!counts || permissions(&function).contains(&counting), "{handler}");
    }
}

#[tokio::test]
async fn a_call_that_a_role_does_not_allow_is_refused() {
    let stack = TestStack::start().await;
    let roles = stack.stack.wire.roles();
    let key = json!({ "Key": { "pk": { "S": "USER#1" } } });
    assert!(roles.check("get_me", "dynamodb", "Query", &json!({})).is_ok());
    assert!(roles.check("get_me", "dynamodb", "DeleteItem", &key).is_err());
    // Counting requests does not allow to write a profile.
    let counter = json!({ "Key": { "pk": { "S": "LIMIT#1" } } });
    assert!(roles.check("get_me", "dynamodb", "UpdateItem", &counter).is_ok());
    assert!(roles.check("get_me", "dynamodb", "UpdateItem", &key).is_err());
    assert!(roles.check("get_me", "cognito-idp", "AdminDeleteUser", &json!({})).is_err());
    assert!(roles.check("get_export", "s3", "GetObject", &json!({ "Key": "exports/1.json" })).is_ok());
    assert!(roles.check("get_export", "s3", "GetObject", &json!({ "Key": "media/1.png" })).is_err());
    // What guesses a password has a limit of its own.
    let guess = json!({ "AuthFlow": "ADMIN_USER_PASSWORD_AUTH" });
    assert!(roles.check("log_in", "cognito-idp", "AdminInitiateAuth", &guess).is_ok());
    assert!(roles.check("get_me", "cognito-idp", "ConfirmForgotPassword", &guess).is_err());
}

#[test]
fn a_value_that_cloudformation_refuses_is_refused_here() {
    let root: Yaml = serde_yaml_ng::from_str(template::SOURCE).unwrap();
    for (name, rules) in root["Parameters"].as_mapping().unwrap() {
        let Some(default) = rules.get("Default") else { continue };
        let text = serde_yaml_ng::to_string(default).unwrap();
        let default = default.as_str().unwrap_or_else(|| text.trim());
        template::check_parameter(name.as_str().unwrap(), default).unwrap();
    }
    for (name, value, refused) in [
        ("PostsPerDays", "1", "template.yaml has no parameter PostsPerDays"),
        ("Conduit", "yes", "The parameter Conduit must be one of true, false"),
        ("FanOutFollowers", "many", "The parameter FanOutFollowers must be a number"),
        ("SuccessLines", "101", "The parameter SuccessLines must be 100 or less"),
        (
            "RestoredStream",
            "arn",
            "The parameter RestoredStream must match ^$|^arn:[^:]+:dynamodb:[^:]+:[0-9]+:table/[^/]+/stream/.+$",
        ),
        ("SiteAccent", "red", "The parameter SiteAccent must be a colour such as #0b5cad"),
        (
            "BlockedWords",
            "spam,\nscam",
            "The parameter BlockedWords must be one line without quotation marks and backslashes",
        ),
    ] {
        assert_eq!(template::check_parameter(name, value).unwrap_err(), refused);
    }
    for (given, refused) in [
        (&[("WebSubHub", "https://hub.example.com/")][..], "WebSubHub needs FeedUrl"),
        (&[("Environment", "prod")], "Environment=prod needs EmailIdentityArn"),
        (&[("DomainName", "blog.example.com")], "DomainName needs CertificateArn"),
        (&[("Environment", "prod"), ("EmailIdentityArn", "arn:aws:ses")], "EmailIdentityArn needs EmailFrom"),
    ] {
        let mut refs = refs();
        refs.extend(given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let error = Template::read(template::SOURCE, &refs).map(drop).unwrap_err().to_string();
        assert!(error.starts_with(refused), "{error}");
    }
}

/// What the functions are set to, if the template takes this value of a parameter.
fn set_to(name: &str, value: &str) -> Option<Result<Config, edge::ConfigError>> {
    template::check_parameter(name, value).ok()?;
    let mut refs = refs();
    refs.insert("FeedUrl".to_owned(), "https://blog.example.com".to_owned());
    refs.insert(name.to_owned(), value.to_owned());
    let environment = Template::read(template::SOURCE, &refs).unwrap().environment;
    Some(Config::read(|name| environment.get(name).cloned()))
}

/// A function that does not understand a setting fails at its start, and with it each request.
#[test]
fn functions_start_with_every_value_that_the_template_takes() {
    for (name, good, bad) in [
        (
            "AdminEmail",
            &["", "ada@example.com", "Ada.L+x@müller.example"][..],
            &["ada", "ada@example", "a b@c.de", "ada@x_.de"][..],
        ),
        (
            "CorsOrigins",
            &["", "*", "https://blog.example.com", "http://localhost:5173,https://a.example"],
            &[
                "blog.example.com",
                "https://blog.example.com/",
                "https://a.example, https://b.example",
                "*,https://a.example",
                "https://*.example.com",
                "https://Blog.example.com",
            ],
        ),
        (
            "SiteUrl",
            &["", "https://blog.example.com", "http://localhost:3000/blog/", "https://müller.example"],
            &[
                "blog.example.com",
                "/blog",
                "https:blog.example.com",
                "https://blog example.com",
                "https://me:secret@a.example",
                "javascript:alert(1)",
            ],
        ),
        ("SiteLogo", &["", "https://a.example/logo.png?v=2"], &["logo.png", "https://a.example/my logo.png"]),
        ("FeedUrl", &["", "https://a.example"], &["a.example"]),
        ("WebSubHub", &["", "https://hub.example.com/"], &["hub.example.com"]),
        ("SiteTitle", &["Ada’s blog", " x "], &["", " ", "\u{200b}", "a\u{202e}b", "a\u{85}b"]),
        ("SiteDescription", &["", "Notes on engines"], &[" ", "a\u{2028}b", "\u{ad}"]),
        ("SiteFooter", &["", "© Ada"], &[" "]),
        ("SiteLanguage", &["en", "pt-BR"], &["", "English language", "en_GB", "e", "en-"]),
        ("SiteAccent", &["#0b5cad", "#ABCDEF"], &["", "red", "#fff", "0b5cad", "#0b5cad80"]),
        ("BlockedWords", &["", "spam, two words,,c++"], &[]),
    ] {
        for value in good {
            set_to(name, value).unwrap_or_else(|| panic!("{name} may be {value:?}")).unwrap();
        }
        for value in bad {
            assert!(set_to(name, value).is_none(), "{name} may not be {value:?}");
        }
    }
    let too_long = [("SiteTitle", 200), ("SiteDescription", 500), ("SiteFooter", 500)];
    for (name, max) in too_long {
        set_to(name, &"ä".repeat(max)).unwrap().unwrap();
        assert!(set_to(name, &"ä".repeat(max + 1)).is_none(), "{name}");
    }
    let error = set_to("PostsPerDay", "1.5").unwrap().unwrap_err().to_string();
    assert!(error.starts_with("the environment variable SETTINGS: posts_per_day: "), "{error}");
}

#[test]
fn functions_start_with_whatever_else_the_template_takes() {
    let (_, root) = sources().remove(0);
    let free = settings().into_iter().filter(|(name, is_text)| *is_text && is_free(&root["Parameters"][&**name]));
    let names: Vec<_> = free.map(|(name, _)| name).collect();
    let text = "(https?://)?[a-zA-Z.:/,@#ü \u{ad}\u{2028}\u{3000}\u{ffa0}*?&-]{0,16}";
    proptest!(|(name in prop::sample::select(names), text in text)| {
        if let Some(config) = set_to(&name, &text) {
            prop_assert!(config.is_ok(), "{name}: {:?}", config.err());
        }
    });
}
