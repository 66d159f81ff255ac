//! `bessemer why`: asks the running service why a machine hangs, and prints the answer for a person.
//!
//! It speaks HTTP to the admin API as any client does, and finds it as the `baremetal` command does: `OS_ENDPOINT`, and
//! with `OS_AUTH_TYPE=http_basic` the user of `OS_USERNAME` and `OS_PASSWORD`. A password is never an argument.

mod ask;
mod print;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;

use self::ask::Service;
use self::print::Look;
use crate::clock::Clock;

#[derive(clap::Args)]
#[command(
    after_help = "Exit code: 0 all is well, 1 the service could not be asked, 3 something is wrong with the machine."
)]
pub struct Args {
    /// A node by name or UUID, a card's MAC address (also of a machine that nobody knows), or an allocation
    #[arg(value_name = "NODE")]
    what: String,
    /// Where the service's API is [default: OS_ENDPOINT, else the address in the configuration]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The service's configuration file, for its address
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    config: Option<PathBuf>,
    /// Print the service's answer as it is
    #[arg(long)]
    json: bool,
    /// Ask again every two seconds, until Ctrl-C
    #[arg(long)]
    watch: bool,
}

/// Something is wrong with the machine, and that has been printed.
#[derive(Debug, thiserror::Error)]
#[error("something is wrong with it")]
pub struct Trouble;

const AGAIN: Duration = Duration::from_secs(2);

pub fn run(args: Args) -> anyhow::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    runtime.block_on(answer(&args))
}

async fn answer(args: &Args) -> anyhow::Result<()> {
    let service = Service::find(args.url.as_deref(), args.config.as_deref())?;
    let (clock, look) = (Clock::system(), Look::of_terminal());
    loop {
        let document = service.why(&args.what).await?;
        let text = match args.json {
            true => format!("{document:#}\n"),
            false => print::render(&args.what, &document, &look),
        };
        let clear = if args.watch && !args.json && io::stdout().is_terminal() { "\x1b[H\x1b[2J" } else { "" };
        let mut out = io::stdout().lock();
        write!(out, "{clear}{text}")?;
        out.flush()?;
        drop(out);
        if !args.watch {
            return if document["trouble"] == true { Err(Trouble.into()) } else { Ok(()) };
        }
        clock.sleep(AGAIN).await;
    }
}
