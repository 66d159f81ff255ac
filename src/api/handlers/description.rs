//! The API about itself.

use std::sync::LazyLock;

use crate::api::surface::openapi;
use crate::api::{Answer, Call, Fault};

/// The tables do not change while the program runs.
static OPENAPI: LazyLock<Vec<u8>> = LazyLock::new(|| openapi::document().to_string().into_bytes());

/// `GET /bessemer/v1/openapi.json`
pub async fn openapi(_call: Call) -> Result<Answer, Fault> {
    Ok(Answer::ok(OPENAPI.clone()))
}
