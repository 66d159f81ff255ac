//! The deploy interfaces `direct`, `custom-agent` and `ramdisk`: an image onto the disk by way of the agent, whatever the
//! client's steps put there, or an instance that is booted from the network and never on the disk. Cleaning and servicing by
//! the agent are the same for all three.
//!
//! | step | what it does | after a crash |
//! |---|---|---|
//! | deploy 100 | boots the ramdisk, unless one runs already (fast track); `ramdisk`: boots the instance, and that is all | again |
//! | write_image 80 (direct only) | the agent fetches the image from our cache and writes it | ask the agent; again if we cut it off |
//! | prepare_instance_boot 60 | boot loader registered with UEFI firmware, disk as boot device | again |
//! | tear_down_agent 40 | the agent, else the BMC, switches off | again |
//! | switch_to_tenant_network 30 | nothing: machines keep their network | again |
//! | boot_instance 20 | power on | again |
//!
//! Everything that `steps` does not list is a step of the agent's own, which it is asked to do by name.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::machine::{end_ramdisk, power_off, restart, start, tear_down_agent};
use super::{AgentClient, drive, fast_track, image, logs, raid, steps};
use crate::driver::boot_mode::{self, BootMode};
use crate::driver::traits::{Done, Fut, RamdiskFor};
use crate::driver::{Deploy, Driver, DriverError, Interface, OnCrash, Outcome, Property, Task};
use crate::model::{Fault, FlowName, InterfaceKind, Step, StepSource, WaitFor};

/// How long the agent may take to register a boot loader.
const BOOT_LOADER: Duration = Duration::from_secs(600);
const QUESTION: Duration = Duration::from_secs(60);

const STEPS: [(&str, i64); 6] = [
    ("deploy", 100),
    ("write_image", 80),
    ("prepare_instance_boot", 60),
    ("tear_down_agent", 40),
    ("switch_to_tenant_network", 30),
    ("boot_instance", 20),
];

/// Key of `driver_internal_info`: a ramdisk stands in the instance's place.
const SERVICING: &str = "agent_start_attempted";

/// See the head of this file.
pub struct Direct(Instance);

/// Where the instance comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Instance {
    /// The node's image is written to the disk.
    Image,
    /// The client's steps put something on the disk.
    Steps,
    /// The node's kernel and ramdisk, or its ISO image, are booted from the network each time.
    Ramdisk,
}

impl Direct {
    pub const WITH_IMAGE: Direct = Direct(Instance::Image);
    pub const WITHOUT_IMAGE: Direct = Direct(Instance::Steps);
    pub const RAMDISK: Direct = Direct(Instance::Ramdisk);
}

/// What Ironic's has beside the keys of the boot interface. Images come through this service, so most say nothing here.
const PROPERTIES: &[Property] = &[
    Property {
        name: "agent_verify_ca",
        text: "Not used: the agent's certificate is the one that it announces. Optional.",
    },
    Property { name: "deploy_forces_oob_reboot", text: "Not used: the machine is switched off and on. Optional." },
    Property { name: "image_download_source", text: "Not used: images always come through this service. Optional." },
    Property { name: "image_http_proxy", text: "Not used: agents fetch from this service without a proxy. Optional." },
    Property { name: "image_https_proxy", text: "Not used: agents fetch from this service without a proxy. Optional." },
    Property { name: "image_no_proxy", text: "Not used: agents fetch from this service without a proxy. Optional." },
];

impl Interface for Direct {
    fn properties(&self) -> &'static [Property] {
        PROPERTIES
    }

    fn validate<'a>(&'a self, task: &'a Task) -> Done<'a> {
        Box::pin(async move {
            Driver::of(&task.node)?.boot.validate(task).await?;
            boot_mode::check_secure_boot(task).await?;
            match self.0 {
                Instance::Image => image::validate(task).await,
                Instance::Steps => {
                    drive::check(task).await?;
                    boot_mode::of(&task.node).map(drop)
                }
                Instance::Ramdisk => validate_ramdisk(task),
            }
        })
    }

    fn steps(&self, _task: &Task, flow: FlowName) -> Vec<Step> {
        if flow != FlowName::Deploy {
            return vec![];
        }
        let has = |name: &str| match self.0 {
            Instance::Image => true,
            Instance::Steps => name != "write_image",
            Instance::Ramdisk => name == "deploy",
        };
        STEPS.iter().filter(|(name, _)| has(name)).map(|(name, it)| step(name, *it)).collect()
    }

    fn run_step<'a>(&'a self, task: &'a mut Task, step: &'a Step) -> Done<'a, Outcome> {
        Box::pin(async move {
            let flow = task.flow.unwrap_or(FlowName::Deploy);
            match (step.source, step.step.as_str()) {
                (StepSource::Driver, "deploy") if self.0 == Instance::Ramdisk => boot_instance(task).await,
                (StepSource::Driver, "deploy") => boot_ramdisk(task).await,
                (StepSource::Driver, "write_image") => write_image(task, step).await,
                (StepSource::Driver, "prepare_instance_boot") => prepare_instance_boot(task).await,
                (StepSource::Driver, "tear_down_agent") => tear_down_agent(task).await,
                (StepSource::Driver, "switch_to_tenant_network") => Ok(Outcome::Done),
                (StepSource::Driver, "boot_instance") => {
                    start(task).await?;
                    Ok(Outcome::Done)
                }
                (StepSource::Driver, other) => Err(DriverError::unsupported(format!("there is no step {other}"))),
                (StepSource::Agent | StepSource::Reserved, _) => steps::send(task, flow, step, None).await,
            }
        })
    }

    fn resume_step<'a>(&'a self, task: &'a mut Task, step: &'a Step) -> Done<'a, Outcome> {
        Box::pin(async move {
            let flow = task.flow.unwrap_or(FlowName::Deploy);
            match (step.source, step.step.as_str()) {
                (StepSource::Driver, "write_image") => match steps::look(task, flow, step).await? {
                    steps::Look::Settled(outcome) => Ok(outcome),
                    steps::Look::Done(_) => Ok(Outcome::Done),
                    steps::Look::Again => write_image(task, step).await,
                },
                // The ramdisk is up, which is all that it waited for.
                (StepSource::Driver, _) => Ok(Outcome::Done),
                (StepSource::Agent | StepSource::Reserved, _) => steps::resume(task, flow, step).await,
            }
        })
    }

    fn on_crash(&self, step: &Step) -> OnCrash {
        match (step.source, step.step.as_str()) {
            (StepSource::Agent, _) | (_, "write_image") => OnCrash::Ask,
            _ => OnCrash::Repeat,
        }
    }
}

impl Deploy for Direct {
    fn prepare<'a>(&'a self, task: &'a mut Task) -> Done<'a> {
        Box::pin(async move {
            boot_mode::check_secure_boot(task).await?;
            for key in ["root_uuid_or_disk_id", "hardware_manager_version"] {
                task.node.driver_internal_info.remove(key);
            }
            if self.0 != Instance::Image {
                return Ok(());
            }
            let mode = boot_mode::of(&task.node)?.as_str();
            task.node.driver_internal_info.set("deploy_boot_mode", mode);
            task.node.driver_internal_info.set("is_whole_disk_image", !image::is_partition(task));
            // The image comes in while the machine boots.
            image::prefetch(task).await
        })
    }

    fn unwind<'a>(&'a self, task: &'a mut Task) -> Done<'a> {
        Box::pin(async move {
            image::release(task);
            power_off(task).await
        })
    }

    fn collect_logs<'a>(&'a self, task: &'a Task) -> Fut<'a, ()> {
        Box::pin(logs::collect(task))
    }

    fn tear_down<'a>(&'a self, task: &'a mut Task) -> Done<'a> {
        Box::pin(async move {
            image::release(task);
            Driver::of(&task.node)?.boot.clean_up_instance(task).await?;
            power_off(task).await?;
            if let Err(error) = boot_mode::set_secure_boot(task, false).await {
                tracing::warn!(node = %task.node.uuid, %error, "secure boot was left on");
            }
            Ok(())
        })
    }

    fn prepare_cleaning<'a>(&'a self, task: &'a mut Task) -> Done<'a, Outcome> {
        Box::pin(async move {
            erase_settings(task);
            boot_ramdisk(task).await
        })
    }

    fn tear_down_cleaning<'a>(&'a self, task: &'a mut Task) -> Done<'a> {
        Box::pin(async move {
            if fast_track::alive(task).await {
                return Ok(());
            }
            Driver::of(&task.node)?.boot.clean_up_ramdisk(task).await?;
            end_ramdisk(task).await
        })
    }

    fn prepare_service<'a>(&'a self, task: &'a mut Task) -> Done<'a, Outcome> {
        Box::pin(async move {
            Driver::of(&task.node)?.boot.clean_up_instance(task).await?;
            // From here on the instance is down, and an abort has to bring it back.
            task.node.driver_internal_info.set(SERVICING, true);
            boot_ramdisk(task).await
        })
    }

    fn tear_down_service<'a>(&'a self, task: &'a mut Task) -> Done<'a> {
        Box::pin(async move {
            if task.node.driver_internal_info.get(SERVICING).is_none() {
                return Ok(());
            }
            let driver = Driver::of(&task.node)?;
            let failed = task.node.fault == Some(Fault::Service);
            let aborted = task.args.get("aborted") == Some(Value::Bool(true));
            if failed && !aborted {
                // The ramdisk goes on running for whoever comes to look, but is not booted again.
                return driver.boot.clean_up_ramdisk(task).await;
            }
            power_off(task).await?;
            driver.boot.clean_up_ramdisk(task).await?;
            driver.boot.prepare_instance(task).await?;
            start(task).await?;
            task.node.driver_internal_info.remove(SERVICING);
            Ok(())
        })
    }

    fn boots_from_network(&self) -> bool {
        self.0 == Instance::Ramdisk
    }

    fn has_agent(&self, flow: FlowName) -> bool {
        self.0 != Instance::Ramdisk || flow != FlowName::Deploy
    }

    fn agent_steps<'a>(&'a self, task: &'a mut Task, flow: FlowName) -> Done<'a, Option<Vec<Step>>> {
        Box::pin(async move { steps::offered(task, flow).await.map(Some) })
    }
}

fn step(name: &str, priority: i64) -> Step {
    Step::of_driver(InterfaceKind::Deploy, name, priority)
}

/// Boots the ramdisk, unless one runs that may be used.
async fn boot_ramdisk(task: &mut Task) -> Result<Outcome, DriverError> {
    if fast_track::alive(task).await {
        let flow = task.flow.unwrap_or(FlowName::Deploy);
        match steps::offered(task, flow).await {
            Ok(offered) => {
                task.agent_steps = Some(offered);
                return Ok(Outcome::Done);
            }
            // It has just gone away: a fresh one then.
            Err(error) => tracing::info!(node = %task.node.uuid, %error, "the running ramdisk is not used"),
        }
    }
    let driver = Driver::of(&task.node)?;
    driver.boot.prepare_ramdisk(task, RamdiskFor::Agent).await?;
    restart(task).await?;
    Ok(Outcome::wait(WaitFor::FirstHeartbeat))
}

/// Boots an instance that is not on the disk.
async fn boot_instance(task: &mut Task) -> Result<Outcome, DriverError> {
    power_off(task).await?;
    boot_mode::set_secure_boot(task, true).await?;
    Driver::of(&task.node)?.boot.prepare_instance(task).await?;
    start(task).await?;
    Ok(Outcome::Done)
}

fn validate_ramdisk(task: &Task) -> Result<(), DriverError> {
    if !Driver::of(&task.node)?.boot.can_boot_instances() {
        return Err(DriverError::misconfigured(
            "boot_interface: cannot boot an instance that is not on the disk; expected one that can, such as ipxe",
        ));
    }
    boot_mode::of(&task.node)?;
    crate::driver::pxe::instance(task).map(drop)
}

async fn write_image(task: &mut Task, step: &Step) -> Result<Outcome, DriverError> {
    let (args, _room) = image::write_args(task).await?;
    // The agent fetches the image as soon as it is told to, so its leave has to be on record.
    task.save().await?;
    steps::send(task, FlowName::Deploy, step, Some(args)).await
}

/// Lets the firmware and the BMC find the disk.
async fn prepare_instance_boot(task: &mut Task) -> Result<Outcome, DriverError> {
    let client = AgentClient::of(task).await?;
    let uuids = client.call("standby.get_partition_uuids", Map::new(), QUESTION).await?.unwrap_or_default();
    let root = uuids["root uuid"].as_str();
    if let Some(root) = root {
        task.node.driver_internal_info.set("root_uuid_or_disk_id", root);
    }
    let mode = boot_mode::of(&task.node)?;
    let partition = task.node.driver_internal_info.get("is_whole_disk_image") == Some(Value::Bool(false));
    let software_raid = raid::is_software(task);
    let efi = uuids["efi system partition uuid"].as_str();
    if partition && root.is_none() {
        return Err(DriverError::Refused("the agent did not say which partition it wrote the image to".to_owned()));
    }
    if partition && mode == BootMode::Uefi && efi.is_none() {
        return Err(DriverError::Refused("the agent made no EFI system partition, so nothing could boot".to_owned()));
    }
    let loader = match (partition, software_raid) {
        (true, _) => Some((root.map(str::to_owned), efi, uuids["PReP Boot partition uuid"].as_str())),
        // The boot loader goes to each of the disks beneath; which file system is the root the image's owner may know.
        (false, true) => {
            let told = task.node.instance_info.text("image_rootfs_uuid");
            Some((told.or(root.map(str::to_owned)), None, None))
        }
        (false, false) if mode == BootMode::Uefi => Some((None, None, None)),
        (false, false) => None,
    };
    if let Some((root, efi, prep)) = loader {
        let params = json!({
            "root_uuid": root, "efi_system_part_uuid": efi, "prep_boot_part_uuid": prep, "target_boot_mode": mode.as_str(),
        });
        let params = params.as_object().cloned().unwrap_or_default();
        client.call("image.install_bootloader", params, BOOT_LOADER).await?;
    }
    boot_mode::set_secure_boot(task, true).await?;
    Driver::of(&task.node)?.boot.prepare_instance(task).await?;
    Ok(Outcome::Done)
}

/// How thorough the agent's erasing is, which it reads from the node.
fn erase_settings(task: &mut Task) {
    let settings: [(&str, Value); 7] = [
        ("agent_erase_devices_iterations", json!(1)),
        ("agent_erase_devices_zeroize", json!(true)),
        ("agent_continue_if_secure_erase_failed", json!(false)),
        ("agent_enable_ata_secure_erase", json!(true)),
        ("agent_enable_nvme_secure_erase", json!(true)),
        ("disk_erasure_concurrency", json!(4)),
        ("agent_erase_skip_read_only", json!(false)),
    ];
    for (key, value) in settings {
        task.node.driver_internal_info.set(key, value);
    }
}
