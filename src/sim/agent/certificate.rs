//! The certificate that an agent makes for itself at each boot.

use std::net::IpAddr;
use std::sync::Arc;

use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, SerialNumber};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::version::TLS13;
use rustls::{ALL_VERSIONS, ServerConfig};
use tokio_rustls::TlsAcceptor;

/// DER of `ecdsa-with-SHA384` and of `ecdsa-with-SHA512` (RFC 5758 section 3.2).
const SHA384_OID: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03];
const SHA512_OID: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04];

/// A P-384 key and a certificate for it that says `ecdsa-with-SHA512`, as the agent's does.
pub(super) struct SelfMade {
    pub pem: String,
    der: CertificateDer<'static>,
    key: KeyPair,
}

impl SelfMade {
    /// For the address that the API listens on, which is its only name. With an `even` key (Ed25519) everything that is sent is
    /// as long at each boot, so that a simulated world repeats itself to the packet.
    pub fn for_address(address: IpAddr, even: bool) -> Result<Self, String> {
        let wrong = |error: rcgen::Error| error.to_string();
        let kind = if even { &PKCS_ED25519 } else { &PKCS_ECDSA_P384_SHA384 };
        let key = KeyPair::generate_for(kind).map_err(wrong)?;
        let mut params = CertificateParams::new(vec![address.to_string()]).map_err(wrong)?;
        params.distinguished_name.push(DnType::CommonName, "agent");
        params.serial_number = even.then(|| SerialNumber::from(1));
        let signed = params.self_signed(&key).map_err(wrong)?;
        // ring signs P-384 with SHA-384 only, so the algorithm's name is changed afterwards and the signature does not
        // verify under it. A verifier on ring gives up at the name already, exactly as it does for the real agent's
        // certificate; one that pins looks at neither.
        let der = CertificateDer::from(renamed(signed.der()));
        let pem = to_pem(&der);
        Ok(SelfMade { pem, der, key })
    }

    /// `oldest` is the oldest version of TLS that is spoken: `1.2` or `1.3`.
    pub fn acceptor(&self, oldest: &str) -> Result<TlsAcceptor, String> {
        let versions = if oldest == "1.3" { &[&TLS13][..] } else { ALL_VERSIONS };
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(versions)
            .and_then(|config| config.with_no_client_auth().with_single_cert(vec![self.der.clone()], key))
            .map_err(|error| error.to_string())?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

fn renamed(der: &[u8]) -> Vec<u8> {
    let mut out = der.to_vec();
    let places: Vec<usize> = der
        .windows(SHA384_OID.len())
        .enumerate()
        .filter(|(_, window)| *window == SHA384_OID)
        .map(|(at, _)| at)
        .collect();
    for at in places {
        out[at..at + SHA512_OID.len()].copy_from_slice(&SHA512_OID);
    }
    out
}

fn to_pem(der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in text.as_bytes().chunks(64) {
        pem.push_str(&String::from_utf8_lossy(line));
        pem.push('\n');
    }
    pem + "-----END CERTIFICATE-----\n"
}
