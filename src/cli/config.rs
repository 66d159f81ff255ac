//! `bessemer config print|check`.

use std::io::{self, Write as _};

use clap::Subcommand;

use super::source::Source;
use crate::config::{Settings, print};

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Print every setting with its value, its default and what it is for, as a configuration file
    Print(Source),
    /// Say everything that is wrong with the configuration
    Check(Source),
}

pub fn run(args: Args) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match args.what {
        What::Print(source) => write!(out, "{}", print::render(&source.read()?))?,
        What::Check(source) => {
            let typed = source.read()?;
            for note in &typed.notes {
                writeln!(io::stderr(), "{note}")?;
            }
            Settings::from_typed(&typed)?;
            writeln!(out, "the configuration is good")?;
        }
    }
    Ok(out.flush()?)
}
