//! Opening a session: Open Session and the four RAKP messages (IPMI 2.0 sections 13.17 to 13.25).
//!
//! Both sides draw a random number and prove, with a keyed hash over both numbers and both session ids, that they know
//! the user's password; from the same ingredients each derives the session's keys. [`Exchange`] holds the ingredients,
//! so that neither side can hash them in another order than the other.

use super::DecodeError;
use super::suite::{Digest, Keys, Suite};

/// How the other side liked a message (table 13-15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub u8);

impl Status {
    pub const OK: Status = Status(0x00);
    pub const NO_RESOURCES: Status = Status(0x01);
    pub const INVALID_SESSION_ID: Status = Status(0x02);
    pub const INVALID_AUTHENTICATION: Status = Status(0x04);
    pub const INVALID_INTEGRITY: Status = Status(0x05);
    pub const INACTIVE_SESSION_ID: Status = Status(0x08);
    pub const INVALID_ROLE: Status = Status(0x09);
    pub const UNAUTHORIZED_ROLE: Status = Status(0x0a);
    pub const NO_RESOURCES_FOR_ROLE: Status = Status(0x0b);
    pub const INVALID_NAME_LENGTH: Status = Status(0x0c);
    pub const UNAUTHORIZED_NAME: Status = Status(0x0d);
    pub const INVALID_INTEGRITY_CHECK: Status = Status(0x0f);
    pub const INVALID_CONFIDENTIALITY: Status = Status(0x10);
    pub const NO_MATCHING_SUITE: Status = Status(0x11);

    /// The meaning in words.
    pub fn text(self) -> &'static str {
        match self.0 {
            0x00 => "no error",
            0x01 => "insufficient resources to create a session",
            0x02 => "invalid session id",
            0x03 => "invalid payload type",
            0x04 => "invalid authentication algorithm",
            0x05 => "invalid integrity algorithm",
            0x06 => "no matching authentication payload",
            0x07 => "no matching integrity payload",
            0x08 => "inactive session id",
            0x09 => "invalid role",
            0x0a => "unauthorized role or privilege level",
            0x0b => "insufficient resources to create a session at the requested role",
            0x0c => "invalid name length",
            0x0d => "unauthorized name",
            0x0e => "unauthorized GUID",
            0x0f => "invalid integrity check value",
            0x10 => "invalid confidentiality algorithm",
            0x11 => "no cipher suite match with proposed security algorithms",
            0x12 => "illegal or unrecognized parameter",
            _ => "unknown status",
        }
    }
}

/// RMCP+ Open Session Request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenRequest {
    pub tag: u8,
    /// Highest privilege that will be asked for; 0 lets the BMC choose.
    pub privilege: u8,
    pub console_id: u32,
    /// Authentication, integrity, confidentiality.
    pub algorithms: [u8; 3],
}

impl OpenRequest {
    /// Writes the payload.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![self.tag, self.privilege, 0, 0];
        out.extend_from_slice(&self.console_id.to_le_bytes());
        encode_algorithms(&mut out, self.algorithms);
        out
    }

    /// Reads the payload.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let short = DecodeError::Short("Open Session Request");
        let (&[tag, privilege, _, _, a, b, c, d], rest) = bytes.split_first_chunk().ok_or(short)?;
        let algorithms = decode_algorithms(rest).ok_or(short)?;
        Ok(OpenRequest { tag, privilege, console_id: u32::from_le_bytes([a, b, c, d]), algorithms })
    }
}

/// RMCP+ Open Session Response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenResponse {
    pub tag: u8,
    pub status: Status,
    pub privilege: u8,
    pub console_id: u32,
    /// The rest is zero unless `status` is OK.
    pub managed_id: u32,
    pub algorithms: [u8; 3],
}

impl OpenResponse {
    /// Writes the payload; a refusal ends after the console's session id.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![self.tag, self.status.0, self.privilege, 0];
        out.extend_from_slice(&self.console_id.to_le_bytes());
        if self.status == Status::OK {
            out.extend_from_slice(&self.managed_id.to_le_bytes());
            encode_algorithms(&mut out, self.algorithms);
        }
        out
    }

    /// Reads the payload.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let short = DecodeError::Short("Open Session Response");
        let (&[tag, status], rest) = bytes.split_first_chunk().ok_or(short)?;
        let status = Status(status);
        if status != Status::OK {
            let console_id = word_at(rest, 2).unwrap_or(0);
            return Ok(OpenResponse { tag, status, privilege: 0, console_id, managed_id: 0, algorithms: [0; 3] });
        }
        let (&[privilege, _], rest) = rest.split_first_chunk().ok_or(short)?;
        let console_id = word_at(rest, 0).ok_or(short)?;
        let managed_id = word_at(rest, 4).ok_or(short)?;
        let algorithms = rest.get(8..).and_then(decode_algorithms).ok_or(short)?;
        Ok(OpenResponse { tag, status, privilege, console_id, managed_id, algorithms })
    }
}

/// RAKP message 1: the console's random number and the user's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rakp1 {
    pub tag: u8,
    pub managed_id: u32,
    pub console_random: [u8; 16],
    /// Privilege, and [`NAME_ONLY`] if the user is to be found by name alone.
    pub role: u8,
    pub name: Vec<u8>,
}

/// In a role: look the user up by name alone, whatever the privilege.
pub const NAME_ONLY: u8 = 0x10;
/// A user name is at most so long.
pub const MAX_NAME_BYTES: usize = 16;
/// A password is at most so long.
pub const MAX_PASSWORD_BYTES: usize = 20;

impl Rakp1 {
    /// Writes the payload.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![self.tag, 0, 0, 0];
        out.extend_from_slice(&self.managed_id.to_le_bytes());
        out.extend_from_slice(&self.console_random);
        out.extend_from_slice(&[self.role, 0, 0, self.name.len() as u8]);
        out.extend_from_slice(&self.name);
        out
    }

    /// Reads the payload.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let short = DecodeError::Short("RAKP message 1");
        let (&[tag, _, _, _, a, b, c, d], rest) = bytes.split_first_chunk().ok_or(short)?;
        let (&console_random, rest) = rest.split_first_chunk::<16>().ok_or(short)?;
        let (&[role, _, _, len], rest) = rest.split_first_chunk().ok_or(short)?;
        if usize::from(len) > MAX_NAME_BYTES {
            return Err(DecodeError::Not("RAKP message 1 with a name of at most 16 bytes"));
        }
        let name = rest.get(..usize::from(len)).ok_or(short)?.to_vec();
        Ok(Rakp1 { tag, managed_id: u32::from_le_bytes([a, b, c, d]), console_random, role, name })
    }
}

/// RAKP message 2: the BMC's random number, and its proof that it knows the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rakp2 {
    pub tag: u8,
    pub status: Status,
    pub console_id: u32,
    /// The rest is zero unless `status` is OK.
    pub managed_random: [u8; 16],
    pub guid: [u8; 16],
    pub code: Vec<u8>,
}

impl Rakp2 {
    /// A refusal.
    pub fn refuse(tag: u8, status: Status, console_id: u32) -> Self {
        Rakp2 { tag, status, console_id, managed_random: [0; 16], guid: [0; 16], code: Vec::new() }
    }

    /// Writes the payload; a refusal ends after the console's session id.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![self.tag, self.status.0, 0, 0];
        out.extend_from_slice(&self.console_id.to_le_bytes());
        if self.status == Status::OK {
            out.extend_from_slice(&self.managed_random);
            out.extend_from_slice(&self.guid);
            out.extend_from_slice(&self.code);
        }
        out
    }

    /// Reads the payload.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let short = DecodeError::Short("RAKP message 2");
        let (&[tag, status], rest) = bytes.split_first_chunk().ok_or(short)?;
        let console_id = word_at(rest, 2);
        if Status(status) != Status::OK {
            return Ok(Self::refuse(tag, Status(status), console_id.unwrap_or(0)));
        }
        let rest = rest.get(6..).ok_or(short)?;
        let (&managed_random, rest) = rest.split_first_chunk::<16>().ok_or(short)?;
        let (&guid, code) = rest.split_first_chunk::<16>().ok_or(short)?;
        let code = code.get(..code.len().min(32)).unwrap_or_default().to_vec();
        let console_id = console_id.ok_or(short)?;
        Ok(Rakp2 { tag, status: Status::OK, console_id, managed_random, guid, code })
    }
}

/// RAKP messages 3 (console to BMC) and 4 (BMC to console), which look alike: a status and a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    pub tag: u8,
    pub status: Status,
    /// The receiver's session id.
    pub session_id: u32,
    pub code: Vec<u8>,
}

impl Proof {
    /// Writes the payload.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![self.tag, self.status.0, 0, 0];
        out.extend_from_slice(&self.session_id.to_le_bytes());
        if self.status == Status::OK {
            out.extend_from_slice(&self.code);
        }
        out
    }

    /// Reads the payload.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let short = DecodeError::Short("RAKP message 3 or 4");
        let (&[tag, status], rest) = bytes.split_first_chunk().ok_or(short)?;
        let code = rest.get(6..).unwrap_or_default();
        let code = code.get(..code.len().min(32)).unwrap_or_default().to_vec();
        let session_id = match word_at(rest, 2) {
            Some(id) => id,
            None if Status(status) != Status::OK => 0,
            None => return Err(short),
        };
        Ok(Proof { tag, status: Status(status), session_id, code })
    }
}

/// What both sides know at the end of RAKP message 2, and hash.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub suite: Suite,
    pub console_id: u32,
    pub managed_id: u32,
    pub console_random: [u8; 16],
    pub managed_random: [u8; 16],
    pub guid: [u8; 16],
    /// As in RAKP message 1, with its lookup bit.
    pub role: u8,
    pub name: Vec<u8>,
}

impl Exchange {
    fn role_and_name(&self) -> [u8; 2] {
        [self.role, self.name.len() as u8]
    }

    /// The BMC's proof in RAKP message 2; `password` is the user's.
    pub fn rakp2_code(&self, password: &[u8]) -> Digest {
        self.suite.hmac(
            password,
            &[
                &self.console_id.to_le_bytes(),
                &self.managed_id.to_le_bytes(),
                &self.console_random,
                &self.managed_random,
                &self.guid,
                &self.role_and_name(),
                &self.name,
            ],
        )
    }

    /// The console's proof in RAKP message 3.
    pub fn rakp3_code(&self, password: &[u8]) -> Digest {
        let id = self.console_id.to_le_bytes();
        self.suite.hmac(password, &[&self.managed_random, &id, &self.role_and_name(), &self.name])
    }

    /// The session's keys. `kg` is the BMC's own key, the user's password where none is set (section 13.31).
    pub fn keys(&self, kg: &[u8]) -> Keys {
        let parts: [&[u8]; 4] = [&self.console_random, &self.managed_random, &self.role_and_name(), &self.name];
        Keys::derive(self.suite, self.suite.hmac(kg, &parts))
    }

    /// The BMC's proof in RAKP message 4.
    pub fn rakp4_code(&self, keys: &Keys) -> Digest {
        keys.rakp4_code(&[&self.console_random, &self.managed_id.to_le_bytes(), &self.guid])
    }
}

fn encode_algorithms(out: &mut Vec<u8>, algorithms: [u8; 3]) {
    for (kind, algorithm) in (0u8..).zip(algorithms) {
        out.extend_from_slice(&[kind, 0, 0, 8, algorithm, 0, 0, 0]);
    }
}

fn decode_algorithms(bytes: &[u8]) -> Option<[u8; 3]> {
    let mut out = [0; 3];
    for (kind, slot) in out.iter_mut().enumerate() {
        let record = bytes.get(kind * 8..kind * 8 + 8)?;
        if usize::from(record[0]) != kind {
            return None;
        }
        *slot = record[4] & 0x3f;
    }
    Some(out)
}

fn word_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk::<4>().map(|word| u32::from_le_bytes(*word))
}
