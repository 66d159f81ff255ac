//! Why an exchange failed, and whether the peer may have acted on it.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

/// An exchange that failed. A status such as 500 is not one: that is an answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The address cannot be used. Asking again does not help.
    #[error("{0}")]
    Url(String),
    /// No connection: nothing was asked.
    #[error("cannot reach {peer}: {source}")]
    Unreachable { peer: String, source: io::Error },
    /// The address is one that this request may not go to: nothing was asked.
    #[error("{peer} is {address}, an address of this machine or its links, where this may not go")]
    Barred { peer: String, address: IpAddr },
    /// The peer is not who it should be, or speaks no TLS that we do: nothing was asked.
    #[error("TLS with {peer}: {reason}")]
    Tls { peer: String, reason: String },
    /// The request went out and no (complete) answer came: it may have been acted on.
    #[error("the answer was lost: {0}")]
    Lost(String),
    /// More bytes than the caller allows.
    #[error("the answer is longer than {limit_bytes} bytes")]
    TooLarge { limit_bytes: u64 },
    #[error("too many redirects")]
    TooManyRedirects,
}

impl HttpError {
    /// Whether the peer may have acted on the request although no answer came.
    pub fn maybe_acted_on(&self) -> bool {
        matches!(self, HttpError::Lost(_))
    }

    /// Whether the same request may succeed later.
    pub fn retryable(&self) -> bool {
        matches!(self, HttpError::Unreachable { .. } | HttpError::Lost(_))
    }

    pub(super) fn no_answer(within: Duration) -> Self {
        HttpError::Lost(format!("nothing came within {within:?}"))
    }

    pub(super) fn protocol(error: hyper::Error) -> Self {
        // hyper's own text names only the layer ("error reading a body from connection"); the cause says what it was.
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        HttpError::Lost(format!("{error}{cause}"))
    }
}
