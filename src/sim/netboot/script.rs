//! iPXE's scripts, interpreted: settings, images, and the commands that boot scripts use.
//!
//! A line is expanded first (`${…}`, innermost first), then split at white space, then run command by command: `&&` goes
//! on after success, `||` after failure, and a line that fails ends the script. That is iPXE's order (its `core/exec.c` and
//! `image/script.c`), oddities included: an empty command succeeds, which is why scripts end lines with `||`.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use bytes::Bytes;

use super::{Boot, BootError, Firmware, Kernel, Outcome, Stage, StageKind, fetch};

const STAGE: &str = "iPXE";
/// Commands that one boot may run: a script that loops for ever is a failed boot.
const MOST_COMMANDS: usize = 10_000;
/// Scripts within scripts.
const MOST_DEPTH: usize = 8;

pub(super) struct Ipxe<'a> {
    boot: &'a Boot<'a>,
    address: Ipv4Addr,
    settings: HashMap<String, String>,
    images: Vec<Image>,
    /// Index of the image that `boot` would start.
    selected: Option<usize>,
    commands_left: usize,
}

struct Image {
    name: String,
    bytes: Bytes,
    command_line: String,
}

/// How a command leaves the line that it stands in.
enum Flow {
    /// Its return code.
    Code(i32),
    Goto(String),
    Exit(i32),
    Over(Outcome),
}

impl<'a> Ipxe<'a> {
    pub(super) fn new(boot: &'a Boot<'a>, address: Ipv4Addr) -> Self {
        let mac = boot.machine.mac.to_string();
        let known = [
            ("platform", boot.machine.firmware.platform().to_owned()),
            ("net0/mac", mac.clone()),
            ("mac", mac),
            ("net0/ip", address.to_string()),
            ("ip", address.to_string()),
        ];
        let settings = known.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Ipxe { boot, address, settings, images: Vec::new(), selected: None, commands_left: MOST_COMMANDS }
    }

    /// Boots `file`, and goes on as firmware does when that returns.
    pub(super) async fn autoboot(mut self, file: &str) -> Result<Outcome, BootError> {
        if file.is_empty() {
            return Err(BootError::new(STAGE, "nothing to boot"));
        }
        self.boot.reach(StageKind::Script).await;
        match self.chain(file, 0).await? {
            Flow::Over(outcome) => Ok(outcome),
            // A UEFI boot option that returns successfully leads to the firmware's menu, where nobody sits.
            Flow::Code(0) | Flow::Exit(0) if self.boot.machine.firmware != Firmware::Bios => {
                Err(BootError::new(STAGE, "left to the firmware's menu, which waits for somebody"))
            }
            _ => Ok(Outcome::Disk),
        }
    }

    async fn chain(&mut self, url: &str, depth: usize) -> Result<Flow, BootError> {
        if depth >= MOST_DEPTH {
            return Err(BootError::new(STAGE, "scripts call each other for ever"));
        }
        let bytes = match fetch::get(self.boot.world, self.address, url).await {
            Ok(bytes) => bytes,
            Err(why) => return Ok(self.failed(why)),
        };
        (self.boot.told)(Stage::Fetched(url.to_owned(), bytes.len()));
        match std::str::from_utf8(&bytes) {
            Ok(text) if text.starts_with("#!ipxe\n") => Box::pin(self.script(text, depth)).await,
            _ => Ok(self.failed(format!("{url}: not an executable image"))),
        }
    }

    async fn script(&mut self, text: &str, depth: usize) -> Result<Flow, BootError> {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let mut at = 0;
        while let Some(line) = lines.get(at) {
            at += 1;
            if line.starts_with(['#', ':']) {
                continue;
            }
            match self.line(line, depth).await? {
                Flow::Code(0) => {}
                Flow::Code(code) => return Ok(Flow::Code(code)),
                Flow::Goto(label) => match lines.iter().position(|l| l.strip_prefix(':') == Some(&label)) {
                    Some(found) => at = found + 1,
                    None => return Ok(self.failed(format!("no label {label}"))),
                },
                // Leaves this script only; whoever chained it sees the code.
                Flow::Exit(code) => return Ok(if depth == 0 { Flow::Exit(code) } else { Flow::Code(code) }),
                over @ Flow::Over(_) => return Ok(over),
            }
        }
        Ok(Flow::Code(0))
    }

    async fn line(&mut self, line: &str, depth: usize) -> Result<Flow, BootError> {
        let expanded = self.expand(line)?;
        let words: Vec<&str> = expanded.split_whitespace().take_while(|word| !word.starts_with('#')).collect();
        let (mut code, mut wanted) = (0, true);
        let mut rest = &words[..];
        loop {
            let end = rest.iter().position(|word| ["&&", "||", ";"].contains(word)).unwrap_or(rest.len());
            if wanted {
                match self.command(&rest[..end], depth).await? {
                    Flow::Code(result) => code = result,
                    leave => return Ok(leave),
                }
            }
            let Some(operator) = rest.get(end) else { return Ok(Flow::Code(code)) };
            wanted = match *operator {
                "&&" => code == 0,
                "||" => code != 0,
                _ => true,
            };
            rest = &rest[end + 1..];
        }
    }

    async fn command(&mut self, words: &[&str], depth: usize) -> Result<Flow, BootError> {
        let Some((name, arguments)) = words.split_first() else { return Ok(Flow::Code(0)) };
        self.commands_left =
            self.commands_left.checked_sub(1).ok_or_else(|| BootError::new(STAGE, "an endless script"))?;
        let is = |yes: bool| Flow::Code(if yes { 0 } else { 1 });
        Ok(match (*name, arguments) {
            ("echo", text) => {
                (self.boot.told)(Stage::Said(text.join(" ")));
                is(true)
            }
            ("set", [setting, value @ ..]) => {
                self.set(setting, value.join(" "));
                is(true)
            }
            ("clear", [setting]) => {
                self.set(setting, String::new());
                is(true)
            }
            ("inc", [setting, by @ ..]) => {
                let number = |text: &str| text.parse::<i64>().unwrap_or(0);
                let sum = number(&self.get(setting)).saturating_add(by.first().map_or(1, |by| number(by)));
                self.set(setting, sum.to_string());
                is(true)
            }
            ("isset", values) => is(!values.is_empty()),
            // Without a second value (an unset setting expands to nothing) this is a usage error in iPXE.
            ("iseq", [a, b]) => is(a == b),
            ("goto", [label]) => Flow::Goto((*label).to_owned()),
            ("exit", code) => Flow::Exit(code.first().and_then(|code| code.parse().ok()).unwrap_or(0)),
            ("sleep", [seconds]) => {
                let seconds = seconds.parse().unwrap_or(0);
                self.boot.world.clock.sleep(self.boot.world.pace.second.saturating_mul(seconds)).await;
                is(true)
            }
            ("imgfree", []) => {
                (self.images, self.selected) = (Vec::new(), None);
                is(true)
            }
            ("kernel" | "imgselect", arguments) => self.image(arguments, StageKind::Kernel).await,
            ("initrd" | "imgfetch" | "module", arguments) => self.image(arguments, StageKind::Ramdisk).await,
            ("boot", []) => self.start(),
            ("chain", arguments) => match options(arguments) {
                (_, [url, ..]) => self.chain(url, depth + 1).await?,
                _ => self.failed("chain what?".to_owned()),
            },
            ("sanboot", arguments) => self.sanboot(arguments).await,
            ("reboot", _) => Flow::Over(Outcome::Reboot),
            ("poweroff", _) => Flow::Over(Outcome::PowerOff),
            (name, _) => self.failed(format!("{name}: command not found, or not with these arguments")),
        })
    }

    /// Fetches an image and, if it is a kernel, selects it.
    async fn image(&mut self, arguments: &[&str], stage: StageKind) -> Flow {
        let (named, positional) = options(arguments);
        let [url, command_line @ ..] = positional else { return self.failed("no image named".to_owned()) };
        self.boot.reach(stage).await;
        let bytes = match fetch::get(self.boot.world, self.address, url).await {
            Ok(bytes) => bytes,
            Err(why) => return self.failed(why),
        };
        (self.boot.told)(Stage::Fetched((*url).to_owned(), bytes.len()));
        let last = url.split(['?', '#']).next().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
        let name = named.iter().find(|(option, _)| ["--name", "-n"].contains(option)).map_or(last, |(_, name)| name);
        if stage == StageKind::Kernel {
            self.selected = Some(self.images.len());
        }
        self.images.push(Image { name: name.to_owned(), bytes, command_line: command_line.join(" ") });
        Flow::Code(0)
    }

    /// Starts the selected kernel, as its platform would.
    fn start(&mut self) -> Flow {
        let Some(kernel) = self.selected.and_then(|index| self.images.get(index)) else {
            return self.failed("no image selected".to_owned());
        };
        let mut others = self.images.iter().enumerate().filter(|(index, _)| Some(*index) != self.selected);
        let initrd = kernel.command_line.split(' ').find_map(|word| word.strip_prefix("initrd="));
        // A BIOS kernel is given every other image; a UEFI kernel looks for those that its command line names.
        let ramdisk = match (self.boot.machine.firmware, initrd) {
            (Firmware::Bios, _) => others.next(),
            (_, Some(name)) => others.find(|(_, image)| image.name == name),
            (_, None) => None,
        };
        let ramdisk = ramdisk.map(|(_, image)| image.bytes.clone()).unwrap_or_default();
        let command_line = kernel.command_line.clone();
        Flow::Over(Outcome::Kernel(Kernel { bytes: kernel.bytes.clone(), ramdisk, command_line }))
    }

    /// An address is a disk over the network. A BIOS starts the drive that is named; UEFI knows drives by other names and
    /// refuses this one.
    async fn sanboot(&self, arguments: &[&str]) -> Flow {
        let (named, positional) = options(arguments);
        if let [url, ..] = positional {
            self.boot.reach(StageKind::Kernel).await;
            return match fetch::get(self.boot.world, self.address, url).await {
                Ok(bytes) => {
                    (self.boot.told)(Stage::Fetched((*url).to_owned(), bytes.len()));
                    Flow::Over(Outcome::Iso(bytes))
                }
                Err(why) => self.failed(why),
            };
        }
        let drive = named.iter().find(|(option, _)| *option == "--drive").map(|(_, drive)| *drive);
        match (self.boot.machine.firmware, drive) {
            (Firmware::Bios, None | Some("0x80")) => Flow::Over(Outcome::Disk),
            _ => self.failed("no such drive".to_owned()),
        }
    }

    fn failed(&self, why: String) -> Flow {
        (self.boot.told)(Stage::Said(why));
        Flow::Code(1)
    }

    fn set(&mut self, setting: &str, value: String) {
        let name = setting.split(':').next().unwrap_or_default().to_owned();
        if value.is_empty() {
            self.settings.remove(&name)
        } else {
            self.settings.insert(name, value)
        };
    }

    fn get(&self, setting: &str) -> String {
        let (name, kind) = setting.split_once(':').unwrap_or((setting, ""));
        let value = self.settings.get(name).cloned().unwrap_or_default();
        if kind == "hexhyp" { value.replace(':', "-") } else { value }
    }

    /// Replaces settings by their values, innermost first.
    fn expand(&self, line: &str) -> Result<String, BootError> {
        let mut line = line.to_owned();
        for _ in 0..100 {
            let Some(end) = line.find('}') else { return Ok(line) };
            let Some(start) = line[..end].rfind("${") else { return Ok(line) };
            let value = self.get(&line[start + 2..end]);
            line.replace_range(start..=end, &value);
        }
        Err(BootError::new(STAGE, "an endless expansion"))
    }
}

type Named<'w> = Vec<(&'w str, &'w str)>;

/// Splits options from positional arguments. Those that take a value are listed; the others stand alone.
fn options<'a, 'w>(words: &'a [&'w str]) -> (Named<'w>, &'a [&'w str]) {
    let mut named = Vec::new();
    let mut rest = words;
    while let [option, after @ ..] = rest
        && option.starts_with('-')
    {
        let takes_value = ["--name", "-n", "--drive", "-d", "--timeout", "-t", "--filename", "-f"].contains(option);
        if let Some((option, value)) = option.split_once('=') {
            named.push((option, value));
            rest = after;
        } else if takes_value && let [value, after @ ..] = after {
            named.push((*option, *value));
            rest = after;
        } else {
            named.push((*option, ""));
            rest = after;
        }
    }
    (named, rest)
}
