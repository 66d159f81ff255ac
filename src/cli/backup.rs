//! `bessemer backup FILE`.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use super::source::Source;
use crate::app::upkeep::{self, Copied, Progress};
use crate::clock::Clock;
use crate::config::Settings;

#[derive(clap::Args)]
pub struct Args {
    /// The file to make. It has the store's secrets in it, so only its owner can read it
    file: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    source: Source,
}

pub fn run(args: Args) -> anyhow::Result<()> {
    let settings = Settings::from_typed(&args.source.read()?)?;
    let copied = upkeep::back_up(&settings, &args.file, args.force, on_terminal())?;
    writeln!(io::stdout(), "{}: {}", args.file.display(), describe(&copied))?;
    tell_breaches(&copied)
}

/// What is no damage and should not be so: the store has it too.
pub fn tell_breaches(copied: &Copied) -> anyhow::Result<()> {
    for what in &copied.breaches {
        writeln!(io::stderr(), "{what}; \"bessemer check\" says what to do about it")?;
    }
    Ok(())
}

/// What a good copy is.
pub fn describe(copied: &Copied) -> String {
    let Copied { bytes, schema, nodes, .. } = copied;
    format!("{nodes} nodes, {}, schema {schema}, checked", size(*bytes))
}

/// How often a person is told how far it is.
const TELL: Duration = Duration::from_millis(100);

/// A line on the terminal that is written over and over; nothing if nobody watches.
pub fn on_terminal() -> impl FnMut(Progress) + Send + 'static {
    let (clock, watched) = (Clock::system(), io::stderr().is_terminal());
    let mut told = None;
    move |progress| {
        let now = clock.instant();
        let copied = matches!(progress, Progress::Copying { done, of } if done < of);
        if !watched || (copied && told.is_some_and(|at| now < at + TELL)) {
            return;
        }
        told = Some(now);
        let line = match progress {
            Progress::Copying { done, of } => {
                format!("\r{:3} %  {} of {}  ", done * 100 / of.max(1), size(done), size(of))
            }
            Progress::Checking => "\rchecking the copy                \n".to_owned(),
        };
        let mut terminal = io::stderr().lock();
        // Nobody may be reading any more.
        let _ = terminal.write_all(line.as_bytes()).and_then(|()| terminal.flush());
    }
}

fn size(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
