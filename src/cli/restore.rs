//! `bessemer restore FILE`.

use std::io::{self, Write as _};
use std::path::PathBuf;

use super::backup::{describe, on_terminal, tell_breaches};
use super::source::Source;
use crate::app::upkeep;
use crate::config::Settings;

#[derive(clap::Args)]
pub struct Args {
    /// The backup. It is checked first, and stays as it is
    file: PathBuf,
    #[command(flatten)]
    source: Source,
}

pub fn run(args: Args) -> anyhow::Result<()> {
    let settings = Settings::from_typed(&args.source.read()?)?;
    let restored = upkeep::put_back(&settings, &args.file, on_terminal())?;
    let mut out = io::stdout().lock();
    writeln!(out, "{}: {}", settings.db.display(), describe(&restored.copied))?;
    tell_breaches(&restored.copied)?;
    if let Some(taken) = restored.hold.taken_at() {
        writeln!(out, "It is as it was at {}.", taken.strftime("%Y-%m-%d %H:%M:%S UTC"))?;
    }
    if let Some(aside) = &restored.aside {
        writeln!(out, "What was there before is kept as {}.", aside.display())?;
    }
    writeln!(
        out,
        "The store is in hold: start the service, and no machine is powered, cleaned, deployed or given away.\n\
         \"bessemer hold\" shows what waits; \"bessemer release\" lets it go on."
    )?;
    Ok(out.flush()?)
}
