//! Reading request bodies within bounds: each in size, time, depth and values, and all of them together in bytes.
//!
//! A body takes its share of the memory for all before its first byte is read: what it declares, or the most that its route
//! allows if it declares nothing. It gives the share back when its request is answered. Who finds the memory given away waits a
//! moment, then is told to come back (503 with Retry-After), and small bodies never stand behind large ones.
//! Machines have shares of their own: neither a crowd of clients nor one with many config drives keeps an agent's heartbeat out,
//! and nobody on the machines' network keeps a client out.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::StatusCode;
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_LENGTH, HeaderMap};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Fault;
use super::surface::{Reach, Route};

/// A client that sends its body slower than this is cut off.
const BODY_WITHIN: Duration = Duration::from_secs(120);
/// How long a body waits for its share.
const SHARE_WITHIN: Duration = Duration::from_secs(2);
/// What is larger takes its share among the large ones.
const SMALL: usize = 1 << 20;
/// Deepest nesting of a JSON body. Parsers recurse; a body that is only brackets shall not reach them.
const MAX_DEPTH: usize = 25;
/// Values in a JSON body. Parsed, `[0,0,0,…` is sixteen times its text.
const MAX_VALUES: usize = 1 << 20;

/// The memory that request bodies share, in bytes.
pub struct Bodies {
    admin: Shares,
    machines: Shares,
}

struct Shares {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

impl Shares {
    fn new(small_bytes: usize, large_bytes: usize) -> Self {
        Shares { small: Arc::new(Semaphore::new(small_bytes)), large: Arc::new(Semaphore::new(large_bytes)) }
    }
}

impl Default for Bodies {
    /// Two of the largest config drives at once, two of the largest inspection reports, and 32 MiB of small bodies on each side.
    fn default() -> Self {
        Bodies { admin: Shares::new(32 << 20, 128 << 20), machines: Shares::new(32 << 20, 32 << 20) }
    }
}

/// A body that has been read, with its share of the memory.
pub struct Held {
    pub bytes: Bytes,
    _share: Option<OwnedSemaphorePermit>,
}

impl Bodies {
    /// The whole body of a request to `route`.
    pub async fn read(&self, route: &Route, headers: &HeaderMap, body: Incoming) -> Result<Held, Fault> {
        if body.is_end_stream() {
            return Ok(Held { bytes: Bytes::new(), _share: None });
        }
        let limit = route.body.bytes();
        let declared = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<u64>().ok());
        let room = match declared.map(usize::try_from) {
            Some(Ok(length)) if length <= limit => length,
            Some(_) => return Err(too_large()),
            None => limit,
        };
        let share = self.share(route.reach, room).await?;
        let bytes = match tokio::time::timeout(BODY_WITHIN, collect(body, room)).await {
            Ok(bytes) => bytes?,
            Err(_) => {
                return Err(Fault::application(
                    StatusCode::REQUEST_TIMEOUT,
                    "The request body did not arrive in time.",
                ));
            }
        };
        let refused = |text| Fault::Body { status: StatusCode::BAD_REQUEST, text };
        match shape(&bytes) {
            Shape::Deep => Err(refused("Request body JSON is nested too deeply.")),
            Shape::Wide => Err(refused("Request body JSON has too many values.")),
            Shape::Good => Ok(Held { bytes, _share: Some(share) }),
        }
    }

    async fn share(&self, reach: Reach, bytes: usize) -> Result<OwnedSemaphorePermit, Fault> {
        let shares = match reach {
            Reach::Admin | Reach::Open => &self.admin,
            Reach::Public => &self.machines,
        };
        let of = if bytes <= SMALL { &shares.small } else { &shares.large };
        let wanted = of.clone().acquire_many_owned(u32::try_from(bytes).unwrap_or(u32::MAX));
        match tokio::time::timeout(SHARE_WITHIN, wanted).await {
            Ok(Ok(share)) => Ok(share),
            _ => Err(Fault::application(
                StatusCode::SERVICE_UNAVAILABLE,
                "The request bodies of others take all the memory that there is for them. Try again.",
            )),
        }
    }
}

fn too_large() -> Fault {
    Fault::Body { status: StatusCode::PAYLOAD_TOO_LARGE, text: "Request body is too large." }
}

/// Reads `body` into one piece of at most `room` bytes. A large piece costs memory only as it fills.
async fn collect(body: Incoming, room: usize) -> Result<Bytes, Fault> {
    let mut whole = BytesMut::with_capacity(room);
    let mut body = Limited::new(body, room);
    while let Some(frame) = body.frame().await {
        match frame {
            // What is no data is a trailer, which means nothing to us.
            Ok(frame) => whole.extend_from_slice(&frame.into_data().unwrap_or_default()),
            Err(error) if error.is::<LengthLimitError>() => return Err(too_large()),
            Err(_) => return Err(Fault::invalid("The request body could not be read.")),
        }
    }
    Ok(whole.freeze())
}

#[derive(Debug, PartialEq, Eq)]
enum Shape {
    Good,
    Deep,
    Wide,
}

/// Whether a JSON text is such that it may be parsed. Looks at bytes only.
fn shape(body: &[u8]) -> Shape {
    let (mut depth, mut values, mut in_string, mut escaped) = (0usize, 0usize, false, false);
    for &byte in body {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (true, b'"') => in_string = false,
            (true, _) => {}
            (false, b'"') => in_string = true,
            (false, b'{' | b'[') => {
                (depth, values) = (depth + 1, values + 1);
                if depth > MAX_DEPTH {
                    return Shape::Deep;
                }
            }
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            (false, b',') => values += 1,
            (false, _) => {}
        }
    }
    if values > MAX_VALUES { Shape::Wide } else { Shape::Good }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_count_outside_strings_only() {
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert_eq!(shape(deep(MAX_DEPTH).as_bytes()), Shape::Good);
        assert_eq!(shape(deep(MAX_DEPTH + 1).as_bytes()), Shape::Deep);
        assert_eq!(shape(format!("\"{}\\\"[\"", "[".repeat(99)).as_bytes()), Shape::Good);
        assert_eq!(shape(b"{}[]".repeat(99).as_slice()), Shape::Good);
    }

    #[test]
    fn a_body_of_a_million_values_is_refused_and_a_long_text_is_not() {
        let wide = |n: usize| format!("[{}0]", "0,".repeat(n));
        assert_eq!(shape(wide(MAX_VALUES - 1).as_bytes()), Shape::Good);
        assert_eq!(shape(wide(MAX_VALUES).as_bytes()), Shape::Wide);
        assert_eq!(shape(format!("\"{}\"", ",[".repeat(MAX_VALUES)).as_bytes()), Shape::Good);
    }
}
