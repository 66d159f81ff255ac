//! Live progress. On a terminal: a table that is redrawn in place below a scrolling story. Elsewhere: one line per change.

use std::collections::HashMap;
use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::watcher::Seen;
use crate::clock::{Clock, Instant};
use crate::sim::machine::Doing;
use crate::sim::rack::Rack;

pub struct Screen {
    clock: Clock,
    began: Instant,
    terminal: bool,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    rows: Vec<Row>,
    /// Lines of the table that are on the screen.
    drawn: usize,
}

struct Row {
    name: String,
    state: String,
    doing: String,
    since: Instant,
}

impl Screen {
    pub fn new(clock: Clock) -> Self {
        let (began, terminal) = (clock.instant(), std::io::stdout().is_terminal());
        Screen { clock, began, terminal, inner: Mutex::default() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn elapsed(&self) -> f64 {
        (self.clock.instant() - self.began).as_secs_f64()
    }

    /// A sentence of the story.
    pub fn tell(&self, text: &str) {
        let mut inner = self.inner();
        self.erase(&mut inner);
        print(&format!("{:6.2} s  {text}\n", self.elapsed()));
        self.table(&mut inner);
    }

    /// Takes in what nodes and machines are doing, and shows what changed.
    pub fn draw(&self, rack: &Rack, nodes: &HashMap<String, Seen>) {
        let mut inner = self.inner();
        let now = self.clock.instant();
        let mut changed = Vec::new();
        for machine in &rack.machines {
            let name = &machine.model.name;
            let state = nodes.get(name).map_or("", |node| node.state.as_str()).to_owned();
            let doing = words(&machine.doing());
            match inner.rows.iter_mut().find(|row| row.name == *name) {
                Some(row) if row.state == state && row.doing == doing => {}
                Some(row) => {
                    if row.state != state {
                        row.since = now;
                    }
                    (row.state, row.doing) = (state, doing);
                    changed.push(name.clone());
                }
                None => inner.rows.push(Row { name: name.clone(), state, doing, since: now }),
            }
        }
        if self.terminal {
            self.erase(&mut inner);
            self.table(&mut inner);
        } else {
            for row in inner.rows.iter().filter(|row| changed.contains(&row.name)) {
                print(&format!("{:6.2} s  {:8} {:13} {}\n", self.elapsed(), row.name, row.state, row.doing));
            }
        }
    }

    /// Leaves the table where it is; what is printed next comes below.
    pub fn finish(&self) {
        self.inner().drawn = 0;
    }

    fn erase(&self, inner: &mut Inner) {
        if self.terminal && inner.drawn > 0 {
            // Up so many lines, then clear to the end of the screen.
            print(&format!("\x1b[{}A\x1b[J", inner.drawn));
        }
        inner.drawn = 0;
    }

    fn table(&self, inner: &mut Inner) {
        if !self.terminal || inner.rows.is_empty() {
            return;
        }
        let now = self.clock.instant();
        let mut text = String::from("\n");
        for row in &inner.rows {
            let secs = (now - row.since).as_secs_f64();
            text.push_str(&format!("  {:8} {:13} {secs:5.1} s   {}\n", row.name, row.state, row.doing));
        }
        inner.drawn = inner.rows.len() + 1;
        print(&text);
    }
}

fn words(doing: &Doing) -> String {
    match doing {
        Doing::Off => "off".to_owned(),
        Doing::SelfTest => "power-on self-test".to_owned(),
        Doing::Network => "boots from the network".to_owned(),
        Doing::Ramdisk(address) => format!("agent runs at {address}"),
        Doing::Rescue(_) => "runs the rescue system".to_owned(),
        Doing::Netbooted(_) => "runs a system from the network".to_owned(),
        Doing::System(system) => format!("runs {} from its disk", system.name),
        Doing::Stuck(why) => format!("stuck: {why}"),
    }
}

/// Nobody may be reading any more; that is no reason to stop.
fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
