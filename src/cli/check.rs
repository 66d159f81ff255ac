//! `bessemer check`.

use std::io::{self, Write as _};

use anyhow::bail;

use super::source::Source;
use crate::clock::Clock;
use crate::config::Settings;
use crate::store::Help;
use crate::store::check::{self, Kind};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    source: Source,
}

pub fn run(args: Args) -> anyhow::Result<()> {
    let settings = Settings::from_typed(&args.source.read()?)?;
    let path = &settings.db;
    let report = check::check(path);
    let mut out = io::stdout().lock();
    for finding in &report.findings {
        writeln!(out, "{finding}")?;
    }
    if !report.of(Kind::Damage).is_empty() {
        let backups = settings.backup.as_ref().map(|backup| backup.dir.clone());
        let help = Help::new(&settings.db, backups, Clock::system());
        writeln!(io::stderr(), "once the service is stopped, this restores the newest backup: {}", help.restore())?;
    }
    for note in &report.notes {
        writeln!(io::stderr(), "{note}")?;
    }
    out.flush()?;
    match report.findings.len() {
        0 => Ok(writeln!(out, "the store {} is good", path.display())?),
        1 => bail!("1 thing is wrong with {}", path.display()),
        many => bail!("{many} things are wrong with {}", path.display()),
    }
}
