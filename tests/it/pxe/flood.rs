//! A flood from one address, and a machine that boots through it.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bessemer::clock::Clock;
use bessemer::sim::netboot::{Faults, Firmware, Outcome};
use bessemer::wire::dhcp::MessageType;
use bessemer::wire::mac::Mac;

use super::netboot::Site;
use super::tftp::rrq;
use super::world::{OURS, message};

/// Datagrams in a row, and the pause after them: some five thousand a second, if the machine lets it.
const BURST: u64 = 16;
const PAUSE: Duration = Duration::from_millis(3);

/// Sends datagrams from one socket until it is dropped.
struct Flood {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Flood {
    fn start(to: SocketAddr, datagram: impl Fn(u64) -> Vec<u8> + Send + 'static) -> Result<Self> {
        let socket = UdpSocket::bind(("127.0.0.66", 0))?;
        let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, count) = (stop.clone(), sent.clone());
        let thread = std::thread::Builder::new().spawn(move || {
            while !stopped.load(Ordering::SeqCst) {
                for _ in 0..BURST {
                    let n = count.fetch_add(1, Ordering::SeqCst);
                    let _ = socket.send_to(&datagram(n), to);
                }
                std::thread::sleep(PAUSE);
            }
        })?;
        Ok(Flood { stop, sent, thread: Some(thread) })
    }

    fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }

    async fn has_begun(&self) -> Result<()> {
        let begun = async {
            while self.sent() < 1000 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), begun).await.context("the flood never rose")
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A card that is nobody's, another one each time.
fn stranger(n: u64) -> Mac {
    let [.., a, b, c, d] = n.to_be_bytes();
    Mac([2, 0x66, a, b, c, d])
}

/// The machine boots its ramdisk, with no more repetitions than its firmware has patience for.
async fn boots(site: &Site) -> Result<Duration> {
    let clock = Clock::system();
    let began = clock.instant();
    let (booted, stages) = site.boot(Firmware::Bios, &Faults::default()).await;
    let booted = booted.with_context(|| format!("{stages:?}"))?;
    ensure!(matches!(booted.outcome, Outcome::Kernel(_)), "{:?}", booted.outcome);
    Ok(clock.instant() - began)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_dhcp_from_invented_cards_or_one_s_own_delays_no_other_machine_s_boot() -> Result<()> {
    let site = Site::new(|_| {}).await?;
    site.plan("quiet").await?;
    let before = boots(&site).await?;
    let own = Mac([2, 0x66, 0, 0, 0, 1]);
    for what in ["invented cards", "one card"] {
        let mac = move |n| if what == "one card" { own } else { stranger(n) };
        let flood = Flood::start(site.bound.dhcp, move |n| message(MessageType::Discover, mac(n)).encode())?;
        flood.has_begun().await?;
        let during = boots(&site).await?;
        eprintln!("{what}: {} datagrams, a boot took {during:?} instead of {before:?}", flood.sent());
    }
    site.finish().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_in_the_machine_s_own_name_is_answered_and_the_machine_still_boots() -> Result<()> {
    let site = Site::new(|_| {}).await?;
    site.plan("quiet").await?;
    let flood = Flood::start(site.bound.dhcp, |_| message(MessageType::Discover, OURS).encode())?;
    flood.has_begun().await?;
    boots(&site).await?;
    drop(flood);
    site.finish().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_tftp_delays_no_other_machine_s_boot() -> Result<()> {
    let site = Site::new(|_| {}).await?;
    site.plan("quiet").await?;
    let before = boots(&site).await?;
    for name in ["undionly.kpxe", "no-such-file", "\0"] {
        let flood = Flood::start(site.bound.tftp, move |_| rrq(name, &[("timeout", "10")]))?;
        flood.has_begun().await?;
        let during = boots(&site).await?;
        eprintln!("{name:?}: {} datagrams, a boot took {during:?} instead of {before:?}", flood.sent());
    }
    site.finish().await
}
