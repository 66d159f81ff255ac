//! Whether a machine boots through BIOS or UEFI, as far as its owner says: the capabilities of the instance, then those
//! of the machine. Capabilities are text, `boot_mode:uefi,secure_boot:true`; an instance's may be a JSON object too.

use serde_json::Value;

use super::{Driver, DriverError, Task};
use crate::model::{InterfaceKind, Node};

/// How firmware starts a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootMode {
    Bios,
    Uefi,
}

impl BootMode {
    pub const fn as_str(self) -> &'static str {
        match self {
            BootMode::Bios => "bios",
            BootMode::Uefi => "uefi",
        }
    }
}

/// The mode of a node; UEFI if nobody says otherwise, since that is what machines of today do.
///
/// Errors: `Misconfigured` if a word is neither `bios` nor `uefi`, or instance and machine contradict each other.
pub fn of(node: &Node) -> Result<BootMode, DriverError> {
    let instance = node.instance_info.get("capabilities");
    let machine = node.properties.get("capabilities");
    let asked = |capabilities: &Option<Value>, field: &str| match capability(capabilities, "boot_mode").as_deref() {
        None => Ok(None),
        Some("uefi") => Ok(Some(BootMode::Uefi)),
        Some("bios") => Ok(Some(BootMode::Bios)),
        Some(other) => Err(DriverError::misconfigured(format!(
            "{field}/capabilities: boot_mode is {other:?}, expected bios or uefi"
        ))),
    };
    match (asked(&instance, "instance_info")?, asked(&machine, "properties")?) {
        (Some(a), Some(b)) if a != b => Err(DriverError::misconfigured(format!(
            "instance_info/capabilities: boot_mode is {}, but properties/capabilities says {}; expected the same",
            a.as_str(),
            b.as_str()
        ))),
        _ if wants_secure_boot(node) => Ok(BootMode::Uefi),
        (Some(mode), _) | (None, Some(mode)) => Ok(mode),
        (None, None) => Ok(BootMode::Uefi),
    }
}

/// Whether the instance wants firmware that starts signed systems only.
fn wants_secure_boot(node: &Node) -> bool {
    capability(&node.instance_info.get("capabilities"), "secure_boot").is_some_and(|word| word == "true")
}

/// Before a machine is touched: can secure boot be switched on, if the instance wants it? A machine that boots without
/// what its owner relies on would be worse than one that does not boot.
pub async fn check_secure_boot(task: &Task) -> Result<(), DriverError> {
    if !wants_secure_boot(&task.node) {
        return Ok(());
    }
    let management = Driver::of(&task.node)?.management;
    let why = match management.boot_modes() {
        Some(modes) => match modes.secure_boot(task).await {
            Ok(_) => return Ok(()),
            Err(error) => error.to_string(),
        },
        None => format!(
            "management interface {} of driver {} cannot switch it",
            task.node.interface(InterfaceKind::Management).unwrap_or("none"),
            task.node.driver
        ),
    };
    Err(DriverError::misconfigured(format!("instance_info/capabilities: secure_boot is true, but {why}")))
}

/// Switches secure boot for the instance that wants it: on before its first start, off when it is gone.
pub async fn set_secure_boot(task: &mut Task, on: bool) -> Result<(), DriverError> {
    if !wants_secure_boot(&task.node) {
        return Ok(());
    }
    if let Some(modes) = Driver::of(&task.node)?.management.boot_modes() {
        modes.set_secure_boot(task, on).await?;
        task.node.secure_boot = Some(on);
    }
    Ok(())
}

impl Driver {
    /// Makes the machine's firmware start in another mode, as a client asks. One that cannot tell its mode can perhaps be
    /// told all the same.
    pub async fn change_boot_mode(&self, task: &mut Task, mode: BootMode) -> Result<(), DriverError> {
        let modes = self.management.boot_modes().ok_or_else(|| DriverError::lacks(task, "set_boot_mode"))?;
        if modes.boot_mode(task).await.ok().flatten() != Some(mode) {
            modes.set_boot_mode(task, mode).await?;
        }
        task.node.boot_mode = Some(mode.as_str().to_owned());
        Ok(())
    }

    /// The same for secure boot.
    pub async fn change_secure_boot(&self, task: &mut Task, on: bool) -> Result<(), DriverError> {
        let modes = self.management.boot_modes().ok_or_else(|| DriverError::lacks(task, "set_secure_boot_state"))?;
        if modes.secure_boot(task).await.ok().flatten() != Some(on) {
            modes.set_secure_boot(task, on).await?;
        }
        task.node.secure_boot = Some(on);
        Ok(())
    }
}

/// One capability, lower case.
fn capability(capabilities: &Option<Value>, name: &str) -> Option<String> {
    let word = match capabilities.as_ref()? {
        Value::Object(map) => match map.get(name)? {
            Value::String(word) => word.clone(),
            other => other.to_string(),
        },
        Value::String(text) => {
            if let Ok(value @ Value::Object(_)) = serde_json::from_str(text) {
                return capability(&Some(value), name);
            }
            let pair = text.split(',').filter_map(|pair| pair.split_once(':')).find(|(key, _)| key.trim() == name);
            pair?.1.to_owned()
        }
        _ => return None,
    };
    Some(word.trim().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(instance: Value, machine: Value) -> Node {
        let mut node = Node::new(uuid::Uuid::nil(), "ipmi".into(), jiff::Timestamp::UNIX_EPOCH);
        node.instance_info = json!({"capabilities": instance}).into();
        node.properties = json!({"capabilities": machine}).into();
        node
    }

    #[test]
    fn the_instance_decides_then_the_machine_then_uefi() {
        let cases = [
            (json!(null), json!(null), Ok(BootMode::Uefi)),
            (json!(null), json!("cpu_vt:true,boot_mode:bios"), Ok(BootMode::Bios)),
            (json!({"boot_mode": "bios"}), json!(""), Ok(BootMode::Bios)),
            (json!("{\"boot_mode\": \"uefi\"}"), json!("boot_mode:uefi"), Ok(BootMode::Uefi)),
            (json!({"secure_boot": "true"}), json!(null), Ok(BootMode::Uefi)),
            (json!({"boot_mode": "bios"}), json!("boot_mode:uefi"), Err(())),
            (json!({"boot_mode": "legacy"}), json!(null), Err(())),
        ];
        for (instance, machine, expected) in cases {
            assert_eq!(of(&node(instance.clone(), machine.clone())).map_err(drop), expected, "{instance} {machine}");
        }
    }
}
