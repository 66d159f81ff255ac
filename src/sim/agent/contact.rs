//! What the agent asks of the service: its version, an inspection's report, and the lookup.

use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::Ramdisk;
use crate::net::http::{HttpError, Request, Url};
use crate::wire::ipa::{Lookup, MASKED_TOKEN};

const VERSION: HeaderName = HeaderName::from_static("x-openstack-ironic-api-version");
/// A lookup is given up after so many tries (the agent: after ten minutes).
const LOOKUPS: u32 = 40;

pub(super) type Version = (u32, u32);

impl Ramdisk {
    /// The server's newest version, from `GET /`; an old one if it does not tell.
    pub(super) async fn api_version(&self, api_url: &str) -> Version {
        let asked = self.ask(&format!("{api_url}/"), None, None).await;
        let version = asked.ok().and_then(|(_, body)| {
            let text = body["default_version"]["version"].as_str()?.to_owned();
            let (major, minor) = text.split_once('.')?;
            Some((major.parse().ok()?, minor.parse().ok()?))
        });
        version.unwrap_or((1, 31))
    }

    /// Reports the inventory if the command line asks for it. Returns the node's UUID if the service names it.
    pub(super) async fn inspect(&self) -> Option<String> {
        let url = self.parameters.get("ipa-inspection-callback-url")?.to_owned();
        let inventory = self.machine.inventory(self.parameters.boot_mac().as_deref());
        let mut body = self.machine.plugin_data();
        body["boot_interface"] = json!(inventory.boot.as_ref().and_then(|boot| boot.pxe_interface.clone()));
        body["inventory"] = serde_json::to_value(inventory).unwrap_or_default();
        body["error"] = json!(self.faults.inspection_error());
        let mut pause = self.world.pace.lookup_pause * 5;
        for _ in 0..5 {
            // No version header: the agent's report is of the oldest version.
            match self.ask(&url, Some(&body), None).await {
                Ok((status, answer)) if status < 400 => return answer["uuid"].as_str().map(str::to_owned),
                Ok((status, _)) if status < 500 && status != 409 => return None,
                _ => self.world.clock.sleep(pause).await,
            }
            pause = pause.mul_f32(1.5);
        }
        None
    }

    /// Asks who it is until somebody knows. Errors: nobody knows, or the token was handed out to another boot.
    pub(super) async fn lookup(&self, api_url: &str, version: Version, uuid: Option<&str>) -> Result<(), String> {
        let macs: Vec<&str> = self.machine.nics.iter().map(|nic| nic.mac.as_str()).collect();
        let uuid = uuid.map(|uuid| format!("&node_uuid={uuid}")).unwrap_or_default();
        let url = format!("{api_url}/v1/lookup?addresses={}{uuid}", macs.join(","));
        let mut pause = self.world.pace.lookup_pause;
        for _ in 0..LOOKUPS {
            if let Ok((200, answer)) = self.ask(&url, None, Some(version.min((1, 62)))).await
                && let Ok(found) = serde_json::from_value::<Lookup>(answer)
            {
                return self.found(found);
            }
            self.world.clock.sleep(self.world.random.jitter(pause)).await;
            pause = (pause * 2).min(self.world.pace.lookup_pause * 12);
        }
        Err("lookup: nobody knows this machine".into())
    }

    fn found(&self, found: Lookup) -> Result<(), String> {
        let own = self.parameters.get("ipa-agent-token").map(str::to_owned);
        let token = match found.config.agent_token {
            Some(token) if token == MASKED_TOKEN => own,
            Some(token) if token.len() >= 32 => Some(token),
            _ => own,
        };
        let mut state = self.state();
        state.node_uuid = found.node.uuid;
        state.heartbeat_timeout = Duration::from_secs(found.config.heartbeat_timeout);
        state.tls_min_version = found.config.extra.get("tls_min_version").and_then(Value::as_str).map(str::to_owned);
        state.token = token;
        if state.token.is_none() {
            Err("lookup: the token was handed out before, and not to us".into())
        } else {
            Ok(())
        }
    }

    /// One request: status, and the JSON of the answer or null.
    pub(super) async fn ask(
        &self,
        url: &str,
        body: Option<&Value>,
        version: Option<Version>,
    ) -> Result<(u16, Value), HttpError> {
        let url = Url::parse(url)?;
        let mut request = match body {
            Some(body) => Request::post_json(url, body.to_string().into_bytes()),
            None => Request::get(url),
        };
        if let Some((major, minor)) = version
            && let Ok(value) = HeaderValue::from_str(&format!("{major}.{minor}"))
        {
            request.headers.insert(VERSION, value);
        }
        let response = self.client.send(request).await?;
        let status = response.status.as_u16();
        let body = response.bytes().await?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }
}
