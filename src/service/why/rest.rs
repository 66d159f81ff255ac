//! A node to which nothing is owed: it rests, has failed, or somebody holds it.

use super::next::cause;
use super::waits::{capital, sentence};
use super::{Facts, Row, Said, Verdict, first, long};
use crate::model::{Fault, Node, State};

fn is(facts: &Facts, states: &[State]) -> bool {
    states.contains(&facts.node.provision_state)
}

/// What went wrong last, as a sentence.
fn error(facts: &Facts) -> String {
    match facts.node.last_error.as_deref() {
        Some(text) => sentence(cause(text)),
        None => "Nobody has written down why.".to_owned(),
    }
}

/// A failed flow: why, and the ways on.
fn failed(facts: &Facts, ways: &[&str]) -> Said {
    let name = facts.name();
    let mut you: Vec<String> = ways.iter().map(|way| format!("baremetal node {way} {name}")).collect();
    if facts.node.maintenance {
        you.insert(0, format!("baremetal node maintenance unset {name}"));
    }
    if let Some(logs) = facts
        .sight
        .logs
        .as_deref()
        .filter(|_| is(facts, &[State::DeployFailed, State::CleanFailed, State::ServiceFailed]))
    {
        you.push(format!("The ramdisk's logs, if it could still be asked, are in {logs}."));
    }
    Said::wrong(error(facts), you)
}

#[rustfmt::skip]
const ROWS: &[Row<Facts>] = &[
    Row { name: "somebody holds it", when: |f| f.node.reservation.is_some(), tell: |f| {
        Said::fine(format!("A request of a client is being carried out on it ({} holds it).", f.node.reservation.as_deref().unwrap_or_default()), "gives it back when that is over, which is bounded")
    } },
    Row { name: "BMC fault", when: |f| f.node.fault == Some(Fault::Power), tell: |f| {
        Said::wrong(format!("It was put into maintenance because its power could not be read: {}", sentence(cause(f.node.maintenance_reason.as_deref().unwrap_or_default()))),
            [format!("Is {} up and reachable from here, and are its credentials right? baremetal node show {} -f json -c driver_info", f.bmc(), f.name())])
            .and_we("goes on reading, and ends the maintenance once the BMC answers")
    } },
    Row { name: "lost", when: |f| !f.node.provision_state.is_stable() && !f.node.provision_state.is_failed() && !is(f, &[State::DeployHold, State::CleanHold, State::ServiceHold]), tell: |f| {
        Said::wrong("It is on its way to another state, and nothing is owed to it. That is a mistake of this service.", [format!("Restart the service, which mends that; please report it with the output of: bessemer why {} --json", f.name())])
    } },
    Row { name: "held without work", when: |f| is(f, &[State::DeployHold, State::CleanHold, State::ServiceHold]), tell: |f| Said::wrong("It is held, and what it was held in is lost.", [format!("baremetal node abort {}", f.name())]) },
    Row { name: "deployment failed", when: |f| is(f, &[State::DeployFailed]), tell: |f| failed(f, &["deploy", "undeploy"]) },
    Row { name: "cleaning failed", when: |f| is(f, &[State::CleanFailed]), tell: |f| failed(f, &["manage", "provide"]) },
    Row { name: "inspection failed", when: |f| is(f, &[State::InspectFailed]), tell: |f| failed(f, &["inspect", "manage"]) },
    Row { name: "adoption failed", when: |f| is(f, &[State::AdoptFailed]), tell: |f| failed(f, &["adopt", "manage"]) },
    Row { name: "rescue failed", when: |f| is(f, &[State::RescueFailed]), tell: |f| failed(f, &["rescue --rescue-password …", "unrescue"]) },
    Row { name: "unrescue failed", when: |f| is(f, &[State::UnrescueFailed]), tell: |f| failed(f, &["unrescue", "undeploy"]) },
    Row { name: "service failed", when: |f| is(f, &[State::ServiceFailed]), tell: |f| failed(f, &["abort", "undeploy"]) },
    Row { name: "undeployment failed", when: |f| is(f, &[State::Error]), tell: |f| failed(f, &["undeploy"]) },
    Row { name: "could not be verified", when: |f| is(f, &[State::Enroll]) && f.node.last_error.is_some(), tell: |f| failed(f, &["manage"]) },
    Row { name: "BMC stumbles", when: |f| f.stumbling.is_some() && f.node.last_error.is_none(), tell: |f| {
        let Some(it) = &f.stumbling else { return Said::default() };
        let (since, until) = (long(f.now.duration_since(it.since)), long(it.next_poll_at.duration_since(f.now)));
        Said::wrong(format!("{} stumbles since {since}: {} commands in a row failed, the last with: {}", capital(&f.bmc()), it.failures, sentence(&it.reason)),
            ["Look at the BMC and its network; it is asked gently until it answers.".to_owned(), format!("baremetal node show {} -f json -c driver_info", f.name())])
            .and_we(format!("reads its power again in {until}; what a client asks goes to the BMC at once"))
    } },
    Row { name: "last request failed", when: |f| f.node.last_error.is_some(), tell: |f| {
        let more = if f.node.maintenance { vec![format!("baremetal node maintenance unset {}", f.name())] } else { Vec::new() };
        Said::wrong(error(f), more)
    } },
    Row { name: "in maintenance", when: |f| f.node.maintenance, tell: |f| {
        let reason = f.node.maintenance_reason.as_deref().filter(|it| !it.is_empty()).unwrap_or("no reason was given");
        Said::fine(format!("It is in maintenance: {reason}."), "does nothing with it").and_you(format!("baremetal node maintenance unset {}", f.name()))
    } },
    Row { name: "enrolled", when: |f| is(f, &[State::Enroll]), tell: |f| Said::fine("It is known and was never looked at.", "does nothing with it").and_you(format!("baremetal node manage {}", f.name())) },
    Row { name: "manageable", when: |f| is(f, &[State::Manageable]), tell: |f| {
        Said::fine("It can be managed and is nobody's.", "reads its power now and then").and_you(format!("baremetal node inspect {}", f.name())).and_you(format!("baremetal node provide {}", f.name()))
    } },
    Row { name: "available", when: |f| is(f, &[State::Available]), tell: |f| match f.node.instance_uuid {
        Some(owner) => Said::fine(format!("It is free to deploy, and given to {owner}."), "waits for its owner to deploy").and_you(format!("baremetal node deploy {}", f.name())),
        None => Said::fine("It is free.", "gives it to the next allocation that it fits").and_you("baremetal allocation create --resource-class CLASS"),
    } },
    Row { name: "in use", when: |f| is(f, &[State::Active]), tell: |_| Said::fine("Its instance runs, as far as this service knows: it looks at the power and at nothing else.", "reads its power now and then, and never switches it off unasked") },
    Row { name: "in rescue", when: |f| is(f, &[State::Rescue]), tell: |f| Said::fine("It runs the rescue ramdisk.", "leaves it alone").and_you(format!("baremetal node unrescue {}", f.name())) },
];

pub(super) fn tell(facts: &Facts) -> (&'static str, Said) {
    let Some(row) = first(ROWS, facts) else { return ("", Said::default()) };
    let said = (row.tell)(facts);
    match facts.node.retired {
        true => (
            row.name,
            said.and_you(format!(
                "It is retired, so it is not provided again: baremetal node unset --retired {}",
                facts.name()
            )),
        ),
        false => (row.name, said),
    }
}

/// How a node without work stands.
pub(super) fn verdict(facts: &Facts) -> Verdict {
    let Node { provision_state: state, reservation, last_error, fault, .. } = &facts.node;
    let stumbles = facts.stumbling.is_some() && state.is_stable();
    match () {
        () if reservation.is_some() => Verdict::Locked,
        () if state.is_failed() || *state == State::Error || fault.is_some() || last_error.is_some() => Verdict::Failed,
        () if !state.is_stable() || stumbles => Verdict::Stuck,
        () => Verdict::AtRest,
    }
}

#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|row| row.name)
}
