//! The API's document: it is what is committed, and every answer that any test sees is one that it allows.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::Role;
use edge::ProblemKind;
use expect_test::expect_file;
use http::HeaderMap;
use jsonschema::Validator;
use local::backing::refs;
use local::gateway::find_route;
use openapi::{self, PROBLEM_JSON};
use serde_json::{Value, json};
use template::{self, Template};

use crate::harness::{Answer, TestStack};

static CONTRACT: LazyLock<Contract> = LazyLock::new(Contract::read);

/// Panics if the document does not allow this answer.
#[track_caller]
pub fn check(method: &str, path: &str, answer: &Answer) {
    if let Err(problem) = CONTRACT.check(method, path, answer) {
        panic!("{method} {path} is answered as openapi.json does not allow: {problem}");
    }
}

/// The document, made ready to hold answers against.
struct Contract {
    document: Value,
    template: Template,
    /// Compiled when they are first needed: operation, status and media type.
    validators: Mutex<HashMap<(String, u16, String), &'static Validator>>,
}

impl Contract {
    fn read() -> Self {
        let template = Template::read(template::SOURCE, &refs()).unwrap();
        let mut document = openapi::document(&template).unwrap();
        // Clients must expect new fields; the tests must not.
        for schema in document["components"]["schemas"].as_object_mut().unwrap().values_mut() {
            if schema["properties"].is_object() {
                schema["unevaluatedProperties"] = json!(false);
            }
        }
        Self { document, template, validators: Mutex::default() }
    }

    fn check(&self, method: &str, path: &str, answer: &Answer) -> Result<(), String> {
        let path = path.split('?').next().unwrap_or_default();
        let status = answer.status.as_u16();
        // Asked by browsers, and answered alike for every path (conventions.rs).
        if method == "OPTIONS" {
            return Ok(());
        }
        let Some((route, _)) = find_route(&self.template.routes, method, path) else {
            return self.check_problem_of_no_operation(status);
        };
        // Pages are for people (pages.rs).
        if self.template.is_page(route) {
            return Ok(());
        }
        // The same as GET, without the body (conventions.rs).
        let is_head = method == "HEAD";
        let operation = &self.document["paths"][&route.path][route.method.to_lowercase()];
        let declared = self.resolve(&operation["responses"][status.to_string()]);
        if declared.is_null() {
            return Err(format!("{status} is not declared"));
        }
        self.check_headers(declared, &answer.headers)?;
        if is_head {
            return if answer.bytes.is_empty() { Ok(()) } else { Err("HEAD has a body".to_owned()) };
        }

        let Some(content) = declared["content"].as_object() else {
            return if answer.bytes.is_empty() { Ok(()) } else { Err(format!("{status} has a body")) };
        };
        let media_type = answer.header("content-type").to_owned();
        let schema = &content.get(&media_type).ok_or_else(|| format!("{media_type} is not declared"))?["schema"];
        if media_type != "application/json" && media_type != PROBLEM_JSON {
            return Ok(());
        }
        let validator = self.validator((route.handler.clone(), status, media_type), schema);
        let errors: Vec<_> =
            validator.iter_errors(&answer.body).map(|error| format!("{}: {error}", error.instance_path())).collect();
        if errors.is_empty() { Ok(()) } else { Err(format!("{status}: {}", errors.join("; "))) }
    }

    /// What API Gateway says of a route that is not there.
    fn check_problem_of_no_operation(&self, status: u16) -> Result<(), String> {
        if matches!(status, 308 | 404 | 405) { Ok(()) } else { Err(format!("{status} for a route that is not there")) }
    }

    fn check_headers(&self, declared: &Value, headers: &HeaderMap) -> Result<(), String> {
        let empty = serde_json::Map::new();
        let declared = declared["headers"].as_object().unwrap_or(&empty);
        let names: BTreeSet<_> = declared.keys().map(|name| name.to_lowercase()).collect();
        if let Some(name) = headers.keys().find(|name| *name != "content-type" && !names.contains(name.as_str())) {
            return Err(format!("the header {name} is not declared"));
        }
        for (name, header) in declared {
            let header = self.resolve(header);
            match headers.get(name).map(|value| value.to_str().unwrap_or_default()) {
                None if header["required"] == true => return Err(format!("the header {name} is missing")),
                None => {}
                Some(text) => {
                    let value = if header["schema"]["type"] == "integer" {
                        text.parse().map_or(json!(text), |number: u64| json!(number))
                    } else {
                        json!(text)
                    };
                    let key = ("header".to_owned(), 0, name.clone());
                    if !self.validator(key, &header["schema"]).is_valid(&value) {
                        return Err(format!("the header {name} is {text}"));
                    }
                }
            }
        }
        Ok(())
    }

    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str().and_then(|reference| self.document.pointer(reference.trim_start_matches('#'))) {
            Some(target) => target,
            None => value,
        }
    }

    fn validator(&self, key: (String, u16, String), schema: &Value) -> &'static Validator {
        let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(validator) = validators.get(&key) {
            return validator;
        }
        let mut schema = schema.clone();
        schema["components"] = json!({ "schemas": self.document["components"]["schemas"] });
        // They live as long as the tests, which share them.
        let validator: &'static Validator =
            Box::leak(Box::new(jsonschema::options().should_validate_formats(true).build(&schema).unwrap()));
        validators.insert(key, validator);
        validator
    }
}

#[test]
fn the_document_is_the_one_that_is_committed() {
    let template = Template::read(template::SOURCE, &refs()).unwrap();
    let document = openapi::document(&template).unwrap();
    expect_file!["../../../openapi.json"].assert_eq(&openapi::text(&document));
}

#[test]
fn the_readme_lists_every_operation() {
    const BEGIN: &str = "<!-- begin operations -->\n";
    const END: &str = "<!-- end operations -->";
    let template = Template::read(template::SOURCE, &refs()).unwrap();
    let document = openapi::document(&template).unwrap();
    let mut table = String::from("| operation | who | what |\n|---|---|---|\n");
    for route in template.routes.iter().filter(|route| !template.is_page(route)) {
        let description = openapi::descriptions().find(|it| it.operation.name == route.handler).unwrap();
        let who = match description.operation.min_role {
            None => "anybody",
            Some(Role::Reader) => "signed in",
            Some(role) => role.name(),
        };
        let summary = document["paths"][&route.path][route.method.to_lowercase()]["summary"].as_str().unwrap();
        table += &format!("| `{} {}` | {who} | {summary} |\n", route.method, route.path);
    }
    let readme = include_str!("../../../README.md");
    let (before, rest) = readme.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    expect_file!["../../../README.md"].assert_eq(&format!("{before}{BEGIN}{table}{END}{after}"));
}

#[tokio::test]
async fn the_document_can_be_fetched() {
    let stack = TestStack::start().await;
    let answer = stack.visitor().get("/openapi.json").await;
    answer.expect_status(200);
    assert_eq!(answer.bytes, include_str!("../../../openapi.json"));
    let again = stack.visitor().get_with("/openapi.json", &[("if-none-match", &answer.etag())]).await;
    again.expect_status(304);
    assert_eq!((again.etag(), again.bytes.len()), (answer.etag(), 0));
}

#[tokio::test]
async fn the_page_runs_its_own_script_and_nothing_else() {
    let stack = TestStack::start().await;
    let page = stack.visitor().get("/docs").await;
    page.expect_status(200);
    let text = std::str::from_utf8(&page.bytes).unwrap();
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; ") && policy.contains("connect-src 'self'"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    for element in ["style", "script"] {
        let parts: Vec<_> = text.split(&format!("<{element}>")).collect();
        let [_, rest] = parts.as_slice() else { panic!("one {element}, not {}", parts.len() - 1) };
        let (own, _) = rest.split_once(&format!("</{element}>")).unwrap();
        let hash = STANDARD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, own.as_bytes()));
        assert!(
            policy.contains(&format!("{element}-src 'sha256-{hash}'")),
            "the {element} has sha256-{hash}: {policy}"
        );
    }
    // Nothing from elsewhere, and no code in attributes, which the policy would stop.
    for elsewhere in ["src=", "http://", "https://", "@import", "url(", " onclick", " style=", "innerHTML", "eval("] {
        assert!(!text.contains(elsewhere), "{elsewhere}");
    }
    assert!(text.len() < 30_000, "{} bytes", text.len());
}

/// The meanings of all problems are in the document, so that whoever reads it knows them all.
#[test]
fn every_problem_is_some_operations() {
    let template = Template::read(template::SOURCE, &refs()).unwrap();
    let text = openapi::document(&template).unwrap().to_string();
    // A method that a path does not have is no operation.
    for problem in ProblemKind::ALL.iter().filter(|problem| **problem != ProblemKind::METHOD_NOT_ALLOWED) {
        assert!(text.contains(&format!("urn:broadsheet:problem:{}", problem.name)), "{}", problem.name);
    }
}
