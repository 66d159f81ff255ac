//! What the agent calls: who am I, I am alive, here is what I found. Public, on both listeners.
//!
//! Strangers may call too, so a refused lookup says nothing but "not found", and only what the token vouches for is
//! believed (`service::agent`).

use serde_json::{Map, Value, json};

use super::nodes::{ident, named};
use crate::api::request::{brief, text};
use crate::api::surface::params;
use crate::api::surface::quirks::Quirk;
use crate::api::{Answer, Call, Fault};
use crate::model::secret::MASK;
use crate::service::Refusal;
use crate::service::agent::{Door, Found, Heartbeat, Lookup, heartbeat, lookup, refusal};
use crate::service::inspection::{Report, continue_inspection};
use crate::service::nodes::{self, Ident};
use crate::service::whereabouts::{self, Peer};
use crate::trace::{Kind, Trace};
use crate::wire::ipa::{AgentConfig, Inventory, LookupNode};
use crate::wire::mac::Mac;

/// `GET /v1/lookup`
pub async fn look_up(call: Call) -> Result<Answer, Fault> {
    let mut query = call.query.clone();
    let addresses = query.take_list("addresses")?.unwrap_or_default();
    let node_uuid = query.take("node_uuid")?;
    let asked =
        Lookup { addresses: addresses.iter().filter_map(|it| canonical(it)).collect(), node_uuid: node(node_uuid)? };
    if asked.addresses.is_empty() && asked.node_uuid.is_none() {
        return Err(Fault::invalid("addresses: expected at least one MAC address, or a node_uuid"));
    }
    let rules = call.state.engine.rules().clone();
    let peer = Peer::new(call.peer);
    let question = asked.clone();
    match call.state.engine.store().write(move |tx| lookup(tx, &question, peer, &rules)).await {
        Ok(found) => {
            let spent = found.token == MASK;
            let kind = if spent { Kind::TokenSpent } else { Kind::LookedUp };
            trace(&call).node(found.node.uuid, kind, asked.addresses.join(", "));
            Ok(Answer::json(&document(&call, &found)?))
        }
        Err(refusal) => {
            note_refused(&call, Door::Lookup, asked, &refusal).await;
            Err(refusal.into())
        }
    }
}

/// `POST /v1/heartbeat/{node}`
pub async fn beat(call: Call) -> Result<Answer, Fault> {
    let sent = call.arguments()?;
    let ident = ident(&call)?;
    take_beat(call, ident, &sent).await
}

/// `POST /v1/heartbeat`: the node is named in the body.
pub async fn beat_by_name(call: Call) -> Result<Answer, Fault> {
    let sent = call.arguments()?;
    let ident = text(&sent, "node_ident")?.ok_or_else(|| Fault::invalid("Missing mandatory parameter: node_ident"))?;
    let ident = named(&call, &ident)?;
    take_beat(call, ident, &sent).await
}

/// What is seen of the machines.
fn trace(call: &Call) -> &Trace {
    &call.state.engine.environment().trace
}

/// The agent learns nothing of why it is refused; its admin does.
async fn note_refused(call: &Call, door: Door, asked: Lookup, told: &Refusal) {
    let kind = if door == Door::Lookup { Kind::LookupRefused } else { Kind::ReportRefused };
    let (rules, peer) = (call.state.engine.rules().clone(), Peer::new(call.peer));
    let now = call.state.engine.environment().clock.now();
    let (cards, question) = (asked.addresses.clone(), asked);
    let found = call.state.store.read(move |read| refusal(read, door, &question, peer, now, &rules)).await;
    let Ok((node, why)) = found else { return };
    // Everything but "not found" says by itself what it was.
    let why = if matches!(told, Refusal::NotFound(_)) { why } else { told.to_string() };
    match node {
        Some(node) => trace(call).node(node, kind, why),
        None => cards
            .iter()
            .filter_map(|it| it.parse().ok())
            .for_each(|card| trace(call).card(card, false, kind, why.as_str())),
    }
}

async fn take_beat(call: Call, ident: Ident, sent: &Map<String, Value>) -> Result<Answer, Fault> {
    for param in params::HEARTBEAT.iter().filter(|param| param.since > call.version) {
        if sent.get(param.name).is_some_and(|value| !value.is_null()) {
            return Err(Fault::invalid(format!("Field \"{}\" not recognised", param.name)));
        }
    }
    let field = |name| text(sent, name);
    let callback_url =
        field("callback_url")?.ok_or_else(|| Fault::invalid("Missing mandatory parameter: callback_url"))?;
    let node = call.state.engine.store().read(move |read| nodes::find(read, &ident)).await?;
    let beat = Heartbeat {
        node: node.uuid,
        callback_url,
        token: field("agent_token")?,
        version: field("agent_version")?,
        verify_ca: field("agent_verify_ca")?,
        status: field("agent_status")?,
        status_message: field("agent_status_message")?,
    };
    let rules = call.state.engine.rules().clone();
    let mut peer = Peer::new(call.peer);
    let net = &call.state.engine.environment().net;
    peer.calls_home = whereabouts::callback(&beat.callback_url).ok().flatten().is_some_and(|at| net.is_own_address(at));
    let (uuid, from) = (beat.node, format!("from {}", beat.callback_url));
    let taken = call.state.engine.store().write(move |tx| heartbeat(tx, &beat, peer, &rules)).await;
    match &taken {
        Ok(()) => trace(&call).node(uuid, Kind::Beat, from),
        Err(why) => trace(&call).node(uuid, Kind::BeatRefused, format!("{why} ({from})")),
    }
    taken?;
    Ok(Answer::accepted())
}

/// `POST /v1/continue_inspection`
pub async fn report(call: Call) -> Result<Answer, Fault> {
    let data = call.object("inspection data")?;
    let addresses = addresses(&data)?;
    // Agents send no version, which is the oldest; those in between never had this.
    let new = call.version.has(Quirk::InspectionReports);
    if !new && !call.version.is_oldest() {
        return Err(Fault::not_found("Resource could not be found."));
    }
    let mut query = call.query.clone();
    let node_uuid = if new { node(query.take("node_uuid")?)? } else { None };
    let peer = Peer::new(call.peer);
    let report = Report { data, node_uuid, addresses, takes_token: new };
    let rules = call.state.engine.rules().clone();
    let asked = Lookup { addresses: report.addresses.clone(), node_uuid: report.node_uuid };
    let taken =
        call.state.engine.write_when_free_for_machine(move |tx| continue_inspection(tx, &report, peer, &rules)).await;
    let found = match taken {
        Ok(found) => found,
        Err(refusal) => {
            note_refused(&call, Door::Report, asked, &refusal).await;
            return Err(refusal.into());
        }
    };
    trace(&call).node(found.node.uuid, Kind::Reported, "");
    let body = if new { document(&call, &found)? } else { json!({"uuid": found.node.uuid.to_string()}) };
    Ok(Answer { body: Some(body.to_string().into_bytes()), ..Answer::accepted() })
}

fn node(text: Option<String>) -> Result<Option<uuid::Uuid>, Fault> {
    text.map(|text| {
        uuid::Uuid::try_parse(&text).map_err(|_| Fault::invalid(format!("node_uuid: expected a UUID, got {text}")))
    })
    .transpose()
}

fn canonical(text: &str) -> Option<String> {
    text.trim().parse::<Mac>().ok().map(|mac| mac.to_string())
}

/// The MAC addresses in an inventory. One without interfaces is of no use to anybody.
fn addresses(data: &Map<String, Value>) -> Result<Vec<String>, Fault> {
    let inventory = data.get("inventory").filter(|value| value.is_object()).ok_or_else(|| {
        let got = data.get("inventory").map_or_else(|| "nothing".to_owned(), brief);
        Fault::invalid(format!("inventory: expected an object, got {got}"))
    })?;
    let inventory: Inventory = serde_json::from_value(inventory.clone())
        .map_err(|error| Fault::invalid(format!("inventory: cannot be read: {error}")))?;
    let found: Vec<String> =
        inventory.interfaces.iter().filter_map(|it| canonical(it.mac_address.as_deref()?)).collect();
    if found.is_empty() {
        return Err(Fault::invalid("inventory/interfaces: expected at least one interface with a MAC address"));
    }
    Ok(found)
}

/// The answer to a lookup.
fn document(call: &Call, found: &Found) -> Result<Value, Fault> {
    let (uuid, base) = (found.node.uuid, &call.base);
    let shown = LookupNode {
        uuid: uuid.to_string(),
        properties: found.node.properties.map(),
        instance_info: found.node.instance_info.map(),
        driver_internal_info: found.node.driver_internal_info.map(),
        links: vec![
            json!({"href": format!("{base}/v1/nodes/{uuid}"), "rel": "self"}),
            json!({"href": format!("{base}/nodes/{uuid}"), "rel": "bookmark"}),
        ],
    };
    let told = call.version.has(Quirk::AgentTokens);
    let config = AgentConfig {
        heartbeat_timeout: call.state.engine.environment().settings.heartbeat_timeout.as_secs(),
        agent_token: told.then(|| found.token.clone()),
        agent_token_required: true,
        agent_md5_checksum_enable: call.state.engine.environment().settings.allow_md5,
        disable_deep_image_inspection: false,
        permitted_image_formats: Some(["raw", "gpt", "qcow2", "iso"].map(str::to_owned).to_vec()),
        agent_skip_bmc_detect: false,
        extra: extra(),
    };
    let node = serde_json::to_value(shown).map_err(|error| Fault::invalid(error.to_string()))?;
    let config = serde_json::to_value(config).map_err(|error| Fault::invalid(error.to_string()))?;
    Ok(json!({"node": node, "config": config}))
}

/// Settings of the agent that Ironic sends and that we leave as they are by default.
fn extra() -> Map<String, Value> {
    let values = json!({
        "metrics": {
            "backend": "noop", "prepend_host": false, "prepend_uuid": false, "prepend_host_reverse": true,
            "global_prefix": null,
        },
        "metrics_statsd": {"statsd_host": "localhost", "statsd_port": 8125},
        "enable_bios_bootloader_install": false,
        // Of the agent's own listener.
        "tls_min_version": "1.3",
        "tls_cipher_suites": null,
        "agent_containers": {
            "allow_arbitrary_containers": false,
            "allowed_containers": [],
            "container_steps_file": "/etc/ironic-python-agent.d/mysteps.yaml",
            "pull_options": [],
            "run_options": ["--rm", "--network=host"],
            "runner": "podman",
        },
    });
    match values {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
