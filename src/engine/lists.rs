//! Making a flow's step list: what the driver and the agent offer, against what was asked for.

use super::flows;
use crate::driver::traits::Argument;
use crate::driver::{Driver, Task};
use crate::model::{FlowName, Step};
use crate::provision::asked::AskedStep;
use crate::provision::steps;

/// What a node can do in a flow.
#[derive(Default)]
pub struct Offer {
    steps: Vec<(Step, Option<&'static [Argument]>)>,
}

/// How a list is to be made.
#[derive(Clone, Copy, Debug, Default)]
pub struct How {
    /// The client's steps in the client's order, and no others: manual cleaning and service.
    pub in_order: bool,
    /// The agent has told its steps, or there is none: what nobody offers does not exist.
    pub complete: bool,
    /// The client wants no ramdisk booted.
    pub without_ramdisk: bool,
}

impl Offer {
    /// What the interfaces of a node's driver offer.
    pub fn of_driver(flow: FlowName, task: &Task, driver: Driver) -> Self {
        let steps = flows::driver_steps(flow, task, driver).into_iter().map(|step| {
            let arguments = driver.interface(step.interface).arguments(&step.step);
            (step, arguments)
        });
        Offer { steps: steps.collect() }
    }

    /// The same and what the agent offers. A step that both offer is the driver's: it knows how to talk to the agent
    /// about it.
    fn with_agent(&self, agent: &[Step]) -> Vec<(Step, Option<&'static [Argument]>)> {
        let mut all = self.steps.clone();
        for step in agent {
            if !all.iter().any(|(known, _)| known.interface == step.interface && known.step == step.step) {
                all.push((step.clone(), None));
            }
        }
        all
    }

    /// Whether a deploy could do what it is asked to, as far as that is known before an agent runs.
    pub fn check_deploy(&self, asked: &[AskedStep]) -> Result<(), String> {
        self.list(&[], asked, How::default()).map(drop)
    }

    /// The list; the error says what is wrong, in a sentence.
    pub fn list(&self, agent: &[Step], asked: &[AskedStep], how: How) -> Result<Vec<Step>, String> {
        let available = self.with_agent(agent);
        let mut chosen = Vec::new();
        for ask in asked {
            let known = available.iter().find(|(step, _)| step.interface == ask.interface && step.step == ask.step);
            if let Some(own) = steps::unoffered(ask) {
                chosen.push((ask, own));
            } else if let Some((step, arguments)) = known {
                check(ask, step, *arguments, how)?;
                chosen.push((ask, step.clone()));
            } else if how.complete {
                return Err(format!("There is no step {} on this node, so it was not begun.", ask.name()));
            }
        }
        if how.in_order {
            return Ok(chosen.into_iter().map(|(ask, step)| Step { args: ask.args.clone(), ..step }).collect());
        }
        if let Some(twice) = steps::twice(asked) {
            return Err(format!("The step {} is asked for more than once.", twice.name()));
        }
        let available: Vec<Step> = available.into_iter().map(|(step, _)| step).collect();
        Ok(steps::merge_deploy(&available, &chosen))
    }
}

/// Whether a step can be done as it is asked for.
fn check(ask: &AskedStep, step: &Step, arguments: Option<&[Argument]>, how: How) -> Result<(), String> {
    let name = ask.name();
    let removed = !how.in_order && ask.priority == Some(0);
    if let Some(arguments) = arguments {
        if let Some(other) = ask.args.keys().find(|key| !arguments.iter().any(|known| known.name == key.as_str())) {
            return Err(format!("Step {name} has the unexpected argument {other}."));
        }
        let missing = arguments.iter().find(|known| known.required && !ask.args.contains_key(known.name));
        if let (Some(missing), false) = (missing, removed) {
            return Err(format!("Step {name} misses its argument {} ({}).", missing.name, missing.text));
        }
    }
    if how.without_ramdisk && step.requires_ramdisk {
        return Err(format!("Step {name} requires booting a ramdisk."));
    }
    if !how.in_order && !removed && steps::is_core_deploy(step.interface, &step.step) {
        return Err(format!(
            "Step {name} is a core step and cannot be replaced; it can be disabled by setting its priority to 0."
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::InterfaceKind::{Bios, Deploy, Raid};

    const SETTINGS: &[Argument] = &[Argument { name: "settings", text: "what to set", required: true }];

    fn offer() -> Offer {
        Offer {
            steps: vec![
                (Step::of_driver(Deploy, "deploy", 100), None),
                (Step { requires_ramdisk: false, ..Step::of_driver(Bios, "apply", 0) }, Some(SETTINGS)),
                (Step::of_driver(Raid, "delete", 0), Some(&[])),
            ],
        }
    }

    fn ask(step: &str, args: &[&str], priority: i64) -> AskedStep {
        let (interface, step) = step.split_once('.').unwrap_or_default();
        let interface = crate::model::InterfaceKind::parse(interface).unwrap_or(Bios);
        let args = args.iter().map(|name| ((*name).to_owned(), 1.into())).collect();
        AskedStep { args, priority: Some(priority), ..AskedStep::new(interface, step) }
    }

    #[test]
    fn what_cannot_be_done_as_asked_is_refused_in_a_sentence() {
        let deploy = How { complete: true, ..How::default() };
        let clean = How { in_order: true, complete: true, without_ramdisk: false };
        let bare = How { without_ramdisk: true, ..clean };
        for (asked, how, refused) in [
            (ask("bios.apply", &["settings"], 50), deploy, None),
            (ask("bios.apply", &[], 50), deploy, Some("misses its argument settings")),
            (ask("bios.apply", &[], 0), deploy, None),
            (ask("bios.apply", &["settings", "x"], 0), deploy, Some("unexpected argument x")),
            (ask("raid.delete", &["x"], 1), clean, Some("unexpected argument x")),
            (ask("raid.delete", &[], 0), bare, Some("requires booting a ramdisk")),
            (ask("bios.apply", &["settings"], 0), bare, None),
            (ask("raid.wait", &["seconds"], 0), bare, None),
            (ask("deploy.deploy", &[], 50), deploy, Some("core step")),
            (ask("deploy.deploy", &[], 0), deploy, None),
            (ask("raid.imagined", &[], 50), deploy, Some("no step raid.imagined")),
            (ask("raid.imagined", &[], 50), How::default(), None),
        ] {
            let list = offer().list(&[], std::slice::from_ref(&asked), how);
            let why = list.as_ref().err().map(String::as_str).unwrap_or_default();
            assert!(list.is_ok() == refused.is_none() && why.contains(refused.unwrap_or_default()), "{asked:?}: {why}");
        }
        let double = [ask("raid.delete", &[], 1), ask("raid.delete", &[], 2)];
        assert!(offer().check_deploy(&double).is_err());
        assert_eq!(offer().list(&[], &double, clean).map(|list| list.len()), Ok(2), "cleaning may repeat itself");
    }
}
