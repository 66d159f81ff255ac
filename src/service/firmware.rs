//! What a driver has found out about a machine's firmware.

use std::collections::HashMap;

use uuid::Uuid;

use crate::model::FirmwareComponent;
use crate::store::{StoreError, Tx, firmware};

/// Makes `components` all that there are of the node. The version that each had at first is kept.
pub fn replace(tx: &Tx, node: Uuid, components: &[FirmwareComponent]) -> Result<(), StoreError> {
    let mut known: HashMap<String, FirmwareComponent> =
        firmware::of_node(tx, node)?.into_iter().map(|component| (component.component.clone(), component)).collect();
    for component in components {
        let mut new =
            FirmwareComponent { node_uuid: node, created_at: tx.now(), updated_at: None, ..component.clone() };
        match known.remove(&component.component) {
            Some(old) => {
                (new.id, new.created_at, new.updated_at) = (old.id, old.created_at, old.updated_at);
                new.initial_version = old.initial_version.clone().or(new.initial_version);
                firmware::update(tx, &old, &new)?;
            }
            None => drop(firmware::insert(tx, &new)?),
        }
    }
    for gone in known.values() {
        firmware::delete(tx, gone.id)?;
    }
    Ok(())
}
