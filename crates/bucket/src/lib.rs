//! The bucket, for what is too large for the table and is fetched by link.

use std::time::Duration;

use aws::{Failure, Meter, Sdk, Service};
use aws_sdk_s3::Client;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};

use domain::Export;
use serde::{Deserialize, Serialize};

/// How long a link is good for: 15 minutes.
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

/// A file that is being written, piece by piece. Nobody sees it before it is finished; one that never is costs its
/// storage until the template's lifecycle rule removes it, a day later.
pub struct Upload<'a> {
    bucket: &'a Bucket,
    key: String,
    id: String,
    parts: Vec<CompletedPart>,
    pending: Vec<u8>,
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

    /// Begins a file of JSON that browsers save rather than show.
    pub async fn begin(&self, key: String) -> Result<Upload<'_>, Failure> {
        let begun = self
            .client
            .create_multipart_upload()
            .bucket(&self.name)
            .key(&key)
            .content_type("application/json")
            .content_disposition("attachment")
            .send()
            .await
            .map_err(Failure::of)?;
        let id = begun.upload_id.ok_or_else(|| Failure::internal("S3 began an upload without an id"))?;
        Ok(Upload { bucket: self, key, id, parts: Vec::new(), pending: Vec::new() })
    }

    /// Goes on with a file that was begun under this key.
    pub fn resume(&self, key: String, sent: SentParts) -> Upload<'_> {
        let part = |(number, (e_tag, checksum)): (i32, (Option<String>, Option<String>))| {
            CompletedPart::builder().part_number(number).set_e_tag(e_tag).set_checksum_crc32(checksum).build()
        };
        let parts = (1..).zip(sent.parts).map(part).collect();
        Upload { bucket: self, key, id: sent.id, parts, pending: Vec::new() }
    }

    /// Whether the bucket is there and answers.
    pub async fn ping(&self) -> Result<(), Failure> {
        self.client.head_bucket().bucket(&self.name).send().await.map_err(Failure::of)?;
        Ok(())
    }

    /// Deletes a file, if it is there.
    pub async fn delete(&self, key: &str) -> Result<(), Failure> {
        self.client.delete_object().bucket(&self.name).key(key).send().await.map_err(Failure::of)?;
        Ok(())
    }

    /// A link by which anybody can fetch a file, made at the machine's time as all that the SDK signs. Makes no network
    /// call.
    pub async fn link(&self, key: &str) -> Result<String, Failure> {
        let validity = PresigningConfig::expires_in(Duration::from_secs(LINK_SECONDS)).map_err(Failure::internal)?;
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

    /// What another process needs to go on. What was written and not sent is lost.
    pub fn into_sent_parts(self) -> SentParts {
        let part = |part: CompletedPart| (part.e_tag, part.checksum_crc32);
        SentParts { id: self.id, parts: self.parts.into_iter().map(part).collect() }
    }

    /// Makes the file whole, in the place of an earlier one of its name.
    pub async fn finish(mut self) -> Result<(), Failure> {
        self.send_part().await?;
        let parts = CompletedMultipartUpload::builder().set_parts(Some(self.parts)).build();
        self.bucket
            .client
            .complete_multipart_upload()
            .bucket(&self.bucket.name)
            .key(self.key)
            .upload_id(self.id)
            .multipart_upload(parts)
            .send()
            .await
            .map_err(Failure::of)?;
        Ok(())
    }

    async fn send_part(&mut self) -> Result<(), Failure> {
        let number = i32::try_from(self.parts.len() + 1).map_err(Failure::internal)?;
        let sent = self
            .bucket
            .client
            .upload_part()
            .bucket(&self.bucket.name)
            .key(&self.key)
            .upload_id(&self.id)
            .part_number(number)
            .body(ByteStream::from(std::mem::take(&mut self.pending)))
            .send()
            .await
            .map_err(Failure::of)?;
        // S3 wants each part's checksum again in the end, if it was sent with one.
        self.parts.push(
            CompletedPart::builder()
                .part_number(number)
                .set_e_tag(sent.e_tag)
                .set_checksum_crc32(sent.checksum_crc32)
                .build(),
        );
        Ok(())
    }
}
