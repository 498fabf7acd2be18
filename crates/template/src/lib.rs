//! Reads `template.yaml` and the templates that are parts of it: the local stack has no routes, settings or table
//! definition of its own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use regex_lite::Regex;
use serde_json::{Map, Value, json};
use serde_yaml_ng::Value as Yaml;

/// The template of this repository.
pub const SOURCE: &str = include_str!("../../../template.yaml");

/// The templates of its parts that have functions, by the `Location` that it names them by.
pub const PARTS: [(&str, &str); 14] = [
    ("functions/authorizer/template.yaml", include_str!("../../../functions/authorizer/template.yaml")),
    ("functions/catch_all/template.yaml", include_str!("../../../functions/catch_all/template.yaml")),
    ("functions/users/template.yaml", include_str!("../../../functions/users/template.yaml")),
    ("functions/posts/template.yaml", include_str!("../../../functions/posts/template.yaml")),
    ("functions/community/template.yaml", include_str!("../../../functions/community/template.yaml")),
    ("functions/conduit/template.yaml", include_str!("../../../functions/conduit/template.yaml")),
    ("functions/discovery/template.yaml", include_str!("../../../functions/discovery/template.yaml")),
    ("functions/ghost/template.yaml", include_str!("../../../functions/ghost/template.yaml")),
    ("functions/media/template.yaml", include_str!("../../../functions/media/template.yaml")),
    ("functions/search/template.yaml", include_str!("../../../functions/search/template.yaml")),
    ("functions/webhooks/template.yaml", include_str!("../../../functions/webhooks/template.yaml")),
    ("functions/pages/template.yaml", include_str!("../../../functions/pages/template.yaml")),
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
    /// The readers of the table's stream.
    pub event_sources: Vec<EventSource>,
    /// The rules of the bus.
    pub rules: Vec<Rule>,
    /// Whether S3 tells the account's default bus of the files of the bucket.
    pub bucket_tells: bool,
    /// What the bus is called.
    pub bus_name: String,
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
    /// The method, in capitals. GET is HEAD too.
    pub method: String,
    /// The path, with parameters in braces.
    pub path: String,
    /// The handler of the function that answers.
    pub handler: String,
    /// Whether the authorizer checks its requests.
    pub authorized: bool,
}

/// A reader of the table's stream, with what it wants to see.
#[derive(Debug, Clone)]
pub struct EventSource {
    /// The handler of the function that reads.
    pub handler: String,
    /// The filters' patterns; a change that matches one is handed on.
    pub patterns: Vec<Pattern>,
    /// How often a change is tried again.
    pub max_retries: usize,
    /// The logical id of the queue that gets what is given up.
    pub failures: String,
}

impl EventSource {
    /// Whether the reader wants to see this change.
    pub fn takes(&self, record: &Value) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(record))
    }
}

/// The maximum number of readers of a stream: DynamoDB throttles a third, whatever its filter lets pass.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html#Streams.Processing>
const MAX_READERS: usize = 2;

/// A rule of the bus: which events a function is called with.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The handler of the function.
    pub handler: String,
    /// What an event has to be like.
    pub pattern: Pattern,
    /// Whether it is switched on.
    pub is_enabled: bool,
    /// How often the function is called again with an event that it failed on.
    pub max_retries: usize,
    /// The logical id of the queue that gets what is given up.
    pub failures: String,
}

/// What an event has to be like: of the language that filters of Lambda and rules of EventBridge have in common, the part
/// that the local stack understands. Everything else is refused, as it would silently be something else on AWS.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html>
#[derive(Debug, Clone, PartialEq)]
pub enum Pattern {
    /// Every field of these is there and matches.
    Fields(BTreeMap<String, Pattern>),
    /// The value, or one of its values if it is a list, is one of these.
    AnyOf(Vec<Test>),
}

/// What a value may be.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// Exactly this text, number, truth or null.
    Equal(Value),
    /// A text that begins with this.
    Prefix(String),
}

impl Pattern {
    /// Reads a pattern. The error says what of it is not understood.
    pub fn read(pattern: &Value) -> Result<Self, String> {
        match pattern {
            Value::Object(fields) if !fields.is_empty() => {
                let field = |(name, pattern): (&String, &Value)| match name.strip_prefix('$') {
                    Some(_) => Err(format!("{name} of a pattern")),
                    None => Ok((name.clone(), Self::read(pattern)?)),
                };
                fields.iter().map(field).collect::<Result<_, _>>().map(Self::Fields)
            }
            Value::Array(tests) if !tests.is_empty() => {
                tests.iter().map(Test::read).collect::<Result<_, _>>().map(Self::AnyOf)
            }
            other => Err(format!("{other} as a pattern")),
        }
    }

    /// Whether an event is like this.
    pub fn matches(&self, event: &Value) -> bool {
        match (self, event) {
            (Self::Fields(fields), event) => {
                fields.iter().all(|(name, pattern)| event.get(name).is_some_and(|value| pattern.matches(value)))
            }
            (Self::AnyOf(tests), Value::Array(values)) => {
                values.iter().any(|value| tests.iter().any(|test| test.accepts(value)))
            }
            (Self::AnyOf(tests), value) => tests.iter().any(|test| test.accepts(value)),
        }
    }
}

impl Test {
    fn read(test: &Value) -> Result<Self, String> {
        match test {
            Value::Object(test) => match (test.len(), test.get("prefix").and_then(Value::as_str)) {
                (1, Some(prefix)) => Ok(Self::Prefix(prefix.to_owned())),
                _ => Err(format!("the operator {} of a pattern", json!(test))),
            },
            Value::Array(_) => Err("a list in a list of a pattern".to_owned()),
            plain => Ok(Self::Equal(plain.clone())),
        }
    }

    fn accepts(&self, value: &Value) -> bool {
        match self {
            Self::Equal(wanted) => wanted == value,
            Self::Prefix(prefix) => value.as_str().is_some_and(|text| text.starts_with(prefix)),
        }
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
    /// The attributes that the client may read, which are those in its ID tokens.
    pub read_attributes: Vec<String>,
    /// How long an access token is good for, in minutes.
    pub access_token_minutes: i64,
    /// How long a refresh token is good for, in days.
    pub refresh_token_days: i64,
    /// The least length of a password.
    pub password_minimum_length: usize,
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
    /// More functions read the table's stream than DynamoDB lets.
    #[error("template.yaml: {} functions read the table's stream ({}), but DynamoDB throttles more than two", .0.len(), .0.join(", "))]
    TooManyReaders(Vec<String>),
    /// A rule does not allow the parameters together.
    #[error("{0}")]
    Rule(String),
}

/// Values for `!Ref`: physical ids of resources, and parameters that do not have their default.
pub type Refs = BTreeMap<String, String>;

/// Refuses what CloudFormation would refuse as the value of a parameter, and a parameter that the template of this repository does not
/// have. The error is a sentence.
///
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>
pub fn check_parameter(name: &str, value: &str) -> Result<(), String> {
    let root = parse(SOURCE).map_err(|error| error.to_string())?;
    let Some(rules) = root["Parameters"].get(name) else {
        return Err(format!("template.yaml has no parameter {name}"));
    };
    // What the operator is told instead of the rule.
    let refused = |rule: &str| match rules["ConstraintDescription"].as_str() {
        Some(description) => Err(format!("The parameter {name} {description}")),
        None => Err(format!("The parameter {name} {rule}")),
    };
    let number = |rule: &str| rules[rule].as_f64();
    let allowed: Vec<_> = rules["AllowedValues"].as_sequence().into_iter().flatten().map(scalar).collect();
    if !allowed.is_empty() && !allowed.iter().any(|allowed| allowed == value) {
        return refused(&format!("must be one of {}", allowed.join(", ")));
    }
    if rules["Type"] == "Number" {
        let value: f64 = value.parse().map_err(|_| format!("The parameter {name} must be a number"))?;
        if let Some(min) = number("MinValue").filter(|min| value < *min) {
            return refused(&format!("must be {min} or more"));
        }
        if let Some(max) = number("MaxValue").filter(|max| value > *max) {
            return refused(&format!("must be {max} or less"));
        }
    }
    let length = u32::try_from(value.chars().count()).map_or(f64::INFINITY, f64::from);
    if let Some(min) = number("MinLength").filter(|min| length < *min) {
        return refused(&format!("must have at least {min} characters"));
    }
    if let Some(max) = number("MaxLength").filter(|max| length > *max) {
        return refused(&format!("must have at most {max} characters"));
    }
    if let Some(pattern) = rules["AllowedPattern"].as_str() {
        // CloudFormation matches the whole value.
        let whole = Regex::new(&format!("^(?:{pattern})$")).map_err(|error| error.to_string())?;
        if !whole.is_match(value) {
            return refused(&format!("must match {pattern}"));
        }
    }
    Ok(())
}

/// A scalar of YAML as text; empty if it is none.
fn scalar(value: &Yaml) -> String {
    match value {
        Yaml::String(text) => text.clone(),
        Yaml::Number(number) => number.to_string(),
        Yaml::Bool(on) => on.to_string(),
        _ => String::new(),
    }
}

impl Template {
    /// Whether a route is one of a page, for people and not for programs: the API's document does not have it.
    pub fn is_page(&self, route: &Route) -> bool {
        self.functions.get(&route.handler).is_some_and(|function| function.binary == "pages")
    }

    /// Reads a template and its parts, with these values for what it refers to.
    pub fn read(source: &str, refs: &Refs) -> Result<Self, TemplateError> {
        let root = resolve(source, refs)?;
        check_rules(&root)?;
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
        let Found { functions, event_sources, rules, jobs, environments, .. } = found;
        if event_sources.len() > MAX_READERS {
            let readers = event_sources.into_iter().map(|source| source.handler);
            return Err(TemplateError::TooManyReaders(readers.collect()));
        }
        let bus_name = text(one(resources, "AWS::Events::EventBus")?, "/Properties/Name", "the bus")?;
        // None is the default bus.
        if let Some(rule) = rules.iter().find(|(bus, _)| bus.as_ref().is_some_and(|bus| *bus != bus_name)) {
            return Err(TemplateError::Missing(format!("the bus of the rule of {}", rule.1.handler)));
        }

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
        let environment = common_environment(&environments)?;
        let (routes, catch_all) = routes(api, &functions)?;
        Ok(Self {
            stage: text(api, "/Properties/StageName", "Api")?,
            routes,
            catch_all,
            event_sources,
            rules: rules.into_iter().map(|(_, rule)| rule).collect(),
            bus_name,
            bucket_tells: one(resources, "AWS::S3::Bucket")?
                .pointer("/Properties/NotificationConfiguration/EventBridgeConfiguration/EventBridgeEnabled")
                .is_some_and(|enabled| *enabled == true),
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
                read_attributes: strings(&client["Properties"]["ReadAttributes"]),
                access_token_minutes: number(client, "/Properties/IdTokenValidity")?,
                refresh_token_days: number(client, "/Properties/RefreshTokenValidity")?,
                password_minimum_length: number(pool, "/Properties/Policies/PasswordPolicy/MinimumLength")?
                    .try_into()
                    .unwrap_or_default(),
            },
        })
    }
}

/// Refuses what the template's rules do not allow of its parameters together.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html>
fn check_rules(root: &Value) -> Result<(), TemplateError> {
    let rules = root["Rules"].as_object().into_iter().flat_map(Map::values);
    let applying = rules.filter(|rule| rule.get("RuleCondition").is_none_or(|condition| *condition == true));
    let mut assertions = applying.flat_map(|rule| rule["Assertions"].as_array()).flatten();
    match assertions.find(|assertion| assertion["Assert"] != true) {
        Some(refused) => Err(TemplateError::Rule(text(refused, "/AssertDescription", "a rule")?)),
        None => Ok(()),
    }
}

/// The functions of the root and its parts, and what calls them besides API Gateway and the user pool.
#[derive(Default)]
struct Found {
    functions: BTreeMap<String, Function>,
    event_sources: Vec<EventSource>,
    /// Rules, each with the name of its bus; none for the account's default bus.
    rules: Vec<(Option<String>, Rule)>,
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
                match event["Type"].as_str() {
                    Some("DynamoDB") => self.event_sources.push(event_source(event, &handler)?),
                    Some("EventBridgeRule") => {
                        let bus = event.pointer("/Properties/EventBusName").and_then(Value::as_str).map(str::to_owned);
                        // AWS's own events are on the default bus only, and nobody else's are.
                        let sources = strings(&event["Properties"]["Pattern"]["source"]);
                        let of_aws = |source: &String| source.starts_with("aws.") == bus.is_none();
                        if sources.is_empty() || !sources.iter().all(of_aws) {
                            return Err(TemplateError::Missing(format!("the bus of the events for {id}")));
                        }
                        self.rules.push((bus, rule(event, &resource["Properties"], &handler)?));
                    }
                    // The one schedule that the local stack knows.
                    _ => match event.pointer("/Properties/Schedule").and_then(Value::as_str) {
                        Some("rate(1 minute)") => self.jobs.push(handler.clone()),
                        _ => return Err(TemplateError::Missing(format!("a schedule of every minute of {id}"))),
                    },
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

/// A template as YAML. A text is parsed once a process, because every story starts a stack, and parsing took half of that.
fn parse(source: &str) -> Result<Arc<Yaml>, TemplateError> {
    static PARSED: Mutex<BTreeMap<String, Arc<Yaml>>> = Mutex::new(BTreeMap::new());
    if let Some(root) = PARSED.lock().ok().and_then(|parsed| parsed.get(source).cloned()) {
        return Ok(root);
    }
    let mut root: Yaml = serde_yaml_ng::from_str(source)?;
    root.apply_merge()?;
    let root = Arc::new(root);
    if let Ok(mut parsed) = PARSED.lock() {
        parsed.insert(source.to_owned(), Arc::clone(&root));
    }
    Ok(root)
}

/// A template as JSON, with what it refers to put in.
fn resolve(source: &str, refs: &Refs) -> Result<Value, TemplateError> {
    let root = parse(source)?;
    Ok(Resolver { refs, parameters: &root["Parameters"], conditions: &root["Conditions"] }.json(&root))
}

/// The environment that the parts have alike. A variable may be empty in some of them: a secret is for those that need it.
fn common_environment(environments: &[BTreeMap<String, String>]) -> Result<BTreeMap<String, String>, TemplateError> {
    let mut common = environments.first().cloned().unwrap_or_default();
    for of_part in environments {
        let alike = of_part.keys().eq(common.keys());
        for (value, of_part) in common.values_mut().zip(of_part.values()) {
            if value.is_empty() {
                value.clone_from(of_part);
            }
            if !alike || (!of_part.is_empty() && of_part != value) {
                return Err(TemplateError::Missing("the same environment in every part".to_owned()));
            }
        }
    }
    Ok(common)
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
            // HEAD is GET without a body (RFC 9110, section 9.3.2), and so no route of its own here.
            let twin = match method.as_str() {
                "get" => "head",
                "head" => "get",
                _ => method,
            };
            if methods[twin] != *operation {
                return Err(TemplateError::Missing(format!("the same route for GET and HEAD of {path}")));
            }
            if method == "head" {
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
    let read = |filter: &Value| {
        let source = filter["Pattern"].as_str().and_then(|pattern| serde_json::from_str(pattern).ok());
        pattern(&source.unwrap_or(Value::Null), handler)
    };
    Ok(EventSource {
        handler: handler.to_owned(),
        patterns: filters.into_iter().flatten().map(read).collect::<Result<_, _>>()?,
        max_retries: max_retries(&event["Properties"], handler)?,
        failures: text(event, "/Properties/DestinationConfig/OnFailure/Destination", handler)?,
    })
}

/// A rule of a function, which says itself what becomes of an event that it fails on.
fn rule(event: &Value, function: &Value, handler: &str) -> Result<Rule, TemplateError> {
    let is_enabled = match event.pointer("/Properties/State").and_then(Value::as_str) {
        None | Some("ENABLED") => true,
        Some("DISABLED") => false,
        Some(_) => return Err(TemplateError::Missing(format!("the state of the rule of {handler}"))),
    };
    let failures = text(function, "/EventInvokeConfig/DestinationConfig/OnFailure/Destination", handler)?;
    // The bus keeps there what it cannot deliver.
    if text(event, "/Properties/DeadLetterConfig/Arn", handler)? != failures {
        return Err(TemplateError::Missing(format!("one queue for all failures of {handler}")));
    }
    Ok(Rule {
        handler: handler.to_owned(),
        pattern: pattern(&event["Properties"]["Pattern"], handler)?,
        is_enabled,
        max_retries: max_retries(&function["EventInvokeConfig"], handler)?,
        failures,
    })
}

fn pattern(source: &Value, handler: &str) -> Result<Pattern, TemplateError> {
    Pattern::read(source).map_err(|error| TemplateError::Missing(format!("{error}, of {handler},")))
}

fn max_retries(properties: &Value, handler: &str) -> Result<usize, TemplateError> {
    let number = properties["MaximumRetryAttempts"].as_u64().and_then(|number| number.try_into().ok());
    number.ok_or_else(|| TemplateError::Missing(format!("MaximumRetryAttempts of {handler}")))
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
/// What a property refers to that is not there.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html>
const NO_VALUE: &str = "AWS::NoValue";

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
                let pair = |(name, value): (&Yaml, &Yaml)| {
                    let value = self.json(value);
                    (value != NO_VALUE).then_some((name.as_str()?.to_owned(), value))
                };
                values.iter().filter_map(pair).collect::<Map<_, _>>().into()
            }
            Yaml::Tagged(tagged) => match (tagged.tag.to_string().as_str(), tagged.value.as_str()) {
                ("!Ref", Some(name)) => json!(self.reference(name)),
                // Which resource is meant is all that matters here, not its ARN.
                ("!GetAtt", Some(name)) => match self.refs.get(name) {
                    Some(value) => json!(value),
                    None => json!(name.split('.').next()),
                },
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
