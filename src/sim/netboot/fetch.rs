//! HTTP as a boot loader speaks it: one GET, from the leased address, the whole body or nothing.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bytes::Bytes;

use super::World;
use crate::net::http::{Client, Limits, Request, Url};

/// A machine's memory, so to speak.
const MOST_BYTES: u64 = 512 << 20;
/// Firmware gives up on a server after so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// The body of `url`, if the answer is 200 and not empty.
pub(super) async fn get(world: &World, from: Ipv4Addr, url: &str) -> Result<Bytes, String> {
    let say = |why: &dyn std::fmt::Display| format!("{url}: {why}");
    let client = Client::new(world.net.clone(), world.clock.clone()).from_address(IpAddr::V4(from));
    let mut request = Request::get(Url::parse(url).map_err(|error| say(&error))?);
    request.limits = Limits { body_bytes: MOST_BYTES, first_byte: PATIENCE, idle: PATIENCE, ..Limits::default() };
    let response = client.send(request).await.map_err(|error| say(&error))?;
    if response.status.as_u16() != 200 {
        return Err(say(&format_args!("HTTP status {}", response.status)));
    }
    let bytes = response.bytes().await.map_err(|error| say(&error))?;
    if bytes.is_empty() { Err(say(&"no content")) } else { Ok(bytes) }
}
