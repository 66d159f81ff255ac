//! In which order a flow does its work.
//!
//! Steps come from the driver's interfaces, from the agent, from templates and from the request. By priority, highest
//! first; of two with equal priority the one whose interface ranks higher; priority 0 means "only if asked for".
//! Steps that a client gives for cleaning run in the order given.

use super::asked::AskedStep;
use crate::model::{InterfaceKind, Step};

/// Highest priority first, then the interface's rank; equal ones keep their order.
pub fn sort(steps: &mut [Step]) {
    steps.sort_by_key(|step| std::cmp::Reverse((step.priority, step.interface.rank())));
}

/// The core step that boots the ramdisk. It can be removed, but not replaced by a client's step.
pub fn is_core_deploy(interface: InterfaceKind, step: &str) -> bool {
    interface == InterfaceKind::Deploy && step == "deploy"
}

/// Merges the driver's and the agent's `available` steps with what was asked for in a deploy: an asked step replaces the
/// available one of the same name and takes its arguments and priority from the client; priority 0 removes it. Steps
/// nobody offers are returned as the error, by name.
pub fn merge_deploy(available: &[Step], asked: &[AskedStep]) -> Result<Vec<Step>, String> {
    let mut steps: Vec<Step> = available.iter().filter(|step| step.priority > 0).cloned().collect();
    for ask in asked {
        let known = available.iter().find(|step| step.interface == ask.interface && step.step == ask.step);
        let Some(known) = known else {
            return Err(format!("{}.{}", ask.interface.as_str(), ask.step));
        };
        steps.retain(|step| step.interface != ask.interface || step.step != ask.step);
        let priority = ask.priority.unwrap_or(known.priority);
        if priority > 0 {
            steps.push(Step { args: ask.args.clone(), priority, ..known.clone() });
        }
    }
    sort(&mut steps);
    Ok(steps)
}

/// Resolves the steps of a manual cleaning or service against what is available, keeping the client's order.
pub fn resolve_in_order(available: &[Step], asked: &[AskedStep]) -> Result<Vec<Step>, String> {
    asked
        .iter()
        .map(|ask| {
            available
                .iter()
                .find(|step| step.interface == ask.interface && step.step == ask.step)
                .map(|known| Step { args: ask.args.clone(), ..known.clone() })
                .ok_or_else(|| format!("{}.{}", ask.interface.as_str(), ask.step))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(interface: InterfaceKind, name: &str, priority: i64) -> AskedStep {
        AskedStep { priority: Some(priority), ..AskedStep::new(interface, name) }
    }

    fn names(steps: &[Step]) -> Vec<String> {
        steps.iter().map(Step::name).collect()
    }

    #[test]
    fn equal_priorities_are_ordered_by_interface() {
        use InterfaceKind::*;
        let mut steps = vec![
            Step::of_driver(Raid, "a", 50),
            Step::of_driver(Deploy, "b", 50),
            Step::of_driver(Power, "c", 50),
            Step::of_driver(Bios, "d", 60),
        ];
        sort(&mut steps);
        assert_eq!(names(&steps), ["bios.d", "power.c", "deploy.b", "raid.a"]);
    }

    #[test]
    fn a_client_adds_moves_and_removes_deploy_steps() {
        use InterfaceKind::*;
        let have = [
            Step::of_driver(Deploy, "deploy", 100),
            Step::of_driver(Deploy, "write_image", 80),
            Step::of_driver(Bios, "factory_reset", 0),
        ];
        let want = [asked(Bios, "factory_reset", 90), asked(Deploy, "write_image", 0)];
        assert_eq!(
            merge_deploy(&have, &want).map(|s| names(&s)),
            Ok(vec!["deploy.deploy".into(), "bios.factory_reset".into()])
        );
        assert_eq!(merge_deploy(&have, &[asked(Raid, "nope", 1)]), Err("raid.nope".to_owned()));
    }
}
