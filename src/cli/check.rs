//! `bessemer check`.

use std::io::{self, Write as _};

use anyhow::bail;

use super::source::Source;
use crate::config::Settings;
use crate::store::check;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    source: Source,
}

pub fn run(args: Args) -> anyhow::Result<()> {
    let path = Settings::from_typed(&args.source.read()?)?.db;
    let report = check::check(&path);
    let mut out = io::stdout().lock();
    for finding in &report.findings {
        writeln!(out, "{finding}")?;
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
