//! Steps as the agent offers them (`get_*_steps`) and takes them back (`execute_*_step`), and what `write_image` needs.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lenient;

/// One step of the agent. What we do not know stays in `extra`, because the agent gets its own object back.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Step {
    pub step: String,
    #[serde(default)]
    pub interface: String,
    #[serde(default)]
    pub priority: i64,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient")]
    pub abortable: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient")]
    pub reboot_requested: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient")]
    pub requires_ramdisk: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient")]
    pub argsinfo: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient")]
    pub args: Option<Map<String, Value>>,
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// The result of `get_clean_steps`, `get_deploy_steps` and `get_service_steps`: which key holds the steps depends on the
/// command, and only one of them is there.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct StepList {
    /// Hardware manager to its steps.
    #[serde(alias = "clean_steps", alias = "deploy_steps", alias = "service_steps", default)]
    pub steps: Map<String, Value>,
    /// Sent back with every step; a change means that the ramdisk is another one.
    #[serde(default)]
    pub hardware_manager_version: Value,
}

impl StepList {
    /// The steps of all managers. One that is no step at all is left out rather than failing the node.
    pub fn flatten(&self) -> Vec<Step> {
        let lists = self.steps.values().filter_map(Value::as_array).flatten();
        lists.filter_map(|step| serde_json::from_value(step.clone()).ok()).collect()
    }
}

/// The `image_info` argument of `write_image`. The agent requires `id`, `urls` and a checksum of SHA-2.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ImageInfo {
    /// Whatever names the content: the agent skips the download if it has just written an image of this id.
    pub id: String,
    pub urls: Vec<String>,
    /// `raw` (streamed to the disk) or `qcow2` (downloaded, then converted by the agent); absent: the agent looks itself.
    #[serde(default)]
    pub disk_format: Option<String>,
    #[serde(default)]
    pub container_format: Option<String>,
    /// Write a raw image as it arrives instead of keeping it in memory first.
    #[serde(default)]
    pub stream_raw_images: bool,
    /// `sha256` or `sha512`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_hash_algo: Option<String>,
    /// Lower-case hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_hash_value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_uuid: Option<String>,
    /// `whole-disk` or `partition`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deploy_boot_mode: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_option: Option<String>,
    /// For a partition image: `root_mb`, `swap_mb`, `ephemeral_mb` and so on.
    #[serde(flatten)]
    pub layout: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_list_of_either_kind_is_read_and_keeps_unknown_keys() -> serde_json::Result<()> {
        let text = r#"{"clean_steps":{"generic":[{"step":"a","interface":"deploy","priority":10,"abortable":true,"odd":7},
                       {"no step":1}]},"hardware_manager_version":{"generic":"1.2"}}"#;
        let list: StepList = serde_json::from_str(text)?;
        let steps = list.flatten();
        assert_eq!(steps.len(), 1);
        assert_eq!(steps[0].extra.get("odd"), Some(&Value::from(7)));
        assert_eq!(serde_json::to_value(&steps[0])?["odd"], 7);
        Ok(())
    }
}
