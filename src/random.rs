//! The one source of randomness: UUIDs, tokens, nonces, shuffles and jitter.
//!
//! A seeded [`Random`] makes a simulated run repeatable. The system one is a ChaCha generator seeded by the operating
//! system, which is fit for tokens.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use uuid::Uuid;

/// Cheap to clone; all clones draw from one stream.
#[derive(Clone)]
pub struct Random(Arc<Mutex<StdRng>>);

impl Random {
    /// Seeded by the operating system.
    pub fn system() -> Self {
        Random(Arc::new(Mutex::new(rand::make_rng())))
    }

    /// The same seed gives the same stream.
    pub fn seeded(seed: u64) -> Self {
        Random(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    fn with<T>(&self, draw: impl FnOnce(&mut StdRng) -> T) -> T {
        draw(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A version 4 UUID (RFC 9562).
    pub fn uuid(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.bytes()).into_uuid()
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        self.with(|rng| rng.fill_bytes(&mut out));
        out
    }

    /// A URL-safe secret of 256 bits, 43 characters long, as the agent's token is.
    pub fn token(&self) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(self.bytes::<32>())
    }

    /// A number in `0..end`; 0 if `end` is 0.
    pub fn below(&self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.with(|rng| rng.random_range(0..end)) }
    }

    /// Shuffles in place, every order equally likely.
    pub fn shuffle<T>(&self, items: &mut [T]) {
        self.with(|rng| items.shuffle(rng));
    }

    /// A duration between half and one and a half of `around`, so that retries of many do not fall in step.
    pub fn jitter(&self, around: Duration) -> Duration {
        let micros = around.as_micros() as u64;
        Duration::from_micros(micros / 2 + self.below(micros.max(1)))
    }
}

impl std::fmt::Debug for Random {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Random")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_stream() {
        let (a, b) = (Random::seeded(7), Random::seeded(7));
        assert_eq!((a.uuid(), a.token(), a.below(100)), (b.uuid(), b.token(), b.below(100)));
    }

    #[test]
    fn a_token_has_256_bits_in_43_url_safe_characters() {
        let token = Random::system().token();
        assert_eq!(token.len(), 43);
        assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
    }
}
