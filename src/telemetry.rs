//! Where log lines go.
//!
//! Messages can be read alone; identifiers are fields (`node`, `flow`, `step`). Levels: error = somebody must act,
//! warn = a node failed or the service refused to do something, info = what an operator would want in the journal,
//! debug = each packet and request. Secrets never reach this module: types that hold one print `******`.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Starts logging to standard error. `filter` is in `tracing`'s directive syntax; an invalid one falls back to `info`.
pub fn start(filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    // A second start (tests in one process) keeps the first subscriber.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .try_init();
}
