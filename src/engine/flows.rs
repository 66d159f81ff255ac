//! What each flow does around its steps: `prepare` before them, `finish` after them, `unwind` when it failed or was
//! aborted. The steps themselves belong to the interfaces.

use std::time::Duration;

use serde_json::Value;

use crate::driver::{Driver, DriverError, Outcome, Task};
use crate::model::{FlowName, InterfaceKind, PowerTarget, Step, WaitFor};
use crate::provision::steps;

/// The longest a `wait` step may sleep in place.
const NAP: Duration = Duration::from_secs(30);
/// How long collecting what a failed machine has to say, and switching it off, may take.
const UNWINDING: Duration = Duration::from_secs(180);

/// Before the first step. `again` says that a process died in it, so what it did may be there already.
pub async fn prepare(flow: FlowName, task: &mut Task, driver: Driver, again: bool) -> Result<Outcome, DriverError> {
    match flow {
        FlowName::Verify => verify(task, driver).await?,
        FlowName::Deploy => {
            // The machine must not come up with an agent of an earlier flow.
            driver.deploy.prepare(task).await?;
            driver.storage.attach(task).await?;
        }
        FlowName::Clean | FlowName::Service => return prepare_cleaning(flow, task, driver).await,
        FlowName::Inspect => return driver.inspect.inspect(task).await,
        FlowName::Adopt => {
            driver.boot.validate(task).await?;
            // What is adopted is on the disk. A ramdisk that was kept for what comes next is not it: nobody listens to it any
            // more, and the machine does not boot it again.
            driver.boot.clean_up_ramdisk(task).await?;
            task.changes.forget_agent = true;
            driver.deploy.take_over(task).await?;
        }
        FlowName::Delete => {
            let from = task.args.text("from").unwrap_or_default();
            if ["rescue", "rescue wait", "rescue failed", "unrescue failed"].contains(&from.as_str()) {
                driver.rescue.clean_up(task).await?;
            }
            driver.deploy.tear_down(task).await?;
            driver.storage.detach(task).await?;
        }
        FlowName::Power => return power(task, driver, again).await,
        FlowName::Rescue => return driver.rescue.rescue(task).await,
        FlowName::Unrescue => driver.rescue.unrescue(task).await?,
        FlowName::Allocate | FlowName::Passthru => {}
    }
    Ok(Outcome::Done)
}

/// The agent called while `prepare` waited for it.
pub async fn resume_prepare(flow: FlowName, task: &mut Task, driver: Driver) -> Result<Outcome, DriverError> {
    if flow == FlowName::Inspect {
        // Its report is what counts, and comes by another door.
        return Ok(Outcome::wait(WaitFor::Report));
    }
    fetch_agent_steps(flow, task, driver).await?;
    Ok(Outcome::Done)
}

/// Asks the agent for its steps, once for a flow.
pub async fn fetch_agent_steps(flow: FlowName, task: &mut Task, driver: Driver) -> Result<(), DriverError> {
    if !matches!(flow, FlowName::Deploy | FlowName::Clean | FlowName::Service) {
        return Ok(());
    }
    if task.args.get("agent_steps_known").is_none() {
        task.agent_steps = driver.deploy.agent_steps(task, flow).await?;
    }
    Ok(())
}

/// The steps that the node's interfaces offer to a flow. What an interface has begun on a machine for cleaning or service
/// is not broken off, as in Ironic: an abort waits for its end.
pub fn driver_steps(flow: FlowName, task: &Task, driver: Driver) -> Vec<Step> {
    let steps = InterfaceKind::ALL.iter().flat_map(|kind| driver.interface(*kind).steps(task, flow));
    let may_break_off = flow == FlowName::Deploy;
    steps.map(|step| Step { abortable: step.abortable && may_break_off, ..step }).collect()
}

/// A machine that was never looked at: can its power be read, and who made it?
async fn verify(task: &mut Task, driver: Driver) -> Result<(), DriverError> {
    driver.power.validate(task).await?;
    task.node.power_state = driver.power.state(task).await?;
    // Only some BMCs tell, and nothing depends on it but quirks.
    if let Ok(Some(vendor)) = driver.management.detect_vendor(task).await
        && task.node.properties.get("vendor").is_none()
    {
        task.node.properties.set("vendor", vendor);
    }
    if let Some(modes) = driver.management.boot_modes() {
        if let Ok(Some(mode)) = modes.boot_mode(task).await {
            task.node.boot_mode = Some(mode.as_str().to_owned());
        }
        if let Ok(Some(on)) = modes.secure_boot(task).await {
            task.node.secure_boot = Some(on);
        }
    }
    take_stock(task, driver).await;
    Ok(())
}

/// What the machine's BIOS and firmware are like now, for clients to see. One that does not tell stops nobody.
async fn take_stock(task: &mut Task, driver: Driver) {
    match driver.bios.read(task).await {
        Ok(Some(settings)) => task.changes.bios = Some(settings),
        Ok(None) => {}
        Err(error) => tracing::debug!(node = %task.node.uuid, %error, "BIOS settings were not read"),
    }
    match driver.firmware.read(task).await {
        Ok(Some(components)) => task.changes.firmware = Some(components),
        Ok(None) => {}
        Err(error) => tracing::debug!(node = %task.node.uuid, %error, "firmware versions were not read"),
    }
}

/// Boots the ramdisk, if cleaning is wanted at all and any of the steps needs it. `bare` in the arguments says that it
/// was not, so that nothing is torn down later.
async fn prepare_cleaning(flow: FlowName, task: &mut Task, driver: Driver) -> Result<Outcome, DriverError> {
    let manual = flow == FlowName::Service || task.args.get("manual") == Some(Value::Bool(true));
    let wanted = manual || task.node.automated_clean.unwrap_or(task.env.settings.automated_clean);
    if !wanted {
        task.args.set("bare", true);
        task.args.set("skip", true);
        return Ok(Outcome::Done);
    }
    driver.power.validate(task).await?;
    driver.network.validate(task).await?;
    take_stock(task, driver).await;
    if manual && !needs_ramdisk(flow, task, driver) {
        task.args.set("bare", true);
        return Ok(Outcome::Done);
    }
    match flow {
        FlowName::Service => driver.deploy.prepare_service(task).await,
        _ => driver.deploy.prepare_cleaning(task).await,
    }
}

/// Whether any step that was asked for needs the ramdisk; an unknown one may be the agent's, so it does.
fn needs_ramdisk(flow: FlowName, task: &Task, driver: Driver) -> bool {
    if task.args.get("disable_ramdisk") == Some(Value::Bool(true)) {
        return false;
    }
    let known = driver_steps(flow, task, driver);
    task.asked.iter().any(|ask| {
        let found = known.iter().find(|step| step.interface == ask.interface && step.step == ask.step);
        steps::unoffered(ask).is_none() && found.is_none_or(|step| step.requires_ramdisk)
    })
}

/// Whether `finish` has anything to do on the machine; if not, the flow is done with its last step.
pub fn has_finish(flow: FlowName, task: &Task) -> bool {
    match flow {
        FlowName::Clean | FlowName::Service => task.args.get("bare").is_none(),
        _ => false,
    }
}

/// After the last step.
pub async fn finish(flow: FlowName, task: &mut Task, driver: Driver) -> Result<Outcome, DriverError> {
    match flow {
        FlowName::Clean => driver.deploy.tear_down_cleaning(task).await?,
        FlowName::Service => driver.deploy.tear_down_service(task).await?,
        FlowName::Inspect => {
            // An inspection that was complete at once has no report.
            if let Some(data) = task.inspection_data.take() {
                driver.inspect.continue_inspection(task, &data).await?;
            }
        }
        _ => {}
    }
    Ok(Outcome::Done)
}

/// Whether a failed or aborted flow leaves something to clean up.
pub fn has_unwind(flow: FlowName) -> bool {
    matches!(flow, FlowName::Deploy | FlowName::Clean | FlowName::Service | FlowName::Inspect | FlowName::Rescue)
}

/// After a failure or an abort, while the node already says so. Trouble here is logged, not fatal: the node has failed.
pub async fn unwind(flow: FlowName, task: &mut Task, driver: Driver) -> Result<Outcome, DriverError> {
    let aborted = task.args.get("aborted") == Some(Value::Bool(true));
    let bare = task.args.get("bare").is_some();
    let work = async {
        if !aborted && !bare && matches!(flow, FlowName::Deploy | FlowName::Clean | FlowName::Service) {
            driver.deploy.collect_logs(task).await;
        }
        match flow {
            FlowName::Deploy => driver.deploy.unwind(task).await,
            FlowName::Inspect => driver.inspect.unwind(task).await,
            FlowName::Clean | FlowName::Service if bare => Ok(()),
            // A cleaning that failed leaves the ramdisk running, for whoever comes to look; an aborted one does not.
            FlowName::Clean if aborted => driver.deploy.tear_down_cleaning(task).await,
            FlowName::Service => driver.deploy.tear_down_service(task).await,
            FlowName::Rescue if aborted => driver.rescue.clean_up(task).await,
            FlowName::Rescue => driver.rescue.unwind(task).await,
            _ => Ok(()),
        }
    };
    let result: Result<(), DriverError> = match tokio::time::timeout(UNWINDING, work).await {
        Ok(result) => result,
        Err(_) => Err(DriverError::TimedOut(format!("cleaning up took longer than {} s", UNWINDING.as_secs()))),
    };
    if let Err(error) = result {
        tracing::warn!(node = %task.node.uuid, flow = %flow, %error, "cleaning up after the flow failed");
        // An owner who aborts expects to have the machine back, and has to be told if that cannot be.
        if aborted && matches!(flow, FlowName::Service | FlowName::Rescue) {
            return Err(error);
        }
    }
    Ok(Outcome::Done)
}

/// Carries out one of the steps that are the engine's own.
pub async fn reserved(step: &Step, task: &mut Task, driver: Driver) -> Result<Outcome, DriverError> {
    let target = match step.step.as_str() {
        "power_on" => PowerTarget::On,
        "power_off" => PowerTarget::Off,
        "reboot" => PowerTarget::Reboot,
        "hold" => return Ok(Outcome::Hold),
        _ => {
            let Some(seconds) = step.args.get("seconds").and_then(Value::as_u64) else {
                return Ok(Outcome::wait(WaitFor::NextHeartbeat));
            };
            task.env.clock.sleep(Duration::from_secs(seconds).min(NAP)).await;
            return Ok(Outcome::Done);
        }
    };
    driver.set_power(task, target, None).await?;
    Ok(Outcome::Done)
}

/// A power change that a client asked for. After a crash a reboot may be half way: the machine is brought up, not
/// switched off again.
pub async fn power(task: &mut Task, driver: Driver, again: bool) -> Result<Outcome, DriverError> {
    let asked = task.args.text("power").and_then(|word| PowerTarget::parse(&word));
    let Some(mut target) = asked else { return Ok(Outcome::Done) };
    if again && target.result() == crate::model::PowerState::On {
        target = PowerTarget::On;
    }
    let within = task.args.get("power_timeout_secs").and_then(|secs| secs.as_u64()).map(Duration::from_secs);
    driver.set_power(task, target, within).await?;
    Ok(Outcome::Done)
}
