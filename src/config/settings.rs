//! What a configuration means, checked as a whole. Once a [`Settings`] exists, nothing in it is contradictory.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::{Table, Value};

use super::keys::{self, Fallback, Key};
use super::{Problems, Typed, file, network};
use crate::net::Block;

pub use super::network::{Dhcp, DhcpAt, Provisioning, Unknown};
pub use super::reservations::Reservation;

/// See the rows in [`super::keys`] for what each is for.
#[derive(Clone, Debug)]
pub struct Settings {
    pub db: PathBuf,
    /// Address of the admin API; port 0 picks a free one.
    pub listen: SocketAddr,
    pub host: Option<String>,
    pub automated_clean: bool,
    /// In `tracing`'s directive syntax.
    pub log: String,
    pub auth: Auth,
    /// None: no second listener, unless DHCP is on an interface, whose address is then used.
    pub provisioning: Option<Provisioning>,
    /// Where agents may be that have no lease of ours.
    pub agent_networks: Vec<Block>,
    pub dhcp: Option<Dhcp>,
    pub boot_dir: PathBuf,
    pub images: Images,
    pub deploy: Deploy,
    pub disallowed_steps: DisallowedSteps,
    pub inspection: Inspection,
    pub timeouts: Timeouts,
    pub power_sync: PowerSync,
    pub backup: Option<Backup>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    None,
    Basic { htpasswd: PathBuf },
}

#[derive(Clone, Debug)]
pub struct Images {
    pub roots: Vec<PathBuf>,
    pub cache_dir: PathBuf,
    pub cache_bytes: u64,
    pub min_bytes_per_sec: u64,
    pub fetch_within: Duration,
    /// Near networks that may be asked all the same.
    pub local_networks: Vec<Block>,
}

/// Steps that nobody may ask for, by flow.
#[derive(Clone, Debug)]
pub struct DisallowedSteps {
    pub clean: Vec<String>,
    pub deploy: Vec<String>,
    pub service: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Deploy {
    pub kernel: Option<String>,
    pub ramdisk: Option<String>,
    pub rescue_kernel: Option<String>,
    pub rescue_ramdisk: Option<String>,
    pub fast_track: bool,
    pub fast_track_timeout: Duration,
    pub kernel_append_params: String,
    /// Step and priority; 0 leaves the step out.
    pub clean_step_priorities: Vec<(String, i64)>,
    pub logs: Logs,
}

/// Where logs of failed ramdisks are kept, and how many.
#[derive(Clone, Debug)]
pub struct Logs {
    pub dir: PathBuf,
    pub keep: u64,
    pub bytes: u64,
}

/// See the rows of the table `inspection`.
#[derive(Clone, Debug)]
pub struct Inspection {
    pub hooks: Vec<String>,
    pub add_ports: String,
    pub keep_ports: String,
    pub update_pxe_enabled: bool,
    pub power_off: bool,
    pub require_managed_boot: bool,
    /// Block of addresses and name.
    pub physical_networks: Vec<(String, String)>,
    /// Vendor, product, name.
    pub pci_aliases: Vec<[String; 3]>,
    pub rules_may_call_local: bool,
}

/// Zero means never, where the key's comment says so.
#[derive(Clone, Debug)]
pub struct Timeouts {
    pub deploy_callback: Duration,
    pub clean_callback: Duration,
    pub service_callback: Duration,
    pub rescue_callback: Duration,
    pub inspect_wait: Duration,
    pub power_change: Duration,
    pub soft_power_off: Duration,
    pub heartbeat: Duration,
}

#[derive(Clone, Debug)]
pub struct PowerSync {
    pub interval: Duration,
    pub force: bool,
}

/// Backups that the service makes by itself.
#[derive(Clone, Debug)]
pub struct Backup {
    pub dir: PathBuf,
    pub interval: Duration,
    pub keep: u64,
}

impl Settings {
    /// Reads the meaning. Errors: everything that is wrong, also what [`Typed`] found before.
    pub fn from_typed(typed: &Typed) -> Result<Self, Problems> {
        let mut values = Values { typed, problems: typed.problems.clone() };
        let settings = Settings::read(&mut values);
        if values.problems.is_empty() { Ok(settings) } else { Err(Problems(values.problems)) }
    }

    /// What zero configuration means.
    pub fn defaults() -> Result<Self, Problems> {
        Self::from_typed(&Typed::default())
    }

    fn read(values: &mut Values) -> Self {
        let db = PathBuf::from(values.words(keys::DB));
        let listen = values.socket(keys::LISTEN).unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
        let auth = auth(values, listen.ip());
        let dhcp = network::dhcp(values);
        let provisioning = network::provisioning(values, listen, dhcp.as_ref());
        Settings {
            host: values.text(keys::HOST),
            automated_clean: values.flag(keys::AUTOMATED_CLEAN),
            log: values.words(keys::LOG),
            auth,
            provisioning,
            agent_networks: values.blocks(keys::PROVISIONING_AGENTS),
            dhcp,
            boot_dir: values.words(keys::BOOT_DIR).into(),
            images: images(values, &db),
            disallowed_steps: DisallowedSteps {
                clean: values.list(keys::STEPS_NO_CLEAN),
                deploy: values.list(keys::STEPS_NO_DEPLOY),
                service: values.list(keys::STEPS_NO_SERVICE),
            },
            deploy: Deploy {
                kernel: values.text(keys::DEPLOY_KERNEL),
                ramdisk: values.text(keys::DEPLOY_RAMDISK),
                rescue_kernel: values.text(keys::DEPLOY_RESCUE_KERNEL),
                rescue_ramdisk: values.text(keys::DEPLOY_RESCUE_RAMDISK),
                fast_track: values.flag(keys::DEPLOY_FAST_TRACK),
                fast_track_timeout: values.secs(keys::DEPLOY_FAST_TRACK_TIMEOUT),
                kernel_append_params: values.words(keys::DEPLOY_KERNEL_APPEND),
                clean_step_priorities: vec![
                    ("erase_devices".to_owned(), values.number(keys::CLEAN_ERASE)),
                    ("erase_devices_metadata".to_owned(), values.number(keys::CLEAN_ERASE_METADATA)),
                ],
                logs: Logs {
                    dir: values.text(keys::DEPLOY_LOGS_DIR).map_or_else(|| db.with_extension("logs"), PathBuf::from),
                    keep: values.count(keys::DEPLOY_LOGS_KEEP),
                    bytes: values.count(keys::DEPLOY_LOGS_BYTES),
                },
            },
            inspection: inspection(values),
            timeouts: Timeouts {
                deploy_callback: values.secs(keys::DEPLOY_CALLBACK),
                clean_callback: values.secs(keys::CLEAN_CALLBACK),
                service_callback: values.secs(keys::SERVICE_CALLBACK),
                rescue_callback: values.secs(keys::RESCUE_CALLBACK),
                inspect_wait: values.secs(keys::INSPECT_WAIT),
                power_change: values.secs(keys::POWER_CHANGE),
                soft_power_off: values.secs(keys::SOFT_POWER_OFF),
                heartbeat: values.secs(keys::HEARTBEAT),
            },
            power_sync: PowerSync {
                interval: values.secs(keys::POWER_SYNC_INTERVAL),
                force: values.flag(keys::POWER_SYNC_FORCE),
            },
            backup: backup(values),
            db,
            listen,
        }
    }
}

fn auth(values: &mut Values, admin: IpAddr) -> Auth {
    let htpasswd = values.text(keys::AUTH_HTPASSWD).map(PathBuf::from);
    if values.words(keys::AUTH_STRATEGY) == "http_basic" {
        if htpasswd.is_none() {
            values.wrong(keys::AUTH_STRATEGY, "auth.htpasswd, the file with the users, beside it");
        }
        return Auth::Basic { htpasswd: htpasswd.unwrap_or_default() };
    }
    if !admin.is_loopback() && !values.flag(keys::AUTH_ALLOW_NOAUTH) {
        values.wrong(
            keys::LISTEN,
            "a loopback address, because auth.strategy is noauth and whoever reaches this address could do everything; \
             or auth.strategy = \"http_basic\"; or auth.allow_noauth = true if that is meant",
        );
    }
    Auth::None
}

fn backup(values: &Values) -> Option<Backup> {
    let interval = values.secs(keys::BACKUP_INTERVAL);
    let dir = values.text(keys::BACKUP_DIR).filter(|_| !interval.is_zero())?;
    Some(Backup { dir: dir.into(), interval, keep: values.count(keys::BACKUP_KEEP) })
}

fn inspection(values: &mut Values) -> Inspection {
    let hooks = values.list(keys::INSPECTION_HOOKS);
    let stands = |name: &str| hooks.iter().position(|hook| hook == name);
    let checked = stands("validate-interfaces");
    let needy = ["ports", "physical-network", "local-link-connection"].into_iter().filter_map(stands).min();
    if needy.is_some_and(|at| checked.is_none_or(|checked| checked > at)) {
        values.wrong(keys::INSPECTION_HOOKS, "validate-interfaces before the hooks that deal with ports");
    }
    let mut physical_networks = Vec::new();
    for entry in values.list(keys::INSPECTION_NETWORKS) {
        match entry.rsplit_once(':') {
            Some((network, name)) if network.contains('/') && !name.is_empty() && network.parse::<Block>().is_ok() => {
                physical_networks.push((network.to_owned(), name.to_owned()));
            }
            _ => values.wrong(keys::INSPECTION_NETWORKS, "ADDRESS/LENGTH:NAME, such as 10.10.10.0/24:storage"),
        }
    }
    let mut pci_aliases = Vec::new();
    for entry in values.list(keys::INSPECTION_PCI) {
        match &entry.split(':').map(str::trim).collect::<Vec<_>>()[..] {
            [vendor, product, name] if ![vendor, product, name].iter().any(|part| part.is_empty()) => {
                pci_aliases.push([vendor.to_lowercase(), product.to_lowercase(), (*name).to_owned()]);
            }
            _ => values.wrong(keys::INSPECTION_PCI, "VENDOR:PRODUCT:NAME, such as 10de:1eb8:gpu"),
        }
    }
    Inspection {
        hooks,
        add_ports: values.words(keys::INSPECTION_ADD_PORTS),
        keep_ports: values.words(keys::INSPECTION_KEEP_PORTS),
        update_pxe_enabled: values.flag(keys::INSPECTION_UPDATE_PXE),
        power_off: values.flag(keys::INSPECTION_POWER_OFF),
        require_managed_boot: values.flag(keys::INSPECTION_MANAGED),
        physical_networks,
        pci_aliases,
        rules_may_call_local: values.flag(keys::INSPECTION_LOCAL_CALLS),
    }
}

fn images(values: &mut Values, db: &Path) -> Images {
    let roots: Vec<PathBuf> = values.list(keys::IMAGES_ROOTS).into_iter().map(PathBuf::from).collect();
    if roots.iter().any(|root| !root.is_absolute()) {
        values.wrong(keys::IMAGES_ROOTS, "absolute paths");
    }
    let cache_dir = match values.text(keys::IMAGES_CACHE_DIR) {
        Some(dir) => dir.into(),
        None => db.with_extension("images"),
    };
    let cache_bytes = values.count(keys::IMAGES_CACHE_BYTES);
    let min_bytes_per_sec = values.count(keys::IMAGES_MIN_RATE);
    let fetch_within = values.secs(keys::IMAGES_FETCH);
    let local_networks = values.blocks(keys::IMAGES_LOCAL);
    Images { roots, cache_dir, cache_bytes, min_bytes_per_sec, fetch_within, local_networks }
}

/// Reads typed values by key, and collects what is wrong with them. Only shapes that [`Typed`] has already checked
/// arrive here, so that a missing one can stand for itself as zero or empty.
pub(super) struct Values<'t> {
    typed: &'t Typed,
    problems: Vec<String>,
}

impl Values<'_> {
    /// Notes that the value of a key is not what it has to be: `dhcp.pool = "…" (from FILE): expected …`.
    pub fn wrong(&mut self, key: &Key, expected: &str) {
        let value = self.typed.value(key).map_or_else(|| "nothing".to_owned(), |value| value.to_string());
        let by = self.typed.given(key).map_or("the default", |given| &given.by);
        self.problems.push(format!("{} = {value} (from {by}): expected {expected}", key.path));
    }

    /// Notes that one entry of a key that holds many is wrong: `dhcp.reservations.NAME (from FILE): expected …`.
    pub fn wrong_entry(&mut self, key: &Key, name: &str, expected: &str) {
        let by = self.typed.given(key).map_or("the default", |given| &given.by);
        self.problems.push(format!("{}.\"{name}\" (from {by}): expected {expected}", key.path));
    }

    /// Notes that a key has to be given.
    pub fn missing(&mut self, key: &Key, why: &str) {
        self.problems.push(format!("{} is missing: {why}", key.path));
    }

    /// Whether somebody gave a value that is not the default: a printed configuration states every default.
    pub fn is_given(&self, key: &Key) -> bool {
        self.typed.given(key).is_some_and(|given| match key.default {
            Fallback::Is(toml) => file::literal(toml).as_ref() != Some(&given.value),
            Fallback::Absent(_) => true,
        })
    }

    pub fn text(&self, key: &Key) -> Option<String> {
        match self.typed.value(key)? {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    pub fn words(&self, key: &Key) -> String {
        self.text(key).unwrap_or_default()
    }

    pub fn flag(&self, key: &Key) -> bool {
        matches!(self.typed.value(key), Some(Value::Boolean(true)))
    }

    pub fn number(&self, key: &Key) -> i64 {
        self.typed.value(key).and_then(|value| value.as_integer()).unwrap_or(0)
    }

    /// A number that has no sign.
    pub fn count(&self, key: &Key) -> u64 {
        u64::try_from(self.number(key)).unwrap_or(0)
    }

    pub fn secs(&self, key: &Key) -> Duration {
        Duration::from_secs(self.count(key))
    }

    pub fn list(&self, key: &Key) -> Vec<String> {
        let items = self.typed.value(key).and_then(|value| value.as_array().cloned()).unwrap_or_default();
        items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
    }

    /// Blocks of addresses.
    pub fn blocks(&mut self, key: &Key) -> Vec<Block> {
        let list = self.list(key);
        let blocks: Vec<Block> = list.iter().filter_map(|text| text.parse().ok()).collect();
        if blocks.len() != list.len() {
            self.wrong(key, "addresses or blocks of them, such as 10.77.0.0/24");
        }
        blocks
    }

    pub fn named(&self, key: &Key) -> Table {
        self.typed.value(key).and_then(|value| value.as_table().cloned()).unwrap_or_default()
    }

    /// `ADDRESS:PORT`, if the key has a value and it is one.
    pub fn socket(&mut self, key: &Key) -> Option<SocketAddr> {
        self.parsed(key, "ADDRESS:PORT, such as 127.0.0.1:6385 or [::1]:6385")
    }

    pub fn ipv4(&mut self, key: &Key) -> Option<Ipv4Addr> {
        self.parsed(key, "an IPv4 address")
    }

    fn parsed<T: std::str::FromStr>(&mut self, key: &Key, expected: &str) -> Option<T> {
        let parsed = self.text(key)?.trim().parse().ok();
        if parsed.is_none() {
            self.wrong(key, expected);
        }
        parsed
    }
}
