//! Parting what a client writes into what is shown and what is secret.

use serde_json::{Map, Value};

use crate::model::secret::{MASK, Masked, is_hidden_instance_info, is_secret, mask};
use crate::model::{Node, Object};
use crate::service::{Refusal, Refused};
use crate::store::blobs::{self, BlobKind};
use crate::store::{Tx, secrets};

/// The columns that clients write and that may hold secrets.
pub const COLUMNS: [&str; 2] = ["driver_info", "instance_info"];

const DRIVE: &str = "/configdrive";

/// Puts `map` into the column: secrets go to their own table, the column shows `******`. A `******` that came in keeps
/// the secret that it stands for; one that stands for nothing is refused, because storing it would lose a password.
pub fn seal(tx: &Tx, node: &mut Node, column: &'static str, map: Map<String, Value>) -> Refused<()> {
    let hidden = if column == "driver_info" { is_secret } else { is_hidden_instance_info };
    let mut stored = secrets::pointers(tx, node.uuid, column)?;
    let drive = column == "instance_info";
    if drive && blobs::exists(tx, node.uuid, BlobKind::ConfigDrive)? {
        stored.push(DRIVE.to_owned());
    }
    let mut masked = mask(map, hidden, &|pointer| stored.iter().any(|known| known == pointer))
        .map_err(|refused| Refusal::invalid(format!("{column}: {refused}")))?;
    if drive {
        keep_drive(tx, node, &mut masked)?;
    }
    secrets::replace(tx, node.uuid, column, &masked)?;
    let shown = Object::from(masked.map);
    match column {
        "driver_info" => node.driver_info = shown,
        _ => node.instance_info = shown,
    }
    Ok(())
}

/// A config drive is large and has a place of its own, where a deploy looks for it.
fn keep_drive(tx: &Tx, node: &Node, masked: &mut Masked) -> Refused<()> {
    if let Some(at) = masked.fresh.iter().position(|(pointer, _)| pointer == DRIVE) {
        let (_, sealed) = masked.fresh.remove(at);
        let bytes = match sealed.open() {
            Value::String(text) => text.clone().into_bytes(),
            other => other.to_string().into_bytes(),
        };
        blobs::put(tx, node.uuid, BlobKind::ConfigDrive, &bytes)?;
    } else if masked.map.get("configdrive").and_then(Value::as_str) != Some(MASK) {
        blobs::delete(tx, node.uuid, BlobKind::ConfigDrive)?;
    }
    Ok(())
}
