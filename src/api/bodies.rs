//! Reading request bodies within bounds: each in size, time, depth and values, and all of them together in bytes.
//!
//! A body takes its share of the memory for all before its first byte is read: what it declares, or the most that its route
//! allows if it declares nothing. It gives the share back when its request is answered. Who finds the memory given away waits a
//! moment, then is told to come back (503 with Retry-After), and small bodies never stand behind large ones.
//! Machines have shares of their own, and each address of theirs only a part: neither a crowd of clients nor one with many config drives keeps an agent's heartbeat out,
//! nobody on the machines' network keeps a client out, and no hostile machine another.

use std::net::IpAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::StatusCode;
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_LENGTH, HeaderMap};

use super::Fault;
use super::fair::{Fair, Line, Share};
use super::surface::{Reach, Route};
use crate::clock::Clock;

/// A client that sends its body slower than this is cut off.
const BODY_WITHIN: Duration = Duration::from_secs(120);
/// And one that is slower than this all the time, whatever is left to send: so many bytes a second, after a first pause.
const BYTES_PER_SEC: u64 = 1024;
const FIRST_PAUSE: Duration = Duration::from_secs(10);
/// How long a body waits for its share.
const SHARE_WITHIN: Duration = Duration::from_secs(2);
/// What is larger takes its share among the large ones.
const SMALL: usize = 1 << 20;
/// Deepest nesting of a JSON body. Parsers recurse; a body that is only brackets shall not reach them.
const MAX_DEPTH: usize = crate::service::patch::MOST_DEPTH;
/// Values in a JSON body. Parsed, `[0,0,0,…` is sixteen times its text.
const MAX_VALUES: usize = 1 << 20;

/// The memory that request bodies share, in bytes.
pub struct Bodies {
    admin: Shares,
    machines: Shares,
}

struct Shares {
    small: Line,
    large: Line,
}

impl Default for Bodies {
    /// Two of the largest config drives at once, four of the largest inspection reports, and 32 MiB of small bodies on each
    /// side. One machine has a report and eight small bodies.
    fn default() -> Self {
        let shares =
            |small, large| Shares { small: Line::new(small, SHARE_WITHIN), large: Line::new(large, SHARE_WITHIN) };
        Bodies {
            admin: shares(Fair::shared(32 << 20), Fair::shared(128 << 20)),
            machines: shares(Fair::new(32 << 20, 8 << 20), Fair::new(64 << 20, 16 << 20)),
        }
    }
}

/// A body that has been read, with its share of the memory.
pub struct Held {
    pub bytes: Bytes,
    _share: Option<Share>,
}

impl Bodies {
    /// The whole body of a request to `route`.
    pub async fn read(
        &self,
        route: &Route,
        headers: &HeaderMap,
        body: Incoming,
        source: IpAddr,
        clock: &Clock,
    ) -> Result<Held, Fault> {
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
        let share = self.share(route.reach, source, room).await?;
        let bytes = collect(body, room, clock).await?;
        let refused = |text| Fault::Body { status: StatusCode::BAD_REQUEST, text };
        match shape(&bytes) {
            Shape::Deep => Err(refused("Request body JSON is nested too deeply.")),
            Shape::Wide => Err(refused("Request body JSON has too many values.")),
            Shape::Good => Ok(Held { bytes, _share: Some(share) }),
        }
    }

    async fn share(&self, reach: Reach, source: IpAddr, bytes: usize) -> Result<Share, Fault> {
        let shares = match reach {
            Reach::Admin | Reach::Open => &self.admin,
            Reach::Public => &self.machines,
        };
        let of = if bytes <= SMALL { &shares.small } else { &shares.large };
        of.enter(source, bytes).await.map_err(|secs| {
            Fault::later("The request bodies of others take all the memory that there is for them. Try again.", secs)
        })
    }
}

fn too_large() -> Fault {
    Fault::Body { status: StatusCode::PAYLOAD_TOO_LARGE, text: "Request body is too large." }
}

/// Reads `body` into one piece of at most `room` bytes. A large piece costs memory only as it fills.
async fn collect<B>(body: B, room: usize, clock: &Clock) -> Result<Bytes, Fault>
where
    B: hyper::body::Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let begun = clock.instant();
    let mut whole = BytesMut::with_capacity(room);
    let mut body = Limited::new(body, room);
    loop {
        let allowed = FIRST_PAUSE + Duration::from_secs(whole.len() as u64 / BYTES_PER_SEC);
        match tokio::time::timeout_at(begun + allowed.min(BODY_WITHIN), body.frame()).await {
            Ok(None) => return Ok(whole.freeze()),
            // What is no data is a trailer, which means nothing to us.
            Ok(Some(Ok(frame))) => whole.extend_from_slice(&frame.into_data().unwrap_or_default()),
            Ok(Some(Err(error))) if error.is::<LengthLimitError>() => return Err(too_large()),
            Ok(Some(Err(_))) => return Err(Fault::invalid("The request body could not be read.")),
            Err(_) => {
                let text = "The request body did not arrive in time.";
                return Err(Fault::application(StatusCode::REQUEST_TIMEOUT, text));
            }
        }
    }
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
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use hyper::body::Frame;
    use tokio::time::Sleep;

    use super::*;

    /// So many bytes at a time, each after a pause.
    struct Trickle {
        pause: Duration,
        bytes: usize,
        left: usize,
        sleep: Pin<Box<Sleep>>,
    }

    impl hyper::body::Body for Trickle {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<std::io::Result<Frame<Bytes>>>> {
            if self.left == 0 {
                return Poll::Ready(None);
            }
            std::task::ready!(self.sleep.as_mut().poll(context));
            let pause = self.pause;
            self.sleep = Box::pin(tokio::time::sleep(pause));
            self.left -= 1;
            Poll::Ready(Some(Ok(Frame::data(Bytes::from(vec![b' '; self.bytes])))))
        }
    }

    #[test]
    fn the_memory_that_is_promised_is_the_memory_that_is_there() {
        let bodies = Bodies::default();
        let mib = |shares: &Shares| (shares.small.left() + shares.large.left()) >> 20;
        let (answers, clients, machines) =
            (super::super::admission::ANSWER_BYTES >> 20, mib(&bodies.admin), mib(&bodies.machines));
        let promise = format!(
            "{answers} MiB of answers that are not taken, {clients} MiB of clients' bodies, {machines} MiB of machines'"
        );
        assert!(include_str!("../../README.md").contains(&promise), "README: {promise}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_comes_byte_by_byte_is_cut_off_and_a_slow_one_is_read() {
        let clock = Clock::system();
        for (bytes, millis, expected) in
            [(1, 1000, Err(10)), (512, 1000, Err(20)), (2048, 1000, Ok(100)), (1 << 20, 9000, Ok(9))]
        {
            let pause = Duration::from_millis(millis);
            let left = if bytes > 4096 { 1 } else { 100 };
            let body = Trickle { pause, bytes, left, sleep: Box::pin(tokio::time::sleep(pause)) };
            let begun = clock.instant();
            let read = collect(body, 1 << 20, &clock).await;
            let secs = (clock.instant() - begun).as_secs();
            let ended = read.map(|_| secs).map_err(|fault| (fault.status(), secs));
            match expected {
                Ok(secs) => assert_eq!(ended.ok(), Some(secs), "{bytes} bytes"),
                Err(secs) => {
                    let (status, after) = ended.err().unwrap_or_default();
                    assert_eq!(
                        (status, after.abs_diff(secs) <= 1),
                        (StatusCode::REQUEST_TIMEOUT, true),
                        "{bytes} bytes, {after} s"
                    );
                }
            }
        }
    }

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
