//! Which interfaces a node uses.

use crate::driver::catalog;
use crate::model::{InterfaceKind, Node};
use crate::service::{Refusal, Refused};

/// Checks the interfaces that are named, and gives the rest their defaults. Refuses a driver or interface that there is
/// not, and one that does not go with the other.
pub fn choose(node: &mut Node) -> Refused<()> {
    let Some(hardware) = catalog::hardware_type(&node.driver) else {
        return Err(Refusal::invalid(format!(
            "No valid host was found. Reason: No conductor service registered which supports driver {}. Expected one of {}",
            node.driver,
            list(catalog::HARDWARE_TYPES.iter().map(|hardware| hardware.name))
        )));
    };
    for kind in InterfaceKind::ALL {
        let word = kind.as_str();
        let Some(name) = node.interface(kind) else {
            let default = hardware.default(kind).ok_or_else(|| {
                Refusal::invalid(format!("{word}_interface: driver {} has no default, name one", node.driver))
            })?;
            *node.interface_mut(kind) = Some(default.to_owned());
            continue;
        };
        if catalog::implementation(kind, name).is_none() {
            return Err(Refusal::invalid(format!(
                "{word}_interface: there is no {word} interface {name}; expected one of {}",
                list(hardware.enabled(kind))
            )));
        }
        if !hardware.takes(kind, name) {
            return Err(Refusal::invalid(format!(
                "{word}_interface: {name} is not supported by driver {}; expected one of {}",
                node.driver,
                list(hardware.enabled(kind))
            )));
        }
    }
    Ok(())
}

fn list(names: impl Iterator<Item = &'static str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
