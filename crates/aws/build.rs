//! Writes the certificates of Amazon's certificate authorities, as Mozilla has them, to `amazon-roots.pem`.

use std::error::Error;
use std::fmt::Write;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

/// The authorities that certify AWS's endpoints, by the names in their certificates.
/// <https://www.amazontrust.com/repository/>
const NAMES: [&str; 5] = [
    "Amazon Root CA 1",
    "Amazon Root CA 2",
    "Amazon Root CA 3",
    "Amazon Root CA 4",
    "Starfield Services Root Certificate Authority - G2",
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut text = String::new();
    for name in NAMES {
        let is_named = |certificate: &[u8]| certificate.windows(name.len()).any(|bytes| bytes == name.as_bytes());
        let mut found = TLS_SERVER_ROOT_CERTS.iter().filter(|certificate| is_named(certificate));
        let (Some(certificate), None) = (found.next(), found.next()) else {
            return Err(format!("there is not one {name}").into());
        };
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        for line in STANDARD.encode(certificate).as_bytes().chunks(64) {
            writeln!(text, "{}", String::from_utf8_lossy(line))?;
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    #[allow(clippy::disallowed_methods, reason = "Cargo tells build scripts by variables")]
    let folder = std::env::var("OUT_DIR")?;
    std::fs::write(Path::new(&folder).join("amazon-roots.pem"), text)?;
    println!("cargo:rerun-if-changed=build.rs");
    Ok(())
}
