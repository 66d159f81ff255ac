//! The BMC's side of sessions: a table that is limited, expires, and trusts nobody before RAKP message 3.
//!
//! A repeated message of a handshake gets the same answer again, as the specification asks; a repeated command is
//! carried out again, as most controllers do.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use super::commands::{Caller, Effect, Firmware, SessionOrder};
use super::faults::Knobs;
use super::{Personality, Seen};
use crate::clock::Instant;
use crate::random::Random;
use crate::wire::rmcp::ipmb::IpmbMessage;
use crate::wire::rmcp::rakp::{Exchange, NAME_ONLY, OpenRequest, OpenResponse, Proof, Rakp1, Rakp2, Status};
use crate::wire::rmcp::session::{Frame, Modern, PayloadType, Window, encode_legacy, encode_plain, seal};
use crate::wire::rmcp::suite::{Keys, Suite};

/// Handshakes that are not finished; the oldest goes when there is another.
const MAX_HALF_OPEN: usize = 16;

pub(super) struct Sessions {
    personality: Personality,
    knobs: Knobs,
    seen: Seen,
    random: Random,
    guid: [u8; 16],
    open: Vec<Session>,
}

/// What goes back, and what happens because of it.
pub(super) struct Reply {
    pub packet: Vec<u8>,
    pub effect: Option<Effect>,
}

struct Session {
    exchange: Exchange,
    peer: SocketAddr,
    last_seen: Instant,
    stage: Stage,
}

enum Stage {
    Opened,
    /// RAKP message 2 is out; `reply` is it, in case that it was lost.
    Challenged {
        password: Vec<u8>,
        limit: u8,
        reply: Vec<u8>,
    },
    Active {
        keys: Box<Keys>,
        received: Window,
        sent: u32,
        privilege: u8,
        limit: u8,
        /// RAKP message 4, in case that it was lost.
        reply: Vec<u8>,
    },
}

impl Sessions {
    pub(super) fn new(personality: Personality, guid: [u8; 16], knobs: Knobs, seen: Seen, random: Random) -> Self {
        Sessions { personality, knobs, seen, random, guid, open: Vec::new() }
    }

    pub(super) fn forget_all(&mut self) {
        self.open.clear();
        self.count();
    }

    /// One packet; nothing is answered to what makes no sense.
    pub(super) fn handle(
        &mut self,
        packet: &[u8],
        peer: SocketAddr,
        now: Instant,
        firmware: &mut Firmware,
    ) -> Option<Reply> {
        let expiry = self.personality.idle_expiry;
        self.open.retain(|session| now.duration_since(session.last_seen) < expiry);
        self.count();
        let reply = match Frame::decode(packet).ok()? {
            Frame::Legacy { session_id: 0, payload, .. } => {
                let request = IpmbMessage::decode(payload).ok()?;
                let (answer, _) = firmware.run(&request, Caller::Nobody);
                Some(Reply { packet: encode_legacy(&answer.encode()), effect: None })
            }
            Frame::Legacy { .. } => None,
            Frame::Modern(frame) => match frame.kind {
                PayloadType::OpenRequest => self.open_session(frame.payload, peer, now),
                PayloadType::Rakp1 => self.challenge(frame.payload, now),
                PayloadType::Rakp3 => self.activate(frame.payload, now),
                PayloadType::Ipmi => self.command(&frame, peer, now, firmware),
                PayloadType::OpenResponse | PayloadType::Rakp2 | PayloadType::Rakp4 => None,
            },
        };
        self.count();
        reply
    }

    fn count(&self) {
        self.seen.sessions.store(self.active(), Ordering::SeqCst);
    }

    fn active(&self) -> usize {
        self.open.iter().filter(|session| matches!(session.stage, Stage::Active { .. })).count()
    }

    fn open_session(&mut self, payload: &[u8], peer: SocketAddr, now: Instant) -> Option<Reply> {
        let request = OpenRequest::decode(payload).ok()?;
        let OpenRequest { tag, privilege, console_id, algorithms } = request;
        let suite = Suite::from_algorithms(algorithms).filter(|suite| self.personality.suites.contains(suite));
        if suite.is_none() && self.knobs.read(|faults| faults.silent_to_other_suites) {
            return None;
        }
        let (full, other) = self.knobs.read(|faults| (faults.full, faults.other_algorithms));
        let status = match suite {
            None => Status::NO_MATCHING_SUITE,
            Some(_) if full || self.active() >= self.personality.max_sessions => Status::NO_RESOURCES,
            Some(_) => Status::OK,
        };
        let mut answer = OpenResponse { tag, status, privilege, console_id, managed_id: 0, algorithms };
        if let (Some(suite), Status::OK) = (suite, status) {
            answer.managed_id = u32::from_le_bytes(self.random.bytes()).max(1);
            answer.algorithms = other.unwrap_or(algorithms);
            self.make_room();
            let exchange = Exchange {
                suite,
                console_id,
                managed_id: answer.managed_id,
                console_random: [0; 16],
                managed_random: self.random.bytes(),
                guid: self.guid,
                role: 0,
                name: Vec::new(),
            };
            self.open.push(Session { exchange, peer, last_seen: now, stage: Stage::Opened });
        }
        Some(clear(PayloadType::OpenResponse, answer.encode()))
    }

    fn make_room(&mut self) {
        let half_open = |session: &Session| !matches!(session.stage, Stage::Active { .. });
        if self.open.iter().filter(|session| half_open(session)).count() >= MAX_HALF_OPEN
            && let Some(oldest) = self.open.iter().position(half_open)
        {
            self.open.remove(oldest);
        }
    }

    fn challenge(&mut self, payload: &[u8], now: Instant) -> Option<Reply> {
        let message = Rakp1::decode(payload).ok()?;
        let wrong = self.knobs.read(|faults| faults.wrong_passwords);
        let user = self.personality.users.iter().find(|user| user.name.as_bytes() == message.name).cloned();
        let refuse = |status, console_id| {
            Some(clear(PayloadType::Rakp2, Rakp2::refuse(message.tag, status, console_id).encode()))
        };
        let Some(at) = self.open.iter().position(|session| session.exchange.managed_id == message.managed_id) else {
            return refuse(Status::INVALID_SESSION_ID, 0);
        };
        let session = self.open.get_mut(at)?;
        let console_id = session.exchange.console_id;
        match &session.stage {
            Stage::Opened => {}
            Stage::Challenged { reply, .. } if session.exchange.console_random == message.console_random => {
                return Some(clear(PayloadType::Rakp2, reply.clone()));
            }
            Stage::Challenged { .. } | Stage::Active { .. } => return refuse(Status::INVALID_SESSION_ID, console_id),
        }
        let refusal = match &user {
            None => Some(Status::UNAUTHORIZED_NAME),
            Some(user) if user.privilege < message.role & !NAME_ONLY => Some(Status::UNAUTHORIZED_ROLE),
            Some(_) => None,
        };
        let (Some(user), None) = (user, refusal) else {
            self.open.remove(at);
            return refuse(refusal.unwrap_or(Status::UNAUTHORIZED_NAME), console_id);
        };
        let password = if wrong { b"changed meanwhile".to_vec() } else { user.password };
        let exchange = &mut session.exchange;
        exchange.console_random = message.console_random;
        exchange.role = message.role;
        exchange.name = message.name;
        let answer = Rakp2 {
            tag: message.tag,
            status: Status::OK,
            console_id,
            managed_random: exchange.managed_random,
            guid: exchange.guid,
            code: exchange.rakp2_code(&password).as_bytes().to_vec(),
        };
        let reply = answer.encode();
        session.stage = Stage::Challenged { password, limit: user.privilege, reply: reply.clone() };
        session.last_seen = now;
        Some(clear(PayloadType::Rakp2, reply))
    }

    fn activate(&mut self, payload: &[u8], now: Instant) -> Option<Reply> {
        let proof = Proof::decode(payload).ok()?;
        let room = self.active() < self.personality.max_sessions;
        let kg = self.personality.kg.clone();
        let refuse = |status, session_id| {
            let answer = Proof { tag: proof.tag, status, session_id, code: Vec::new() };
            Some(clear(PayloadType::Rakp4, answer.encode()))
        };
        let Some(at) = self.open.iter().position(|session| session.exchange.managed_id == proof.session_id) else {
            return refuse(Status::INVALID_SESSION_ID, 0);
        };
        let session = self.open.get_mut(at)?;
        let console_id = session.exchange.console_id;
        let (password, limit) = match &session.stage {
            Stage::Active { reply, .. } => return Some(clear(PayloadType::Rakp4, reply.clone())),
            Stage::Opened => return refuse(Status::INACTIVE_SESSION_ID, console_id),
            Stage::Challenged { password, limit, .. } => (password.clone(), *limit),
        };
        let right = session.exchange.rakp3_code(&password).matches(&proof.code);
        let status = match (proof.status, right, room) {
            // The console gave up; there is nobody to answer.
            (given_up, _, _) if given_up != Status::OK => {
                self.open.remove(at);
                return None;
            }
            (_, false, _) => Status::INVALID_INTEGRITY_CHECK,
            (_, true, false) => Status::NO_RESOURCES,
            (_, true, true) => Status::OK,
        };
        if status != Status::OK {
            self.open.remove(at);
            return refuse(status, console_id);
        }
        let keys = session.exchange.keys(kg.as_deref().unwrap_or(&password));
        let code = session.exchange.rakp4_code(&keys).as_bytes().to_vec();
        let reply = Proof { tag: proof.tag, status, session_id: console_id, code }.encode();
        // Sessions begin as USER, or less if the account may not even that.
        let privilege = limit.min(2);
        let (keys, received) = (Box::new(keys), Window::default());
        session.stage = Stage::Active { keys, received, sent: 0, privilege, limit, reply: reply.clone() };
        session.last_seen = now;
        Some(clear(PayloadType::Rakp4, reply))
    }

    fn command(
        &mut self,
        frame: &Modern<'_>,
        peer: SocketAddr,
        now: Instant,
        firmware: &mut Firmware,
    ) -> Option<Reply> {
        let in_clear = self.knobs.read(|faults| faults.answers_in_clear);
        let at = self.open.iter().position(|session| session.exchange.managed_id == frame.session_id)?;
        let session = self.open.get_mut(at).filter(|session| session.peer == peer)?;
        let Stage::Active { keys, received, sent, privilege, limit, .. } = &mut session.stage else { return None };
        let message = frame.open(keys).ok()?;
        if !received.accept(frame.seq) {
            return None;
        }
        let request = IpmbMessage::decode(&message).ok()?;
        session.last_seen = now;
        self.seen.command(request.netfn, request.cmd);
        let caller = Caller::Session { privilege: *privilege, limit: *limit };
        let (answer, order) = firmware.run(&request, caller);
        let effect = match order {
            SessionOrder::Effect(effect) => effect,
            SessionOrder::Privilege(level) => {
                *privilege = level;
                None
            }
            SessionOrder::Close => None,
        };
        *sent += 1;
        let packet = if in_clear {
            encode_plain(PayloadType::Ipmi, &answer.encode())
        } else {
            seal(keys, self.random.bytes(), session.exchange.console_id, *sent, &answer.encode())
        };
        if matches!(order, SessionOrder::Close) {
            self.open.remove(at);
        }
        Some(Reply { packet, effect })
    }
}

fn clear(kind: PayloadType, payload: Vec<u8>) -> Reply {
    Reply { packet: encode_plain(kind, &payload), effect: None }
}
