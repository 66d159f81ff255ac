//! What agents, and strangers in their place, say: lookup queries, heartbeats, command results, lists of steps.
//!
//! Oracles: what is read and written again reads the same; no secret is in what is printed for people; a failure's text, which
//! becomes `last_error`, is bounded; of a lookup's addresses only MAC addresses are left.

use bessemer::api::request::Query;
use bessemer::driver::agent::Progress;
use bessemer::model::{FlowName, InterfaceKind, Step, StepSource};
use bessemer::wire::ipa::{Command, CommandList, Heartbeat, ImageInfo, Lookup, StepList};
use bessemer::wire::mac::Mac;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// `last_error` is read by people.
const MOST_FAILURE: usize = 3_000;

pub fn run(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        query(text.trim_end_matches('\n'));
    }
    if let Some(list) = again::<CommandList>(data) {
        commands(&list);
    }
    if let Some(list) = again::<StepList>(data) {
        let steps = list.flatten();
        let named = list.steps.values().filter_map(Value::as_array).flatten();
        assert!(steps.len() <= named.count());
    }
    again::<ImageInfo>(data);
    again::<Command>(data);
    secrets(data);
}

/// Reads, writes, and reads again.
fn again<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(data: &[u8]) -> Option<T> {
    let read: T = serde_json::from_slice(data).ok()?;
    let text = serde_json::to_string(&read).unwrap_or_else(|error| panic!("it cannot be written: {error}"));
    let second: T = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text} cannot be read: {error}"));
    assert_eq!(second, read, "{text}");
    Some(read)
}

fn commands(list: &CommandList) {
    let step = Step {
        interface: InterfaceKind::Deploy,
        step: "write_image".into(),
        args: Default::default(),
        priority: 80,
        abortable: true,
        requires_ramdisk: true,
        reboot_requested: false,
        source: StepSource::Agent,
        children: None,
    };
    let progress = Progress::of(&list.commands, FlowName::Deploy, &step, None);
    if let Progress::Failed { why, .. } = &progress {
        assert!(why.chars().count() <= MOST_FAILURE, "a reason of {} characters", why.len());
    }
    assert!(progress != Progress::Succeeded || list.commands.iter().any(|it| it.is("execute_deploy_step")));
    for command in &list.commands {
        assert!(command.failure().chars().count() <= MOST_FAILURE);
    }
}

/// Neither the token of a heartbeat nor that of a lookup's answer is shown by accident.
fn secrets(data: &[u8]) {
    if let Ok(beat) = serde_json::from_slice::<Heartbeat>(data) {
        let shown = format!("{beat:?}");
        let open = format!("{:?} {:?} Heartbeat agent_token", beat.callback_url, beat.agent_version);
        for secret in [&beat.agent_token, &beat.agent_verify_ca].into_iter().flatten() {
            assert!(secret.len() < 8 || open.contains(secret.as_str()) || !shown.contains(secret.as_str()), "{shown}");
        }
    }
    if let Ok(lookup) = serde_json::from_slice::<Lookup>(data) {
        let shown = format!("{lookup:?} {:?}", lookup.config);
        let open = format!("{:?} {}", lookup.node.uuid, lookup.config.heartbeat_timeout);
        let secret = lookup.config.agent_token.unwrap_or_default();
        assert!(secret.len() < 8 || open.contains(&secret) || !shown.contains(&secret), "{shown}");
    }
}

/// A query as `GET /v1/lookup` has it.
fn query(text: &str) {
    let query = Query::parse(Some(text));
    let pairs: Vec<(String, String)> = query.pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    // Written again with every byte escaped it is the same query.
    let escaped = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let written: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
    let again = Query::parse(Some(&written.join("&")));
    assert!(again.pairs().eq(query.pairs()), "{text:?}");
    let mut query = query;
    let Ok(Some(addresses)) = query.take_list("addresses") else { return };
    assert!(addresses.len() <= text.len());
    for address in addresses {
        if let Ok(mac) = address.trim().parse::<Mac>() {
            assert_eq!(mac.to_string().parse::<Mac>(), Ok(mac));
            assert_eq!(address.replace('-', ":"), mac.to_string());
        }
    }
}
