//! The bucket, for what is too large for the table and is fetched by link.

mod client;
mod sign;

use std::ops::{Range, RangeInclusive};
use std::time::{Duration, UNIX_EPOCH};

use aws::{Failure, Sdk};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use domain::{Export, MediaId};
use http::Method;
use serde::{Deserialize, Serialize};

use client::{COMPLETE, Client, Request, element};
pub use sign::PostForm;

/// How long a link is good for at least: 15 minutes.
const LINK_SECONDS: u64 = 15 * 60;

/// The least that a part of an upload may have, except for the last one: 5 MiB. With the 10,000 parts that there may be
/// a file has at least 48 GiB.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>
const PART_BYTES: usize = 5 * 1024 * 1024;

/// The bucket.
pub struct Bucket {
    client: Client,
    name: String,
}

/// A file of JSON, which browsers save rather than show.
const JSON_FILE: &[(&str, &str)] = &[("content-type", "application/json"), ("content-disposition", "attachment")];

/// A file that is being written, piece by piece. Nobody sees it before it is finished. One below 5 MiB is put at once, when it
/// is finished. A larger one that is never finished costs its storage until the template's lifecycle rule removes it, a day later.
pub struct Upload<'a> {
    bucket: &'a Bucket,
    key: String,
    /// The parts that are sent. None before the first.
    sent: Option<SentParts>,
    /// Whether S3 knows nothing of the upload any more ([`Finished::Unknown`]). Then nothing is sent.
    is_unknown: bool,
    pending: Vec<u8>,
}

/// An upload of which some parts are sent and nothing is held back, so that another process can go on with it.
#[derive(Debug, Serialize, Deserialize)]
pub struct SentParts {
    id: String,
    /// The ETag of each part, which S3 wants to be told in the end. What a part has in it S3 checks when it comes, by the hash that is
    /// signed with it; a checksum besides would have to be announced when the upload is created.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompletedPart.html>
    parts: Vec<String>,
}

/// What S3 says of an upload that was completed or removed.
const UNKNOWN: &str = "NoSuchUpload";

/// How an upload ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    /// The file is there.
    Whole,
    /// S3 knows nothing of the upload any more. Either it was completed before, and the answer was lost, or it was removed. Whoever
    /// wrote the file begins anew.
    Unknown,
}

/// The file of an export.
pub fn export_key(export: &Export) -> String {
    format!("exports/{}/{}.json", export.user_id, export.id)
}

/// Where a picture is uploaded to. Nobody but the function that reads it may read it.
pub fn upload_key(id: MediaId) -> String {
    format!("{UPLOADS}{id}")
}

/// The picture that is uploaded to this key.
pub fn uploaded_media(key: &str) -> Option<MediaId> {
    key.strip_prefix(UPLOADS)?.parse().ok()
}

const UPLOADS: &str = "uploads/";

/// A file of a picture: its largest without a name, so that the id alone is an address, or the one of this name. Whoever knows the
/// id may read it, at this path of the site.
pub fn media_key(id: MediaId, name: Option<&str>) -> String {
    match name {
        Some(name) => format!("media/{id}/{name}"),
        None => format!("media/{id}"),
    }
}

/// All files of a picture, of which these have names.
pub fn media_keys<'a>(id: MediaId, names: &'a [String]) -> impl Iterator<Item = String> + 'a {
    names.iter().map(move |name| media_key(id, Some(name))).chain([media_key(id, None)])
}

impl Bucket {
    /// The bucket of this name. Makes no network call.
    pub fn new(sdk: &Sdk, name: String) -> Self {
        Self { client: Client::new(sdk, &name), name }
    }

    /// Begins a file of JSON that browsers save rather than show. Makes no network call.
    pub fn begin(&self, key: String) -> Upload<'_> {
        Upload { bucket: self, key, sent: None, is_unknown: false, pending: Vec::new() }
    }

    /// Goes on with a file that was begun under this key.
    pub fn resume(&self, key: String, sent: SentParts) -> Upload<'_> {
        Upload { bucket: self, key, sent: Some(sent), is_unknown: false, pending: Vec::new() }
    }

    /// Whether the bucket is there and answers.
    pub async fn ping(&self) -> Result<(), Failure> {
        let request = Request::new("HeadBucket", "HEAD", "");
        self.client.call(request).await.map_err(Failure::of)?;
        Ok(())
    }

    /// Writes a file of bytes that only we read, in the place of an earlier one of its name.
    pub async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), Failure> {
        self.put_with(key, &[], bytes).await
    }

    /// Writes a file that is answered with these headers, in the place of an earlier one of its name.
    pub async fn put_with(&self, key: &str, headers: &[(&'static str, &str)], bytes: Vec<u8>) -> Result<(), Failure> {
        let request = Request { headers, body: bytes, ..Request::new("PutObject", "PUT", key) };
        self.client.call(request).await.map_err(Failure::of)?;
        Ok(())
    }

    /// The bytes of a file; none if it is not there. S3 says "forbidden" of a file that is not there to whom may not list the bucket,
    /// as no function may.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        match self.client.call(Request::new("GetObject", "GET", key)).await {
            Ok(answer) => Ok(Some(answer.body)),
            Err(error) if matches!(error.code(), Some("NoSuchKey" | "AccessDenied")) => Ok(None),
            Err(error) => Err(Failure::of(error)),
        }
    }

    /// The bytes of a range of a file; none if it is not there, or not as long.
    pub async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Option<Vec<u8>>, Failure> {
        let Some(last) = range.end.checked_sub(1).filter(|last| *last >= range.start) else {
            return Ok(Some(Vec::new()));
        };
        let wanted = format!("bytes={}-{last}", range.start);
        let headers = [("range", wanted.as_str())];
        let request = Request { headers: &headers, ..Request::new("GetObject", "GET", key) };
        let bytes = match self.client.call(request).await {
            Ok(answer) => answer.body,
            Err(error) if matches!(error.code(), Some("NoSuchKey" | "AccessDenied" | "InvalidRange")) => {
                return Ok(None);
            }
            Err(error) => return Err(Failure::of(error)),
        };
        // What begins within the file and ends behind it is cut off.
        Ok(Some(bytes).filter(|bytes| bytes.len() as u64 == range.end - range.start))
    }

    /// Deletes a file, if it is there.
    pub async fn delete(&self, key: &str) -> Result<(), Failure> {
        let request = Request::new("DeleteObject", "DELETE", key);
        self.client.call(request).await.map_err(Failure::of)?;
        Ok(())
    }

    /// A link by which anybody can fetch a file. It is good for 15 to 30 minutes: it is signed as of the last full quarter of
    /// an hour, so that who asks again gets the same link, with the same validator. That is of the machine's time, as all that
    /// the SDK signs. Makes no network call.
    pub async fn link(&self, key: &str) -> Result<String, Failure> {
        self.link_for(Method::GET, key).await
    }

    /// The same, by which only the head of the file can be asked for (`HEAD`).
    pub async fn link_for_head(&self, key: &str) -> Result<String, Failure> {
        self.link_for(Method::HEAD, key).await
    }

    async fn link_for(&self, method: Method, key: &str) -> Result<String, Failure> {
        let now = self.client.now().duration_since(UNIX_EPOCH).map_err(Failure::internal)?.as_secs();
        let signed_at = UNIX_EPOCH + Duration::from_secs(now - now % LINK_SECONDS);
        sign::link(self, &method, key, signed_at, Duration::from_secs(2 * LINK_SECONDS)).await
    }

    /// A form by which anybody can send a file of this name and type, and of a number of bytes within `bytes`, for 15 minutes of the
    /// machine's time. Makes no network call.
    pub async fn post_form(
        &self,
        key: &str,
        content_type: &str,
        bytes: RangeInclusive<u64>,
    ) -> Result<PostForm, Failure> {
        sign::post_form(self, key, content_type, bytes, Duration::from_secs(LINK_SECONDS)).await
    }

    async fn create_multipart(&self, key: &str) -> Result<String, Failure> {
        let request = Request {
            query: "uploads=".to_owned(),
            headers: JSON_FILE,
            ..Request::new("CreateMultipartUpload", "POST", key)
        };
        let created = self.client.call(request).await.map_err(Failure::of)?;
        let created = String::from_utf8_lossy(&created.body);
        let id =
            element(&created, "UploadId").ok_or_else(|| Failure::internal("S3 created an upload without an id"))?;
        Ok(id.to_owned())
    }
}

impl<'a> Request<'a> {
    /// A call without query, headers and body.
    fn new(action: &'static str, method: &'static str, key: &'a str) -> Self {
        Self { action, method, key, query: String::new(), headers: &[], body: Vec::new() }
    }
}

impl Upload<'_> {
    /// Writes on. No more is held in memory than a part and what comes in at once.
    pub async fn write(&mut self, text: &str) -> Result<(), Failure> {
        self.write_bytes(text.as_bytes()).await
    }

    /// Writes on, what is no text.
    pub async fn write_bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= PART_BYTES { self.send_part().await } else { Ok(()) }
    }

    /// Whether all that was written is sent, as it is whenever a part is full.
    pub fn is_sent(&self) -> bool {
        self.pending.is_empty()
    }

    /// What another process needs to go on; none if it has to begin anew, because no part was sent yet or S3 knows nothing of them any
    /// more. What was written and not sent is lost.
    pub fn into_sent_parts(self) -> Option<SentParts> {
        self.sent.filter(|_| !self.is_unknown)
    }

    /// Makes the file whole, in the place of an earlier one of its name.
    pub async fn finish(mut self) -> Result<Finished, Failure> {
        if self.sent.is_none() {
            self.bucket.put_with(&self.key, JSON_FILE, self.pending).await?;
            return Ok(Finished::Whole);
        }
        if !self.pending.is_empty() {
            self.send_part().await?;
        }
        if self.is_unknown {
            return Ok(Finished::Unknown);
        }
        let Some(SentParts { id, parts }) = self.sent else { return Ok(Finished::Whole) };
        let part = |(number, e_tag)| format!("<Part><PartNumber>{number}</PartNumber><ETag>{e_tag}</ETag></Part>");
        let parts: String = (1..).zip(&parts).map(part).collect();
        let namespace = "http://s3.amazonaws.com/doc/2006-03-01/";
        let body = format!("<CompleteMultipartUpload xmlns=\"{namespace}\">{parts}</CompleteMultipartUpload>");
        let request = Request {
            query: format!("uploadId={}", client::escape(&id)),
            body: body.into_bytes(),
            ..Request::new(COMPLETE, "POST", &self.key)
        };
        match self.bucket.client.call(request).await {
            Ok(_) => Ok(Finished::Whole),
            Err(error) if error.code() == Some(UNKNOWN) => Ok(Finished::Unknown),
            Err(error) => Err(Failure::of(error)),
        }
    }

    async fn send_part(&mut self) -> Result<(), Failure> {
        let sent = match &mut self.sent {
            Some(sent) => sent,
            none => none.insert(SentParts { id: self.bucket.create_multipart(&self.key).await?, parts: Vec::new() }),
        };
        let number = sent.parts.len() + 1;
        let request = Request {
            query: format!("partNumber={number}&uploadId={}", client::escape(&sent.id)),
            body: std::mem::take(&mut self.pending),
            ..Request::new("UploadPart", "PUT", &self.key)
        };
        match self.bucket.client.call(request).await {
            Ok(answer) => {
                let e_tag = answer.e_tag.ok_or_else(|| Failure::internal("S3 took a part and gave it no ETag"))?;
                sent.parts.push(e_tag);
            }
            Err(error) if error.code() == Some(UNKNOWN) => self.is_unknown = true,
            Err(error) => return Err(Failure::of(error)),
        }
        Ok(())
    }
}
