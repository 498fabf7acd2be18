//! Search: an index of posts in immutable segments, and how it is asked. Bytes come in and go out; no HTTP, no AWS.
//!
//! ```text
//! a post's text ──words──▶ Builder ──encode──▶ bytes of a segment (stored anywhere) ──decode──▶ Segment ─┐
//! what is typed ──Query::parse──▶ Query ──────────────────────────────────────────────────────▶ Index::search ──▶ hits
//! ```
//!
//! Read it in this order: [`words`] (what a word is), [`segment`] (what is kept of a post), [`query`] (what can be asked),
//! [`index`] (who is found, and in which order), [`highlight`](mod@highlight). docs/adr/0030 says why it is not a library.

mod highlight;
mod index;
mod merge;
mod query;
mod segment;
#[cfg(test)]
mod tests;
mod text;
mod words;

pub use highlight::highlight;
pub use index::{Found, Hit, Index, Place};
pub use merge::segments_to_merge;
pub use query::Query;
pub use segment::{Builder, Damaged, Document, Segment};
pub use text::text_of_html;
