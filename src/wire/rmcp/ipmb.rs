//! An IPMI message as it travels inside a session packet (IPMI 2.0 figure 13-4): addresses, function, command, data,
//! and two checksums that each make their part sum to zero.
//!
//! Requests can be bridged to a controller behind the BMC by wrapping them in Send Message (section 22.7), once or
//! twice; the wrapping is here because it is pure bytes.

use super::DecodeError;

/// Address of the BMC on its own bus.
pub const BMC_ADDRESS: u8 = 0x20;
/// The software identifier under which remote consoles speak.
pub const CONSOLE_ADDRESS: u8 = 0x81;
/// Completion code of success.
pub const OK: u8 = 0x00;

/// A request or an answer; `data` of an answer begins with the completion code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IpmbMessage {
    /// Who is spoken to.
    pub to: u8,
    pub to_lun: u8,
    /// Network function; even for a request, odd for its answer.
    pub netfn: u8,
    /// Who speaks.
    pub from: u8,
    pub from_lun: u8,
    /// Six bits that the answer repeats.
    pub seq: u8,
    pub cmd: u8,
    pub data: Vec<u8>,
}

impl IpmbMessage {
    /// A request from a remote console to the BMC.
    pub fn request(netfn: u8, cmd: u8, seq: u8, data: Vec<u8>) -> Self {
        IpmbMessage { to: BMC_ADDRESS, to_lun: 0, netfn, from: CONSOLE_ADDRESS, from_lun: 0, seq, cmd, data }
    }

    /// The answer to this request; `data` without the completion code.
    pub fn answer(&self, completion: u8, data: &[u8]) -> Self {
        let mut body = Vec::with_capacity(data.len() + 1);
        body.push(completion);
        body.extend_from_slice(data);
        IpmbMessage {
            to: self.from,
            to_lun: self.from_lun,
            netfn: self.netfn | 1,
            from: self.to,
            from_lun: self.to_lun,
            seq: self.seq,
            cmd: self.cmd,
            data: body,
        }
    }

    /// Whether `answer` is the answer to this request: same sequence number, function, command and speaker.
    pub fn is_answered_by(&self, answer: &IpmbMessage) -> bool {
        answer.seq == self.seq
            && answer.netfn == self.netfn | 1
            && answer.cmd == self.cmd
            && answer.from == self.to
            && answer.from_lun == self.to_lun
    }

    /// Writes the message with its checksums.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(7 + self.data.len());
        out.extend_from_slice(&[self.to, (self.netfn << 2) | (self.to_lun & 3)]);
        out.push(checksum(&out));
        out.extend_from_slice(&[self.from, (self.seq << 2) | (self.from_lun & 3), self.cmd]);
        out.extend_from_slice(&self.data);
        out.push(checksum(&out[3..]));
        out
    }

    /// Reads a message and verifies both checksums.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (&[to, netfn_lun, first], rest) = bytes.split_first_chunk().ok_or(DecodeError::Short("IPMI message"))?;
        let (&last, body) = rest.split_last().ok_or(DecodeError::Short("IPMI message"))?;
        let (&[from, seq_lun, cmd], data) = body.split_first_chunk().ok_or(DecodeError::Short("IPMI message"))?;
        if checksum(&[to, netfn_lun]) != first || checksum(body) != last {
            return Err(DecodeError::Checksum("IPMI message's checksum"));
        }
        Ok(IpmbMessage {
            to,
            to_lun: netfn_lun & 3,
            netfn: netfn_lun >> 2,
            from,
            from_lun: seq_lun & 3,
            seq: seq_lun >> 2,
            cmd,
            data: data.to_vec(),
        })
    }

    /// Wraps this request in Send Message, to be forwarded on `channel` by the controller at `via`; the answer is
    /// tracked by the controller (section 6.13.3), which sends it back wrapped the same way.
    pub fn bridged(&self, channel: u8, via: u8) -> IpmbMessage {
        let mut data = vec![TRACK_REQUEST | (channel & 0x0f)];
        data.extend_from_slice(&self.encode());
        IpmbMessage {
            to: via,
            to_lun: 0,
            netfn: NETFN_APP,
            from: CONSOLE_ADDRESS,
            from_lun: 0,
            seq: self.seq,
            cmd: CMD_SEND_MESSAGE,
            data,
        }
    }

    /// The message inside an answered Send Message; nothing if this is none or only acknowledges the forwarding.
    pub fn unbridged(&self) -> Option<Result<IpmbMessage, DecodeError>> {
        if self.netfn != NETFN_APP | 1 || self.cmd != CMD_SEND_MESSAGE {
            return None;
        }
        self.data.get(1..).filter(|inner| !inner.is_empty()).map(IpmbMessage::decode)
    }
}

/// Application functions: device, sessions, messaging.
pub const NETFN_APP: u8 = 0x06;
/// Send Message, an application command.
pub const CMD_SEND_MESSAGE: u8 = 0x34;
const TRACK_REQUEST: u8 = 0x40;

/// The byte that makes the sum of `bytes` and itself zero.
pub fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)).wrapping_neg()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_written_as_other_clients_write_it() {
        // Get Channel Authentication Capabilities for the current channel, administrator, as ipmitool sends it.
        let request = IpmbMessage::request(0x06, 0x38, 0, vec![0x8e, 0x04]);
        assert_eq!(request.encode(), [0x20, 0x18, 0xc8, 0x81, 0x00, 0x38, 0x8e, 0x04, 0xb5]);
        assert_eq!(IpmbMessage::decode(&request.encode()), Ok(request));
    }

    #[test]
    fn an_answer_belongs_to_its_request_only() {
        let request = IpmbMessage::request(0x00, 0x01, 5, vec![]);
        let answer = request.answer(OK, &[1]);
        assert!(request.is_answered_by(&answer));
        for other in [
            IpmbMessage { seq: 6, ..answer.clone() },
            IpmbMessage { cmd: 2, ..answer.clone() },
            IpmbMessage { netfn: 7, ..answer.clone() },
        ] {
            assert!(!request.is_answered_by(&other));
        }
    }
}
