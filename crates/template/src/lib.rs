//! Reads `template.yaml` and the templates that are parts of it: the local stack has no routes, settings or table
//! definition of its own.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use serde_yaml_ng::Value as Yaml;

/// The template of this repository.
pub const SOURCE: &str = include_str!("../../../template.yaml");

/// The templates of its parts that have functions, by the `Location` that it names them by.
pub const PARTS: [(&str, &str); 7] = [
    ("functions/authorizer/template.yaml", include_str!("../../../functions/authorizer/template.yaml")),
    ("functions/catch_all/template.yaml", include_str!("../../../functions/catch_all/template.yaml")),
    ("functions/users/template.yaml", include_str!("../../../functions/users/template.yaml")),
    ("functions/posts/template.yaml", include_str!("../../../functions/posts/template.yaml")),
    ("functions/community/template.yaml", include_str!("../../../functions/community/template.yaml")),
    ("functions/site/template.yaml", include_str!("../../../functions/site/template.yaml")),
    ("functions/events/template.yaml", include_str!("../../../functions/events/template.yaml")),
];

/// What the local stack takes from the template.
#[derive(Debug, Clone)]
pub struct Template {
    /// The stage, which every path of the API begins with.
    pub stage: String,
    /// The routes of the API.
    pub routes: Vec<Route>,
    /// The path and the handler of the route that takes what no other takes.
    pub catch_all: (String, String),
    /// The consumers of the table's stream.
    pub event_sources: Vec<EventSource>,
    /// The jobs: the handlers of the functions that a schedule calls every minute.
    pub jobs: Vec<String>,
    /// The triggers of the user pool: the handlers of its functions, by the names that `LambdaConfig` has for them.
    pub triggers: BTreeMap<String, String>,
    /// Every function, by its handler.
    pub functions: BTreeMap<String, Function>,
    /// The environment that every function gets.
    pub environment: BTreeMap<String, String>,
    /// The `CreateTable` request of the table.
    pub table: Value,
    /// The attribute that DynamoDB's TTL goes by.
    pub ttl_attribute: String,
    /// What API Gateway answers itself, by the type of response.
    pub gateway_responses: BTreeMap<String, GatewayResponse>,
    /// How long an authorizer's answer is kept, in seconds.
    pub authorizer_seconds: i64,
    /// The pool's settings.
    pub user_pool: UserPool,
}

/// A method of a path of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The method, in capitals.
    pub method: String,
    /// The path, with parameters in braces.
    pub path: String,
    /// The handler of the function that answers.
    pub handler: String,
    /// Whether the authorizer checks its requests.
    pub authorized: bool,
}

/// A consumer of the table's stream, with what it wants to see.
#[derive(Debug, Clone)]
pub struct EventSource {
    /// The handler of the function that consumes.
    pub handler: String,
    /// The filters' patterns; a change that matches one is handed on.
    pub patterns: Vec<Value>,
}

impl EventSource {
    /// Whether the consumer wants to see this change. Of the filter rules of Lambda those that the template uses: a list
    /// holds the values that match, an object is looked into.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html>
    pub fn takes(&self, record: &Value) -> bool {
        self.patterns.iter().any(|pattern| matches(pattern, record))
    }
}

fn matches(pattern: &Value, value: &Value) -> bool {
    match pattern {
        Value::Array(allowed) => allowed.contains(value),
        Value::Object(fields) => fields.iter().all(|(name, pattern)| matches(pattern, &value[name])),
        _ => false,
    }
}

/// A Lambda function.
#[derive(Debug, Clone)]
pub struct Function {
    /// What it is called at AWS.
    pub name: String,
    /// The binary that is built for it.
    pub binary: String,
    /// What its role allows: actions by the logical id of the resource, with the partition keys that a
    /// condition confines them to.
    pub statements: Vec<Statement>,
    /// What its role is allowed by the policy that counts requests. The other managed policies are among its statements.
    pub shared: Vec<Statement>,
}

/// A statement of a function's policy.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The actions, as IAM writes them.
    pub actions: Vec<String>,
    /// The logical id of the resource that they may be done to.
    pub resource: String,
    /// The partition keys that they are confined to; none if they are not.
    pub leading_keys: Option<Vec<String>>,
}

impl Statement {
    /// Each action on the resource, with the partition keys that it is confined to.
    pub fn permissions(&self) -> impl Iterator<Item = (String, String, Option<String>)> {
        let keys = self.leading_keys.as_ref().map(|keys| keys.join(","));
        self.actions.iter().map(move |action| (self.resource.clone(), action.clone(), keys.clone()))
    }
}

/// An answer that API Gateway gives itself.
#[derive(Debug, Clone)]
pub struct GatewayResponse {
    /// The status.
    pub status: u16,
    /// The headers: quoted literals or `context.` expressions.
    pub headers: BTreeMap<String, String>,
    /// The body, with `$context.` variables.
    pub body: String,
}

/// The user pool and its client.
#[derive(Debug, Clone)]
pub struct UserPool {
    /// How the client may begin a session.
    pub auth_flows: Vec<String>,
    /// The attributes that the client may write.
    pub write_attributes: Vec<String>,
    /// How long an access token is good for, in minutes.
    pub access_token_minutes: i64,
    /// How long a refresh token is good for, in days.
    pub refresh_token_days: i64,
    /// The least length of a password.
    pub password_minimum_length: usize,
    /// The groups.
    pub groups: Vec<String>,
}

/// The template says something that the local stack does not understand.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// It is not YAML.
    #[error("template.yaml is not YAML: {0}")]
    Yaml(#[from] serde_yaml_ng::Error),
    /// Something that is needed is not there, or not in the form that is understood.
    #[error("template.yaml: {0} is missing or not understood")]
    Missing(String),
}

/// Values for `!Ref`: physical ids of resources, and parameters that do not have their default.
pub type Refs = BTreeMap<String, String>;

/// Whether the template of this repository has a parameter of this name.
pub fn has_parameter(name: &str) -> bool {
    static PARAMETERS: LazyLock<Yaml> = LazyLock::new(|| {
        let root = serde_yaml_ng::from_str::<Yaml>(SOURCE);
        root.map(|root| root["Parameters"].clone()).unwrap_or_default()
    });
    PARAMETERS.get(name).is_some()
}

impl Template {
    /// Reads a template and its parts, with these values for what it refers to.
    pub fn read(source: &str, refs: &Refs) -> Result<Self, TemplateError> {
        let root = resolve(source, refs)?;
        let resources = object(&root, "Resources")?;
        let mut found = Found { policies: managed_policies(resources), ..Found::default() };
        found.add(&root)?;
        for (id, part) in of_type(resources, "AWS::Serverless::Application") {
            let location = text(part, "/Properties/Location", id)?;
            // The other parts have no functions: what they do, AWS does.
            let Some((_, source)) = PARTS.iter().find(|(part, _)| *part == location) else { continue };
            let parameters = part.pointer("/Properties/Parameters").and_then(Value::as_object);
            let given = parameters.into_iter().flatten();
            let given = given.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()));
            found.add(&resolve(source, &given.collect())?)?;
        }
        let Found { functions, event_sources, jobs, environments, .. } = found;

        let api = one(resources, "AWS::Serverless::Api")?;
        let table = one(resources, "AWS::DynamoDB::Table")?;
        let pool = one(resources, "AWS::Cognito::UserPool")?;
        let client = one(resources, "AWS::Cognito::UserPoolClient")?;
        // A parameter is text, whatever its type.
        let number = |value: &Value, pointer: &str| {
            let number =
                value.pointer(pointer).and_then(|value| value.as_i64().or_else(|| value.as_str()?.parse().ok()));
            number.ok_or_else(|| TemplateError::Missing(pointer.to_owned()))
        };
        let environment = environments.first().cloned().unwrap_or_default();
        if environments.iter().any(|of_part| *of_part != environment) {
            return Err(TemplateError::Missing("the same environment in every part".to_owned()));
        }
        let (routes, catch_all) = routes(api, &functions)?;
        Ok(Self {
            stage: text(api, "/Properties/StageName", "Api")?,
            routes,
            catch_all,
            event_sources,
            jobs,
            triggers: triggers(pool, &functions)?,
            functions,
            environment,
            ttl_attribute: text(table, "/Properties/TimeToLiveSpecification/AttributeName", "the table")?,
            table: create_table(&table["Properties"], refs),
            gateway_responses: gateway_responses(api)?,
            authorizer_seconds: number(authorizer(api)?, "/authorizerResultTtlInSeconds")?,
            user_pool: UserPool {
                auth_flows: strings(&client["Properties"]["ExplicitAuthFlows"]),
                write_attributes: strings(&client["Properties"]["WriteAttributes"]),
                access_token_minutes: number(client, "/Properties/AccessTokenValidity")?,
                refresh_token_days: number(client, "/Properties/RefreshTokenValidity")?,
                password_minimum_length: number(pool, "/Properties/Policies/PasswordPolicy/MinimumLength")?
                    .try_into()
                    .unwrap_or_default(),
                groups: of_type(resources, "AWS::Cognito::UserPoolGroup")
                    .map(|(id, group)| text(group, "/Properties/GroupName", id))
                    .collect::<Result<_, _>>()?,
            },
        })
    }
}

/// The functions of the root and its parts, and what calls them besides API Gateway and the user pool.
#[derive(Default)]
struct Found {
    functions: BTreeMap<String, Function>,
    event_sources: Vec<EventSource>,
    jobs: Vec<String>,
    /// What each template that has functions gives to all of them.
    environments: Vec<BTreeMap<String, String>>,
    /// The statements of the root's managed policies, by their logical ids.
    policies: BTreeMap<String, Vec<Statement>>,
}

impl Found {
    fn add(&mut self, template: &Value) -> Result<(), TemplateError> {
        let resources = object(template, "Resources")?;
        // One that is built otherwise is no part of the blog, but of how it is released.
        let built: Vec<_> = of_type(resources, "AWS::Serverless::Function")
            .filter(|(_, resource)| resource.pointer("/Metadata/BuildProperties").is_some())
            .collect();
        if !built.is_empty() {
            self.environments.push(environment_of(template)?);
        }
        for (id, resource) in built {
            let handler = text(resource, "/Properties/Handler", id)?;
            let events = resource.pointer("/Properties/Events").and_then(Value::as_object);
            for event in events.into_iter().flat_map(Map::values) {
                if event["Type"] == "DynamoDB" {
                    self.event_sources.push(event_source(event, &handler)?);
                    continue;
                }
                // The one schedule that the local stack knows.
                match event.pointer("/Properties/Schedule").and_then(Value::as_str) {
                    Some("rate(1 minute)") => self.jobs.push(handler.clone()),
                    _ => return Err(TemplateError::Missing(format!("a schedule of every minute of {id}"))),
                }
            }
            let policies = resource.pointer("/Properties/Policies").and_then(Value::as_array);
            let (mut statements, mut shared) = (Vec::new(), Vec::new());
            for policy in policies.into_iter().flatten() {
                // A managed policy, by its name, or the statements themselves.
                let Some(name) = policy.as_str() else {
                    statements.extend(statements_of(policy));
                    continue;
                };
                let of_policy = self.policies.get(name);
                let of_policy =
                    of_policy.ok_or_else(|| TemplateError::Missing(format!("the policy {name} of {id}")))?;
                let list = if name == "CountRequests" { &mut shared } else { &mut statements };
                list.extend(of_policy.iter().cloned());
            }
            let function = Function {
                name: text(resource, "/Properties/FunctionName", id)?,
                binary: text(resource, "/Metadata/BuildProperties/Binary", id)?,
                statements,
                shared,
            };
            self.functions.insert(handler, function);
        }
        Ok(())
    }
}

/// The statements of each managed policy, by its logical id.
fn managed_policies(resources: &Map<String, Value>) -> BTreeMap<String, Vec<Statement>> {
    of_type(resources, "AWS::IAM::ManagedPolicy")
        .map(|(id, policy)| (id.clone(), statements_of(&policy["Properties"]["PolicyDocument"])))
        .collect()
}

/// The statements of a policy document.
fn statements_of(policy: &Value) -> Vec<Statement> {
    let statement = |statement: &Value| Statement {
        actions: strings(&statement["Action"]),
        resource: statement["Resource"].as_str().unwrap_or_default().to_owned(),
        leading_keys: ["StringEquals", "StringLike"]
            .iter()
            .find_map(|test| statement["Condition"][format!("ForAllValues:{test}")].as_object())
            .map(|keys| strings(&keys["dynamodb:LeadingKeys"])),
    };
    policy["Statement"].as_array().into_iter().flatten().map(statement).collect()
}

/// A template as JSON, with what it refers to put in.
fn resolve(source: &str, refs: &Refs) -> Result<Value, TemplateError> {
    let mut root: Yaml = serde_yaml_ng::from_str(source)?;
    root.apply_merge()?;
    Ok(Resolver { refs, parameters: &root["Parameters"], conditions: &root["Conditions"] }.json(&root))
}

/// The environment that a template gives to all of its functions.
fn environment_of(template: &Value) -> Result<BTreeMap<String, String>, TemplateError> {
    let variables = template.pointer("/Globals/Function/Environment/Variables").and_then(Value::as_object);
    let variables = variables.ok_or_else(|| TemplateError::Missing("Globals.Function.Environment".to_owned()))?;
    Ok(variables.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect())
}

/// The routes of the API, and the path and the handler of the one that takes what no other takes.
fn routes(
    api: &Value,
    functions: &BTreeMap<String, Function>,
) -> Result<(Vec<Route>, (String, String)), TemplateError> {
    let (mut routes, mut catch_all) = (Vec::new(), None);
    for (path, methods) in object(&api["Properties"]["DefinitionBody"], "paths")? {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let uri = text(operation, "/x-amazon-apigateway-integration/uri", path)?;
            // A route names the alias of a function by its ARN.
            let named = |function: &Function| uri.ends_with(&format!(":function:{}:live/invocations", function.name));
            let function = functions.iter().find(|(_, function)| named(function));
            let (handler, _) = function.ok_or_else(|| TemplateError::Missing(format!("the function {uri}")))?;
            if method == "x-amazon-apigateway-any-method" {
                catch_all = Some((path.clone(), handler.clone()));
                continue;
            }
            routes.push(Route {
                method: method.to_uppercase(),
                path: path.clone(),
                handler: handler.clone(),
                authorized: operation["security"].as_array().is_some_and(|security| !security.is_empty()),
            });
        }
    }
    Ok((routes, catch_all.ok_or_else(|| TemplateError::Missing("a route for the rest".to_owned()))?))
}

/// How API Gateway asks the authorizer.
fn authorizer(api: &Value) -> Result<&Value, TemplateError> {
    let authorizer =
        "/Properties/DefinitionBody/components/securitySchemes/TokenAuthorizer/x-amazon-apigateway-authorizer";
    api.pointer(authorizer).ok_or_else(|| TemplateError::Missing("the authorizer".to_owned()))
}

/// Which handlers the pool's `LambdaConfig` means, found by the names in its ARNs.
fn triggers(pool: &Value, functions: &BTreeMap<String, Function>) -> Result<BTreeMap<String, String>, TemplateError> {
    object(&pool["Properties"], "LambdaConfig")?
        .iter()
        .map(|(kind, arn)| {
            let arn = arn.as_str().unwrap_or_default();
            let named = |function: &Function| arn.ends_with(&format!(":function:{}:live", function.name));
            let function = functions.iter().find(|(_, function)| named(function));
            let (handler, _) = function.ok_or_else(|| TemplateError::Missing(format!("the function {arn}")))?;
            Ok((kind.clone(), handler.clone()))
        })
        .collect()
}

fn event_source(event: &Value, handler: &str) -> Result<EventSource, TemplateError> {
    let filters = event.pointer("/Properties/FilterCriteria/Filters").and_then(Value::as_array);
    let pattern = |filter: &Value| {
        let pattern = filter["Pattern"].as_str().and_then(|pattern| serde_json::from_str(pattern).ok());
        pattern.ok_or_else(|| TemplateError::Missing(format!("a filter pattern of {handler}")))
    };
    Ok(EventSource {
        handler: handler.to_owned(),
        patterns: filters.into_iter().flatten().map(pattern).collect::<Result<_, _>>()?,
    })
}

/// The part of the table's properties that `CreateTable` takes too.
fn create_table(properties: &Value, refs: &Refs) -> Value {
    let mut request = json!({ "TableName": refs.get("BlogTable") });
    for name in ["AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes", "StreamSpecification"] {
        if let Some(value) = properties.get(name) {
            request[name] = value.clone();
        }
    }
    // CloudFormation leaves this out of a stream's definition, CreateTable does not.
    if let Some(stream) = request.get_mut("StreamSpecification") {
        stream["StreamEnabled"] = json!(true);
    }
    request
}

fn gateway_responses(api: &Value) -> Result<BTreeMap<String, GatewayResponse>, TemplateError> {
    object(&api["Properties"], "GatewayResponses")?
        .iter()
        .map(|(kind, response)| {
            let headers = response.pointer("/ResponseParameters/Headers").and_then(Value::as_object);
            let response = GatewayResponse {
                status: response["StatusCode"].as_u64().and_then(|status| status.try_into().ok()).unwrap_or(500),
                headers: headers
                    .into_iter()
                    .flatten()
                    .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
                    .collect(),
                body: text(response, "/ResponseTemplates/application~1json", kind)?,
            };
            Ok((kind.clone(), response))
        })
        .collect()
}

fn object<'a>(value: &'a Value, name: &str) -> Result<&'a Map<String, Value>, TemplateError> {
    value[name].as_object().ok_or_else(|| TemplateError::Missing(name.to_owned()))
}

fn text(value: &Value, pointer: &str, of: &str) -> Result<String, TemplateError> {
    let text = value.pointer(pointer).and_then(Value::as_str);
    text.map(str::to_owned).ok_or_else(|| TemplateError::Missing(format!("{pointer} of {of}")))
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn of_type<'a>(resources: &'a Map<String, Value>, kind: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    resources.iter().filter(move |(_, resource)| resource["Type"] == *kind)
}

fn one<'a>(resources: &'a Map<String, Value>, kind: &str) -> Result<&'a Value, TemplateError> {
    of_type(resources, kind).map(|(_, resource)| resource).next().ok_or_else(|| TemplateError::Missing(kind.to_owned()))
}

/// Turns YAML into JSON, CloudFormation's functions into what they stand for.
struct Resolver<'a> {
    refs: &'a Refs,
    parameters: &'a Yaml,
    conditions: &'a Yaml,
}

impl Resolver<'_> {
    fn json(&self, yaml: &Yaml) -> Value {
        match yaml {
            Yaml::Null => Value::Null,
            Yaml::Bool(value) => json!(value),
            Yaml::Number(value) => json!(value),
            Yaml::String(value) => json!(value),
            Yaml::Sequence(values) => values.iter().map(|value| self.json(value)).collect(),
            Yaml::Mapping(values) => {
                let pair = |(name, value): (&Yaml, &Yaml)| Some((name.as_str()?.to_owned(), self.json(value)));
                values.iter().filter_map(pair).collect::<Map<_, _>>().into()
            }
            Yaml::Tagged(tagged) => match (tagged.tag.to_string().as_str(), tagged.value.as_str()) {
                ("!Ref", Some(name)) => json!(self.reference(name)),
                // Which resource is meant is all that matters here, not its ARN.
                ("!GetAtt", Some(name)) => json!(name.split('.').next()),
                ("!Sub", Some(text)) => json!(self.substitute(text)),
                // A text and values for some of its names.
                ("!Sub", None) => {
                    let mut text = tagged.value[0].as_str().unwrap_or_default().to_owned();
                    for (name, value) in self.json(&tagged.value[1]).as_object().into_iter().flatten() {
                        text = text.replace(&format!("${{{name}}}"), value.as_str().unwrap_or_default());
                    }
                    json!(self.substitute(&text))
                }
                ("!Equals", _) => json!(self.json(&tagged.value[0]) == self.json(&tagged.value[1])),
                ("!Not", _) => json!(self.json(&tagged.value[0]) == json!(false)),
                ("!If", _) => {
                    let condition = &self.conditions[tagged.value[0].as_str().unwrap_or_default()];
                    self.json(&tagged.value[if self.json(condition) == json!(true) { 1 } else { 2 }])
                }
                _ => self.json(&tagged.value),
            },
        }
    }

    fn substitute(&self, text: &str) -> String {
        let (begin, rest) = text.split_once("${").unwrap_or((text, ""));
        let Some((name, rest)) = rest.split_once('}') else { return begin.to_owned() };
        format!("{begin}{}{}", self.reference(name.trim_end_matches(".Arn")), self.substitute(rest))
    }

    fn reference(&self, name: &str) -> String {
        match (self.refs.get(name), &self.parameters[name]["Default"]) {
            (Some(value), _) => value.clone(),
            (None, Yaml::String(default)) => default.clone(),
            (None, Yaml::Number(default)) => default.to_string(),
            (None, _) => name.to_owned(),
        }
    }
}
