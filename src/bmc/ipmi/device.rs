//! A BMC as its callers see it: a queue's sending end, and commands of the device itself.

use std::sync::Arc;
use std::time::Duration;

use ipmi_rs_core::app::{DeviceId, GetDeviceId};
use ipmi_rs_core::connection::IpmiCommand;

use super::error::IpmiError;
use super::login::{Bridge, Login};
use super::pool::{Lane, Pool, Settings};
use super::session::Request;
use crate::wire::rmcp::ipmb;

/// A BMC behind a login. Cheap to clone; typed commands are in the files named after their subject.
#[derive(Clone)]
pub struct Bmc {
    pool: Pool,
    login: Arc<Login>,
    lane: Lane,
    patience: Duration,
    room: Duration,
    bridge: Option<Bridge>,
}

/// One command in parts, before it is queued.
pub(super) struct Ask<'a> {
    pub netfn: u8,
    pub cmd: u8,
    pub lun: u8,
    pub data: &'a [u8],
    pub repeatable: bool,
    pub order: bool,
}

impl<'a> Ask<'a> {
    /// A command that may be repeated.
    pub(super) fn new(netfn: u8, cmd: u8, data: &'a [u8]) -> Self {
        Ask { netfn, cmd, lun: 0, data, repeatable: true, order: false }
    }

    /// A command that may be repeated until it is answered, and no longer: what is ordered next may be the opposite.
    pub(super) fn order(netfn: u8, cmd: u8, data: &'a [u8]) -> Self {
        Ask { order: true, ..Ask::new(netfn, cmd, data) }
    }

    /// A command that must not be sent twice.
    pub(super) fn once(netfn: u8, cmd: u8, data: &'a [u8]) -> Self {
        Ask { repeatable: false, ..Ask::order(netfn, cmd, data) }
    }
}

impl Bmc {
    pub(super) fn new(pool: Pool, login: Arc<Login>, settings: Settings) -> Self {
        let Settings { patience, room, .. } = settings;
        Bmc { pool, login, lane: Lane::Client, patience, room, bridge: None }
    }

    /// The same BMC for periodic reading: its commands wait behind those of people.
    pub fn polling(mut self) -> Self {
        self.lane = Lane::Polling;
        self
    }

    /// How long a command may take, queue and retries included, and a BMC that has no room for it.
    pub fn longest(&self) -> Duration {
        match self.lane {
            Lane::Client => self.patience.max(self.room),
            Lane::Polling => self.patience,
        }
    }

    /// The same BMC with another limit for each command.
    pub fn with_patience(mut self, patience: Duration) -> Self {
        (self.patience, self.room) = (patience, patience);
        self
    }

    /// A controller behind this BMC.
    pub fn bridged(mut self, bridge: Option<Bridge>) -> Self {
        self.bridge = bridge;
        self
    }

    /// The account in use.
    pub fn login(&self) -> &Login {
        &self.login
    }

    /// Runs a command and returns what follows the completion code. Errors: any; [`IpmiError::Refused`] carries a
    /// completion code other than zero.
    pub(super) async fn ask(&self, ask: Ask<'_>) -> Result<Vec<u8>, IpmiError> {
        let Ask { netfn, cmd, lun, data, repeatable, order } = ask;
        let request = Request { netfn, cmd, lun, data: data.to_vec(), bridge: self.bridge, repeatable, order };
        let answer = self.pool.run(&self.login, self.lane, request, self.patience, self.longest()).await?;
        match answer.completion {
            ipmb::OK => Ok(answer.data),
            code => Err(IpmiError::Refused { code, netfn, cmd }),
        }
    }

    /// Runs one of `ipmi-rs-core`'s commands.
    pub(super) async fn run<C: IpmiCommand>(&self, command: C, name: &'static str) -> Result<C::Output, IpmiError> {
        let message = command.into();
        let data = self.ask(Ask::new(message.netfn_raw(), message.cmd(), message.data())).await?;
        C::parse_success_response(&data).map_err(|_| self.garbled(name))
    }

    /// The answer to `what` is not the specification's.
    pub(super) fn garbled(&self, what: &'static str) -> IpmiError {
        self.pool.garbled(&self.login, what)
    }

    /// Any command, given by its bytes: function, command, data. Sent once, because nobody knows what it does.
    /// Returns what follows the completion code.
    pub async fn raw(&self, bytes: &[u8]) -> Result<Vec<u8>, IpmiError> {
        let [netfn, cmd, data @ ..] = bytes else {
            let text = "a raw command needs at least two bytes, the network function and the command";
            return Err(IpmiError::Misconfigured(text.into()));
        };
        if netfn % 2 != 0 || *netfn > 0x3e {
            let text = format!("{netfn:#04x} is no network function of a request (even, at most 0x3e)");
            return Err(IpmiError::Misconfigured(text));
        }
        self.ask(Ask::once(*netfn, *cmd, data)).await
    }

    /// Who made the BMC and what it can do.
    pub async fn device_id(&self) -> Result<DeviceId, IpmiError> {
        self.run(GetDeviceId, "Get Device ID").await
    }

    /// Restarts the BMC itself. Many never answer this, so silence is success.
    pub async fn reset_controller(&self, warm: bool) -> Result<(), IpmiError> {
        let cmd = if warm { CMD_WARM_RESET } else { CMD_COLD_RESET };
        match self.ask(Ask::once(ipmb::NETFN_APP, cmd, &[])).await {
            Err(IpmiError::TimedOut { maybe_done: true, .. }) => Ok(()),
            other => other.map(drop),
        }
    }
}

impl std::fmt::Debug for Bmc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bmc").field("login", &self.login).field("lane", &self.lane).finish_non_exhaustive()
    }
}

const CMD_COLD_RESET: u8 = 0x02;
const CMD_WARM_RESET: u8 = 0x03;

/// The maker's name by its IANA enterprise number, for the few makers whose BMCs need telling apart; lower case.
pub fn vendor_name(manufacturer_id: u32) -> Option<&'static str> {
    Some(match manufacturer_id {
        2 => "ibm",
        11 => "hp",
        343 => "intel corporation",
        674 => "dell inc",
        2623 => "asus",
        // The second one is a mistake of theirs that is in the field.
        10876 | 47488 => "supermicro",
        7244 => "quanta",
        15370 => "giga-byte",
        19046 | 20301 => "lenovo",
        47196 => "hpe",
        _ => return None,
    })
}
