//! Work that would keep the runtime waiting: files, hashes, whole lists.
//!
//! It runs on the runtime's blocking threads. In a simulated world it runs right where it is called: virtual time would
//! run ahead of a thread, and what runs beside it could not be repeated.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::task::{JoinError, JoinHandle};

thread_local! {
    static INLINE: Cell<bool> = const { Cell::new(false) };
}

/// From now on [`run`] runs in its caller, on this thread: for a simulated world, which is one thread.
pub fn inline_on_this_thread() {
    INLINE.set(true);
}

/// Runs `work` away from the runtime. Errors: it panicked, or the runtime is being stopped.
pub fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Running<T> {
    if INLINE.get() {
        return Running(State::Done(Some(work())));
    }
    Running(State::Elsewhere(tokio::task::spawn_blocking(work)))
}

/// Work that was begun. Dropping this does not end it.
#[derive(Debug)]
pub struct Running<T>(State<T>);

#[derive(Debug)]
enum State<T> {
    Done(Option<T>),
    Elsewhere(JoinHandle<T>),
}

/// Nothing in it is ever pinned.
impl<T> Unpin for Running<T> {}

impl<T> Future for Running<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Elsewhere(handle) => Pin::new(handle).poll(context),
            // Polled again after its end: as a join handle, it has nothing more to say.
            State::Done(result) => result.take().map_or(Poll::Pending, |result| Poll::Ready(Ok(result))),
        }
    }
}
