//! Everything that nobody may guess, from aws-lc's generator.

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::fault::Error;

fn bytes<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes)?;
    Ok(bytes)
}

/// A confirmation code: six digits, each value equally likely.
pub(super) fn code() -> Result<String, Error> {
    const CODES: u32 = 1_000_000;
    // What is left above the last whole multiple is drawn again: a plain remainder would favour low codes.
    const EVEN: u32 = u32::MAX - u32::MAX % CODES;
    loop {
        let drawn = u32::from_le_bytes(bytes()?);
        if drawn < EVEN {
            return Ok(format!("{:06}", drawn % CODES));
        }
    }
}

/// A random (version 4) UUID, RFC 9562 section 5.4: the form of `sub`, `jti` and `event_id`.
pub(super) fn uuid() -> Result<String, Error> {
    let version_and_variant = (0x4 << 76) | (0b10 << 62);
    let random = u128::from_be_bytes(bytes()?) & !((0xf << 76) | (0b11 << 62));
    let hex = format!("{:032x}", random | version_and_variant);
    let (time_low, rest) = hex.split_at(8);
    let (time_mid, rest) = rest.split_at(4);
    let (time_high, rest) = rest.split_at(4);
    let (clock, node) = rest.split_at(4);
    Ok(format!("{time_low}-{time_mid}-{time_high}-{clock}-{node}"))
}

/// A refresh token. The real one is an encrypted token; to clients it is opaque as well.
pub(super) fn refresh_token() -> Result<String, Error> {
    Ok(URL_SAFE_NO_PAD.encode(bytes::<48>()?))
}

/// For a hash that belongs to nobody.
pub(super) fn salt_and_digest() -> Result<([u8; 16], [u8; 32]), Error> {
    Ok((bytes()?, bytes()?))
}
