//! TFTP (RFC 1350), read-only, for boot loaders and nothing else: kernels, ramdisks and images go by HTTP.
//!
//! ```text
//! port 69: request ─► known name? within limits? ─► transfer (own socket, own port) ─► ends, is counted off
//! ```
//! One task reads requests; each transfer is a task that it owns and that waits for a thread, so a shutdown can let them finish. A request that the
//! client repeats while its transfer runs starts no second one. When there are as many as there may be, the address that has most
//! of them gives one up for a newcomer that has fewer (`transfers`). Names that are not there are refused at once, because firmware,
//! PXELINUX and GRUB try a dozen in turn and wait seconds for each one that stays unanswered. Errors name no path.
//! Deliberately absent: writing, directories, netascii, and any option that could make one datagram costly (see [`terms`]).

pub mod terms;
pub mod transfer;
mod transfers;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tftpd::{ErrorCode, Packet, TransferOption};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use self::terms::Terms;
use self::transfer::End;
use self::transfers::{Key, Transfers};
use super::loaders::{Loaders, Refused};
use crate::clock::Clock;
use crate::net::{Net, Received, UdpBind, UdpSocket};
use crate::trace::{Kind, Trace};

/// What a transfer's thread needs is a packet and a few calls; a debug build needs more of it.
const STACK_BYTES: usize = 256 << 10;

/// How to serve.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where requests arrive. Answers leave from the address that was asked, on a port of their own.
    pub listen: SocketAddr,
    /// Serve this interface only.
    pub device: Option<String>,
    /// Wait for an acknowledgement unless the client names its own.
    pub timeout: Duration,
    /// Transfers at once, all clients together; a request above it is dropped and the client repeats it.
    pub most_transfers: usize,
    /// Transfers at once for one address.
    pub most_per_peer: usize,
    /// How long a shutdown waits for running transfers.
    pub drain: Duration,
    pub trace: Trace,
}

impl Settings {
    /// The defaults at an address.
    pub fn at(listen: SocketAddr) -> Self {
        Settings {
            listen,
            device: None,
            timeout: Duration::from_secs(1),
            most_transfers: 512,
            most_per_peer: 64,
            drain: Duration::from_secs(3),
            trace: Trace::default(),
        }
    }
}

/// A bound server that does not run yet.
pub struct Server {
    settings: Settings,
    net: Net,
    clock: Clock,
    loaders: Loaders,
    socket: UdpSocket,
}

impl Server {
    /// Binds the request port. Errors: taken, or a port below 1024 without `CAP_NET_BIND_SERVICE`.
    pub fn bind(net: Net, clock: Clock, loaders: Loaders, settings: Settings) -> io::Result<Self> {
        let socket = net.udp(UdpBind {
            device: settings.device.clone(),
            packet_info: true,
            receive_buffer_bytes: Some(256 << 10),
            ..UdpBind::at(settings.listen)
        })?;
        Ok(Server { settings, net, clock, loaders, socket })
    }

    /// The bound address.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Serves until `stop`, then lets running transfers finish within the drain time.
    pub async fn run(self, stop: CancellationToken) {
        let mut transfers = Transfers::new(self.settings.most_transfers, self.settings.most_per_peer);
        let _cut = transfers.cut_all();
        let mut buffer = [0; 1024];
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(ended) = transfers.tasks.join_next_with_id() => {
                    if let Some((name, repeat)) = transfers.ended(ended) {
                        self.admit(name, repeat.options, repeat.received, &mut transfers);
                    }
                }
                received = self.socket.recv(&mut buffer) => match received {
                    Ok(received) => self.request(&buffer[..received.len], received, &mut transfers).await,
                    // A full queue or an ICMP error of an earlier answer; a broken socket must not become a busy loop.
                    Err(error) => {
                        debug!(%error, "TFTP receive failed");
                        self.clock.sleep(Duration::from_millis(10)).await;
                    }
                }
            }
        }
        let drained = async { while transfers.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(self.settings.drain, drained).await.is_err() {
            info!("TFTP transfers were cut off by the shutdown");
        }
    }

    async fn request(&self, bytes: &[u8], received: Received, transfers: &mut Transfers) {
        let refusal = match Packet::deserialize(bytes) {
            Ok(Packet::Rrq { filename, mode, options }) if mode.eq_ignore_ascii_case("octet") => {
                self.admit(filename, options, received, transfers);
                return;
            }
            Ok(Packet::Rrq { .. }) => (ErrorCode::IllegalOperation, "only octet mode is served"),
            Ok(Packet::Wrq { .. }) => (ErrorCode::AccessViolation, "nothing can be written here"),
            // A request that cannot be read deserves an answer; anything else on this port is noise.
            Err(_) if matches!(bytes, [0, 1 | 2, ..]) => (ErrorCode::IllegalOperation, "malformed request"),
            _ => return,
        };
        debug!(peer = %received.peer, reason = refusal.1, "TFTP request refused");
        if let Some(packet) = error_packet(refusal.0, refusal.1) {
            let from = received.local.unwrap_or(self.settings.listen.ip());
            let _ = self.socket.send_from(&packet, received.peer, from).await;
        }
    }

    /// Starts a transfer unless it runs already or a limit is reached. Both are answered by silence: a client repeats.
    fn admit(&self, name: String, options: Vec<TransferOption>, received: Received, transfers: &mut Transfers) {
        let key = Key { peer: received.peer, name };
        let Some(options) = transfers.unless_running(&key, options, received) else { return };
        if !transfers.has_room(received.peer.ip()) {
            debug!(peer = %received.peer, "TFTP request dropped: too many transfers");
            return;
        }
        let bind = UdpBind {
            device: self.settings.device.clone(),
            ..UdpBind::at(SocketAddr::new(received.local.unwrap_or(self.settings.listen.ip()), 0))
        };
        let (net, clock, loaders) = (self.net.clone(), self.clock.clone(), self.loaders.clone());
        let trace = self.settings.trace.clone();
        let timeout = self.settings.timeout;
        transfers.start(key.clone(), |cut| async move {
            Job { net, clock, loaders, bind, cut, trace }.run(key, options, timeout).await
        });
    }
}

/// What a transfer needs beside its name.
struct Job {
    net: Net,
    clock: Clock,
    loaders: Loaders,
    bind: UdpBind,
    cut: CancellationToken,
    trace: Trace,
}

impl Job {
    /// How the transfer ended; none if it never began.
    async fn run(self, key: Key, options: Vec<TransferOption>, timeout: Duration) -> Option<End> {
        let started = self.clock.instant();
        let socket = match self.net.patient_udp(self.bind.clone(), key.peer) {
            Ok(socket) => socket,
            Err(error) => {
                warn!(peer = %key.peer, %error, "no socket for a TFTP transfer");
                return None;
            }
        };
        let content = match self.loaders.get(&key.name).await {
            Ok(content) => content,
            Err(refused) => {
                debug!(peer = %key.peer, name = ?key.name, %refused, "TFTP request refused");
                self.trace.address(key.peer.ip(), Kind::LoaderAbsent, format!("{:?}: {refused}", key.name));
                let code = if refused == Refused::NotFound { ErrorCode::FileNotFound } else { ErrorCode::NotDefined };
                if let Some(packet) = error_packet(code, &refused.to_string()) {
                    let _ = socket.send(&packet);
                }
                return None;
            }
        };
        let (terms, granted) = Terms::agree(&options, content.len(), timeout);
        let bytes = content.len();
        // The threads are as many as transfers may run at once, and each ends by itself within its timeouts.
        let (clock, cut) = (self.clock.clone(), self.cut.clone());
        let sending = socket.exchange(("tftp", STACK_BYTES), move |socket| async move {
            transfer::send((&socket, &clock), &content, terms, granted, &cut).await
        });
        match sending.await {
            Ok(end) => {
                let millis = (self.clock.instant() - started).as_millis() as u64;
                info!(peer = %key.peer, name = ?key.name, bytes, millis, ?end, "TFTP transfer");
                let (ip, name) = (key.peer.ip(), &key.name);
                match end {
                    End::Complete => {
                        self.trace.address(ip, Kind::LoaderSent, format!("{name:?}, {bytes} bytes in {millis} ms"))
                    }
                    End::Silent => self.trace.address(ip, Kind::LoaderBroken, format!("{name:?}, {bytes} bytes")),
                    End::Stopped => {}
                }
                Some(end)
            }
            Err(error) => {
                debug!(peer = %key.peer, name = ?key.name, %error, "TFTP transfer broke off");
                None
            }
        }
    }
}

fn error_packet(code: ErrorCode, message: &str) -> Option<Vec<u8>> {
    Packet::Error { code, msg: message.to_owned() }.serialize().ok()
}
