//! Clients of management controllers.

mod breaker;
mod ipmi;
mod ipmi_faults;
mod ipmi_fuzz;
pub mod ipmi_sim;
mod ipmitool;
mod places;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use bessemer::bmc::ipmi::{Bmc, IpmiError, Login, Pool, Secret, Settings};
use bessemer::clock::Clock;
use bessemer::net::Net;
use bessemer::random::Random;
use bessemer::sim::bmc::{Chassis, Personality, Seams, SimBmc};

/// A pool with the system's seams.
fn pool(settings: Settings) -> Pool {
    Pool::new(Net::system(), Clock::system(), Random::system(), settings)
}

/// A simulated BMC on a loopback port of its own.
pub fn start(personality: Personality) -> SimBmc {
    start_at(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0), personality, Chassis::new(Clock::system()))
}

fn start_at(addr: SocketAddr, personality: Personality, chassis: Chassis) -> SimBmc {
    let seams = Seams { net: Net::system(), clock: Clock::system(), random: Random::seeded(7) };
    SimBmc::start(seams, addr, personality, chassis).expect("a loopback port")
}

/// The account that [`Personality::default`] has.
fn login(addr: SocketAddr) -> Login {
    Login { port: addr.port(), ..Login::new(addr.ip().to_string(), "admin", Secret::new("password")) }
}

/// A client of `sim` in a pool of its own.
fn client(sim: &SimBmc) -> Result<Bmc, IpmiError> {
    pool(Settings::default()).bmc(login(sim.addr()))
}

/// Waits until `what` holds; fails after a minute.
pub async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let clock = Clock::system();
    let deadline = clock.instant() + Duration::from_secs(60);
    while !holds() {
        assert!(clock.instant() < deadline, "it never happened that {what}");
        clock.sleep(Duration::from_millis(5)).await;
    }
}
