//! What a seed means.

use std::time::Duration;

use bessemer::random::Random;

/// Kinds of trouble; a seed has some of them, because a world with all of them never gets anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    Datagrams,
    Streams,
    BmcSlow,
    BmcFull,
    BmcSilent,
    BmcBusy,
    BmcLies,
    BmcForgets,
    AgentSilent,
    AgentRestarts,
    AgentAnswers,
    AgentFails,
    BootHangs,
    DiskFull,
    ClockJumps,
    Deaths,
    /// Some deaths are followed by a start in hold, as after a restore.
    Restores,
    PlugPulled,
}

pub const TROUBLES: &[Trouble] = &[
    Trouble::Datagrams,
    Trouble::Streams,
    Trouble::BmcSlow,
    Trouble::BmcFull,
    Trouble::BmcSilent,
    Trouble::BmcBusy,
    Trouble::BmcLies,
    Trouble::BmcForgets,
    Trouble::AgentSilent,
    Trouble::AgentRestarts,
    Trouble::AgentAnswers,
    Trouble::AgentFails,
    Trouble::BootHangs,
    Trouble::DiskFull,
    Trouble::ClockJumps,
    Trouble::Deaths,
    Trouble::Restores,
    Trouble::PlugPulled,
];

#[derive(Clone, Debug)]
pub struct Plan {
    pub seed: u64,
    pub machines: u8,
    /// Acts of each client.
    pub acts: u64,
    /// Acts of somebody who has no idea of what others do.
    pub meddling: u64,
    /// Agents speak TLS.
    pub tls: bool,
    /// The service keeps backups.
    pub backups: bool,
    pub troubles: Vec<Trouble>,
    /// How long faults go on at most.
    pub chaos: Duration,
    pub automated_clean: bool,
    pub fast_track: bool,
    pub power_sync: Duration,
    pub force_power: bool,
    /// After how many commits of each life the process dies; the last life goes on.
    pub deaths: Vec<u64>,
    /// What a step of the agent takes: some outlast several looks at them.
    pub step: Duration,
}

impl Plan {
    pub fn of(seed: u64) -> Self {
        let random = Random::seeded(seed);
        let one_in = |n: u64| random.below(n) == 0;
        // Every seventh seed is a calm one: what fails there has nothing to do with faults.
        let troubles: Vec<Trouble> = match seed % 7 {
            0 => Vec::new(),
            1 => vec![TROUBLES[random.below(TROUBLES.len() as u64) as usize]],
            _ => TROUBLES.iter().copied().filter(|_| random.below(100) < 35).collect(),
        };
        let dies = troubles.contains(&Trouble::Deaths) || troubles.contains(&Trouble::Restores);
        let deaths = if dies { 1 + random.below(3) } else { 0 };
        Plan {
            seed,
            machines: 1 + random.below(3) as u8,
            acts: 3 + random.below(5),
            meddling: if one_in(2) { 1 + random.below(20) } else { 0 },
            tls: one_in(4),
            backups: one_in(4),
            troubles,
            chaos: Duration::from_secs(600 + random.below(3600)),
            automated_clean: one_in(2),
            fast_track: one_in(4),
            power_sync: Duration::from_secs(if one_in(3) { 0 } else { 60 }),
            force_power: one_in(4),
            deaths: (0..deaths).map(|_| 1 + random.below(150)).collect(),
            step: Duration::from_secs(if one_in(3) { 90 } else { 2 }),
        }
    }
}
