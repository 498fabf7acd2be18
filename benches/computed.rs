//! What requests compute without asking anybody: a cursor, the check of a token, the JSON of a page of cards, the Markdown of a post.

use std::hint::black_box;

use aws::Sdk;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaPublicKeyComponents};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use criterion::{Criterion, criterion_group, criterion_main};
use domain::{Details, NewPost, NewText, Page, Post, PostId, PostText, Role, Timestamp, User};
use serde_json::json;
use table::{Cursor, SigningKey, Table};
use tokens::Verifier;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;
use ulid::Ulid;

/// 2026-11-21T08:30:00Z.
const NOW: i64 = 1_795_249_800_000;
const ISSUER: &str = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Pool";
const CLIENT: &str = "client";

fn now() -> Timestamp {
    Timestamp::from_milliseconds(NOW)
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn cursor(criterion: &mut Criterion) {
    let key = SigningKey::new(&[7; 32]);
    let cursor = Cursor::after("2026-11-21T08:30:00.000Z#01KAM5K9R0000000000000000A");
    let signed = cursor.sign("LATEST", &key);
    assert_eq!(Cursor::verify(&signed, "LATEST", &key).as_ref(), Some(&cursor));
    criterion.bench_function("sign a cursor", |bencher| bencher.iter(|| black_box(&cursor).sign("LATEST", &key)));
    criterion.bench_function("verify a cursor", |bencher| {
        bencher.iter(|| Cursor::verify(black_box(&signed), "LATEST", &key).unwrap());
    });
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Answers one request for the pool's keys; gives its address.
async fn serve_keys(keys: String) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await.unwrap();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{keys}", keys.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    format!("http://{address}/")
}

fn token(criterion: &mut Criterion) {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let RsaPublicKeyComponents { n, e } = RsaPublicKeyComponents::<Vec<u8>>::from(key.public_key());
    let jwk = json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": "key", "n": encoded(n), "e": encoded(e) });
    let seconds = NOW / 1000;
    let claims = json!({
        "sub": "0", "aud": CLIENT, "iss": ISSUER, "token_use": "id", "cognito:username": "u", "auth_time": seconds,
        "iat": seconds, "exp": seconds + 3600, "origin_jti": "j", "jti": "j",
    });
    let text =
        format!("{}.{}", encoded(json!({ "alg": "RS256", "kid": "key" }).to_string()), encoded(claims.to_string()));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
    let token = format!("{text}.{}", encoded(signature));

    let runtime = runtime();
    let verifier = runtime.block_on(async {
        let url = serve_keys(json!({ "keys": [jwk] }).to_string()).await;
        let connector = Sdk::from_env().unwrap().connector();
        let verifier = Verifier::new(ISSUER.to_owned(), CLIENT.to_owned(), url, connector);
        verifier.prefetch(now()).await.unwrap();
        verifier
    });
    criterion.bench_function("verify a token", |bencher| {
        bencher.iter(|| runtime.block_on(verifier.verify(black_box(&token), now())).unwrap());
    });
}

fn cards(criterion: &mut Criterion) {
    let email = "ada@example.com".to_owned().try_into().unwrap();
    let name = "ada".to_owned().try_into().unwrap();
    let author = User::new(Ulid::from_parts(1, 1).into(), name, email, Role::Author, now(), now());
    let text = NewText { text: PostText { markdown: "B".into(), html: "<p>B</p>".into() }, ..NewText::default() };
    let post = |number: u64| {
        let title = format!("Post number {number}");
        let fields = json!({ "title": title, "summary": "s".repeat(470), "tags": ["one", "two"] });
        let details: Details = serde_json::from_value(fields).unwrap();
        let new = NewPost { details, ..NewPost::default() };
        let id: PostId = Ulid::from_parts(number, 1).into();
        let mut post = Post::draft(new, &text, id, &author, now());
        post.publish(None, now()).unwrap();
        post
    };
    let posts: Vec<Post> = (0..100).map(post).collect();
    // Nothing is asked of it: the posts show no others, and nobody is signed in.
    let table = Table::new(&Sdk::from_env().unwrap(), "none".to_owned(), 0);
    let runtime = runtime();
    let page = || Page { items: posts.clone(), next_cursor: Some("cursor".to_owned()) };
    criterion.bench_function("the JSON of a page of 100 cards", |bencher| {
        bencher.iter_batched(
            page,
            |page| {
                let page = runtime.block_on(views::post_cards(&table, page, None)).unwrap();
                serde_json::to_string(&page.items).unwrap()
            },
            criterion::BatchSize::SmallInput,
        );
    });
}

fn text(criterion: &mut Criterion) {
    let part = "## A heading\n\nSome *text* with [a link](https://example.com/a?b=c&d=e) and `code`: R&D, «quoted».\n\n- one\n- two\n\n```rust\nfn main() {}\n```\n\n";
    for kilobytes in [10, 100] {
        let text = part.repeat(kilobytes * 1000 / part.len());
        criterion.bench_function(&format!("the Markdown of {kilobytes} KB"), |bencher| {
            bencher.iter(|| markdown::render(black_box(&text)).is_ok());
        });
    }
}

criterion_group! {
    name = computed;
    config = Criterion::default().sample_size(20);
    targets = cursor, token, cards, text
}
criterion_main!(computed);
