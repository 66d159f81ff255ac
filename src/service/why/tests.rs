//! Every rule, every wait of the engine and every state.

use std::collections::BTreeSet;

use super::*;
use crate::clock::{Clock, from_micros};
use crate::model::event::{EventKind, EventRecord};
use crate::model::{Fault, FlowName, Node, Port, PowerState, Stage, State, Step, WaitFor, Work};
use crate::trace::{Kind, Seen, Trace};
use crate::wire::mac::Mac;

const NOW: i64 = 100_000;

fn secs(at: i64) -> Timestamp {
    from_micros(at * 1_000_000)
}

/// A node of which nothing is known but that it rests, on a service that serves DHCP and remembers everything.
fn facts(state: State) -> Facts {
    let trace = Trace::new(Clock::virtual_from(secs(0)));
    trace.serves_dhcp();
    let mut node = Node::new(uuid::Uuid::nil(), "ipmi".to_owned(), secs(0));
    node.name = Some("m1".to_owned());
    node.provision_state = state;
    node.power_state = Some(PowerState::On);
    let port = Port::new(uuid::Uuid::nil(), node.uuid, "52:54:00:00:00:01".to_owned(), secs(0));
    Facts {
        now: secs(NOW),
        node,
        work: None,
        ports: vec![port],
        steps: vec![Step::of_driver(crate::model::InterfaceKind::Deploy, "deploy", 100)],
        plan: None,
        events: Vec::new(),
        leases: Vec::new(),
        seen: Vec::new(),
        stumbling: None,
        call_ends: None,
        held: None,
        strangers: Vec::new(),
        sight: Sight {
            trace,
            url: Some("http://10.0.0.1:8080".to_owned()),
            heartbeat: std::time::Duration::from_secs(300),
            logs: Some("/var/log/ramdisks".to_owned()),
            stumbles: None,
        },
        over: false,
    }
}

/// Work that began 1000 s ago.
fn work(flow: FlowName, stage: Stage, phase: Phase, why: Option<String>) -> Work {
    let since = secs(NOW - 1000);
    Work {
        stage,
        phase,
        why,
        attempt: 1,
        since,
        created_at: since,
        deadline_at: Some(secs(NOW + 800)),
        ..Work::for_node(flow, uuid::Uuid::nil(), since)
    }
}

fn seen(kind: Kind, ago: i64) -> Seen {
    Seen { kind, at: secs(NOW - ago), first: secs(NOW - ago), count: 1, text: "10.0.0.7".to_owned() }
}

/// A deploy that waits for a machine that was switched on 900 s ago, of which this was seen, so many seconds ago.
fn booting(all: &[(Kind, i64)]) -> Facts {
    let mut it = facts(State::DeployWait);
    it.work = Some(work(FlowName::Deploy, Stage::Step, Phase::Waiting, Some(WaitFor::FirstHeartbeat.to_string())));
    it.seen = vec![Seen { text: "rebooting".to_owned(), ..seen(Kind::PowerOrdered, 900) }];
    it.seen.extend(all.iter().map(|(kind, ago)| seen(*kind, *ago)));
    it.seen.sort_by_key(|seen| seen.at);
    it
}

fn with(mut facts: Facts, change: impl FnOnce(&mut Facts)) -> Facts {
    change(&mut facts);
    facts
}

fn waiting(what: WaitFor, detail: &str) -> Facts {
    with(booting(&[(Kind::Beat, 10)]), |it| {
        it.work = Some(work(FlowName::Deploy, Stage::Step, Phase::Waiting, Some(what.with(detail).to_string())));
    })
}

fn walking(flow: FlowName, stage: Stage, phase: Phase) -> Facts {
    with(facts(State::Deploying), |it| {
        it.work = Some(work(flow, stage, phase, None));
        it.node.reservation = Some("here".to_owned());
    })
}

/// Facts, the rule that speaks, whether something is wrong, and what the sentence must have in it.
fn cases() -> Vec<(Facts, &'static str, bool, &'static str)> {
    use Kind::*;
    let error = |state, text: &str| with(facts(state), |it| it.node.last_error = Some(text.to_owned()));
    let busy = |phase| walking(FlowName::Deploy, Stage::Step, phase);
    vec![
        (with(booting(&[]), |it| it.node.power_state = Some(PowerState::Off)), "machine is off", true, "switched off"),
        (booting(&[(Beat, 90), (BeatRefused, 20)]), "call refused", true, "10.0.0.7"),
        (booting(&[(Beat, 5)]), "agent has called", false, "called 5 s ago"),
        (booting(&[(ReportRefused, 5)]), "report refused", true, "10.0.0.7"),
        (booting(&[(Reported, 5)]), "agent has reported", false, "reported"),
        (booting(&[(LookedUp, 5)]), "agent was looked up", false, "was told"),
        (booting(&[(LookedUp, 300)]), "agent was looked up", true, "clock"),
        (booting(&[(LookedUp, 30), (TokenSpent, 5)]), "token is out", true, "once a boot"),
        (booting(&[(LookupRefused, 5)]), "lookup refused", true, "refused"),
        (booting(&[(RamdiskSent, 60), (LeasedFirmware, 5)]), "restarts with the ramdisk", true, "crashes"),
        (booting(&[(RamdiskSent, 60), (LeasedSystem, 40)]), "ramdisk has an address", false, "ramdisk runs"),
        (booting(&[(RamdiskSent, 400), (LeasedSystem, 390)]), "ramdisk has an address", true, "http://10.0.0.1:8080"),
        (booting(&[(RamdiskSent, 60)]), "ramdisk was fetched", false, "has the ramdisk"),
        (booting(&[(RamdiskSent, 600)]), "ramdisk was fetched", true, "crashed"),
        (booting(&[(Script, 60), (FileUnreadable, 50)]), "file cannot be read", true, "10.0.0.7"),
        (booting(&[(FileBegun, 60), (FileBroken, 50)]), "file broke off", true, "to the end"),
        (booting(&[(Script, 60), (OldPlan, 20)]), "old boot plan", false, "earlier boot"),
        (booting(&[(Script, 60), (KernelSent, 20)]), "fetches its files", false, "is fetching"),
        (booting(&[(Script, 600), (FileBegun, 400)]), "fetches its files", true, "has not ended"),
        (booting(&[(ScriptRefused, 5)]), "script refused", true, "another address"),
        (booting(&[(ScriptImpossible, 5)]), "script impossible", true, "iPXE script"),
        (
            with(booting(&[(Script, 400)]), |it| it.plan = Some(foreign())),
            "files from elsewhere",
            true,
            "http://files.example/kernel ",
        ),
        (booting(&[(Script, 5)]), "script was fetched", false, "told to boot from the network"),
        (booting(&[(Script, 100)]), "script was fetched", true, "neither kernel nor ramdisk"),
        (booting(&[(DiskScript, 5)]), "told to boot its disk", true, "its disk"),
        (booting(&[(NoUrl, 5)]), "iPXE without URL", true, "no provisioning listener"),
        (booting(&[(LoaderSent, 40), (LeasedIpxe, 5)]), "iPXE has an address", false, "loader runs"),
        (
            booting(&[(LoaderSent, 400), (LeasedIpxe, 390)]),
            "iPXE has an address",
            true,
            "cannot reach http://10.0.0.1:8080",
        ),
        (booting(&[(LeasedFirmware, 9), (LoaderSent, 5)]), "loader was fetched", false, "has its boot loader"),
        (booting(&[(LeasedFirmware, 99), (LoaderByHttp, 90)]), "loader was fetched", true, "secure boot"),
        (booting(&[(LeasedFirmware, 99), (LoaderAbsent, 5)]), "loader is absent", true, "not there"),
        (booting(&[(LeasedFirmware, 99), (LoaderBroken, 5)]), "loader broke off", true, "fell silent"),
        (booting(&[(LeasedFirmware, 5)]), "firmware has an address", false, "which loader"),
        (booting(&[(LeasedFirmware, 99)]), "firmware has an address", true, "has not asked for it"),
        (booting(&[(NoBootFile, 5)]), "card may not boot", true, "pxe_enabled"),
        (booting(&[(NoLoader, 5)]), "no loader for it", true, "no boot loader"),
        (booting(&[(LeasedSystem, 5)]), "booted something else", true, "from its disk"),
        (booting(&[(Offered, 9), (Elsewhere, 5)]), "another DHCP server", true, "10.0.0.7"),
        (booting(&[(NoAddress, 5)]), "no address for it", true, "none left"),
        (booting(&[(OtherNetwork, 5)]), "other network", true, "network"),
        (booting(&[(NotItsOwn, 5)]), "address trouble", true, "does not get the address"),
        (booting(&[(Offered, 5)]), "offer not taken", false, "was offered one"),
        (booting(&[(Offered, 60)]), "offer not taken", true, "does not take it"),
        (with(booting(&[]), |it| it.sight.trace = Trace::default()), "DHCP is not ours", true, "another server"),
        (booting(&[]), "nothing was heard", true, "No DHCP request of its cards (52:54:00:00:00:01)"),
        (with(booting(&[]), |it| it.seen[0].at = secs(NOW - 30)), "nothing was heard", false, "self-test"),
        (
            with(booting(&[]), |it| (it.seen[0].at, it.over) = (secs(NOW - 30), true)),
            "nothing was heard",
            true,
            "No DHCP request",
        ),
        (walking(FlowName::Allocate, Stage::Step, Phase::Waiting), "waiting allocation", false, "reserved"),
        (busy(Phase::Held), "held", false, "go on"),
        (
            with(waiting(WaitFor::StepEnd, "x"), |it| it.node.maintenance = true),
            "maintenance stands in the way",
            true,
            "maintenance",
        ),
        (with(waiting(WaitFor::StepEnd, "x"), ask_power), "power change is queued", false, "power"),
        (
            with(waiting(WaitFor::StepEnd, "x"), |it| it.node.reservation = Some("here".into())),
            "locked while it waits",
            false,
            "here",
        ),
        (waiting(WaitFor::OutOfReach, "no route to host"), "agent is out of reach", true, "no route to host"),
        (waiting(WaitFor::NextHeartbeat, "(no route to host)"), "agent is out of reach", true, "no route to host"),
        (with(waiting(WaitFor::StepEnd, "x"), |it| it.seen = vec![seen(Beat, 700)]), "agent is late", true, "11 min"),
        (
            waiting(WaitFor::StepEnd, "deploy.write_image"),
            "agent works on a step",
            false,
            "deploy.write_image (1 of 1)",
        ),
        (waiting(WaitFor::EarlierCommand, ""), "agent is busy", false, "earlier command"),
        (waiting(WaitFor::NextHeartbeat, ""), "next call", false, "every 300 s"),
        (waiting(WaitFor::RescuePassword, ""), "rescue password", false, "rescue password"),
        (
            with(waiting(WaitFor::StepEnd, "x"), |it| say(it, "a word of an older version")),
            "other wait",
            false,
            "a word of an older version",
        ),
        (with(busy(Phase::Begun), |it| it.seen = vec![seen(BmcFailed, 20)]), "BMC makes trouble", true, "10.0.0.7"),
        (
            with(busy(Phase::Begun), |it| it.seen = vec![seen(BmcFailed, 20), seen(PowerReached, 10)]),
            "step is done",
            false,
            "deploy.deploy",
        ),
        (
            with(busy(Phase::Begun), |it| it.seen = vec![seen(PowerReached, 20), seen(ImageAwaited, 10)]),
            "image is fetched",
            false,
            "fetches the image",
        ),
        (
            with(busy(Phase::Begun), |it| it.seen = vec![seen(ImageAwaited, 20), seen(DriveAwaited, 10)]),
            "config drive waits",
            false,
            "waits for memory",
        ),
        (
            with(busy(Phase::Begun), |it| (it.stumbling, it.call_ends) = (Some(stumbling()), Some(secs(NOW + 50)))),
            "BMC stumbles, and is asked",
            true,
            "No answer.",
        ),
        (
            with(busy(Phase::Ready), |it| it.held = Some(crate::model::Hold { since: 0, taken: None, file: None })),
            "store is in hold",
            true,
            "is a backup",
        ),
        (busy(Phase::Ready), "about to begin", false, "about to begin"),
        (walking(FlowName::Power, Stage::Prepare, Phase::Begun), "power changes", false, "was ordered"),
        (walking(FlowName::Clean, Stage::Prepare, Phase::Begun), "is prepared", false, "boot plan"),
        (walking(FlowName::Clean, Stage::Finish, Phase::Begun), "is ended", false, "last step"),
        (walking(FlowName::Clean, Stage::Unwind, Phase::Begun), "is cleaned up", true, "cleaned up"),
        (
            with(facts(State::Active), |it| it.node.reservation = Some("here".into())),
            "somebody holds it",
            false,
            "here",
        ),
        (
            with(facts(State::Active), |it| it.node.set_fault(Fault::Power, "silent".into())),
            "BMC fault",
            true,
            "Silent.",
        ),
        (facts(State::Deploying), "lost", true, "mistake of this service"),
        (facts(State::CleanHold), "held without work", true, "lost"),
        (error(State::DeployFailed, "it broke. Next: mend that."), "deployment failed", true, "It broke."),
        (error(State::CleanFailed, "it broke"), "cleaning failed", true, "It broke."),
        (error(State::InspectFailed, "it broke"), "inspection failed", true, "It broke."),
        (error(State::AdoptFailed, "it broke"), "adoption failed", true, "It broke."),
        (error(State::RescueFailed, "it broke"), "rescue failed", true, "It broke."),
        (error(State::UnrescueFailed, "it broke"), "unrescue failed", true, "It broke."),
        (error(State::ServiceFailed, "it broke"), "service failed", true, "It broke."),
        (error(State::Error, "it broke"), "undeployment failed", true, "It broke."),
        (error(State::Enroll, "no BMC"), "could not be verified", true, "No BMC."),
        (error(State::Active, "no power"), "last request failed", true, "No power."),
        (with(facts(State::Active), |it| it.node.maintenance = true), "in maintenance", false, "no reason was given"),
        (
            with(facts(State::Active), |it| it.stumbling = Some(stumbling())),
            "BMC stumbles",
            true,
            "3 commands in a row",
        ),
        (facts(State::Enroll), "enrolled", false, "never looked at"),
        (facts(State::Manageable), "manageable", false, "nobody's"),
        (facts(State::Available), "available", false, "free"),
        (facts(State::Active), "in use", false, "instance runs"),
        (facts(State::Rescue), "in rescue", false, "rescue ramdisk"),
    ]
}

fn foreign() -> crate::model::BootPlan {
    let boot = crate::model::boot_plan::Boot::Ramdisk {
        kernel: "http://u:secret@files.example/kernel?key=secret".into(),
        ramdisk: "/r".into(),
        arguments: String::new(),
    };
    crate::model::BootPlan { boot, key: "k".into() }
}

fn stumbling() -> Stumbling {
    let (since, next_poll_at) = (secs(NOW - 60), secs(NOW + 60));
    Stumbling { since, failures: 3, next_poll_at, reason: "no answer".to_owned() }
}

fn ask_power(facts: &mut Facts) {
    if let Some(work) = &mut facts.work {
        work.args.set("power", "power off");
    }
}

fn say(facts: &mut Facts, why: &str) {
    if let Some(work) = &mut facts.work {
        work.why = Some(why.to_owned());
    }
}

#[test]
fn every_rule_speaks_when_it_should_and_no_rule_is_without_a_case() {
    let mut spoken = BTreeSet::new();
    let mut wrong = Vec::new();
    for (facts, rule, trouble, part) in cases() {
        let Document { said, rule: spoke, .. } = explain(&facts);
        if (spoke, said.trouble) != (rule, trouble) || !said.why.contains(part) || said.why.contains("secret") {
            wrong.push(format!("{rule}, {trouble}, {part:?}: {spoke}, {said:?}"));
        }
        spoken.insert(spoke);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let all = boot::names().chain(waits::names()).chain(rest::names()).filter(|name| *name != "machine is awaited");
    let silent: Vec<_> = all.filter(|name| !spoken.contains(name)).collect();
    assert!(silent.is_empty(), "no case for {silent:?}");
}

/// Whatever the engine can be at, there is a sentence for it, and something that follows.
#[test]
fn every_wait_of_the_engine_has_its_sentence() {
    let mut looked_at = 0;
    for flow in FlowName::ALL {
        for stage in Stage::ALL {
            for phase in Phase::ALL {
                let whys: Vec<Option<WaitFor>> = match phase {
                    Phase::Waiting => WaitFor::ALL.iter().copied().map(Some).collect(),
                    Phase::Held => vec![Some(WaitFor::Unhold)],
                    Phase::Ready | Phase::Begun => vec![None],
                };
                for why in whys {
                    let mut it = facts(State::DeployWait);
                    it.work = Some(work(*flow, *stage, *phase, why.map(|why| why.to_string())));
                    let Document { doing, said, rule, since, until, then, waiting_for, verdict } = explain(&it);
                    let at = format!("{flow} {stage} {phase} {why:?}");
                    assert!(!rule.is_empty() && rule != "other wait" || why.is_some_and(is_no_agents), "{at}: {rule}");
                    assert!(said.why.len() > 20 && doing.len() > 5 && since.is_some(), "{at}: {said:?}");
                    assert!(!said.we.is_empty() || !said.you.is_empty(), "{at}: nothing follows");
                    let waits = *phase == Phase::Waiting;
                    assert_eq!(
                        (waiting_for.is_some(), until.is_some(), then.is_some()),
                        (why.is_some(), waits, waits),
                        "{at}"
                    );
                    assert!(said.trouble == (verdict == Verdict::Stuck), "{at}");
                    looked_at += 1;
                }
            }
        }
    }
    assert!(looked_at >= FlowName::ALL.len() * Stage::ALL.len() * (WaitFor::ALL.len() + 3));
}

/// Waits that are of no node that waits for an agent.
fn is_no_agents(what: WaitFor) -> bool {
    matches!(what, WaitFor::Unhold | WaitFor::BusyNodes)
}

#[test]
fn every_state_without_work_has_its_sentence_and_failures_have_a_way_on() {
    for state in State::ALL {
        let Document { said, verdict, .. } = explain(&facts(*state));
        assert!(said.why.len() > 10 && (!said.we.is_empty() || !said.you.is_empty()), "{state}: {said:?}");
        assert_eq!(said.trouble, matches!(verdict, Verdict::Failed | Verdict::Stuck), "{state}: {verdict}");
        if state.is_failed() {
            assert!(said.you.iter().any(|it| it.starts_with("baremetal node ")), "{state}: {said:?}");
        }
    }
}

#[test]
fn a_card_of_nobody_that_asks_meanwhile_is_offered_as_the_machines_own() {
    let stranger = Mac([0x52, 0x54, 0, 9, 9, 9]);
    let it = with(booting(&[]), |it| it.strangers = vec![(stranger, seen(Kind::UnknownCard, 5))]);
    let said = explain(&it).said;
    assert!(said.you.iter().any(|it| it.contains("52:54:00:09:09:09") && it.contains("port create")), "{said:?}");
    it.sight.trace.card(stranger, false, Kind::UnknownCard, "as BIOS firmware");
    let told = stranger::json(stranger, &it.sight.trace, it.now).unwrap_or_default();
    assert!(told["trouble"] == true && told["why"].as_str().is_some_and(|why| why.contains("No port has")), "{told}");
    assert!(stranger::json(Mac([2; 6]), &it.sight.trace, it.now).is_none());
}

#[test]
fn a_call_that_is_under_way_says_until_when() {
    let calls = |facts: Facts, in_secs: i64| with(facts, |it| it.call_ends = Some(secs(NOW + in_secs)));
    let busy = || walking(FlowName::Deploy, Stage::Step, Phase::Begun);
    let until = |facts: &Facts| {
        let told = explain(facts);
        (told.until, told.then.is_some())
    };
    assert_eq!(until(&busy()), (None, false));
    assert_eq!(until(&calls(busy(), 30)), (Some(secs(NOW + 30)), true));
    assert_eq!(until(&calls(busy(), -1)), (None, false), "it should have been over");
    // What waits has a deadline of its own, whoever else calls the hardware.
    assert_eq!(until(&calls(waiting(WaitFor::StepEnd, "x"), 30)), (Some(secs(NOW + 800)), true));
    let resting = facts(State::Available);
    assert_eq!(until(&calls(resting.clone(), 30)), (None, false), "polling is nothing that anybody waits for");
    let held = with(resting, |it| it.node.reservation = Some("here".to_owned()));
    assert_eq!(until(&calls(held, 30)), (Some(secs(NOW + 30)), true));
}

#[test]
fn a_failure_is_listed_once_and_an_address_keeps_its_letters() {
    let cause = "http://h/x.raw: cannot reach h: no route to host, whatever is tried.";
    let it = with(facts(State::DeployFailed), |it| {
        it.node.last_error = Some(with_next(cause, "deploy again."));
        it.seen = vec![Seen { text: format!("deploy: preparation: {cause}"), ..seen(Kind::Failed, 5) }];
    });
    assert!(explain(&it).said.why.starts_with("http://h/x.raw: cannot"), "{:?}", explain(&it).said);
    let listed = |it: &Facts| json(it)["last"].as_array().map_or(0, Vec::len);
    assert_eq!(listed(&it), 1, "the history has lost it");
    let told = with(it, |it| {
        it.events = vec![EventRecord {
            id: 1,
            uuid: it.node.uuid,
            node_uuid: Some(it.node.uuid),
            at: secs(NOW - 5),
            kind: EventKind::Failure,
            severity: "ERROR".to_owned(),
            event_type: "deploying".to_owned(),
            text: with_next(cause, "deploy again."),
            user: None,
            state: None,
            target_state: None,
            duration_ms: None,
        }];
    });
    assert_eq!(listed(&told), 1);
}

#[test]
fn a_card_of_nobody_is_named_while_the_machine_may_still_be_in_its_self_test() {
    let early = with(booting(&[]), |it| it.seen[0].at = secs(NOW - 30));
    assert_eq!(explain(&early).said.you, Vec::<String>::new());
    let it = with(early, |it| it.strangers = vec![(Mac([0x52, 0x54, 0, 9, 9, 9]), seen(Kind::UnknownCard, 5))]);
    let said = explain(&it).said;
    assert!(!said.trouble && said.you.iter().any(|it| it.contains("52:54:00:09:09:09")), "{said:?}");
}

#[test]
fn a_document_says_what_why_since_when_until_when_and_what_next() {
    let mut it = booting(&[]);
    let reason = "it is silent".to_owned();
    it.stumbling = Some(Stumbling { since: secs(NOW - 60), failures: 3, next_poll_at: secs(NOW + 60), reason });
    let told = json(&it);
    assert!(told["waiting_for"].is_string() && told["trouble"] == true && told["verdict"] == "stuck", "{told}");
    assert_eq!(
        (&told["since"], &told["until"]),
        (&json!(secs(NOW - 900).to_string()), &json!(secs(NOW + 800).to_string()))
    );
    assert_eq!((&told["bmc"]["failures"], &told["bmc"]["reason"]), (&json!(3), &json!("it is silent")));
    for (at, text) in [("why", &told["why"]), ("then", &told["then"]), ("you", &told["next"]["you"][0])] {
        assert!(text.as_str().is_some_and(|text| !text.is_empty()), "{at}: {told}");
    }
    let goes_on = json(&waiting(WaitFor::StepEnd, "deploy.write_image"));
    assert!(goes_on["next"]["we"].as_str().is_some_and(|we| we.starts_with("asks it when it calls")), "{goes_on}");
    assert!(told["last"].as_array().is_some_and(|last| !last.is_empty()), "{told}");
}
