//! An open session: numbers, keys and one command at a time.
//!
//! A repetition of a command is sealed anew under the next session sequence number (the BMC would drop a number that it
//! has seen) but keeps its request number, so that the answer to any of the copies is the answer.

use std::time::Duration;

use super::link::{Conversation, Link, LinkError, Tries};
use super::login::Bridge;
use crate::clock::Clock;
use crate::random::Random;
use crate::wire::rmcp::ipmb::{self, IpmbMessage};
use crate::wire::rmcp::session::{Frame, PayloadType, Window, seal};
use crate::wire::rmcp::suite::Keys;

/// A command for the BMC, or for a controller behind it.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub netfn: u8,
    pub cmd: u8,
    pub lun: u8,
    pub data: Vec<u8>,
    pub bridge: Option<Bridge>,
    /// Whether doing it twice is the same as doing it once.
    pub repeatable: bool,
    /// Whether a copy of it that arrives late would undo what was ordered after it.
    pub order: bool,
}

impl Request {
    /// A command for the BMC itself, of our own housekeeping: it may be repeated.
    pub(super) fn of_ours(cmd: u8, data: Vec<u8>) -> Self {
        Request { netfn: ipmb::NETFN_APP, cmd, lun: 0, data, bridge: None, repeatable: true, order: false }
    }
}

/// The BMC's answer: completion code and what follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub completion: u8,
    pub data: Vec<u8>,
}

pub(super) struct Session {
    link: Link,
    state: State,
}

/// All of a session but its socket, so that a conversation can borrow it while the link speaks.
struct State {
    keys: Keys,
    /// Our number of the session, which the BMC writes in its packets.
    console_id: u32,
    /// The BMC's, which we write in ours.
    managed_id: u32,
    sent: u32,
    received: Window,
    request_number: u8,
    random: Random,
}

impl Session {
    pub(super) fn new(link: Link, keys: Keys, console_id: u32, managed_id: u32, random: Random) -> Self {
        let received = Window::default();
        let state = State { keys, console_id, managed_id, sent: 0, received, request_number: 0, random };
        Session { link, state }
    }

    /// Datagrams that were sent again so far.
    pub(super) fn repeats(&self) -> u32 {
        self.link.repeats
    }

    pub(super) fn patience(&self) -> Duration {
        self.link.patience()
    }

    /// Runs one command. Errors: no answer within `tries`, or the socket's own.
    pub(super) async fn run(&mut self, request: &Request, tries: Tries) -> Result<Answer, LinkError> {
        self.state.request_number = (self.state.request_number + 1) & 0x3f;
        let letters = Letters::address(request, self.state.request_number);
        self.link.exchange(&mut Command { state: &mut self.state, letters }, tries).await
    }

    /// Tells the BMC to forget the session, so that its slot is free at once; waits briefly, since nothing can be done
    /// about a BMC that does not listen.
    pub(super) async fn close(&mut self, clock: &Clock) {
        let request = Request::of_ours(CMD_CLOSE_SESSION, self.state.managed_id.to_le_bytes().to_vec());
        let tries = Tries { until: clock.instant() + CLOSE_WAIT, repeat: true };
        let _ = self.run(&request, tries).await;
    }
}

const CMD_CLOSE_SESSION: u8 = 0x3c;
const CLOSE_WAIT: Duration = Duration::from_secs(1);

/// What is sent, and what its answer looks like, at each layer of forwarding.
struct Letters {
    /// Outermost first; the last is the command itself.
    layers: Vec<IpmbMessage>,
}

impl Letters {
    fn address(request: &Request, number: u8) -> Self {
        let mut innermost = IpmbMessage::request(request.netfn, request.cmd, number, request.data.clone());
        innermost.to_lun = request.lun;
        let Some(bridge) = request.bridge else {
            return Letters { layers: vec![innermost] };
        };
        innermost.to = bridge.target.address;
        innermost.from = bridge.local_address;
        let mut layers = vec![innermost];
        if let Some(transit) = bridge.transit {
            let mut middle = layers[0].bridged(bridge.target.channel, transit.address);
            middle.from = bridge.local_address;
            layers.insert(0, middle);
        }
        let channel = bridge.transit.map_or(bridge.target.channel, |transit| transit.channel);
        layers.insert(0, layers[0].bridged(channel, ipmb::BMC_ADDRESS));
        Letters { layers }
    }

    fn outermost(&self) -> Vec<u8> {
        self.layers.first().map(IpmbMessage::encode).unwrap_or_default()
    }

    /// The command's answer in `message`; nothing if it is somebody else's, or only says that a layer was forwarded.
    fn open(&self, message: IpmbMessage) -> Option<Answer> {
        let at = self.layers.iter().position(|layer| layer.is_answered_by(&message))?;
        let (&completion, data) = message.data.split_first()?;
        if at + 1 == self.layers.len() || completion != ipmb::OK {
            return Some(Answer { completion, data: data.to_vec() });
        }
        self.open(message.unbridged()?.ok()?)
    }
}

struct Command<'a> {
    state: &'a mut State,
    letters: Letters,
}

impl Conversation for Command<'_> {
    type Answer = Answer;

    fn speak(&mut self) -> Vec<u8> {
        // 0 marks packets outside of sessions and is skipped when the numbers wrap.
        self.state.sent = self.state.sent.checked_add(1).unwrap_or(1);
        let iv = self.state.random.bytes();
        seal(&self.state.keys, iv, self.state.managed_id, self.state.sent, &self.letters.outermost())
    }

    fn hear(&mut self, packet: &[u8]) -> Option<Answer> {
        let Ok(Frame::Modern(frame)) = Frame::decode(packet) else { return None };
        if frame.kind != PayloadType::Ipmi || frame.session_id != self.state.console_id {
            return None;
        }
        let message = frame.open(&self.state.keys).ok()?;
        if !self.state.received.accept(frame.seq) {
            return None;
        }
        self.letters.open(IpmbMessage::decode(&message).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::login::Hop;
    use super::*;

    fn bridged(transit: Option<Hop>) -> Letters {
        let target = Hop { channel: 7, address: 0x72 };
        let bridge = Some(Bridge { local_address: 0x20, transit, target });
        let request = Request { bridge, ..Request::of_ours(1, vec![]) };
        Letters::address(&request, 9)
    }

    #[test]
    fn a_bridged_command_is_wrapped_once_per_hop_and_its_answer_unwrapped() {
        for (transit, depth) in [(None, 2), (Some(Hop { channel: 6, address: 0x82 }), 3)] {
            let letters = bridged(transit);
            assert_eq!(letters.layers.len(), depth);
            let mut answer = letters.layers[depth - 1].answer(0, b"id");
            // "Forwarded" alone is no answer yet.
            assert_eq!(letters.open(letters.layers[0].answer(0, &[])), None);
            for layer in letters.layers[..depth - 1].iter().rev() {
                answer = layer.answer(0, &answer.encode());
            }
            assert_eq!(letters.open(answer), Some(Answer { completion: 0, data: b"id".to_vec() }));
            // Not acknowledged by the target.
            let lost = letters.open(letters.layers[0].answer(0x83, &[]));
            assert_eq!(lost.map(|a| a.completion), Some(0x83));
        }
    }
}
