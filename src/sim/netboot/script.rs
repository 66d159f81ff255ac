//! As much of iPXE's script language as boot scripts use: variables, labels, `&&` and `||`, loading and starting.
//!
//! Lines are commands joined by `&&` and `||`, which are run or skipped by how the one before ended; a line that ends in
//! failure ends the script with one, as iPXE's do.

use std::collections::HashMap;
use std::time::Duration;

use super::Fetcher;
use crate::clock::Clock;

/// A script that goes in circles is stopped.
const MAX_COMMANDS: usize = 500;
/// How much faster than written pauses pass.
const HURRY: u32 = 20;

/// What the script can ask about the machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Platform {
    pub uefi: bool,
    pub mac: [u8; 6],
}

/// How a script ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A kernel was started, with this command line.
    Kernel(String),
    Disk,
    /// Back to the firmware, for its next boot device.
    Exit,
    Reboot,
}

pub(super) async fn run(
    text: &str,
    platform: Platform,
    clock: &Clock,
    fetcher: &mut Fetcher,
) -> Result<Outcome, String> {
    if !text.starts_with("#!ipxe") {
        return Err("the script does not begin with #!ipxe".to_owned());
    }
    let mut machine = Interpreter { clock, fetcher, variables: variables(platform), kernel: None, commands: 0 };
    let mut text = text.to_owned();
    // A chained script takes the place of the one that names it.
    loop {
        match machine.script(&text).await? {
            Step::Chain(next) => text = next,
            Step::End(outcome) => return Ok(outcome),
            // The end of the script: if it loaded a kernel and did not start it, nothing does.
            Step::Next(_) | Step::Goto(_) => return Ok(Outcome::Exit),
        }
    }
}

fn variables(platform: Platform) -> HashMap<String, String> {
    let mac = platform.mac.map(|byte| format!("{byte:02x}"));
    let mut known = HashMap::new();
    let platform = if platform.uefi { "efi" } else { "pcbios" };
    for (name, value) in [
        ("platform", platform.to_owned()),
        ("buildarch", "x86_64".to_owned()),
        ("net0/mac", mac.join(":")),
        ("net0/mac:hexhyp", mac.join("-")),
        ("mac", mac.join(":")),
        ("mac:hexhyp", mac.join("-")),
    ] {
        known.insert(name.to_owned(), value);
    }
    known
}

enum Step {
    /// Go on; whether the command succeeded.
    Next(bool),
    Goto(String),
    Chain(String),
    End(Outcome),
}

struct Interpreter<'a> {
    clock: &'a Clock,
    fetcher: &'a mut Fetcher,
    variables: HashMap<String, String>,
    /// The command line of the kernel that was loaded, without its name.
    kernel: Option<String>,
    commands: usize,
}

impl Interpreter<'_> {
    async fn script(&mut self, text: &str) -> Result<Step, String> {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let mut at = 0;
        while let Some(line) = lines.get(at) {
            at += 1;
            if line.is_empty() || line.starts_with('#') || line.starts_with(':') {
                continue;
            }
            match self.line(line).await? {
                Step::Next(true) => {}
                Step::Next(false) => return Err(format!("the script failed at: {line}")),
                Step::Goto(label) => {
                    let wanted = format!(":{label}");
                    at = lines.iter().position(|line| *line == wanted).ok_or(format!("no label {label}"))?;
                }
                done @ (Step::Chain(_) | Step::End(_)) => return Ok(done),
            }
        }
        Ok(Step::Next(true))
    }

    async fn line(&mut self, line: &str) -> Result<Step, String> {
        let expanded = self.expand(line);
        let words: Vec<&str> = expanded.split_whitespace().collect();
        let (mut good, mut run) = (true, true);
        for command in words.split_inclusive(|word| *word == "&&" || *word == "||") {
            let (joint, command) = match command.split_last() {
                Some((joint @ (&"&&" | &"||"), command)) => (Some(*joint), command),
                _ => (None, command),
            };
            if run {
                match self.command(command).await? {
                    Step::Next(ended) => good = ended,
                    other => return Ok(other),
                }
            }
            run = match joint {
                Some("&&") => good,
                Some(_) => !good,
                None => false,
            };
        }
        // `… ||` with nothing behind it forgives.
        let forgiven = words.last() == Some(&"||");
        Ok(Step::Next(good || forgiven))
    }

    fn expand(&self, line: &str) -> String {
        let mut out = line.to_owned();
        // Innermost first, so that a variable's name may itself contain one.
        while let Some(start) = out.rfind("${") {
            let Some(len) = out[start..].find('}') else { break };
            let name = &out[start + 2..start + len];
            let plain = name.split(':').next().unwrap_or(name);
            let value = self.variables.get(name).or_else(|| self.variables.get(plain)).cloned().unwrap_or_default();
            out.replace_range(start..=start + len, &value);
        }
        out
    }

    async fn command(&mut self, words: &[&str]) -> Result<Step, String> {
        self.commands += 1;
        if self.commands > MAX_COMMANDS {
            return Err("the script goes in circles".to_owned());
        }
        let Some((name, arguments)) = words.split_first() else { return Ok(Step::Next(true)) };
        Ok(Step::Next(match (*name, arguments) {
            ("echo" | "imgfree" | "dhcp" | "ifopen" | "prompt" | "imgstat" | "show", _) => true,
            ("set", [name, value @ ..]) => {
                let plain = name.split(':').next().unwrap_or(name);
                self.variables.insert(plain.to_owned(), value.join(" "));
                true
            }
            ("clear", [name, ..]) => {
                self.variables.remove(*name);
                true
            }
            ("inc", [name, by @ ..]) => {
                let by: i64 = by.first().and_then(|by| by.parse().ok()).unwrap_or(1);
                let now: i64 = self.variables.get(*name).and_then(|now| now.parse().ok()).unwrap_or(0);
                self.variables.insert((*name).to_owned(), (now + by).to_string());
                true
            }
            ("isset", value) => !value.is_empty(),
            ("iseq", [a, b]) => a == b,
            ("sleep", [secs]) => {
                let secs: u64 = secs.parse().map_err(|_| "sleep: no number".to_owned())?;
                self.clock.sleep(Duration::from_secs(secs) / HURRY).await;
                true
            }
            ("goto", [label]) => return Ok(Step::Goto((*label).to_owned())),
            ("exit", _) => return Ok(Step::End(Outcome::Exit)),
            ("reboot", _) => return Ok(Step::End(Outcome::Reboot)),
            ("sanboot", _) => return Ok(Step::End(Outcome::Disk)),
            ("kernel", rest) => self.load_kernel(rest).await,
            ("initrd", rest) => match rest.iter().find(|word| word.contains("://")) {
                Some(url) => self.fetcher.get(url).await.is_ok(),
                None => false,
            },
            ("chain", rest) => match rest.iter().find(|word| word.contains("://")) {
                Some(url) => match self.fetcher.get(url).await {
                    Ok(script) => return Ok(Step::Chain(String::from_utf8_lossy(&script).into_owned())),
                    Err(_) => false,
                },
                None => false,
            },
            ("boot", []) => match self.kernel.take() {
                Some(command_line) => return Ok(Step::End(Outcome::Kernel(command_line))),
                None => false,
            },
            (unknown, _) => return Err(format!("{unknown}: command not found")),
        }))
    }

    async fn load_kernel(&mut self, words: &[&str]) -> bool {
        let Some(at) = words.iter().position(|word| word.contains("://")) else { return false };
        if self.fetcher.get(words[at]).await.is_err() {
            return false;
        }
        self.kernel = Some(words[at + 1..].join(" "));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::bmc::Seams;
    use super::*;
    use crate::net::Net;
    use crate::random::Random;

    async fn ran(text: &str, uefi: bool) -> Result<Outcome, String> {
        let seams = Seams { net: Net::system(), clock: Clock::system(), random: Random::seeded(1) };
        let mut fetcher = Fetcher::new(&seams, std::net::Ipv4Addr::LOCALHOST);
        run(text, Platform { uefi, mac: [2, 0, 0, 0, 0, 1] }, &seams.clock, &mut fetcher).await
    }

    #[tokio::test]
    async fn conditions_labels_and_variables_work_as_in_ipxe() {
        let disk = "#!ipxe\niseq ${platform} efi && exit 1 ||\nsanboot --no-describe --drive 0x80 || exit 1\n";
        assert_eq!(ran(disk, true).await, Ok(Outcome::Exit));
        assert_eq!(ran(disk, false).await, Ok(Outcome::Disk));
        let counting = "#!ipxe\nset n:int32 0\n:again\ninc n\niseq ${n} 3 && reboot ||\ngoto again\n";
        assert_eq!(ran(counting, true).await, Ok(Outcome::Reboot));
        let nested = "#!ipxe\nset i 0\nisset ${net${i}/mac} || exit 1\nisset ${net1/mac} || sanboot\n";
        assert_eq!(ran(nested, true).await, Ok(Outcome::Disk));
        assert_eq!(ran("#!ipxe\nboot || goto failed\n:failed\nreboot\n", true).await, Ok(Outcome::Reboot));
    }

    #[tokio::test]
    async fn a_script_that_is_none_or_never_ends_is_an_error() {
        assert!(ran("<html>", true).await.is_err());
        assert!(ran("#!ipxe\nfrobnicate\n", true).await.is_err());
        assert!(ran("#!ipxe\niseq a b\n", true).await.is_err());
        assert!(ran("#!ipxe\n:x\ngoto x\n", true).await.is_err_and(|why| why.contains("circles")));
    }
}
