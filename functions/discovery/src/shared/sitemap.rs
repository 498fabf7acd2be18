//! Sitemaps (<https://www.sitemaps.org/protocol.html>).

use std::borrow::Cow;
use std::io;

use domain::whole_number;
use edge::{Problem, Site, TextFormat};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use table::{Sitemap, SitemapEntry};

use crate::shared::xml::Xml;

/// A sitemap, or an index of sitemaps.
pub struct SitemapXml;

impl TextFormat for SitemapXml {
    const MEDIA_TYPE: &'static str = "application/xml; charset=utf-8";
}

/// The name of a sitemap's file: its number, from 1, and `.xml`. API Gateway takes no parameter that is a part of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SitemapFile(u32);

impl SitemapFile {
    /// The number.
    pub fn number(self) -> u32 {
        self.0
    }
}

impl TryFrom<String> for SitemapFile {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let number = text.strip_suffix(".xml").and_then(whole_number).and_then(|number| u32::try_from(number).ok());
        // One name for each: no sitemap is at two addresses.
        let file = number.filter(|number| *number > 0).map(Self).filter(|file| String::from(*file) == text);
        file.ok_or("must be a number and .xml, such as 1.xml")
    }
}

impl From<SitemapFile> for String {
    fn from(SitemapFile(number): SitemapFile) -> Self {
        format!("{number}.xml")
    }
}

impl JsonSchema for SitemapFile {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "SitemapFile".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[1-9][0-9]{0,8}\\.xml$", "examples": ["1.xml"] })
    }
}

const NAMESPACE: (&str, &str) = ("xmlns", "http://www.sitemaps.org/schemas/sitemap/0.9");

/// A sitemap with these posts. The first has the home page too, because a sitemap without any address would not be valid.
pub fn posts(site: &Site, number: u32, entries: &[SitemapEntry]) -> Result<String, Problem> {
    let write = || -> io::Result<Xml> {
        let mut xml = Xml::new()?;
        xml.open("urlset", &[NAMESPACE])?;
        if number == 1 {
            xml.open("url", &[])?;
            xml.text("loc", &[], &site.home())?;
            xml.close("url")?;
        }
        for entry in entries {
            xml.open("url", &[])?;
            xml.text("loc", &[], &site.post(&entry.slug))?;
            xml.text("lastmod", &[], &entry.updated_at.to_string())?;
            xml.close("url")?;
        }
        xml.close("urlset")?;
        Ok(xml)
    };
    write().map_err(Problem::internal)?.finish()
}

/// An index of these sitemaps.
pub fn index(site: &Site, sitemaps: &[Sitemap]) -> Result<String, Problem> {
    let write = || -> io::Result<Xml> {
        let mut xml = Xml::new()?;
        xml.open("sitemapindex", &[NAMESPACE])?;
        for sitemap in sitemaps {
            xml.open("sitemap", &[])?;
            xml.text("loc", &[], &site.feed(&format!("/sitemaps/{}.xml", sitemap.number)))?;
            xml.text("lastmod", &[], &sitemap.changed_at.to_string())?;
            xml.close("sitemap")?;
        }
        xml.close("sitemapindex")?;
        Ok(xml)
    };
    write().map_err(Problem::internal)?.finish()
}
