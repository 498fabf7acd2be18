//! Pictures: announced, uploaded, read by a plug-in, served, shown in posts, and deleted.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, RgbaImage};
use local::backing::TABLE_NAME;
use local::wire::Fault;
use serde_json::{Value, json};
use table::{Finding, Repair};

use crate::harness::{Answer, Client, TestStack};

/// A picture of this size, its left half red and its right half blue, as a file.
pub fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let color = |x: u32| if x < width / 2 { Rgb([255, 0, 0]) } else { Rgb([0, 0, 255]) };
    let picture = RgbImage::from_fn(width, height, |x, _| color(x));
    encoded(&picture.into(), format)
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// Announces a file of this type.
async fn announce(client: &Client, content_type: &str, bytes: &[u8]) -> Answer {
    let body = json!({ "filename": "cat.jpg", "content_type": content_type, "size": bytes.len(), "alt": "A cat" });
    client.post("/media", body).await
}

/// Sends a file in a form, as browsers do; gives the status.
pub async fn send(upload: &Value, file: &[u8]) -> u16 {
    let part = |name: &str| format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
    let mut body = Vec::new();
    for (name, value) in upload["fields"].as_object().unwrap() {
        body.extend(format!("{}{}\r\n", part(name), value.as_str().unwrap()).into_bytes());
    }
    body.extend(part("file").into_bytes());
    body.extend(file);
    body.extend(b"\r\n--edge--\r\n");
    let request = reqwest::Client::new().post(upload["url"].as_str().unwrap()).body(body);
    let request = request.header("content-type", "multipart/form-data; boundary=edge");
    request.send().await.unwrap().status().as_u16()
}

/// Announces and sends a file, and lets it be read; gives the path of the picture.
async fn upload(stack: &TestStack, client: &Client, content_type: &str, bytes: &[u8]) -> String {
    let announced = announce(client, content_type, bytes).await;
    announced.expect_status(201);
    assert_eq!(send(&announced.body["upload"], bytes).await, 204);
    stack.settle().await;
    format!("/media/{}", announced.body["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_picture_whose_upload_was_answered_is_read_by_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = picture(20, 10, ImageFormat::Png);
    let stack = TestStack::start_in(folder.path(), &[]).await;
    let announced = announce(&stack.user("ada").await, "image/png", &bytes).await;
    assert_eq!(send(&announced.body["upload"], &bytes).await, 204);
    drop(stack);

    let stack = TestStack::start_in(folder.path(), &[]).await;
    stack.settle().await;
    let path = format!("/media/{}", announced.body["id"].as_str().unwrap());
    assert_eq!(stack.visitor().get(&path).await.body["status"], "ready");
}

/// A ready picture of this width and half its height; gives its path.
pub async fn ready(stack: &TestStack, client: &Client, width: u32) -> String {
    let path = upload(stack, client, "image/png", &picture(width, width / 2, ImageFormat::Png)).await;
    assert_eq!(client.get(&path).await.body["status"], "ready");
    path
}

/// The files that there are below this folder of the bucket, asked for by their names.
fn file(stack: &TestStack, path: &str) -> Option<DynamicImage> {
    let response = local::s3::media_file(&stack.stack.backing.bucket, path);
    (response.status() == 200).then(|| image::load_from_memory(response.body()).unwrap())
}

#[tokio::test]
async fn a_picture_is_uploaded_read_and_served_in_several_sizes() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let bytes = picture(2000, 1000, ImageFormat::Jpeg);
    let announced = announce(&ada, "image/jpeg", &bytes).await;
    announced.expect_status(201);
    let path = format!("/media/{}", announced.body["id"].as_str().unwrap());
    assert_eq!(announced.header("location"), format!("/v1{path}"));
    assert_eq!(announced.body["status"], "waiting");
    // Whoever sends the form, or follows a link, acts for the function that made it.
    let roles = stack.stack.wire.roles();
    roles.check("create_media", "s3", "PutObject", &json!({ "Key": "uploads/1" })).unwrap();
    roles.check("get_media_file", "s3", "GetObject", &json!({ "Key": "media/1" })).unwrap();
    // Nobody else knows of it yet.
    stack.visitor().get(&path).await.expect_problem(404, "not-found");
    stack.user("bob").await.get(&path).await.expect_problem(404, "not-found");

    assert_eq!(send(&announced.body["upload"], &bytes).await, 204);
    stack.settle().await;
    let shown = stack.visitor().get(&path).await;
    shown.expect_status(200);
    assert_eq!(shown.body["status"], "ready");
    assert_eq!((&shown.body["width"], &shown.body["height"]), (&json!(1920), &json!(960)));
    assert_eq!((&shown.body["alt"], &shown.body["filename"]), (&json!("A cat"), &Value::Null));
    assert_eq!(ada.get(&path).await.body["filename"], "cat.jpg");
    assert!(shown.body["placeholder"].as_str().unwrap().starts_with("data:image/png;base64,"));
    let variants = shown.body["variants"].as_array().unwrap();
    let sizes: Vec<_> = variants.iter().map(|variant| (variant["width"].clone(), variant["height"].clone())).collect();
    assert_eq!(sizes, [(json!(480), json!(240)), (json!(960), json!(480)), (json!(1920), json!(960))]);
    assert_eq!(shown.body["url"], variants[2]["url"]);

    for variant in variants {
        assert_eq!(variant["content_type"], "image/jpeg");
        // By the API, and below the root of the site.
        let url = variant["url"].as_str().unwrap();
        let (_, below) = url.split_once("/v1").unwrap();
        let found = stack.visitor().get(below).await;
        found.expect_status(307);
        // For less than the link is valid.
        assert_eq!(found.header("cache-control"), "public, max-age=0, s-maxage=60, stale-while-revalidate=300");
        let fetched = reqwest::get(found.header("location")).await.unwrap();
        assert_eq!(fetched.status(), 200);
        assert_eq!(fetched.headers()["content-type"], "image/jpeg");
        assert_eq!(fetched.headers()["cache-control"], "public, max-age=31536000, immutable");
        assert_eq!(fetched.headers()["content-disposition"], "inline");
        // Alike for who asks for the head only.
        let head = stack.visitor().send("HEAD", below, &[], Vec::new()).await;
        let head = reqwest::Client::new().head(head.header("location")).send().await.unwrap();
        assert_eq!((head.status().as_u16(), head.headers()["content-type"].to_str().unwrap()), (200, "image/jpeg"));
        let served = file(&stack, below).unwrap();
        assert_eq!(json!(served.width()), variant["width"]);
        let (left, right) = (served.to_rgb8()[(1, 1)], served.to_rgb8()[(served.width() - 2, 1)]);
        assert!(left.0[0] > 200 && left.0[2] < 60 && right.0[2] > 200, "{left:?} {right:?}");
    }
    assert_eq!(file(&stack, &path).unwrap().width(), 1920, "the id alone is an address");
    let response = local::s3::media_file(&stack.stack.backing.bucket, &path);
    assert_eq!(response.headers()["content-security-policy"], "default-src 'none'; sandbox");
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    for other in ["/media/..%2fuploads", "/uploads/1", "/exports/1", "/media/nothing"] {
        assert_eq!(local::s3::media_file(&stack.stack.backing.bucket, other).status(), 403, "{other}");
    }
    for other in ["480.png", "1.jpg", "..", "480.jpg%2f.."] {
        stack.visitor().get(&format!("{path}/{other}")).await.expect_problem(404, "not-found");
    }
    let event = stack.take_put("broadsheet").into_iter().find(|event| event["detail-type"] == "media.ready").unwrap();
    assert_eq!(event["detail"]["data"]["width"], 1920);
}

#[tokio::test]
async fn a_picture_is_never_enlarged_and_keeps_what_is_transparent() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let small = upload(&stack, &ada, "image/gif", &picture(300, 2, ImageFormat::Gif)).await;
    let small = ada.get(&small).await.body;
    assert_eq!(small["variants"].as_array().unwrap().len(), 1);
    assert_eq!((&small["width"], &small["height"], &small["status"]), (&json!(300), &json!(2), &json!("ready")));

    let mut glass = RgbaImage::from_pixel(700, 10, image::Rgba([0, 255, 0, 255]));
    glass[(699, 9)].0[3] = 0;
    let glass = upload(&stack, &ada, "image/webp", &encoded(&glass.into(), ImageFormat::WebP)).await;
    let shown = ada.get(&glass).await.body;
    let sizes: Vec<_> = shown["variants"].as_array().unwrap().iter().map(|one| one["width"].clone()).collect();
    assert_eq!(sizes, [json!(480), json!(700)]);
    assert_eq!(shown["variants"][0]["content_type"], "image/png");
    assert_eq!(file(&stack, &format!("{glass}/700.png")).unwrap().to_rgba8()[(699, 9)].0[3], 0);

    let clear = DynamicImage::from(RgbaImage::from_pixel(10, 10, image::Rgba([0, 255, 0, 255])));
    let opaque = upload(&stack, &ada, "image/png", &encoded(&clear, ImageFormat::Png)).await;
    assert_eq!(ada.get(&opaque).await.body["variants"][0]["content_type"], "image/jpeg");
}

/// A JPEG with metadata: that it lies on its side, and what nobody is to see.
fn with_metadata(jpeg: &[u8]) -> Vec<u8> {
    let mut exif = b"Exif\0\0II*\0\x08\0\0\0".to_vec();
    // Two entries: orientation 6 (turn by 90 degrees), and an artist.
    exif.extend([2, 0]);
    exif.extend([0x12, 0x01, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0]);
    exif.extend([0x3b, 0x01, 2, 0, 12, 0, 0, 0, 38, 0, 0, 0]);
    exif.extend([0, 0, 0, 0]);
    exif.extend(b"Secret place");
    let mut bytes = jpeg[..2].to_vec();
    bytes.extend([0xff, 0xe1]);
    bytes.extend(u16::try_from(exif.len() + 2).unwrap().to_be_bytes());
    bytes.extend(exif);
    bytes.extend(&jpeg[2..]);
    bytes
}

#[tokio::test]
async fn a_photo_is_turned_upright_and_tells_nothing_of_where_it_was_taken() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let photo = with_metadata(&picture(600, 300, ImageFormat::Jpeg));
    let path = upload(&stack, &ada, "image/jpeg", &photo).await;
    let shown = ada.get(&path).await.body;
    assert_eq!((&shown["width"], &shown["height"]), (&json!(300), &json!(600)), "{shown}");
    let served = local::s3::media_file(&stack.stack.backing.bucket, &path);
    let bytes = served.body();
    assert!(!bytes.windows(6).any(|window| window == b"Secret" || window == b"Exif\0\0"));
    // What was left is above now.
    let upright = image::load_from_memory(bytes).unwrap().to_rgb8();
    assert!(upright[(150, 5)].0[0] > 200 && upright[(150, 595)].0[2] > 200);
}

#[tokio::test]
async fn what_is_no_picture_is_refused_and_the_owner_is_told_why() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let png = picture(10, 10, ImageFormat::Png);
    // A header that says another size.
    let of_size = |width: u32, height: u32| {
        let mut bytes = png.clone();
        bytes[16..20].copy_from_slice(&width.to_be_bytes());
        bytes[20..24].copy_from_slice(&height.to_be_bytes());
        let checksum = crc32(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
        bytes
    };
    let html = b"<!doctype html><script>alert(1)</script>".to_vec();
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec();
    let mut damaged = picture(400, 400, ImageFormat::Jpeg);
    damaged.truncate(300);
    let mut cut = picture(400, 400, ImageFormat::Jpeg);
    cut.truncate(cut.len() * 3 / 4);
    for (content_type, bytes, why) in [
        ("image/png", html, "no picture"),
        ("image/gif", svg, "no picture"),
        ("image/jpeg", png.clone(), "another type"),
        ("image/png", of_size(60_000, 60_000), "million pixels"),
        // The memory would do.
        ("image/png", of_size(9_000, 6_000), "million pixels"),
        ("image/png", of_size(20_000, 10), "million pixels"),
        ("image/png", of_size(10, 20_000), "million pixels"),
        ("image/jpeg", damaged, "damaged"),
        ("image/jpeg", cut, "damaged"),
        ("image/png", png[..40].to_vec(), "damaged"),
        ("image/webp", b"RIFF\x10\0\0\0WEBPVP8X\0\0\0\0".to_vec(), "damaged"),
    ] {
        let path = upload(&stack, &ada, content_type, &bytes).await;
        let shown = ada.get(&path).await.body;
        assert_eq!(shown["status"], "refused", "{why}: {shown}");
        assert!(shown["refusal"].as_str().unwrap().contains(why), "{why}: {shown}");
        assert_eq!((&shown["url"], &shown["variants"]), (&Value::Null, &json!([])));
        stack.visitor().get(&path).await.expect_problem(404, "not-found");
        assert!(file(&stack, &path).is_none());
    }
    // A day later it is gone.
    let listed = ada.get("/me/media").await.body["items"].as_array().unwrap().clone();
    assert_eq!(listed.len(), 11);
    stack.pass_seconds(24 * 60 * 60);
    let ada = stack.log_in("ada").await;
    assert_eq!(ada.get("/me/media").await.body["items"], json!([]));
    let path = format!("/media/{}", listed[0]["id"].as_str().unwrap());
    ada.get(&path).await.expect_problem(404, "not-found");
    ada.delete(&path).await.expect_problem(404, "not-found");
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

#[tokio::test]
async fn what_cannot_become_a_picture_is_refused_at_once() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let announce = |body: Value| ada.post("/media", body);
    let good = json!({ "filename": "a.png", "content_type": "image/png", "size": 10 });
    announce(good.clone()).await.expect_status(201);
    for (field, value) in [
        ("content_type", json!("image/svg+xml")),
        ("content_type", json!("text/html")),
        ("size", json!(0)),
        ("size", json!(20 * 1024 * 1024 + 1)),
        ("size", json!("10")),
        ("size", json!(-1)),
        ("filename", json!("")),
        ("alt", json!("a\nb")),
        ("owner", json!("bob")),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let refused = announce(body).await;
        refused.expect_problem(422, "validation-failed");
        assert_eq!(refused.body["errors"][0]["pointer"], format!("/{field}"));
    }
    stack.visitor().post("/media", good.clone()).await.expect_problem(401, "unauthenticated");

    // S3 takes what was announced and nothing else.
    let announced = announce(good.clone()).await.body;
    assert_eq!(send(&announced["upload"], b"0123456789").await, 204);
    assert_eq!(send(&announced["upload"], b"01234567890").await, 400, "too large");
    assert_eq!(send(&announced["upload"], b"012345678").await, 400, "too small");
    for (name, value) in [("key", "media/1"), ("Content-Type", "text/html")] {
        let mut other = announced["upload"].clone();
        other["fields"][name] = json!(value);
        assert_eq!(send(&other, b"0123456789").await, 403, "{name}");
    }
    for _ in 0..98 {
        announce(good.clone()).await;
    }
    announce(good).await.expect_problem(429, "too-many-requests");
}

#[tokio::test]
async fn a_picture_is_described_and_deleted_by_its_owner() {
    let stack = TestStack::start().await;
    let (ada, bob, chief) = (stack.user("ada").await, stack.user("bob").await, stack.admin().await);
    let path = ready(&stack, &ada, 500).await;
    let before = ada.get(&path).await;
    let described = ada.patch(&path, &before.etag(), json!({ "alt": "A dog" })).await;
    described.expect_status(200);
    assert_eq!(described.body["alt"], "A dog");
    ada.patch(&path, &before.etag(), json!({ "alt": null })).await.expect_problem(412, "precondition-failed");
    assert_eq!(ada.patch(&path, "*", json!({ "alt": null })).await.body["alt"], Value::Null);
    assert_eq!(ada.patch(&path, "*", json!({})).await.body["version"], json!(4));
    bob.patch(&path, "*", json!({ "alt": "Mine" })).await.expect_problem(403, "forbidden");
    bob.delete(&path).await.expect_problem(403, "forbidden");
    stack.visitor().delete(&path).await.expect_problem(401, "unauthenticated");
    for of_nobody in ["/media/01KAM5K9R0000000000000000A", "/media/nonsense"] {
        ada.get(of_nobody).await.expect_problem(404, "not-found");
        ada.delete(of_nobody).await.expect_problem(404, "not-found");
        ada.patch(of_nobody, "*", json!({})).await.expect_problem(404, "not-found");
    }

    assert!(file(&stack, &path).is_some());
    ada.delete(&path).await.expect_status(204);
    ada.get(&path).await.expect_problem(404, "not-found");
    ada.get(&format!("{path}/480.jpg")).await.expect_problem(404, "not-found");
    stack.settle().await;
    for gone in [path.clone(), format!("{path}/480.jpg"), format!("{path}/500.jpg")] {
        assert!(file(&stack, &gone).is_none(), "{gone}");
    }
    let other = ready(&stack, &ada, 20).await;
    chief.delete(&other).await.expect_status(204);
    let audited = chief.get("/admin/audit").await.body["items"][0].clone();
    assert_eq!(audited["action"], "media.deleted");
    assert_eq!(format!("/media/{}", audited["subject"]["id"].as_str().unwrap()), other);
    assert_eq!(ada.get("/me/media").await.body["items"], json!([]));
    stack.settle().await;
}

#[tokio::test]
async fn a_post_shows_its_pictures_in_their_sizes() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let path = ready(&stack, &ada, 1000).await;
    let id = path.rsplit('/').next().unwrap();
    let body = json!({ "title": "Cats", "body": format!("![Two cats]({path})"), "status": "published" });
    let post = ada.post("/posts", body).await;
    post.expect_status(201);
    let html = post.body["html"].as_str().unwrap().to_owned();
    let base = ada.get(&path).await.body["url"].as_str().unwrap().split("/media/").next().unwrap().to_owned();
    let address = |name: &str| format!("{base}/media/{id}/{name}");
    let [small, medium, large] = ["480.jpg", "960.jpg", "1000.jpg"].map(address);
    assert_eq!(
        html,
        format!(
            "<p><img src=\"{medium}\" alt=\"Two cats\" srcset=\"{small} 480w, {medium} 960w, {large} 1000w\" \
             sizes=\"(max-width: 60rem) 100vw, 60rem\" width=\"1000\" height=\"500\" loading=\"lazy\"></p>\n"
        )
    );
    // One that is not there yet is shown at its id, and in its sizes from the next edit on.
    let bytes = picture(600, 300, ImageFormat::Png);
    let announced = announce(&ada, "image/png", &bytes).await.body;
    let early = format!("/media/{}", announced["id"].as_str().unwrap());
    let body = format!("![]({early})");
    let edited = ada.patch("/posts/cats", "*", json!({ "body": body })).await;
    assert_eq!(edited.body["html"], format!("<p><img src=\"{early}\" alt=\"\" loading=\"lazy\"></p>\n"));
    send(&announced["upload"], &bytes).await;
    stack.settle().await;
    let edited = ada.patch("/posts/cats", "*", json!({ "body": body })).await;
    assert!(edited.body["html"].as_str().unwrap().contains("alt=\"A cat\" srcset="), "{}", edited.body["html"]);
    // A version of before is shown as it would be written now.
    let restored = ada.post("/posts/cats/revisions/1/restore", json!({})).await;
    assert_eq!(restored.body["html"], html);
    // In feeds, too.
    let feed = stack.visitor().get("/feed.json").await;
    assert!(feed.body.to_string().contains("1000.jpg 1000w"), "{}", feed.body);

    let many: String = (0..31).map(|number| format!("![](/media/01KAM5K9R000000000000000{number:02}) ")).collect();
    let refused = ada.post("/posts", json!({ "title": "Many", "body": many })).await;
    refused.expect_problem(422, "validation-failed");
    assert_eq!(refused.body["errors"][0]["pointer"], "/body");
}

#[tokio::test]
async fn pictures_that_no_post_shows_can_be_listed() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let (first, second) = (ready(&stack, &ada, 20).await, ready(&stack, &ada, 20).await);
    let unused = async || -> Vec<String> {
        let listed = ada.get("/me/media?unused=true").await;
        listed.expect_status(200);
        let path = |media: &Value| format!("/media/{}", media["id"].as_str().unwrap());
        listed.body["items"].as_array().unwrap().iter().map(path).collect()
    };
    assert_eq!(unused().await, [second.clone(), first.clone()]);
    ada.post("/posts", json!({ "title": "One", "body": format!("![]({first})") })).await.expect_status(201);
    assert_eq!(unused().await, std::slice::from_ref(&second));
    // Others' posts do not count: they may come and go without the owner knowing.
    let bob = stack.user("bob").await;
    bob.post("/posts", json!({ "title": "Two", "body": format!("![]({second})") })).await.expect_status(201);
    assert_eq!(unused().await, std::slice::from_ref(&second));
    ada.patch("/posts/one", "*", json!({ "body": format!("![]({second})") })).await.expect_status(200);
    assert_eq!(unused().await, std::slice::from_ref(&first));
    // In the trash it is still shown to its author.
    ada.delete("/posts/one").await.expect_status(204);
    assert_eq!(unused().await, std::slice::from_ref(&first));
    stack.settle().await;
    assert_eq!(ada.get("/me/media").await.body["items"].as_array().unwrap().len(), 2);
    assert_eq!(ada.get("/me/media?unused=false").await.body["items"].as_array().unwrap().len(), 2);
    let newest = ada.get("/me/media?limit=1").await;
    let next = format!("/me/media?limit=1&cursor={}", newest.body["next_cursor"].as_str().unwrap());
    let paths: Vec<_> = [&newest, &ada.get(&next).await].map(|page| page.body["items"][0]["id"].clone()).into();
    assert_eq!(paths, [&second, &first].map(|path| json!(path.trim_start_matches("/media/"))));
    ada.get("/me/media?unused=maybe").await.expect_problem(422, "validation-failed");
    assert_eq!(bob.get("/me/media").await.body["items"], json!([]));
}

#[tokio::test]
async fn of_pictures_that_many_posts_show_none_is_listed_as_unused() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let mut text = String::new();
    for _ in 0..30 {
        let announced = announce(&ada, "image/png", b"0123456789").await.body;
        text += &format!("![](/media/{})\n", announced["id"].as_str().unwrap());
    }
    // More notes of what is shown than are read at once.
    for title in ["One", "Two", "Three", "Four"] {
        ada.post("/posts", json!({ "title": title, "body": text })).await.expect_status(201);
    }
    assert_eq!(ada.get("/me/media?unused=true&limit=30").await.body["items"], json!([]));
}

#[tokio::test]
async fn a_repair_corrects_which_pictures_are_there_and_shown() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let path = ready(&stack, &ada, 20).await;
    let id = path.rsplit('/').next().unwrap();
    let post = ada.post("/posts", json!({ "title": "One", "body": format!("![]({path})") })).await.body;
    let post = post["id"].as_str().unwrap();
    stack.settle().await;
    let user = ada.get("/me").await.body["id"].as_str().unwrap().to_owned();
    let client = aws_sdk_dynamodb::Client::new(&local::stack::sdk_config(stack.stack.wire.clone()));
    let key = |text: String| aws_sdk_dynamodb::types::AttributeValue::S(text);
    let uses = format!("MEDIAUSES#{user}");
    let delete = client.delete_item().table_name(TABLE_NAME).key("pk", key(uses.clone()));
    delete.key("sk", key(format!("{id}#{post}"))).send().await.unwrap();
    for (pk, sk) in [(uses, format!("{id}#{id}")), (format!("MEDIAOF#{user}"), post.to_owned())] {
        client.put_item().table_name(TABLE_NAME).item("pk", key(pk)).item("sk", key(sk)).send().await.unwrap();
    }
    let blog = &stack.stack.blog;
    for mode in [Repair::Report, Repair::Mend] {
        let mut found = Vec::new();
        let settings = crate::repaired::settings(blog);
        let report = &mut |finding: Finding| found.push(finding.to_string());
        blog.table.repair(mode, settings, blog.now(), report).await.unwrap();
        assert_eq!(
            found,
            [
                format!("post {post}: note of picture {id}#{post} is 0 and should be 1"),
                format!("user {user}: picture {post} in the list is 1 and should be 0"),
                format!("user {user}: note of picture {id}#{id} is 1 and should be 0"),
            ]
        );
    }
    assert_eq!(ada.get("/me/media?unused=true").await.body["items"], json!([]));
}

#[tokio::test]
async fn an_upload_is_read_once_however_often_s3_tells_of_it() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let bytes = picture(30, 20, ImageFormat::Png);
    let wire = &stack.stack.wire;
    // Whichever call fails, the event comes again.
    for (action, skip) in
        [("GetObject", 0), ("PutObject", 0), ("PutObject", 1), ("TransactWriteItems", 0), ("DeleteObject", 0)]
    {
        for fault in [Fault::ServerError, Fault::AnswerLost] {
            let announced = announce(&ada, "image/png", &bytes).await.body;
            let path = format!("/media/{}", announced["id"].as_str().unwrap());
            send(&announced["upload"], &bytes).await;
            wire.break_calls(action, skip, 3, fault);
            stack.settle().await;
            wire.mend();
            assert_eq!(ada.get(&path).await.body["status"], "ready", "{action} {skip} {fault:?}");
            // Who sends the form once more changes nothing, and nothing stays of it.
            assert_eq!(send(&announced["upload"], &bytes).await, 204);
            stack.settle().await;
            let uploaded = format!("uploads/{}", announced["id"].as_str().unwrap());
            assert!(stack.stack.backing.bucket.file(&uploaded).is_none());
            assert_eq!(ada.get(&path).await.body["version"], 2);
        }
    }
}

/// Uploads a picture, and does something to it when it has been read and this is about to be written.
async fn while_it_is_read(stack: &TestStack, client: &Client, act: impl AsyncFnOnce(&str)) -> String {
    let bytes = picture(30, 20, ImageFormat::Png);
    let announced = announce(client, "image/png", &bytes).await.body;
    let path = format!("/media/{}", announced["id"].as_str().unwrap());
    send(&announced["upload"], &bytes).await;
    let hold = stack.stack.wire.hold_call("TransactWriteItems");
    let reading = tokio::spawn({
        let stack = stack.clone();
        async move { stack.settle().await }
    });
    hold.arrived().await;
    act(&path).await;
    hold.release();
    reading.await.unwrap();
    stack.settle().await;
    path
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_that_is_described_while_it_is_read_keeps_the_text() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let path = while_it_is_read(&stack, &ada, async |path| {
        ada.patch(path, "*", json!({ "alt": "Two cats" })).await.expect_status(200);
    })
    .await;
    let shown = ada.get(&path).await.body;
    assert_eq!((&shown["status"], &shown["alt"], &shown["version"]), (&json!("ready"), &json!("Two cats"), &json!(3)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_that_is_deleted_while_it_is_read_leaves_nothing() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let path = while_it_is_read(&stack, &ada, async |path| {
        ada.delete(path).await.expect_status(204);
    })
    .await;
    assert!(file(&stack, &path).is_none() && file(&stack, &format!("{path}/30.jpg")).is_none());
}

#[tokio::test]
async fn who_leaves_takes_their_pictures_along() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let path = ready(&stack, &ada, 20).await;
    ada.post("/posts", json!({ "title": "One", "body": format!("![]({path})") })).await.expect_status(201);
    // The export tells of them.
    let export = ada.post("/me/export", json!({})).await.body["export_id"].as_str().unwrap().to_owned();
    stack.settle().await;
    let url = ada.get(&format!("/me/exports/{export}")).await.body["url"].as_str().unwrap().to_owned();
    let exported: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    assert_eq!(format!("/media/{}", exported["media"][0]["id"].as_str().unwrap()), path);

    ada.call("DELETE", "/me", &[], Some(json!({ "password": crate::harness::PASSWORD }))).await.expect_status(204);
    stack.settle().await;
    stack.visitor().get(&path).await.expect_problem(404, "not-found");
    assert!(file(&stack, &path).is_none() && file(&stack, &format!("{path}/20.jpg")).is_none());
    let left = crate::counters::all_keys(&stack).await;
    let left: Vec<_> = left.iter().filter(|(pk, _)| pk.starts_with("MEDIA")).collect();
    assert!(left.is_empty(), "{left:?}");
}
