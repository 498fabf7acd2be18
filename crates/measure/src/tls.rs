//! TLS in front of what speaks plain HTTP here, as it is in front of everything at AWS.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use aws::AMAZON_ROOTS;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A certificate for this machine, from an authority of its own. As at AWS's endpoints, all keys are RSA with 2048 bits, and an intermediate
/// authority stands between the root and the certificate: what a handshake takes is mostly what their signatures take.
/// <https://www.amazontrust.com/repository/>
pub struct Certificate {
    root: CertificateDer<'static>,
    acceptor: TlsAcceptor,
}

impl Certificate {
    /// A new one.
    pub fn new() -> io::Result<Self> {
        let (chain, key, root) = issued().map_err(io::Error::other)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(chain, key.into())
            .map_err(io::Error::other)?;
        Ok(Self { root, acceptor: TlsAcceptor::from(Arc::new(config)) })
    }

    /// Writes the roots that a function trusts at AWS, and this one's beside them; gives their number.
    pub fn write_roots(&self, file: &Path) -> io::Result<usize> {
        let mut roots = AMAZON_ROOTS.to_owned();
        roots.push_str("-----BEGIN CERTIFICATE-----\n");
        let text = STANDARD.encode(&self.root);
        for line in text.as_bytes().chunks(64) {
            roots.push_str(&String::from_utf8_lossy(line));
            roots.push('\n');
        }
        roots.push_str("-----END CERTIFICATE-----\n");
        std::fs::write(file, &roots)?;
        Ok(roots.matches("-----BEGIN CERTIFICATE-----").count())
    }

    /// Answers with TLS at a port of `localhost` and hands on to `target`; gives the address.
    pub async fn in_front_of(&self, target: SocketAddr) -> io::Result<String> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let acceptor = self.acceptor.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                // A function that is killed leaves its connections open: that is no failure.
                tokio::spawn(async move {
                    let mut outside = acceptor.accept(stream).await?;
                    let mut inside = TcpStream::connect(target).await?;
                    copy_bidirectional(&mut outside, &mut inside).await
                });
            }
        });
        Ok(format!("https://localhost:{port}"))
    }
}

/// A certificate with the intermediate one, its key, and the root.
fn issued() -> Result<(Vec<CertificateDer<'static>>, PrivatePkcs8KeyDer<'static>, CertificateDer<'static>), rcgen::Error>
{
    let new_key = || KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048);
    let authority = || {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority
    };
    let root = CertifiedIssuer::self_signed(named(authority(), "Root"), new_key()?)?;
    let intermediate = CertifiedIssuer::signed_by(named(authority(), "Intermediate"), new_key()?, &root)?;
    let key = new_key()?;
    let certificate = CertificateParams::new(["localhost".to_owned()])?.signed_by(&key, &intermediate)?;
    let chain = vec![certificate.der().clone(), intermediate.der().clone()];
    Ok((chain, PrivatePkcs8KeyDer::from(key), root.der().clone()))
}

fn named(mut authority: CertificateParams, name: &str) -> CertificateParams {
    authority.distinguished_name.push(DnType::CommonName, name);
    authority
}
