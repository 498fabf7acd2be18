//! Who may call: the one typed gate. An operation names its gate in the type of its call, so the check cannot be
//! forgotten, and what passed the gate is all that the operation gets to see.

use lambda_http::http::{HeaderMap, header};
use lambda_http::request::RequestContext;
use lambda_http::{Request, RequestExt};

use domain::{KeyInUse, Role, Timestamp, Viewer};

use crate::{Blog, Problem, ProblemKind};

/// A gate.
pub trait Caller: Sized + Send {
    /// The minimum role, or none if anybody may pass. A route has the Lambda authorizer exactly if its
    /// operation has a minimum role; a test compares.
    const MIN_ROLE: Option<Role>;

    /// Lets the viewer pass, if there is one and the role suffices.
    fn admit(viewer: Option<Viewer>) -> Result<Self, Problem>;

    /// Who is behind it, if anybody is signed in.
    fn viewer(&self) -> Option<&Viewer>;
}

/// Anybody. A valid token makes the answer that viewer's; a bad one is refused, never taken as anonymous.
pub struct Visitor(pub Option<Viewer>);

impl Caller for Visitor {
    const MIN_ROLE: Option<Role> = None;

    fn admit(viewer: Option<Viewer>) -> Result<Self, Problem> {
        Ok(Self(viewer))
    }

    fn viewer(&self) -> Option<&Viewer> {
        self.0.as_ref()
    }
}

macro_rules! gate {
    ($(#[$doc:meta])* $name:ident, $refusal:literal) => {
        $(#[$doc])*
        pub struct $name(pub Viewer);

        impl Caller for $name {
            const MIN_ROLE: Option<Role> = Some(Role::$name);

            fn admit(viewer: Option<Viewer>) -> Result<Self, Problem> {
                let viewer = viewer.ok_or_else(no_token)?;
                if viewer.role >= Role::$name { Ok(Self(viewer)) } else { Err(Problem::new(ProblemKind::FORBIDDEN, $refusal)) }
            }

            fn viewer(&self) -> Option<&Viewer> {
                Some(&self.0)
            }
        }
    };
}

gate! {
    /// Anybody who is signed in.
    Reader, "Only users of this blog may do this."
}
gate! {
    /// Who may write posts.
    Author, "Only authors may do this."
}
gate! {
    /// Who may edit anyone's posts.
    Editor, "Only editors may do this."
}
gate! {
    /// Who may manage users.
    Admin, "Only administrators may do this."
}

/// What is said to who sends no token, or none that can be read.
fn no_token() -> Problem {
    Problem::new(ProblemKind::UNAUTHENTICATED, "Send an access token or an API key: Authorization: Bearer TOKEN.")
}

/// Who makes this request. Behind the authorizer its context says; elsewhere the token is verified here, by
/// the same code that the authorizer runs.
pub(crate) async fn viewer_of<C: Caller>(
    blog: &Blog,
    request: &Request,
    now: Timestamp,
) -> Result<Option<Viewer>, Problem> {
    if C::MIN_ROLE.is_some() {
        // Without the context the route lacks its authorizer: refused, whatever token was sent.
        return Ok(viewer_of_context(request));
    }
    match bearer_token(request.headers())? {
        Some(token) => crate::authenticate(blog, token, now).await.map(Some),
        None => Ok(None),
    }
}

/// What the authorizer put into the event.
fn viewer_of_context(request: &Request) -> Option<Viewer> {
    let RequestContext::ApiGatewayV1(context) = request.request_context_ref()? else { return None };
    let field = |name: &str| context.authorizer.fields.get(name)?.as_str();
    let key = match field("scopes") {
        // The authorizer has noted that it is used.
        Some(scopes) => {
            Some(KeyInUse { id: field("key_id")?.parse().ok()?, scopes: scopes.parse().ok()?, is_noted: true })
        }
        None => None,
    };
    Some(Viewer {
        user_id: field("user_id")?.parse().ok()?,
        username: field("username")?.to_owned().try_into().ok()?,
        cognito_name: field("cognito_name")?.to_owned().into(),
        role: field("role")?.parse().ok()?,
        session: field("session")?.to_owned(),
        key,
        wrote_lately: true,
    })
}

/// The token of `Authorization: Bearer TOKEN` (RFC 6750, section 2.1). Another scheme, or two headers, is a
/// bad token.
pub fn bearer_token(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value
            .to_str()
            .ok()
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty())
            .map(|(_, token)| Some(token.trim()))
            .ok_or_else(no_token),
        (Some(_), Some(_)) => Err(no_token()),
    }
}
