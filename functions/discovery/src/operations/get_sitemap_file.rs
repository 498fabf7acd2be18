//! `GET /sitemaps/{file}`: Get one sitemap of the index that `GET /sitemap.xml` returns for a large blog: the addresses of a part of the
//! published posts.

use std::sync::Arc;

use domain::fields;
use edge::{Blog, Call, Path, Problem, Rendered, Site, Visitor};
use table::Consistency;

use crate::shared::sitemap::{self, SitemapFile, SitemapXml};

fields! {
    pub struct SitemapPath {
        /// The number of the sitemap and `.xml`.
        file: SitemapFile,
    }
}

pub async fn get_sitemap_file(
    blog: &Arc<Blog>,
    Call { caller: Visitor(viewer), input: Path(path), base_url, .. }: Call<Visitor, Path<SitemapPath>>,
) -> Result<Rendered<SitemapXml>, Problem> {
    let (number, consistency) = (path.file.number(), Consistency::for_viewer(viewer.as_ref()));
    let (sitemap, entries) = tokio::try_join!(
        blog.table.sitemap(number, consistency),
        blog.table.sitemap_entries(number, consistency),
    )?;
    let is_there = |sitemap: &table::Sitemap| sitemap.posts > 0 || number == 1;
    let sitemap = sitemap.filter(is_there).ok_or_else(|| Problem::not_found("There is no such sitemap."))?;
    let site = Site::new(&blog.config, &base_url);
    Ok(Rendered::new(sitemap::posts(&site, number, &entries)?, Some(sitemap.changed_at)))
}
