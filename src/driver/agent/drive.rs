//! The config drive, from what the client gave to what the agent takes.
//!
//! The agent would fetch a drive from any address, and follow redirects to wherever they lead: to what answers it because it
//! is near, such as a cloud's metadata. So it never sees an address. This service asks instead, at the places where images
//! may be, and hands on what it has checked.

use std::time::Duration;

use hyper::StatusCode;
use serde_json::{Map, Value};

use super::image::driver_error;
use crate::blocking;
use crate::driver::{DriverError, Task};
use crate::image::{ImageError, config_drive};
use crate::net::http::{Reach, Request, Url};

/// How long one attempt to fetch a drive may take altogether.
const FETCH: Duration = Duration::from_secs(120);
/// How often an address that does not answer is asked, and the pause before the second time; longer before each other.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(2);

/// What can be said without asking anybody.
pub async fn check(task: &Task) -> Result<(), DriverError> {
    let prepared = prepare(task).await?;
    match prepared.as_deref().and_then(config_drive::address) {
        Some(url) if !reach(task).allows_host(task.env.http.net(), &url.host) => {
            Err(DriverError::misconfigured(format!(
                "instance_info/configdrive: {url} is an address of this machine or its links, from which no config drive \
                 is fetched (images.local_networks)"
            )))
        }
        _ => Ok(()),
    }
}

/// The drive as base64 of a gzipped file system, fetched if need be.
pub async fn get(task: &Task) -> Result<Option<String>, DriverError> {
    let Some(prepared) = prepare(task).await? else { return Ok(None) };
    match config_drive::address(&prepared) {
        Some(url) => fetch(task, &url).await.map(Some),
        None => Ok(Some(prepared)),
    }
}

/// The drive as the client gave it, for steps that make something else of it. What stands at an address takes its place.
pub async fn given(task: &Task) -> Result<Option<Value>, DriverError> {
    let Some(given) = &task.config_drive else { return Ok(None) };
    let text = String::from_utf8_lossy(given);
    match serde_json::from_str::<Map<String, Value>>(&text) {
        Ok(object) => Ok(Some(Value::Object(object))),
        Err(_) => get(task).await.map(|drive| drive.map(Value::String)),
    }
}

/// Errors: what was given is none.
async fn prepare(task: &Task) -> Result<Option<String>, DriverError> {
    let Some(given) = task.config_drive.clone() else { return Ok(None) };
    let (uuid, name, now) = (task.node.uuid, task.node.name.clone(), task.env.clock.now());
    off_runtime(move || config_drive::prepare(&given, uuid, name.as_deref(), now)).await
}

fn reach(task: &Task) -> &Reach {
    task.env.images.as_ref().map_or(&task.env.reach, |images| images.reach())
}

async fn fetch(task: &Task, url: &Url) -> Result<String, DriverError> {
    let mut attempt = 1;
    loop {
        let asked = tokio::time::timeout(FETCH, ask(task, url.clone())).await;
        let answer = asked.unwrap_or_else(|_| {
            Err(ImageError::Unreachable(format!("configdrive: {url} did not end within {FETCH:?}")))
        });
        match answer {
            Ok(bytes) => return off_runtime(move || config_drive::fetched(&bytes)).await,
            Err(error) if error.retryable() && attempt < ATTEMPTS => {
                tracing::info!(node = %task.node.uuid, %error, attempt, "the config drive did not come, trying again");
                task.env.clock.sleep(PAUSE * attempt).await;
                attempt += 1;
            }
            // Not the image's error, so not its advice.
            Err(ImageError::Unreachable(why)) => {
                return Err(DriverError::Unreachable(format!(
                    "{why}. Check that this host can fetch it (instance_info/configdrive)"
                )));
            }
            Err(error) => return Err(driver_error(&error)),
        }
    }
}

async fn ask(task: &Task, url: Url) -> Result<bytes::Bytes, ImageError> {
    let shown = format!("configdrive: {url}");
    let mut request = Request::get(url);
    request.reach = reach(task).clone();
    request.limits.body_bytes = config_drive::MAX_TEXT_BYTES;
    let response = task.env.http.send(request).await.map_err(|error| ImageError::fetching(&shown, &error))?;
    if response.status != StatusCode::OK {
        let text = format!("{shown} answered {}", response.status);
        let later = response.status.is_server_error() || response.status == StatusCode::TOO_MANY_REQUESTS;
        return Err(if later { ImageError::Unreachable(text) } else { ImageError::Unusable(text) });
    }
    response.bytes().await.map_err(|error| ImageError::fetching(&shown, &error))
}

/// Packing and unpacking tens of megabytes is no work for the runtime.
async fn off_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ImageError> + Send + 'static,
) -> Result<T, DriverError> {
    match blocking::run(work).await {
        Ok(made) => made.map_err(|error| driver_error(&error)),
        Err(panicked) => Err(DriverError::Refused(format!("the config drive could not be made: {panicked}"))),
    }
}
