//! Pictures of the old site: found where a text names them, uploaded once, and shown by their new address.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::Url;

use crate::{
    ImportError,
    client::{Call, Client},
    links::{decoded, joined},
    site::Site,
};

/// The maximum number of pictures of ours that a post shows.
pub const MAX_OF_POST: usize = 30;
/// The maximum size of a picture: 20 MiB.
pub const MAX_BYTES: u64 = 20 * 1024 * 1024;
/// How often a picture is asked for until it is ready, and the longest pause in between.
const TRIES: u32 = 30;
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The folders that a site's files are in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sources {
    pub roots: Vec<Root>,
}

/// A folder of a site, or a copy of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Root {
    /// How references to its files begin: `https://old.example/wp-content/uploads/`.
    pub prefix: String,
    pub folder: PathBuf,
    /// Where the old site has it, if files that are not in the folder may be fetched from there.
    pub address: Option<Url>,
}

impl Sources {
    /// The folders of a site, as its generator has them.
    pub fn of(site: &Site) -> Self {
        let mut roots = Vec::new();
        let origin = site.url().map(|url| url.origin().ascii_serialization());
        let base = site.base_path();
        for (prefix, folder) in site.generator.rules().sources(site) {
            let folder = site.root.join(folder);
            let mut add = |prefix| roots.push(Root { prefix, folder: folder.clone(), address: None });
            if prefix == "/" && !base.is_empty() {
                add(format!("{base}/"));
            }
            if prefix == "/"
                && let Some(origin) = &origin
            {
                add(format!("{origin}{base}/"));
            }
            add(prefix);
        }
        Self { roots }
    }

    /// The file that a text in the folder `beside` names, if it is there. `own` is the old address of that text. Only files below
    /// `beside` or one of the folders are found, wherever a reference or a link in the file system leads.
    pub fn find(&self, reference: &str, beside: Option<&Path>, own: Option<&str>) -> Option<PathBuf> {
        let target = without_query(reference);
        if target.is_empty() {
            return None;
        }
        let below = |folder: &Path, path: &str| {
            let file =
                folder.join(joined(Path::new(""), Path::new(path.trim_start_matches('/')))?).canonicalize().ok()?;
            (file.is_file() && file.starts_with(folder.canonicalize().ok()?)).then_some(file)
        };
        let by_prefix = |target: &str| {
            self.roots.iter().find_map(|root| below(&root.folder, target.strip_prefix(root.prefix.as_str())?))
        };
        if let Some(found) = by_prefix(&target) {
            return Some(found);
        }
        if target.contains("://") || target.starts_with("//") {
            return None;
        }
        let relative = target.strip_prefix("{attach}").or_else(|| target.strip_prefix("{static}")).unwrap_or(&target);
        let beside = beside.filter(|_| !relative.starts_with('/')).and_then(|beside| {
            let file = joined(beside, Path::new(relative))?.canonicalize().ok()?;
            let mut folders =
                self.roots.iter().filter_map(|root| root.folder.canonicalize().ok()).chain(beside.canonicalize());
            (file.is_file() && folders.any(|folder| file.starts_with(folder))).then_some(file)
        });
        let from_address = || {
            let base = Url::parse("http://old.invalid/").ok()?.join(own?).ok()?;
            by_prefix(&decoded(base.join(relative).ok()?.path()))
        };
        // Themes and shortcodes often begin at the root of the site: `{% image "./src/a.png" %}`.
        let from_root = || by_prefix(&format!("/{}", joined(Path::new(""), Path::new(relative))?.to_str()?));
        beside.or_else(from_address).or_else(from_root)
    }

    /// Whether a reference is to a file of the old site that is not to be fetched from there, whether or not it is in the folder.
    pub fn lack(&self, reference: &str) -> bool {
        self.roots.iter().any(|root| root.address.is_none() && reference.starts_with(&root.prefix))
    }

    /// A file that was found, by the name of its folder as it was given.
    pub fn as_given(&self, file: &Path) -> PathBuf {
        let below = |root: &Root| Some(root.folder.join(file.strip_prefix(root.folder.canonicalize().ok()?).ok()?));
        self.roots.iter().find_map(below).unwrap_or_else(|| file.to_owned())
    }

    /// Where the old site has a file that a text names, and where its copy belongs.
    pub fn elsewhere(&self, reference: &str) -> Option<Elsewhere> {
        let target = without_query(reference);
        self.roots.iter().find_map(|root| {
            let rest = Path::new(target.strip_prefix(root.prefix.as_str())?);
            let (path, mut address) = (joined(Path::new(""), rest)?, root.address.clone()?);
            let parts = path.iter().map(|part| part.to_string_lossy());
            address.path_segments_mut().ok()?.pop_if_empty().extend(parts);
            Some(Elsewhere { address, folder: root.folder.clone(), path })
        })
    }
}

/// A file of the old site: its address, and its path below the folder of copies.
#[derive(Clone, Debug, PartialEq)]
pub struct Elsewhere {
    pub address: Url,
    pub folder: PathBuf,
    pub path: PathBuf,
}

/// A reference as the name of a file has it.
fn without_query(reference: &str) -> String {
    decoded(reference.trim().split(['?', '#']).next().unwrap_or_default())
}

/// The type of a picture that the API takes, as its first bytes have it.
pub fn kind(path: &Path) -> Option<&'static str> {
    let mut first = [0; 12];
    let mut file = File::open(path).ok()?;
    let read = file.read(&mut first).ok()?;
    kind_of(first.get(..read)?)
}

/// The same of bytes that begin a file.
pub fn kind_of(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xFF, 0xD8, 0xFF, ..] => Some("image/jpeg"),
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

/// Whether a file is a picture by its name, which is all that is known before it is fetched.
pub fn has_name_of_picture(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    ["jpg", "jpeg", "png", "gif", "webp"].iter().any(|known| extension == *known)
}

/// What tells files apart, whatever their names: SHA-256 in hexadecimal.
pub fn fingerprint(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A picture on the server.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    pub id: String,
    /// The address of its largest file, for a cover.
    pub url: Option<String>,
}

/// What became of an upload.
pub enum Upload {
    Done(Picture),
    /// The server does not take this one.
    Refused(String),
    /// The server takes no more for hours.
    Enough(String),
}

#[derive(Deserialize)]
struct Announced {
    id: String,
    upload: Option<Form>,
}

#[derive(Deserialize)]
struct Form {
    url: String,
    fields: Map<String, Value>,
}

#[derive(Deserialize)]
struct Shown {
    status: String,
    refusal: Option<String>,
    url: Option<String>,
}

/// Uploads a picture and waits until it can be shown: a post that shows it earlier would not know its sizes.
pub async fn upload(
    client: &mut Client<'_>,
    name: &str,
    kind: &str,
    alt: Option<&Value>,
    bytes: Vec<u8>,
) -> Result<Upload, ImportError> {
    if bytes.len() as u64 > MAX_BYTES {
        return Ok(Upload::Refused("it has more than 20 MiB".to_owned()));
    }
    let mut body = json!({ "filename": name, "content_type": kind, "size": bytes.len() });
    if let Some(alt) = alt {
        body["alt"] = alt.clone();
    }
    let answer = client.send(&Call::post("/media", &body)).await?;
    match answer.status {
        StatusCode::CREATED => {}
        StatusCode::TOO_MANY_REQUESTS => return Ok(Upload::Enough(answer.reason())),
        _ => return Ok(Upload::Refused(answer.reason())),
    }
    let Announced { id, upload } = answer.json()?;
    if let Some(Form { url, fields }) = upload {
        let hash = fingerprint(&bytes);
        let status = client.send_form(&url, &hash, form(&hash, &fields, &bytes)).await?;
        if !status.is_success() {
            return Ok(Upload::Refused(format!("the storage answered {status} to the upload")));
        }
    }
    for attempt in 0..TRIES {
        let answer = client.send(&Call::get(&format!("/media/{id}"))).await?;
        if answer.status == StatusCode::OK {
            let Shown { status, refusal, url } = answer.json()?;
            match &*status {
                "ready" => return Ok(Upload::Done(Picture { id, url })),
                "refused" => return Ok(Upload::Refused(refusal.unwrap_or_else(|| "the server refused it".to_owned()))),
                _ => {}
            }
        }
        tokio::time::sleep(LONGEST_PAUSE.min(Duration::from_millis(50) * (attempt + 1))).await;
    }
    // It will be ready some time; until then it has no sizes.
    Ok(Upload::Done(Picture { id, url: None }))
}

/// The form as `multipart/form-data`, the file last, with parts divided by `boundary`.
fn form(boundary: &str, fields: &Map<String, Value>, file: &[u8]) -> Vec<u8> {
    let part = |name: &str| format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"");
    let mut body = Vec::with_capacity(file.len() + 4096);
    for (name, value) in fields {
        body.extend(format!("{}\r\n\r\n{}\r\n", part(name), value.as_str().unwrap_or_default()).into_bytes());
    }
    body.extend(format!("{}; filename=\"picture\"\r\n\r\n", part("file")).into_bytes());
    body.extend(file);
    body.extend(format!("\r\n--{boundary}--\r\n").into_bytes());
    body
}

/// The bytes of a picture.
pub fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("The file cannot be read: {error}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_below_the_site_only() {
        let outside = tempfile::tempdir().unwrap();
        let root = outside.path().join("site");
        for file in ["static/img/a b.png", "content/posts/x/c.png", "content/posts/d.png", "../secret.png"] {
            let path = joined(&root, Path::new(file)).unwrap();
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"x").unwrap();
        }
        let sources = Sources {
            roots: [("/", "static"), ("/", "content"), ("https://old.example/", "static")]
                .map(|(prefix, folder)| Root { prefix: prefix.to_owned(), folder: root.join(folder), address: None })
                .into(),
        };
        let beside = root.join("content/posts/x");
        for (reference, expected) in [
            ("/img/a%20b.png?w=3#x", Some("static/img/a b.png")),
            ("/img/a b.png", Some("static/img/a b.png")),
            ("https://old.example/img/a%20b.png", Some("static/img/a b.png")),
            ("https://other.example/img/a%20b.png", None),
            ("c.png", Some("content/posts/x/c.png")),
            ("./c.png", Some("content/posts/x/c.png")),
            ("../d.png", Some("content/posts/d.png")),
            ("/posts/d.png", Some("content/posts/d.png")),
            ("../../../../secret.png", None),
            ("/../../secret.png", None),
            ("./img/a b.png", Some("static/img/a b.png")),
            ("gone.png", None),
            ("../x", None),
            ("", None),
        ] {
            let found = sources.find(reference, Some(&beside), Some("/posts/x/"));
            let found = found.map(|path| path.strip_prefix(root.canonicalize().unwrap()).unwrap().to_owned());
            assert_eq!(found.as_deref(), expected.map(Path::new), "{reference}");
        }
        // Relative to the address, when there is nothing beside.
        let found = sources.find("../img/a b.png", Some(&beside), Some("/posts/"));
        assert!(found.is_some_and(|path| path.ends_with("img/a b.png")));
    }

    #[test]
    fn a_file_of_the_old_site_has_an_address_and_a_place_below_its_folder() {
        let address = Url::parse("https://old.example/blog/uploads/").unwrap();
        let root =
            |prefix: &str, address: Option<Url>| Root { prefix: prefix.to_owned(), folder: "copy".into(), address };
        let sources = Sources {
            roots: vec![
                root("/uploads/", Some(address.clone())),
                root("//old.example/", Some(address)),
                root("/", None),
            ],
        };
        for (reference, expected) in [
            (
                "/uploads/2020/a%20b.png?w=3#x",
                Some(("https://old.example/blog/uploads/2020/a%20b.png", "2020/a b.png")),
            ),
            ("//old.example/a?.png", Some(("https://old.example/blog/uploads/a", "a"))),
            ("/uploads/%3F.png", Some(("https://old.example/blog/uploads/%3F.png", "?.png"))),
            ("/uploads/./a/../b.png", Some(("https://old.example/blog/uploads/b.png", "b.png"))),
            ("/uploads/../../secret.png", None),
            ("/uploads/%2e%2e/secret.png", None),
            ("/other/a.png", None),
            ("https://elsewhere.example/a.png", None),
            ("", None),
        ] {
            let found = sources.elsewhere(reference).map(|found| (found.address.to_string(), found.path));
            assert_eq!(found, expected.map(|(address, path)| (address.to_owned(), path.into())), "{reference}");
        }
    }

    #[test]
    fn a_form_ends_with_its_file() {
        let fields = json!({"key": "uploads/1"}).as_object().unwrap().clone();
        let expected = "--b\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nuploads/1\r\n\
                        --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"picture\"\r\n\r\nBYTES\r\n--b--\r\n";
        assert_eq!(String::from_utf8(form("b", &fields, b"BYTES")).unwrap(), expected);
    }

    #[tokio::test]
    async fn a_server_that_takes_no_more_pictures_today_is_not_waited_for() {
        let answer = "429 Too Many Requests\r\nRetry-After: 80000";
        let (url, seen) = crate::test_server::server(vec![(answer, r#"{"title":"Too many requests"}"#)]);
        let mut out = Vec::new();
        let mut client = Client::with_key(&url, "key", &mut out).unwrap();
        let upload = upload(&mut client, "a.png", "image/png", None, vec![1]).await.unwrap();
        assert!(matches!(upload, Upload::Enough(reason) if reason == "Too many requests"));
        assert_eq!(
            seen.join().unwrap(),
            [r#"POST /v1/media {"content_type":"image/png","filename":"a.png","size":1}"#]
        );
    }
}
