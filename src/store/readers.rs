//! A few read-only connections. A look runs on a blocking thread, and its snapshot ends with it.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::{helped, watched};
use super::health::Health;
use super::{Lane, Read, StoreError, schema};

use crate::blocking;

/// More would not be quicker on the machines that this runs on, and each has a page cache.
const CONNECTIONS: usize = 3;
/// Of them, those that clients may have: the last is for machines and the engine, whatever clients ask.
const OF_CLIENTS: usize = 2;
/// How long a client waits for one.
const CLIENT_WITHIN: Duration = Duration::from_secs(5);

pub struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    places: Arc<Semaphore>,
    of_clients: Arc<Semaphore>,
    inline: bool,
    health: Arc<Health>,
}

/// The right to one connection.
struct Place {
    _place: OwnedSemaphorePermit,
    _of_clients: Option<OwnedSemaphorePermit>,
}

impl Readers {
    pub fn open(path: &Path, inline: bool, health: Arc<Health>) -> Result<Self, StoreError> {
        let count = if inline { 1 } else { CONNECTIONS };
        let idle = (0..count).map(|_| schema::open_reader(path)).collect::<Result<Vec<_>, _>>()?;
        let places = Arc::new(Semaphore::new(count));
        let of_clients = Arc::new(Semaphore::new(OF_CLIENTS));
        Ok(Readers { idle: Arc::new(Mutex::new(idle)), places, of_clients, inline, health })
    }

    async fn place(&self, lane: Lane) -> Result<Place, StoreError> {
        let of_clients = match lane {
            Lane::Ours => None,
            Lane::Clients => {
                let place = tokio::time::timeout(CLIENT_WITHIN, self.of_clients.clone().acquire_owned()).await;
                Some(place.map_err(|_| StoreError::Overloaded)?.map_err(|_| StoreError::Closed)?)
            }
        };
        let place = self.places.clone().acquire_owned().await.map_err(|_| StoreError::Closed)?;
        Ok(Place { _place: place, _of_clients: of_clients })
    }

    pub async fn run<T, E>(&self, lane: Lane, look: impl FnOnce(&Read) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let place = self.place(lane).await?;
        let (idle, health) = (self.idle.clone(), self.health.clone());
        if self.inline {
            return borrowed(idle, place, &health, look);
        }
        match blocking::run(move || borrowed(idle, place, &health, look)).await {
            Ok(result) => result,
            Err(error) => Err(StoreError::Broken(anyhow::anyhow!("a reader panicked: {error}")).into()),
        }
    }

    /// From now on nobody gets a connection, and nobody is told so.
    pub fn abandon(&self) {
        let places = self.places.available_permits();
        self.places.forget_permits(places);
        lock(&self.idle).clear();
    }

    /// A look that is over before another thread would have begun it.
    pub async fn glance<T, E: From<StoreError>>(
        &self,
        lane: Lane,
        look: impl FnOnce(&Read) -> Result<T, E>,
    ) -> Result<T, E> {
        let place = self.place(lane).await?;
        borrowed(self.idle.clone(), place, &self.health, look)
    }
}

/// Looks through an idle connection. A permit stands for one, so there is one.
fn borrowed<T, E: From<StoreError>>(
    idle: Arc<Mutex<Vec<Connection>>>,
    place: Place,
    health: &Health,
    look: impl FnOnce(&Read) -> Result<T, E>,
) -> Result<T, E> {
    let connection = lock(&idle).pop().ok_or(StoreError::Closed)?;
    let borrowed = Borrowed { connection: Some(connection), idle, _place: place };
    let connection = borrowed.connection.as_ref().ok_or(StoreError::Closed)?;
    let (seen, met) = helped(&health.help, || watched(|| snapshot(connection, look)));
    health.take_note(&met);
    seen
}

/// Gives the connection back, and then the permit, also when the look panics.
struct Borrowed {
    connection: Option<Connection>,
    idle: Arc<Mutex<Vec<Connection>>>,
    _place: Place,
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        lock(&self.idle).extend(self.connection.take());
    }
}

fn lock(idle: &Mutex<Vec<Connection>>) -> std::sync::MutexGuard<'_, Vec<Connection>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A deferred transaction makes several queries see one state.
fn snapshot<T, E: From<StoreError>>(connection: &Connection, look: impl FnOnce(&Read) -> Result<T, E>) -> Result<T, E> {
    let tx = connection.unchecked_transaction().map_err(StoreError::from)?;
    let result = look(&Read { connection });
    // Nothing was written, so how it ends does not matter.
    drop(tx);
    result
}
