//! What a machine does between its self-test and the first instruction of somebody else's kernel.
//!
//! ```text
//!   ROM:  DHCP ─► loader by TFTP ─► iPXE:  DHCP ─► script by HTTP ─► kernel, ramdisk by HTTP ─► command line
//!                                                              └──► or the disk
//! ```
//! Every step is real packets from the address that was leased; the loader's bytes are only looked at, and what they
//! would do is in [`script`]. Loopback has no broadcast, so DHCP is sent to the server's address, as a client sends it
//! otherwise. Deliberately absent: proxy DHCP, UEFI HTTP boot, IPv6.

mod dhcp;
mod script;
mod tftp;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::bmc::Seams;
use crate::net::http::{Client, Limits, Request, Url};
use script::{Outcome, Platform};

/// Firmware gives up on a server after so long.
const PATIENCE: Duration = Duration::from_secs(20);
/// No kernel or ramdisk of the simulation is larger.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// The machine's side of a network boot.
#[derive(Clone, Copy, Debug)]
pub struct Firmware {
    pub mac: [u8; 6],
    pub uefi: bool,
    /// Where DHCP is sent to.
    pub dhcp: SocketAddr,
    /// 69 everywhere but on a machine where nobody is root.
    pub tftp_port: u16,
}

/// How the network says to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Kernel and ramdisk are loaded; the kernel is started with this.
    Ramdisk { address: IpAddr, command_line: String },
    /// The next boot device.
    Disk,
    /// From the beginning.
    Restart,
}

/// Boots from the network. Errors say what the machine's screen would.
pub async fn boot(seams: &Seams, firmware: Firmware) -> Result<Verdict, String> {
    let rom = dhcp::lease(seams, firmware, dhcp::Asker::Rom).await?;
    let file = rom.file.ok_or("PXE-E53: No boot filename received")?;
    let server = SocketAddr::new(IpAddr::V4(rom.server), firmware.tftp_port);
    let loader = tftp::fetch(seams, rom.address, server, &file).await?;
    if loader.is_empty() {
        return Err(format!("the loader {file} is empty"));
    }
    let ipxe = dhcp::lease(seams, firmware, dhcp::Asker::Ipxe).await?;
    if ipxe.address != rom.address {
        return Err(format!("iPXE was leased {} after its ROM had {}", ipxe.address, rom.address));
    }
    let url = ipxe.file.ok_or("Nothing to boot")?;
    let mut fetcher = Fetcher::new(seams, ipxe.address);
    let text = String::from_utf8_lossy(&fetcher.get(&url).await?).into_owned();
    let platform = Platform { uefi: firmware.uefi, mac: firmware.mac };
    let outcome = script::run(&text, platform, &seams.clock, &mut fetcher).await?;
    Ok(match outcome {
        Outcome::Kernel(command_line) => Verdict::Ramdisk { address: IpAddr::V4(ipxe.address), command_line },
        Outcome::Disk | Outcome::Exit => Verdict::Disk,
        Outcome::Reboot => Verdict::Restart,
    })
}

/// Fetches files over HTTP from the leased address.
struct Fetcher {
    client: Client,
}

impl Fetcher {
    fn new(seams: &Seams, from: Ipv4Addr) -> Self {
        let client = Client::new(seams.net.clone(), seams.clock.clone()).from_address(IpAddr::V4(from));
        Fetcher { client }
    }

    /// The file, whole. Errors: it cannot be had, or is empty.
    async fn get(&mut self, url: &str) -> Result<Vec<u8>, String> {
        let say = |why: String| format!("{url}: {why}");
        let mut request = Request::get(Url::parse(url).map_err(|error| say(error.to_string()))?);
        request.limits =
            Limits { body_bytes: MAX_FILE_BYTES, first_byte: PATIENCE, idle: PATIENCE, ..Limits::default() };
        let response = self.client.send(request).await.map_err(|error| say(error.to_string()))?;
        if !response.status.is_success() {
            return Err(say(response.status.to_string()));
        }
        let bytes = response.bytes().await.map_err(|error| say(error.to_string()))?;
        if bytes.is_empty() { Err(say("no content".into())) } else { Ok(bytes.to_vec()) }
    }
}
