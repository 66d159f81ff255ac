//! Why an image cannot be had. Clones, because everybody who waits for one download gets its error.

use std::io;

use crate::net::http::HttpError;

/// The text is a sentence for the operator and names the field or file at fault.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ImageError {
    /// What was asked for cannot be used, whoever asks again: a wrong address, checksum or format.
    #[error("{0}")]
    Unusable(String),
    /// The bytes are not those that the checksum promises.
    #[error("{location} has {algorithm} {found}, expected {expected}")]
    Mismatch { location: String, algorithm: &'static str, expected: String, found: String },
    /// The source does not answer, or not to the end.
    #[error("{0}")]
    Unreachable(String),
    /// All of the cache is in use, or the image is larger than the cache.
    #[error("{0}")]
    NoRoom(String),
    /// Our own disk.
    #[error("the image cache cannot be written: {0}")]
    Disk(String),
}

impl ImageError {
    /// Whether asking again may help without anybody changing anything.
    pub fn retryable(&self) -> bool {
        matches!(self, ImageError::Unreachable(_) | ImageError::NoRoom(_))
    }

    pub fn fetching(location: &str, error: &HttpError) -> Self {
        let leave = if matches!(error, HttpError::Barred { .. }) { " (images.local_networks)" } else { "" };
        let text = format!("{location}: {error}{leave}");
        if error.retryable() { ImageError::Unreachable(text) } else { ImageError::Unusable(text) }
    }
}

impl From<io::Error> for ImageError {
    fn from(error: io::Error) -> Self {
        ImageError::Disk(error.to_string())
    }
}
