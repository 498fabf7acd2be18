//! What is taken of a request, and who makes it.

use std::sync::Arc;

use domain::{FieldError, Scope, Timestamp, Viewer};
use edge::{Blog, Exchange, Inner, Problem};
use lambda_http::Request;
use lambda_http::http::{HeaderMap, Method, header};
use serde_json::{Map, Value};
use table::Quota;

use crate::no_token;

/// A request that is being answered.
pub struct Caller<'a> {
    /// What the operations use.
    pub services: &'a users::Services,
    /// Who is signed in.
    pub viewer: Option<Viewer>,
    /// The token that says so, as it was sent.
    pub token: Option<&'a str>,
    /// What was counted.
    pub quotas: Vec<Quota>,
    /// What a refusal names from now on.
    pub subject: Option<&'static str>,
    /// The time of the request.
    pub now: Timestamp,
    request: &'a Request,
    exchange: &'a Exchange<'a>,
}

impl<'a> Caller<'a> {
    /// Nobody yet.
    pub fn new(services: &'a users::Services, request: &'a Request, exchange: &'a Exchange<'a>) -> Self {
        let now = exchange.now;
        Self { services, viewer: None, token: None, quotas: Vec::new(), subject: None, now, request, exchange }
    }

    /// The table, the settings and so on.
    pub fn blog(&self) -> &'a Arc<Blog> {
        &self.services.blog
    }

    /// Finds out who calls. A bad token is refused, never taken as none.
    pub async fn identify(&mut self, is_required: bool) -> Result<(), Problem> {
        self.token = token(self.request.headers())?;
        let Some(token) = self.token else { return if is_required { Err(no_token()) } else { Ok(()) } };
        let blog = self.blog();
        let viewer = edge::authenticate(blog, token, self.now).await?;
        self.exchange.note_user(viewer.user_id);
        if self.reads() {
            edge::check_scope(&viewer, Some(Scope::Read))?;
        }
        edge::note_key_use(blog, &viewer, self.now).await;
        self.viewer = Some(viewer);
        Ok(())
    }

    /// Counts the request, as the native API does.
    pub async fn count(&mut self) -> Result<(), Problem> {
        let (blog, reads) = (self.blog(), self.reads());
        let user = self.viewer.as_ref().map(|viewer| viewer.user_id);
        if let Some(max) = blog.config.requests_per_minute.filter(|_| user.is_some() || !reads) {
            let (source, quotas) = (self.exchange.source(), &mut self.quotas);
            blog.table.count_request(user, source, max.get(), !reads, quotas, self.now).await?;
        }
        Ok(())
    }

    fn reads(&self) -> bool {
        matches!(*self.request.method(), Method::GET | Method::HEAD)
    }

    /// Where the request comes from.
    pub fn source(&self) -> domain::Source {
        self.exchange.source()
    }

    /// Who is signed in, on a route that nobody else gets to.
    pub fn user(&self) -> Result<&Viewer, Problem> {
        self.viewer.as_ref().ok_or_else(no_token)
    }

    /// What an operation is handed.
    pub fn inner(&self, path: Map<String, Value>, body: Map<String, Value>) -> Inner {
        Inner {
            viewer: self.viewer.clone(),
            path,
            body,
            // The native API is beside this one.
            base_url: format!("{}/v1", self.exchange.origin()),
            source: self.exchange.source(),
            new_id: self.blog().new_id(self.now),
            now: self.now,
        }
    }
}

/// The token of `Authorization: Token TOKEN`, or `Bearer` as everywhere else.
fn token(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return if headers.contains_key(header::AUTHORIZATION) { Err(no_token()) } else { Ok(None) };
    };
    let parts = value.to_str().ok().and_then(|value| value.trim().split_once(' '));
    let is_known = |scheme: &str| ["token", "bearer"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let token = parts.filter(|(scheme, _)| is_known(scheme)).map(|(_, token)| token.trim());
    token.filter(|token| !token.is_empty()).map(Some).ok_or_else(no_token)
}

/// The object that the body has by this name; an empty one if it has none, so that each field is said to be missing. Other members
/// are ignored: front ends send back what they were given.
pub fn object(request: &Request, name: &str) -> Result<Map<String, Value>, Problem> {
    match edge::body_object(request)?.remove(name) {
        Some(Value::Object(object)) => Ok(object),
        None | Some(Value::Null) => Ok(Map::new()),
        Some(_) => Err(Problem::field(name, "must be an object")),
    }
}

/// The same for a change, in which any field may be missing but not all of it.
pub fn changes(request: &Request, name: &str) -> Result<Map<String, Value>, Problem> {
    match edge::body_object(request)?.get(name) {
        None | Some(Value::Null) => Err(Problem::field(name, BLANK)),
        Some(_) => object(request, name),
    }
}

/// What is said of a field that has nothing in it.
pub const BLANK: &str = "can't be blank";

/// Whether nothing is there.
pub fn is_blank(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.trim().is_empty(),
        Some(_) => false,
    }
}

/// Refuses all of these fields that are blank.
pub fn refuse_blank(names: &[&str], object: &Map<String, Value>) -> Result<(), Problem> {
    let blank = names.iter().filter(|name| is_blank(object.get(**name)));
    let errors: Vec<_> = blank.map(|name| FieldError::new(name, BLANK)).collect();
    if errors.is_empty() { Ok(()) } else { Err(Problem::invalid(errors)) }
}

/// The same of those that are there at all.
pub fn refuse_emptied(names: &[&str], object: &Map<String, Value>) -> Result<(), Problem> {
    let given: Vec<_> = names.iter().copied().filter(|name| object.contains_key(*name)).collect();
    refuse_blank(&given, object)
}

/// The fields of an object by the names that the native API has for them. Others are left out.
pub fn renamed(object: &mut Map<String, Value>, names: &[(&str, &str)]) -> Map<String, Value> {
    let field = |(from, to): &(&str, &str)| Some(((*to).to_owned(), object.remove(*from)?));
    names.iter().filter_map(field).collect()
}

/// A parameter of a path, or a field of a body.
pub fn with(name: &str, value: impl Into<Value>) -> Map<String, Value> {
    Map::from_iter([(name.to_owned(), value.into())])
}
