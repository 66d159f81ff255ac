//! `bessemer api-reference`: the whole API, printed from the tables that serve it.

use std::io::{self, Write as _};

use crate::api::surface::{openapi, reference};

#[derive(clap::Args)]
pub struct Args {
    /// Print the newest version as an OpenAPI 3.1 document instead
    #[arg(long)]
    openapi: bool,
}

pub fn run(args: Args) -> anyhow::Result<()> {
    let text = if args.openapi { format!("{:#}\n", openapi::document()) } else { reference::text() };
    Ok(io::stdout().write_all(text.as_bytes())?)
}
