//! What is said of the blog as a whole: whether it runs, which version it is, what its API can do. One file an operation.

mod docs;
mod health;
mod openapi;
mod ready;
mod version;

blog::operations! {
    docs::Docs,
    health::Health,
    openapi::OpenApi,
    ready::Ready,
    version::Version,
}
