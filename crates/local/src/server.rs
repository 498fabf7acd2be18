//! The stack's address on this machine.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, State};
use axum::http::Request;
use axum::response::Response;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::backing;
use crate::gateway::MAX_PAYLOAD_BYTES;
use crate::stack::Stack;

/// Serves the API, and the mailbox at `/_local/emails`, until `shutdown` is done.
pub async fn serve(
    listener: TcpListener,
    stack: Arc<Stack>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let app = Router::new().route("/_local/emails", get(emails)).fallback(api).with_state(stack);
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app).with_graceful_shutdown(shutdown).await
}

async fn api(
    State(stack): State<Arc<Stack>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    // One byte more than the gateway takes, so that it sees what is too large.
    match to_bytes(body, MAX_PAYLOAD_BYTES + 1).await {
        Ok(body) => {
            let answer = stack.gateway.answer(Request::from_parts(parts, body), peer.ip()).await;
            stack.streams.wake();
            answer.map(Body::from)
        }
        Err(_) => {
            let request = Request::from_parts(parts, Bytes::new());
            stack.gateway.answer_too_large(request, peer.ip()).map(Body::from)
        }
    }
}

async fn emails(State(stack): State<Arc<Stack>>) -> Response {
    backing::emails(&stack.backing.cognito)
}
