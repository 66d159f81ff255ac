//! Why a request is not carried out, in the terms of the API.

use crate::driver::DriverError;
use crate::store::StoreError;

/// A refusal with the sentence that the client is shown. The kinds are the API's status codes.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// 400: the request is wrong in itself, or cannot be carried out in this state.
    #[error("{0}")]
    Invalid(String),
    /// 403
    #[error("{0}")]
    Forbidden(String),
    /// 404
    #[error("{0}")]
    NotFound(String),
    /// 406: the field or verb is newer than the version that the client asked for.
    #[error("{0}")]
    NotAcceptable(String),
    /// 409: the state of something stands against it.
    #[error("{0}")]
    Conflict(String),
    /// 409, and asking again helps: somebody is working on the node. Holders wait a little before they say so.
    #[error("{0}")]
    Locked(String),
    /// 503: asking again later helps.
    #[error("{0}")]
    Busy(String),
    /// The store failed; what the client is told names no SQL.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What decisions end in.
pub type Refused<T> = Result<T, Refusal>;

impl Refusal {
    pub fn invalid(why: impl Into<String>) -> Self {
        Refusal::Invalid(why.into())
    }

    pub fn conflict(why: impl Into<String>) -> Self {
        Refusal::Conflict(why.into())
    }

    pub fn not_found(what: impl Into<String>) -> Self {
        Refusal::NotFound(what.into())
    }

    /// The node's `state` does not allow the `action`.
    pub fn not_in_state(node: &crate::model::Node, action: &str, state: &str) -> Self {
        Refusal::Invalid(format!(
            "The requested action \"{action}\" can not be performed on node \"{}\" while it is in state \"{state}\".",
            node.uuid
        ))
    }

    /// The node is worked on by `holder`.
    pub fn locked(node: &crate::model::Node) -> Self {
        let holder = node.reservation.as_deref().unwrap_or("somebody");
        Refusal::Locked(format!(
            "Node {} is locked by host {holder}, please retry after the current operation is completed.",
            node.uuid
        ))
    }
}

/// A driver that finds a node misconfigured or cannot do a thing is the client's mistake (400); a machine that does not
/// answer, or says no, is a state of the world (409 would be retried for ever, so 400 here too, as Ironic has it).
impl From<DriverError> for Refusal {
    fn from(error: DriverError) -> Self {
        Refusal::Invalid(error.to_string())
    }
}
