//! The ramdisk's kernel command line.

use super::{RamdiskFor, provisioning_url};
use crate::driver::{DriverError, Task};

/// Everything but `initrd=` and `BOOTIF=`, which only the boot loader knows.
pub fn line(task: &Task, why: RamdiskFor) -> Result<String, DriverError> {
    let url = provisioning_url(task)?;
    let contact = match why {
        RamdiskFor::Agent | RamdiskFor::Rescue => format!("ipa-api-url={url}"),
        // With fast track the agent stays, so it has to know where to call.
        RamdiskFor::Inspection if task.node.fast_track(task.env.settings.fast_track) => {
            format!("ipa-inspection-callback-url={url}/v1/continue_inspection ipa-api-url={url}")
        }
        RamdiskFor::Inspection => format!("ipa-inspection-callback-url={url}/v1/continue_inspection"),
    };
    let appended = appended(task)?;
    Ok(["selinux=0 troubleshoot=0 text", &appended, &contact]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" "))
}

/// The kernel arguments of an instance that is a ramdisk.
pub fn of_instance(task: &Task) -> Result<String, DriverError> {
    let own = task.node.instance_info.text("ramdisk_kernel_arguments").unwrap_or_default();
    if own.chars().any(|c| c.is_control()) || own.contains("${") || own.len() > 2048 {
        return Err(DriverError::misconfigured(
            "instance_info/ramdisk_kernel_arguments: expected one line of at most 2048 characters, without control \
             characters and \"${\"",
        ));
    }
    let appended = appended(task)?;
    let parts = ["root=/dev/ram0 text", &appended, &own];
    Ok(parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" "))
}

/// What the instance, the node or the configuration adds. The text ends up in a boot script, so it may hold nothing that
/// would begin another line or be read as one of the script's variables.
pub fn appended(task: &Task) -> Result<String, DriverError> {
    let configured = task.env.settings.kernel_append_params.as_str();
    let text = ["instance_info", "driver_info"].into_iter().find_map(|column| {
        let found = if column == "driver_info" { &task.node.driver_info } else { &task.node.instance_info };
        found.text("kernel_append_params").map(|text| (column, text))
    });
    let (column, text) = match &text {
        Some((column, text)) => (*column, text.replace("%default%", configured)),
        None => ("deploy", configured.to_owned()),
    };
    let bad = text.chars().any(|c| c.is_control()) || text.contains("${") || text.len() > 2048;
    if bad {
        return Err(DriverError::misconfigured(format!(
            "{column}/kernel_append_params: expected one line of at most 2048 characters, without control characters and \"${{\""
        )));
    }
    Ok(text)
}
