//! Connections, plain or TLS, and who is believed.
//!
//! rustls is configured with the ring provider by name, never through the process-wide default, and asks our clock for
//! the time.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::net::TcpStream;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _};
use rustls::time_provider::TimeProvider;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsConnector;

use super::{Client, HttpError, Request, Url};
use crate::clock::Clock;

/// Whom an `https` peer must prove to be.
#[derive(Clone, Debug, Default)]
pub enum Trust {
    /// Whoever a public authority vouches for.
    #[default]
    PublicRoots,
    /// Whoever one of these authorities (PEM) vouches for.
    Authority(Arc<str>),
    /// The holder of exactly this certificate (the first in the PEM): no path, name or date is checked.
    ///
    /// The agent of a ramdisk makes its own certificate, P-384 signed with ecdsa-with-SHA512, which ring cannot verify
    /// as a chain. It need not: the heartbeat that brought the certificate was authenticated, and the handshake still
    /// proves that the peer holds its key.
    Pinned(Arc<str>),
    /// Anybody, on the operator's explicit word (`driver_info/*_verify_ca = false`).
    Anyone,
}

/// A connection to a peer.
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

impl Client {
    /// Connects to the first address that answers, bounding each attempt, and has the peer prove itself.
    pub(super) async fn connect(&self, request: &Request) -> Result<Stream, HttpError> {
        let (url, within) = (&request.url, request.limits.connect);
        let unreachable = |source| HttpError::Unreachable { peer: url.authority(), source };
        // Before any packet: a bad certificate in the configuration is not the peer's fault.
        let tls = if url.is_https() { Some(config(&self.clock, &request.trust, url)?) } else { None };
        let stream = self.first(request).await?;
        let Some((config, name)) = tls else { return Ok(Stream::Plain(stream)) };
        let handshake = TlsConnector::from(config).connect(name, stream);
        match tokio::time::timeout(within, handshake).await {
            Ok(Ok(stream)) => Ok(Stream::Tls(Box::new(stream))),
            // rustls reports alerts and bad certificates as InvalidData; anything else is the network.
            Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
                Err(HttpError::Tls { peer: url.authority(), reason: error.to_string() })
            }
            Ok(Err(error)) => Err(unreachable(error)),
            Err(_) => Err(unreachable(io::Error::new(io::ErrorKind::TimedOut, "no end of the TLS handshake"))),
        }
    }

    /// The very addresses that were checked are connected to: a name is not asked for twice.
    async fn first(&self, request: &Request) -> Result<TcpStream, HttpError> {
        let (url, within) = (&request.url, request.limits.connect);
        let unreachable = |source| HttpError::Unreachable { peer: url.authority(), source };
        let mut last = unreachable(io::Error::from(io::ErrorKind::NotFound));
        for address in self.net.resolve(&url.host, url.port, within).await.map_err(unreachable)? {
            if !request.reach.allows(&self.net, address) {
                last = HttpError::Barred { peer: url.authority(), address: address.ip() };
                continue;
            }
            let connected = match self.from {
                Some(from) => self.net.connect_from(from, address, within).await,
                None => self.net.connect(address, within).await,
            };
            match connected {
                Ok(stream) => return Ok(stream),
                Err(error) => last = unreachable(error),
            }
        }
        Err(last)
    }
}

fn config(clock: &Clock, trust: &Trust, url: &Url) -> Result<(Arc<ClientConfig>, ServerName<'static>), HttpError> {
    let wrong = |reason: String| HttpError::Tls { peer: url.authority(), reason };
    let name = ServerName::try_from(url.host.clone()).map_err(|error| wrong(error.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match trust {
        Trust::PublicRoots => {
            let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
            verifier(roots, &provider).map_err(wrong)?
        }
        Trust::Authority(pem) => {
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let certificate = certificate.map_err(|error| wrong(format!("the given authority: {error}")))?;
                roots.add(certificate).map_err(|error| wrong(format!("the given authority: {error}")))?;
            }
            verifier(roots, &provider).map_err(wrong)?
        }
        Trust::Pinned(pem) => {
            let only = CertificateDer::from_pem_slice(pem.as_bytes())
                .map_err(|error| wrong(format!("the pinned certificate: {error}")))?;
            Arc::new(Named { only: Some(only), provider: provider.clone() })
        }
        Trust::Anyone => Arc::new(Named { only: None, provider: provider.clone() }),
    };
    let config = ClientConfig::builder_with_details(provider, Arc::new(Time(clock.clone())))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok((Arc::new(config), name))
}

fn verifier(roots: RootCertStore, provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>, String> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|error| format!("the given authority: {error}"))
}

/// Accepts one certificate, or any. In both cases the handshake's signature is verified by the provider, so that the
/// peer at least holds the key of what it shows.
#[derive(Debug)]
struct Named {
    only: Option<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match &self.only {
            Some(only) if only.as_ref() != end_entity.as_ref() => {
                Err(rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
            }
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Our clock, as rustls asks for it.
#[derive(Debug)]
struct Time(Clock);

impl TimeProvider for Time {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.now().as_second()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
