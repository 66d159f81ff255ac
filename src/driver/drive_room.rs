//! The memory that config drives take while they are made, judged and handed on. Each may be long, and many machines are
//! deployed at once, so it is bounded for all together; who finds none waits in turn, and `why` says so.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{DriverError, Task};
use crate::trace::Kind;

/// What they may take together. What would need more has all of it to itself.
pub const ROOM_BYTES: u32 = 256 << 20;
/// How often as much as was given is in memory at most: as it came, parsed, in two versions, as a file system, packed, as text,
/// and in the command to the agent.
const COPIES: usize = 8;
/// How long one waits for the others.
const ROOM_WITHIN: Duration = Duration::from_secs(3600);

/// The room for all. Cheap to clone.
#[derive(Clone, Debug)]
pub struct DriveRoom(Arc<Semaphore>);

impl Default for DriveRoom {
    fn default() -> Self {
        DriveRoom(Arc::new(Semaphore::new(usize::try_from(ROOM_BYTES).unwrap_or(usize::MAX))))
    }
}

/// One drive's part of it, given back when dropped.
#[derive(Debug)]
pub struct Room(#[expect(dead_code, reason = "held for its end")] OwnedSemaphorePermit);

impl DriveRoom {
    /// Room for what was given in so many bytes. Nobody may ask who has some already.
    pub async fn take(&self, task: &Task, bytes: usize) -> Result<Room, DriverError> {
        let wanted = u32::try_from(bytes.saturating_mul(COPIES)).unwrap_or(ROOM_BYTES).clamp(1, ROOM_BYTES);
        if let Ok(room) = self.0.clone().try_acquire_many_owned(wanted) {
            return Ok(Room(room));
        }
        let (trace, node) = (&task.env.trace, task.node.uuid);
        trace.node(node, Kind::DriveAwaited, "");
        let _calling = trace.calling(node, ROOM_WITHIN);
        match tokio::time::timeout(ROOM_WITHIN, self.0.clone().acquire_many_owned(wanted)).await {
            Ok(Ok(room)) => Ok(Room(room)),
            _ => Err(DriverError::Refused(format!(
                "the config drives of others took all the memory that there is for them for {} minutes. Deploy fewer nodes \
                 with long config drives at once",
                ROOM_WITHIN.as_secs() / 60
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_that_is_promised_is_the_memory_that_is_there() {
        let promise = format!("{} MiB for config drives on their way to agents", ROOM_BYTES >> 20);
        assert!(include_str!("../../README.md").contains(&promise), "README: {promise}");
        assert_eq!(DriveRoom::default().0.available_permits() >> 20, 256);
    }
}
