//! The calls about files, and about uploads in parts.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use roxmltree::Document;

use crate::fault::Fault;
use crate::form::Form;
use crate::signature::{sha256, text};
use crate::store::{File, Headers, Part};
use crate::{Created, LocalS3, escape, xml};

/// The least that a part may have, except for the last one.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>
pub(crate) const MIN_PART_BYTES: usize = 5 * 1024 * 1024;

const MAX_PARTS: u32 = 10_000;

/// Headers of a file that are kept and answered.
pub(crate) const KEPT: [&str; 5] =
    ["content-type", "content-disposition", "cache-control", "content-encoding", "content-language"];

/// Headers that a request may have whose effect is elsewhere.
const WITHOUT_EFFECT: [&str; 4] = ["x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "x-amz-user-agent"];

impl LocalS3 {
    pub(crate) fn put(&self, key: &str, request: &Request<Bytes>) -> Result<Response<Bytes>, Fault> {
        let headers = kept(request)?;
        self.write(key, headers, request.body(), "PutObject")
    }

    pub(crate) fn put_form(&self, form: Form) -> Result<Response<Bytes>, Fault> {
        let headers = KEPT.iter().filter_map(|name| Some(((*name).to_owned(), form.field(name)?.to_owned()))).collect();
        let mut response = self.write(form.key(), headers, form.file(), "POST Object")?;
        *response.status_mut() = match form.field("success_action_status") {
            Some("200") => StatusCode::OK,
            Some("201") => return Err(Fault::not_implemented("success_action_status 201")),
            _ => StatusCode::NO_CONTENT,
        };
        Ok(response)
    }

    fn write(&self, key: &str, headers: Headers, bytes: &[u8], reason: &'static str) -> Result<Response<Bytes>, Fault> {
        // Any text will do; S3's own is not always an MD5 either.
        let e_tag = e_tag(bytes);
        let file = File { headers, e_tag: e_tag.clone(), modified_at: (self.now)(), bytes: bytes.to_vec() };
        self.store.put(key, &file)?;
        let response = with_e_tag(&e_tag);
        self.tell(Created { key: key.to_owned(), size: bytes.len(), e_tag, reason });
        Ok(response)
    }

    /// Of a file that is not there S3 says "forbidden" to whom may not list the bucket. No function may list files, and nobody to
    /// whom one gives a link.
    pub(crate) fn get(&self, key: &str, request: &Request<Bytes>) -> Result<Response<Bytes>, Fault> {
        let file = self.store.get(key)?.ok_or_else(|| Fault::denied("there is no such file, or it may not be read"))?;
        let size = file.bytes.len();
        let range = text(request.headers(), "range").and_then(|range| byte_range(range, size));
        let mut response = Response::new(Bytes::new());
        let bytes = match range {
            Some(None) => return Err(Fault::new(416, "InvalidRange")),
            Some(Some((first, last))) => {
                *response.status_mut() = StatusCode::PARTIAL_CONTENT;
                insert(&mut response, "content-range", &format!("bytes {first}-{last}/{size}"));
                Bytes::from(file.bytes).slice(first..=last)
            }
            None => Bytes::from(file.bytes),
        };
        insert(&mut response, "content-type", "binary/octet-stream");
        for (name, value) in &file.headers {
            insert(&mut response, name, value);
        }
        insert(&mut response, "etag", &format!("\"{}\"", file.e_tag));
        insert(&mut response, "accept-ranges", "bytes");
        insert(&mut response, "content-length", &bytes.len().to_string());
        let modified_at = file.modified_at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        insert(&mut response, "last-modified", &modified_at);
        *response.body_mut() = bytes;
        Ok(response)
    }

    pub(crate) fn delete(&self, key: &str) -> Result<Response<Bytes>, Fault> {
        self.store.delete(key)?;
        Ok(no_content())
    }

    pub(crate) fn create_upload(
        &self,
        bucket: &str,
        key: &str,
        request: &Request<Bytes>,
    ) -> Result<Response<Bytes>, Fault> {
        let id = self.store.create_upload(key, &kept(request)?)?;
        let (bucket, key) = (escape(bucket), escape(key));
        let body = format!("<Bucket>{bucket}</Bucket><Key>{key}</Key><UploadId>{id}</UploadId>");
        let body = format!("<InitiateMultipartUploadResult>{body}</InitiateMultipartUploadResult>");
        Ok(xml(StatusCode::OK, &body))
    }

    pub(crate) fn put_part(
        &self,
        key: &str,
        upload: &str,
        number: &str,
        request: &Request<Bytes>,
    ) -> Result<Response<Bytes>, Fault> {
        kept(request)?;
        let number = number.parse().ok().filter(|number| (1..=MAX_PARTS).contains(number));
        let number: u32 = number.ok_or_else(|| Fault::new(400, "InvalidArgument").because("partNumber"))?;
        self.expect_upload(key, upload)?;
        let e_tag = e_tag(request.body());
        self.store.put_part(upload, number, &Part { e_tag: e_tag.clone(), bytes: request.body().to_vec() })?;
        Ok(with_e_tag(&e_tag))
    }

    pub(crate) fn complete_upload(
        &self,
        bucket: &str,
        key: &str,
        upload: &str,
        request: &Request<Bytes>,
    ) -> Result<Response<Bytes>, Fault> {
        kept(request)?;
        let headers = self.expect_upload(key, upload)?;
        let named = parts(request.body())?;
        if !named.is_sorted_by(|(before, _), (after, _)| before < after) {
            return Err(Fault::new(400, "InvalidPartOrder"));
        }
        let (mut bytes, mut e_tags) = (Vec::new(), String::new());
        for (position, (number, expected)) in named.iter().enumerate() {
            let part = self.store.part(upload, *number)?.filter(|part| part.e_tag == *expected);
            let part = part.ok_or_else(|| Fault::new(400, "InvalidPart").because(format!("part {number}")))?;
            if part.bytes.len() < MIN_PART_BYTES && position + 1 < named.len() {
                return Err(Fault::new(400, "EntityTooSmall"));
            }
            e_tags.push_str(&part.e_tag);
            bytes.extend(part.bytes);
        }
        let e_tag = format!("{}-{}", e_tag(e_tags.as_bytes()), named.len());
        let size = bytes.len();
        let file = File { headers, e_tag: e_tag.clone(), modified_at: (self.now)(), bytes };
        self.store.complete_upload(key, upload, &file)?;
        self.tell(Created { key: key.to_owned(), size, e_tag: e_tag.clone(), reason: "CompleteMultipartUpload" });
        let body =
            format!("<Bucket>{}</Bucket><Key>{}</Key><ETag>&quot;{e_tag}&quot;</ETag>", escape(bucket), escape(key));
        Ok(xml(StatusCode::OK, &format!("<CompleteMultipartUploadResult>{body}</CompleteMultipartUploadResult>")))
    }

    pub(crate) fn abort_upload(&self, key: &str, upload: &str) -> Result<Response<Bytes>, Fault> {
        self.expect_upload(key, upload)?;
        self.store.abort_upload(upload)?;
        Ok(no_content())
    }

    fn expect_upload(&self, key: &str, upload: &str) -> Result<Headers, Fault> {
        self.store.upload(key, upload)?.ok_or_else(|| Fault::new(404, "NoSuchUpload"))
    }
}

/// The headers of a request that are kept with the file. Refuses those that would do something that is not done here.
fn kept(request: &Request<Bytes>) -> Result<Headers, Fault> {
    let headers = request.headers();
    if request.method() == http::Method::PUT && !headers.contains_key(header::CONTENT_LENGTH) {
        return Err(Fault::new(411, "MissingContentLength"));
    }
    let is_known = |name: &str| {
        WITHOUT_EFFECT.contains(&name)
            || !(name.starts_with("x-amz-") || name.starts_with("if-") || name == "content-md5")
    };
    if let Some(name) = headers.keys().map(HeaderName::as_str).find(|name| !is_known(name)) {
        return Err(Fault::not_implemented(name));
    }
    Ok(KEPT.iter().filter_map(|name| Some(((*name).to_owned(), text(headers, name)?.to_owned()))).collect())
}

/// The parts that a request names, each with its ETag.
fn parts(body: &[u8]) -> Result<Vec<(u32, String)>, Fault> {
    let malformed = || Fault::new(400, "MalformedXML");
    let body = std::str::from_utf8(body).map_err(|_| malformed())?;
    let document = Document::parse(body).map_err(|_| malformed())?;
    let is = |name: &'static str| move |node: &roxmltree::Node<'_, '_>| node.tag_name().name() == name;
    let read = |part: roxmltree::Node<'_, '_>| {
        let field = |name| part.children().find(is(name)).and_then(|node| node.text());
        Some((field("PartNumber")?.trim().parse().ok()?, field("ETag")?.trim().trim_matches('"').to_owned()))
    };
    let parts = document.root_element().children().filter(is("Part"));
    let parts: Vec<_> = parts.map(|part| read(part).ok_or_else(malformed)).collect::<Result<_, _>>()?;
    if parts.is_empty() { Err(malformed()) } else { Ok(parts) }
}

/// The first and last byte that a `Range` asks for, of a file of this size: none of the inner option if there is no such byte. One
/// that is malformed or asks for several ranges counts as absent, as it may.
/// <https://www.rfc-editor.org/rfc/rfc9110#section-14.2>
fn byte_range(range: &str, size: usize) -> Option<Option<(usize, usize)>> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    if first.is_empty() {
        let length: usize = last.parse().ok()?;
        return Some((length > 0 && size > 0).then(|| (size.saturating_sub(length), size - 1)));
    }
    let first: usize = first.parse().ok()?;
    let last: usize = if last.is_empty() { usize::MAX } else { last.parse().ok()? };
    if last < first {
        return None;
    }
    Some((first < size).then(|| (first, last.min(size - 1))))
}

fn e_tag(bytes: &[u8]) -> String {
    sha256(bytes).chars().take(32).collect()
}

fn with_e_tag(e_tag: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    insert(&mut response, "etag", &format!("\"{e_tag}\""));
    response
}

fn no_content() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

fn insert(response: &mut Response<Bytes>, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
        response.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;

    fn local_s3() -> LocalS3 {
        let [bucket, key_id, secret] = ["b", "id", "secret"].map(str::to_owned);
        LocalS3::open(None, Settings { bucket, key_id, secret }, Box::new(|| jiff::Timestamp::UNIX_EPOCH)).unwrap()
    }

    fn with_body(body: Vec<u8>) -> Request<Bytes> {
        let request = Request::put("/").header("content-length", body.len()).header("content-type", "text/plain");
        request.body(Bytes::from(body)).unwrap()
    }

    fn code(answer: Result<Response<Bytes>, Fault>) -> &'static str {
        answer.map_or_else(|fault| fault.code(), |_| "done")
    }

    fn e_tag_of(answer: &Response<Bytes>) -> String {
        answer.headers()["etag"].to_str().unwrap().to_owned()
    }

    /// Sends parts of these sizes, and gives the answer to whoever completes them as `named` changes their list.
    fn upload(sizes: &[usize], named: impl Fn(&mut Vec<(usize, String)>)) -> (LocalS3, &'static str) {
        let s3 = local_s3();
        let created = s3.create_upload("b", "k", &with_body(Vec::new())).unwrap();
        let created = String::from_utf8(created.body().to_vec()).unwrap();
        let id = created.split("UploadId>").nth(1).unwrap().trim_end_matches("</").to_owned();
        let mut parts = Vec::new();
        for (number, size) in (1..).zip(sizes) {
            let part = with_body(vec![number; *size]);
            let sent = s3.put_part("k", &id, &number.to_string(), &part).unwrap();
            parts.push((usize::from(number), e_tag_of(&sent)));
        }
        named(&mut parts);
        let part = |(number, e_tag): &(usize, String)| {
            format!("<Part><PartNumber>{number}</PartNumber><ETag>{}</ETag></Part>", escape(e_tag))
        };
        let parts: String = parts.iter().map(part).collect();
        let body = format!("<CompleteMultipartUpload xmlns=\"urn:s3\">{parts}</CompleteMultipartUpload>");
        let answer = code(s3.complete_upload("b", "k", &id, &with_body(body.into_bytes())));
        assert!(answer != "done" || code(s3.abort_upload("k", &id)) == "NoSuchUpload");
        (s3, answer)
    }

    #[test]
    fn an_upload_becomes_a_file_only_of_the_parts_that_were_sent() {
        let (s3, answer) = upload(&[MIN_PART_BYTES, 3], |_| {});
        assert_eq!(answer, "done");
        let file = s3.get("k", &with_body(Vec::new())).unwrap();
        assert_eq!(file.headers()["content-type"], "text/plain");
        assert_eq!(file.body().len(), MIN_PART_BYTES + 3);
        assert_eq!(upload(&[3, 3], |_| {}).1, "EntityTooSmall");
        assert_eq!(upload(&[MIN_PART_BYTES, 3], |named| named.reverse()).1, "InvalidPartOrder");
        assert_eq!(upload(&[3], |named| named[0].1 = "\"another\"".to_owned()).1, "InvalidPart");
        assert_eq!(upload(&[3], |named| named[0].0 = 7).1, "InvalidPart");
        assert_eq!(upload(&[3], Vec::clear).1, "MalformedXML");
    }

    #[test]
    fn what_would_be_ignored_is_refused() {
        let s3 = local_s3();
        for name in ["x-amz-acl", "x-amz-checksum-crc32", "content-md5", "if-none-match"] {
            let mut request = with_body(Vec::new());
            request.headers_mut().insert(name, HeaderValue::from_static("1"));
            assert_eq!(code(s3.put("k", &request)), "NotImplemented", "{name}");
        }
        let mut request = with_body(Vec::new());
        request.headers_mut().remove("content-length");
        assert_eq!(code(s3.put("k", &request)), "MissingContentLength");
    }

    #[test]
    fn a_range_of_a_file_is_what_the_rfc_says() {
        assert_eq!(byte_range("bytes=0-0", 10), Some(Some((0, 0))));
        assert_eq!(byte_range("bytes=4-", 10), Some(Some((4, 9))));
        assert_eq!(byte_range("bytes=4-99", 10), Some(Some((4, 9))));
        assert_eq!(byte_range("bytes=-3", 10), Some(Some((7, 9))));
        assert_eq!(byte_range("bytes=-99", 10), Some(Some((0, 9))));
        assert_eq!(byte_range("bytes=10-", 10), Some(None));
        assert_eq!(byte_range("bytes=-0", 10), Some(None));
        for ignored in ["bytes=3-1", "bytes=0-1,3-4", "lines=0-1", "bytes=a-b"] {
            assert_eq!(byte_range(ignored, 10), None, "{ignored}");
        }
    }

    #[test]
    fn files_survive_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bucket.sqlite");
        for round in 0..2 {
            let [bucket, key_id, secret] = ["b", "id", "secret"].map(str::to_owned);
            let settings = Settings { bucket, key_id, secret };
            let s3 = LocalS3::open(Some(&path), settings, Box::new(|| jiff::Timestamp::UNIX_EPOCH)).unwrap();
            if round == 0 {
                assert_eq!(code(s3.get("k", &with_body(Vec::new()))), "AccessDenied");
                s3.put("k", &with_body(b"kept".to_vec())).unwrap();
            }
            assert_eq!(&s3.get("k", &with_body(Vec::new())).unwrap().body()[..], b"kept");
        }
    }
}
