//! Power, in the words of Ironic's API.

use super::record::words;

words! {
    /// What a BMC says. Unknown is the absence of a value.
    pub enum PowerState {
        On = "power on",
        Off = "power off",
        /// The driver could not tell; treated as a failure.
        Error = "error",
    }
}

words! {
    /// What a client may ask for.
    pub enum PowerTarget {
        On = "power on",
        Off = "power off",
        Reboot = "rebooting",
        SoftReboot = "soft rebooting",
        SoftOff = "soft power off",
    }
}

impl PowerTarget {
    /// The state that the machine will be in when the request is carried out.
    pub const fn result(self) -> PowerState {
        match self {
            PowerTarget::On | PowerTarget::Reboot | PowerTarget::SoftReboot => PowerState::On,
            PowerTarget::Off | PowerTarget::SoftOff => PowerState::Off,
        }
    }

    pub const fn is_soft(self) -> bool {
        matches!(self, PowerTarget::SoftOff | PowerTarget::SoftReboot)
    }
}
