//! What a command does. Synchronous ones are over when they are answered; of asynchronous ones one runs at a time.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::disk::{self, Unwritten, Written};
use super::{End, Ramdisk};
use crate::wire::ipa::{Command, CommandError, CommandResult, CommandStatus, ImageInfo};

/// Refusals come as a status and a text.
type Refused = (u16, String);
type Ended = Result<Value, CommandError>;

/// The hardware managers of this ramdisk, which every step names again.
fn versions() -> Value {
    json!({"generic_hardware_manager": "1.2"})
}

impl Ramdisk {
    /// Runs a command, or begins it; with `wait` the result is complete.
    pub(super) async fn execute(self: &Arc<Self>, command: Command, wait: bool) -> Result<CommandResult, Refused> {
        let (extension, name) = command
            .name
            .split_once('.')
            .map(|(extension, name)| (extension.to_owned(), name.to_owned()))
            .ok_or_else(|| (400, "Command name must be of the form <extension>.<name>".to_owned()))?;
        if !["clean", "deploy", "service", "standby", "image", "log", "rescue", "system", "poll"].contains(&&*extension)
        {
            return Err((404, format!("Extension with id {extension} not found.")));
        }
        let begun = self.begin(&name)?;
        let params = command.params;
        match self.synchronous(&extension, &name, &params) {
            Some(ended) => Ok(self.complete(&begun.id, ended)),
            None if is_asynchronous(&name) => {
                let (ramdisk, id) = (self.clone(), begun.id.clone());
                let work = async move {
                    let ended = ramdisk.run(&name, params).await;
                    ramdisk.complete(&id, ended);
                    ramdisk.beat.notify_one();
                };
                let running = self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(work));
                if !wait {
                    return Ok(begun);
                }
                // An aborted task leaves the command running, which is what is then reported.
                drop(running.await);
                Ok(self.find(&begun.id).unwrap_or(begun))
            }
            None => {
                self.state().commands.retain(|it| it.id != begun.id);
                Err((400, format!("Invalid command: Unknown command: {name}")))
            }
        }
    }

    /// Notes a new command, unless one is running.
    fn begin(&self, name: &str) -> Result<CommandResult, Refused> {
        let mut state = self.state();
        if let Some(last) = state.commands.last()
            && last.command_status == CommandStatus::Running
        {
            return Err((409, format!("Agent is busy: executing command {}", last.command_name)));
        }
        let id = self.world.random.uuid().to_string();
        let begun = CommandResult {
            id,
            command_name: name.to_owned(),
            command_status: CommandStatus::Running,
            ..Default::default()
        };
        state.commands.push(begun.clone());
        Ok(begun)
    }

    fn find(&self, id: &str) -> Option<CommandResult> {
        self.state().commands.iter().find(|command| command.id == id).cloned()
    }

    fn complete(&self, id: &str, ended: Ended) -> CommandResult {
        let mut state = self.state();
        let Some(command) = state.commands.iter_mut().find(|command| command.id == id) else {
            return CommandResult::default();
        };
        match ended {
            Ok(result) => {
                command.command_status = CommandStatus::Succeeded;
                command.command_result = Some(result).filter(|result| !result.is_null());
            }
            Err(error) => {
                let mismatch = error.0["type"] == "VersionMismatch";
                command.command_status = if mismatch { CommandStatus::VersionMismatch } else { CommandStatus::Failed };
                command.command_error = Some(error);
            }
        }
        command.clone()
    }

    /// The commands that are answered from memory; none if it is another.
    fn synchronous(self: &Arc<Self>, extension: &str, name: &str, params: &Map<String, Value>) -> Option<Ended> {
        Some(Ok(match name {
            "get_clean_steps" | "get_deploy_steps" | "get_service_steps" => {
                json!({format!("{extension}_steps"): {"generic_hardware_manager": steps(extension)},
                       "hardware_manager_version": versions()})
            }
            "get_partition_uuids" => match &self.state().written {
                Some(Written { partition: Some(made), .. }) => json!({
                    "root uuid": made.root_uuid, "efi system partition uuid": made.efi_uuid,
                    "partitions": {"root": "/dev/sda2"},
                }),
                Some(Written { disk_id, .. }) => json!({"root uuid": disk_id}),
                None => json!({}),
            },
            "finalize_rescue" => match self.rescue(params) {
                Ok(()) => Value::Null,
                Err(why) => return Some(Err(failed(&why))),
            },
            "sync" => Value::Null,
            // base64 of a gzipped empty archive.
            "collect_system_logs" => {
                json!({"system_logs": "H4sIAAAAAAACA+3BAQ0AAADCoPdPbQ43oAAAAAAAAAAAAIA3A5reHScAKAAA"})
            }
            "get_hardware_info" => json!(self.machine.inventory(None)),
            _ => return None,
        }))
    }

    /// Takes the owner's password and ends the agent; what runs on is the owner's.
    fn rescue(self: &Arc<Self>, params: &Map<String, Value>) -> Result<(), String> {
        if self.faults.fails("finalize_rescue") {
            return Err("Rescue Operation failed when writing the hashed rescue password".into());
        }
        let hash = params.get("rescue_password").and_then(Value::as_str).unwrap_or_default().to_owned();
        if params.get("hashed") != Some(&Value::Bool(true)) || !hash.starts_with('$') {
            return Err("the password is not hashed".into());
        }
        let ramdisk = self.clone();
        // The result is out before the API goes.
        self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(async move {
            ramdisk.world.clock.sleep(ramdisk.world.pace.step / 4).await;
            ramdisk.finish(End::Rescued(hash));
            ramdisk.stop.cancel();
        }));
        Ok(())
    }

    async fn run(self: &Arc<Self>, name: &str, params: Map<String, Value>) -> Ended {
        match name {
            "execute_clean_step" | "execute_deploy_step" | "execute_service_step" => self.step(name, params).await,
            "install_bootloader" => {
                self.world.clock.sleep(self.world.pace.step).await;
                let written = self.state().written.clone();
                match written {
                    Some(Written { partition: Some(made), .. }) => {
                        if params.get("root_uuid").and_then(Value::as_str) != Some(&made.root_uuid) {
                            return Err(failed("No partition with the given UUID was found on the disk"));
                        }
                        let installed = disk::install_loader(&self.machine.disk).await;
                        installed.map(|()| Value::Null).map_err(|why| failed(&why))
                    }
                    Some(_) => Ok(Value::Null),
                    None => Err(failed("No EFI partition was found on the disk")),
                }
            }
            "power_off" if self.faults.power_off_fails() => Err(failed("poweroff: ignoring request")),
            "power_off" if self.faults.dies_instead_of_power_off() => {
                self.forget();
                Ok(Value::Null)
            }
            "power_off" | "run_image" => {
                let (ramdisk, off) = (self.clone(), name == "power_off");
                // The result is out before the machine goes.
                self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(async move {
                    ramdisk.world.clock.sleep(ramdisk.world.pace.step / 4).await;
                    ramdisk.finish(if off { End::PowerOff } else { End::Reboot });
                    ramdisk.stop.cancel();
                }));
                Ok(Value::Null)
            }
            _ => Err(failed("unknown")),
        }
    }

    async fn step(self: &Arc<Self>, command: &str, params: Map<String, Value>) -> Ended {
        let kind = command.trim_start_matches("execute_").trim_end_matches("_step");
        let given = params.get(&format!("{kind}_version")).cloned().unwrap_or_default();
        if self.faults.takes(|knobs| &mut knobs.version_mismatches) || (!given.is_null() && given != versions()) {
            return Err(CommandError::new(
                "VersionMismatch",
                500,
                "Hardware managers version mismatch",
                "reload the steps",
            ));
        }
        if let Some(node) = params.get("node") {
            self.faults.shown(&node["instance_info"]["configdrive"]);
        }
        let step = params.get("step").cloned().unwrap_or_default();
        let name = step["step"].as_str().unwrap_or_default().to_owned();
        if self.faults.fails(&name) {
            return Err(failed(&format!("{name} does not want to")));
        }
        let result = match name.as_str() {
            "write_image" => {
                self.world.clock.sleep(self.faults.pause_before_image()).await;
                json!(self.write_image(&step["args"]).await?)
            }
            "erase_devices_metadata" => {
                self.world.clock.sleep(self.world.pace.step).await;
                self.faults.wrote();
                disk::erase_metadata(&self.machine.disk, self.machine.disk_bytes)
                    .await
                    .map_err(|error| failed(&error))?;
                Value::Null
            }
            "erase_devices" | "erase_devices_express" => {
                self.world.clock.sleep(self.world.pace.step).await;
                self.faults.wrote();
                disk::erase_all(&self.machine.disk, self.machine.disk_bytes).await.map_err(|error| failed(&error))?;
                Value::Null
            }
            "create_configuration" if step["args"].as_object().is_some_and(|args| !args.is_empty()) => {
                return Err(failed("create_configuration() got an unexpected keyword argument"));
            }
            "create_configuration" | "apply_configuration" => {
                self.world.clock.sleep(self.world.pace.step).await;
                let wanted = &params.get("node").cloned().unwrap_or_default()["target_raid_config"];
                let wanted = if name == "apply_configuration" { &step["args"]["raid_config"] } else { wanted };
                if wanted["logical_disks"].as_array().is_none_or(Vec::is_empty) { json!({}) } else { wanted.clone() }
            }
            known if steps(kind).iter().any(|step| step["step"] == known) => {
                self.world.clock.sleep(self.world.pace.step).await;
                Value::Null
            }
            unknown => {
                return Err(failed(&format!(
                    "Unexpected exception performing {kind} step {unknown}. HardwareManagerMethodNotFound"
                )));
            }
        };
        Ok(json!({format!("{kind}_result"): result, format!("{kind}_step"): step}))
    }

    async fn write_image(self: &Arc<Self>, args: &Value) -> Result<String, CommandError> {
        let info: ImageInfo = serde_json::from_value(args["image_info"].clone())
            .map_err(|error| failed(&format!("Image is missing a field: {error}")))?;
        let config_drive = args["configdrive"].as_str().map(str::to_owned);
        let written = disk::write(self, &info, config_drive.as_deref()).await.map_err(|error| match error {
            Unwritten::Download(why) => CommandError::new("ImageDownloadError", 500, "Error downloading image", &why),
            Unwritten::Checksum(why) => {
                CommandError::new("ImageChecksumError", 500, "Error verifying image checksum", &why)
            }
            Unwritten::Other(why) => failed(&why),
        })?;
        let root = written.partition.as_ref().map_or(&written.disk_id, |made| &made.root_uuid);
        let text = format!("write_image: image ({}) written to device /dev/sda root_uuid={root}", info.id);
        self.state().written = Some(written);
        Ok(text)
    }

    /// The agent restarts inside the ramdisk: whatever it knew is gone.
    pub(super) fn forget(&self) {
        *self.state() = super::State::default();
        self.finish(End::Locked("the agent restarted and found its token handed out".into()));
        self.stop.cancel();
    }
}

fn is_asynchronous(name: &str) -> bool {
    name.starts_with("execute_") || ["install_bootloader", "power_off", "run_image"].contains(&name)
}

fn failed(details: &str) -> CommandError {
    CommandError::new("CommandExecutionError", 500, "Command execution failed", details)
}

/// The steps of the generic hardware manager, with the priorities that it has.
fn steps(extension: &str) -> Vec<Value> {
    let step = |name: &str, interface: &str, priority: i64| json!({"step": name, "interface": interface, "priority": priority, "reboot_requested": false, "abortable": true});
    match extension {
        "clean" => vec![
            step("erase_devices", "deploy", 10),
            step("erase_devices_metadata", "deploy", 99),
            step("erase_devices_express", "deploy", 0),
            step("burnin_cpu", "deploy", 0),
            step("create_configuration", "raid", 0),
            step("delete_configuration", "raid", 0),
        ],
        "deploy" => vec![
            step("erase_devices_metadata", "deploy", 0),
            step("write_image", "deploy", 0),
            step("inject_files", "deploy", 0),
            step("apply_configuration", "raid", 0),
        ],
        _ => vec![
            step("burnin_cpu", "deploy", 0),
            step("burnin_memory", "deploy", 0),
            step("apply_configuration", "raid", 0),
            step("create_configuration", "raid", 0),
            step("delete_configuration", "raid", 0),
        ],
    }
}
