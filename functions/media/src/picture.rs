//! From the bytes that somebody uploads to pictures that we serve: decoded, turned upright, in sRGB, in several sizes, without metadata.
//! Pure.

use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::MediaType;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

/// How wide the files of a picture are, as far as it is wider.
const WIDTHS: [u32; 3] = [480, 960, 1920];

/// The maximum number of pixels: the photos of phones have up to 50 million.
const MAX_PIXELS: u64 = 50_000_000;

/// The maximum number of pixels of a side. A picture that is longer is no picture to look at.
const MAX_SIDE: u32 = 16_384;

/// The maximum number of bytes that decoding takes. 50 million pixels of 8 bits with transparency are 200 MB.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// Where a file of a photo is small and shows no blocks.
const JPEG_QUALITY: u8 = 82;

/// The longer side of the placeholder, in pixels: few enough to be blurred where it is stretched.
const PLACEHOLDER_SIDE: u32 = 8;

/// A picture that can be served.
#[derive(Debug)]
pub struct Picture {
    /// The smallest first.
    pub files: Vec<File>,
    /// A `data:` address.
    pub placeholder: String,
}

/// A file of a picture.
#[derive(Debug)]
pub struct File {
    /// What its address ends with.
    pub name: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// JPEG or PNG.
    pub content_type: MediaType,
    /// What is served.
    pub bytes: Vec<u8>,
}

/// Why an upload is not accepted. Its owner reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant's message says what it is")]
pub enum Refusal {
    #[error("The file is no picture of a type that is accepted.")]
    NoPicture,
    #[error("The file is a picture of another type than was announced.")]
    OtherType,
    #[error("The picture has more than 50 million pixels, or a side of more than 16384.")]
    TooLarge,
    #[error("The file is damaged.")]
    Broken,
}

/// Reads a picture that was announced as `declared`. What it is, its bytes say. Of one that moves, the first frame is read and no other, so
/// that it does not matter how many there are.
pub fn read(bytes: &[u8], declared: MediaType) -> Result<Picture, Refusal> {
    let (format, found) = match image::guess_format(bytes).map_err(|_| Refusal::NoPicture)? {
        format @ ImageFormat::Jpeg => (format, MediaType::Jpeg),
        format @ ImageFormat::Png => (format, MediaType::Png),
        format @ ImageFormat::WebP => (format, MediaType::WebP),
        format @ ImageFormat::Gif => (format, MediaType::Gif),
        _ => return Err(Refusal::NoPicture),
    };
    if found != declared {
        return Err(Refusal::OtherType);
    }
    // The decoder makes up what a file lacks that ends too early.
    if found == MediaType::Jpeg && ends_too_early(bytes) {
        return Err(Refusal::Broken);
    }
    let picture = decode(bytes, format)?;
    let has_alpha = picture.color().has_alpha() && picture.to_rgba8().pixels().any(|pixel| pixel.0[3] < u8::MAX);
    let own_width = picture.width();
    let mut widths: Vec<u32> = WIDTHS.into_iter().filter(|width| *width < own_width).collect();
    if widths.len() < WIDTHS.len() {
        widths.push(own_width);
    }
    // Each from the next larger one, which is much less work than each from the whole.
    let (mut files, mut larger) = (Vec::new(), picture);
    for width in widths.into_iter().rev() {
        larger = scaled(larger, width);
        files.push(encode(&larger, has_alpha)?);
    }
    files.reverse();
    Ok(Picture { placeholder: placeholder(&larger, has_alpha)?, files })
}

/// Whether a JPEG has no end (EOI) after its first scan begins (SOS). The picture in its metadata may have one. What is odd before the scan
/// is left to the decoder. <https://www.w3.org/Graphics/JPEG/itu-t81.pdf>, annex B.
fn ends_too_early(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(2..).unwrap_or_default();
    loop {
        // A marker may have any number of fill bytes before it.
        let filled = rest.iter().take_while(|byte| **byte == 0xFF).count();
        let Some([marker, high, low]) = rest.get(filled..filled + 3).filter(|_| filled > 0) else { return false };
        if *marker == 0xDA {
            return !rest.windows(2).any(|pair| pair == [0xFF, 0xD9]);
        }
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        rest = rest.get(filled + 1 + length..).unwrap_or_default();
    }
}

/// The pixels, as they are to be seen. What a header announces is checked before anything of that size is allocated.
fn decode(bytes: &[u8], format: ImageFormat) -> Result<DynamicImage, Refusal> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_BYTES);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let refusal = |error| match error {
        image::ImageError::Limits(_) => Refusal::TooLarge,
        _ => Refusal::Broken,
    };
    let mut decoder = reader.into_decoder().map_err(refusal)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS || decoder.total_bytes() > MAX_BYTES {
        return Err(Refusal::TooLarge);
    }
    if width == 0 || height == 0 {
        return Err(Refusal::Broken);
    }
    // What metadata says is used or, if it makes no sense, ignored.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let profile = decoder.icc_profile().ok().flatten();
    let mut picture = DynamicImage::from_decoder(decoder).map_err(refusal)?;
    // Sixteen bits and floats are more than a screen shows.
    picture = if picture.color().has_alpha() { picture.to_rgba8().into() } else { picture.to_rgb8().into() };
    if let Some(profile) = profile {
        to_srgb(&mut picture, &profile);
    }
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// Gives a picture the colours that its profile means, since the files have none. A profile that is damaged or of another kind of colours
/// is ignored.
fn to_srgb(picture: &mut DynamicImage, profile: &[u8]) {
    let Ok(profile) = ColorProfile::new_from_slice(profile) else { return };
    if profile.color_space != DataColorSpace::Rgb {
        return;
    }
    let layout = if picture.color().has_alpha() { Layout::Rgba } else { Layout::Rgb };
    let srgb = ColorProfile::new_srgb();
    let Ok(transform) = profile.create_transform_8bit(layout, &srgb, layout, TransformOptions::default()) else {
        return;
    };
    let source = picture.as_bytes().to_vec();
    let target: Option<&mut [u8]> = match picture {
        DynamicImage::ImageRgb8(pixels) => Some(&mut **pixels),
        DynamicImage::ImageRgba8(pixels) => Some(&mut **pixels),
        _ => None,
    };
    if let Some(target) = target
        && transform.transform(&source, target).is_err()
    {
        target.copy_from_slice(&source);
    }
}

/// A picture at this width, never wider than it is.
fn scaled(picture: DynamicImage, width: u32) -> DynamicImage {
    if width >= picture.width() {
        return picture;
    }
    let height = u64::from(picture.height()) * u64::from(width) / u64::from(picture.width());
    let height = u32::try_from(height).unwrap_or(MAX_SIDE).max(1);
    picture.resize_exact(width, height, FilterType::CatmullRom)
}

/// A file of a picture: JPEG, or PNG if something of it is transparent.
fn encode(picture: &DynamicImage, has_alpha: bool) -> Result<File, Refusal> {
    let (width, height) = (picture.width(), picture.height());
    let mut bytes = Vec::new();
    let (extension, content_type) = if has_alpha {
        picture.write_with_encoder(PngEncoder::new(&mut bytes)).map_err(|_| Refusal::Broken)?;
        ("png", MediaType::Png)
    } else {
        let encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
        picture.to_rgb8().write_with_encoder(encoder).map_err(|_| Refusal::Broken)?;
        ("jpg", MediaType::Jpeg)
    };
    Ok(File { name: format!("{width}.{extension}"), width, height, content_type, bytes })
}

fn placeholder(picture: &DynamicImage, has_alpha: bool) -> Result<String, Refusal> {
    let tiny = picture.thumbnail(PLACEHOLDER_SIDE, PLACEHOLDER_SIDE);
    let tiny: DynamicImage = if has_alpha { tiny.to_rgba8().into() } else { tiny.to_rgb8().into() };
    let mut bytes = Vec::new();
    tiny.write_with_encoder(PngEncoder::new(&mut bytes)).map_err(|_| Refusal::Broken)?;
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use image::{ImageEncoder, Rgb, RgbImage};

    use super::*;

    /// The pixel of a picture of one colour, as it is served, if its file has this profile.
    fn served(colour: [u8; 3], profile: Option<Vec<u8>>) -> [u8; 3] {
        let picture = RgbImage::from_pixel(16, 16, Rgb(colour));
        let mut bytes = Vec::new();
        let mut encoder = PngEncoder::new(&mut bytes);
        if let Some(profile) = profile {
            encoder.set_icc_profile(profile).unwrap();
        }
        encoder.write_image(&picture, 16, 16, image::ExtendedColorType::Rgb8).unwrap();
        let picture = read(&bytes, MediaType::Png).unwrap();
        image::load_from_memory(&picture.files[0].bytes).unwrap().to_rgb8()[(8, 8)].0
    }

    #[test]
    fn a_jpeg_that_ends_too_early_is_damaged() {
        let noise = RgbImage::from_fn(64, 64, |x, y| Rgb([(x * 37 + y * 91) as u8, (x * y) as u8, (x ^ y) as u8]));
        let mut whole = Vec::new();
        noise.write_with_encoder(JpegEncoder::new_with_quality(&mut whole, 90)).unwrap();
        // With another picture in its metadata, fill bytes before a marker, and something after its end.
        let exif = [&[0xFF, 0xFF, 0xE1, 0, 8][..], b"\xFF\xD8\xFF\xDA\xFF\xD9"].concat();
        let odd = [&whole[..2], &exif, &whole[2..], b"after"].concat();
        for (bytes, extra) in [(&whole, 0), (&odd, 5)] {
            assert!(read(bytes, MediaType::Jpeg).is_ok());
            for length in [bytes.len() - extra - 1, bytes.len() * 3 / 4, bytes.len() / 2] {
                assert_eq!(read(&bytes[..length], MediaType::Jpeg).unwrap_err(), Refusal::Broken, "{length}");
            }
        }
    }

    #[test]
    fn colours_are_those_that_the_profile_means() {
        let plain = served([100, 200, 100], None);
        let wide = served([100, 200, 100], Some(ColorProfile::new_display_p3().encode().unwrap()));
        assert!(plain[0] > 90 && wide[0] < 75, "{plain:?} {wide:?}");
        // Of another kind of colours, or no profile at all.
        let grey = served([100, 200, 100], Some(ColorProfile::new_gray_with_gamma(2.2).encode().unwrap()));
        let none = served([100, 200, 100], Some(b"no profile".to_vec()));
        assert_eq!((grey, none), (plain, plain));
    }
}
