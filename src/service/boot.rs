//! What the boot servers ask about a hardware address: whose is it, what shall it boot, which address may it have.
//!
//! The boot servers know no nodes and the drivers know no packets; a stored [`BootPlan`] and a lease are all that they
//! have in common. A machine whose node has no plan is told to boot its disk, in so many words.

use std::net::Ipv4Addr;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::model::boot_plan::Boot;
use crate::model::{BootPlan, ImageGrant};
use crate::store::blobs::{self, BlobKind};
use crate::store::leases::{self, Lease};
use crate::store::{Read, StoreError, Tx, hold, ports};

/// The node that a hardware address belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    pub node: Uuid,
    /// Whether the card may boot from the network; if not it gets an address and no boot file.
    pub pxe_enabled: bool,
}

/// Whose port `mac` is (lower case, colons).
pub fn owner(read: &Read, mac: &str) -> Result<Option<Owner>, StoreError> {
    let port = ports::find_by_address(read, mac)?;
    Ok(port.map(|port| Owner { node: port.node_uuid, pxe_enabled: port.pxe_enabled }))
}

/// What a machine is to boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Orders {
    /// Not a machine of ours, or a card that must not boot from the network.
    Stranger,
    /// Its disk.
    Disk,
    /// Its disk, whatever its plan says: the store is in hold, and the plan may be old.
    Held,
    /// The plan, which is of another kind than [`Boot::Disk`].
    Network(Box<BootPlan>),
}

/// What the machine with the card `mac` is to boot now.
pub fn orders(read: &Read, mac: &str) -> Result<Orders, StoreError> {
    let Some(owner) = owner(read, mac)?.filter(|owner| owner.pxe_enabled) else { return Ok(Orders::Stranger) };
    Ok(match plan(read, owner.node)? {
        Some(_) if hold::exists(read)? => Orders::Held,
        Some(plan) if plan.boot != Boot::Disk => Orders::Network(Box::new(plan)),
        _ => Orders::Disk,
    })
}

/// Whether the store is in hold, so that nothing is deployed.
pub fn is_held(read: &Read) -> Result<bool, StoreError> {
    hold::exists(read)
}

/// The stored plan of a node.
pub fn plan(read: &Read, node: Uuid) -> Result<Option<BootPlan>, StoreError> {
    blobs::load_json(read, node, BlobKind::BootPlan)
}

/// The plan of the node `node` if `key` is its key. Files of a plan are served to whoever knows it,
/// but not while the store is in hold.
pub fn plan_by_key(read: &Read, node: Uuid, key: &str) -> Result<Option<BootPlan>, StoreError> {
    if hold::exists(read)? {
        return Ok(None);
    }
    Ok(plan(read, node)?.filter(|plan| !plan.key.is_empty() && plan.key == key))
}

/// The image that the machine `node` may fetch now with this key, and nobody else.
pub fn image_by_key(read: &Read, node: Uuid, key: &str) -> Result<Option<String>, StoreError> {
    let grant: Option<ImageGrant> = blobs::load_json(read, node, BlobKind::ImageGrant)?;
    Ok(grant.filter(|grant| !grant.key.is_empty() && grant.key == key).map(|grant| grant.name))
}

/// What the DHCP server knows about a client before it offers an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acquaintance {
    pub owner: Option<Owner>,
    /// The address that it has or had.
    pub lease: Option<Lease>,
}

pub fn acquaintance(read: &Read, mac: &str) -> Result<Acquaintance, StoreError> {
    Ok(Acquaintance { owner: owner(read, mac)?, lease: leases::find(read, mac)? })
}

/// A client that asks to keep an address.
#[derive(Clone, Debug)]
pub struct Claim {
    pub mac: String,
    pub address: Ipv4Addr,
    pub lease_secs: u32,
    pub hostname: Option<String>,
    /// Whether cards that belong to no node may have an address.
    pub strangers: bool,
}

/// What becomes of a [`Claim`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Granted {
        owner: Option<Owner>,
        expires_at: Timestamp,
    },
    /// Another client holds the address.
    Taken,
    /// The card belongs to no node, and strangers get nothing.
    Stranger,
}

/// Whether nobody but `mac` holds `address`.
pub fn is_free_for(read: &Read, mac: &str, address: Ipv4Addr, now: Timestamp) -> Result<bool, StoreError> {
    Ok(leases::holder(read, address)?.is_none_or(|held| held.mac == mac || held.expires_at <= now))
}

/// Decides a claim and records the lease. That the address belongs to our network is for the caller to know.
pub fn claim(tx: &Tx, claim: &Claim) -> Result<Verdict, StoreError> {
    let owner = owner(tx, &claim.mac)?;
    if owner.is_none() && !claim.strangers {
        return Ok(Verdict::Stranger);
    }
    let now = tx.now();
    if !is_free_for(tx, &claim.mac, claim.address, now)? {
        return Ok(Verdict::Taken);
    }
    let expires_at = now + SignedDuration::from_secs(i64::from(claim.lease_secs));
    let lease = Lease { mac: claim.mac.clone(), address: claim.address, expires_at, hostname: claim.hostname.clone() };
    leases::put(tx, &lease)?;
    Ok(Verdict::Granted { owner, expires_at })
}

/// The client gives its address back. Whether it was its own.
pub fn release(tx: &Tx, mac: &str, address: Ipv4Addr) -> Result<bool, StoreError> {
    let own = leases::find(tx, mac)?.is_some_and(|lease| lease.address == address);
    if own { leases::expire(tx, mac) } else { Ok(false) }
}

/// The client found somebody else at the address that it was given: it must not get it again.
pub fn decline(tx: &Tx, mac: &str, address: Ipv4Addr) -> Result<bool, StoreError> {
    let own = leases::find(tx, mac)?.is_some_and(|lease| lease.address == address);
    if own { leases::delete(tx, mac) } else { Ok(false) }
}
