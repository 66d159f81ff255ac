//! Inspection rules, carried out on the node, its ports, its traits and the plug-in data.
//!
//! The engine goes through the rules, one at a time; what a rule does up to the next call of another service is one
//! transaction, so a rule that fails has done nothing since that call. A rule changes what a client may change, with the
//! same checks; a secret in `driver_info` goes where secrets go, and rules see `******` for those that are there.

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::model::{InspectionRule, Node};
use crate::provision::inspection::conditions::{self, truthy};
use crate::provision::inspection::ops::{self, Op};
use crate::provision::inspection::place;
use crate::provision::inspection::text::{Scope, plain};
use crate::service::{Refusal, Refused, flow, nodes, ports};
use crate::store::{Read, Tx, nodes as rows};

/// How far a rule has come, and what it works on.
#[derive(Clone, Debug)]
pub struct Progress {
    action: usize,
    item: usize,
    pub inventory: Value,
    pub plugin_data: Map<String, Value>,
}

/// Another service to be called before the rule goes on.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub timeout_secs: f64,
    pub retries: u32,
    pub backoff_secs: f64,
}

/// Bounds of a call, whatever a rule says: the inspection waits for it.
const LONGEST_CALL_SECS: f64 = 60.0;
const MOST_RETRIES: u32 = 10;
const LONGEST_BACKOFF_SECS: f64 = 10.0;

impl Progress {
    pub fn new(inventory: Value, plugin_data: Map<String, Value>) -> Self {
        Progress { action: 0, item: 0, inventory, plugin_data }
    }

    /// The next rule begins at its beginning.
    pub fn rewind(&mut self) {
        (self.action, self.item) = (0, 0);
    }
}

/// Whether the rule is to be applied to the node as it is now.
pub fn applies(read: &Read, node: Uuid, rule: &InspectionRule, at: &Progress) -> Refused<bool> {
    let node = nodes::attributes(&flow::load(read, node)?);
    let plugin_data = Value::Object(at.plugin_data.clone());
    let scope = Scope { node: &node, inventory: &at.inventory, plugin_data: &plugin_data, item: None };
    conditions::hold(list(rule, "conditions"), scope).map_err(|why| refused(rule, &why))
}

fn list<'r>(rule: &'r InspectionRule, name: &str) -> &'r [Value] {
    rule.body.open()[name].as_array().map_or(&[], Vec::as_slice)
}

/// Nobody learns from an error what a sensitive rule says.
fn refused(rule: &InspectionRule, why: &str) -> Refusal {
    let name = match &rule.description {
        Some(description) if !description.is_empty() => format!("{} ({description})", rule.uuid),
        _ => rule.uuid.to_string(),
    };
    let why = if rule.sensitive { "it failed; it is sensitive, so it does not say why" } else { why };
    Refusal::invalid(format!("inspection rule {name}: {why}"))
}

/// Does what the rule says from where it stands: to its end, or to a call that must be made first.
pub fn carry_on(tx: &Tx, node: Uuid, rule: &InspectionRule, mut at: Progress) -> Refused<(Progress, Option<Call>)> {
    let before = flow::load(tx, node)?;
    let mut node = before.clone();
    let actions = list(rule, "actions");
    let mut call = None;
    while call.is_none() && at.action < actions.len() {
        let action = &actions[at.action];
        let items = match &action["loop"] {
            Value::Array(items) if !items.is_empty() => items.iter().map(Some).collect(),
            // An object is not gone through: it is the one item.
            item @ Value::Object(map) if !map.is_empty() => vec![Some(item)],
            _ => vec![None],
        };
        let Some(item) = items.get(at.item).copied() else {
            (at.action, at.item) = (at.action + 1, 0);
            continue;
        };
        let word = action["op"].as_str().unwrap_or_default();
        let wrong = |why: String| refused(rule, &format!("action {} ({word}): {why}", at.action));
        let op = ops::action(word).ok_or_else(|| wrong("there is no such action".to_owned()))?;
        let args = filled(op, action, &node, &at, item);
        match act(tx, &mut node, rule, op, &args, &mut at.plugin_data) {
            Ok(asked) => call = asked,
            Err(Refusal::Store(error)) => return Err(Refusal::Store(error)),
            // What a rule fails with on purpose is meant to be read.
            Err(refusal) if op.name == "fail" => return Err(refusal),
            Err(refusal) => return Err(wrong(refusal.to_string())),
        }
        at.item += 1;
    }
    nodes::save(tx, &before, &node).map_err(|refusal| match refusal {
        Refusal::Store(error) => Refusal::Store(error),
        other => refused(rule, &other.to_string()),
    })?;
    Ok((at, call))
}

fn filled(op: &Op, action: &Value, node: &Node, at: &Progress, item: Option<&Value>) -> Map<String, Value> {
    let mut args = op.named(&action["args"]);
    let wanted = |name: &String| item.is_some() || op.filled.contains(&name.as_str());
    if args.keys().any(wanted) {
        let node = nodes::attributes(node);
        let plugin_data = Value::Object(at.plugin_data.clone());
        let scope = Scope { node: &node, inventory: &at.inventory, plugin_data: &plugin_data, item };
        for (name, value) in &mut args {
            if wanted(name) {
                *value = scope.fill(value, false);
            }
        }
    }
    args
}

fn act(
    tx: &Tx,
    node: &mut Node,
    rule: &InspectionRule,
    op: &Op,
    args: &Map<String, Value>,
    plugin_data: &mut Map<String, Value>,
) -> Refused<Option<Call>> {
    let arg = |name: &str| args.get(name).cloned().unwrap_or_default();
    let unique = args.get("unique").is_some_and(truthy);
    match op.name {
        "fail" => {
            return Err(Refusal::invalid(format!(
                "inspection rule {} failed the inspection: {}",
                rule.uuid,
                plain(&arg("msg"))
            )));
        }
        "log" => log(node, rule, &plain(&arg("msg")), args.get("level"))?,
        "set-attribute" => edit(tx, node, args, |map, path| place::set(map, path, arg("value")))?,
        "extend-attribute" => edit(tx, node, args, |map, path| place::extend(map, path, arg("value"), unique))?,
        "del-attribute" => edit(tx, node, args, take)?,
        "set-capability" => {
            let value = text(args, "value")?;
            node.set_capability(&text(args, "name")?, Some(&value));
        }
        "unset-capability" => node.set_capability(&text(args, "name")?, None),
        "add-trait" => nodes::put_trait(tx, node, &text(args, "name")?)?,
        "remove-trait" => {
            let name = text(args, "name")?;
            if !rows::remove_trait(tx, node.uuid, &name)? {
                tracing::warn!(node = %node.uuid, rule = %rule.uuid, "the node does not have the trait to be removed");
            }
        }
        "set-plugin-data" => place::set(plugin_data, &keys(args)?, arg("value")).map_err(Refusal::invalid)?,
        "extend-plugin-data" => {
            place::extend(plugin_data, &keys(args)?, arg("value"), unique).map_err(Refusal::invalid)?;
        }
        "unset-plugin-data" => {
            if !place::prune(plugin_data, &keys(args)?).map_err(Refusal::invalid)? {
                tracing::warn!(node = %node.uuid, rule = %rule.uuid, "there is no such plug-in data to be removed");
            }
        }
        "set-port-attribute" => edit_port(tx, node, args, |map, path| place::set(map, path, arg("value")))?,
        "extend-port-attribute" => {
            edit_port(tx, node, args, |map, path| place::extend(map, path, arg("value"), unique))?;
        }
        "del-port-attribute" => edit_port(tx, node, args, take)?,
        "api-call" => return call(args).map(Some),
        other => return Err(Refusal::invalid(format!("there is no action {other}"))),
    }
    Ok(None)
}

fn take(map: &mut Map<String, Value>, path: &[String]) -> Result<(), String> {
    if place::remove(map, path)? { Ok(()) } else { Err(format!("there is no {}", path.join("/"))) }
}

fn text(args: &Map<String, Value>, name: &str) -> Refused<String> {
    match args.get(name) {
        Some(Value::String(text)) => Ok(text.clone()),
        _ => Err(Refusal::invalid(format!("{name}: expected a text"))),
    }
}

fn keys(args: &Map<String, Value>) -> Refused<Vec<String>> {
    place::keys(args.get("path").unwrap_or(&Value::Null)).map_err(Refusal::invalid)
}

fn log(node: &Node, rule: &InspectionRule, message: &str, level: Option<&Value>) -> Refused<()> {
    let level = level.map_or_else(|| "info".to_owned(), |level| plain(level).to_lowercase());
    let message = if rule.sensitive { "(what a sensitive rule says is not logged)" } else { message };
    let (node, rule) = (node.uuid, rule.uuid);
    match level.as_str() {
        "debug" => tracing::debug!(%node, %rule, "{message}"),
        "info" => tracing::info!(%node, %rule, "{message}"),
        "warning" => tracing::warn!(%node, %rule, "{message}"),
        "error" | "critical" => tracing::error!(%node, %rule, "{message}"),
        other => {
            return Err(Refusal::invalid(format!(
                "level: expected debug, info, warning, error or critical, got {other}"
            )));
        }
    }
    Ok(())
}

fn edit(
    tx: &Tx,
    node: &mut Node,
    args: &Map<String, Value>,
    change: impl Fn(&mut Map<String, Value>, &[String]) -> Result<(), String>,
) -> Refused<()> {
    let path = place::parts(&text(args, "path")?);
    nodes::edit(tx, node, &path[0], &|document| change(document, &path))
}

fn edit_port(
    tx: &Tx,
    node: &Node,
    args: &Map<String, Value>,
    change: impl Fn(&mut Map<String, Value>, &[String]) -> Result<(), String>,
) -> Refused<()> {
    let port = ports::find(tx, &text(args, "port_id")?)?;
    if port.node_uuid != node.uuid {
        return Err(Refusal::not_found(format!("Port {} could not be found.", port.uuid)));
    }
    let path = place::parts(&text(args, "path")?);
    ports::edit(tx, &port, &|document| change(document, &path))
}

fn call(args: &Map<String, Value>) -> Refused<Call> {
    let number = |name: &str, default: f64| match args.get(name) {
        None => Ok(default),
        Some(value) => plain(value)
            .trim()
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite() && *number >= 0.0)
            .ok_or_else(|| Refusal::invalid(format!("{name}: expected a number that is not negative"))),
    };
    let timeout_secs = number("timeout", 5.0)?;
    if timeout_secs <= 0.0 {
        return Err(Refusal::invalid("timeout: expected more than zero"));
    }
    if args.get("proxies").is_some_and(truthy) {
        return Err(Refusal::invalid("proxies: calls through a proxy are not supported"));
    }
    let headers = match args.get("headers") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Object(map)) => map.iter().map(|(name, value)| (name.clone(), plain(value))).collect(),
        Some(_) => return Err(Refusal::invalid("headers: expected an object")),
    };
    Ok(Call {
        url: text(args, "url")?,
        headers,
        timeout_secs: timeout_secs.min(LONGEST_CALL_SECS),
        retries: (number("retries", 3.0)? as u32).min(MOST_RETRIES),
        backoff_secs: number("backoff_factor", 0.3)?.min(LONGEST_BACKOFF_SECS),
    })
}
