//! What the API says of all nodes, asked several times a second, so that everybody can wait for anything.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;
use tokio::sync::watch;

use super::api::Api;
use super::show::Screen;
use crate::clock::Clock;
use crate::sim::rack::Rack;

const PAUSE: Duration = Duration::from_millis(60);

/// A node as the list shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub uuid: String,
    pub state: String,
    pub power: String,
    pub error: Option<String>,
}

pub struct Watcher {
    api: Arc<Api>,
    clock: Clock,
    seen: watch::Sender<HashMap<String, Seen>>,
}

impl Watcher {
    pub fn new(api: Arc<Api>, clock: Clock) -> Self {
        Watcher { api, clock, seen: watch::Sender::default() }
    }

    /// Looks for ever, and shows what it sees. Returns only if the API fails.
    pub async fn run(&self, rack: &Rack, screen: &Screen) -> anyhow::Error {
        loop {
            match self.look().await {
                Ok(nodes) => {
                    screen.draw(rack, &nodes);
                    self.seen.send_if_modified(|seen| std::mem::replace(seen, nodes.clone()) != nodes);
                }
                Err(error) => return error,
            }
            self.clock.sleep(PAUSE).await;
        }
    }

    async fn look(&self) -> anyhow::Result<HashMap<String, Seen>> {
        let list = self.api.get("/v1/nodes?fields=uuid,name,provision_state,power_state,last_error").await?;
        let nodes = list["nodes"].as_array().context("the list of nodes is no list")?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let seen = nodes.iter().map(|node| {
            let seen = Seen {
                uuid: text(&node["uuid"]),
                state: text(&node["provision_state"]),
                power: text(&node["power_state"]),
                error: node["last_error"].as_str().map(str::to_owned),
            };
            (text(&node["name"]), seen)
        });
        Ok(seen.collect())
    }

    /// Waits until the node is in `state` with nothing left to do. A failed state ends the waiting, with the reason.
    pub async fn until(&self, name: &str, state: &str, within: Duration) -> anyhow::Result<Seen> {
        let mut seen = self.seen.subscribe();
        let settled =
            seen.wait_for(|nodes| nodes.get(name).is_some_and(|node| node.state == state || is_failure(node)));
        let node = match tokio::time::timeout(within, settled).await {
            Ok(nodes) => nodes?.get(name).cloned().unwrap_or_default(),
            Err(_) => {
                let now = self.seen.borrow().get(name).cloned().unwrap_or_default();
                bail!("{name} did not become {state} within {} s; it is {}", within.as_secs(), now.state);
            }
        };
        if node.state != state {
            bail!("{name} became {} instead of {state}: {}", node.state, node.error.unwrap_or_default());
        }
        Ok(node)
    }

    /// Waits until the node is no longer in `state`.
    pub async fn until_left(&self, name: &str, state: &str, within: Duration) -> anyhow::Result<()> {
        let mut seen = self.seen.subscribe();
        let left = seen.wait_for(|nodes| nodes.get(name).is_some_and(|node| node.state != state));
        tokio::time::timeout(within, left).await.context("it stays where it is")??;
        Ok(())
    }

    /// Waits until the node has an error to tell.
    pub async fn until_error(&self, name: &str, within: Duration) -> anyhow::Result<String> {
        let mut seen = self.seen.subscribe();
        let told = seen.wait_for(|nodes| nodes.get(name).is_some_and(|node| node.error.is_some()));
        let nodes = tokio::time::timeout(within, told).await.context("no error was told")??;
        Ok(nodes.get(name).and_then(|node| node.error.clone()).unwrap_or_default())
    }
}

fn is_failure(node: &Seen) -> bool {
    node.state.ends_with("failed") || node.state == "error" || (node.state == "enroll" && node.error.is_some())
}
