//! The edge: from an API Gateway event to a parsed [`Call`] of an operation, and from its reply or problem back to HTTP.
//! Every convention of the contract that holds for all operations is here, and so is the start of a function.

mod authentication;
mod blog;
mod caller;
mod cdn;
mod clock;
mod config;
mod cors;
mod event;
mod exchange;
mod idempotency;
mod input;
mod operation;
mod plugin;
mod precondition;
mod problem;
mod quota;
mod reply;
pub mod runtime;
mod session_cookie;
mod site;
pub mod telemetry;

pub use authentication::{authenticate, note_key_use};
pub use blog::{Blog, Services};
pub use caller::{Admin, Author, Caller, Editor, Reader, Visitor, bearer_token};
pub use cdn::OriginSecret;
pub use clock::Clock;
pub use config::{ClientSecret, Config, ConfigError, Endpoints, MetricsBy, RegistrationMode, SignUpConfirmation};
pub use cors::AllowedOrigins;
pub use cors::preflight;
pub use domain::Scope;
pub use exchange::{Exchange, misplaced, without_route};
pub use input::{
    Attempt, Attempted, Body, Input, InputDescription, PageQuery, Path, Query, body_object, proxy_segments, query_pairs,
};
pub use operation::{Call, Description, Entry, Handler, Inner, Operation, admit, check_scope, handle, perform};
pub use plugin::{BusEvent, Plugin};
pub use precondition::{ETag, IfMatch};
pub use problem::{Problem, ProblemDetails, ProblemKind};
pub use quota::insert as insert_quotas;
pub use reply::{
    Accepted, AnswerDescription, Created, Document, File, Issued, Json, MovedOr, NoContent, NoStore, PageWith,
    ProblemPage, Rendered, Reply, ReplyContext, SeeFile, ShownOnce, Started, StaticFile, TextFormat, Versioned,
    WithSessionCookie,
};
pub use session_cookie::{Browser, SessionCookie};
pub use site::{FEED_FILES, Site, media_root};
pub use tokens::{ApiKeyText, InvitationCode, random_bytes};
