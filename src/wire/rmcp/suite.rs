//! Cipher suites 3 and 17: keyed hashes, key derivation and payload encryption (IPMI 2.0 sections 13.28 to 13.32).
//!
//! The two differ in the hash only. Where a constant of the text is described as "20 bytes" it stays 20 bytes under
//! SHA-256 too: that is what BMCs and other clients do. Every comparison of codes runs in constant time.

use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::Sha256;

use super::DecodeError;

/// A cipher suite, which fixes authentication, integrity and confidentiality together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Suite {
    /// RAKP-HMAC-SHA1, HMAC-SHA1-96, AES-CBC-128. Mandatory in every IPMI 2.0 BMC.
    Three,
    /// RAKP-HMAC-SHA256, HMAC-SHA256-128, AES-CBC-128.
    Seventeen,
}

impl Suite {
    /// The number that administrators know it by.
    pub fn number(self) -> u8 {
        match self {
            Suite::Three => 3,
            Suite::Seventeen => 17,
        }
    }

    /// The suite of that number, if we speak it.
    pub fn from_number(number: u8) -> Option<Self> {
        match number {
            3 => Some(Suite::Three),
            17 => Some(Suite::Seventeen),
            _ => None,
        }
    }

    /// The algorithm numbers (authentication, integrity, confidentiality) of tables 13-17 to 13-19.
    pub fn algorithms(self) -> [u8; 3] {
        match self {
            Suite::Three => [1, 1, 1],
            Suite::Seventeen => [3, 4, 1],
        }
    }

    /// The suite whose three algorithms these are.
    pub fn from_algorithms(algorithms: [u8; 3]) -> Option<Self> {
        [Suite::Three, Suite::Seventeen].into_iter().find(|suite| suite.algorithms() == algorithms)
    }

    /// Length in bytes of the key exchange codes in RAKP messages 2 and 3.
    pub fn exchange_code_bytes(self) -> usize {
        match self {
            Suite::Three => 20,
            Suite::Seventeen => 32,
        }
    }

    /// Length in bytes of the integrity code in RAKP message 4 and behind each sealed packet.
    pub fn integrity_code_bytes(self) -> usize {
        match self {
            Suite::Three => 12,
            Suite::Seventeen => 16,
        }
    }

    /// The keyed hash of `parts`, one after the other.
    pub fn hmac(self, key: &[u8], parts: &[&[u8]]) -> Digest {
        // An HMAC key may have any length, so `new_from_slice` cannot fail; were it to, the all-zero code is refused
        // by every peer.
        let mut bytes = [0; 32];
        match self {
            Suite::Three => {
                if let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(key) {
                    parts.iter().for_each(|part| mac.update(part));
                    bytes[..20].copy_from_slice(&mac.finalize().into_bytes());
                }
            }
            Suite::Seventeen => {
                if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) {
                    parts.iter().for_each(|part| mac.update(part));
                    bytes.copy_from_slice(&mac.finalize().into_bytes());
                }
            }
        }
        Digest { bytes, len: self.exchange_code_bytes() }
    }

    /// The integrity code of a packet: the hash, cut.
    pub fn integrity_code(self, key: &[u8], bytes: &[u8]) -> Digest {
        Digest { len: self.integrity_code_bytes(), ..self.hmac(key, &[bytes]) }
    }
}

/// A keyed hash's output. It may be a key, so it does not print itself.
#[derive(Clone, Copy)]
pub struct Digest {
    bytes: [u8; 32],
    len: usize,
}

impl Digest {
    /// The code itself.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Compares in constant time; a different length never matches.
    pub fn matches(&self, other: &[u8]) -> bool {
        let mine = self.as_bytes();
        mine.len() == other.len() && mine.iter().zip(other).fold(0, |acc, (a, b)| acc | (a ^ b)) == 0
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Digest({} bytes)", self.len)
    }
}

/// The keys of one session (section 13.32), derived from the session integrity key.
#[derive(Clone)]
pub struct Keys {
    pub suite: Suite,
    sik: Digest,
    k1: Digest,
    aes: [u8; 16],
}

impl Keys {
    /// Derives K1 and K2 from the session integrity key.
    pub fn derive(suite: Suite, sik: Digest) -> Self {
        let k1 = suite.hmac(sik.as_bytes(), &[&[1; 20]]);
        let k2 = suite.hmac(sik.as_bytes(), &[&[2; 20]]);
        let mut aes = [0; 16];
        aes.copy_from_slice(&k2.bytes[..16]);
        Keys { suite, sik, k1, aes }
    }

    /// The code that RAKP message 4 proves knowledge of the session integrity key with.
    pub fn rakp4_code(&self, parts: &[&[u8]]) -> Digest {
        Digest { len: self.suite.integrity_code_bytes(), ..self.suite.hmac(self.sik.as_bytes(), parts) }
    }

    /// The integrity code behind a sealed packet.
    pub fn packet_code(&self, bytes: &[u8]) -> Digest {
        self.suite.integrity_code(self.k1.as_bytes(), bytes)
    }

    /// Encrypts `payload` with a fresh random `iv` (section 13.29): IV, then payload, pad bytes 1, 2, 3…, pad length.
    pub fn encrypt(&self, payload: &[u8], iv: [u8; 16]) -> Vec<u8> {
        let pad = (16 - (payload.len() + 1) % 16) % 16;
        let mut out = Vec::with_capacity(payload.len() + 33);
        out.extend_from_slice(&iv);
        out.extend_from_slice(payload);
        out.extend((1..=pad as u8).chain([pad as u8]));
        let body = out.len() - 16;
        let cipher = cbc::Encryptor::<aes::Aes128>::new(&self.aes.into(), &iv.into());
        // The length is a multiple of the block by construction, so this cannot fail; were it to, nothing is sent in
        // clear.
        if cipher.encrypt_padded::<NoPadding>(&mut out[16..], body).is_err() {
            out.clear();
        }
        out
    }

    /// Reverses [`Keys::encrypt`].
    pub fn decrypt(&self, bytes: &[u8]) -> Result<Vec<u8>, DecodeError> {
        const WHAT: &str = "encrypted payload";
        let (iv, body) = bytes.split_first_chunk::<16>().ok_or(DecodeError::Short(WHAT))?;
        let mut body = body.to_vec();
        let cipher = cbc::Decryptor::<aes::Aes128>::new(&self.aes.into(), &(*iv).into());
        cipher.decrypt_padded::<NoPadding>(&mut body).map_err(|_| DecodeError::Not(WHAT))?;
        // Some BMCs pad with other bytes than 1, 2, 3…; the length is what matters, and the packet's own code has
        // proved already that nobody changed it.
        let pad = usize::from(*body.last().ok_or(DecodeError::Short(WHAT))?);
        let end = body.len().checked_sub(pad + 1).filter(|_| pad < 16).ok_or(DecodeError::Not(WHAT))?;
        body.truncate(end);
        Ok(body)
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys(suite {})", self.suite.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_payload_length_survives_encryption() {
        for suite in [Suite::Three, Suite::Seventeen] {
            let keys = Keys::derive(suite, suite.hmac(b"key", &[b"text"]));
            for len in 0..70 {
                let plain: Vec<u8> = (0..len).collect();
                let sealed = keys.encrypt(&plain, [7; 16]);
                assert_eq!(sealed.len() % 16, 0);
                assert_eq!(keys.decrypt(&sealed).as_deref(), Ok(plain.as_slice()));
            }
        }
    }

    #[test]
    fn the_hashes_are_those_of_rfc_2202_and_rfc_4231() {
        let hex = |digest: Digest| digest.as_bytes().iter().map(|b| format!("{b:02x}")).collect::<String>();
        let ask = [b"what do ya want for nothing?".as_slice()];
        assert_eq!(hex(Suite::Three.hmac(b"Jefe", &ask)), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
        assert_eq!(
            hex(Suite::Seventeen.hmac(b"Jefe", &ask)),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
