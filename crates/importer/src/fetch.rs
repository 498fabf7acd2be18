//! Pictures of the old site that the copy of its files does not have, fetched into the copy.

use std::{
    collections::{HashMap, HashSet},
    fs, io,
    time::Duration,
};

use reqwest::redirect;
use url::Url;

use crate::{
    media::{Elsewhere, MAX_BYTES, kind_of},
    root_cause,
};

/// The longest that one picture may take.
const PATIENCE: Duration = Duration::from_secs(60);
const MAX_REDIRECTS: usize = 5;

/// Fetches each picture once. What could not be fetched is not asked for again in this run.
pub struct Fetcher {
    http: reqwest::Client,
    done: HashMap<Url, Result<(), String>>,
}

impl Fetcher {
    /// A client without a session: nothing that the blog knows goes to the old site. `site` are its addresses: a redirect to any
    /// other host is not followed, as it may lead to one that only this machine reaches.
    pub fn new(site: impl IntoIterator<Item = Url>) -> Result<Self, reqwest::Error> {
        let hosts: HashSet<_> = site.into_iter().filter_map(|address| host(&address)).collect();
        let policy = redirect::Policy::custom(move |attempt| {
            if attempt.previous().len() > MAX_REDIRECTS {
                return attempt.error(format!("it redirects more than {MAX_REDIRECTS} times"));
            }
            if host(attempt.url()).is_some_and(|host| hosts.contains(&host)) {
                return attempt.follow();
            }
            let reason = format!("it redirects to {}, which is no host of the old site", attempt.url());
            attempt.error(reason)
        });
        let http = reqwest::Client::builder()
            .user_agent(concat!("broadsheet-import/", env!("CARGO_PKG_VERSION")))
            .redirect(policy)
            .timeout(PATIENCE)
            .build()?;
        Ok(Self { http, done: HashMap::new() })
    }

    /// Puts the copy of a picture where it belongs; why not, otherwise.
    pub async fn fetch(&mut self, picture: &Elsewhere) -> Result<(), String> {
        if let Some(done) = self.done.get(&picture.address) {
            return done.clone();
        }
        let done = match self.bytes(&picture.address).await {
            Ok(bytes) => keep(picture, &bytes).map_err(|error| format!("it cannot be written: {error}")),
            Err(reason) => Err(reason),
        };
        self.done.insert(picture.address.clone(), done.clone());
        done
    }

    async fn bytes(&self, address: &Url) -> Result<Vec<u8>, String> {
        let failed = |error: reqwest::Error| root_cause(&error);
        let mut answer = self.http.get(address.clone()).send().await.map_err(failed)?;
        if !answer.status().is_success() {
            return Err(format!("the old site answers {}", answer.status()));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            bytes.extend(chunk);
            if bytes.len() as u64 > MAX_BYTES {
                return Err("it has more than 20 MiB".to_owned());
            }
        }
        // A page that says that nothing is there has the status 200 often enough.
        kind_of(&bytes).map(|_| ()).ok_or("it is no JPEG, PNG, GIF or WebP")?;
        Ok(bytes)
    }
}

/// The host of an address, to and from which `www.` is often added. Its port counts only if it is named, as a site may go from `http` to
/// `https`.
fn host(address: &Url) -> Option<(String, Option<u16>)> {
    let host = address.host_str()?;
    Some((host.strip_prefix("www.").unwrap_or(host).to_owned(), address.port()))
}

/// Writes the copy as a whole or not at all, because what is there is not fetched again.
fn keep(picture: &Elsewhere, bytes: &[u8]) -> io::Result<()> {
    let file = picture.folder.join(&picture.path);
    let parent = file.parent().unwrap_or(&picture.folder);
    fs::create_dir_all(parent)?;
    // A link in the file system may lead out of the folder.
    if !parent.canonicalize()?.starts_with(picture.folder.canonicalize()?) {
        return Err(io::Error::other("it would be outside of the folder"));
    }
    let part = parent.join(".broadsheet-part");
    fs::write(&part, bytes)?;
    fs::rename(part, file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_server::server;

    async fn fetched(hosts: &[&str], address: &str) -> Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        let hosts = hosts.iter().map(|host| host.parse().unwrap());
        let picture =
            Elsewhere { address: address.parse().unwrap(), folder: folder.path().to_owned(), path: "a.gif".into() };
        Fetcher::new(hosts).unwrap().fetch(&picture).await
    }

    #[test]
    fn a_site_is_the_same_with_www_and_by_https() {
        let same = |one: &str, other: &str| host(&one.parse().unwrap()) == host(&other.parse().unwrap());
        assert!(same("http://example.com/a", "https://www.example.com/b"));
        assert!(!same("http://example.com", "http://blog.example.com"));
        assert!(!same("http://example.com", "http://example.com:8080"));
    }

    fn redirect(to: &str) -> (&'static str, &'static str) {
        (format!("302 Found\r\nLocation: {to}").leak(), "")
    }

    #[tokio::test]
    async fn redirects_lead_to_hosts_of_the_old_site_only() {
        let gif = ("200 OK", "GIF89a and so on");
        let (elsewhere, asked) = server(vec![gif]);
        let (site, _) = server(vec![redirect(&elsewhere)]);
        let reason = fetched(&[&site], &site).await.unwrap_err();
        assert!(reason.contains("which is no host of the old site"), "{reason}");
        assert!(!asked.is_finished(), "nothing is sent there");

        let (site, _) = server(vec![redirect(&elsewhere)]);
        assert_eq!(fetched(&[&site, &elsewhere], &site).await, Ok(()));
        let (site, _) = server(vec![redirect("/moved"), redirect("/again"), gif]);
        assert_eq!(fetched(&[&site], &site).await, Ok(()));
        let (site, _) = server((0..=MAX_REDIRECTS).map(|_| redirect("/round")).collect());
        let reason = fetched(&[&site], &site).await.unwrap_err();
        assert!(reason.contains("more than 5 times"), "{reason}");
    }
}
