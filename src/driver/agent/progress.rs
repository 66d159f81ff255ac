//! What the agent's command list says of one step. Pure.

use crate::model::Step;
use crate::wire::ipa::{CommandResult, CommandStatus};

/// How a step stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// The agent has executed nothing since it started: it is fresh.
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
    /// Judges by the last command that is not a mere question. `command` is the one that carries steps
    /// (`deploy.execute_deploy_step`).
    ///
    /// A success names its step, so another step's is not taken for ours. A running or failed one does not; but the agent
    /// runs one command at a time, and after a failure no further step is sent, so it can only be ours.
    pub fn of(commands: &[CommandResult], command: &str, step: &Step) -> Self {
        let Some(last) = commands.iter().rev().find(|command| !is_question(command)) else { return Progress::Fresh };
        if !last.is(command) {
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
        let ours = result("execute_deploy_step", S::Succeeded, Some("write_image"));
        let earlier = result("execute_deploy_step", S::Succeeded, Some("inject_files"));
        let running = result("execute_deploy_step", S::Running, None);
        let foreign = result("execute_clean_step", S::Succeeded, Some("write_image"));
        let of = |list: &[&CommandResult]| {
            let list: Vec<_> = list.iter().map(|it| (*it).clone()).collect();
            Progress::of(&list, "deploy.execute_deploy_step", &step())
        };
        assert_eq!(of(&[]), Progress::Fresh);
        assert_eq!(of(&[&question]), Progress::Fresh);
        assert_eq!(of(&[&earlier, &ours, &question]), Progress::Succeeded);
        assert_eq!(of(&[&ours, &running]), Progress::Running);
        assert_eq!(of(&[&earlier]), Progress::Elsewhere);
        assert_eq!(of(&[&ours, &foreign]), Progress::Elsewhere);
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
