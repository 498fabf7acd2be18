//! `GET /docs`: a page to read about the API and try it on.
//!
//! One file without anything from elsewhere. The ready-made pages (Swagger UI, RapiDoc, Scalar) have 0.8 to 3 MB, which
//! every function of this binary would carry, and want a policy that allows inline styles.

use blog::edge::{Call, File, NoFields, Operation, StaticFile, Visitor};
use blog::{Blog, Error};

pub struct Docs;

pub struct Page;

const PAGE: &str = concat!(
    include_str!("docs/head.html"),
    "<style>",
    include_str!("docs/docs.css"),
    "</style>\n",
    include_str!("docs/body.html"),
    "<script>",
    include_str!("docs/docs.js"),
    "</script>\n",
);

/// Only the page's own style and script, by their hashes, and only this API to talk to. A test says what the hashes must
/// be (crates/local/tests/openapi.rs).
const POLICY: &str = "default-src 'none'; \
    style-src 'sha256-CZoHOC3eNawhfuqofiyAvm+Cf1Bm3VglbILyf/i9y2s='; \
    script-src 'sha256-Yy/ck7zC1TrnoFqVtYF8X4b79qAI7cik87QLR2BMOJU='; \
    connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

impl StaticFile for Page {
    const MEDIA_TYPE: &'static str = "text/html; charset=utf-8";
    const TEXT: &'static str = PAGE;
    const POLICY: &'static str = POLICY;
}

impl Operation for Docs {
    const NAME: &'static str = "docs";
    type Caller = Visitor;
    type Path = NoFields;
    type Query = NoFields;
    type Body = NoFields;
    type Reply = File<Page>;

    async fn run(_: &Blog, _: Call<Self>) -> Result<Self::Reply, Error> {
        Ok(File::NEW)
    }
}
