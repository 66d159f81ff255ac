//! What is to be done after a failure, and what a deadline does: a row for each flow.

use crate::model::FlowName;
use crate::provision::Event;

struct Row {
    flow: FlowName,
    /// What a person does once the cause is mended; ends `last_error`.
    failed: &'static str,
    /// The same after an abort.
    aborted: &'static str,
    /// What happens when the agent is not heard in time.
    deadline: &'static str,
}

#[rustfmt::skip]
const ROWS: &[Row] = &[
    Row { flow: FlowName::Deploy, failed: "mend that and deploy again, or undeploy it.", aborted: "deploy it again, or undeploy it.", deadline: "the deployment fails and the machine is switched off" },
    Row { flow: FlowName::Clean, failed: "mend that, take it back with \"manage\", and clean or provide it again.", aborted: "take it back with \"manage\", and clean or provide it again.", deadline: "the cleaning fails" },
    Row { flow: FlowName::Service, failed: "mend that and service it again, or abort to have the instance back.", aborted: "service it again when it is wanted.", deadline: "the service fails" },
    Row { flow: FlowName::Inspect, failed: "mend that and inspect it again.", aborted: "inspect it again, or take it back with \"manage\".", deadline: "the inspection fails and the machine is switched off" },
    Row { flow: FlowName::Rescue, failed: "mend that and rescue it again, or unrescue it.", aborted: "rescue it again, or unrescue it.", deadline: "the rescue fails and the machine is switched off" },
    Row { flow: FlowName::Unrescue, failed: "mend that and unrescue it again.", aborted: "unrescue it again.", deadline: "" },
    Row { flow: FlowName::Adopt, failed: "mend that and adopt it again.", aborted: "adopt it again.", deadline: "" },
    Row { flow: FlowName::Verify, failed: "mend that and ask for \"manage\" again.", aborted: "ask for \"manage\" again.", deadline: "" },
    Row { flow: FlowName::Delete, failed: "mend that and undeploy it again.", aborted: "undeploy it again.", deadline: "" },
    Row { flow: FlowName::Power, failed: "mend that and set the power again.", aborted: "set the power again.", deadline: "" },
    Row { flow: FlowName::Allocate, failed: "free a node that fits and create the allocation again.", aborted: "create the allocation again.", deadline: "the allocation is given up, with an error" },
    Row { flow: FlowName::Passthru, failed: "mend that and ask again.", aborted: "ask again.", deadline: "" },
];

fn row(flow: FlowName) -> &'static Row {
    ROWS.iter().find(|row| row.flow == flow).unwrap_or(&ROWS[ROWS.len() - 1])
}

/// What to do after a flow has ended badly.
pub fn after(flow: FlowName, event: Event) -> &'static str {
    if event == Event::Abort { row(flow).aborted } else { row(flow).failed }
}

/// What happens at the deadline of a wait.
pub fn at_deadline(flow: FlowName) -> &'static str {
    row(flow).deadline
}

const NEXT: &str = "Next: ";

/// A `last_error`: the cause as a sentence, then what to do.
pub fn with_next(cause: &str, next: &str) -> String {
    let cause = cause.trim_end();
    let stop = if cause.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{cause}{stop} {NEXT}{next}")
}

/// The cause in a `last_error`, without what to do.
pub fn cause(last_error: &str) -> &str {
    last_error.rsplit_once(NEXT).map_or(last_error, |(cause, _)| cause).trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flow_has_its_row_and_a_cause_becomes_a_sentence_once() {
        for flow in FlowName::ALL {
            assert_eq!(row(*flow).flow, *flow);
            assert!(after(*flow, Event::Fail).ends_with('.') && after(*flow, Event::Abort).ends_with('.'));
            let waits = crate::provision::flows::flow(*flow).is_some_and(|row| row.timeout.is_some());
            assert!(!waits || !at_deadline(*flow).is_empty(), "{flow} can wait");
        }
        for (cause_is, whole) in [("it broke", "it broke. Next: x."), ("Is it on?", "Is it on? Next: x.")] {
            let text = with_next(cause_is, "x.");
            assert_eq!(text, whole);
            assert!(cause(&text).starts_with(cause_is));
        }
    }
}
