//! The command line: one file per sub-command.
//!
//! Exit codes: 0 it worked, 1 it failed, 2 it was asked wrongly (arguments or configuration), 3 `why` found something
//! wrong. Results go to standard output and everything else to standard error, so that output can be piped; a reader that
//! goes away is no error.

mod backup;
mod check;
mod config;
mod demo;
mod hold;
mod reference;
mod restore;
mod serve;
mod source;
mod why;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::Problems;

/// Turns bare machines into running ones: Ironic's API, network boot and IPMI in one program.
#[derive(Parser)]
#[command(name = "bessemer", version, arg_required_else_help = true, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the service until SIGTERM or Ctrl-C
    Serve(serve::Args),
    /// Watch it work: provision a rack of simulated machines, in under a minute, without root
    Demo(demo::Args),
    /// Say why a machine hangs or failed, since when, until when, and what next
    Why(why::Args),
    /// Say everything that is wrong with a store: reads only, also beside a running service
    Check(check::Args),
    /// Show or check the configuration
    Config(config::Args),
    /// Copy the store into a file, checked, whether the service runs or not
    Backup(backup::Args),
    /// Put a backup in the place of the store, which then is in hold
    Restore(restore::Args),
    /// Show whether the store is in hold, and what waits
    Hold(hold::Show),
    /// Release a restored store from hold: machines are powered, cleaned and deployed again
    Release(hold::Release),
    /// Print the whole API: paths, fields, verbs, and the versions that brought them
    ApiReference(reference::Args),
}

/// Parses the arguments and runs what they ask for.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(asked) => {
            // Help and version are "errors" to clap, and go to standard output.
            let code = u8::try_from(asked.exit_code()).unwrap_or(2);
            let _ = asked.print();
            return ExitCode::from(code);
        }
    };
    let done = match cli.command {
        Command::Serve(args) => serve::run(args),
        Command::Demo(args) => demo::run(args),
        Command::Why(args) => why::run(args),
        Command::Check(args) => check::run(args),
        Command::Config(args) => config::run(args),
        Command::Backup(args) => backup::run(args),
        Command::Restore(args) => restore::run(args),
        Command::Hold(args) => hold::show(args),
        Command::Release(args) => hold::release(args),
        Command::ApiReference(args) => reference::run(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        // It has been printed.
        Err(error) if error.is::<why::Trouble>() => ExitCode::from(3),
        Err(error) => {
            let wrongly_asked = error.downcast_ref::<Problems>().is_some();
            let _ = writeln!(io::stderr(), "bessemer: {error:#}");
            ExitCode::from(if wrongly_asked { 2 } else { 1 })
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
