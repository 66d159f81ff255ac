//! Files over HTTP: whole, in part (`Range`), or only their size (HEAD). RFC 9110 sections 13 and 14.
//!
//! One range is served; several, or a range under a condition (`If-Range`, and we give out nothing to condition on), are
//! answered with the whole file, which the RFC allows. The file is read in pieces off the runtime as the client takes them, so
//! a slow client holds a piece and a file descriptor and nothing else.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use hyper::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, IF_RANGE, RANGE};
use hyper::header::{HeaderMap, HeaderValue};
use hyper::{Method, Response, StatusCode};

use super::Body;

use crate::blocking;

/// Read at once.
const PIECE_BYTES: usize = 256 << 10;

/// Where the bytes are.
pub enum Content {
    Memory(Bytes),
    /// An open file and its length.
    File(File, u64),
}

impl Content {
    fn len(&self) -> u64 {
        match self {
            Content::Memory(bytes) => bytes.len() as u64,
            Content::File(_, len) => *len,
        }
    }

    fn part(self, range: Range<u64>) -> Body {
        match self {
            // The range lies within the length, which was a `usize`.
            Content::Memory(bytes) => whole(bytes.slice(range.start as usize..range.end as usize)),
            Content::File(file, _) => {
                let left = range.end - range.start;
                FileBody { state: State::Idle(file), start: Some(range.start), left }.boxed_unsync()
            }
        }
    }
}

/// A body that is in memory.
pub fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// The answer to a GET or HEAD of `content`.
pub fn answer(method: &Method, headers: &HeaderMap, content: Content, kind: &'static str) -> Response<Body> {
    let len = content.len();
    let (status, range) = match asked(headers, len) {
        Asked::Whole => (StatusCode::OK, 0..len),
        Asked::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Asked::Beyond => (StatusCode::RANGE_NOT_SATISFIABLE, 0..0),
    };
    let shown = match status {
        StatusCode::PARTIAL_CONTENT => Some(format!("bytes {}-{}/{len}", range.start, range.end - 1)),
        StatusCode::RANGE_NOT_SATISFIABLE => Some(format!("bytes */{len}")),
        _ => None,
    };
    let length = range.end - range.start;
    let body = if method == Method::HEAD || length == 0 { whole(Bytes::new()) } else { content.part(range) };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    if let Some(value) = shown.and_then(|text| HeaderValue::try_from(text).ok()) {
        headers.insert(CONTENT_RANGE, value);
    }
    response
}

#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Whole,
    Part(Range<u64>),
    Beyond,
}

/// Reads the `Range` header. One that cannot be read is as if it were not there.
fn asked(headers: &HeaderMap, len: u64) -> Asked {
    if headers.contains_key(IF_RANGE) {
        return Asked::Whole;
    }
    let spec = headers.get(RANGE).and_then(|value| value.to_str().ok());
    let Some((first, last)) = spec.and_then(|text| text.strip_prefix("bytes=")).and_then(|text| text.split_once('-'))
    else {
        return Asked::Whole;
    };
    let number = |text: &str| text.trim().parse::<u64>().ok().filter(|_| !text.contains('+'));
    let range = match (first.trim(), last.trim()) {
        ("", last) => match number(last) {
            Some(count) => len.saturating_sub(count)..len,
            None => return Asked::Whole,
        },
        (first, "") => match number(first) {
            Some(first) => first..len,
            None => return Asked::Whole,
        },
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => first..len.min(last.saturating_add(1)),
            _ => return Asked::Whole,
        },
    };
    if range.start < range.end { Asked::Part(range) } else { Asked::Beyond }
}

/// A part of a file, read on blocking threads.
struct FileBody {
    state: State,
    /// Where to begin, until the first read.
    start: Option<u64>,
    left: u64,
}

enum State {
    Idle(File),
    Reading(blocking::Running<io::Result<(File, Bytes)>>),
    /// The end, or an error was told.
    Over,
}

/// The next piece, at most `most` bytes. A file that ends early is an error: the length has been promised.
fn read_piece(mut file: File, start: Option<u64>, most: usize) -> io::Result<(File, Bytes)> {
    if let Some(start) = start {
        file.seek(SeekFrom::Start(start))?;
    }
    let mut piece = vec![0; most];
    file.read_exact(&mut piece)?;
    Ok((file, Bytes::from(piece)))
}

impl HttpBody for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        loop {
            match std::mem::replace(&mut self.state, State::Over) {
                State::Idle(_) if self.left == 0 => return Poll::Ready(None),
                State::Idle(file) => {
                    let most = PIECE_BYTES.min(usize::try_from(self.left).unwrap_or(PIECE_BYTES));
                    let start = self.start.take();
                    let read = blocking::run(move || read_piece(file, start, most));
                    self.state = State::Reading(read);
                }
                State::Reading(mut read) => {
                    let Poll::Ready(done) = Pin::new(&mut read).poll(context) else {
                        self.state = State::Reading(read);
                        return Poll::Pending;
                    };
                    let (file, piece) = match done.map_err(io::Error::other).flatten() {
                        Ok(done) => done,
                        Err(error) => return Poll::Ready(Some(Err(error))),
                    };
                    self.left -= piece.len() as u64;
                    self.state = State::Idle(file);
                    return Poll::Ready(Some(Ok(Frame::data(piece))));
                }
                State::Over => return Poll::Ready(None),
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_rfc_has_them() {
        let table = [
            ("bytes=0-0", Asked::Part(0..1)),
            ("bytes=2-", Asked::Part(2..10)),
            ("bytes=2-99", Asked::Part(2..10)),
            ("bytes=-3", Asked::Part(7..10)),
            ("bytes=-99", Asked::Part(0..10)),
            ("bytes=9-18446744073709551615", Asked::Part(9..10)),
            ("bytes=10-", Asked::Beyond),
            ("bytes=10-12", Asked::Beyond),
            ("bytes=-0", Asked::Beyond),
            ("bytes=5-2", Asked::Whole),
            ("bytes=1-2,4-5", Asked::Whole),
            ("bytes=+1-2", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("items=1-2", Asked::Whole),
        ];
        for (header, expected) in table {
            let headers = HeaderMap::from_iter([(RANGE, HeaderValue::from_static(header))]);
            assert_eq!(asked(&headers, 10), expected, "{header}");
        }
        assert_eq!(asked(&HeaderMap::new(), 10), Asked::Whole);
    }
}
