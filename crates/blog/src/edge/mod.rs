//! The edge: from an API Gateway event to a parsed [`Call`] of an [`Operation`], and from its reply or error
//! back to HTTP. Every convention of the contract that holds for all operations is here.

mod caller;
mod cdn;
mod cors;
mod cursor;
mod exchange;
mod fields;
mod idempotency;
mod operation;
mod precondition;
mod problem;
mod quota;
mod reply;
mod signing_key;
mod source;

pub use caller::{Admin, Author, Caller, Editor, Reader, Visitor, bearer_token};
pub use cdn::OriginSecret;
pub use cors::AllowedOrigins;
pub use cursor::{Cursor, Limit, PageQuery};
pub use exchange::{Exchange, without_route};
pub use fields::{FieldDescription, Fields, FromFields, NoFields};
pub use operation::{Call, Description, Entry, Operation};
pub use precondition::{ETag, IfMatch};
pub use problem::ProblemDetails;
pub use quota::Quota;
pub use reply::{
    Accepted, AnswerDescription, Begun, Created, Document, File, Issued, Json, MovedOr, NoContent, Page, Reply,
    StaticFile, Versioned,
};
pub use schemars::SchemaGenerator;
pub use signing_key::SigningKey;
pub use source::Source;
