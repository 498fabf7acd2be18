//! A file that a browser sends in a form, with a policy that says what it may be.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html>

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use serde_json::Value;

use crate::fault::Fault;
use crate::signature::{ALGORITHM, Keys, text, time};

/// The most that the fields before the file may have together.
const MAX_FIELD_BYTES: usize = 20 * 1024;

/// Fields that no condition has to name.
const UNCONDITIONAL: [&str; 3] = ["policy", "x-amz-signature", "file"];

/// A form that was sent. The names of fields are in lower case, as S3 does not tell one from the other.
#[derive(Debug)]
pub(crate) struct Form {
    fields: Vec<(String, String)>,
    file: Bytes,
}

/// Reads `multipart/form-data`. What comes after the file is ignored.
/// <https://www.rfc-editor.org/rfc/rfc7578>
pub(crate) fn read(request: &Request<Bytes>) -> Result<Form, Fault> {
    let malformed = || Fault::new(400, "MalformedPOSTRequest");
    let content_type = text(request.headers(), "content-type").unwrap_or_default();
    let boundary = content_type.split(';').find_map(|part| part.trim().strip_prefix("boundary="));
    let boundary = boundary.map(|boundary| boundary.trim_matches('"')).filter(|boundary| !boundary.is_empty());
    let delimiter = format!("\r\n--{}", boundary.ok_or_else(malformed)?);
    let body = request.body();
    let first = delimiter.trim_start();
    if !body.starts_with(first.as_bytes()) {
        return Err(malformed());
    }
    let (mut fields, mut size, mut position) = (Vec::new(), 0, first.len());
    loop {
        let rest = body.get(position..).unwrap_or_default();
        if rest.starts_with(b"--") {
            return Err(
                Fault::new(400, "InvalidArgument").because("POST requires exactly one file upload per request.")
            );
        }
        let headers_end = find(rest, b"\r\n\r\n").ok_or_else(malformed)?;
        let headers = String::from_utf8_lossy(rest.get(..headers_end).unwrap_or_default()).into_owned();
        let content = position + headers_end + 4;
        let length = find(body.get(content..).unwrap_or_default(), delimiter.as_bytes()).ok_or_else(malformed)?;
        let value = body.slice(content..content + length);
        let name = headers.lines().find_map(field_name).ok_or_else(malformed)?;
        if name == "file" {
            return Ok(Form { fields, file: value });
        }
        size += name.len() + value.len();
        if size > MAX_FIELD_BYTES {
            return Err(Fault::new(400, "MaxPostPreDataLengthExceeded"));
        }
        fields.push((name, String::from_utf8_lossy(&value).into_owned()));
        position = content + length + delimiter.len();
    }
}

/// The name in `Content-Disposition: form-data; name="..."`.
fn field_name(header: &str) -> Option<String> {
    let (name, value) = header.split_once(':')?;
    if !name.eq_ignore_ascii_case("content-disposition") {
        return None;
    }
    let name = value.split(';').find_map(|part| part.trim().strip_prefix("name="))?;
    Some(name.trim_matches('"').to_ascii_lowercase())
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

impl Form {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn key(&self) -> &str {
        self.field("key").unwrap_or_default()
    }

    pub(crate) fn file(&self) -> &Bytes {
        &self.file
    }

    /// Refuses what the policy does not allow, or a policy that is not signed or too old.
    pub(crate) fn check(&self, bucket: &str, keys: &Keys<'_>, now: Timestamp) -> Result<(), Fault> {
        let missing = |name: &str| Fault::denied(format!("the form has no {name}"));
        let field = |name: &str| self.field(name).ok_or_else(|| missing(name));
        if self.key().is_empty() {
            return Err(Fault::new(400, "InvalidArgument").because("the form has no key"));
        }
        if self.key().contains("${filename}") {
            return Err(Fault::not_implemented("${filename}"));
        }
        let policy = field("policy")?;
        if field("x-amz-algorithm")? != ALGORITHM {
            return Err(Fault::new(400, "InvalidArgument").because("x-amz-algorithm"));
        }
        let stamp = field("x-amz-date")?;
        time(stamp)?;
        let credential = keys.credential(field("x-amz-credential")?, stamp.get(..8).unwrap_or_default())?;
        if keys.signature(&credential, policy) != field("x-amz-signature")? {
            return Err(Fault::new(403, "SignatureDoesNotMatch"));
        }
        let invalid = || Fault::new(400, "InvalidPolicyDocument");
        let policy = STANDARD.decode(policy).ok().and_then(|policy| serde_json::from_slice::<Value>(&policy).ok());
        let policy = policy.ok_or_else(invalid)?;
        let expiration = policy["expiration"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
        if now > expiration.ok_or_else(invalid)? {
            return Err(Fault::denied("Invalid according to Policy: Policy expired."));
        }
        let mut named = Vec::new();
        for condition in policy["conditions"].as_array().ok_or_else(invalid)? {
            named.extend(self.check_condition(condition, bucket)?);
        }
        let extra = self.fields.iter().map(|(name, _)| name.as_str());
        let mut extra = extra.filter(|name| !UNCONDITIONAL.contains(name) && !name.starts_with("x-ignore-"));
        match extra.find(|name| !named.iter().any(|known| known == name)) {
            Some(name) => Err(Fault::denied(format!("Invalid according to Policy: Extra input fields: {name}"))),
            None => Ok(()),
        }
    }

    /// Refuses what a condition of the policy does not allow; gives the field that it names.
    fn check_condition(&self, condition: &Value, bucket: &str) -> Result<Option<String>, Fault> {
        let invalid = || Fault::new(400, "InvalidPolicyDocument");
        let (operator, name, wanted) = match condition {
            Value::Object(pairs) => match pairs.iter().next() {
                Some((name, value)) if pairs.len() == 1 => ("eq", name.clone(), value),
                _ => return Err(invalid()),
            },
            Value::Array(parts) => match parts.as_slice() {
                [Value::String(operator), min, max] if operator == "content-length-range" => {
                    let size = self.file.len() as u64;
                    return match (min.as_u64(), max.as_u64()) {
                        (Some(min), _) if size < min => Err(Fault::new(400, "EntityTooSmall")),
                        (_, Some(max)) if size > max => Err(Fault::new(400, "EntityTooLarge")),
                        (Some(_), Some(_)) => Ok(None),
                        _ => Err(invalid()),
                    };
                }
                [Value::String(operator), Value::String(name), value] => {
                    (operator.as_str(), name.strip_prefix('$').ok_or_else(invalid)?.to_owned(), value)
                }
                _ => return Err(invalid()),
            },
            _ => return Err(invalid()),
        };
        let name = name.to_ascii_lowercase();
        let wanted = wanted.as_str().ok_or_else(invalid)?;
        let sent = if name == "bucket" { bucket } else { self.field(&name).unwrap_or_default() };
        let holds = match operator {
            "eq" => sent == wanted,
            "starts-with" => sent.starts_with(wanted),
            _ => return Err(invalid()),
        };
        if holds {
            Ok(Some(name))
        } else {
            Err(Fault::denied(format!("Invalid according to Policy: Policy Condition failed: {name}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of AWS's own documentation.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-post-example.html>
    const KEYS: Keys<'_> = Keys { key_id: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" };
    const CREDENTIAL: &str = "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request";

    /// A form with this policy, and these fields besides those of the signature, which is right.
    fn form(conditions: Value, fields: &[(&str, &str)], file: &str) -> Result<(), &'static str> {
        let policy = serde_json::json!({ "expiration": "2015-12-30T12:00:00.000Z", "conditions": conditions });
        let policy = STANDARD.encode(policy.to_string());
        let credential = KEYS.credential(CREDENTIAL, "20151229").unwrap();
        let signature = KEYS.signature(&credential, &policy);
        sent(&policy, &signature, fields, file, "2015-12-30T00:00:00Z")
    }

    fn sent(policy: &str, signature: &str, fields: &[(&str, &str)], file: &str, now: &str) -> Result<(), &'static str> {
        let signed = [
            ("X-Amz-Algorithm", ALGORITHM),
            ("X-Amz-Credential", CREDENTIAL),
            ("X-Amz-Date", "20151229T000000Z"),
            ("Policy", policy),
            ("X-Amz-Signature", signature),
        ];
        let part = |(name, value): &(&str, &str)| {
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let body: String = fields.iter().chain(&signed).chain([&("file", file)]).map(part).collect();
        let request = Request::post("/b").header("content-type", "multipart/form-data; boundary=b");
        let request = request.body(Bytes::from(format!("{body}--b--\r\n"))).unwrap();
        let now = now.parse().unwrap();
        let checked = read(&request).and_then(|form| {
            assert_eq!(form.file(), file);
            form.check("sigv4examplebucket", &KEYS, now)
        });
        checked.map_err(|fault| fault.code())
    }

    #[test]
    fn a_form_is_signed_as_aws_documents_it() {
        let policy = "eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAgICB7ImJ1Y2tldCI6ICJzaWd2NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidXNlci91c2VyMS8iXSwNCiAgICB7ImFjbCI6ICJwdWJsaWMtcmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25fcmVkaXJlY3QiOiAiaHR0cDovL3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29tL3N1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQogICAgeyJ4LWFtei1tZXRhLXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZlci1zaWRlLWVuY3J5cHRpb24iOiAiQUVTMjU2In0sDQogICAgWyJzdGFydHMtd2l0aCIsICIkeC1hbXotbWV0YS10YWciLCAiIl0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAiQUtJQUlPU0ZPRE5ON0VYQU1QTEUvMjAxNTEyMjkvdXMtZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1BQy1TSEEyNTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAiMjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9";
        let signature = "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e";
        let fields = [
            ("key", "user/user1/photo.jpg"),
            ("acl", "public-read"),
            ("success_action_redirect", "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html"),
            ("Content-Type", "image/jpeg"),
            ("x-amz-meta-uuid", "14365123651274"),
            ("x-amz-server-side-encryption", "AES256"),
        ];
        assert_eq!(sent(policy, signature, &fields, "f", "2015-12-30T11:59:59Z"), Ok(()));
        assert_eq!(sent(policy, signature, &fields, "f", "2015-12-30T12:00:01Z"), Err("AccessDenied"), "expired");
        let other = sent(policy, &"0".repeat(64), &fields, "f", "2015-12-30T00:00:00Z");
        assert_eq!(other, Err("SignatureDoesNotMatch"));
    }

    #[test]
    fn each_condition_holds_and_each_field_is_named() {
        let conditions = serde_json::json!([
            { "bucket": "sigv4examplebucket" },
            ["eq", "$key", "a/b"],
            ["starts-with", "$Content-Type", "image/"],
            ["content-length-range", 2, 4],
            ["starts-with", "$x-amz-algorithm", ""],
            ["starts-with", "$x-amz-credential", ""],
            ["starts-with", "$x-amz-date", ""],
        ]);
        let png = ("Content-Type", "image/png");
        let check = |fields: &[(&str, &str)], file| form(conditions.clone(), fields, file);
        assert_eq!(check(&[("key", "a/b"), png], "four"), Ok(()));
        assert_eq!(check(&[("key", "a/c"), png], "four"), Err("AccessDenied"));
        assert_eq!(check(&[("key", "a/b"), ("Content-Type", "text/html")], "four"), Err("AccessDenied"));
        assert_eq!(check(&[("key", "a/b")], "four"), Err("AccessDenied"), "no type");
        assert_eq!(check(&[("key", "a/b"), png, ("acl", "public-read")], "four"), Err("AccessDenied"), "extra");
        assert_eq!(check(&[("key", "a/b"), png, ("x-ignore-a", "b")], "four"), Ok(()));
        assert_eq!(check(&[("key", "a/b"), png], "5five"), Err("EntityTooLarge"));
        assert_eq!(check(&[("key", "a/b"), png], "1"), Err("EntityTooSmall"));
        let other = serde_json::json!([{ "bucket": "another" }, ["starts-with", "$key", ""]]);
        assert_eq!(form(other, &[("key", "a/b")], "f"), Err("AccessDenied"));
    }
}
