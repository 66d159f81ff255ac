//! What a job and a look see of the database.

use std::cell::Cell;
use std::ops::Deref;

use jiff::Timestamp;
use rusqlite::Connection;
use uuid::Uuid;

use crate::clock::Clock;
use crate::random::Random;

/// A consistent view of the database. The noun modules read through it.
pub struct Read<'c> {
    pub(super) connection: &'c Connection,
}

/// A write transaction: a [`Read`] that can also change things, and the only source of ids and time in a job.
pub struct Tx<'c> {
    read: Read<'c>,
    clock: &'c Clock,
    random: &'c Random,
    pub(super) work_changed: &'c Cell<bool>,
}

impl<'c> Tx<'c> {
    pub(super) fn new(
        connection: &'c Connection,
        clock: &'c Clock,
        random: &'c Random,
        work_changed: &'c Cell<bool>,
    ) -> Self {
        Tx { read: Read { connection }, clock, random, work_changed }
    }

    pub fn now(&self) -> Timestamp {
        // Rows keep microseconds; what is written and what is read back are the same.
        crate::clock::from_micros(crate::clock::micros(self.clock.now()))
    }

    pub fn uuid(&self) -> Uuid {
        self.random.uuid()
    }

    pub fn token(&self) -> String {
        self.random.token()
    }

    pub fn shuffle<T>(&self, items: &mut [T]) {
        self.random.shuffle(items);
    }

    /// Wakes the engine, and whoever waits for a node, once this is committed.
    pub fn wake(&self) {
        self.work_changed.set(true);
    }
}

impl<'c> Deref for Tx<'c> {
    type Target = Read<'c>;

    fn deref(&self) -> &Read<'c> {
        &self.read
    }
}
