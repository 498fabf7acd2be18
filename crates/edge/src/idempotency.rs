//! `Idempotency-Key`: a request that makes something can be repeated without making it twice.
//! <https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/>
//!
//! It holds for every operation whose reply says that it creates ([`Reply::CREATES`](crate::Reply::CREATES)); the
//! reasons are in docs/adr/0009.

use std::io::{Read, Write};

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::hmac;
use domain::{Source, Timestamp, UserId};
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use lambda_http::http::{HeaderName, HeaderValue, Response, StatusCode};
use lambda_http::{Body, Request, RequestExt};
use serde::{Deserialize, Serialize};
use table::{Attempt, Lookup, keys};
use ulid::Ulid;

use crate::input::query_pairs;
use crate::{Blog, Problem};

const NAME: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The maximum length of a key.
const MAX_CHARACTERS: usize = 64;

/// An answer with more bytes than this, deflated, is not kept: an item of the table has at most 400 KB, and each KB
/// costs a write. A repeat then finds what it made, as after a crash, and is answered with what it is by now.
const MAX_BYTES: usize = 256 * 1024;

/// A request with a key.
pub(crate) struct Repeatable {
    key: keys::Key,
    fingerprint: String,
    seal: hmac::Tag,
}

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// What to do with a request that has a key.
pub(crate) enum Outcome {
    /// It is to be done.
    Run(Try),
    /// It was done; this was the answer.
    Replay(Response<Body>),
}

/// A try that nobody else makes at the same time.
pub(crate) struct Try {
    request: Repeatable,
    attempt: Attempt,
}

impl Repeatable {
    /// The request as far as it tells itself from others, if it has a key. Keys are per user; those of anonymous
    /// clients per source, so that strangers who choose the same key do not meet.
    pub fn of(request: &Request, user: Option<UserId>, source: Source) -> Result<Option<Self>, Problem> {
        let Some(value) = request.headers().get(NAME) else { return Ok(None) };
        let is_printable = |text: &&str| text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        let text = value.to_str().ok().filter(|text| (1..=MAX_CHARACTERS).contains(&text.len()));
        let text = text.filter(is_printable).ok_or_else(|| {
            let detail = format!("Idempotency-Key must have 1 to {MAX_CHARACTERS} printable characters.");
            Problem::malformed(detail)
        })?;
        // Whoever reads the table cannot find out by trial what a request says, such as a password, without knowing
        // its key; and nobody can read an answer who cannot send the same request again.
        let mut secret = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, text.as_bytes()));
        let mut query = query_pairs(request);
        query.sort_unstable();
        let query = query.iter().flat_map(|(name, value)| [name.as_str(), value]);
        for part in [request.method().as_str(), request.raw_http_path()].into_iter().chain(query) {
            secret.update(part.as_bytes());
            secret.update(b"\0");
        }
        secret.update(request.body());
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret.sign().as_ref());
        let fingerprint = hmac::sign(&secret, b"fingerprint");
        Ok(Some(Self {
            key: keys::idempotency(user, source, text),
            fingerprint: fingerprint.as_ref().iter().map(|byte| format!("{byte:02x}")).collect(),
            seal: hmac::sign(&secret, b"answer"),
        }))
    }

    /// Begins it, or finds what was answered before.
    pub async fn begin(self, blog: &Blog, now: Timestamp) -> Result<Outcome, Problem> {
        let (key, fingerprint) = (self.key.clone(), self.fingerprint.clone());
        match blog.table.begin_once(key, fingerprint, blog.new_id(now), now).await? {
            Lookup::New(attempt) => Ok(Outcome::Run(Try { request: self, attempt })),
            Lookup::Answered(sealed) => self.open(sealed).map(Outcome::Replay),
        }
    }

    fn seal(&self, response: &Response<Body>) -> Result<Vec<u8>, Problem> {
        let text = |value: &HeaderValue| value.to_str().map(str::to_owned).map_err(Problem::internal);
        let headers = response.headers().iter().map(|(name, value)| Ok((name.to_string(), text(value)?)));
        let kept = Kept {
            status: response.status().as_u16(),
            headers: headers.collect::<Result<_, Problem>>()?,
            body: String::from_utf8_lossy(response.body()).into_owned(),
        };
        let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
        deflate.write_all(&serde_json::to_vec(&kept).map_err(Problem::internal)?).map_err(Problem::internal)?;
        let mut bytes = deflate.finish().map_err(Problem::internal)?;
        let nonce =
            self.sealing_key()?.seal_in_place_append_tag(Aad::empty(), &mut bytes).map_err(Problem::internal)?;
        bytes.extend_from_slice(nonce.as_ref());
        Ok(bytes)
    }

    fn open(&self, mut sealed: Vec<u8>) -> Result<Response<Body>, Problem> {
        let short = || Problem::internal("a kept answer is too short");
        let nonce = sealed.split_off(sealed.len().checked_sub(NONCE_BYTES).ok_or_else(short)?);
        let nonce = Nonce::try_assume_unique_for_key(&nonce).map_err(Problem::internal)?;
        let deflated =
            self.sealing_key()?.open_in_place(nonce, Aad::empty(), &mut sealed).map_err(Problem::internal)?;
        let mut text = String::new();
        DeflateDecoder::new(&*deflated).read_to_string(&mut text).map_err(Problem::internal)?;
        let kept: Kept = serde_json::from_str(&text).map_err(Problem::internal)?;
        let mut response = Response::new(Body::Text(kept.body));
        *response.status_mut() = StatusCode::from_u16(kept.status).map_err(Problem::internal)?;
        for (name, value) in kept.headers {
            let name = HeaderName::try_from(name).map_err(Problem::internal)?;
            response.headers_mut().append(name, HeaderValue::try_from(value).map_err(Problem::internal)?);
        }
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        Ok(response)
    }

    fn sealing_key(&self) -> Result<RandomizedNonceKey, Problem> {
        RandomizedNonceKey::new(&AES_256_GCM, self.seal.as_ref()).map_err(Problem::internal)
    }
}

/// Bytes of a nonce of AES-GCM.
const NONCE_BYTES: usize = 12;

impl Try {
    /// The id of what is made: the same for every try under one key.
    pub fn new_id(&self) -> Ulid {
        self.attempt.new_id()
    }

    /// Keeps the answer, if it may be kept, or lets go of the key. What fails here has no say in what is answered: the next try under
    /// this key finds what this one made.
    pub async fn end(self, blog: &Blog, is_kept: bool, outcome: &Result<Response<Body>, Problem>, now: Timestamp) {
        let Self { request, attempt } = self;
        let ended: Result<(), Problem> = match outcome.as_ref().map(|response| request.seal(response)) {
            Ok(Ok(sealed)) if is_kept && sealed.len() <= MAX_BYTES => {
                blog.table.keep_answer(attempt, sealed).await.map_err(Problem::from)
            }
            Ok(Ok(_)) => blog.table.give_up(attempt, false, now).await.map_err(Problem::from),
            Ok(Err(error)) => Err(error),
            Err(problem) => {
                let refused = problem.kind().status.is_client_error();
                blog.table.give_up(attempt, refused, now).await.map_err(Problem::from)
            }
        };
        if let Err(error) = ended {
            tracing::warn!(causes = error.causes(), "an answer was not kept for its Idempotency-Key");
        }
    }
}
