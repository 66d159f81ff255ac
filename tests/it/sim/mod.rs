//! The whole service and a rack of machines in one thread, on virtual time and a network in memory, from one seed.
//!
//! ```text
//!   seed ─► plan: machines, clients, faults, deaths ─► world: service · rack · clients · chaos ─► eye: each commit
//!                                                        └─ quiet at last? ─► verdict, or the command that replays it
//! ```
//! A seed is one life of a few machines, hours long: clients enrol, deploy, rescue, clean and delete them, while packets are
//! lost, BMCs lie, agents vanish, the disk fills, the clock is set, and the process dies between two commits. What must
//! hold is looked at after every commit ([`rules`]); when the faults end, everything must come to rest. The first breach
//! ends a seed. A rule is worth what it finds: whoever adds one plants the defect, and sees it found.
//!
//! ```sh
//! BESSEMER_SEED=123 cargo test --test it sim::replay -- --nocapture          # one seed, told as it goes
//! BESSEMER_SEEDS=100000 cargo test --release --test it sim::many -- --nocapture   # many, from BESSEMER_SEED on
//! ```

mod book;
mod chaos;
mod client;
mod eye;
mod holders;
mod log;
mod machines;
mod many;
mod others;
mod owner;
mod placing;
mod plan;
mod rules;
mod world;

use world::Report;

/// How many seeds an ordinary run of the tests goes through.
const SEEDS: u64 = 500;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// What the environment says, or this much.
fn number_or(variable: &str, usual: u64) -> u64 {
    number(variable).unwrap_or(usual)
}

#[test]
fn replay() {
    let seed = number_or("BESSEMER_SEED", 1);
    let report = world::run(seed, number("BESSEMER_SEED").is_some());
    println!("{report}");
    assert!(report.breaches.is_empty(), "{}", report.complaint());
}

#[test]
fn one_seed_is_one_run_however_often_it_is_run() {
    for seed in [3, 4, 5, 6] {
        let [first, second]: [Report; 2] = [world::run(seed, false), world::run(seed, false)];
        assert_eq!(first.sums, second.sums, "seed {seed}: {first}\n{second}");
    }
}

#[test]
fn many() {
    let (first, count) = (number_or("BESSEMER_SEED", 1), number_or("BESSEMER_SEEDS", SEEDS));
    let total = many::run(first..first + count);
    println!("{total}");
    assert!(total.failed.is_empty(), "{}", total.failed.join("\n\n"));
}
