//! Uploads: a picture is served as large as it is, in each of its files, and what cannot be decoded is refused.

#![cfg_attr(fuzzing, no_main)]

use std::io::Cursor;

use domain::MediaType;
use image::{ImageFormat, ImageReader};
use media::picture::{Refusal, read};

/// Larger ones take too long to be tried often, and are looked at no further than to their header.
const MANY_PIXELS: u64 = 1_000_000;

/// What is too large for the server.
const MAX_PIXELS: u64 = 50_000_000;
const MAX_SIDE: u32 = 16_384;

/// The bytes are an upload.
pub fn check(bytes: &[u8]) {
    let format = image::guess_format(bytes).ok();
    let all = [MediaType::Jpeg, MediaType::Png, MediaType::WebP, MediaType::Gif];
    let formats = [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif];
    let found = format.and_then(|format| Some((format, all[formats.iter().position(|known| *known == format)?])));
    for declared in all.into_iter().filter(|declared| found.is_none_or(|(_, found)| found != *declared)) {
        let refusal = if found.is_some() { Refusal::OtherType } else { Refusal::NoPicture };
        assert_eq!(read(bytes, declared).err(), Some(refusal), "it was announced as {declared:?}");
    }
    let Some((format, declared)) = found else { return };
    let size = ImageReader::with_format(Cursor::new(bytes), format).into_dimensions();
    let (width, height) = size.unwrap_or_default();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > MAX_PIXELS || width > MAX_SIDE || height > MAX_SIDE {
        assert!(read(bytes, declared).is_err(), "it has {width} times {height} pixels");
        return;
    }
    if pixels > MANY_PIXELS {
        return;
    }
    let decoded = image::load_from_memory_with_format(bytes, format).ok();
    let decoded = decoded.filter(|picture| picture.width() > 0 && picture.height() > 0);
    let picture = match (read(bytes, declared), decoded) {
        (Ok(picture), Some(decoded)) => {
            let size = (decoded.width(), decoded.height());
            let turned = (decoded.height(), decoded.width());
            let served = picture.files.last().map(|file| (file.width, file.height));
            let fits = |(width, height): (u32, u32)| {
                let scaled = (1920, (u64::from(height) * 1920 / u64::from(width)).max(1) as u32);
                served == Some(if width > 1920 { scaled } else { (width, height) })
            };
            assert!(fits(size) || fits(turned), "it is {size:?} and served as {served:?}");
            picture
        }
        (Err(_), None) => return,
        // The decoder makes up what is missing.
        (Err(Refusal::Broken), Some(_)) if declared == MediaType::Jpeg && !has_end(bytes) => return,
        (read, decoded) => panic!("{:?}, and decoded: {}", read.map(|_| "accepted"), decoded.is_some()),
    };
    for file in &picture.files {
        let format = match file.content_type {
            MediaType::Png => ImageFormat::Png,
            _ => ImageFormat::Jpeg,
        };
        let size = ImageReader::with_format(Cursor::new(&file.bytes), format).into_dimensions();
        assert_eq!(size.ok(), Some((file.width, file.height)), "{}", file.name);
        assert!(image::load_from_memory_with_format(&file.bytes, format).is_ok(), "{} cannot be shown", file.name);
    }
    assert!(picture.files.is_sorted_by_key(|file| file.width), "the smallest file is not the first");
    assert!(picture.placeholder.len() < 2_000, "{} is no placeholder", picture.placeholder);
}

/// Whether the last scan of a JPEG ends.
fn has_end(bytes: &[u8]) -> bool {
    let mut pairs = bytes.windows(2);
    let scan = pairs.rposition(|pair| pair == [0xFF, 0xDA]).unwrap_or_default();
    bytes[scan..].windows(2).any(|pair| pair == [0xFF, 0xD9])
}

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check(bytes));
