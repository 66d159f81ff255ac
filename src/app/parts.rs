//! From the configuration to what each part of the service wants to know of it.

use std::time::Duration;

use crate::api::{self, auth::Auth};
use crate::clock::Clock;
use crate::config::{Settings, settings};
use crate::driver;
use crate::driver::inspection::{self, AddPorts, KeepPorts};
use crate::engine::{Periods, backups};
use crate::service::Rules;
use crate::service::rules::{Agents, Disallowed, Timeouts};

pub fn driver(settings: &Settings) -> driver::Settings {
    driver::Settings {
        power_change: settings.timeouts.power_change,
        soft_power_off: settings.timeouts.soft_power_off,
        provisioning_url: settings.provisioning.as_ref().map(|it| it.url.clone()),
        deploy_kernel: settings.deploy.kernel.clone(),
        deploy_ramdisk: settings.deploy.ramdisk.clone(),
        rescue_kernel: settings.deploy.rescue_kernel.clone(),
        rescue_ramdisk: settings.deploy.rescue_ramdisk.clone(),
        fast_track: settings.deploy.fast_track,
        fast_track_timeout: settings.deploy.fast_track_timeout,
        kernel_append_params: settings.deploy.kernel_append_params.clone(),
        automated_clean: settings.automated_clean,
        clean_step_priorities: settings.deploy.clean_step_priorities.clone(),
        heartbeat_timeout: settings.timeouts.heartbeat,
        inspection: inspection(&settings.inspection),
        logs: logs(settings),
        ..driver::Settings::default()
    }
}

/// How long a failed machine is asked for its logs.
const COLLECTING: Duration = Duration::from_secs(30);

fn logs(settings: &Settings) -> Option<driver::environment::Logs> {
    let settings::Logs { dir, keep, bytes } = settings.deploy.logs.clone();
    let keep = usize::try_from(keep).unwrap_or(usize::MAX);
    (keep > 0).then_some(driver::environment::Logs { dir, keep, bytes, within: COLLECTING })
}

fn inspection(settings: &settings::Inspection) -> inspection::Settings {
    let networks = settings.physical_networks.iter();
    inspection::Settings {
        hooks: settings.hooks.clone(),
        add_ports: AddPorts::parse(&settings.add_ports).unwrap_or(AddPorts::Pxe),
        keep_ports: KeepPorts::parse(&settings.keep_ports).unwrap_or(KeepPorts::All),
        update_pxe_enabled: settings.update_pxe_enabled,
        power_off: settings.power_off,
        require_managed_boot: settings.require_managed_boot,
        physical_networks: networks.filter_map(|(network, name)| Some((network.parse().ok()?, name.clone()))).collect(),
        pci_aliases: settings.pci_aliases.clone(),
        local_calls: settings.rules_may_call_local,
    }
}

pub fn rules(settings: &Settings, host: &str) -> Rules {
    Rules {
        conductor: host.to_owned(),
        automated_clean: settings.automated_clean,
        fast_track: settings.deploy.fast_track,
        disallowed: Disallowed {
            clean: settings.disallowed_steps.clean.clone(),
            deploy: settings.disallowed_steps.deploy.clone(),
            service: settings.disallowed_steps.service.clone(),
        },
        timeouts: Timeouts {
            deploy: settings.timeouts.deploy_callback,
            clean: settings.timeouts.clean_callback,
            inspect: settings.timeouts.inspect_wait,
            rescue: settings.timeouts.rescue_callback,
            service: settings.timeouts.service_callback,
        },
        agents: Agents { networks: settings.agent_networks.clone(), leased: settings.dhcp.is_some() },
        ..Rules::default()
    }
}

pub fn periods(settings: &Settings) -> Periods {
    Periods {
        power_sync: settings.power_sync.interval,
        force_power_state: settings.power_sync.force,
        ..Periods::default()
    }
}

pub fn backups(settings: &Settings) -> Option<backups::Plan> {
    let settings::Backup { dir, interval, keep } = settings.backup.clone()?;
    Some(backups::Plan { dir, interval, keep: usize::try_from(keep).unwrap_or(usize::MAX) })
}

pub fn api(host: &str, clock: &Clock) -> api::Settings {
    api::Settings { conductor: host.to_owned(), started_at: clock.now(), ..api::Settings::default() }
}

pub fn auth(settings: &Settings, clock: &Clock) -> Auth {
    match &settings.auth {
        settings::Auth::None => Auth::None,
        settings::Auth::Basic { htpasswd } => Auth::basic(htpasswd.clone(), clock.clone()),
    }
}

/// The configured name, or the machine's, as Ironic's conductors have it.
pub fn host(settings: &Settings) -> String {
    let configured = settings.host.clone();
    let named = configured.or_else(|| std::fs::read_to_string("/proc/sys/kernel/hostname").ok());
    named.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).unwrap_or_else(|| "bessemer".to_owned())
}
