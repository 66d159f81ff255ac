//! What the play needs: addresses, a directory with image, kernel and loaders, and the configuration of the service.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use crate::blocking;
use crate::clock::Clock;
use crate::config::{Settings, Typed};
use crate::net::{Net, UdpBind};
use crate::random::Random;
use crate::sim::bmc::{Personality, Seams};
use crate::sim::machine::Pace;
use crate::sim::netboot::{self, Firmware};
use crate::sim::rack::Plan;
use crate::sim::system;

/// The service, as machines see it.
const SERVER: Ipv4Addr = Ipv4Addr::new(127, 77, 0, 1);
const POOL: &str = "127.77.1.10-127.77.1.99";
const BMC_NET: [u8; 3] = [127, 77, 2];
const IMAGE_BYTES: usize = 16 << 20;
const DISK_BYTES: u64 = 48 << 20;
const KERNEL_BYTES: usize = 1 << 20;
const RAMDISK_BYTES: usize = 4 << 20;
/// The name that the image carries, by which a machine shows what it booted.
pub const SYSTEM: &str = "demo-system-1";

pub struct Stage {
    pub settings: Settings,
    pub seams: Seams,
    pub plan: Plan,
    pub dir: PathBuf,
    pub provisioning: String,
    /// SHA-256 of the image, in hexadecimal.
    pub image_sum: String,
    pub image_bytes: usize,
}

impl Stage {
    /// Makes everything. Errors: no room in the temporary directory, or no free ports.
    pub async fn build(machines: u8) -> anyhow::Result<Self> {
        let seams = Seams { net: Net::system(), clock: Clock::system(), random: Random::system() };
        let dir = std::env::temp_dir().join(format!("bessemer-demo-{}", seams.random.uuid()));
        let (random, at) = (seams.random.clone(), dir.clone());
        let image_sum = blocking::run(move || props(&at, &random)).await??;
        let admin = free_tcp(&seams.net, Ipv4Addr::LOCALHOST, 6385).await?;
        let provisioning = free_tcp(&seams.net, SERVER, 8080).await?;
        let dhcp = free_udp(&seams.net, SERVER, 6767)?;
        let tftp = free_udp(&seams.net, SERVER, 6969)?;
        let bmc = free_udp(&seams.net, Ipv4Addr::from([BMC_NET[0], BMC_NET[1], BMC_NET[2], 1]), 6230)?;
        let config = configuration(&dir, admin, provisioning, dhcp, tftp.port());
        let file = dir.join("bessemer.toml");
        let (to, text) = (file.clone(), config);
        blocking::run(move || std::fs::write(to, text)).await??;
        let typed = Typed::read(Some(&file), [], &[])?;
        let plan = Plan {
            machines,
            bmc_net: BMC_NET,
            bmc_port: bmc.port(),
            personality: Personality::default(),
            mixed_firmware: true,
            dir: dir.clone(),
            disk_bytes: DISK_BYTES,
            dhcp,
            tftp_port: tftp.port(),
            pace: Pace::default(),
        };
        let settings = Settings::from_typed(&typed)?;
        let provisioning = format!("http://{provisioning}");
        Ok(Stage { settings, seams, plan, dir, provisioning, image_sum, image_bytes: IMAGE_BYTES })
    }

    pub fn image_url(&self) -> String {
        format!("file://{}", self.dir.join("system.img").display())
    }

    /// What to do next, for somebody who asked to keep it.
    pub fn invitation(&self, admin: &str) -> Vec<String> {
        vec![
            String::new(),
            "It stays up until Ctrl-C. In another terminal:".to_owned(),
            format!("  curl {admin}/v1/nodes"),
            format!("  export OS_AUTH_TYPE=none OS_ENDPOINT={admin}"),
            "  baremetal node list        # pip install python-ironicclient".to_owned(),
            format!("Files: {}", self.dir.display()),
        ]
    }

    /// Removes the directory.
    pub async fn strike(self) {
        let dir = self.dir.clone();
        if let Ok(Err(error)) = blocking::run(move || std::fs::remove_dir_all(dir)).await {
            tracing::warn!(%error, dir = %self.dir.display(), "the demonstration's files could not be removed");
        }
    }
}

/// Files that stand for loaders, agent and system. Returns the image's hash.
fn props(dir: &std::path::Path, random: &Random) -> anyhow::Result<String> {
    let noise = |bytes: usize| system::image("filling", bytes, random);
    std::fs::create_dir_all(dir.join("boot")).with_context(|| format!("cannot make {}", dir.display()))?;
    for (name, firmware) in [("undionly.kpxe", Firmware::Bios), ("snponly.efi", Firmware::Uefi)] {
        std::fs::write(dir.join("boot").join(name), netboot::loader(firmware))?;
    }
    std::fs::write(dir.join("agent.kernel"), noise(KERNEL_BYTES))?;
    std::fs::write(dir.join("agent.ramdisk"), noise(RAMDISK_BYTES))?;
    let image = system::image(SYSTEM, IMAGE_BYTES, random);
    std::fs::write(dir.join("system.img"), &image)?;
    Ok(Sha256::digest(&image).iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A configuration file such as anybody might write.
fn configuration(
    dir: &std::path::Path,
    admin: SocketAddr,
    provisioning: SocketAddr,
    dhcp: SocketAddr,
    tftp: u16,
) -> String {
    let path = |name: &str| toml::Value::from(dir.join(name).display().to_string());
    format!(
        "db = {db}\nlisten = \"{admin}\"\n\n\
         [provisioning]\nlisten = \"{provisioning}\"\nurl = \"http://{provisioning}\"\n\n\
         [dhcp]\nlisten = \"{dhcp}\"\npool = \"{POOL}\"\nnetmask = \"255.255.0.0\"\n\n\
         [tftp]\nport = {tftp}\n\n\
         [boot]\ndir = {boot}\n\n\
         [images]\nroots = [{root}]\n\n\
         [deploy]\nkernel = {kernel}\nramdisk = {ramdisk}\n\n\
         [power_sync]\ninterval_secs = 5\n",
        db = path("bessemer.sqlite"),
        boot = path("boot"),
        root = path(""),
        kernel = path("agent.kernel"),
        ramdisk = path("agent.ramdisk"),
    )
}

/// The wanted port, or another if somebody has it.
async fn free_tcp(net: &Net, at: Ipv4Addr, wanted: u16) -> anyhow::Result<SocketAddr> {
    for port in [wanted, 0] {
        if let Ok(listener) = net.listen((at, port).into()).await {
            return Ok(listener.local_addr()?);
        }
    }
    anyhow::bail!("no free TCP port on {at}")
}

fn free_udp(net: &Net, at: Ipv4Addr, wanted: u16) -> anyhow::Result<SocketAddr> {
    for port in [wanted, 0] {
        if let Ok(socket) = net.udp(UdpBind::at((at, port).into())) {
            return Ok(socket.local_addr()?);
        }
    }
    anyhow::bail!("no free UDP port on {at}")
}

/// How long a machine may take for one stage of its life.
pub const PATIENCE: Duration = Duration::from_secs(60);
