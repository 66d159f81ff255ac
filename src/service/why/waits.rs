//! Work that goes on, waits or is held: a row for each way.

use super::{Facts, Row, Said, boot, first, long};
use crate::clock::Timestamp;
use crate::model::{FlowName, Phase, PowerState, Stage, WaitFor, Work};
use crate::trace::{Kind, Seen};

/// A running agent that has not been heard for longer than this, beside its period, is late.
const GRACE: i64 = 30;

fn work(facts: &Facts) -> Option<&Work> {
    facts.work.as_ref()
}

fn at(facts: &Facts, phase: Phase) -> bool {
    work(facts).is_some_and(|work| work.phase == phase)
}

fn waits_for(facts: &Facts, what: WaitFor) -> bool {
    at(facts, Phase::Waiting) && facts.wait().is_some_and(|wait| wait.what == what)
}

fn detail(facts: &Facts) -> String {
    facts.wait().map(|wait| wait.detail).unwrap_or_default()
}

/// The trouble with the BMC since the work was begun, unless it has done something since.
fn bmc_trouble(facts: &Facts) -> Option<&Seen> {
    let since = work(facts).map_or(facts.now, |work| work.since);
    let trouble = facts.newest(&[Kind::BmcFailed], since)?;
    let better = facts.newest(&[Kind::PowerReached, Kind::BmcAnswers], since);
    better.is_none_or(|better| better.at < trouble.at).then_some(trouble)
}

fn beat(facts: &Facts) -> Option<Timestamp> {
    facts.newest(&[Kind::Beat], Timestamp::UNIX_EPOCH).map(|seen| seen.at)
}

/// Seconds since the agent called last, if that is too long.
fn late(facts: &Facts) -> Option<i64> {
    let period = i64::try_from(facts.sight.heartbeat.as_secs()).unwrap_or(i64::MAX);
    let silent = facts.secs_since(beat(facts)?);
    (silent > period.saturating_add(GRACE)).then_some(silent)
}

fn heard(facts: &Facts) -> String {
    match beat(facts) {
        Some(at) => format!(" It called {} ago.", long(facts.now.duration_since(at))),
        None => String::new(),
    }
}

#[rustfmt::skip]
const ROWS: &[Row<Facts>] = &[
    Row { name: "store is in hold", when: |f| f.held.is_some(), tell: |f| {
        let because = f.held.as_ref().map(|it| it.because()).unwrap_or_default();
        Said::wrong(format!("This service is in hold, because {because}: nothing is done to machines."), ["bessemer hold, which says what would happen, and how to release it"])
            .and_we("goes on where it stands once a person releases the hold")
    } },
    Row { name: "waiting allocation", when: |f| work(f).is_some_and(|it| it.flow == FlowName::Allocate), tell: |_| {
        Said::fine("An allocation waits for one of the nodes that fit; all of them are reserved at the moment.", "tries again each second, and when a node is released")
    } },
    Row { name: "held", when: |f| at(f, Phase::Held), tell: |f| {
        let name = f.name();
        Said::fine("It reached a step that holds it until somebody says go on.", "waits for as long as that takes; nothing runs out")
            .and_you(format!("baremetal node unhold {name}")).and_you(format!("baremetal node abort {name}"))
    } },
    Row { name: "maintenance stands in the way", when: |f| at(f, Phase::Waiting) && f.node.maintenance, tell: |f| {
        let reason = f.node.maintenance_reason.as_deref().filter(|it| !it.is_empty()).map(|it| format!(" ({it})")).unwrap_or_default();
        Said::wrong(format!("The node is in maintenance{reason}, so neither the agent's calls nor time move it on."), [format!("baremetal node maintenance unset {}", f.name())])
            .and_we("goes on where it stands once maintenance is over")
    } },
    Row { name: "power change is queued", when: |f| at(f, Phase::Waiting) && work(f).is_some_and(Work::has_power_change), tell: |_| {
        Said::fine("A client has asked for a change of power; the flow that waits goes on waiting after it.", "changes the power as soon as nobody else holds the node")
    } },
    Row { name: "locked while it waits", when: |f| at(f, Phase::Waiting) && f.node.reservation.is_some(), tell: |f| {
        Said::fine(format!("The flow waits, and a request of a client holds the node ({}).", f.node.reservation.as_deref().unwrap_or_default()), "goes on once the node is given back, which is bounded")
    } },
    Row { name: "machine is awaited", when: |f| at(f, Phase::Waiting) && f.wait().is_some_and(|it| boot::is_boot(it.what)), tell: |f| boot::tell(f).1 },
    Row { name: "agent is out of reach", when: |f| waits_for(f, WaitFor::OutOfReach) || (waits_for(f, WaitFor::NextHeartbeat) && !detail(f).is_empty()), tell: |f| {
        Said::wrong(format!("The agent called, and cannot be spoken to: {}.{}", detail(f).trim_matches(['(', ')']), heard(f)),
            ["Can this host open connections to the machine's network (the agent listens on port 9999)?", "Compare the machine's clock with this host's: the agent's certificate is valid from its boot on."])
            .and_we("asks it again at its next call, or in half a minute; ten times in all")
    } },
    Row { name: "agent is late", when: |f| [WaitFor::StepEnd, WaitFor::EarlierCommand, WaitFor::NextHeartbeat, WaitFor::RescuePassword].iter().any(|it| waits_for(f, *it)) && late(f).is_some(), tell: |f| {
        let silent = long(jiff::SignedDuration::from_secs(late(f).unwrap_or_default()));
        Said::wrong(format!("The agent should call every {} s and was not heard for {silent}; the ramdisk may have crashed, or its network.", f.sight.heartbeat.as_secs()),
            ["Look at the machine's screen or serial console.".to_owned(), format!("baremetal node abort {}", f.name())])
            .and_we("asks it every half minute")
    } },
    Row { name: "agent works on a step", when: |f| waits_for(f, WaitFor::StepEnd), tell: |f| {
        Said::fine(format!("The agent works on step {}{}.{}", detail(f), position(f), heard(f)), "asks it when it calls, or in half a minute")
    } },
    Row { name: "agent is busy", when: |f| waits_for(f, WaitFor::EarlierCommand), tell: |f| {
        Said::fine(format!("The agent does one thing at a time and still works on an earlier command.{}", heard(f)), "sends the next step once it is done")
    } },
    Row { name: "next call", when: |f| waits_for(f, WaitFor::NextHeartbeat), tell: |f| {
        Said::fine(format!("It goes on when the agent calls, which it does every {} s or sooner.{}", f.sight.heartbeat.as_secs(), heard(f)), "goes on at that call")
    } },
    Row { name: "rescue password", when: |f| waits_for(f, WaitFor::RescuePassword), tell: |f| {
        Said::fine(format!("The agent sets the rescue password.{}", heard(f)), "asks it when it calls, or in half a minute")
    } },
    Row { name: "other wait", when: |f| at(f, Phase::Waiting), tell: |f| {
        let what = work(f).and_then(|it| it.why.clone()).unwrap_or_else(|| "the agent".to_owned());
        Said::fine(format!("It waits for {what}."), "goes on when that happens")
    } },
    Row { name: "image is fetched", when: |f| at_step(f) && newest(f).is_some_and(|seen| seen.kind == Kind::ImageAwaited), tell: |f| {
        Said::fine(latest(f), "goes on once the image is here and its checksum is right; gives up a source that is too slow (images.min_bytes_per_sec) or takes too long (images.fetch_secs)")
    } },
    Row { name: "config drive waits", when: |f| at_step(f) && newest(f).is_some_and(|seen| seen.kind == Kind::DriveAwaited), tell: |f| {
        Said::fine(latest(f), "goes on when it is its turn")
    } },
    Row { name: "BMC makes trouble", when: |f| bmc_trouble(f).is_some(), tell: |f| {
        let trouble = bmc_trouble(f).map(|seen| (seen.text.clone(), seen.count)).unwrap_or_default();
        let times = if trouble.1 > 1 { format!(" That was so {} times.", trouble.1) } else { String::new() };
        let stumbles = f.stumbling.as_ref().map(|it| format!(" It stumbles since {}.", long(f.now.duration_since(it.since)))).unwrap_or_default();
        Said::wrong(format!("{}{times}{stumbles}", sentence(&trouble.0)), Vec::<String>::new()).and_we("repeats what may be repeated until its time is over, then fails and says why")
    } },
    Row { name: "BMC stumbles, and is asked", when: |f| at(f, Phase::Begun) && f.call_ends.is_some() && f.stumbling.is_some(), tell: |f| {
        let (reason, since) = f.stumbling.as_ref().map(|it| (it.reason.clone(), it.since)).unwrap_or_default();
        Said::wrong(format!("{} It stumbles since {}.", sentence(&reason), long(f.now.duration_since(since))), Vec::<String>::new())
            .and_we("asks it again until its time is over, then fails and says why")
    } },
    Row { name: "about to begin", when: |f| at(f, Phase::Ready), tell: |_| Said::fine("It is about to begin; at most 256 nodes are worked on at once.", "begins as soon as it is its turn") },
    Row { name: "power changes", when: |f| work(f).is_some_and(|it| it.flow == FlowName::Power), tell: |f| {
        let target = f.node.target_power_state.map_or("asked for", PowerState::as_str);
        Said::fine(format!("{} was ordered to bring the machine to \"{target}\".", capital(&f.bmc())), "orders and reads until the machine is there, at most for timeouts.power_change_secs")
    } },
    Row { name: "is prepared", when: |f| work(f).is_some_and(|it| it.stage == Stage::Prepare), tell: |f| {
        Said::fine(format!("What the flow needs is made ready: boot plan, boot device, power. {}", latest(f)), "switches the machine on and waits for its agent, where the flow needs one")
    } },
    Row { name: "step is done", when: |f| work(f).is_some_and(|it| it.stage == Stage::Step), tell: |f| {
        let name = f.step().map(|step| step.name()).unwrap_or_default();
        Said::fine(format!("Step {name}{} is under way. {}", position(f), latest(f)), "goes on with the next step")
    } },
    Row { name: "is ended", when: |f| work(f).is_some_and(|it| it.stage == Stage::Finish), tell: |f| Said::fine(format!("The last step is done, and what the flow needed is taken down. {}", latest(f)), "gives the node back") },
    Row { name: "is cleaned up", when: |f| work(f).is_some_and(|it| it.stage == Stage::Unwind), tell: |f| {
        let why = f.node.last_error.as_deref().unwrap_or("it was aborted");
        Said { trouble: true, ..Said::fine(format!("It failed or was aborted and is cleaned up: {}", sentence(why)), "collects the ramdisk's logs, switches the machine off where that is safe, and gives the node back; at most three minutes") }
    } },
];

/// Which of how many steps it is at.
fn position(facts: &Facts) -> String {
    let at = work(facts).map_or(0, |work| work.step + 1);
    if facts.steps.is_empty() { String::new() } else { format!(" ({at} of {})", facts.steps.len()) }
}

/// What was seen last of what it does itself.
fn newest(facts: &Facts) -> Option<&Seen> {
    let since = work(facts).map_or(facts.now, |work| work.since);
    let kinds = [
        Kind::PowerOrdered,
        Kind::PowerReached,
        Kind::BmcFailed,
        Kind::ImageAwaited,
        Kind::ImageSent,
        Kind::DriveAwaited,
    ];
    facts.newest(&kinds, since)
}

/// The same as a sentence, so that something can be seen to happen.
fn latest(facts: &Facts) -> String {
    newest(facts).map_or_else(String::new, |seen| {
        format!("{} {}", seen.kind.row().meaning, sentence(&seen.text)).trim().to_owned()
    })
}

/// A step is being done, and waits for nobody else.
fn at_step(facts: &Facts) -> bool {
    at(facts, Phase::Begun) && work(facts).is_some_and(|work| work.stage == Stage::Step)
}

pub(super) fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() || text.ends_with(['.', '?', '!']) { capital(text) } else { format!("{}.", capital(text)) }
}

pub(super) fn capital(text: &str) -> String {
    // An address or a path is what it is.
    if text.split_whitespace().next().is_some_and(|word| word.contains(['/', '_'])) {
        return text.to_owned();
    }
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// What there is to say of a row of work.
pub(super) fn tell(facts: &Facts, _: &Work) -> (&'static str, Said) {
    let Some(row) = first(ROWS, facts) else { return ("", Said::default()) };
    let said = (row.tell)(facts);
    // Of a machine that is awaited the rule is the one that knows how far it came.
    if row.name == "machine is awaited" { boot::tell(facts) } else { (row.name, said) }
}

/// What keeps a flow whose time is over, for a `last_error`.
pub fn diagnosis(facts: &Facts) -> String {
    let said = match facts.work.as_ref() {
        Some(work) => tell(facts, work).1,
        None => Said::default(),
    };
    let advice: Vec<&str> = said.you.iter().take(2).map(String::as_str).collect();
    format!("{} {}", said.why, advice.join(" ")).trim().to_owned()
}

/// What is being done with the node, in a few words.
pub(super) fn doing(facts: &Facts) -> String {
    let Some(work) = &facts.work else { return "nothing; no work is under way".to_owned() };
    let flow = match work.flow {
        FlowName::Deploy => "deploying",
        FlowName::Clean => "cleaning",
        FlowName::Service => "servicing",
        FlowName::Inspect => "inspecting",
        FlowName::Rescue => "rescuing",
        FlowName::Unrescue => "unrescuing",
        FlowName::Adopt => "adopting",
        FlowName::Verify => "verifying that it can be managed",
        FlowName::Delete => "undeploying",
        FlowName::Power => "changing power",
        FlowName::Allocate => "allocating",
        FlowName::Passthru => "keeping contact",
    };
    let stage = match work.stage {
        Stage::Prepare => "preparation".to_owned(),
        Stage::Step => {
            facts.step().map_or_else(|| "steps".to_owned(), |step| format!("step {}{}", step.name(), position(facts)))
        }
        Stage::Finish => "the end".to_owned(),
        Stage::Unwind => "cleaning up".to_owned(),
    };
    let abort = if work.abort_requested { ", to be aborted after that" } else { "" };
    format!("{flow}: {stage}{abort}")
}

#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|row| row.name)
}
