//! The BMC's network side: packets in, packets out, and what happens to them on the way.

use std::net::SocketAddr;

use super::chassis::{Action, Chassis};
use super::commands::{Effect, Firmware};
use super::faults::{Hit, Knobs};
use super::sessions::{Reply, Sessions};
use super::{Personality, Seams, Seen};
use crate::clock::Instant;
use crate::net::UdpSocket;
use crate::wire::rmcp::{MAX_DATAGRAM_BYTES, Packet};

/// Things that happen later; a flood beyond it is dropped, as a real controller drops it.
const MAX_LATER: usize = 1024;

pub(super) struct Server {
    seams: Seams,
    socket: UdpSocket,
    sessions: Sessions,
    firmware: Firmware,
    chassis: Chassis,
    knobs: Knobs,
    seen: Seen,
    later: Vec<(Instant, Later)>,
}

enum Later {
    Send(SocketAddr, Vec<u8>),
    Act(Action),
}

impl Server {
    pub(super) fn new(
        seams: Seams,
        socket: UdpSocket,
        personality: Personality,
        chassis: Chassis,
        knobs: Knobs,
        seen: Seen,
    ) -> Self {
        let guid = seams.random.bytes();
        let firmware = Firmware::new(&personality, guid, chassis.clone(), knobs.clone(), seams.random.clone());
        let sessions = Sessions::new(personality, guid, knobs.clone(), seen.clone(), seams.random.clone());
        Server { seams, socket, sessions, firmware, chassis, knobs, seen, later: Vec::new() }
    }

    pub(super) async fn run(mut self) {
        let mut buffer = [0; MAX_DATAGRAM_BYTES];
        loop {
            let due = self.later.iter().map(|(at, _)| *at).min();
            let far = self.seams.clock.instant() + std::time::Duration::from_secs(3600);
            tokio::select! {
                biased;
                // First what is due: a flood of packets must not put it off.
                () = tokio::time::sleep_until(due.unwrap_or(far)) => self.do_what_is_due().await,
                // A real controller reads one packet at a time too; an error is somebody's refused port.
                received = self.socket.recv(&mut buffer) => if let Ok(received) = received {
                    let bytes = buffer.get(..received.len).unwrap_or_default().to_vec();
                    self.receive(&bytes, received.peer).await;
                },
            }
        }
    }

    async fn do_what_is_due(&mut self) {
        let now = self.seams.clock.instant();
        let (due, later) = std::mem::take(&mut self.later).into_iter().partition(|(at, _)| *at <= now);
        self.later = later;
        for (_, what) in due {
            match what {
                Later::Send(peer, bytes) => drop(self.socket.send_to(&bytes, peer).await),
                Later::Act(action) => self.chassis.act(action),
            }
        }
    }

    async fn receive(&mut self, bytes: &[u8], peer: SocketAddr) {
        self.seen.packet(peer);
        let random = self.seams.random.clone();
        if self.knobs.read(|faults| faults.silent) || self.knobs.hits(Hit::LoseRequest, &random) {
            return;
        }
        let times = if self.knobs.hits(Hit::DoubleRequest, &random) { 2 } else { 1 };
        for _ in 0..times {
            let (answer, effect) = self.handle(bytes, peer);
            if let Some(effect) = effect {
                self.carry_out(effect);
            }
            if let Some(answer) = answer {
                self.send(answer, peer).await;
            }
        }
    }

    fn handle(&mut self, bytes: &[u8], peer: SocketAddr) -> (Option<Vec<u8>>, Option<Effect>) {
        match Packet::decode(bytes) {
            Ok(Packet::Ping { tag }) if !self.knobs.read(|faults| faults.ignore_ping) => {
                (Some(Packet::Pong { tag, ipmi: true }.encode()), None)
            }
            Ok(Packet::Ipmi(inner)) => {
                let now = self.seams.clock.instant();
                match self.sessions.handle(inner, peer, now, &mut self.firmware) {
                    Some(Reply { packet, effect }) => (Some(Packet::Ipmi(&packet).encode()), effect),
                    None => (None, None),
                }
            }
            _ => (None, None),
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::ForgetSessions => self.sessions.forget_all(),
            Effect::Power(action) => {
                let (delay, soft_off) = self.knobs.read(|faults| (faults.power_delay, faults.soft_off));
                let now = self.seams.clock.instant();
                if delay.is_zero() || matches!(action, Action::Button | Action::Interrupt) {
                    self.chassis.act(action);
                } else {
                    self.push(now + delay, Later::Act(action));
                }
                if let (Action::Button, Some(takes)) = (action, soft_off) {
                    self.push(now + takes, Later::Act(Action::Off));
                }
            }
        }
    }

    async fn send(&mut self, mut answer: Vec<u8>, peer: SocketAddr) {
        let random = self.seams.random.clone();
        if self.knobs.hits(Hit::LoseAnswer, &random) {
            return;
        }
        if self.knobs.hits(Hit::SpoilAnswer, &random) {
            let at = random.below(answer.len() as u64) as usize;
            if let Some(byte) = answer.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        let times = if self.knobs.hits(Hit::DoubleAnswer, &random) { 2 } else { 1 };
        let delay = self.knobs.read(|faults| faults.delay);
        for _ in 0..times {
            if delay.is_zero() {
                let _ = self.socket.send_to(&answer, peer).await;
            } else {
                let extra = random.below(delay.as_micros() as u64 / 2);
                let at = self.seams.clock.instant() + delay + std::time::Duration::from_micros(extra);
                self.push(at, Later::Send(peer, answer.clone()));
            }
        }
    }

    fn push(&mut self, at: Instant, what: Later) {
        if self.later.len() < MAX_LATER {
            self.later.push((at, what));
        }
    }
}
