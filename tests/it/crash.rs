//! The crash harness: a part of the service runs in a process of its own, reports on a pipe, and is killed with SIGKILL
//! in the middle of it. What it reported before must be there when the next one opens the same store.
//!
//! The victim is this very test binary, started again to run one test; so product code has no hooks for dying. Such a
//! test begins with [`victim_dir`], which is `None` in an ordinary run, where it has nothing to do:
//! ```ignore
//! #[test]
//! fn victim_writes_rows() { let Some(dir) = crash::victim_dir() else { return }; …; crash::report("row 1"); … }
//! ```

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::Context as _;

const DIRECTORY: &str = "BESSEMER_TEST_VICTIM";
/// Tells reports from what the test harness prints.
const MARK: &str = "victim: ";
/// How long a victim may be silent: generous, because the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where this process works if it is a victim.
pub fn victim_dir() -> Option<PathBuf> {
    std::env::var_os(DIRECTORY).map(PathBuf::from)
}

/// In the victim: tells the parent, at once. A report is whole or not there.
pub fn report(line: &str) {
    let mut out = std::io::stdout().lock();
    // The parent has gone away: nobody is left to fail for.
    let _ = out.write_all(format!("\n{MARK}{line}\n").as_bytes()).and_then(|()| out.flush());
}

/// A process that is going to be killed; it is, at the latest, when this is dropped.
pub struct Victim {
    child: Child,
    lines: Receiver<String>,
    reported: Vec<String>,
}

impl Victim {
    /// Starts the test `name` (`module::path::function`) of this binary in a process of its own.
    pub fn start(name: &str, dir: &Path, variables: &[(&str, &str)]) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args([name, "--exact", "--nocapture", "--test-threads=1"])
            .env(DIRECTORY, dir)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take().context("the victim has no output")?;
        let (sender, lines) = channel();
        // Reads until the pipe closes, which it does when the victim dies: what was reported is never lost.
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if let Some(line) = line.strip_prefix(MARK) {
                    let _ = sender.send(line.to_owned());
                }
            }
        });
        Ok(Victim { child, lines, reported: vec![] })
    }

    /// Waits for the next report.
    pub fn next(&mut self) -> anyhow::Result<&str> {
        let line = self.lines.recv_timeout(PATIENCE).context("the victim reports nothing more")?;
        self.reported.push(line);
        Ok(self.reported.last().map_or("", String::as_str))
    }

    /// Kills it as it is, and gives everything that it has reported in its life.
    pub fn kill(mut self) -> anyhow::Result<Vec<String>> {
        self.child.kill()?;
        self.child.wait()?;
        let mut reported = std::mem::take(&mut self.reported);
        reported.extend(self.lines.iter());
        Ok(reported)
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
