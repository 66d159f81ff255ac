//! The rows: each setting's place in the file, what it takes, its default and what it is for.

/// What a setting takes. Finer rules (an address, a pool) are in [`super::settings`], where they have a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text that is not empty.
    Text,
    /// Text that may be empty.
    Words,
    /// One of these.
    Choice(&'static [&'static str]),
    Flag,
    /// A whole number in this range, both ends included.
    Number(i64, i64),
    /// A list of texts; in a variable or a flag they are separated by commas.
    List,
    /// Such a list of some of these.
    Choices(&'static [&'static str]),
    /// A table of names, each with a text or with a table of texts; in a variable or a flag `NAME=TEXT`, separated by commas.
    Named,
}

/// What stands behind a key if nobody gives a value.
#[derive(Clone, Copy, Debug)]
pub enum Fallback {
    /// In TOML.
    Is(&'static str),
    /// Off, or worked out from something else; the text is an example in TOML.
    Absent(&'static str),
}

/// One setting.
#[derive(Debug)]
pub struct Key {
    /// `key` or `table.key`.
    pub path: &'static str,
    pub kind: Kind,
    pub default: Fallback,
    pub about: &'static str,
}

impl Key {
    /// The environment variable: `BESSEMER_DHCP_POOL` for `dhcp.pool`.
    pub fn variable(&self) -> String {
        format!("BESSEMER_{}", self.path.replace('.', "_").to_ascii_uppercase())
    }

    /// The table and the key in it; the table is empty at the top level.
    pub fn parts(&self) -> (&'static str, &'static str) {
        self.path.split_once('.').unwrap_or(("", self.path))
    }
}

macro_rules! keys {
    ($( $NAME:ident = $path:literal, $kind:expr, $default:expr, $about:literal; )*) => {
        $( pub const $NAME: &Key = &Key { path: $path, kind: $kind, default: $default, about: $about }; )*
        /// Every setting, in the order in which `config print` shows them.
        pub const KEYS: &[&Key] = &[$($NAME),*];
    };
}

use Fallback::{Absent, Is};
use Kind::{Choice, Choices, Flag, List, Named, Number, Text, Words};

const MONTH_SECS: i64 = 31 * 24 * 3600;
/// Seconds, where 0 means never.
const SECS_OR_NEVER: Kind = Number(0, MONTH_SECS);
const SECS: Kind = Number(1, MONTH_SECS);

/// Inspection hooks, in the order of their table in the drivers.
const HOOKS: &[&str] = &[
    "ramdisk-error",
    "validate-interfaces",
    "ports",
    "physical-network",
    "local-link-connection",
    "parse-lldp",
    "architecture",
    "cpus",
    "memory",
    "boot-mode",
    "cpu-capabilities",
    "pci-devices",
    "accelerators",
    "extra-hardware",
    "root-device",
    "raid-device",
];

#[rustfmt::skip]
keys! {
    DB = "db", Text, Is(r#""bessemer.sqlite""#), "The SQLite file that holds everything. It is made if it is not there.";
    LISTEN = "listen", Text, Is(r#""127.0.0.1:6385""#), "The admin API: the whole of it. Keep it off the network that machines boot from.";
    HOST = "host", Text, Absent(r#""rack1-controller""#), "The name that clients see as conductor and as holder of a lock. The machine's host name if absent.";
    AUTOMATED_CLEAN = "automated_clean", Flag, Is("true"), "Clean a machine on its way to `available`, unless the node says otherwise.";
    LOG = "log", Text, Is(r#""info""#), "What is logged to standard error: error, warn, info, debug, trace, or directives such as \"info,bessemer::pxe=debug\".";

    AUTH_STRATEGY = "auth.strategy", Choice(&["noauth", "http_basic"]), Is(r#""noauth""#), "noauth: whoever reaches the admin API may do everything. http_basic: users of an htpasswd file.";
    AUTH_HTPASSWD = "auth.htpasswd", Text, Absent(r#""/etc/bessemer/htpasswd""#), "Users for http_basic, one `name:bcrypt-hash` a line, as `htpasswd -nbB` writes them.";
    AUTH_ALLOW_NOAUTH = "auth.allow_noauth", Flag, Is("false"), "Serve the admin API without authentication on an address that is not loopback.";

    BACKUP_DIR = "backup.dir", Text, Absent(r#""/var/backups/bessemer""#), "Where the service keeps backups of its store, better on another disk. It makes none unless given. They hold secrets, as the store does.";
    BACKUP_INTERVAL = "backup.interval_secs", SECS_OR_NEVER, Is("86400"), "How long after a backup the next one is made. 0: never.";
    BACKUP_KEEP = "backup.keep", Number(1, 10000), Is("7"), "How many backups are kept; the oldest goes when a new one is good.";

    PROVISIONING_LISTEN = "provisioning.listen", Text, Absent(r#""10.77.0.1:8080""#), "The second HTTP listener, for machines: boot scripts, images, and the three calls of the agent. Off unless given.";
    PROVISIONING_URL = "provisioning.url", Text, Absent(r#""http://10.77.0.1:8080""#), "How machines reach that listener. Made from `listen` if absent.";
    PROVISIONING_AGENTS = "provisioning.agent_networks", List, Is("[]"), "Blocks of addresses where a machine's agent may be, such as 10.77.0.0/24, for machines that have no address from this server's DHCP. If there are none, an agent is called at an address that its machine leased here; without DHCP, at the address that its heartbeat comes from; never at one of this server or of its links.";

    DHCP_INTERFACE = "dhcp.interface", Text, Absent(r#""br0""#), "Serve DHCP and TFTP on this interface. Off unless given.";
    DHCP_LISTEN = "dhcp.listen", Text, Absent(r#""127.77.0.1:6767""#), "Instead of an interface: one loopback address and port, for simulated machines.";
    DHCP_POOL = "dhcp.pool", Text, Absent(r#""10.77.0.100-10.77.0.199""#), "First and last address to lease.";
    DHCP_RESERVATIONS = "dhcp.reservations", Named, Absent(r#"{ "52:54:00:12:34:56" = "10.77.0.50", "52:54:00:12:34:57" = { address = "10.77.0.51", name = "web1" } }"#), "Addresses that always go to one MAC address, inside or outside the pool, and to nobody else; with a name if the machine shall learn its own. May be a table [dhcp.reservations]. Who has one is served even if unknown.";
    DHCP_NETMASK = "dhcp.netmask", Text, Absent(r#""255.255.255.0""#), "The netmask to hand out. The interface's own if absent.";
    DHCP_GATEWAY = "dhcp.gateway", Text, Absent(r#""10.77.0.1""#), "The router to hand out. None if absent.";
    DHCP_DNS = "dhcp.dns", List, Is("[]"), "Name servers to hand out.";
    DHCP_UNKNOWN = "dhcp.unknown", Choice(&["ignore", "lease"]), Is(r#""ignore""#), "What a machine gets whose MAC address is no port's: nothing, or a lease.";
    DHCP_LEASE_SECS = "dhcp.lease_secs", Number(60, MONTH_SECS), Is("3600"), "How long a lease lasts.";
    DHCP_FORCE = "dhcp.force", Flag, Is("false"), "Serve even if another DHCP server answers on this network.";

    TFTP_PORT = "tftp.port", Number(1, 65535), Is("69"), "TFTP is on whenever DHCP is, and serves boot loaders only.";

    BOOT_DIR = "boot.dir", Text, Is(r#""/usr/lib/ipxe""#), "Where undionly.kpxe, snponly.efi and ipxe.efi are (Debian's package ipxe puts them there).";

    IMAGES_ROOTS = "images.roots", List, Is(r#"["/var/lib/bessemer/images"]"#), "A node may name an image file (file:///...) below these directories, and no other.";
    IMAGES_CACHE_DIR = "images.cache_dir", Text, Absent(r#""/var/cache/bessemer""#), "Where downloaded images are kept. A directory beside the store if absent.";
    IMAGES_CACHE_BYTES = "images.cache_bytes", Number(1 << 20, i64::MAX), Is("21474836480"), "What the cache may hold; the image longest unused goes first.";
    IMAGES_MIN_RATE = "images.min_bytes_per_sec", Number(0, i64::MAX), Is("16384"), "A server that delivers an image more slowly than this is given up. 0: never.";
    IMAGES_FETCH = "images.fetch_secs", SECS, Is("21600"), "How long fetching an image may take altogether, however steadily it comes.";
    IMAGES_LOCAL = "images.local_networks", List, Is("[]"), "Images and checksums are not fetched from this machine, from what is only on its links, or from a cloud's metadata service, except from these blocks of addresses, such as 127.0.0.0/8. Private networks need no leave.";

    DEPLOY_KERNEL = "deploy.kernel", Text, Absent(r#""/var/lib/bessemer/images/ipa.kernel""#), "The agent's kernel, path or URL, for nodes that name none in driver_info.";
    DEPLOY_RAMDISK = "deploy.ramdisk", Text, Absent(r#""/var/lib/bessemer/images/ipa.initramfs""#), "The agent's ramdisk, path or URL.";
    DEPLOY_RESCUE_KERNEL = "deploy.rescue_kernel", Text, Absent(r#""/var/lib/bessemer/images/rescue.kernel""#), "The kernel to rescue with, if it is another.";
    DEPLOY_RESCUE_RAMDISK = "deploy.rescue_ramdisk", Text, Absent(r#""/var/lib/bessemer/images/rescue.initramfs""#), "The ramdisk to rescue with, if it is another.";
    DEPLOY_FAST_TRACK = "deploy.fast_track", Flag, Is("false"), "Use a ramdisk that runs already for what comes next, instead of booting it again. A node may say otherwise (driver_info/fast_track).";
    DEPLOY_FAST_TRACK_TIMEOUT = "deploy.fast_track_timeout_secs", SECS, Is("300"), "How long ago such a ramdisk may have been heard.";
    DEPLOY_KERNEL_APPEND = "deploy.kernel_append_params", Words, Is(r#""nofb vga=normal""#), "Arguments for the agent's kernel.";
    DEPLOY_LOGS_DIR = "deploy.logs_dir", Text, Absent(r#""/var/log/bessemer/deploy""#), "Where the logs of ramdisks are kept in which something failed. A directory beside the store if absent.";
    DEPLOY_LOGS_KEEP = "deploy.logs_keep", Number(0, 1_000_000), Is("200"), "How many of them are kept; the oldest go first. 0: none is collected.";
    DEPLOY_LOGS_BYTES = "deploy.logs_bytes", Number(1 << 20, i64::MAX), Is("1073741824"), "How large all of them together may grow.";

    CLEAN_ERASE = "clean.erase_devices_priority", Number(0, 10000), Is("0"), "Erase whole disks during automated cleaning (hours). 0: not at all.";
    CLEAN_ERASE_METADATA = "clean.erase_devices_metadata_priority", Number(0, 10000), Is("10"), "Erase partition tables and the like during automated cleaning. 0: not at all.";

    STEPS_NO_CLEAN = "steps.disallow_clean", List, Is(r#"["vendor.send_raw"]"#), "Steps, as interface.step, that nobody may ask for in cleaning, and that automated cleaning leaves out.";
    STEPS_NO_DEPLOY = "steps.disallow_deploy", List, Is(r#"["vendor.send_raw"]"#), "The same for a deployment.";
    STEPS_NO_SERVICE = "steps.disallow_service", List, Is(r#"["vendor.send_raw"]"#), "The same for servicing.";

    INSPECTION_HOOKS = "inspection.hooks", Choices(HOOKS), Is(r#"["ramdisk-error", "validate-interfaces", "ports", "architecture"]"#), "What is done with an inspection report, in this order.";
    INSPECTION_ADD_PORTS = "inspection.add_ports", Choice(&["pxe", "active", "all", "disabled"]), Is(r#""pxe""#), "Which network cards become ports: the one that booted, those with an address, all, or none.";
    INSPECTION_KEEP_PORTS = "inspection.keep_ports", Choice(&["all", "present", "added"]), Is(r#""all""#), "Which ports stay: all, those whose cards were found, or those that add_ports would have made.";
    INSPECTION_UPDATE_PXE = "inspection.update_pxe_enabled", Flag, Is("true"), "Mark the port that booted as the one that boots from the network.";
    INSPECTION_POWER_OFF = "inspection.power_off", Flag, Is("true"), "Switch a machine off when it has been inspected.";
    INSPECTION_MANAGED = "inspection.require_managed_boot", Flag, Is("false"), "Refuse to inspect a node whose ramdisk this service cannot boot, such as one without ports.";
    INSPECTION_NETWORKS = "inspection.physical_networks", List, Is("[]"), "For the hook physical-network: \"10.10.10.0/24:name\", the network of ports whose cards have such an address.";
    INSPECTION_PCI = "inspection.pci_aliases", List, Is("[]"), "For the hook pci-devices: \"vendor:product:name\", devices that are counted in the capability of this name.";
    INSPECTION_LOCAL_CALLS = "inspection.rules_may_call_local", Flag, Is("false"), "Let inspection rules call addresses of this machine and of its links (api-call).";

    DEPLOY_CALLBACK = "timeouts.deploy_callback_secs", SECS_OR_NEVER, Is("1800"), "A deployment fails if the agent was not heard for so long. 0: never.";
    CLEAN_CALLBACK = "timeouts.clean_callback_secs", SECS_OR_NEVER, Is("1800"), "The same for cleaning.";
    SERVICE_CALLBACK = "timeouts.service_callback_secs", SECS_OR_NEVER, Is("1800"), "The same for servicing.";
    RESCUE_CALLBACK = "timeouts.rescue_callback_secs", SECS_OR_NEVER, Is("1800"), "The same for rescuing.";
    INSPECT_WAIT = "timeouts.inspect_wait_secs", SECS_OR_NEVER, Is("1800"), "An inspection fails if its report did not come for so long. 0: never.";
    POWER_CHANGE = "timeouts.power_change_secs", SECS, Is("60"), "How long a machine may take to switch on or off.";
    SOFT_POWER_OFF = "timeouts.soft_power_off_secs", SECS, Is("600"), "How long an operating system may take to shut down.";
    HEARTBEAT = "timeouts.heartbeat_secs", SECS, Is("300"), "The longest silence that the agent is told to keep between heartbeats.";

    POWER_SYNC_INTERVAL = "power_sync.interval_secs", SECS_OR_NEVER, Is("120"), "How often each machine's power state is read. 0: never.";
    POWER_SYNC_FORCE = "power_sync.force", Flag, Is("false"), "Put a machine back into the recorded power state instead of recording what it is. Never switches off an active machine.";
}

/// The row at a path.
pub fn key(path: &str) -> Option<&'static Key> {
    KEYS.iter().copied().find(|key| key.path == path)
}

/// The known name that looks most like `name`, if one does.
pub fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let scored = known.map(|it| (strsim::jaro_winkler(name, it), it));
    scored.filter(|(score, _)| *score > 0.75).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, it)| it)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_its_own_path_and_keys_of_a_table_stand_together() {
        let mut tables = vec![];
        for (i, key) in KEYS.iter().enumerate() {
            assert!(KEYS[..i].iter().all(|other| other.path != key.path), "{} stands twice", key.path);
            let table = key.parts().0;
            if tables.last() != Some(&table) {
                assert!(!tables.contains(&table), "[{table}] would be opened twice");
                tables.push(table);
            }
        }
    }
}
