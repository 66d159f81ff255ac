//! The service as a process: signals, panics, and what is said at the start.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, bail};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Service;
use crate::config::Settings;

/// Runs the service for this process: until SIGTERM or SIGINT, and not a moment longer after a second one.
pub async fn serve(settings: Settings) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    let panicked = stop_on_panic(stop.clone());
    let mut signals = JoinSet::new();
    signals.spawn(watch_signals(stop.clone())?);
    let service = Service::start(settings, stop).await?;
    greet(&service);
    service.run().await?;
    if panicked.load(Ordering::Relaxed) {
        bail!("a part of the service panicked");
    }
    tracing::info!("stopped");
    Ok(())
}

/// Tells where everything is. Nobody may be reading; that is no reason to stop serving.
fn greet(service: &Service) {
    let mut out = io::stdout().lock();
    for line in service.greeting() {
        let _ = writeln!(out, "{line}");
    }
    let _ = out.flush();
}

/// A panic anywhere, also in a thread or task that somebody else joins, ends the service.
fn stop_on_panic(stop: CancellationToken) -> Arc<AtomicBool> {
    let panicked = Arc::new(AtomicBool::new(false));
    let (noted, print) = (panicked.clone(), std::panic::take_hook());
    std::panic::set_hook(Box::new(move |panic| {
        print(panic);
        noted.store(true, Ordering::Relaxed);
        stop.cancel();
    }));
    panicked
}

fn watch_signals(stop: CancellationToken) -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot watch for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot watch for SIGINT")?;
    Ok(async move {
        for asked in 0.. {
            tokio::select! { biased; _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            if asked > 0 {
                // What is acknowledged is in the store; nothing else is lost.
                std::process::exit(1);
            }
            tracing::info!("stopping; a second signal stops at once");
            stop.cancel();
        }
    })
}
