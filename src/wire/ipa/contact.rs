//! How an agent finds its node and says that it lives: the lookup answer and the heartbeat.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lenient;

/// The answer to `GET /v1/lookup?addresses=…`.
#[derive(Clone, Deserialize, Serialize)]
pub struct Lookup {
    pub node: LookupNode,
    #[serde(default)]
    pub config: AgentConfig,
}

/// The part of a node that an unauthenticated ramdisk may see.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct LookupNode {
    pub uuid: String,
    #[serde(default)]
    pub properties: Map<String, Value>,
    #[serde(default)]
    pub instance_info: Map<String, Value>,
    #[serde(default)]
    pub driver_internal_info: Map<String, Value>,
    #[serde(default)]
    pub links: Vec<Value>,
}

/// How the agent is to behave. The agent requires `heartbeat_timeout`; every other key may be missing.
#[derive(Clone, Default, Deserialize, Serialize)]
pub struct AgentConfig {
    /// Seconds; the agent sends a heartbeat every 0.3 to 0.6 of it.
    #[serde(default)]
    pub heartbeat_timeout: u64,
    /// The secret of this boot (at least 32 characters), or [`super::MASKED_TOKEN`] if it was handed out before.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient")]
    pub agent_token: Option<String>,
    #[serde(default)]
    pub agent_token_required: bool,
    #[serde(default)]
    pub agent_md5_checksum_enable: bool,
    #[serde(default)]
    pub disable_deep_image_inspection: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient")]
    pub permitted_image_formats: Option<Vec<String>>,
    #[serde(default)]
    pub agent_skip_bmc_detect: bool,
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

// A token is a secret: neither type may show it by accident.
impl std::fmt::Debug for Lookup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lookup").field("node", &self.node.uuid).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for AgentConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AgentConfig").field("heartbeat_timeout", &self.heartbeat_timeout).finish_non_exhaustive()
    }
}

/// The body of `POST /v1/heartbeat/{uuid}`. Which fields must be there depends on the API version, so all may be absent.
#[derive(Clone, Default, Deserialize, Serialize)]
pub struct Heartbeat {
    /// `https://<address>:<port>`; may be empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_version: Option<String>,
    /// The agent's own certificate, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_verify_ca: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_status: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_status_message: Option<String>,
}

impl std::fmt::Debug for Heartbeat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Heartbeat")
            .field("callback_url", &self.callback_url)
            .field("agent_version", &self.agent_version)
            .finish_non_exhaustive()
    }
}
