//! Search: an index of posts in immutable segments, and how it is asked. Bytes come in and go out; no HTTP, no AWS.
//!
//! ```text
//! a post's text ──words──▶ Builder ──encode──▶ bytes of a segment, stored anywhere ──▶ Segment (reads ranges of a Source) ─┐
//! what is typed ──Query::parse──▶ Query ──────────────────────────────────────────────────────────────▶ Index::search ──▶ hits
//! ```
//!
//! Read it in this order: [`words`] (what a word is), [`builder`] (what is kept of a post), [`footer`] (how a file is made up),
//! [`writer`], [`segment`] (reading it in ranges), [`query`] (what can be asked), [`index`] (who is found, and in which order), [`merge`],
//! [`highlight`](mod@highlight). docs/adr/0030 and docs/adr/0036 say why it is not a library.

mod block;
mod builder;
mod bytes;
mod footer;
mod highlight;
mod index;
#[cfg(test)]
mod measure;
mod merge;
mod postings;
mod query;
#[cfg(test)]
mod reference;
mod segment;
mod terms;
#[cfg(test)]
mod tests;
mod text;
mod words;
mod writer;

pub use block::Cache;
pub use builder::{Builder, Document, Encoded};
pub use highlight::highlight;
pub use index::{Found, Hit, Index, Place};
pub use merge::{Merged, Sink, merge, segments_to_merge};
pub use query::Query;
pub use segment::{ReadError, Segment, Source};
pub use text::text_of_html;

/// The bytes are no segment of this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are no segment of this version")]
pub struct Damaged;
