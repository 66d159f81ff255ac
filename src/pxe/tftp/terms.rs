//! What a TFTP client asked for and what it gets (RFC 2347 to 2349, RFC 7440). Pure.
//!
//! A client may only ever lower what a transfer costs: every option has a bound, and the two non-standard ones that could
//! hold a server's memory or time (`utimeout`, `windowwait`) are ignored, which RFC 2347 allows.

use std::time::Duration;

use tftpd::{OptionType, TransferOption};

/// An Ethernet frame's worth: larger blocks become fragments, which many boot ROMs drop.
pub const MOST_BLOCK_BYTES: usize = 1468;
/// More in flight than this overruns the small receive buffers of boot ROMs.
pub const MOST_WINDOW: usize = 16;
const LONGEST_TIMEOUT_SECS: u64 = 10;

/// The agreed terms of one transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    pub block_bytes: usize,
    /// Blocks sent before an acknowledgement is awaited.
    pub window: usize,
    /// How long to wait for an acknowledgement.
    pub timeout: Duration,
}

impl Terms {
    /// The terms, and the options to acknowledge (none: the transfer starts with its first block). `len` is the size of
    /// the file in bytes; `timeout` is used unless the client names one.
    pub fn agree(asked: &[TransferOption], len: usize, timeout: Duration) -> (Terms, Vec<TransferOption>) {
        let mut terms = Terms { block_bytes: 512, window: 1, timeout };
        let mut granted: Vec<TransferOption> = Vec::new();
        for TransferOption { option, value } in asked {
            if granted.iter().any(|known| known.option == *option) {
                continue;
            }
            let value = match option {
                // RFC 2348: 8 is the least; the server may answer with less than was asked.
                OptionType::BlockSize if *value >= 8 => {
                    terms.block_bytes = bounded(*value, MOST_BLOCK_BYTES);
                    terms.block_bytes as u64
                }
                OptionType::WindowSize if *value >= 1 => {
                    terms.window = bounded(*value, MOST_WINDOW);
                    terms.window as u64
                }
                // RFC 2349: a timeout is taken as it is or not at all.
                OptionType::Timeout if (1..=LONGEST_TIMEOUT_SECS).contains(value) => {
                    terms.timeout = Duration::from_secs(*value);
                    *value
                }
                OptionType::TransferSize => len as u64,
                _ => continue,
            };
            granted.push(TransferOption { option: *option, value });
        }
        (terms, granted)
    }
}

fn bounded(value: u64, most: usize) -> usize {
    usize::try_from(value).unwrap_or(most).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_is_bounded_and_the_strange_ones_are_ignored() {
        use OptionType::*;
        type Asked = &'static [(OptionType, u64)];
        // (asked, granted)
        let table: &[(Asked, Asked)] = &[
            (&[], &[]),
            (&[(BlockSize, 65464), (WindowSize, 65535)], &[(BlockSize, 1468), (WindowSize, 16)]),
            (&[(BlockSize, 7), (WindowSize, 0), (Timeout, 0)], &[]),
            (&[(BlockSize, u64::MAX), (Timeout, 11)], &[(BlockSize, 1468)]),
            (&[(TransferSize, 0), (Timeout, 10)], &[(TransferSize, 5000), (Timeout, 10)]),
            (&[(UTimeout, 1), (WindowWait, 99_999_999)], &[]),
            (&[(BlockSize, 1024), (BlockSize, 512)], &[(BlockSize, 1024)]),
        ];
        for (asked, expected) in table {
            let options = |list: &[(OptionType, u64)]| -> Vec<TransferOption> {
                list.iter().map(|(option, value)| TransferOption { option: *option, value: *value }).collect()
            };
            let (terms, granted) = Terms::agree(&options(asked), 5000, Duration::from_secs(1));
            assert_eq!(granted, options(expected), "asked {asked:?}");
            assert!(terms.block_bytes <= MOST_BLOCK_BYTES && (1..=MOST_WINDOW).contains(&terms.window));
        }
    }
}
