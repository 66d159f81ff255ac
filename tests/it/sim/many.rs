//! Many seeds, on two threads, with a summary.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bessemer::provision::table::TRANSITIONS;

use super::rules::told;
use super::world::{self, Report};

/// Each world is one thread; the tests' other threads have work too.
const THREADS: usize = 2;
/// More failures say nothing new.
const MOST_FAILED: usize = 10;

#[derive(Default)]
pub struct Total {
    pub seeds: u64,
    pub failed: Vec<String>,
    pub faults: BTreeMap<&'static str, u64>,
    pub answers: BTreeMap<u16, u64>,
    pub passed: BTreeMap<String, u64>,
    pub ends: BTreeMap<String, u64>,
    pub kills: u64,
    pub commits: u64,
    pub lived: Duration,
}

pub fn run(seeds: Range<u64>) -> Total {
    let (next, total) = (AtomicU64::new(seeds.start), Mutex::new(Total::default()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let full = total.lock().is_ok_and(|total| total.failed.len() >= MOST_FAILED);
                    if seed >= seeds.end || full {
                        return;
                    }
                    let report = world::run(seed, false);
                    if let Ok(mut total) = total.lock() {
                        total.add(&report);
                        if total.seeds.is_multiple_of(100) {
                            println!("{} seeds, {} failed", total.seeds, total.failed.len());
                        }
                    }
                }
            });
        }
    });
    total.into_inner().unwrap_or_default()
}

impl Total {
    fn add(&mut self, report: &Report) {
        self.seeds += 1;
        self.kills += report.kills;
        self.commits += report.commits;
        self.lived += report.lived;
        for (fault, count) in &report.faults {
            *self.faults.entry(fault).or_default() += count;
        }
        for (status, count) in &report.answers {
            *self.answers.entry(*status).or_default() += count;
        }
        for (transition, count) in &report.passed {
            *self.passed.entry(transition.clone()).or_default() += count;
        }
        for end in &report.ends {
            *self.ends.entry(end.clone()).or_default() += 1;
        }
        if !report.breaches.is_empty() {
            let complaint = report.complaint();
            println!("{complaint}");
            self.failed.push(complaint);
        }
    }
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hours = self.lived.as_secs() / 3600;
        writeln!(
            f,
            "{} seeds, {} failed: {} commits, {} deaths, {hours} virtual hours",
            self.seeds,
            self.failed.len(),
            self.commits,
            self.kills
        )?;
        for (fault, count) in &self.faults {
            writeln!(f, "{count:>10}  {fault}")?;
        }
        let all = TRANSITIONS.iter().map(told);
        let never: Vec<String> = all.filter(|row| !self.passed.contains_key(row)).collect();
        writeln!(f, "answers {:?}\nends {:?}", self.answers, self.ends)?;
        writeln!(f, "transitions {} of {}, never {never:?}", TRANSITIONS.len() - never.len(), TRANSITIONS.len())
    }
}
