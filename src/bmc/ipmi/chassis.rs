//! Chassis commands (IPMI 2.0 chapter 28): what the machine's power is, and changing it.

use super::device::{Ask, Bmc};
use super::error::IpmiError;

const NETFN_CHASSIS: u8 = 0x00;
const CMD_STATUS: u8 = 0x01;
const CMD_CONTROL: u8 = 0x02;

/// Get Chassis Status, the part that matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChassisStatus {
    pub power_on: bool,
    /// The supply has a fault, is overloaded, or an interlock holds the power off.
    pub power_fault: bool,
    /// 0 stay off, 1 as before, 2 stay on, 3 unknown, after mains came back.
    pub restore_policy: u8,
}

/// Chassis Control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerControl {
    Down = 0,
    Up = 1,
    /// Off and on again.
    Cycle = 2,
    /// The reset line.
    Reset = 3,
    /// A non-maskable interrupt: operating systems answer it with a crash dump.
    DiagnosticInterrupt = 4,
    /// A short press of the power button.
    SoftOff = 5,
}

impl Bmc {
    /// Whether the machine is on.
    pub async fn chassis_status(&self) -> Result<ChassisStatus, IpmiError> {
        let data = self.ask(Ask::new(NETFN_CHASSIS, CMD_STATUS, &[])).await?;
        let power = *data.first().ok_or_else(|| self.garbled("Get Chassis Status"))?;
        Ok(ChassisStatus {
            power_on: power & 0x01 != 0,
            power_fault: power & 0x1e != 0,
            restore_policy: (power >> 5) & 0x03,
        })
    }

    /// Changes the power and returns when the BMC has taken the order; carrying it out takes it a while longer.
    ///
    /// Up and down are the same done twice. The others are sent once; if the answer is lost, the power is read before
    /// they are sent a second and last time, and a diagnostic interrupt is never repeated.
    pub async fn power_control(&self, control: PowerControl) -> Result<(), IpmiError> {
        let data = [control as u8];
        if matches!(control, PowerControl::Down | PowerControl::Up) {
            return self.ask(Ask::order(NETFN_CHASSIS, CMD_CONTROL, &data)).await.map(drop);
        }
        let first = self.ask(Ask::once(NETFN_CHASSIS, CMD_CONTROL, &data)).await;
        let Err(lost @ IpmiError::TimedOut { maybe_done: true, .. }) = first else {
            return first.map(drop);
        };
        if control == PowerControl::DiagnosticInterrupt {
            return Err(lost);
        }
        let status = self.chassis_status().await?;
        match control {
            // It is off: the order arrived. A cycle in its dark phase comes back on by itself.
            PowerControl::SoftOff | PowerControl::Cycle if !status.power_on => Ok(()),
            // A machine that is off has no use for a reset.
            PowerControl::Reset if !status.power_on => Err(lost),
            _ => self.ask(Ask::once(NETFN_CHASSIS, CMD_CONTROL, &data)).await.map(drop),
        }
    }
}
