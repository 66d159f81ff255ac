//! Opening a session, and saying precisely why one does not open.
//!
//! Order: Get Channel Authentication Capabilities (is it an IPMI 2.0 BMC at all?), Open Session, RAKP 1 to 4, Set
//! Session Privilege Level. No presence ping and no question for cipher suites: many BMCs leave one or the other
//! unanswered, and neither tells anything that the rest does not. The password is proved wrong by RAKP message 2, in one
//! exchange; RAKP message 3 then carries the refusal back, so that the BMC frees the half-open slot.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::error::{Credential, IpmiError};
use super::link::{Conversation, Link, LinkError, Tries};
use super::login::{Login, Privilege};
use super::session::{Request, Session};
use crate::clock::{Clock, Instant};
use crate::net::Net;
use crate::random::Random;
use crate::wire::rmcp::ipmb::{self, IpmbMessage};
use crate::wire::rmcp::rakp::{Exchange, NAME_ONLY, OpenRequest, OpenResponse, Proof, Rakp1, Rakp2, Status};
use crate::wire::rmcp::session::{Frame, PayloadType, encode_legacy, encode_plain};
use crate::wire::rmcp::suite::Suite;

/// A handshake whose repeated messages confused the BMC is begun again this many times.
const ATTEMPTS: u32 = 4;
/// Where a BMC is that stays silent to the suite that it was asked for.
pub(super) const OPEN_SESSION: &str = "Open Session";
/// With another suite to try, silence to the first one is believed after this part of the usual time: long enough for a few
/// repetitions, short enough that the second still answers soon.
const SILENCE_BELIEVED: u32 = 3;
const CMD_AUTH_CAPABILITIES: u8 = 0x38;
const CMD_SET_PRIVILEGE: u8 = 0x3b;

/// The seams and limits that a handshake needs.
#[derive(Clone)]
pub(super) struct Means {
    pub net: Net,
    pub clock: Clock,
    pub random: Random,
    /// The longest that any single exchange may take, and the whole time until first contact.
    pub reach: Duration,
}

/// Opens a session with exactly `suite`. A refusal of the suite comes back as [`IpmiError::SessionRefused`]; silence to it as
/// [`IpmiError::TimedOut`] at [`OPEN_SESSION`], sooner if there is an `alternative`. `granted` is set once the BMC keeps a place.
pub(super) async fn open(
    means: &Means,
    login: &Login,
    suite: Suite,
    alternative: bool,
    until: Instant,
    granted: &AtomicBool,
) -> Result<Session, IpmiError> {
    let first = (means.clock.instant() + means.reach).min(until);
    let within = first.saturating_duration_since(means.clock.instant());
    let link = Link::open(&means.net, &means.clock, &login.host, login.port, within).await;
    let link = link.map_err(|error| LinkError::Io(error).unreachable(means.reach))?;
    let mut handshake = Handshake { means, login, suite, alternative, until, granted, link, lookup: NAME_ONLY, tag: 0 };
    handshake.capabilities(first).await?;
    for attempt in 1..=ATTEMPTS {
        match handshake.authenticate().await {
            Err(Failure::Final(error)) => return Err(error),
            Err(Failure::Again(error)) if attempt == ATTEMPTS => return Err(error),
            Err(Failure::Again(_)) => continue,
            Ok((keys, console_id, managed_id)) => {
                let session = Session::new(handshake.link, keys, console_id, managed_id, means.random.clone());
                return raise_privilege(means, login, session, until).await;
            }
        }
    }
    Err(IpmiError::TimedOut { at: "authentication", maybe_done: false })
}

enum Failure {
    Final(IpmiError),
    /// Begin again: the failure may come from a message that arrived twice, or from the way the user was looked up.
    Again(IpmiError),
}

impl From<IpmiError> for Failure {
    fn from(error: IpmiError) -> Self {
        Failure::Final(error)
    }
}

struct Handshake<'a> {
    means: &'a Means,
    login: &'a Login,
    suite: Suite,
    /// Whether another suite will be tried if the BMC does not take this one.
    alternative: bool,
    until: Instant,
    granted: &'a AtomicBool,
    link: Link,
    /// [`NAME_ONLY`], or 0 after a BMC did not know the user that way: a few want user and privilege together.
    lookup: u8,
    tag: u8,
}

impl Handshake<'_> {
    /// First contact. A BMC that says it has no IPMI 2.0 ends it; one that says anything odd is tried nevertheless.
    async fn capabilities(&mut self, until: Instant) -> Result<(), IpmiError> {
        const CURRENT_CHANNEL_WITH_2_0: u8 = 0x8e;
        let data = vec![CURRENT_CHANNEL_WITH_2_0, self.login.privilege.number()];
        let request = IpmbMessage::request(ipmb::NETFN_APP, CMD_AUTH_CAPABILITIES, 0, data);
        let packet = encode_legacy(&request.encode());
        let accept = |bytes: &[u8]| match Frame::decode(bytes) {
            Ok(Frame::Legacy { payload, .. }) => {
                IpmbMessage::decode(payload).ok().filter(|answer| request.is_answered_by(answer))
            }
            _ => None,
        };
        let tries = Tries { until, repeat: true };
        let answer = self.link.exchange(&mut Question { packet, accept }, tries).await;
        let answer = answer.map_err(|error| error.unreachable(self.means.reach))?;
        if let [ipmb::OK, _, support, _, versions, ..] = answer.data[..]
            && support & 0x80 != 0
            && versions & 0x02 == 0
        {
            return Err(IpmiError::Unsupported("it speaks IPMI 1.5 only, RMCP+ (IPMI 2.0) is needed".into()));
        }
        Ok(())
    }

    async fn authenticate(&mut self) -> Result<(crate::wire::rmcp::suite::Keys, u32, u32), Failure> {
        let repeats_before = self.link.repeats;
        let opened = self.open_session().await?;
        self.granted.store(true, Ordering::Relaxed);
        let mut exchange = Exchange {
            suite: self.suite,
            console_id: opened.console_id,
            managed_id: opened.managed_id,
            console_random: self.means.random.bytes(),
            managed_random: [0; 16],
            guid: [0; 16],
            role: self.lookup | self.login.privilege.number(),
            name: self.login.username.as_bytes().to_vec(),
        };
        let password = self.login.password.expose();
        let answer = self.rakp1(&exchange).await?;
        if answer.status != Status::OK {
            return Err(self.rakp2_refusal(answer.status, repeats_before));
        }
        (exchange.managed_random, exchange.guid) = (answer.managed_random, answer.guid);
        if !exchange.rakp2_code(password).matches(&answer.code) {
            let status = Status::INVALID_INTEGRITY_CHECK;
            let refusal = Proof { tag: self.next_tag(), status, session_id: exchange.managed_id, code: vec![] };
            // Courtesy to the BMC; the error is the same whether it arrives or not.
            let _ = self.link.send(&encode_plain(PayloadType::Rakp3, &refusal.encode())).await;
            return Err(IpmiError::BadCredentials { which: Credential::Password }.into());
        }
        let proof = self.rakp3(&exchange, exchange.rakp3_code(password).as_bytes()).await?;
        if proof.status != Status::OK {
            return Err(self.rakp4_refusal(proof.status, repeats_before));
        }
        let kg = self.login.kg.as_ref().map_or(password, |kg| kg.expose());
        let keys = exchange.keys(kg);
        if !exchange.rakp4_code(&keys).matches(&proof.code) {
            return Err(IpmiError::BadCredentials { which: Credential::KgKey }.into());
        }
        Ok((keys, exchange.console_id, exchange.managed_id))
    }

    async fn open_session(&mut self) -> Result<OpenResponse, Failure> {
        let tag = self.next_tag();
        // 0 means "no session" and must not be ours.
        let console_id = u32::from_le_bytes(self.means.random.bytes()).max(1);
        let algorithms = self.suite.algorithms();
        let request = OpenRequest { tag, privilege: self.login.privilege.number(), console_id, algorithms };
        let packet = encode_plain(PayloadType::OpenRequest, &request.encode());
        let accept = |bytes: &[u8]| {
            let answer = OpenResponse::decode(payload(bytes, PayloadType::OpenResponse)?).ok()?;
            (answer.tag == tag && belongs(answer.console_id, console_id, answer.status)).then_some(answer)
        };
        let within = if self.alternative { self.means.reach / SILENCE_BELIEVED } else { self.means.reach };
        let answer = self.ask_within(within, packet, accept, OPEN_SESSION).await?;
        if answer.status != Status::OK {
            return Err(IpmiError::SessionRefused { status: answer.status.0 }.into());
        }
        if answer.algorithms != algorithms {
            // A BMC, or somebody in between, that picks its own algorithms could pick none.
            return Err(IpmiError::SessionRefused { status: Status::NO_MATCHING_SUITE.0 }.into());
        }
        Ok(answer)
    }

    async fn rakp1(&mut self, exchange: &Exchange) -> Result<Rakp2, Failure> {
        let tag = self.next_tag();
        let message = Rakp1 {
            tag,
            managed_id: exchange.managed_id,
            console_random: exchange.console_random,
            role: exchange.role,
            name: exchange.name.clone(),
        };
        let packet = encode_plain(PayloadType::Rakp1, &message.encode());
        let accept = |bytes: &[u8]| {
            let answer = Rakp2::decode(payload(bytes, PayloadType::Rakp2)?).ok()?;
            (answer.tag == tag && belongs(answer.console_id, exchange.console_id, answer.status)).then_some(answer)
        };
        let mut answer = self.ask(packet, accept, "RAKP message 1 (user name)").await?;
        answer.code.truncate(self.suite.exchange_code_bytes());
        Ok(answer)
    }

    async fn rakp3(&mut self, exchange: &Exchange, code: &[u8]) -> Result<Proof, Failure> {
        let tag = self.next_tag();
        let proof = Proof { tag, status: Status::OK, session_id: exchange.managed_id, code: code.to_vec() };
        let packet = encode_plain(PayloadType::Rakp3, &proof.encode());
        let accept = |bytes: &[u8]| {
            let answer = Proof::decode(payload(bytes, PayloadType::Rakp4)?).ok()?;
            (answer.tag == tag && belongs(answer.session_id, exchange.console_id, answer.status)).then_some(answer)
        };
        let mut answer = self.ask(packet, accept, "RAKP message 3 (password)").await?;
        answer.code.truncate(self.suite.integrity_code_bytes());
        Ok(answer)
    }

    async fn ask<T>(
        &mut self,
        packet: Vec<u8>,
        accept: impl FnMut(&[u8]) -> Option<T>,
        at: &'static str,
    ) -> Result<T, Failure> {
        self.ask_within(self.means.reach, packet, accept, at).await
    }

    async fn ask_within<T>(
        &mut self,
        within: Duration,
        packet: Vec<u8>,
        accept: impl FnMut(&[u8]) -> Option<T>,
        at: &'static str,
    ) -> Result<T, Failure> {
        let until = (self.means.clock.instant() + within).min(self.until);
        let tries = Tries { until, repeat: true };
        self.link
            .exchange(&mut Question { packet, accept }, tries)
            .await
            .map_err(|_| Failure::Final(IpmiError::TimedOut { at, maybe_done: false }))
    }

    fn rakp2_refusal(&mut self, status: Status, repeats_before: u32) -> Failure {
        let which = match status {
            Status::UNAUTHORIZED_NAME | Status::INVALID_NAME_LENGTH => Credential::Username,
            Status::INVALID_ROLE | Status::UNAUTHORIZED_ROLE => Credential::Privilege,
            _ => return self.confused(status, repeats_before),
        };
        let error = IpmiError::BadCredentials { which };
        if self.lookup == NAME_ONLY && !self.login.username.is_empty() {
            self.lookup = 0;
            return Failure::Again(error);
        }
        Failure::Final(error)
    }

    fn rakp4_refusal(&self, status: Status, repeats_before: u32) -> Failure {
        match status {
            Status::UNAUTHORIZED_ROLE | Status::INVALID_ROLE => {
                Failure::Final(IpmiError::BadCredentials { which: Credential::Privilege })
            }
            // The BMC proved that it has our password, so a wrong code means that it drew a new random number for a
            // repeated message; without repetition it is what the BMC says about the password.
            Status::INVALID_INTEGRITY_CHECK if self.link.repeats == repeats_before => {
                Failure::Final(IpmiError::BadCredentials { which: Credential::Password })
            }
            _ => self.confused(status, repeats_before),
        }
    }

    fn confused(&self, status: Status, repeats_before: u32) -> Failure {
        let error = IpmiError::SessionRefused { status: status.0 };
        let by_repetition = matches!(
            status,
            Status::INVALID_SESSION_ID | Status::INACTIVE_SESSION_ID | Status::INVALID_INTEGRITY_CHECK
        );
        if by_repetition && self.link.repeats > repeats_before { Failure::Again(error) } else { Failure::Final(error) }
    }

    fn next_tag(&mut self) -> u8 {
        self.tag = self.tag.wrapping_add(1);
        self.tag
    }
}

/// A fixed question and a test for its answer.
struct Question<F> {
    packet: Vec<u8>,
    accept: F,
}

impl<T, F: FnMut(&[u8]) -> Option<T>> Conversation for Question<F> {
    type Answer = T;

    fn speak(&mut self) -> Vec<u8> {
        self.packet.clone()
    }

    fn hear(&mut self, packet: &[u8]) -> Option<T> {
        (self.accept)(packet)
    }
}

/// The payload of a clear packet of that kind.
fn payload(packet: &[u8], kind: PayloadType) -> Option<&[u8]> {
    match Frame::decode(packet) {
        Ok(Frame::Modern(frame)) if frame.kind == kind && !frame.encrypted => Some(frame.payload),
        _ => None,
    }
}

/// Whether an answer is to our session; BMCs that refuse often leave the number out.
fn belongs(theirs: u32, ours: u32, status: Status) -> bool {
    theirs == ours || (status != Status::OK && theirs == 0)
}

/// A session starts as USER, whatever was negotiated (section 22.18); chassis control needs more.
async fn raise_privilege(
    means: &Means,
    login: &Login,
    mut session: Session,
    until: Instant,
) -> Result<Session, IpmiError> {
    if login.privilege <= Privilege::User {
        return Ok(session);
    }
    let request = Request::of_ours(CMD_SET_PRIVILEGE, vec![login.privilege.number()]);
    let until = (means.clock.instant() + means.reach).min(until);
    let answer = session.run(&request, Tries { until, repeat: true }).await;
    let answer = answer.map_err(|_| IpmiError::TimedOut { at: "Set Session Privilege Level", maybe_done: false })?;
    let error = match answer.completion {
        ipmb::OK => return Ok(session),
        0x80 | 0x81 => IpmiError::BadCredentials { which: Credential::Privilege },
        code => IpmiError::Refused { code, netfn: request.netfn, cmd: request.cmd },
    };
    session.close(&means.clock).await;
    Err(error)
}
