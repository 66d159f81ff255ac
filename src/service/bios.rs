//! What a driver has found out about a machine's BIOS.

use std::collections::HashMap;

use uuid::Uuid;

use crate::model::BiosSetting;
use crate::store::{StoreError, Tx, bios};

/// Makes `settings` all that there are of the node. One that has not changed is not touched, so that clients see when it
/// did.
pub fn replace(tx: &Tx, node: Uuid, settings: &[BiosSetting]) -> Result<(), StoreError> {
    let mut known: HashMap<String, BiosSetting> =
        bios::of_node(tx, node)?.into_iter().map(|setting| (setting.name.clone(), setting)).collect();
    for setting in settings {
        let mut new = BiosSetting { node_uuid: node, created_at: tx.now(), updated_at: None, ..setting.clone() };
        match known.remove(&setting.name) {
            Some(old) => {
                (new.id, new.created_at, new.updated_at) = (old.id, old.created_at, old.updated_at);
                bios::update(tx, &old, &new)?;
            }
            None => drop(bios::insert(tx, &new)?),
        }
    }
    for gone in known.values() {
        bios::delete(tx, gone.id)?;
    }
    Ok(())
}
