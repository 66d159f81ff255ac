//! The heartbeat: at once, then every now and then, and after each asynchronous command.

use std::net::SocketAddr;
use std::time::Duration;

use super::Ramdisk;
use super::contact::Version;
use crate::wire::ipa::Heartbeat;

impl Ramdisk {
    /// Beats until the plug is pulled.
    pub(super) async fn heartbeats(&self, api_url: &str, version: Version, at: SocketAddr, pem: Option<String>) {
        let scheme = if pem.is_some() { "https" } else { "http" };
        let callback_url = format!("{scheme}://{at}");
        loop {
            let accepted = self.heartbeat(api_url, version, &callback_url, pem.as_deref()).await;
            let least = self.world.pace.heartbeat_pause;
            let interval = if accepted {
                // Between 0.3 and 0.6 of the time that the service allows.
                self.state().heartbeat_timeout.mul_f64(0.3 + self.world.random.below(300) as f64 / 1000.0)
            } else {
                least + self.world.random.jitter(least)
            };
            let since = self.world.clock.instant();
            tokio::select! {
                biased;
                () = self.beat.notified() => {
                    let left = least.saturating_sub(self.world.clock.instant() - since);
                    self.world.clock.sleep(left.max(Duration::from_millis(1))).await;
                }
                () = self.world.clock.sleep(interval.max(least)) => {}
            }
        }
    }

    async fn heartbeat(&self, api_url: &str, version: Version, callback_url: &str, pem: Option<&str>) -> bool {
        let (uuid, token) = {
            let state = self.state();
            (state.node_uuid.clone(), state.token.clone())
        };
        let token = if self.faults.wrong_token() { Some("w".repeat(43)) } else { token };
        let body = Heartbeat {
            callback_url: Some(callback_url.to_owned()),
            agent_token: token.filter(|_| version >= (1, 62)),
            agent_version: Some("13.0.0".to_owned()).filter(|_| version >= (1, 36)),
            agent_verify_ca: pem.map(str::to_owned),
            ..Default::default()
        };
        let body = serde_json::to_value(body).unwrap_or_default();
        let asked = self.ask(&format!("{api_url}/v1/heartbeat/{uuid}"), Some(&body), Some(version.min((1, 68)))).await;
        matches!(asked, Ok((202, _)))
    }
}
