//! `GET /robots.txt`: Get the rules for crawlers, with the address of the sitemap (RFC 9309).

use std::sync::Arc;

use edge::{Blog, Call, Problem, Rendered, Site, TextFormat, Visitor};

pub struct Robots;

impl TextFormat for Robots {
    const MEDIA_TYPE: &'static str = "text/plain; charset=utf-8";
}

pub async fn get_robots(
    blog: &Arc<Blog>,
    Call { base_url, .. }: Call<Visitor>,
) -> Result<Rendered<Robots>, Problem> {
    let sitemap = Site::new(&blog.config, &base_url).feed("/sitemap.xml");
    // The editor needs an account and shows nothing to a crawler.
    Ok(Rendered::new(format!("User-agent: *\nDisallow: /write\n\nSitemap: {sitemap}\n"), None))
}
