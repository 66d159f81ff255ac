//! What the agent's command list says of one step. Pure.

use super::document::{execute, question};
use crate::model::{FlowName, Step};
use crate::wire::ipa::{CommandResult, CommandStatus};

/// How a step stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// The agent has executed nothing since it started, or since the flow asked it for its steps.
    Fresh,
    Running,
    Succeeded,
    /// With the agent's reason, and whether it is that the image did not come as it should.
    Failed {
        why: String,
        transfer: bool,
    },
    /// The ramdisk's hardware managers changed: the list of steps is void.
    VersionMismatch,
    /// The last thing that the agent did was something else.
    Elsewhere,
}

impl Progress {
    /// Judges by the last command that is not a mere question. `over` is the one that ended the flow's step before.
    ///
    /// A success names its step, so another step's is not taken for ours. A running or failed one does not; but the agent
    /// runs one command at a time, and after a failure no further step is sent, so it can only be ours. A ramdisk that
    /// was kept has done the same step for an earlier flow, and a flow may have it done twice: what was before the question
    /// for the flow's steps, or has ended a step already, says nothing of this one.
    pub fn of(commands: &[CommandResult], flow: FlowName, step: &Step, over: Option<&str>) -> Self {
        let Some(last) = last(commands, flow) else { return Progress::Fresh };
        if !last.is(&execute(flow)) || over == Some(&last.id) {
            return Progress::Elsewhere;
        }
        match last.command_status {
            CommandStatus::Running => Progress::Running,
            CommandStatus::Failed | CommandStatus::Unknown => {
                Progress::Failed { why: last.failure(), transfer: last.is_of_transfer() }
            }
            CommandStatus::VersionMismatch => Progress::VersionMismatch,
            CommandStatus::Succeeded => match last.step() {
                Some(named) if named["step"] != step.step.as_str() => Progress::Elsewhere,
                Some(named) if named["interface"].as_str().is_some_and(|it| it != step.interface.as_str()) => {
                    Progress::Elsewhere
                }
                _ => Progress::Succeeded,
            },
        }
    }
}

/// The last command that the agent was given for the flow and that is no question.
pub fn last(commands: &[CommandResult], flow: FlowName) -> Option<&CommandResult> {
    let asked = question(flow);
    let mut of_the_flow = commands.iter().rev().take_while(|command| !command.is(&asked));
    of_the_flow.find(|command| !is_question(command))
}

/// Commands that change nothing, which we send in between.
fn is_question(command: &CommandResult) -> bool {
    ["get_clean_steps", "get_deploy_steps", "get_service_steps", "get_partition_uuids", "collect_system_logs"]
        .iter()
        .any(|name| command.is(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{InterfaceKind, StepSource};
    use crate::wire::ipa::CommandError;

    fn step() -> Step {
        Step {
            interface: InterfaceKind::Deploy,
            step: "write_image".into(),
            args: Default::default(),
            priority: 80,
            abortable: true,
            requires_ramdisk: true,
            reboot_requested: false,
            source: StepSource::Driver,
            children: None,
        }
    }

    fn result(name: &str, status: CommandStatus, step: Option<&str>) -> CommandResult {
        CommandResult {
            id: "1".into(),
            command_name: name.into(),
            command_status: status,
            command_error: None,
            command_result: step.map(|step| json!({"deploy_step": {"step": step, "interface": "deploy"}})),
        }
    }

    #[test]
    fn only_the_last_command_that_is_no_question_counts() {
        use CommandStatus as S;
        let question = result("get_deploy_steps", S::Succeeded, None);
        let logs = result("collect_system_logs", S::Succeeded, None);
        let ours = result("execute_deploy_step", S::Succeeded, Some("write_image"));
        let earlier = result("execute_deploy_step", S::Succeeded, Some("inject_files"));
        let running = result("execute_deploy_step", S::Running, None);
        let foreign = result("execute_clean_step", S::Succeeded, Some("write_image"));
        let of = |list: &[&CommandResult]| {
            let list: Vec<_> = list.iter().map(|it| (*it).clone()).collect();
            Progress::of(&list, FlowName::Deploy, &step(), None)
        };
        assert_eq!(of(&[]), Progress::Fresh);
        assert_eq!(of(&[&question]), Progress::Fresh);
        assert_eq!(of(&[&ours, &question]), Progress::Fresh, "it was done for an earlier flow");
        assert_eq!(of(&[&ours, &question, &running]), Progress::Running);
        assert_eq!(of(&[&question, &earlier, &ours, &logs]), Progress::Succeeded);
        assert_eq!(of(&[&ours, &running]), Progress::Running);
        assert_eq!(of(&[&earlier]), Progress::Elsewhere);
        assert_eq!(of(&[&ours, &foreign]), Progress::Elsewhere);
        let done = CommandResult { id: "2".into(), ..ours.clone() };
        assert_eq!(
            Progress::of(std::slice::from_ref(&ours), FlowName::Deploy, &step(), Some("1")),
            Progress::Elsewhere
        );
        assert_eq!(Progress::of(&[ours, done], FlowName::Deploy, &step(), Some("1")), Progress::Succeeded);
        assert!(matches!(
            of(&[&result("execute_deploy_step", S::Failed, None)]),
            Progress::Failed { transfer: false, .. }
        ));
        assert!(matches!(of(&[&result("execute_deploy_step", S::Unknown, None)]), Progress::Failed { .. }));
        let mut cut = result("execute_deploy_step", S::Failed, None);
        cut.command_error = Some(CommandError::new("ImageDownloadError", 500, "Error downloading image", "cut off"));
        assert!(matches!(of(&[&cut]), Progress::Failed { transfer: true, .. }));
    }
}
