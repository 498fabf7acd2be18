//! `GET /sitemap.xml`: Get the addresses of all published posts, or the addresses of the sitemaps that list them.

use std::sync::Arc;

use edge::{Blog, Call, Problem, Rendered, Site, Visitor};
use table::{Consistency, Sitemap};

use crate::shared::sitemap::{self, SitemapXml};

pub async fn get_sitemap(
    blog: &Arc<Blog>,
    Call { caller: Visitor(viewer), base_url, .. }: Call<Visitor>,
) -> Result<Rendered<SitemapXml>, Problem> {
    let consistency = Consistency::for_viewer(viewer.as_ref());
    let site = Site::new(&blog.config, &base_url);
    let mut sitemaps = blog.table.sitemaps(consistency).await?;
    // One that all posts have left has nothing to list. The first has the home page.
    sitemaps.retain(|sitemap| sitemap.posts > 0 || sitemap.number == 1);
    let last_modified = sitemaps.iter().map(|sitemap| sitemap.changed_at).max();
    let text = match sitemaps.as_slice() {
        [] => sitemap::posts(&site, 1, &[])?,
        [Sitemap { number, .. }] => {
            sitemap::posts(&site, *number, &blog.table.sitemap_entries(*number, consistency).await?)?
        }
        several => sitemap::index(&site, several)?,
    };
    Ok(Rendered::new(text, last_modified))
}
