//! Broadsheet on a laptop: API Gateway, DynamoDB and Cognito in one process, wired as `template.yaml` says. The
//! functions are the ones that are deployed; only what is around them is local. Never deployed itself.

pub mod backing;
pub mod bus;
pub mod cdn;
pub mod direct;
pub mod editor;
pub mod gateway;
pub mod roles;
pub mod s3;
pub mod schedule;
pub mod server;
pub mod stack;
pub mod stream_log;
pub mod streams;
pub mod triggers;
pub mod wire;
