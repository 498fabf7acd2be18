//! The bucket, for what is too large for the table and is fetched by link.

use std::time::{Duration, UNIX_EPOCH};

use aws::{Failure, Meter, Sdk, Service};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};

use domain::Export;
use serde::{Deserialize, Serialize};

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

/// What every request with data is checked by. A multipart upload has to be created with the algorithm of its parts: if it
/// was created without one, S3 refuses to complete it with the checksums of the parts (`InvalidPart`).
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompletedPart.html>
const CHECKSUM: ChecksumAlgorithm = ChecksumAlgorithm::Crc32;

/// A file of JSON, which browsers save rather than show.
const CONTENT_TYPE: &str = "application/json";
const CONTENT_DISPOSITION: &str = "attachment";

/// A file that is being written, piece by piece. Nobody sees it before it is finished. One below 5 MiB is put at once, when it
/// is finished. A larger one that is never finished costs its storage until the template's lifecycle rule removes it, a day later.
pub struct Upload<'a> {
    bucket: &'a Bucket,
    key: String,
    /// The parts that are sent. None before the first.
    multipart: Option<Multipart>,
    pending: Vec<u8>,
}

struct Multipart {
    id: String,
    parts: Vec<CompletedPart>,
}

/// An upload of which some parts are sent and nothing is held back, so that another process can go on with it.
#[derive(Debug, Serialize, Deserialize)]
pub struct SentParts {
    id: String,
    /// What S3 wants to be told of each part in the end: its ETag and its checksum, if it has one.
    parts: Vec<(Option<String>, Option<String>)>,
}

/// The file of an export.
pub fn export_key(export: &Export) -> String {
    format!("exports/{}/{}.json", export.user_id, export.id)
}

impl Bucket {
    /// The bucket of this name. Makes no network call.
    pub fn new(sdk: &Sdk, name: String) -> Self {
        // The bucket in the path and not in the host's name: an endpoint of an emulator may then have any name. S3
        // takes both.
        let meter = Meter { count: |usage| usage.s3_calls += 1, units: aws::no_units };
        let config = sdk.config(Service::S3);
        let config = aws_sdk_s3::config::Builder::from(&config).force_path_style(true).interceptor(meter).build();
        Self { client: Client::from_conf(config), name }
    }

    /// Begins a file of JSON that browsers save rather than show. Makes no network call.
    pub fn begin(&self, key: String) -> Upload<'_> {
        Upload { bucket: self, key, multipart: None, pending: Vec::new() }
    }

    /// Goes on with a file that was begun under this key.
    pub fn resume(&self, key: String, sent: SentParts) -> Upload<'_> {
        let part = |(number, (e_tag, checksum)): (i32, (Option<String>, Option<String>))| {
            CompletedPart::builder().part_number(number).set_e_tag(e_tag).set_checksum_crc32(checksum).build()
        };
        let parts = (1..).zip(sent.parts).map(part).collect();
        Upload { bucket: self, key, multipart: Some(Multipart { id: sent.id, parts }), pending: Vec::new() }
    }

    /// Whether the bucket is there and answers.
    pub async fn ping(&self) -> Result<(), Failure> {
        self.client.head_bucket().bucket(&self.name).send().await.map_err(Failure::of)?;
        Ok(())
    }

    /// Writes a file of bytes that only we read, in the place of an earlier one of its name.
    pub async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), Failure> {
        self.client
            .put_object()
            .bucket(&self.name)
            .key(key)
            .checksum_algorithm(CHECKSUM)
            .body(ByteStream::from(bytes))
            .send()
            .await
            .map_err(Failure::of)?;
        Ok(())
    }

    /// The bytes of a file; none if it is not there. S3 says "forbidden" of a file that is not there to whom may not list the bucket,
    /// as no function may.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        let answer = match self.client.get_object().bucket(&self.name).key(key).send().await {
            Ok(answer) => answer,
            Err(error) if matches!(error.code(), Some("NoSuchKey" | "AccessDenied")) => return Ok(None),
            Err(error) => return Err(Failure::of(error)),
        };
        let bytes = answer.body.collect().await.map_err(Failure::unavailable)?;
        Ok(Some(bytes.to_vec()))
    }

    /// Deletes a file, if it is there.
    pub async fn delete(&self, key: &str) -> Result<(), Failure> {
        self.client.delete_object().bucket(&self.name).key(key).send().await.map_err(Failure::of)?;
        Ok(())
    }

    /// A link by which anybody can fetch a file. It is good for 15 to 30 minutes: it is signed as of the last full quarter of
    /// an hour, so that who asks again gets the same link, with the same validator. That is of the machine's time, as all that
    /// the SDK signs. Makes no network call.
    pub async fn link(&self, key: &str) -> Result<String, Failure> {
        let now = self.client.config().time_source().map(|source| source.now().duration_since(UNIX_EPOCH));
        let now = now.ok_or_else(|| Failure::internal("the SDK has no clock"))?.map_err(Failure::internal)?.as_secs();
        let signed_at = UNIX_EPOCH + Duration::from_secs(now - now % LINK_SECONDS);
        let validity = Duration::from_secs(2 * LINK_SECONDS);
        let validity = PresigningConfig::builder().start_time(signed_at).expires_in(validity).build();
        let validity = validity.map_err(Failure::internal)?;
        let request = self.client.get_object().bucket(&self.name).key(key).presigned(validity).await;
        Ok(request.map_err(Failure::of)?.uri().to_owned())
    }
}

impl Upload<'_> {
    /// Writes on. No more is held in memory than a part and what comes in at once.
    pub async fn write(&mut self, text: &str) -> Result<(), Failure> {
        self.pending.extend_from_slice(text.as_bytes());
        if self.pending.len() >= PART_BYTES { self.send_part().await } else { Ok(()) }
    }

    /// Whether all that was written is sent, as it is whenever a part is full.
    pub fn is_sent(&self) -> bool {
        self.pending.is_empty()
    }

    /// What another process needs to go on; none if no part was sent yet. What was written and not sent is lost.
    pub fn into_sent_parts(self) -> Option<SentParts> {
        let part = |part: CompletedPart| (part.e_tag, part.checksum_crc32);
        self.multipart.map(|Multipart { id, parts }| SentParts { id, parts: parts.into_iter().map(part).collect() })
    }

    /// Makes the file whole, in the place of an earlier one of its name.
    pub async fn finish(mut self) -> Result<(), Failure> {
        if self.multipart.is_none() {
            return self.put().await;
        }
        if !self.pending.is_empty() {
            self.send_part().await?;
        }
        let Some(Multipart { id, parts }) = self.multipart else { return Ok(()) };
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        self.bucket
            .client
            .complete_multipart_upload()
            .bucket(&self.bucket.name)
            .key(self.key)
            .upload_id(id)
            .multipart_upload(parts)
            .send()
            .await
            .map_err(Failure::of)?;
        Ok(())
    }

    /// The whole file in one request.
    async fn put(self) -> Result<(), Failure> {
        self.bucket
            .client
            .put_object()
            .bucket(&self.bucket.name)
            .key(self.key)
            .content_type(CONTENT_TYPE)
            .content_disposition(CONTENT_DISPOSITION)
            .checksum_algorithm(CHECKSUM)
            .body(ByteStream::from(self.pending))
            .send()
            .await
            .map_err(Failure::of)?;
        Ok(())
    }

    async fn send_part(&mut self) -> Result<(), Failure> {
        let multipart = match &mut self.multipart {
            Some(multipart) => multipart,
            none => none.insert(Multipart { id: self.bucket.create_multipart(&self.key).await?, parts: Vec::new() }),
        };
        let number = i32::try_from(multipart.parts.len() + 1).map_err(Failure::internal)?;
        let sent = self
            .bucket
            .client
            .upload_part()
            .bucket(&self.bucket.name)
            .key(&self.key)
            .upload_id(&multipart.id)
            .part_number(number)
            .checksum_algorithm(CHECKSUM)
            .body(ByteStream::from(std::mem::take(&mut self.pending)))
            .send()
            .await
            .map_err(Failure::of)?;
        multipart.parts.push(
            CompletedPart::builder()
                .part_number(number)
                .set_e_tag(sent.e_tag)
                .set_checksum_crc32(sent.checksum_crc32)
                .build(),
        );
        Ok(())
    }
}

impl Bucket {
    async fn create_multipart(&self, key: &str) -> Result<String, Failure> {
        let created = self
            .client
            .create_multipart_upload()
            .bucket(&self.name)
            .key(key)
            .content_type(CONTENT_TYPE)
            .content_disposition(CONTENT_DISPOSITION)
            .checksum_algorithm(CHECKSUM)
            .send()
            .await
            .map_err(Failure::of)?;
        created.upload_id.ok_or_else(|| Failure::internal("S3 created an upload without an id"))
    }
}
