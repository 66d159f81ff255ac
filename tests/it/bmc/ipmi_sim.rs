//! Our client against OpenIPMI's `ipmi_sim`, which knows nothing of us: an independent check of cipher suite 3.

use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bessemer::bmc::ipmi::{BootDevice, Credential, IpmiError, Login, Pool, PowerControl, Secret, Settings};
use bessemer::clock::Clock;
use bessemer::net::Net;
use bessemer::random::Random;
use bessemer::wire::rmcp::suite::Suite;

const CHASSIS: &str = r#"#!/bin/sh
f="$(dirname "$0")/power"; shift; op=$1; shift
case $op in
get) for p in "$@"; do case $p in power) echo "power:$(cat "$f" 2>/dev/null || echo 0)";; boot) echo "boot:$(cat "$f.boot" 2>/dev/null || echo none)";; *) echo "$p:0";; esac; done;;
set) while [ $# -gt 1 ]; do case $1 in power) echo "$2" >"$f";; boot) echo "$2" >"$f.boot";; shutdown) echo 0 >"$f";; esac; shift 2; done;;
esac
"#;

/// A running `ipmi_sim`, killed when dropped.
pub struct Sim {
    child: Child,
    pub addr: SocketAddr,
    _dir: tempfile::TempDir,
}

impl Drop for Sim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Sim {
    /// Nothing, with the reason printed, if the program is not installed.
    pub fn start() -> Option<Sim> {
        if !crate::lab::has_program("ipmi_sim", "openipmi") {
            return None;
        }
        let dir = tempfile::tempdir().expect("a directory");
        let at = |name: &str| dir.path().join(name);
        let addr = free_address();
        write(&at("chassis"), CHASSIS);
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(at("chassis"), mode).expect("permissions");
        write(
            &at("emu"),
            "mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02\n\
             sel_enable 0x20 100 0x0a\nmc_enable 0x20\n",
        );
        let auths = ["callback", "user", "operator", "admin"]
            .map(|level| format!("    allowed_auths_{level} none md2 md5 straight\n"))
            .concat();
        let conf = format!(
            "name \"sim\"\nset_working_mc 0x20\n  startlan 1\n    addr {} {}\n    priv_limit admin\n{auths}\
             \x20   guid a123456789abcdefa123456789abcd01\n  endlan\n  chassis_control \"{} 0x20\"\n\
             \x20 user 1 false \"\" \"\" user 10 none md2 md5 straight\n\
             \x20 user 2 true \"admin\" \"password\" admin 10 none md2 md5 straight\n",
            addr.ip(),
            addr.port(),
            at("chassis").display(),
        );
        write(&at("lan.conf"), &conf);
        std::fs::create_dir(at("state")).expect("a directory");
        let child = Command::new("ipmi_sim")
            .args(["-n", "-c"])
            .arg(at("lan.conf"))
            .arg("-f")
            .arg(at("emu"))
            .arg("-s")
            .arg(at("state"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("ipmi_sim starts");
        let sim = Sim { child, addr, _dir: dir };
        sim.wait_until_bound();
        Some(sim)
    }

    /// It is up when its port cannot be bound any more; asking it would be the client's job.
    fn wait_until_bound(&self) {
        let deadline = Clock::system().instant() + Duration::from_secs(60);
        while UdpSocket::bind(self.addr).is_ok() {
            assert!(Clock::system().instant() < deadline, "ipmi_sim did not open its port");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn login(&self) -> Login {
        Login { port: self.addr.port(), ..Login::new(self.addr.ip().to_string(), "admin", Secret::new("password")) }
    }
}

/// A loopback address of this process's own, with a port that is free now.
fn free_address() -> SocketAddr {
    let id = std::process::id().to_be_bytes();
    let probe = UdpSocket::bind((std::net::Ipv4Addr::new(127, 81, id[2], id[3].max(1)), 0)).expect("a loopback port");
    probe.local_addr().expect("an address")
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("a file written");
}

fn pool() -> Pool {
    Pool::new(Net::system(), Clock::system(), Random::system(), Settings::default())
}

#[tokio::test]
async fn ipmi_sim_takes_power_and_boot_commands_of_our_client() -> Result<(), IpmiError> {
    let Some(sim) = Sim::start() else { return Ok(()) };
    let pool = pool();
    // Not pinned: suite 17 is offered first, and ipmi_sim knows only 3.
    let bmc = pool.bmc(sim.login())?;
    let id = bmc.device_id().await?;
    assert_eq!((id.manufacturer_id, id.product_id), (0x1291, 0xf02));
    assert!(!bmc.chassis_status().await?.power_on);
    bmc.power_control(PowerControl::Up).await?;
    assert!(bmc.chassis_status().await?.power_on);
    bmc.power_control(PowerControl::Down).await?;
    assert!(!bmc.chassis_status().await?.power_on);
    bmc.set_boot_device(BootDevice::Pxe, false, false, false).await?;
    assert_eq!(bmc.boot_override().await?.device, Some(BootDevice::Pxe));
    assert_eq!(bmc.sel_info().await?.entries, 0);
    assert_eq!(bmc.sel_entries(10).await?, []);
    pool.shutdown().await;
    Ok(())
}

#[tokio::test]
async fn ipmi_sim_tells_a_wrong_user_from_a_wrong_password() -> Result<(), IpmiError> {
    let Some(sim) = Sim::start() else { return Ok(()) };
    let pool = pool();
    let cases = [
        (Login { username: "nobody".into(), ..sim.login() }, Credential::Username),
        (Login { password: Secret::new("wrong"), ..sim.login() }, Credential::Password),
    ];
    for (login, which) in cases {
        let error = pool.bmc(login)?.chassis_status().await;
        assert_eq!(error, Err(IpmiError::BadCredentials { which }));
    }
    Ok(())
}

#[tokio::test]
async fn a_pinned_suite_is_never_weakened() -> Result<(), IpmiError> {
    let Some(sim) = Sim::start() else { return Ok(()) };
    let login = Login { suite: Some(Suite::Seventeen), ..sim.login() };
    let error = pool().bmc(login)?.chassis_status().await;
    assert!(matches!(error, Err(IpmiError::SessionRefused { .. })), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn sessions_are_closed_so_that_ipmi_sim_never_runs_out_of_them() -> Result<(), IpmiError> {
    let Some(sim) = Sim::start() else { return Ok(()) };
    // ipmi_sim has room for about sixty and forgets idle ones only after a minute.
    for _ in 0..90 {
        let pool = pool();
        pool.bmc(sim.login())?.chassis_status().await?;
        pool.shutdown().await;
    }
    Ok(())
}
