//! What is done to a store from the command line: copying it, putting a copy in its place, and releasing it from hold.
//!
//! A copy is made whether the service runs or not. A hold is looked at and ended through the service if one runs, because
//! it is the only one who writes; otherwise on the store itself.

use std::path::Path;

use anyhow::{Context as _, bail};
use hyper::Method;
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::parts;
use crate::api::handlers::hold::{document, done_document};
use crate::blocking;
use crate::clock::Clock;
use crate::config::Settings;
use crate::net::Net;
use crate::net::http::{Client, Request, Url};
use crate::random::Random;
use crate::service::{Refusal, hold};
use crate::store::{Options, Store, StoreError, backup, restore};

pub use crate::store::backup::{Copied, Progress};
pub use crate::store::restore::Restored;

/// Copies the store to `file`. `watch` is told how far it is; a signal gives it up and leaves nothing.
pub fn back_up(
    settings: &Settings,
    file: &Path,
    replace: bool,
    mut watch: impl FnMut(Progress) + Send + 'static,
) -> anyhow::Result<Copied> {
    let (from, to, clock) = (settings.db.clone(), file.to_owned(), Clock::system());
    until_signalled(move |stop| {
        let job = backup::Job { from: &from, to: &to, replace, stop };
        Ok(backup::copy(&job, &clock, backup::mark(&clock), &mut watch)?)
    })
}

/// Puts `file` in the place of the store.
pub fn put_back(
    settings: &Settings,
    file: &Path,
    mut watch: impl FnMut(Progress) + Send + 'static,
) -> anyhow::Result<Restored> {
    let (file, target, clock) = (file.to_owned(), settings.db.clone(), Clock::system());
    until_signalled(move |stop| Ok(restore::restore(&file, &target, &clock, stop, &mut watch)?))
}

/// Runs what blocks, and tells it to stop at SIGINT and SIGTERM.
fn until_signalled<T: Send + 'static>(
    work: impl FnOnce(CancellationToken) -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
    runtime.block_on(async {
        let stop = CancellationToken::new();
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let token = stop.clone();
        let mut done = blocking::run(move || work(token));
        loop {
            tokio::select! {
                biased;
                done = &mut done => return done.context("it panicked")?,
                _ = terminate.recv() => stop.cancel(),
                _ = interrupt.recv() => stop.cancel(),
            }
        }
    })
}

/// What `GET /bessemer/v1/hold` says.
pub async fn show_hold(settings: &Settings) -> anyhow::Result<Value> {
    match open(settings)? {
        Some(store) => Ok(document(&store.read(hold::report).await?)),
        None => call(settings, Method::GET, "/bessemer/v1/hold").await,
    }
}

/// What `DELETE /bessemer/v1/hold` says.
pub async fn release(settings: &Settings, abandon: bool) -> anyhow::Result<Value> {
    let Some(store) = open(settings)? else {
        return call(settings, Method::DELETE, &format!("/bessemer/v1/hold?abandon_work={abandon}")).await;
    };
    let rules = parts::rules(settings, &parts::host(settings));
    let done = store.write(move |tx| hold::release(tx, abandon, &rules)).await;
    Ok(done_document(&done.map_err(|refusal: Refusal| anyhow::Error::new(refusal))?))
}

/// The store, if no service has it. It is not made.
fn open(settings: &Settings) -> anyhow::Result<Option<Store>> {
    if !settings.db.exists() {
        return Err(backup::BackupError::NoStore(settings.db.clone()).into());
    }
    let backups = settings.backup.as_ref().map(|backup| backup.dir.clone());
    match Store::open(&settings.db, Options { backups, ..Options::new(Clock::system(), Random::system()) }) {
        Ok(store) => Ok(Some(store)),
        Err(StoreError::InUse { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Asks the service that has the store.
async fn call(settings: &Settings, method: Method, path: &str) -> anyhow::Result<Value> {
    let mut at = settings.listen;
    if at.ip().is_unspecified() {
        at.set_ip(match at {
            std::net::SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            std::net::SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    let asked = format!("{method} http://{at}{path}");
    let mut request = Request::new(method, Url::parse(&format!("http://{at}{path}"))?);
    request
        .headers
        .insert(HeaderName::from_static("x-openstack-ironic-api-version"), HeaderValue::from_static("latest"));
    if let Some(credentials) = credentials()? {
        request.headers.insert(AUTHORIZATION, credentials);
    }
    let client = Client::new(Net::system(), Clock::system());
    let help = "a service has the store open, so it is asked; does it listen there (--listen, or --config)?";
    let answer = client.send(request).await.with_context(|| format!("{asked}: {help}"))?;
    let status = answer.status;
    let body = answer.bytes().await.with_context(|| asked.clone())?;
    if status == hyper::StatusCode::UNAUTHORIZED {
        bail!("{asked}: the service wants to know who asks; set OS_USERNAME and OS_PASSWORD");
    }
    if !status.is_success() {
        bail!("{asked}: {status} {}", String::from_utf8_lossy(&body));
    }
    serde_json::from_slice(&body).with_context(|| format!("{asked}: that is no answer of this service"))
}

/// As OpenStack's clients take them: never from the command line, which everybody can read.
fn credentials() -> anyhow::Result<Option<HeaderValue>> {
    use base64::Engine as _;
    let (Ok(user), Ok(password)) = (std::env::var("OS_USERNAME"), std::env::var("OS_PASSWORD")) else {
        return Ok(None);
    };
    let text = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    let mut value =
        HeaderValue::try_from(format!("Basic {text}")).context("OS_USERNAME and OS_PASSWORD cannot be sent")?;
    value.set_sensitive(true);
    Ok(Some(value))
}
