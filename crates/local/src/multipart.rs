//! What S3 asks of the checksums of a multipart upload, and the local S3 does not.

use std::collections::BTreeMap;

/// The uploads that were created, by their key, each with the checksum algorithm that it was created with.
#[derive(Debug, Default)]
pub(crate) struct Uploads(BTreeMap<String, Option<String>>);

/// Why S3 refuses a request: the status and the code.
pub(crate) type Refusal = (u16, &'static str);

impl Uploads {
    /// Looks at a request before it is sent. `header` gives the value of a header, `body` is the request's if it is in memory.
    ///
    /// - A part has a checksum of the algorithm that the upload was created with, or none (`InvalidRequest`).
    /// - The parts named in the end have the checksums that they were sent with: of an upload that was created without an
    ///   algorithm S3 keeps none by that name (`InvalidPart`), and otherwise each has to have one (`InvalidRequest`).
    ///
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html>
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompletedPart.html>
    pub(crate) fn check<'a>(
        &mut self,
        action: &str,
        key: &str,
        header: impl Fn(&str) -> Option<&'a str>,
        body: &[u8],
    ) -> Result<(), Refusal> {
        let created = self.0.get(key).cloned().flatten();
        match action {
            "CreateMultipartUpload" => {
                let algorithm = header("x-amz-checksum-algorithm").map(str::to_lowercase);
                self.0.insert(key.to_owned(), algorithm);
            }
            "UploadPart" => {
                let sent = ["crc32", "crc32c", "crc64nvme", "sha1", "sha256"].into_iter().find(|algorithm| {
                    let name = format!("x-amz-checksum-{algorithm}");
                    header(&name).is_some() || header("x-amz-trailer").is_some_and(|trailer| trailer == name)
                });
                if let (Some(sent), Some(created)) = (sent, created)
                    && sent != created
                {
                    return Err((400, "InvalidRequest"));
                }
            }
            "CompleteMultipartUpload" => {
                let body = String::from_utf8_lossy(body);
                let parts = body.matches("<Part>").count();
                let checksums = body.matches("<Checksum").count();
                match created {
                    None if checksums > 0 => return Err((400, "InvalidPart")),
                    Some(created)
                        if body.matches(&format!("<Checksum{}>", created.to_uppercase())).count() != parts =>
                    {
                        return Err((400, "InvalidRequest"));
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload(created_with: Option<&str>, part: Option<&str>, named: &str) -> Result<(), Refusal> {
        let mut uploads = Uploads::default();
        let only = |name: &'static str, value: Option<&'static str>| move |asked: &str| value.filter(|_| asked == name);
        let created_with = created_with.map(|name| &*name.to_owned().leak());
        let part = part.map(|name| &*format!("x-amz-checksum-{name}").leak());
        uploads.check("CreateMultipartUpload", "k", only("x-amz-checksum-algorithm", created_with), b"")?;
        uploads.check("UploadPart", "k", only("x-amz-trailer", part), b"")?;
        uploads.check("CompleteMultipartUpload", "k", |_| None, named.as_bytes())
    }

    #[test]
    fn the_checksums_of_parts_are_of_the_algorithm_of_the_upload() {
        let named = "<Part><ChecksumCRC32>AAAAAA==</ChecksumCRC32></Part>";
        let unnamed = "<Part><ETag>e</ETag></Part>";
        assert_eq!(upload(Some("CRC32"), Some("crc32"), named), Ok(()));
        assert_eq!(upload(None, None, unnamed), Ok(()));
        assert_eq!(upload(None, Some("crc32"), unnamed), Ok(()));
        assert_eq!(upload(None, Some("crc32"), named), Err((400, "InvalidPart")));
        assert_eq!(upload(Some("CRC32"), Some("crc32"), unnamed), Err((400, "InvalidRequest")));
        assert_eq!(upload(Some("SHA256"), Some("crc32"), named), Err((400, "InvalidRequest")));
    }
}
