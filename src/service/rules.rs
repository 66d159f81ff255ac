//! What the operator configured, as far as decisions care.

use std::time::Duration;

use jiff::Timestamp;

use crate::net::Block;
use crate::provision::flows::Timeout;

#[derive(Clone, Debug)]
pub struct Rules {
    /// The name under which this service reserves nodes: the host's, as Ironic's conductors do.
    pub conductor: String,
    /// Whether nodes are cleaned on the way to `available` unless they say otherwise.
    pub automated_clean: bool,
    /// Whether a ramdisk may go on running between flows, unless nodes say otherwise.
    pub fast_track: bool,
    pub timeouts: Timeouts,
    pub disallowed: Disallowed,
    pub agents: Agents,
    /// When this process began to serve. The engine sets it.
    pub started_at: Timestamp,
}

/// Where agents may be.
#[derive(Clone, Debug, Default)]
pub struct Agents {
    /// Blocks that the operator named.
    pub networks: Vec<Block>,
    /// Whether machines have their addresses from our own DHCP.
    pub leased: bool,
}

/// Steps that nobody may ask for, as `interface.step`, by flow. Raw commands to a BMC can do anything to it.
#[derive(Clone, Debug)]
pub struct Disallowed {
    pub clean: Vec<String>,
    pub deploy: Vec<String>,
    pub service: Vec<String>,
}

impl Default for Disallowed {
    fn default() -> Self {
        let raw = || vec!["vendor.send_raw".to_owned()];
        Disallowed { clean: raw(), deploy: raw(), service: raw() }
    }
}

/// How long a wait for the agent may last; zero is for ever.
#[derive(Clone, Debug)]
pub struct Timeouts {
    pub deploy: Duration,
    pub clean: Duration,
    pub inspect: Duration,
    pub rescue: Duration,
    pub service: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let half_an_hour = Duration::from_secs(1800);
        Timeouts {
            deploy: half_an_hour,
            clean: half_an_hour,
            inspect: half_an_hour,
            rescue: half_an_hour,
            service: half_an_hour,
        }
    }
}

impl Timeouts {
    /// The bound of a kind of wait; none if it is unbounded by configuration.
    pub fn of(&self, timeout: Timeout) -> Option<Duration> {
        let bound = match timeout {
            Timeout::Deploy => self.deploy,
            Timeout::Clean => self.clean,
            Timeout::Inspect => self.inspect,
            Timeout::Rescue => self.rescue,
            Timeout::Service => self.service,
        };
        (bound > Duration::ZERO).then_some(bound)
    }
}

impl Default for Rules {
    fn default() -> Self {
        Rules {
            conductor: "bessemer".to_owned(),
            automated_clean: true,
            fast_track: false,
            timeouts: Timeouts::default(),
            disallowed: Disallowed::default(),
            agents: Agents::default(),
            started_at: Timestamp::UNIX_EPOCH,
        }
    }
}
