//! The config drive, from what the client gave to what the agent takes.
//!
//! The agent would fetch a drive from any address, and follow redirects to wherever they lead: to what answers it because it
//! is near, such as a cloud's metadata. So it never sees an address. This service asks instead, at the places where images
//! may be, and hands on what it has checked.

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use serde_json::{Map, Value};

use super::image::driver_error;
use crate::blocking;
use crate::driver::drive_room::Room;
use crate::driver::{DriverError, Task};
use crate::image::{ImageError, config_drive};
use crate::net::http::{Reach, Request, Response, Url};

/// How long the server of a drive may take to answer, and again to deliver.
const FETCH: Duration = Duration::from_secs(120);
/// How often an address that does not answer is asked, and the pause before the second time; longer before each other.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(2);

/// What can be said without asking anybody.
pub async fn check(task: &Task) -> Result<(), DriverError> {
    let prepared = prepare(task).await?;
    match prepared.as_ref().and_then(|(drive, _)| config_drive::address(drive)) {
        Some(url) if !reach(task).allows_host(task.env.http.net(), &url.host) => {
            Err(DriverError::misconfigured(format!(
                "instance_info/configdrive: {url} is an address of this machine or its links, from which no config drive \
                 is fetched (images.local_networks)"
            )))
        }
        _ => Ok(()),
    }
}

/// A drive, and its part of the memory for all.
type Held<T> = (T, Room);

/// The drive as base64 of a gzipped file system, fetched if need be.
pub async fn get(task: &Task) -> Result<Option<Held<String>>, DriverError> {
    let Some((prepared, room)) = prepare(task).await? else { return Ok(None) };
    match config_drive::address(&prepared) {
        Some(url) => {
            // What comes from there takes its own.
            drop(room);
            fetch(task, &url).await.map(Some)
        }
        None => Ok(Some((prepared, room))),
    }
}

/// The drive as the client gave it, for steps that make something else of it. What stands at an address takes its place.
pub async fn given(task: &Task) -> Result<Option<Held<Value>>, DriverError> {
    let Some((given, room)) = load(task).await? else { return Ok(None) };
    let object = serde_json::from_slice::<Map<String, Value>>(&given);
    if let Ok(object) = object {
        return Ok(Some((Value::Object(object), room)));
    }
    drop((given, room));
    Ok(get(task).await?.map(|(drive, room)| (Value::String(drive), room)))
}

/// What the client gave, with this request or before.
async fn load(task: &Task) -> Result<Option<Held<Arc<[u8]>>>, DriverError> {
    if let Some(given) = &task.config_drive {
        let room = task.env.drive_room.take(task, given.len()).await?;
        return Ok(Some((given.clone(), room)));
    }
    let Some(drives) = task.drives() else { return Ok(None) };
    let Some(bytes) = drives.bytes(task.node.uuid).await? else { return Ok(None) };
    let room = task.env.drive_room.take(task, bytes).await?;
    Ok(drives.load(task.node.uuid).await?.map(|drive| (drive.into(), room)))
}

/// Errors: what was given is none.
async fn prepare(task: &Task) -> Result<Option<Held<String>>, DriverError> {
    let Some((given, room)) = load(task).await? else { return Ok(None) };
    let (uuid, name, now) = (task.node.uuid, task.node.name.clone(), task.env.clock.now());
    let prepared = off_runtime(move || config_drive::prepare(&given, uuid, name.as_deref(), now)).await?;
    Ok(prepared.map(|drive| (drive, room)))
}

fn reach(task: &Task) -> &Reach {
    task.env.images.as_ref().map_or(&task.env.reach, |images| images.reach())
}

async fn fetch(task: &Task, url: &Url) -> Result<Held<String>, DriverError> {
    let _calling = task.env.trace.calling(task.node.uuid, (FETCH * 2 + PAUSE * ATTEMPTS) * ATTEMPTS);
    let mut attempt = 1;
    loop {
        let answer = match in_time(url, ask(task, url.clone())).await {
            Ok(response) => {
                // Without a length it may be the longest.
                let told = response.content_length().unwrap_or(u64::MAX).min(config_drive::MAX_TEXT_BYTES);
                let room = task.env.drive_room.take(task, usize::try_from(told).unwrap_or(usize::MAX)).await?;
                in_time(url, body(url, response)).await.map(|bytes| (bytes, room))
            }
            Err(error) => Err(error),
        };
        match answer {
            Ok((bytes, room)) => {
                let drive = off_runtime(move || config_drive::fetched(&bytes)).await?;
                return Ok((drive, room));
            }
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

async fn in_time<T>(url: &Url, asked: impl Future<Output = Result<T, ImageError>>) -> Result<T, ImageError> {
    let late = |_| Err(ImageError::Unreachable(format!("configdrive: {url} did not end within {FETCH:?}")));
    tokio::time::timeout(FETCH, asked).await.unwrap_or_else(late)
}

async fn ask(task: &Task, url: Url) -> Result<Response, ImageError> {
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
    Ok(response)
}

async fn body(url: &Url, response: Response) -> Result<bytes::Bytes, ImageError> {
    response.bytes().await.map_err(|error| ImageError::fetching(&format!("configdrive: {url}"), &error))
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
