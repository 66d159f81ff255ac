//! Who is believed: the public, an authority, one pinned certificate, anybody.

use std::net::SocketAddr;
use std::sync::Arc;

use bessemer::clock::Clock;
use bessemer::net::Net;
use bessemer::net::http::{Client, HttpError, Request, Trust, Url};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;

use super::scripted::{Server, ok};
use tokio_rustls::TlsAcceptor;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

struct Certificate {
    pem: String,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

fn p384() -> std::result::Result<rcgen::KeyPair, rcgen::Error> {
    rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384)
}

/// Self-made for 127.0.0.1, as the agent does.
fn self_made() -> Result<Certificate> {
    let key = p384()?;
    let certificate = rcgen::CertificateParams::new(vec!["127.0.0.1".into()])?.self_signed(&key)?;
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    Ok(Certificate { pem: certificate.pem(), chain: vec![certificate.der().clone()], key: der })
}

/// Answers every connection with an empty 200.
async fn serve(certificate: Certificate) -> Result<(SocketAddr, JoinSet<()>)> {
    serve_with(certificate, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi".to_owned()).await
}

async fn serve_with(certificate: Certificate, answer: String) -> Result<(SocketAddr, JoinSet<()>)> {
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificate.chain, certificate.key)?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = Net::system().listen(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let address = listener.local_addr()?;
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = [0; 1024];
            drop(stream.read(&mut request).await);
            drop(stream.write_all(answer.as_bytes()).await);
            drop(stream.shutdown().await);
        }
    });
    Ok((address, tasks))
}

async fn ask(address: SocketAddr, trust: Trust) -> Result<std::result::Result<Vec<u8>, HttpError>> {
    let mut request = Request::get(Url::parse(&format!("https://{address}/"))?);
    request.trust = trust;
    let client = Client::new(Net::system(), Clock::system());
    Ok(match client.send(request).await {
        Ok(response) => response.bytes().await.map(|bytes| bytes.to_vec()),
        Err(error) => Err(error),
    })
}

#[tokio::test]
async fn a_pinned_certificate_is_believed_and_no_other() -> Result {
    let (ours, other) = (self_made()?, self_made()?);
    let pem = ours.pem.clone();
    let (address, _server) = serve(ours).await?;
    assert_eq!(ask(address, Trust::Pinned(pem.into())).await??, b"hi");
    let refused = ask(address, Trust::Pinned(other.pem.into())).await?;
    assert!(matches!(refused, Err(HttpError::Tls { .. })), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn what_was_asked_for_in_secret_is_not_asked_for_in_the_open() -> Result {
    let open = Server::start([("/x", ok(b"hi"))]).await?;
    for status in ["301 Moved", "302 Found", "303 Other", "307 Again", "308 Moved"] {
        let moved = format!("HTTP/1.1 {status}\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", open.url("/x"));
        let (address, _server) = serve_with(self_made()?, moved).await?;
        let refused = ask(address, Trust::Anyone).await?;
        assert!(matches!(&refused, Err(HttpError::Url(why)) if why.contains("https to http")), "{status}: {refused:?}");
    }
    assert_eq!(open.heads().len(), 0);
    Ok(())
}

#[tokio::test]
async fn a_self_made_certificate_is_nothing_to_the_public_roots_but_enough_for_anyone() -> Result {
    let (address, _server) = serve(self_made()?).await?;
    let refused = ask(address, Trust::PublicRoots).await?;
    assert!(matches!(refused, Err(HttpError::Tls { .. })), "{refused:?}");
    assert_eq!(ask(address, Trust::Anyone).await??, b"hi");
    Ok(())
}

#[tokio::test]
async fn an_authority_vouches_for_its_own_only() -> Result {
    let (key, leaf_key) = (p384()?, p384()?);
    let mut params = rcgen::CertificateParams::new(vec![])?;
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key)?.pem();
    let issuer = rcgen::Issuer::new(params, key);
    let leaf = rcgen::CertificateParams::new(vec!["127.0.0.1".into()])?.signed_by(&leaf_key, &issuer)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));
    let (address, _server) = serve(Certificate { pem: leaf.pem(), chain: vec![leaf.der().clone()], key }).await?;
    assert_eq!(ask(address, Trust::Authority(authority.into())).await??, b"hi");
    let refused = ask(address, Trust::Authority(self_made()?.pem.into())).await?;
    assert!(matches!(refused, Err(HttpError::Tls { .. })), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn a_certificate_that_cannot_be_read_is_an_error_before_any_packet() -> Result {
    let nobody = SocketAddr::from(([127, 0, 0, 1], 9));
    for trust in [Trust::Pinned("garbage".into()), Trust::Authority("".into())] {
        let refused = ask(nobody, trust).await?;
        assert!(matches!(refused, Err(HttpError::Tls { .. })), "{refused:?}");
    }
    Ok(())
}
