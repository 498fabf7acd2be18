//! API Gateway on a laptop: finds the route in the template, asks the authorizer, hands the function the same
//! event that AWS would, and answers for itself what AWS answers for itself.
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html>

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::Timestamp;
use edge::Blog;
use edge::{Entry, Operation, Services};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use lambda_http::request::LambdaRequest;
use lambda_http::{Body, BoxFuture, Context, LambdaEvent, Service, service_fn};
use serde_json::{Map, Value, json};

use crate::wire::{OPERATION, on_behalf_of};
use template::{GatewayResponse, Route, Template};

/// The maximum size of a request that API Gateway takes.
pub const MAX_PAYLOAD_BYTES: usize = 10 * 1024 * 1024;

/// The gateway, with the functions behind it.
pub struct Gateway {
    template: Template,
    blog: Arc<Blog>,
    functions: HashMap<&'static str, Arc<Function>>,
    /// What the RealWorld API uses, if the stack has it.
    conduit: Option<Arc<users::Services>>,
    /// Whether the stack has Ghost's Content API.
    has_ghost: bool,
    authorized: Mutex<HashMap<String, (Timestamp, Value)>>,
}

/// Every operation of every binary.
pub fn operations() -> impl Iterator<Item = (&'static str, &'static Operation)> {
    fn of<S>(
        binary: &'static str,
        entries: &'static [Entry<S>],
    ) -> impl Iterator<Item = (&'static str, &'static Operation)> {
        entries.iter().map(move |entry| (binary, &entry.operation))
    }
    of("users", users::OPERATIONS)
        .chain(of("posts", posts::OPERATIONS))
        .chain(of("community", community::OPERATIONS))
        .chain(of("discovery", discovery::OPERATIONS))
        .chain(of("search", search::OPERATIONS))
        .chain(of("media", media::OPERATIONS))
        .chain(of("webhooks", webhooks::OPERATIONS))
        .chain(of("pages", pages::OPERATIONS))
        .chain(of("site", site::OPERATIONS))
}

/// An operation, ready to be called.
pub struct Function {
    operation: &'static Operation,
    handle: Handle,
}

impl Function {
    /// Answers a request.
    pub async fn call(&self, request: lambda_http::Request) -> Response<Body> {
        (self.handle)(request).await
    }
}

type Handle = Box<dyn Fn(lambda_http::Request) -> BoxFuture<'static, Response<Body>> + Send + Sync>;

/// The operations of a binary, ready to be called with what they use.
pub fn functions<S: Services>(services: &Arc<S>, entries: &'static [Entry<S>]) -> impl Iterator<Item = Function> {
    entries.iter().map(move |entry| {
        let services = Arc::clone(services);
        let handle: Handle = Box::new(move |request| {
            let services = Arc::clone(&services);
            Box::pin(async move { (entry.handle)(&services, &request).await })
        });
        Function { operation: &entry.operation, handle }
    })
}

impl Gateway {
    /// A gateway with the routes of this template, and these functions behind them.
    pub fn new(
        template: Template,
        blog: Arc<Blog>,
        functions: impl Iterator<Item = Function>,
        conduit: Option<Arc<users::Services>>,
        has_ghost: bool,
    ) -> Self {
        let functions = functions.map(|function| (function.operation.name, Arc::new(function))).collect();
        Self { template, blog, functions, conduit, has_ghost, authorized: Mutex::default() }
    }

    /// The function of an operation.
    pub fn function(&self, operation: &str) -> Option<&Function> {
        self.functions.get(operation).map(|function| &**function)
    }

    /// What the template says.
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// Answers one request, as API Gateway would.
    pub async fn answer(&self, request: Request<Bytes>, source: IpAddr) -> Response<Bytes> {
        let incoming = self.incoming(request, source);
        let mut response = match self.route(&incoming).await {
            Ok(response) => response,
            Err(kind) => self.gateway_response(kind, &incoming),
        };
        if incoming.request.method() == Method::HEAD {
            response.body_mut().clear();
        }
        response
    }

    /// Answers a request whose body is too large to be read.
    pub fn answer_too_large(&self, request: Request<Bytes>, source: IpAddr) -> Response<Bytes> {
        self.gateway_response("REQUEST_TOO_LARGE", &self.incoming(request, source))
    }

    fn incoming(&self, request: Request<Bytes>, source: IpAddr) -> Incoming {
        let request_id = self.blog.new_id::<ulid::Ulid>(self.blog.now()).to_string();
        Incoming { path: request.uri().path().to_owned(), request_id, source, request }
    }

    /// The event of a request, and the handler that gets it: for whoever runs the function's own binary. The error is the type of the
    /// gateway's own answer.
    pub async fn event_of(
        &self,
        request: Request<Bytes>,
        source: IpAddr,
    ) -> Result<(&'static str, Value), &'static str> {
        let incoming = self.incoming(request, source);
        if let Some(path) = below(&incoming.path, "/api") {
            return Ok((conduit::NAME, self.proxy_event(&incoming, "/{proxy+}", &format!("/{path}"), path)));
        }
        if let Some(path) = below(&incoming.path, "/ghost") {
            let below_api = path.strip_prefix("api/").unwrap_or_default();
            return Ok((ghost::NAME, self.proxy_event(&incoming, "/api/{proxy+}", &format!("/{path}"), below_api)));
        }
        let path = self.path_of(&incoming)?;
        match self.invocation(&incoming, path).await? {
            Some((function, event)) => Ok((function.operation.name, event)),
            None => Ok((catch_all::NAME, self.catch_all_event(&incoming, path))),
        }
    }

    /// What the authorizer is asked about a request.
    pub fn question_of(&self, request: Request<Bytes>, source: IpAddr) -> Result<Value, &'static str> {
        let incoming = self.incoming(request, source);
        let path = self.path_of(&incoming)?;
        let (route, parameters) =
            find_route(&self.template.routes, incoming.request.method().as_str(), path).ok_or("UNAUTHORIZED")?;
        Ok(self.question(route, path, &self.event(&incoming, &route.path, path, parameters)))
    }

    /// The path below the stage.
    fn path_of<'i>(&self, incoming: &'i Incoming) -> Result<&'i str, &'static str> {
        let stage = format!("/{}", self.template.stage);
        let path = incoming.path.strip_prefix(&stage).filter(|rest| rest.starts_with('/'));
        path.ok_or("MISSING_AUTHENTICATION_TOKEN")
    }

    async fn route(&self, incoming: &Incoming) -> Result<Response<Bytes>, &'static str> {
        // AWS knows its hosts; a host that is not even one would end in a panic of `lambda_http`.
        let host = incoming.request.headers().get(http::header::HOST);
        let is_host = |host: &str| {
            let address = format!("https://{host}/");
            url::Url::parse(&address).is_ok() && address.parse::<http::Uri>().is_ok()
        };
        if host.is_some_and(|host| !host.to_str().is_ok_and(is_host)) {
            return Err("DEFAULT_4XX");
        }
        if incoming.request.body().len() > MAX_PAYLOAD_BYTES {
            return Err("REQUEST_TOO_LARGE");
        }
        if let Some(path) = below(&incoming.path, "/api") {
            return self.conduit(incoming, path).await;
        }
        if let Some(path) = below(&incoming.path, "/ghost") {
            return self.ghost(incoming, path).await;
        }
        let path = self.path_of(incoming)?;
        let Some((function, event)) = self.invocation(incoming, path).await? else {
            return self.catch_all(incoming, path).await;
        };
        let payload: LambdaRequest = serde_json::from_value(event).map_err(|_| "DEFAULT_5XX")?;
        let name = function.operation.name.to_owned();
        let invocation = async move {
            let handler = service_fn(|request| async { Ok::<_, Infallible>(function.call(request).await) });
            lambda_http::Adapter::from(handler).call(LambdaEvent::new(payload, Context::default())).await
        };
        // A task of its own, so that a panic is one bad answer here as it is on Lambda.
        let invocation = tokio::spawn(on_behalf_of(name, invocation)).await;
        let answer = match invocation {
            Ok(Ok(answer)) => serde_json::to_value(answer).map_err(|_| "DEFAULT_5XX")?,
            Ok(Err(never)) => match never {},
            Err(_) => return Err("DEFAULT_5XX"),
        };
        response(&answer).ok_or("DEFAULT_5XX")
    }

    /// The function of a route and its event, with what the authorizer says; none for the catch-all.
    async fn invocation(
        &self,
        incoming: &Incoming,
        path: &str,
    ) -> Result<Option<(Arc<Function>, Value)>, &'static str> {
        let found = find_route(&self.template.routes, incoming.request.method().as_str(), path);
        // The path and the method together make a route; what has none goes to the catch-all, which does not take the
        // root.
        if found.is_none() && path == "/" {
            return Err("MISSING_AUTHENTICATION_TOKEN");
        }
        let Some((route, parameters)) = found else { return Ok(None) };
        let function = Arc::clone(self.functions.get(route.handler.as_str()).ok_or("API_CONFIGURATION_ERROR")?);
        let mut event = self.event(incoming, &route.path, path, parameters);
        if route.authorized {
            event["requestContext"]["authorizer"] = self.authorize(incoming, route, path, &event).await?;
        }
        Ok(Some((function, event)))
    }

    /// The RealWorld API, which is an API of its own on AWS (functions/conduit/template.yaml).
    async fn conduit(&self, incoming: &Incoming, path: &str) -> Result<Response<Bytes>, &'static str> {
        let users = self.conduit.clone().ok_or("MISSING_AUTHENTICATION_TOKEN")?;
        let request = self.proxied(incoming, "/{proxy+}", &format!("/{path}"), path)?;
        let answering = async move { conduit::answer(&users, &request).await };
        Self::run(conduit::NAME, answering).await
    }

    /// Ghost's Content API, which is an API of its own on AWS too (functions/ghost/template.yaml).
    async fn ghost(&self, incoming: &Incoming, path: &str) -> Result<Response<Bytes>, &'static str> {
        if !self.has_ghost {
            return Err("MISSING_AUTHENTICATION_TOKEN");
        }
        let below_api = path.strip_prefix("api/").unwrap_or_default();
        let request = self.proxied(incoming, "/api/{proxy+}", &format!("/{path}"), below_api)?;
        let blog = Arc::clone(&self.blog);
        Self::run(ghost::NAME, async move { ghost::answer(&blog, &request).await }).await
    }

    /// What a function that takes all paths is handed.
    fn proxied(
        &self,
        incoming: &Incoming,
        resource: &str,
        path: &str,
        proxy: &str,
    ) -> Result<lambda_http::Request, &'static str> {
        let event = self.proxy_event(incoming, resource, path, proxy);
        let payload: LambdaRequest = serde_json::from_value(event).map_err(|_| "DEFAULT_5XX")?;
        Ok(payload.into())
    }

    fn proxy_event(&self, incoming: &Incoming, resource: &str, path: &str, proxy: &str) -> Value {
        self.event(incoming, resource, path, Map::from_iter([("proxy".to_owned(), json!(proxy))]))
    }

    /// A task of its own, so that a panic is one bad answer here as it is on Lambda.
    async fn run(
        name: &str,
        answering: impl Future<Output = Response<Body>> + Send + 'static,
    ) -> Result<Response<Bytes>, &'static str> {
        let answer = tokio::spawn(on_behalf_of(name.to_owned(), answering)).await;
        Ok(answer.map_err(|_| "DEFAULT_5XX")?.map(|body| Bytes::copy_from_slice(&body)))
    }

    async fn catch_all(&self, incoming: &Incoming, path: &str) -> Result<Response<Bytes>, &'static str> {
        let event = self.catch_all_event(incoming, path);
        let payload: LambdaRequest = serde_json::from_value(event).map_err(|_| "DEFAULT_5XX")?;
        Ok(catch_all::answer(&self.blog, &payload.into()).await.map(|body| Bytes::copy_from_slice(&body)))
    }

    fn catch_all_event(&self, incoming: &Incoming, path: &str) -> Value {
        self.proxy_event(incoming, &self.template.catch_all.0, path, path.strip_prefix('/').unwrap_or(path))
    }

    /// What the authorizer says, kept as long as the template says. A missing header is refused without asking,
    /// as AWS does for a header that is an identity source.
    async fn authorize(
        &self,
        incoming: &Incoming,
        route: &Route,
        path: &str,
        event: &Value,
    ) -> Result<Value, &'static str> {
        let token = incoming.request.headers().get(http::header::AUTHORIZATION).ok_or("UNAUTHORIZED")?;
        let token = String::from_utf8_lossy(token.as_bytes()).into_owned();
        let now = self.blog.now();
        let kept = self.authorized.lock().unwrap_or_else(PoisonError::into_inner).get(&token).cloned();
        let policy = match kept {
            Some((until, policy)) if now < until => policy,
            _ => {
                let question = self.question(route, path, event);
                let question = serde_json::from_value(question).map_err(|_| "AUTHORIZER_FAILURE")?;
                let asked =
                    OPERATION.scope(authorizer::NAME.to_owned(), Box::pin(authorizer::authorize(&self.blog, question)));
                let policy = match asked.await {
                    Ok(policy) => policy,
                    Err(error) if error.to_string() == "Unauthorized" => return Err("UNAUTHORIZED"),
                    Err(_) => return Err("AUTHORIZER_CONFIGURATION_ERROR"),
                };
                let until = now.plus_seconds(self.template.authorizer_seconds);
                self.authorized.lock().unwrap_or_else(PoisonError::into_inner).insert(token, (until, policy.clone()));
                policy
            }
        };
        let statement = &policy["policyDocument"]["Statement"][0];
        let covers = statement["Resource"].as_str() == Some(&format!("{}/*", self.stage_arn()));
        if statement["Effect"] != "Allow" || !covers {
            return Err("ACCESS_DENIED");
        }
        let mut context = policy["context"].clone();
        context["principalId"] = policy["principalId"].clone();
        Ok(context)
    }

    fn question(&self, route: &Route, path: &str, event: &Value) -> Value {
        let mut question = event.clone();
        question["type"] = json!("REQUEST");
        question["methodArn"] = json!(format!("{}/{}{path}", self.stage_arn(), route.method));
        question
    }

    fn stage_arn(&self) -> String {
        format!("arn:aws:execute-api:local:000000000000:local/{}", self.template.stage)
    }

    /// The event of a Lambda proxy integration, payload version 1.0.
    fn event(&self, incoming: &Incoming, resource: &str, path: &str, parameters: Map<String, Value>) -> Value {
        let method = incoming.request.method().as_str();
        let (mut headers, mut all_headers) = (Map::new(), Map::new());
        for name in incoming.request.headers().keys() {
            let values: Vec<Value> = incoming
                .request
                .headers()
                .get_all(name)
                .iter()
                .map(|value| json!(String::from_utf8_lossy(value.as_bytes())))
                .collect();
            headers.insert(name.to_string(), values.last().cloned().unwrap_or_default());
            all_headers.insert(name.to_string(), Value::Array(values));
        }
        // API Gateway overwrites what a client says of this.
        for name in ["x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"] {
            headers.remove(name);
            all_headers.remove(name);
        }
        headers.insert("X-Forwarded-Proto".to_owned(), json!("http"));
        all_headers.insert("X-Forwarded-Proto".to_owned(), json!(["http"]));
        let (mut query, mut all_query) = (Map::new(), Map::new());
        for (name, value) in url::form_urlencoded::parse(incoming.request.uri().query().unwrap_or("").as_bytes()) {
            query.insert(name.to_string(), json!(value));
            let values = all_query.entry(name).or_insert_with(|| json!([]));
            if let Some(values) = values.as_array_mut() {
                values.push(json!(value));
            }
        }
        let body = incoming.request.body();
        let (body, is_base64) = match std::str::from_utf8(body) {
            Ok("") => (Value::Null, false),
            Ok(text) => (json!(text), false),
            Err(_) => (json!(STANDARD.encode(body)), true),
        };
        let host = incoming.request.headers().get(http::header::HOST).and_then(|host| host.to_str().ok());
        let null_if_empty = |map: Map<String, Value>| if map.is_empty() { Value::Null } else { Value::Object(map) };
        json!({
            "resource": resource,
            "path": path,
            "httpMethod": method,
            "headers": headers,
            "multiValueHeaders": all_headers,
            "queryStringParameters": null_if_empty(query),
            "multiValueQueryStringParameters": null_if_empty(all_query),
            "pathParameters": null_if_empty(parameters),
            "stageVariables": null,
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "local",
                "domainName": host,
                "httpMethod": method,
                "identity": { "sourceIp": incoming.source.to_string() },
                "path": incoming.path,
                "protocol": "HTTP/1.1",
                "requestId": incoming.request_id,
                "requestTimeEpoch": self.blog.now().milliseconds(),
                "resourcePath": resource,
                "stage": self.template.stage,
            },
            "body": body,
            "isBase64Encoded": is_base64,
        })
    }

    fn gateway_response(&self, kind: &str, incoming: &Incoming) -> Response<Bytes> {
        let responses = &self.template.gateway_responses;
        // As AWS does: a type without a response of its own has that of its class.
        let class = if kind.contains("FAILURE") || kind.contains("ERROR") { "DEFAULT_5XX" } else { "DEFAULT_4XX" };
        let Some(GatewayResponse { status, headers, body }) = responses.get(kind).or_else(|| responses.get(class))
        else {
            return Response::new(Bytes::new());
        };
        // What AWS does with a quote in a path is not documented; here the answer stays JSON.
        let path = incoming.path.replace('\\', "%5C").replace('"', "%22");
        let body = body.replace("$context.path", &path).replace("$context.requestId", &incoming.request_id);
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in headers {
            let value = match value.as_str() {
                "context.requestId" => incoming.request_id.clone(),
                literal => literal.trim_matches('\'').to_owned(),
            };
            insert_header(response.headers_mut(), name, &value);
        }
        response
    }
}

struct Incoming {
    request: Request<Bytes>,
    path: String,
    request_id: String,
    source: IpAddr,
}

/// What of a path is below this one, or nothing for this one itself; none for any other.
fn below<'p>(path: &'p str, base: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(base)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

/// The route of a method and path, with the path's parameters. A literal segment goes before a parameter, and what takes any number of
/// segments goes last.
pub fn find_route<'a>(routes: &'a [Route], method: &str, path: &str) -> Option<(&'a Route, Map<String, Value>)> {
    let method = if method == "HEAD" { "GET" } else { method };
    let matches = routes.iter().filter(|route| route.method == method).filter_map(|route| {
        let (mut wanted, mut given) = (route.path.split('/'), path.split('/'));
        let mut parameters = Map::new();
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return Some((route, parameters)),
                // Any number of segments.
                (Some(wanted), Some(first)) if wanted.ends_with("+}") => {
                    let rest: Vec<_> = [first].into_iter().chain(given).collect();
                    let name = wanted.trim_matches(['{', '+', '}']).to_owned();
                    parameters.insert(name, json!(rest.join("/")));
                    return Some((route, parameters));
                }
                (Some(wanted), Some(given)) => match wanted.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                    Some(name) if !given.is_empty() => drop(parameters.insert(name.to_owned(), json!(given))),
                    None if wanted == given => {}
                    _ => return None,
                },
                _ => return None,
            }
        }
    });
    matches.min_by_key(|(route, parameters)| (route.path.ends_with("+}"), parameters.len()))
}

/// The HTTP answer of a function's proxy response.
fn response(answer: &Value) -> Option<Response<Bytes>> {
    let body = answer["body"].as_str().unwrap_or_default();
    let body = match answer["isBase64Encoded"].as_bool() {
        Some(true) => Bytes::from(STANDARD.decode(body).ok()?),
        _ => Bytes::from(body.to_owned()),
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(answer["statusCode"].as_u64()?.try_into().ok()?).ok()?;
    for (name, value) in answer["headers"].as_object().into_iter().flatten() {
        insert_header(response.headers_mut(), name, value.as_str()?);
    }
    for (name, values) in answer["multiValueHeaders"].as_object().into_iter().flatten() {
        let name = HeaderName::try_from(name).ok()?;
        response.headers_mut().remove(&name);
        for value in values.as_array()? {
            response.headers_mut().append(&name, HeaderValue::from_str(value.as_str()?).ok()?);
        }
    }
    Some(response)
}

fn insert_header(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
        headers.insert(name, value);
    }
}
