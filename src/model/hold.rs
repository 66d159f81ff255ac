//! What is known of a store that is a copy: such a store may be old, and machines may be in use that it believes to be free.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// While a store has one, nothing is done to machines. A backup carries it from its beginning, so that whoever puts a copy
/// in the place of a store, by whatever means, starts in hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// When the store was put into hold, in microseconds since 1970: when it was restored, or copied.
    pub since: i64,
    /// When what is in the store was true; unknown if the file was no backup of ours.
    pub taken: Option<i64>,
    /// The file that it was restored from.
    pub file: Option<String>,
}

impl Hold {
    pub fn since_at(&self) -> Timestamp {
        crate::clock::from_micros(self.since)
    }

    pub fn taken_at(&self) -> Option<Timestamp> {
        self.taken.map(crate::clock::from_micros)
    }

    /// What happened, as a part of a sentence that begins with "because".
    pub fn because(&self) -> String {
        let taken = self.taken_at().map(|at| format!(", as it was at {}", shown(at))).unwrap_or_default();
        match &self.file {
            Some(file) => format!("its store was restored from {file}{taken}"),
            None => format!("its store is a backup{taken}"),
        }
    }
}

/// To the second: who reads it compares it with the clock on the wall.
fn shown(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
