//! What a node knows of the instance on it.

use super::{Refused, agent, allocations};
use crate::model::{Node, Object};
use crate::store::blobs::{self, BlobKind};
use crate::store::{Tx, secrets};

/// The instance is gone: what it was told, its name, its claim on the node.
pub fn wipe(tx: &Tx, node: &mut Node) -> Refused<()> {
    allocations::release(tx, node)?;
    node.instance_uuid = None;
    node.instance_name = None;
    node.instance_info = Object::default();
    node.deploy_step = Object::default();
    secrets::replace(tx, node.uuid, "instance_info", &Default::default())?;
    blobs::delete(tx, node.uuid, BlobKind::ConfigDrive)?;
    blobs::delete(tx, node.uuid, BlobKind::BootPlan)?;
    // A lessee that came with the deploy goes with it.
    if node.driver_internal_info.remove("automatic_lessee").is_some() {
        node.lessee = None;
    }
    for key in ["is_whole_disk_image", "root_uuid_or_disk_id", "deploy_boot_mode", "instance", "agent_start_attempted"]
    {
        node.driver_internal_info.remove(key);
    }
    agent::forget(tx, node)
}
