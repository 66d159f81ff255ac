//! Errors as Ironic's clients expect them.
//!
//! The body is `{"error_message": "<a JSON document, as a string>"}`: encoded twice, because clients parse it twice. The
//! inner document has one of two shapes: what an application refuses is `{faultcode, faultstring, debuginfo}`, what the
//! router refuses is `{code, title, description}`. Two kinds are not wrapped at all: too large or too deep bodies, and
//! failed http_basic. No text of the store ever gets in: what it says goes to the log.

use std::borrow::Cow;

use hyper::StatusCode;
use serde_json::json;

use crate::service::Refusal;
use crate::store::{CLIENT_WITHIN, StoreError};

/// When a client shall come back whom only a person's doing, or a restart, can help.
pub const FOR_A_PERSON_SECS: u64 = 30;

/// Why a request was not carried out, ready to be told.
#[derive(Debug)]
pub enum Fault {
    /// A handler or service said no.
    Application { status: StatusCode, text: Cow<'static, str> },
    /// 503: nothing was done, and it may be once so many seconds have passed.
    Later { text: Cow<'static, str>, secs: u64 },
    /// The path, method, version or identifier leads nowhere.
    Routing { status: StatusCode, description: Cow<'static, str> },
    /// 405 with the methods that the path has.
    Method { allow: String, whose: Whose },
    /// 406: the client does not take JSON. Its inner document is plain text, not JSON.
    NotAcceptable,
    /// The body is too large (413) or nested too deeply (400).
    Body { status: StatusCode, text: &'static str },
    /// 401 or 400 from http_basic.
    Unauthorized { status: StatusCode, text: &'static str },
}

/// In whose words a refusal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    Router,
    Application,
}

impl Fault {
    pub fn application(status: StatusCode, text: impl Into<Cow<'static, str>>) -> Self {
        Fault::Application { status, text: text.into() }
    }

    /// 503
    pub fn later(text: impl Into<Cow<'static, str>>, secs: u64) -> Self {
        Fault::Later { text: text.into(), secs }
    }

    /// 400
    pub fn invalid(text: impl Into<Cow<'static, str>>) -> Self {
        Fault::application(StatusCode::BAD_REQUEST, text)
    }

    /// 403
    pub fn forbidden(text: impl Into<Cow<'static, str>>) -> Self {
        Fault::application(StatusCode::FORBIDDEN, text)
    }

    /// 404 of an object.
    pub fn not_found(text: impl Into<Cow<'static, str>>) -> Self {
        Fault::application(StatusCode::NOT_FOUND, text)
    }

    /// 406: newer than what the client asked for.
    pub fn not_acceptable() -> Self {
        Fault::application(StatusCode::NOT_ACCEPTABLE, "Request not acceptable.")
    }

    pub fn routing(status: StatusCode, description: impl Into<Cow<'static, str>>) -> Self {
        Fault::Routing { status, description: description.into() }
    }

    /// 404 of a path.
    pub fn no_route() -> Self {
        Fault::routing(StatusCode::NOT_FOUND, "")
    }

    pub fn status(&self) -> StatusCode {
        match self {
            Fault::Application { status, .. } | Fault::Routing { status, .. } => *status,
            Fault::Later { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Fault::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Fault::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Fault::Body { status, .. } | Fault::Unauthorized { status, .. } => *status,
        }
    }

    /// The body, in the envelope that belongs to the kind.
    pub fn body(&self) -> Vec<u8> {
        let status = self.status();
        let fault_code = if status.is_server_error() { "Server" } else { "Client" };
        let routing = |description: &str| {
            let title = status.canonical_reason().unwrap_or_default();
            json!({"code": status.as_u16(), "title": title, "description": description})
        };
        let inner = match self {
            Fault::Application { text, .. } | Fault::Later { text, .. } => {
                json!({"faultcode": fault_code, "faultstring": text, "debuginfo": null})
            }
            Fault::Routing { description, .. } => routing(description),
            Fault::Method { whose: Whose::Router, .. } => routing(""),
            Fault::Method { whose: Whose::Application, .. } => {
                json!({"faultcode": fault_code, "faultstring": "The method is not allowed here.", "debuginfo": null})
            }
            Fault::NotAcceptable => {
                return json_bytes(&json!({"error_message": "406 Not Acceptable: only application/json is served"}));
            }
            Fault::Body { text, .. } => return json_bytes(&json!({"faultcode": fault_code, "faultstring": text})),
            Fault::Unauthorized { text, .. } => {
                return json_bytes(&json!({"error": {"message": text, "code": status.as_u16()}}));
            }
        };
        json_bytes(&json!({"error_message": inner.to_string()}))
    }
}

fn json_bytes(value: &serde_json::Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal {
            Refusal::Store(error) => return error.into(),
            Refusal::Invalid(_) => StatusCode::BAD_REQUEST,
            Refusal::Forbidden(_) => StatusCode::FORBIDDEN,
            Refusal::NotFound(_) => StatusCode::NOT_FOUND,
            Refusal::NotAcceptable(_) => StatusCode::NOT_ACCEPTABLE,
            Refusal::Conflict(_) | Refusal::Locked(_) => StatusCode::CONFLICT,
            Refusal::Busy(text) => return Fault::later(text, FOR_A_PERSON_SECS),
        };
        Fault::application(status, refusal.to_string())
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Duplicate(column) => {
                let what = column.rsplit('.').next().unwrap_or(column);
                Fault::application(StatusCode::CONFLICT, format!("An object with this {what} already exists."))
            }
            // Somebody has to do something about these, or a restart is under way.
            StoreError::Full | StoreError::ReadOnly | StoreError::Disk(_) | StoreError::Closed => {
                Fault::later(error.to_string(), FOR_A_PERSON_SECS)
            }
            // Nobody waits for the writer for longer.
            StoreError::Busy | StoreError::Overloaded => Fault::later(error.to_string(), CLIENT_WITHIN.as_secs()),
            // Asking again does not help; the damage itself was logged when it was met. These say what to do about it.
            StoreError::Damaged { .. } | StoreError::Unreadable { .. } => {
                Fault::application(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
            }
            StoreError::Broken(source) => {
                tracing::error!(error = format!("{source:#}"), "the store failed");
                Fault::application(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
            }
            other => {
                tracing::error!(error = %other, "the store failed");
                Fault::application(StatusCode::INTERNAL_SERVER_ERROR, "the store failed")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_store_cannot_do_now_may_be_asked_again_and_its_sql_is_nobody_s_business() {
        for error in [
            StoreError::Full,
            StoreError::ReadOnly,
            StoreError::Disk("an error".to_owned()),
            StoreError::Closed,
            StoreError::Busy,
            StoreError::Overloaded,
        ] {
            assert!(matches!(Fault::from(error), Fault::Later { secs: 1.., .. }));
        }
        let broken = Fault::from(StoreError::Broken(anyhow::anyhow!("near SELECT").context("in words")));
        let told = String::from_utf8_lossy(&broken.body()).into_owned();
        assert!(broken.status() == StatusCode::INTERNAL_SERVER_ERROR && told.contains("the store failed"), "{told}");
        assert!(!told.contains("SELECT") && !told.contains("in words"), "{told}");
    }
}
