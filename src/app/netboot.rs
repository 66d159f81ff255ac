//! The servers of network boot, from the configuration.

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::Settings;
use crate::config::settings::{Dhcp, DhcpAt, Unknown};
use crate::net::Net;
use crate::pxe::dhcp::reservations::Reservation;
use crate::pxe::loaders::Loaders;
use crate::pxe::{self, At, Bound, Parts};
use crate::random::Random;
use crate::store::Store;
use crate::trace::Trace;

/// Starts DHCP and TFTP if they are configured.
pub async fn start(
    settings: &Settings,
    (net, clock, random): (Net, Clock, Random),
    store: Store,
    loaders: Loaders,
    tasks: &mut JoinSet<anyhow::Result<()>>,
    stop: &CancellationToken,
    trace: Trace,
) -> anyhow::Result<Option<Bound>> {
    let Some(dhcp) = &settings.dhcp else { return Ok(None) };
    let url = settings.provisioning.as_ref().map(|it| it.url.clone());
    let parts = Parts { net, clock, random, store, loaders, trace };
    Ok(Some(pxe::start(parts, meaning(dhcp, url), tasks, stop).await?))
}

fn meaning(dhcp: &Dhcp, url: Option<String>) -> pxe::Settings {
    pxe::Settings {
        at: match &dhcp.at {
            DhcpAt::Interface(name) => At::Interface(name.clone()),
            DhcpAt::Address(address) => At::Loopback(*address),
        },
        pool: dhcp.pool.0..=dhcp.pool.1,
        netmask: dhcp.netmask,
        gateway: dhcp.gateway,
        dns: dhcp.dns.clone(),
        reservations: dhcp
            .reservations
            .iter()
            .cloned()
            .map(|it| (it.mac, Reservation { address: it.address, name: it.name }))
            .collect(),
        serve_unknown: dhcp.unknown == Unknown::Lease,
        // The configuration bounds it to a month.
        lease_secs: u32::try_from(dhcp.lease.as_secs()).unwrap_or(u32::MAX),
        force: dhcp.force,
        tftp_port: dhcp.tftp_port,
        url,
    }
}
