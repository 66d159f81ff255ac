//! A simulated machine boots through the real servers: DHCP, TFTP and HTTP, over sockets, from the address that it leased.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result};
use bessemer::clock::Clock;
use bessemer::net::Net;
use bessemer::pxe::dhcp::reservations::Reservation;
use bessemer::pxe::http::{Handler, Inner};
use bessemer::pxe::loaders::Loaders;
use bessemer::pxe::{At, Bound, Parts, Settings};
use bessemer::random::Random;
use bessemer::sim::netboot::{
    self, BootError, Booted, Faults, Firmware, Kernel, Machine, Outcome, Pace, Stage, StageKind,
};
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::world::{OURS, SILENT, STRANGER, World};

const SERVER: Ipv4Addr = Ipv4Addr::new(127, 77, 0, 9);

/// All the servers, and a machine's seams.
pub(super) struct Site {
    world: World,
    pub(super) bound: Bound,
    stop: CancellationToken,
    tasks: JoinSet<anyhow::Result<()>>,
}

impl Site {
    pub(super) async fn new(edit: impl FnOnce(&mut Settings)) -> Result<Self> {
        let world = World::new().await?;
        let dir = world.dir.path().join("loaders");
        std::fs::create_dir(&dir)?;
        for (name, firmware) in [("undionly.kpxe", Firmware::Bios), ("snponly.efi", Firmware::Uefi)] {
            std::fs::write(dir.join(name), netboot::loader(firmware))?;
        }
        let (net, clock, stop) = (Net::system(), Clock::system(), CancellationToken::new());
        let listener = net.listen(SocketAddr::from((SERVER, 0))).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let mut settings = Settings {
            at: At::Loopback(SocketAddr::from((SERVER, 0))),
            pool: Ipv4Addr::new(127, 77, 2, 1)..=Ipv4Addr::new(127, 77, 2, 9),
            netmask: None,
            gateway: None,
            dns: vec![],
            reservations: Default::default(),
            serve_unknown: false,
            lease_secs: 600,
            force: false,
            tftp_port: 0,
            url: Some(url.clone()),
        };
        edit(&mut settings);
        let mut tasks = JoinSet::new();
        let (store, loaders) = (world.store.clone(), Loaders::new(dir));
        let parts = Parts {
            net,
            clock: clock.clone(),
            random: Random::system(),
            store: store.clone(),
            loaders,
            trace: Default::default(),
        };
        let loaders = parts.loaders.clone();
        let bound = bessemer::pxe::start(parts, settings, &mut tasks, &stop).await?;
        let roots = vec![world.dir.path().to_owned()];
        let open_image = Arc::new(|_: &str| Ok(None));
        let handler = Handler::new(Inner { store, clock, loaders, url, roots, open_image, trace: Default::default() });
        tasks.spawn(stop.clone().run_until_cancelled_owned(serve(listener, handler)).into_ok());
        Ok(Site { world, bound, stop, tasks })
    }

    /// Gives the node a plan with a small kernel and ramdisk.
    pub(super) async fn plan(&self, arguments: &str) -> Result<()> {
        let file = |name: &str| self.world.dir.path().join(name);
        std::fs::write(file("vmlinuz"), "KERNEL")?;
        std::fs::write(file("initrd"), "RAMDISK")?;
        let (kernel, ramdisk) = (file("vmlinuz").display().to_string(), file("initrd").display().to_string());
        self.world.plan(&kernel, &ramdisk, arguments).await?;
        Ok(())
    }

    pub(super) async fn boot(&self, firmware: Firmware, faults: &Faults) -> (Result<Booted, BootError>, Vec<Stage>) {
        self.boot_card(OURS, firmware, faults).await
    }

    async fn boot_card(
        &self,
        mac: bessemer::wire::mac::Mac,
        firmware: Firmware,
        faults: &Faults,
    ) -> (Result<Booted, BootError>, Vec<Stage>) {
        let world = netboot::World {
            net: Net::system(),
            clock: Clock::system(),
            random: Random::seeded(1),
            pace: Pace {
                dhcp_retry: Duration::from_millis(200),
                dhcp_tries: 8,
                proxy_wait: Duration::from_secs(60),
                tftp_retry: Duration::from_secs(1),
                tftp_tries: 60,
                second: Duration::from_millis(1),
            },
            dhcp: self.bound.dhcp,
            tftp_port: self.bound.tftp.port(),
        };
        let stages = Mutex::new(Vec::new());
        let told = |stage: Stage| stages.lock().unwrap_or_else(|e| e.into_inner()).push(stage);
        let booted = netboot::boot(&Machine { mac, uuid: [7; 16], firmware }, &world, faults, &told).await;
        (booted, stages.into_inner().unwrap_or_default())
    }

    pub(super) async fn finish(mut self) -> Result<()> {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended??;
        }
        Ok(())
    }
}

trait IntoOk: Future + Sized {
    /// For tasks whose end is no news.
    async fn into_ok(self) -> anyhow::Result<()> {
        self.await;
        Ok(())
    }
}

impl<F: Future> IntoOk for F {}

async fn serve(listener: bessemer::net::TcpListener, handler: Handler) {
    let mut connections = JoinSet::new();
    while let Ok((stream, peer)) = listener.accept().await {
        let handler = handler.clone();
        let answer = hyper::service::service_fn(move |request| {
            let handler = handler.clone();
            async move { Ok::<_, std::convert::Infallible>(handler.answer_boxed(request, peer).await) }
        });
        connections.spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
    }
}

#[tokio::test]
async fn a_reservation_that_the_interface_s_network_has_no_place_for_stops_the_start() -> Result<()> {
    for wrong in [SERVER, Ipv4Addr::new(127, 78, 2, 1), Ipv4Addr::new(127, 77, 255, 255)] {
        let site = Site::new(|settings| {
            settings.netmask = Some(Ipv4Addr::new(255, 255, 0, 0));
            settings.reservations.insert(STRANGER, Reservation { address: wrong, name: None });
        });
        let refusal = site.await.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(refusal.starts_with("dhcp.reservations.\"52:54:00:99:00:01\": expected an address"), "{refusal}");
        assert!(refusal.ends_with(&format!("not {wrong}")), "{refusal}");
    }
    Ok(())
}

#[tokio::test]
async fn every_kind_of_machine_boots_the_ramdisk_of_its_plan() -> Result<()> {
    let site = Site::new(|_| {}).await?;
    site.plan("text ipa-api-url=http://127.77.0.9:1").await?;
    let mut addresses = Vec::new();
    for firmware in [Firmware::Bios, Firmware::Uefi, Firmware::UefiHttp] {
        let (booted, stages) = site.boot(firmware, &Faults::default()).await;
        let booted = booted.with_context(|| format!("{firmware:?} after {stages:?}"))?;
        let Outcome::Kernel(Kernel { bytes, ramdisk, command_line }) = booted.outcome else {
            anyhow::bail!("{firmware:?}: {stages:?}")
        };
        assert_eq!((&bytes[..], &ramdisk[..]), (&b"KERNEL"[..], &b"RAMDISK"[..]));
        assert_eq!(command_line, "text ipa-api-url=http://127.77.0.9:1 BOOTIF=01-52-54-00-77-00-10 initrd=ramdisk");
        addresses.push(booted.address);
    }
    addresses.dedup();
    assert_eq!(addresses.len(), 1, "the machine keeps its address");
    site.finish().await
}

#[tokio::test]
async fn a_machine_without_a_plan_goes_to_its_disk_at_once() -> Result<()> {
    let site = Site::new(|_| {}).await?;
    for firmware in [Firmware::Bios, Firmware::Uefi, Firmware::UefiHttp] {
        let (booted, stages) = site.boot(firmware, &Faults::default()).await;
        assert_eq!(booted.map(|b| b.outcome), Ok(Outcome::Disk), "{firmware:?} after {stages:?}");
    }
    site.finish().await
}

#[tokio::test]
async fn strangers_and_cards_that_must_not_boot_are_not_led_astray() -> Result<()> {
    let site = Site::new(|s| s.serve_unknown = true).await?;
    for mac in [STRANGER, SILENT] {
        let (booted, _) = site.boot_card(mac, Firmware::Bios, &Faults::default()).await;
        assert_eq!(booted.map_err(|e| e.why), Err("no boot file name received".to_owned()), "{mac}");
    }
    site.finish().await
}

#[tokio::test]
async fn lost_datagrams_delay_a_boot_and_do_not_end_it() -> Result<()> {
    let site = Site::new(|_| {}).await?;
    site.plan("text").await?;
    let faults = Faults::default();
    faults.set(|knobs| knobs.lose_one_in = 12);
    for firmware in [Firmware::Bios, Firmware::Uefi] {
        let (booted, stages) = site.boot(firmware, &faults).await;
        let booted = booted.with_context(|| format!("{firmware:?} after {stages:?}"))?;
        assert!(matches!(booted.outcome, Outcome::Kernel(_)), "{firmware:?}");
    }
    site.finish().await
}

#[tokio::test]
async fn firmware_that_lies_about_itself_is_given_what_it_cannot_run() -> Result<()> {
    let site = Site::new(|_| {}).await?;
    let faults = Faults::default();
    faults.set(|knobs| knobs.architecture = Some(7));
    let (booted, _) = site.boot(Firmware::Bios, &faults).await;
    assert_eq!(booted.map_err(|e| e.stage), Err("firmware"));
    faults.set(|knobs| knobs.architecture = Some(6));
    let (booted, _) = site.boot(Firmware::Bios, &faults).await;
    assert_eq!(booted.map_err(|e| e.why), Err("no boot file name received".to_owned()), "no loader for 32-bit UEFI");
    site.finish().await
}

#[tokio::test]
async fn a_ramdisk_that_cannot_be_fetched_is_tried_ten_times_and_then_the_machine_starts_over() -> Result<()> {
    let site = Site::new(|_| {}).await?;
    site.plan("text").await?;
    std::fs::remove_file(site.world.dir.path().join("initrd"))?;
    let (booted, stages) = site.boot(Firmware::Uefi, &Faults::default()).await;
    assert_eq!(booted.map(|b| b.outcome), Ok(Outcome::Reboot));
    let kernels = stages.iter().filter(|stage| matches!(stage, Stage::Fetched(url, _) if url.ends_with("/kernel")));
    assert_eq!(kernels.count(), 10, "{stages:?}");
    site.finish().await
}

#[tokio::test]
async fn a_machine_that_hangs_is_held_up_by_nothing_of_ours() -> Result<()> {
    let site = Site::new(|_| {}).await?;
    site.plan("text").await?;
    let faults = Faults::default();
    faults.set(|knobs| knobs.hang_before = Some(StageKind::Kernel));
    let hung = tokio::time::timeout(Duration::from_millis(500), site.boot(Firmware::Bios, &faults)).await;
    assert!(hung.is_err());
    let (booted, _) = site.boot(Firmware::Bios, &Faults::default()).await;
    assert!(matches!(booted?.outcome, Outcome::Kernel(_)));
    site.finish().await
}
