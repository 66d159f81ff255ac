//! In which order a flow does its work.
//!
//! Steps come from the driver's interfaces, from the agent, from templates and from the request. By priority, highest
//! first; of two with equal priority the one whose interface ranks higher; priority 0 means "only if asked for".
//! Steps that a client gives for cleaning run in the order given.

use super::asked::AskedStep;
use crate::model::{InterfaceKind, Step, StepSource};

/// Highest priority first, then the interface's rank; equal ones keep their order.
pub fn sort(steps: &mut [Step]) {
    steps.sort_by_key(|step| std::cmp::Reverse((step.priority, step.interface.rank())));
}

/// The core step that boots the ramdisk. It can be removed, but not replaced by a client's step.
pub fn is_core_deploy(interface: InterfaceKind, step: &str) -> bool {
    interface == InterfaceKind::Deploy && step == "deploy"
}

/// Names that any interface may carry and that the engine itself carries out.
pub fn is_reserved(name: &str) -> bool {
    matches!(name, "power_on" | "power_off" | "reboot" | "hold" | "wait")
}

/// A step that needs nobody to offer it: one of the engine's own, or one for the node's children.
pub fn unoffered(ask: &AskedStep) -> Option<Step> {
    if ask.children.is_none() && !is_reserved(&ask.step) {
        return None;
    }
    Some(Step {
        args: ask.args.clone(),
        requires_ramdisk: false,
        source: if is_reserved(&ask.step) { StepSource::Reserved } else { StepSource::Driver },
        children: ask.children.clone(),
        ..Step::of_driver(ask.interface, &ask.step, ask.priority.unwrap_or(0))
    })
}

/// Merges what was asked for in a deploy, `(what was asked, the step that it is)`, with the `available` steps: an asked
/// step replaces the available one of the same name and takes its arguments and priority from the client; priority 0
/// removes it.
pub fn merge_deploy(available: &[Step], asked: &[(&AskedStep, Step)]) -> Vec<Step> {
    let replaced = |step: &Step| asked.iter().any(|(ask, _)| ask.interface == step.interface && ask.step == step.step);
    let mut steps: Vec<Step> = available.iter().filter(|step| step.priority > 0 && !replaced(step)).cloned().collect();
    for (ask, known) in asked {
        let priority = ask.priority.unwrap_or(known.priority);
        if priority > 0 {
            steps.push(Step { args: ask.args.clone(), priority, ..known.clone() });
        }
    }
    sort(&mut steps);
    steps
}

/// What a deploy is asked to do: the client's own steps, and those of the templates that it calls for unless the client
/// has its own word on them.
pub fn with_templates(own: &[AskedStep], templates: Vec<AskedStep>) -> Vec<AskedStep> {
    let new = templates.into_iter().filter(|step| !own.iter().any(|other| other.is_same(step)));
    own.iter().cloned().chain(new).collect()
}

/// The first step that stands twice in a list.
pub fn twice(asked: &[AskedStep]) -> Option<&AskedStep> {
    let again = |i: &usize| asked[..*i].iter().any(|other| other.is_same(&asked[*i]));
    (0..asked.len()).find(again).map(|i| &asked[i])
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
        let want = [asked(Bios, "factory_reset", 90), asked(Deploy, "write_image", 0), asked(Power, "hold", 50)];
        let hold = unoffered(&want[2]).into_iter().map(|step| (&want[2], step));
        let pairs: Vec<_> =
            [(&want[0], have[2].clone()), (&want[1], have[1].clone())].into_iter().chain(hold).collect();
        assert_eq!(names(&merge_deploy(&have, &pairs)), ["deploy.deploy", "bios.factory_reset", "power.hold"]);
    }

    #[test]
    fn a_client_has_the_last_word_on_what_a_template_says() {
        use InterfaceKind::*;
        let own = [asked(Bios, "a", 0)];
        let all = with_templates(&own, vec![asked(Bios, "a", 50), asked(Raid, "b", 60)]);
        assert_eq!(all, [asked(Bios, "a", 0), asked(Raid, "b", 60)]);
        assert_eq!(twice(&all), None);
        assert_eq!(twice(&[asked(Bios, "a", 1), asked(Raid, "b", 1), asked(Bios, "a", 2)]), Some(&asked(Bios, "a", 2)));
    }
}
