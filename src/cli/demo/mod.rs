//! `bessemer demo`: the whole service on loopback, with a rack of simulated machines behind it.
//!
//! Everything between the two is real: the API over HTTP, RMCP+ over UDP, DHCP, TFTP, boot scripts, the agent's protocol
//! over TLS, an image that is downloaded, written and hashed. Only the machines are bytes. It needs no root, nothing
//! installed and less than a minute, and ends with what it proved, or with what went wrong.

mod api;
mod life;
mod show;
mod stage;
mod watcher;

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::app::Service;
use crate::clock::Clock;
use crate::sim::rack::Rack;
use crate::telemetry;

#[derive(clap::Args)]
pub struct Args {
    /// Stay up at the end, with a rack of machines to play with, until Ctrl-C
    #[arg(long)]
    keep: bool,
    /// How many machines
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=60))]
    machines: u8,
    /// What the service logs meanwhile, as `log` in the configuration
    #[arg(long, value_name = "FILTER", default_value = "error")]
    log: String,
}

/// A demonstration that takes longer has failed.
const LIMIT: Duration = Duration::from_secs(180);

pub fn run(args: Args) -> anyhow::Result<()> {
    telemetry::start(&args.log);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let done = runtime.block_on(demonstrate(&args));
    runtime.shutdown_timeout(Duration::from_millis(500));
    done
}

async fn demonstrate(args: &Args) -> anyhow::Result<()> {
    let stage = stage::Stage::build(args.machines).await.context("cannot set the stage")?;
    let done = perform(args, &stage).await;
    stage.strike().await;
    done
}

async fn perform(args: &Args, stage: &stage::Stage) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    let service = Service::start(stage.settings.clone(), stop.clone()).await?;
    let admin = format!("http://{}", service.admin);
    let mut running = JoinSet::new();
    running.spawn(service.run());
    let rack = Rack::install(&stage.seams, &stage.plan).context("cannot install the simulated rack")?;
    let mut out = std::io::stdout();
    writeln!(out, "Service   {admin}   (machines see it at {})", stage.provisioning)?;
    writeln!(out, "Rack      {} machines, BMCs from {}", rack.machines.len(), rack.machines[0].model.bmc)?;
    writeln!(out)?;

    let story = tokio::select! {
        biased;
        story = tokio::time::timeout(LIMIT, play(&admin, &rack, stage)) => {
            story.unwrap_or_else(|_| bail!("the demonstration did not end within {} s", LIMIT.as_secs()))
        }
        Some(ended) = running.join_next() => {
            ended.context("the service panicked")?.context("the service ended")?;
            bail!("the service ended by itself")
        }
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
    };
    if story.is_ok() && args.keep {
        for line in stage.invitation(&admin) {
            writeln!(out, "{line}")?;
        }
        let _ = tokio::signal::ctrl_c().await;
    }
    stop.cancel();
    while let Some(ended) = running.join_next().await {
        ended.context("the service panicked")??;
    }
    let left_open: usize = rack.machines.iter().map(|machine| machine.bmc.sessions()).sum();
    rack.remove().await;
    story?;
    if left_open > 0 {
        bail!("{left_open} sessions were left open on the BMCs");
    }
    Ok(())
}

/// The acts, and the summary.
async fn play(admin: &str, rack: &Rack, stage: &stage::Stage) -> anyhow::Result<()> {
    let clock = Clock::system();
    let began = clock.instant();
    let api = Arc::new(api::Api::new(&stage.seams, admin)?);
    let screen = show::Screen::new(clock.clone());
    let watcher = watcher::Watcher::new(api.clone(), clock.clone());
    let play = life::Play { api: &api, watcher: &watcher, rack, stage, screen: &screen };
    let report = tokio::select! {
        biased;
        report = play.acts() => report?,
        error = watcher.run(rack, &screen) => return Err(error),
    };
    screen.finish();
    let mut out = std::io::stdout();
    writeln!(out, "\nProved in {:.1} s:", (clock.instant() - began).as_secs_f64())?;
    for line in &report.lines {
        writeln!(out, "  ✓ {line}")?;
    }
    Ok(())
}
