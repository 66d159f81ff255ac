//! What goes wrong, when, and for how long: drawn from the seed.

use std::time::Duration;

use bessemer::clock::Clock;
use bessemer::random::Random;
use bessemer::sim::bmc::{Action, Which};
use bessemer::sim::machine::Machine;
use bessemer::sim::netboot::StageKind;
use jiff::SignedDuration;

use super::plan::Trouble;
use super::world::World;

/// Between two turns of knobs.
const PAUSE_SECS: u64 = 60;

/// Reigns until the world is calm.
pub async fn reign(world: std::sync::Arc<World>) {
    let chance = world.chance(5);
    for trouble in world.plan.troubles.clone() {
        strike(&world, &chance, trouble);
    }
    while !world.plan.troubles.is_empty() {
        let pause = Duration::from_millis(200 + chance.below(PAUSE_SECS * 1000));
        if world.calm.run_until_cancelled(world.clock.sleep(pause)).await.is_none() {
            return;
        }
        let at = chance.below(world.plan.troubles.len() as u64) as usize;
        strike(&world, &chance, world.plan.troubles[at]);
    }
}

/// From now on nothing goes wrong. What is broken stays broken until somebody mends it.
pub fn end(world: &World) {
    world.disk.full.store(false, std::sync::atomic::Ordering::Relaxed);
    world.network.misbehave(|faults| *faults = Default::default());
    for machine in &world.rack.machines {
        machine.bmc.misbehave(|faults| *faults = Default::default());
        machine.agent_faults.set(|knobs| {
            let (writes, pause) = (knobs.writes, knobs.pause_before_image);
            *knobs = Default::default();
            (knobs.plain, knobs.even_key, knobs.writes) = (!world.plan.tls, true, writes);
            knobs.pause_before_image = pause;
        });
        machine.boot_faults.set(|knobs| *knobs = Default::default());
        world.book.open().asked(&machine.model.name).lies = false;
    }
}

/// Turns one kind of knob: up, or back to where nothing is wrong.
fn strike(world: &World, chance: &Random, trouble: Trouble) {
    let machine = &world.rack.machines[chance.below(world.rack.machines.len() as u64) as usize];
    let up = chance.below(3) > 0;
    tracing::info!(?trouble, up, machine = machine.model.name, "chaos");
    let count = |what: &'static str| world.book.count(what);
    match trouble {
        Trouble::Datagrams => datagrams(world, chance, up),
        Trouble::Streams => streams(world, chance, up),
        Trouble::BmcSlow => {
            count("BMC slow");
            let (delay, power) = (chance.below(3000), chance.below(20_000));
            machine.bmc.misbehave(|faults| {
                faults.delay = Duration::from_millis(if up { delay } else { 0 });
                faults.power_delay = Duration::from_millis(if up { power } else { 0 });
            });
        }
        Trouble::BmcFull => {
            count("BMC without a free session");
            machine.bmc.misbehave(|faults| faults.full = up);
        }
        Trouble::BmcSilent => {
            count("BMC silent");
            machine.bmc.misbehave(|faults| faults.silent = up);
        }
        Trouble::BmcBusy => {
            count("BMC busy, lossy or garbled");
            let draw = |most: u64| if up { Which::Percent(chance.below(most) as u8) } else { Which::None };
            let [busy, spoil, double, lose] = [draw(60), draw(30), draw(40), draw(40)];
            machine.bmc.misbehave(|faults| {
                (faults.busy, faults.spoil_answers) = (busy, spoil);
                (faults.double_requests, faults.lose_answers) = (double, lose);
            });
        }
        Trouble::BmcLies => lies(world, machine, chance, up),
        Trouble::BmcForgets => {
            count("boot device forgotten");
            machine.bmc.chassis().forget_boot();
        }
        Trouble::AgentSilent => {
            count("agent silent");
            machine.agent_faults.set(|knobs| knobs.silent = up);
        }
        Trouble::AgentRestarts => {
            count("agent restarts in the middle of the image");
            let bytes = chance.below(4000);
            machine.agent_faults.set(|knobs| knobs.restart_after_bytes = up.then_some(bytes));
        }
        Trouble::AgentAnswers => {
            count("agent answers late, foreign, lost or garbled");
            let draw = || if up { chance.below(4) as u32 } else { 0 };
            // Those that we wait out may be many.
            let drawn = [draw() * 5, draw() * 5, draw(), draw(), draw(), draw()];
            machine.agent_faults.set(|knobs| {
                [
                    knobs.late_results,
                    knobs.foreign_results,
                    knobs.lost_answers,
                    knobs.garbage_answers,
                    knobs.busy_answers,
                    knobs.version_mismatches,
                ] = drawn;
            });
        }
        Trouble::AgentFails => agent_fails(world, machine, chance, up),
        Trouble::BootHangs => {
            count("boot hangs or crawls");
            let stages = [StageKind::FirmwareDhcp, StageKind::Loader, StageKind::Script, StageKind::Ramdisk];
            let stage = stages[chance.below(stages.len() as u64) as usize];
            let (slow, hangs) = (chance.below(60), chance.below(2) == 0);
            machine.boot_faults.set(|knobs| {
                knobs.hang_before = (up && hangs).then_some(stage);
                knobs.slow = Duration::from_secs(if up { slow } else { 0 });
            });
        }
        Trouble::DiskFull => {
            world.disk.full.store(up && chance.below(2) == 0, std::sync::atomic::Ordering::Relaxed);
        }
        Trouble::ClockJumps => {
            count("clock set");
            jump(&world.clock, chance);
        }
        Trouble::Deaths => {
            if chance.below(4) == 0 {
                count("killed at some time");
                world.kill();
            }
        }
        // What comes of it is seen at the next start.
        Trouble::Restores => {
            if chance.below(6) == 0 {
                count("killed at some time");
                world.kill();
            }
        }
        Trouble::PlugPulled => {
            count("power touched by hand");
            world.touch(machine, if up { Action::Off } else { Action::On });
        }
    }
}

fn datagrams(world: &World, chance: &Random, up: bool) {
    let draw = |most: u64| if up { chance.below(most) as u32 } else { 0 };
    let [lose, double, late] = [draw(300), draw(300), draw(500)];
    let late_by = Duration::from_millis(1 + chance.below(2500));
    world.network.misbehave(|faults| {
        (faults.lose, faults.double, faults.late, faults.late_by) = (lose, double, late, late_by);
    });
}

fn streams(world: &World, chance: &Random, up: bool) {
    let draw = |most: u64| if up { chance.below(most) as u32 } else { 0 };
    let [refuse, ignore, reset, stall] = [draw(200), draw(100), draw(60), draw(40)];
    let stall_by = Duration::from_secs(1 + chance.below(120));
    world.network.misbehave(|faults| {
        (faults.refuse, faults.ignore, faults.reset) = (refuse, ignore, reset);
        (faults.stall, faults.stall_by) = (stall, stall_by);
    });
}

fn lies(world: &World, machine: &Machine, chance: &Random, up: bool) {
    world.book.count("BMC lies about power, or refuses");
    let (ignore, claim, refuse) = (chance.below(2) == 0, chance.below(3), chance.below(3) == 0);
    {
        let mut book = world.book.open();
        let asked = book.asked(&machine.model.name);
        asked.lies = up;
        asked.doubtful |= up;
    }
    machine.bmc.misbehave(|faults| {
        faults.ignore_power = up && ignore;
        faults.claim_power = if up && claim > 0 { Some(claim == 1) } else { None };
        faults.refuse_power = (up && refuse).then_some(0xd5);
    });
}

fn agent_fails(world: &World, machine: &Machine, chance: &Random, up: bool) {
    world.book.count("agent fails a step, or cannot switch off");
    let steps = ["write_image", "erase_devices_metadata", "burnin_cpu", "finalize_rescue", "finalize_rescue"];
    let step = steps[chance.below(steps.len() as u64) as usize].to_owned();
    let (fails, dies, token) = (chance.below(3) == 0, chance.below(3) == 0, chance.below(4) == 0);
    machine.agent_faults.set(|knobs| {
        knobs.failing_step = up.then_some(step);
        knobs.power_off_fails = up && fails;
        knobs.dies_instead_of_power_off = up && dies;
        knobs.wrong_token = up && token;
    });
}

/// A little, as a time server does, or a lot, as an operator does.
fn jump(clock: &Clock, chance: &Random) {
    let most = [10, 900, 7200][chance.below(3) as usize];
    let by = chance.below(2 * most) as i64 - most as i64;
    clock.jump(SignedDuration::from_secs(by));
}
