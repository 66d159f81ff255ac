//! What drivers share: the seams, the settings and the clients that outlive a task.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::drive_room::DriveRoom;
use super::inspection;
use crate::bmc::ipmi;
use crate::clock::Clock;
use crate::image::cache::ImageCache;
use crate::net::{Net, http};
use crate::random::Random;
use crate::trace::Trace;

/// Handed to every task. Cheap to clone.
#[derive(Clone)]
pub struct Environment {
    pub clock: Clock,
    pub net: Net,
    pub random: Random,
    pub settings: Arc<Settings>,
    /// Sessions with the BMCs of all nodes.
    pub ipmi: ipmi::Pool,
    /// Asks agents, and everything else that speaks HTTP.
    pub http: http::Client,
    /// Where requests may go whose address a client chose.
    pub reach: http::Reach,
    /// Where images wait for the machines that write them; without one nothing can be deployed from an image.
    pub images: Option<ImageCache>,
    /// The memory for config drives.
    pub drive_room: DriveRoom,
    /// What is seen of the machines.
    pub trace: Trace,
    /// Names this life of the service: what another has begun, it did not see to its end.
    pub life: Arc<str>,
}

impl Environment {
    /// An environment with clients of its own, nothing of which touches the network before it is used. Whoever makes
    /// one shuts [`Environment::ipmi`] down at the end, so that BMCs get their sessions back.
    pub fn new(clock: Clock, net: Net, random: Random, settings: Settings) -> Self {
        let ipmi = ipmi::Pool::new(net.clone(), clock.clone(), random.clone(), ipmi::Settings::default());
        let http = http::Client::new(net.clone(), clock.clone());
        let trace = Trace::new(clock.clone());
        let life = random.uuid().to_string().into();
        Environment {
            clock,
            net,
            random,
            settings: Arc::new(settings),
            ipmi,
            http,
            reach: http::Reach::routed(),
            images: None,
            drive_room: DriveRoom::default(),
            trace,
            life,
        }
    }

    pub fn with_images(self, images: ImageCache) -> Self {
        Environment { images: Some(images), ..self }
    }
}

/// What the operator configured, as far as drivers care.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a power change may take.
    pub power_change: Duration,
    /// How long an operating system may take to shut down.
    pub soft_power_off: Duration,
    /// Base URL of the provisioning listener, as machines reach it, without a trailing slash. None: no network boot.
    pub provisioning_url: Option<String>,
    /// Deploy kernel and ramdisk for nodes that name none: a path below a root, or an http(s) URL.
    pub deploy_kernel: Option<String>,
    pub deploy_ramdisk: Option<String>,
    /// The same for rescues; the deploy ones stand in for absent ones.
    pub rescue_kernel: Option<String>,
    pub rescue_ramdisk: Option<String>,
    pub kernel_append_params: String,
    /// Whether nodes are cleaned on the way to `available` unless they say otherwise.
    pub automated_clean: bool,
    /// Whether a ramdisk that runs already is used for what comes next, unless nodes say otherwise.
    pub fast_track: bool,
    /// How old the last heartbeat of such a ramdisk may be.
    pub fast_track_timeout: Duration,
    /// Priority of the agent's clean steps; absent ones keep the agent's own.
    pub clean_step_priorities: Vec<(String, i64)>,
    /// How long the agent may wait between heartbeats; told to it at lookup.
    pub heartbeat_timeout: Duration,
    /// Pause between two looks at something that a machine is doing, and before a lost question is repeated.
    pub agent_poll: Duration,
    /// How long an agent may take to switch its machine off before the BMC does.
    pub agent_power_off: Duration,
    /// Whether images may be given with an MD5 checksum.
    pub allow_md5: bool,
    /// Where the logs of failed ramdisks are kept; none: they are not collected.
    pub logs: Option<Logs>,
    pub inspection: inspection::Settings,
}

/// A directory of logs and its bounds; the oldest go first.
#[derive(Clone, Debug)]
pub struct Logs {
    pub dir: PathBuf,
    pub keep: usize,
    pub bytes: u64,
    /// How long collecting may take: the machine stays switched on for so long, and its node locked.
    pub within: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            power_change: Duration::from_secs(60),
            soft_power_off: Duration::from_secs(600),
            provisioning_url: None,
            deploy_kernel: None,
            deploy_ramdisk: None,
            rescue_kernel: None,
            rescue_ramdisk: None,
            kernel_append_params: "nofb vga=normal".to_owned(),
            automated_clean: true,
            fast_track: false,
            fast_track_timeout: Duration::from_secs(300),
            clean_step_priorities: vec![("erase_devices".to_owned(), 0), ("erase_devices_metadata".to_owned(), 10)],
            heartbeat_timeout: Duration::from_secs(300),
            agent_poll: Duration::from_secs(1),
            agent_power_off: Duration::from_secs(35),
            allow_md5: false,
            logs: None,
            inspection: inspection::Settings::default(),
        }
    }
}
