//! Rows of `leases`: which address a machine was given. Kept before the machine is told, so that a restart never gives
//! an address to somebody else while its holder still uses it.
//!
//! Only the DHCP server writes here. An expired row stays until its address is needed: a machine that comes back after a
//! week gets the address that it had.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row};

use super::rows::{execute, readable};
use super::{Read, StoreError, Tx};
use crate::clock::{from_micros, micros};

/// An address given to a hardware address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Lower case, colons.
    pub mac: String,
    pub address: Ipv4Addr,
    pub expires_at: Timestamp,
    /// What the client calls itself.
    pub hostname: Option<String>,
}

const SELECT: &str = "SELECT mac, address, expires_at, hostname FROM leases";

/// All leases, expired ones too.
pub fn all(read: &Read) -> Result<Vec<Lease>, StoreError> {
    let mut statement = read.connection.prepare_cached(SELECT)?;
    let rows = statement.query_map((), lease)?;
    readable(rows)
}

/// The lease of a hardware address, also when it has expired.
pub fn find(read: &Read, mac: &str) -> Result<Option<Lease>, StoreError> {
    let mut statement = read.connection.prepare_cached(&format!("{SELECT} WHERE mac = ?"))?;
    Ok(statement.query_row((mac,), lease).optional()?)
}

/// Who was given `address` last.
pub fn holder(read: &Read, address: Ipv4Addr) -> Result<Option<Lease>, StoreError> {
    let mut statement = read.connection.prepare_cached(&format!("{SELECT} WHERE address = ?"))?;
    Ok(statement.query_row((address.to_string(),), lease).optional()?)
}

/// Gives the address of `lease` to its hardware address, in place of whatever either of them had. The caller has made
/// sure that the address is free.
pub fn put(tx: &Tx, lease: &Lease) -> Result<(), StoreError> {
    let address = lease.address.to_string();
    execute(tx, "DELETE FROM leases WHERE address = ? AND mac <> ?", &[&address, &lease.mac])?;
    let sql = "INSERT INTO leases (mac, address, expires_at, hostname) VALUES (?, ?, ?, ?)
               ON CONFLICT (mac) DO UPDATE SET
                 address = excluded.address, expires_at = excluded.expires_at, hostname = excluded.hostname";
    execute(tx, sql, &[&lease.mac, &address, &micros(lease.expires_at), &lease.hostname])?;
    Ok(())
}

/// Ends a lease now; the row stays, see the head of this file.
pub fn expire(tx: &Tx, mac: &str) -> Result<bool, StoreError> {
    Ok(execute(tx, "UPDATE leases SET expires_at = ? WHERE mac = ?", &[&micros(tx.now()), &mac])? > 0)
}

/// Forgets a lease.
pub fn delete(tx: &Tx, mac: &str) -> Result<bool, StoreError> {
    Ok(execute(tx, "DELETE FROM leases WHERE mac = ?", &[&mac])? > 0)
}

fn lease(row: &Row) -> rusqlite::Result<Lease> {
    let address: String = row.get(1)?;
    Ok(Lease {
        mac: row.get(0)?,
        // Only `put` writes here, so this never falls back; a damaged row is an address that nobody is offered.
        address: address.parse().unwrap_or(Ipv4Addr::UNSPECIFIED),
        expires_at: from_micros(row.get(2)?),
        hostname: row.get(3)?,
    })
}
