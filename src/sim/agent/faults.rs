//! How a ramdisk can misbehave. Each knob is turned from outside at any time; counted ones wear off.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

/// Knobs, shared by whoever turns them and the ramdisk; a machine keeps its own over several boots. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Knobs>>);

/// All off by default.
#[derive(Clone, Debug, Default)]
pub struct Knobs {
    /// The ramdisk boots and nobody ever hears of it.
    pub silent: bool,
    /// Heartbeats carry another token.
    pub wrong_token: bool,
    /// The agent restarts (and forgets everything) after this many bytes of the next image.
    pub restart_after_bytes: Option<u64>,
    /// How long it looks at its disk before it fetches an image.
    pub pause_before_image: Duration,
    /// So many images are cut off on their way.
    pub cut_transfers: u32,
    /// This step fails when it is next executed.
    pub failing_step: Option<String>,
    /// The agent cannot switch its machine off, and says so.
    pub power_off_fails: bool,
    /// The agent cannot switch its machine off, and dies trying.
    pub dies_instead_of_power_off: bool,
    /// Logs are never delivered.
    pub logs_hang: bool,
    /// So many accepted commands get no answer: the connection is closed instead.
    pub lost_answers: u32,
    /// So many commands are refused as if another were running.
    pub busy_answers: u32,
    /// So many answers are not JSON.
    pub garbage_answers: u32,
    /// So many lists still call the last command running.
    pub late_results: u32,
    /// So many lists end with the result of a command that we did not send.
    pub foreign_results: u32,
    /// So many steps are refused because the hardware managers changed.
    pub version_mismatches: u32,
    /// The inspection reports this error.
    pub inspection_error: Option<String>,
    /// The agent speaks without TLS, as one that was told to.
    pub plain: bool,
    /// The agent's key is of a kind that makes all its handshakes equally long.
    pub even_key: bool,
    /// How often the disk began to be written or wiped; for whoever asks afterwards.
    pub writes: u64,
    /// The config drives that steps came with, as parts of the node; for whoever asks afterwards.
    pub drives_shown: Vec<Value>,
}

impl Faults {
    /// Turns knobs: `faults.set(|knobs| knobs.silent = true)`.
    pub fn set(&self, turn: impl FnOnce(&mut Knobs)) {
        turn(&mut self.knobs());
    }

    fn knobs(&self) -> MutexGuard<'_, Knobs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often the disk began to be written or wiped, over all boots.
    pub fn writes(&self) -> u64 {
        self.knobs().writes
    }

    /// What steps came with as the node's config drive, over all boots.
    pub fn drives_shown(&self) -> Vec<Value> {
        self.knobs().drives_shown.clone()
    }

    pub(super) fn shown(&self, drive: &Value) {
        if !drive.is_null() {
            self.knobs().drives_shown.push(drive.clone());
        }
    }

    pub(super) fn wrote(&self) {
        self.knobs().writes += 1;
    }

    pub(super) fn plain(&self) -> bool {
        self.knobs().plain
    }

    pub(super) fn even_key(&self) -> bool {
        self.knobs().even_key
    }

    pub(super) fn silent(&self) -> bool {
        self.knobs().silent
    }

    pub(super) fn wrong_token(&self) -> bool {
        self.knobs().wrong_token
    }

    pub(super) fn power_off_fails(&self) -> bool {
        self.knobs().power_off_fails
    }

    pub(super) fn dies_instead_of_power_off(&self) -> bool {
        self.knobs().dies_instead_of_power_off
    }

    pub(super) fn pause_before_image(&self) -> Duration {
        self.knobs().pause_before_image
    }

    pub(super) fn logs_hang(&self) -> bool {
        self.knobs().logs_hang
    }

    pub(super) fn inspection_error(&self) -> Option<String> {
        self.knobs().inspection_error.clone()
    }

    /// Whether the agent restarts now, having downloaded `bytes`; once.
    pub(super) fn restarts_at(&self, bytes: u64) -> bool {
        self.knobs().restart_after_bytes.take_if(|limit| bytes >= *limit).is_some()
    }

    /// Whether this step fails; once.
    pub(super) fn fails(&self, step: &str) -> bool {
        self.knobs().failing_step.take_if(|failing| failing == step).is_some()
    }

    /// Uses up one of a counted knob.
    pub(super) fn takes(&self, knob: impl FnOnce(&mut Knobs) -> &mut u32) -> bool {
        let mut knobs = self.knobs();
        let left = knob(&mut knobs);
        let any = *left > 0;
        *left = left.saturating_sub(1);
        any
    }
}
