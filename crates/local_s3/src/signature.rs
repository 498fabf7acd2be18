//! Signatures of version 4, as S3 checks them: in the headers of a request, or in the query of a link.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html>

use std::fmt::Write;

use aws_lc_rs::{digest, hmac};
use bytes::Bytes;
use http::{HeaderMap, Request, Uri};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::fault::Fault;

pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// How far the time of a request may be from S3's.
const MAX_SKEW: SignedDuration = SignedDuration::from_mins(15);

/// The longest that a link may be good for.
const MAX_LINK_SECONDS: u32 = 7 * 24 * 60 * 60;

const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const ESCAPED_IN_PATH: &AsciiSet = &ESCAPED.remove(b'/');

/// Who may sign.
pub(crate) struct Keys<'a> {
    pub(crate) key_id: &'a str,
    pub(crate) secret: &'a str,
}

/// The parameters of a request, unescaped.
pub(crate) struct Query(Vec<(String, String)>);

/// What a credential is good for: `KEY_ID/DAY/REGION/s3/aws4_request`.
pub(crate) struct Credential<'a> {
    day: &'a str,
    region: &'a str,
}

impl Query {
    pub(crate) fn of(uri: &Uri) -> Self {
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let pairs = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        Self(pairs.map(|(name, value)| (decode(name), decode(value))).collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Sorted and escaped, without the signature itself.
    fn canonical(&self) -> String {
        let escape = |text: &str| utf8_percent_encode(text, ESCAPED).to_string();
        let pairs = self.0.iter().filter(|(name, _)| name != "X-Amz-Signature");
        let mut pairs: Vec<_> = pairs.map(|(name, value)| (escape(name), escape(value))).collect();
        pairs.sort();
        pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    }
}

impl Keys<'_> {
    /// Reads a credential, and refuses one that is not of these keys or not for that day.
    pub(crate) fn credential<'a>(&self, text: &'a str, day: &str) -> Result<Credential<'a>, Fault> {
        let malformed = || Fault::new(400, "AuthorizationHeaderMalformed").because("the credential is malformed");
        let mut parts = text.rsplitn(5, '/');
        let mut next = || parts.next().ok_or_else(malformed);
        let (end, service, region, of_day, key_id) = (next()?, next()?, next()?, next()?, next()?);
        if end != "aws4_request" || service != "s3" || of_day != day {
            return Err(malformed());
        }
        if key_id != self.key_id {
            return Err(Fault::new(403, "InvalidAccessKeyId"));
        }
        Ok(Credential { day: of_day, region })
    }

    /// The signature of a text under a credential.
    pub(crate) fn signature(&self, credential: &Credential<'_>, text: &str) -> String {
        let key = format!("AWS4{}", self.secret).into_bytes();
        let steps = [credential.day, credential.region, "s3", "aws4_request"];
        hex(&hmac(&steps.iter().fold(key, |key, step| hmac(&key, step)), text))
    }
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A time such as `20261121T083000Z`.
pub(crate) fn time(text: &str) -> Result<Timestamp, Fault> {
    let time = DateTime::strptime("%Y%m%dT%H%M%SZ", text).and_then(|time| time.to_zoned(TimeZone::UTC));
    time.map(|time| time.timestamp()).map_err(|_| Fault::denied("the date is malformed"))
}

/// Refuses a request whose signature is not right, or too old or new, or whose body is not what was signed.
pub(crate) fn check(request: &Request<Bytes>, query: &Query, keys: &Keys<'_>, now: Timestamp) -> Result<(), Fault> {
    let header = |name: &str| text(request.headers(), name);
    let (stamp, credential, signed, signature, hash) = match (header("authorization"), query.get("X-Amz-Signature")) {
        (Some(authorization), None) => {
            let stamp = header("x-amz-date").ok_or_else(|| Fault::denied("there is no x-amz-date"))?;
            if now.duration_since(time(stamp)?).abs() > MAX_SKEW {
                return Err(Fault::new(403, "RequestTimeTooSkewed"));
            }
            let missing = || Fault::new(400, "InvalidRequest").because("x-amz-content-sha256 is missing");
            let hash = header("x-amz-content-sha256").ok_or_else(missing)?;
            match hash {
                UNSIGNED => {}
                hash if hash.starts_with("STREAMING-") => return Err(Fault::not_implemented("bodies in chunks")),
                hash if hash != sha256(request.body()) => return Err(Fault::new(400, "XAmzContentSHA256Mismatch")),
                _ => {}
            }
            let rest = authorization.strip_prefix(ALGORITHM).ok_or_else(|| Fault::denied("an unknown algorithm"))?;
            let field = |name: &str| {
                let field = rest.split(',').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='));
                field.ok_or_else(|| Fault::new(400, "AuthorizationHeaderMalformed").because(format!("no {name}")))
            };
            (stamp, field("Credential")?, field("SignedHeaders")?, field("Signature")?, hash)
        }
        (None, Some(signature)) => {
            let malformed = |name: &str| Fault::new(400, "AuthorizationQueryParametersError").because(name);
            let field = |name: &str| query.get(name).ok_or_else(|| malformed(name));
            if field("X-Amz-Algorithm")? != ALGORITHM {
                return Err(malformed("X-Amz-Algorithm"));
            }
            let seconds: u32 = field("X-Amz-Expires")?.parse().map_err(|_| malformed("X-Amz-Expires"))?;
            if seconds == 0 || seconds > MAX_LINK_SECONDS {
                return Err(malformed("X-Amz-Expires"));
            }
            let stamp = field("X-Amz-Date")?;
            let age = now.duration_since(time(stamp)?);
            if age > SignedDuration::from_secs(seconds.into()) {
                return Err(Fault::denied("Request has expired"));
            }
            if age < -MAX_SKEW {
                return Err(Fault::denied("Request is not valid yet"));
            }
            (stamp, field("X-Amz-Credential")?, field("X-Amz-SignedHeaders")?, signature, UNSIGNED)
        }
        (Some(_), Some(_)) => return Err(Fault::new(400, "InvalidArgument").because("two signatures")),
        (None, None) => return Err(Fault::denied("nothing is signed")),
    };
    let credential = keys.credential(credential, stamp.get(..8).unwrap_or_default())?;
    let signed: Vec<&str> = signed.split(';').collect();
    let amazon = request.headers().keys().map(|name| name.as_str()).filter(|name| name.starts_with("x-amz-"));
    if let Some(unsigned) = amazon.chain(["host"]).find(|name| !signed.contains(name)) {
        return Err(Fault::denied(format!("the header {unsigned} is not signed")));
    }
    let path = percent_decode_str(request.uri().path()).decode_utf8_lossy().into_owned();
    let mut canonical =
        format!("{}\n{}\n{}\n", request.method(), utf8_percent_encode(&path, ESCAPED_IN_PATH), query.canonical());
    for name in &signed {
        let values = request.headers().get_all(*name).iter();
        let values: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_owned()).collect();
        let _ = writeln!(canonical, "{name}:{}", values.join(","));
    }
    let _ = write!(canonical, "\n{}\n{hash}", signed.join(";"));
    let Credential { day, region } = credential;
    let hash = sha256(canonical.as_bytes());
    let text = format!("{ALGORITHM}\n{stamp}\n{day}/{region}/s3/aws4_request\n{hash}");
    if keys.signature(&credential, &text) != signature {
        return Err(Fault::new(403, "SignatureDoesNotMatch"));
    }
    Ok(())
}

/// A header, if it is text.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of AWS's own documentation.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>
    const KEYS: Keys<'_> = Keys { key_id: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" };

    fn check_at(request: &Request<Bytes>, now: &str) -> Result<(), &'static str> {
        let query = Query::of(request.uri());
        check(request, &query, &KEYS, now.parse().unwrap()).map_err(|fault| fault.code())
    }

    fn get_object(signature: &str) -> Request<Bytes> {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
             SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature={signature}"
        );
        let request = Request::get("/test.txt").header("host", "examplebucket.s3.amazonaws.com");
        let request = request.header("range", "bytes=0-9").header("x-amz-content-sha256", empty);
        request
            .header("x-amz-date", "20130524T000000Z")
            .header("authorization", authorization)
            .body(Bytes::new())
            .unwrap()
    }

    const GET_OBJECT: &str = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";

    #[test]
    fn a_request_is_signed_as_aws_documents_it() {
        assert_eq!(check_at(&get_object(GET_OBJECT), "2013-05-24T00:14:00Z"), Ok(()));
        assert_eq!(check_at(&get_object(GET_OBJECT), "2013-05-24T00:16:00Z"), Err("RequestTimeTooSkewed"));
        assert_eq!(check_at(&get_object(&"0".repeat(64)), "2013-05-24T00:00:00Z"), Err("SignatureDoesNotMatch"));
        let mut other = get_object(GET_OBJECT);
        *other.body_mut() = Bytes::from_static(b"something");
        assert_eq!(check_at(&other, "2013-05-24T00:00:00Z"), Err("XAmzContentSHA256Mismatch"));
        let mut other = get_object(GET_OBJECT);
        other.headers_mut().insert("x-amz-acl", http::HeaderValue::from_static("public-read"));
        assert_eq!(check_at(&other, "2013-05-24T00:00:00Z"), Err("AccessDenied"), "not signed");
        let mut other = get_object(GET_OBJECT);
        other.headers_mut().remove("authorization");
        assert_eq!(check_at(&other, "2013-05-24T00:00:00Z"), Err("AccessDenied"), "nothing signed");
    }

    #[test]
    fn a_link_is_signed_as_aws_documents_it() {
        let link = |signature: &str| {
            let link = "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2F\
                        us-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&\
                        X-Amz-SignedHeaders=host&X-Amz-Signature=";
            let request = Request::get(format!("{link}{signature}")).header("host", "examplebucket.s3.amazonaws.com");
            request.body(Bytes::new()).unwrap()
        };
        let good = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
        assert_eq!(check_at(&link(good), "2013-05-24T23:59:59Z"), Ok(()));
        assert_eq!(check_at(&link(good), "2013-05-25T00:00:01Z"), Err("AccessDenied"), "expired");
        assert_eq!(check_at(&link(good), "2013-05-23T23:00:00Z"), Err("AccessDenied"), "not valid yet");
        assert_eq!(check_at(&link(&"0".repeat(64)), "2013-05-24T00:00:00Z"), Err("SignatureDoesNotMatch"));
    }
}
