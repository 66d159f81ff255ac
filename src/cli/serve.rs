//! `bessemer serve`.

use std::time::Duration;

use anyhow::Context as _;

use super::source::Source;
use crate::config::Settings;
use crate::{app, telemetry};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    source: Source,
}

/// Threads that serve the network. Everything that takes long is on blocking threads; two keep one slow poll from
/// holding up the rest, and each more would cost idle memory.
const WORKERS: usize = 2;
/// Threads for files, hashes and store readers, made when needed.
const BLOCKING: usize = 32;
const BLOCKING_IDLE: Duration = Duration::from_secs(5);

pub fn run(args: Args) -> anyhow::Result<()> {
    let typed = args.source.read()?;
    let settings = Settings::from_typed(&typed)?;
    telemetry::start(&settings.log);
    for note in &typed.notes {
        tracing::warn!("{note}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .max_blocking_threads(BLOCKING)
        .thread_keep_alive(BLOCKING_IDLE)
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let done = runtime.block_on(app::serve(settings));
    // Whatever still runs on a blocking thread was given its time while the service stopped.
    runtime.shutdown_timeout(Duration::from_millis(500));
    done
}
