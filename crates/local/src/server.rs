//! The stack's address on this machine.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderValue, Method, Request, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use futures_util::stream;
use tokio::net::TcpListener;

use crate::backing;
use crate::cdn::{self, Rewritten};
use crate::editor;
use crate::gateway::MAX_PAYLOAD_BYTES;
use crate::s3;
use crate::stack::Stack;

/// Serves a stack until `shutdown` is done.
pub async fn serve(
    listener: TcpListener,
    stack: Arc<Stack>,
    mailbox: Mailbox,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let app = app(stack, mailbox).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app).with_graceful_shutdown(shutdown).await
}

/// Who reads the mailbox. Whoever does has the code that sets a new password for any account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mailbox {
    /// This machine.
    Closed,
    /// Every machine that reaches this one.
    Open,
}

/// The pages at the root, the API below its stage, the RealWorld API at `/api`, Ghost's Content API at `/ghost`, the editor at `/write`, the
/// files of pictures at `/media/`, and the mailbox at `/_local/emails`.
pub fn app(stack: Arc<Stack>, mailbox: Mailbox) -> Router {
    let emails = move |stack, peer| emails(stack, peer, mailbox);
    Router::new()
        .route("/_local/emails", get(emails))
        .route("/media/{*path}", get(media_file))
        .route("/api", any(api))
        .route("/api/", any(api))
        .route("/api/{*path}", any(api))
        .route("/ghost", any(api))
        .route("/ghost/", any(api))
        .route("/ghost/{*path}", any(api))
        .route("/write", get(editor_file))
        .route("/write/{*path}", get(editor_file))
        .fallback(site)
        .with_state(stack)
}

/// What the CDN does, and then the API.
async fn site(stack: State<Arc<Stack>>, peer: ConnectInfo<SocketAddr>, mut request: Request<Body>) -> Response {
    match cdn::rewrite(request.uri(), &stack.gateway.template().stage) {
        Rewritten::To(path) => {
            // What came with an address is one, wherever it begins.
            if let Ok(uri) = path.parse() {
                *request.uri_mut() = uri;
            }
            let files = stack.wire.s3_url();
            with_pictures(api(stack, peer, request).await, &files)
        }
        Rewritten::Redirect(path) => (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, path)]).into_response(),
    }
}

/// Lets a page show the blog's own pictures, whose files are at a port of their own here. At the CDN they are on the site.
fn with_pictures(mut response: Response, files: &str) -> Response {
    let policy = response.headers().get(header::CONTENT_SECURITY_POLICY).and_then(|policy| policy.to_str().ok());
    let policy =
        policy.map(|policy| policy.replace("img-src 'self' https:", &format!("img-src 'self' {files} https:")));
    if let Some(Ok(policy)) = policy.map(HeaderValue::try_from) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

async fn api(
    State(stack): State<Arc<Stack>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    let is_head = parts.method == Method::HEAD;
    // One byte more than the gateway takes, so that it sees what is too large.
    match to_bytes(body, MAX_PAYLOAD_BYTES + 1).await {
        Ok(body) => {
            let answer = stack.gateway.answer(Request::from_parts(parts, body), peer.ip()).await;
            stack.streams.wake();
            // Of a length that is not known here: "Content-Length: 0" would be said of the body that `GET` has
            // (RFC 9110, section 8.6).
            answer
                .map(|body| if is_head { Body::from_stream(stream::empty::<io::Result<Bytes>>()) } else { body.into() })
        }
        Err(_) => {
            let request = Request::from_parts(parts, Bytes::new());
            stack.gateway.answer_too_large(request, peer.ip()).map(Body::from)
        }
    }
}

/// The files of pictures, at the root of the site.
async fn media_file(State(stack): State<Arc<Stack>>, uri: Uri) -> Response {
    let file = tokio::task::spawn_blocking(move || s3::media_file(&stack.backing.bucket, uri.path()).map(Body::from));
    file.await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// The editor, at the root of the site too.
async fn editor_file(State(stack): State<Arc<Stack>>, uri: Uri) -> Response {
    editor::answer(uri.path(), &stack.wire)
}

async fn emails(
    State(stack): State<Arc<Stack>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mailbox: Mailbox,
) -> Response {
    if mailbox == Mailbox::Closed && !peer.ip().to_canonical().is_loopback() {
        let why =
            "Only the machine that the blog runs on reads its mailbox, unless it is started with --open-mailbox.\n";
        return (StatusCode::FORBIDDEN, why).into_response();
    }
    backing::emails(&stack.backing.cognito)
}
