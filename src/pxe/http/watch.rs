//! A body that says how far it came: whether the machine has all of a file is what its admin wants to know.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use super::Body;

/// Told at the end: the bytes that were handed on, and those that were promised.
type OnEnd = Box<dyn FnOnce(u64, u64) + Send>;

struct Watched {
    inner: Body,
    sent: u64,
    promised: u64,
    on_end: Option<OnEnd>,
}

/// The same body; `on_end` is called once, when it has been handed on to the end or is given up.
pub fn watched(inner: Body, on_end: impl FnOnce(u64, u64) + Send + 'static) -> Body {
    let promised = inner.size_hint().exact().unwrap_or(0);
    Watched { inner, sent: 0, promised, on_end: Some(Box::new(on_end)) }.boxed_unsync()
}

impl Watched {
    fn end(&mut self) {
        if let Some(tell) = self.on_end.take() {
            tell(self.sent, self.promised);
        }
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            self.sent += frame.data_ref().map_or(0, |data| data.len() as u64);
            if self.sent >= self.promised {
                // The server asks no further once it has what it promised.
                self.end();
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[tokio::test]
    async fn the_end_is_told_once_and_says_how_far_it_came() -> io::Result<()> {
        let told = Arc::new(Mutex::new(Vec::new()));
        let watch = |inner| {
            let told = told.clone();
            watched(inner, move |sent, promised| {
                if let Ok(mut told) = told.lock() {
                    told.push((sent, promised));
                }
            })
        };
        watch(super::super::file::whole("seven b")).collect().await?;
        drop(watch(super::super::file::whole("given up")));
        assert_eq!(told.lock().map(|told| told.clone()).unwrap_or_default(), [(7, 7), (0, 8)]);
        Ok(())
    }
}
