//! The program as its user meets it: arguments, exit codes, signals, sentences.

mod backup;
mod demo;
mod recovery;
mod why;

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The program in a directory of its own, without the caller's variables.
fn bessemer(dir: &tempfile::TempDir, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bessemer"));
    command.args(args).current_dir(dir.path()).env_clear().stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn ran(args: &[&str]) -> anyhow::Result<(Option<i32>, String, String)> {
    let dir = tempfile::tempdir()?;
    let Output { status, stdout, stderr } = bessemer(&dir, args).output()?;
    Ok((status.code(), String::from_utf8(stdout)?, String::from_utf8(stderr)?))
}

/// A server that has said that it listens. Killed when the test is over, however it ends.
pub struct Server(Child);

impl Server {
    pub fn start(dir: &tempfile::TempDir, args: &[&str]) -> anyhow::Result<(Self, Vec<String>)> {
        let mut child = bessemer(dir, args).spawn()?;
        let out = child.stdout.take().ok_or_else(|| anyhow::anyhow!("no output"))?;
        let mut greeting = vec![];
        for line in BufReader::new(out).lines() {
            greeting.push(line?);
            if greeting.last().is_some_and(|line| line.starts_with("store")) {
                break;
            }
        }
        Ok((Server(child), greeting))
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        Ok(kill(Pid::from_raw(i32::try_from(self.0.id())?), signal)?)
    }

    /// Waits for the end; exit code and standard error.
    fn end(mut self) -> anyhow::Result<(Option<i32>, String)> {
        let status = self.0.wait()?;
        let mut errors = String::new();
        if let Some(mut pipe) = self.0.stderr.take() {
            pipe.read_to_string(&mut errors)?;
        }
        Ok((status.code(), errors))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn help_and_version_go_to_standard_output() -> anyhow::Result<()> {
    let (code, out, _) = ran(&["--version"])?;
    assert_eq!((code, out.as_str()), (Some(0), concat!("bessemer ", env!("CARGO_PKG_VERSION"), "\n")));
    let (code, out, _) = ran(&["serve", "--help"])?;
    assert_eq!(code, Some(0));
    for flag in ["--config", "--db", "--listen", "--dhcp-interface", "--dhcp-pool"] {
        assert!(out.contains(flag), "{flag} is not in {out}");
    }
    Ok(())
}

#[test]
fn wrong_arguments_and_wrong_configuration_end_with_2() -> anyhow::Result<()> {
    for (args, expected) in [
        (&["sevre"][..], "serve"),
        (&["serve", "--listen", "here"][..], "bessemer: listen = \"here\" (from --listen): expected ADDRESS:PORT"),
        (&["config", "check", "--config", "absent.toml"][..], "bessemer: cannot read absent.toml: No such file"),
    ] {
        let (code, _, errors) = ran(args)?;
        assert_eq!(code, Some(2), "{errors}");
        assert!(errors.contains(expected), "{errors}");
    }
    Ok(())
}

#[test]
fn the_printed_configuration_passes_the_check() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let printed = bessemer(&dir, &["config", "print"]).output()?.stdout;
    std::fs::write(dir.path().join("all.toml"), printed)?;
    let checked = bessemer(&dir, &["config", "check", "--config", "all.toml"]).output()?;
    assert_eq!(String::from_utf8(checked.stdout)?, "the configuration is good\n");
    Ok(())
}

#[test]
fn a_reader_that_goes_away_is_no_error() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let mut child = bessemer(&dir, &["config", "print"]).spawn()?;
    drop(child.stdout.take());
    let mut errors = String::new();
    if let Some(mut pipe) = child.stderr.take() {
        pipe.read_to_string(&mut errors)?;
    }
    assert_eq!((child.wait()?.code(), errors.as_str()), (Some(0), ""));
    Ok(())
}

#[test]
fn without_any_configuration_it_serves_and_a_signal_ends_it_in_peace() -> anyhow::Result<()> {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let dir = tempfile::tempdir()?;
        let (server, greeting) = Server::start(&dir, &["serve", "--listen", "127.0.0.1:0"])?;
        assert!(greeting[0].starts_with("admin API     http://127.0.0.1:"), "{greeting:?}");
        assert!(dir.path().join("bessemer.sqlite").exists());
        server.signal(signal)?;
        let (code, errors) = server.end()?;
        assert_eq!(code, Some(0), "{errors}");
    }
    Ok(())
}

#[test]
fn a_second_start_on_the_same_store_is_refused_with_the_first_ones_process_id() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let (first, _) = Server::start(&dir, &["serve", "--listen", "127.0.0.1:0"])?;
    let second = bessemer(&dir, &["serve", "--listen", "127.0.0.1:0"]).output()?;
    let errors = String::from_utf8(second.stderr)?;
    assert_eq!(second.status.code(), Some(1));
    let expected = format!("bessemer.sqlite is in use by another process (process {})", first.0.id());
    assert!(errors.contains(&expected), "{errors}");
    Ok(())
}

#[test]
fn a_taken_address_is_named_with_what_was_to_listen_there() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    let at = taken.local_addr()?.to_string();
    let refused = bessemer(&dir, &["serve", "--listen", &at]).output()?;
    let errors = String::from_utf8(refused.stderr)?;
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        errors.contains(&format!("cannot listen on {at} for the admin API; something else listens there")),
        "{errors}"
    );
    Ok(())
}

#[test]
fn a_stop_waits_for_nothing_when_nothing_is_in_progress() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let (server, _) = Server::start(&dir, &["serve", "--listen", "127.0.0.1:0"])?;
    server.signal(Signal::SIGTERM)?;
    let (code, errors) = server.end()?;
    // Whoever is waited for in vain is told of.
    assert_eq!((code, errors.contains("still in progress")), (Some(0), false), "{errors}");
    Ok(())
}
