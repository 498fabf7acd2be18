//! Operations, and what happens around every one of them.

use domain::{Fields, FromFields, Role, SchemaGenerator, Scope, Source, Timestamp, Viewer};
use lambda_http::http::{HeaderValue, Method, Response, header};
use lambda_http::{Body, BoxFuture, Request};
use serde_json::{Map, Value};
use table::{Quota, RateLimit};
use ulid::Ulid;

use crate::authentication::note_key_use;
use crate::caller::viewer_of;
use crate::exchange::misplaced;
use crate::idempotency::{Outcome, Repeatable};
use crate::input::{body_fields, path_fields, query_fields, query_pairs};
use crate::reply::{self, NO_STORE, ReplyContext};
use crate::{
    AnswerDescription, Blog, Browser, Caller, ETag, Exchange, IfMatch, Input, InputDescription, Problem, Reply,
    Services, quota,
};

/// A parsed call of an operation. An operation is an async function of the services that it uses and of its call, whose
/// types say who may call (`C`) and what is taken of the request (`I`); what it returns says how it is answered.
pub struct Call<C, I = ()> {
    /// Who calls.
    pub caller: C,
    /// What is taken of the request.
    pub input: I,
    /// What a browser says of the page that sent the request.
    pub browser: Browser,
    /// Whether only the head of the answer is asked for.
    pub is_head: bool,
    /// What `If-Match` asks for.
    pub if_match: IfMatch,
    /// The address before the API's paths, for links that are followed elsewhere: `https://HOST/v1`.
    pub base_url: String,
    /// The hosts at which this stack answers, as far as the request tells.
    pub own_hosts: Vec<String>,
    /// The id of what the call creates, if it creates something: the same when it is repeated under its
    /// `Idempotency-Key`.
    pub new_id: Ulid,
    /// The time of the request.
    pub now: Timestamp,
}

impl<C, I> Call<C, I> {
    /// The same call, of an operation that takes another input.
    pub fn with<J>(self, input: J) -> Call<C, J> {
        let Self { caller, input: _, is_head, if_match, base_url, own_hosts, browser, new_id, now } = self;
        Call { caller, input, is_head, if_match, base_url, own_hosts, browser, new_id, now }
    }
}

/// An operation: an async function from a [`Call`] to a [`Reply`]. A trait of its own, because the future that a function
/// returns can be said to be `Send` only by name.
pub trait Handler<'a, S: 'a, C, I, R>: Fn(&'a S, Call<C, I>) -> Self::Future {
    /// The future that the function returns.
    type Future: Future<Output = Result<R, Problem>> + Send + 'a;
}

impl<'a, S: 'a, C, I, R, F, Running> Handler<'a, S, C, I, R> for F
where
    F: Fn(&'a S, Call<C, I>) -> Running,
    Running: Future<Output = Result<R, Problem>> + Send + 'a,
{
    type Future = Running;
}

/// What is known of an operation without calling it.
#[derive(Clone, Copy)]
pub struct Operation {
    /// Its name: the `Handler` in the template, and its file.
    pub name: &'static str,
    /// The minimum role of its caller; none if anybody may call.
    pub min_role: Option<Role>,
    /// The names of its path's parameters.
    pub path_names: fn() -> Vec<&'static str>,
    /// Its own rate limit, if it has one.
    pub rate_limit: Option<RateLimit>,
    /// The scope that an API key needs for it; none if no key may do it.
    pub scope: Option<Scope>,
    /// Whether it creates something, and so takes an `Idempotency-Key`.
    pub creates: bool,
    /// Whether its reply is kept for who sends that again.
    pub is_kept: bool,
}

impl Operation {
    const fn of<C: Caller, I: Input, R: Reply>(name: &'static str, scope: Option<Scope>) -> Self {
        Self {
            name,
            min_role: C::MIN_ROLE,
            path_names: I::Path::names,
            rate_limit: I::RATE_LIMIT,
            scope,
            creates: R::CREATES,
            is_kept: R::CREATES && R::IS_KEPT,
        }
    }
}

/// An operation of a binary whose operations use `S`, as the dispatch sees it.
pub struct Entry<S: 'static> {
    /// What is known of it.
    pub operation: Operation,
    /// Answers a request. Every failure is an answer too.
    pub handle: for<'a> fn(&'a S, &'a Request) -> BoxFuture<'a, Response<Body>>,
}

impl<S> Entry<S> {
    /// The entry of the operation `name`, which takes `scope`, which `handler` is and `handle` runs.
    pub const fn of<C: Caller, I: Input, R: Reply, F: for<'a> Handler<'a, S, C, I, R> + Copy>(
        name: &'static str,
        scope: Option<Scope>,
        _handler: F,
        handle: for<'a> fn(&'a S, &'a Request) -> BoxFuture<'a, Response<Body>>,
    ) -> Self {
        Self { operation: Operation::of::<C, I, R>(name, scope), handle }
    }
}

/// An operation as the API's document sees it. A list of its own, apart from [`Entry`], because what a static leads to is
/// linked: nothing that is deployed reaches this.
#[derive(Clone, Copy)]
pub struct Description {
    /// What is known of it.
    pub operation: Operation,
    /// Its file, whose first lines say its route, what it does, and how it can fail.
    pub source: &'static str,
    /// What it takes.
    pub input: InputDescription,
    /// How it answers.
    pub answers: fn(&mut SchemaGenerator) -> Vec<AnswerDescription>,
}

impl Description {
    /// The description of the operation `name`, which takes `scope`, which `handler` is and whose file reads `source`.
    pub const fn of<S, C: Caller, I: Input, R: Reply, F: for<'a> Handler<'a, S, C, I, R> + Copy>(
        name: &'static str,
        scope: Option<Scope>,
        source: &'static str,
        _handler: F,
    ) -> Self {
        let operation = Operation::of::<C, I, R>(name, scope);
        Self { operation, source, input: InputDescription::of::<I>(), answers: R::describe }
    }
}

/// Lists the operations of a crate by their modules in `operations`, each of which has a function of its own name: as
/// `OPERATIONS` for the dispatch, as `DESCRIPTIONS` for the API's document. `$services` is what they use. They are grouped by the
/// [`Scope`] that an API key needs for them; those that no key may do are in the group `NoKey`.
#[macro_export]
macro_rules! operations {
    ($services:ty; $($scope:ident { $($module:ident,)* })*) => {
        #[doc(hidden)]
        pub mod operations {
            $($(pub mod $module;)*)*
        }

        /// The scope that an API key needs for each operation, by the operation's name; for who [performs](edge::perform) it.
        #[allow(non_upper_case_globals, missing_docs)]
        pub mod scopes {
            $($(pub const $module: Option<$crate::Scope> = $crate::scope!($scope);)*)*
        }

        /// Every operation of this crate.
        pub static OPERATIONS: &[$crate::Entry<$services>] = &[$($($crate::Entry::of(
            stringify!($module),
            $crate::scope!($scope),
            operations::$module::$module,
            |services, request| {
                $crate::handle(
                    stringify!($module),
                    $crate::scope!($scope),
                    operations::$module::$module,
                    services,
                    request,
                )
            },
        ),)*)*];

        /// What the API's document says of them.
        pub static DESCRIPTIONS: &[$crate::Description] = &[$($($crate::Description::of(
            stringify!($module),
            $crate::scope!($scope),
            include_str!(concat!("operations/", stringify!($module), ".rs")),
            operations::$module::$module,
        ),)*)*];
    };
}

/// The scope of a group of operations.
#[doc(hidden)]
#[macro_export]
macro_rules! scope {
    (NoKey) => {
        None
    };
    ($scope:ident) => {
        Some($crate::Scope::$scope)
    };
}

/// Answers a request of the operation `name`, which takes `scope` and which `handler` is.
pub fn handle<'a, S, C, I, R, F>(
    name: &'static str,
    scope: Option<Scope>,
    handler: F,
    services: &'a S,
    request: &'a Request,
) -> BoxFuture<'a, Response<Body>>
where
    S: Services,
    C: Caller + 'a,
    I: Input + 'a,
    R: Reply + 'a,
    F: Handler<'a, S, C, I, R> + Send + Sync + 'a,
{
    Box::pin(async move {
        let exchange = Exchange::begin(name, services.blog(), request);
        let mut quotas = Vec::new();
        let answering: BoxFuture<'_, _> = match misplaced(request, &exchange) {
            Some(answer) => Box::pin(async { answer }),
            None => Box::pin(answer(scope, handler, services, request, &exchange, &mut quotas)),
        };
        let show = |problem: &Problem, response| match R::PROBLEM_PAGE {
            Some(page) => page(&services.blog().config, problem, response),
            None => response,
        };
        let mut response = exchange.conclude_as(answering, show).await;
        quota::insert(response.headers_mut(), &quotas, exchange.now);
        if C::MIN_ROLE.is_none() {
            response.headers_mut().append(header::VARY, HeaderValue::from_static("Authorization"));
        }
        response
    })
}

/// Whether a method only reads: HEAD is GET without a body (RFC 9110, section 9.3.2).
pub(crate) fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

async fn answer<'a, S, C, I, R, F>(
    scope: Option<Scope>,
    handler: F,
    services: &'a S,
    request: &'a Request,
    exchange: &Exchange<'a>,
    quotas: &mut Vec<Quota>,
) -> Result<Response<Body>, Problem>
where
    S: Services,
    C: Caller,
    I: Input,
    R: Reply,
    F: Handler<'a, S, C, I, R>,
{
    let (blog, event, now) = (services.blog(), &exchange.event, exchange.now);
    let mut viewer = viewer_of::<C>(blog, request, now).await;
    let user = viewer.as_ref().ok().and_then(|viewer| Some(viewer.as_ref()?.user_id));
    if let Some(user) = user {
        let _ = exchange.user_id.set(user);
    }
    let reads = is_read(request.method());
    let anonymous = matches!(viewer, Ok(None));
    let parsed = parse::<I>(request, R::PROBLEM_PAGE.is_some());
    // Whatever is wrong with a request, it is counted before it is told: by the operation's own limit, if it says whose attempt
    // it is. Not so what anybody may read: a cache answers most of that, and counting would only make the rest expensive. And what
    // an API key must not even try is none of its owner's attempts, who would have to wait for them.
    let in_scope = viewer.as_ref().ok().and_then(Option::as_ref).map_or(Ok(()), |viewer| check_scope(viewer, scope));
    let limit = parsed.as_ref().ok().filter(|_| in_scope.is_ok()).and_then(|(input, _)| input.limit(&blog.config));
    let may_have_written = match (limit, &parsed, &viewer) {
        (Some(limit), Ok((input, _)), Ok(viewer)) => {
            let account = input.account(viewer.as_ref());
            blog.table.count_try(limit, event.source, &account, quotas, now).await?;
            true
        }
        _ => match blog.config.requests_per_minute.filter(|_| !(anonymous && reads)) {
            Some(max) => blog.table.count_request(user, event.source, max.get(), !reads, quotas, now).await?,
            None => true,
        },
    };
    if let Ok(Some(viewer)) = &mut viewer {
        viewer.wrote_lately = may_have_written;
    }
    let viewer = viewer?;
    in_scope?;
    if let Some(viewer) = &viewer {
        note_key_use(blog, viewer, now).await;
    }
    let caller = C::admit(viewer)?;
    let (input, query_pairs) = parsed?;

    let if_match = IfMatch::from_headers(request.headers());
    let base_url = event.base_url(request.headers());
    let browser = Browser::of(request.headers(), &base_url);
    let own_hosts = event.own_hosts(&blog.config);
    let without_cursor: Vec<_> = query_pairs.into_iter().filter(|(name, _)| name != "cursor").collect();
    let run = async |new_id| {
        let is_head = request.method() == Method::HEAD;
        let call = Call { caller, input, browser, is_head, if_match, base_url, own_hosts, new_id, now };
        handler(services, call).await?.into_response(&ReplyContext {
            method: request.method(),
            headers: request.headers(),
            base: event.base,
            path: event.path,
            query: &without_cursor,
        })
    };
    let repeatable = if R::CREATES { Repeatable::of(request, user, event.source)? } else { None };
    let mut response = match repeatable {
        None => run(blog.new_id(now)).await?,
        Some(repeatable) => match repeatable.begin(blog, now).await? {
            Outcome::Replay(response) => response,
            Outcome::Run(once) => {
                let outcome = run(once.new_id()).await;
                once.end(blog, R::IS_KEPT, &outcome, now).await;
                outcome?
            }
        },
    };
    if reads && R::MAY_BE_KEPT {
        response = ETag::revalidate(response, request.headers())?;
    }
    let cache_control = match reads {
        true if !anonymous => HeaderValue::from_static("private, no-store"),
        true if R::MAY_BE_KEPT => reply::shared(blog.config.cdn_seconds),
        true => HeaderValue::from_static(NO_STORE),
        false => HeaderValue::from_static(NO_STORE),
    };
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(cache_control);
    Ok(response)
}

/// What another API over the same blog hands to an operation ([`perform`]).
pub struct Inner {
    /// Who is signed in.
    pub viewer: Option<Viewer>,
    /// The parameters of the path.
    pub path: Map<String, Value>,
    /// The fields of the body.
    pub body: Map<String, Value>,
    /// The address before the native API's paths.
    pub base_url: String,
    /// Where the request comes from.
    pub source: Source,
    /// The id of what the call creates.
    pub new_id: Ulid,
    /// The time of the request.
    pub now: Timestamp,
}

/// Runs an operation for another API over the same blog, with everything that is checked before it natively: the role of its
/// caller, the scope of an API key, each field, and the operation's own rate limit. Requests themselves are counted by who answers
/// them. Whatever version is there is the one that is changed (`If-Match: *`), because other APIs know no versions.
pub async fn perform<'a, S, C, I, R, F>(
    scope: Option<Scope>,
    handler: F,
    services: &'a S,
    inner: Inner,
    quotas: &mut Vec<Quota>,
) -> Result<R, Problem>
where
    S: Services,
    C: Caller,
    I: Input,
    R: Reply,
    F: Handler<'a, S, C, I, R>,
{
    let call = admit(scope, services.blog(), inner, quotas).await?;
    handler(services, call).await
}

/// The call of an operation for another API over the same blog, once everything is checked that [`perform`] checks; for an API
/// that hands the operation more than a request says.
pub async fn admit<C: Caller, I: Input>(
    scope: Option<Scope>,
    blog: &Blog,
    inner: Inner,
    quotas: &mut Vec<Quota>,
) -> Result<Call<C, I>, Problem> {
    let Inner { viewer, path, body, base_url, source, new_id, now } = inner;
    let path = I::Path::from_fields(Fields::new(path)).map_err(|_| Problem::not_found("There is nothing here."))?;
    let query = I::Query::from_fields(Fields::new(Map::new())).map_err(Problem::invalid)?;
    let body = I::Body::from_fields(Fields::new(body)).map_err(Problem::invalid)?;
    let input = I::new(path, query, body);
    // Before an attempt is counted, as natively.
    if let Some(viewer) = &viewer {
        check_scope(viewer, scope)?;
    }
    if let Some(limit) = input.limit(&blog.config) {
        blog.table.count_try(limit, source, &input.account(viewer.as_ref()), quotas, now).await?;
    }
    let caller = C::admit(viewer)?;
    let (if_match, browser, own_hosts) = (IfMatch::Any, Browser::default(), Vec::new());
    Ok(Call { caller, input, browser, is_head: false, if_match, base_url, own_hosts, new_id, now })
}

/// Whether a caller with an API key may do what takes this scope. Whoever showed a token may, as far as their role goes.
pub fn check_scope(viewer: &Viewer, needed: Option<Scope>) -> Result<(), Problem> {
    match &viewer.key {
        Some(key) if !needed.is_some_and(|needed| key.scopes.contain(needed)) => Err(Problem::out_of_scope(needed)),
        _ => Ok(()),
    }
}

/// What an operation takes of a request, and the parameters of the query. A page leaves out the parameters that it does not know: the sites
/// that link to it add some of their own (`ref`, `srsltid`, `igsh`).
fn parse<I: Input>(request: &Request, is_page: bool) -> Result<(I, Vec<(String, String)>), Problem> {
    // A parameter that cannot be the name of anything names nothing.
    let path = I::Path::from_fields(path_fields(request)?).map_err(|_| Problem::not_found("There is nothing here."))?;
    let mut query_pairs = query_pairs(request);
    if is_page {
        let known = I::Query::names();
        query_pairs.retain(|(name, _)| known.contains(&name.as_str()));
    }
    let query = I::Query::from_fields(query_fields(&query_pairs)?).map_err(Problem::invalid)?;
    let body = body_fields(request)?;
    let body = I::Body::from_fields(body).map_err(Problem::invalid)?;
    Ok((I::new(path, query, body), query_pairs))
}
