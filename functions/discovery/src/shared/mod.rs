//! What several operations share.

pub mod atom;
pub mod feed;
pub mod html;
pub mod json_feed;
pub mod read;
pub mod rss;
pub mod sitemap;
pub mod xml;

#[cfg(test)]
mod tests;
