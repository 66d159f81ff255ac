//! The REST API: bytes to intents and back.
//!
//! ```text
//!   server ─► dispatch ─► surface::routes ─► handlers::<noun> ─► service (decides) · engine::Handle (hardware)
//!                │ auth, version, body            │ listing, patch, view
//! ```
//! What exists at which version is data in [`surface`]; a handler only parses, asks a service, and writes the answer.
//! The same code serves two listeners: *admin* has every route, *provisioning* only those a machine in deployment needs.
//! Deliberately absent: decisions (they are in `service`), SQL, and version numbers outside `surface`.

pub mod admission;
pub mod answer;
pub mod auth;
pub mod bodies;
pub mod body;
pub mod connections;
mod dispatch;
pub mod fair;
pub mod fault;
pub mod handlers;
pub mod listing;
mod metered;
pub mod patch;
pub mod request;
pub mod server;
pub mod surface;
pub mod view;

use std::sync::Arc;

pub use answer::Answer;
pub use fault::Fault;
pub use request::Call;
pub use server::{Listener, Server};

use crate::engine::Handle;
use crate::engine::backups::Backups;
use crate::random::Random;
use crate::service::Refused;
use crate::store::{Store, Tx};

/// What every handler can reach. One for the process, shared by both listeners.
pub struct State {
    /// In the lane of clients; what machines ask for goes through the engine's, which goes first.
    pub store: Store,
    /// The only way to hardware, and to decisions that wait for a node.
    pub engine: Handle,
    pub random: Random,
    pub settings: Settings,
    pub auth: auth::Auth,
    pub bodies: bodies::Bodies,
    pub admission: admission::Admission,
    /// How the scheduled backups stand.
    pub backups: Backups,
}

/// What the operator configured, as far as the API cares.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Base of the links in answers, without a trailing slash; otherwise it is taken from the request's Host.
    pub public_endpoint: Option<String>,
    /// The name that this process has as Ironic's one conductor.
    pub conductor: String,
    /// Objects in a page at most, and if the client does not say.
    pub max_limit: usize,
    /// When this process started.
    pub started_at: crate::clock::Timestamp,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            public_endpoint: None,
            conductor: "bessemer".to_owned(),
            max_limit: 1000,
            started_at: crate::clock::from_micros(0),
        }
    }
}

impl State {
    /// Runs a decision; if somebody works on the node, again when it is released, for a few seconds.
    pub async fn write<T: Send + 'static>(
        &self,
        job: impl Fn(&Tx) -> Refused<T> + Clone + Send + 'static,
    ) -> Result<T, Fault> {
        Ok(self.engine.write_when_free(job).await?)
    }
}

/// A [`State`] that handlers share.
pub type Shared = Arc<State>;
