//! `bessemer hold` and `bessemer release`: what a restored store waits with, and its release.

use std::io::{self, Write as _};

use anyhow::Context as _;
use serde_json::Value;

use super::source::Source;
use crate::app::upkeep;
use crate::config::Settings;

#[derive(clap::Args)]
pub struct Show {
    /// Print the document of GET /bessemer/v1/hold
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: Source,
}

#[derive(clap::Args)]
pub struct Release {
    /// Give up all work that is owed: nodes that are in the middle of something fail, and nothing is done to their machines
    #[arg(long)]
    abandon_work: bool,
    #[command(flatten)]
    source: Source,
}

pub fn show(args: Show) -> anyhow::Result<()> {
    let settings = Settings::from_typed(&args.source.read()?)?;
    let document = runtime()?.block_on(upkeep::show_hold(&settings))?;
    let text = if args.json { format!("{document:#}\n") } else { render(&document) };
    Ok(io::stdout().write_all(text.as_bytes())?)
}

pub fn release(args: Release) -> anyhow::Result<()> {
    let settings = Settings::from_typed(&args.source.read()?)?;
    let done = runtime()?.block_on(upkeep::release(&settings, args.abandon_work))?;
    let line = match (done["was_held"] == true, &done["goes_on"], &done["abandoned"]) {
        (false, ..) => "The store is not in hold; nothing was done.".to_owned(),
        (true, goes_on, abandoned) => {
            format!("Released from hold. Pieces of work that go on: {goes_on}; that were given up: {abandoned}.")
        }
    };
    Ok(writeln!(io::stdout(), "{line}")?)
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")
}

/// The document for a person.
fn render(document: &Value) -> String {
    let mut lines = Vec::new();
    match document["why"].as_str() {
        Some(why) => lines.push(why.to_owned()),
        None => lines.push("The store is not in hold.".to_owned()),
    }
    let owed = document["owed"].as_u64().unwrap_or(0);
    let pieces = document["work"].as_array().map(Vec::as_slice).unwrap_or_default();
    lines.push(match (owed, document["held"] == true) {
        (0, _) => "No work is owed.".to_owned(),
        (_, true) => format!("{owed} pieces of work wait, and go on when it is released:"),
        (_, false) => format!("{owed} pieces of work are owed:"),
    });
    for piece in pieces {
        let text = |key: &str| piece[key].as_str().unwrap_or("-").to_owned();
        let name = piece["name"].as_str().or(piece["uuid"].as_str()).unwrap_or("-");
        lines.push(format!("  {name}  {}  {} {}", text("provision_state"), text("flow"), text("stands")));
        lines.push(format!("      {}", text("on_release")));
    }
    if owed > pieces.len() as u64 {
        lines.push(format!("  and {} more", owed - pieces.len() as u64));
    }
    let on = document["free_but_on"].as_u64().unwrap_or(0);
    if on > 0 {
        let names = document["free_but_on_nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
        let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
        lines.push(format!(
            "{on} nodes are available and switched on; somebody may be using them: {}",
            names.join(", ")
        ));
    }
    lines.join("\n") + "\n"
}
