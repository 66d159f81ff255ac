//! What other services tell of: `POST /v1/events`. Ironic does nothing with it but log it, and so do we.

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::api::request::brief;
use crate::api::{Answer, Call, Fault};
use crate::wire::mac::Mac;

const KINDS: &[&str] = &["network.bind_port", "network.unbind_port", "network.delete_port"];

/// What a key of an event may hold.
#[derive(Clone, Copy)]
enum Holds {
    Kind,
    Uuid,
    UuidOrNull,
    Mac,
    Text,
    TextOrNull,
}

/// The keys, and whether they must be there.
const KEYS: &[(&str, Holds, bool)] = &[
    ("event", Holds::Kind, true),
    ("port_id", Holds::Uuid, true),
    ("mac_address", Holds::Mac, true),
    ("status", Holds::Text, true),
    ("device_id", Holds::UuidOrNull, false),
    ("binding:host_id", Holds::UuidOrNull, false),
    ("binding:vnic_type", Holds::TextOrNull, false),
];

/// `POST /v1/events`
pub async fn report(call: Call) -> Result<Answer, Fault> {
    let body = call.object("events")?;
    let wrong = |what: String| Fault::invalid(format!("Schema error for events: {what}"));
    if let Some(other) = body.keys().find(|key| *key != "events") {
        return Err(wrong(format!("'{other}' was unexpected")));
    }
    let events = match body.get("events") {
        Some(Value::Array(events)) if !events.is_empty() => events,
        Some(other) => return Err(wrong(format!("{}: expected a list that is not empty", brief(other)))),
        None => return Err(wrong("'events' is a required property".to_owned())),
    };
    for (at, event) in events.iter().enumerate() {
        let Value::Object(map) = event else { return Err(wrong(format!("{at}: expected an object"))) };
        check(map).map_err(|why| wrong(format!("{at}: {why}")))?;
    }
    for event in events {
        tracing::debug!(%event, "told of an event");
    }
    Ok(Answer::nothing())
}

fn check(event: &Map<String, Value>) -> Result<(), String> {
    if let Some(other) = event.keys().find(|key| !KEYS.iter().any(|(name, ..)| name == key)) {
        return Err(format!("'{other}' was unexpected"));
    }
    for (name, holds, required) in KEYS {
        match event.get(*name) {
            None if *required => return Err(format!("'{name}' is a required property")),
            None => {}
            Some(value) => {
                holds.check(value).map_err(|what| format!("{name}: expected {what}, got {}", brief(value)))?
            }
        }
    }
    Ok(())
}

impl Holds {
    /// The error is what was expected.
    fn check(self, value: &Value) -> Result<(), &'static str> {
        let text = value.as_str();
        let uuid = text.is_some_and(|text| Uuid::try_parse(text).is_ok());
        let (good, expected) = match self {
            Holds::Kind => (text.is_some_and(|text| KINDS.contains(&text)), "a known kind of event"),
            Holds::Uuid => (uuid, "a UUID"),
            Holds::UuidOrNull => (uuid || value.is_null(), "a UUID or null"),
            Holds::Mac => (text.is_some_and(|text| text.parse::<Mac>().is_ok()), "a MAC address"),
            Holds::Text => (text.is_some(), "a string"),
            Holds::TextOrNull => (text.is_some() || value.is_null(), "a string or null"),
        };
        if good { Ok(()) } else { Err(expected) }
    }
}
