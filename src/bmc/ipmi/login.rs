//! Where a BMC is and who we are to it. Checked when it is made, so that what is wrong is said before a packet leaves.

use std::fmt;

use super::IpmiError;
use crate::wire::rmcp::rakp::{MAX_NAME_BYTES, MAX_PASSWORD_BYTES};
use crate::wire::rmcp::suite::Suite;

/// Bytes that never show themselves.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Secret(Vec<u8>);

impl Secret {
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Secret(bytes.into())
    }

    pub(super) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// Privilege levels (IPMI 2.0 section 6.8), weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Privilege {
    Callback = 1,
    User = 2,
    Operator = 3,
    Administrator = 4,
}

impl Privilege {
    /// The level of that name, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        match name.to_ascii_uppercase().as_str() {
            "CALLBACK" => Some(Privilege::Callback),
            "USER" => Some(Privilege::User),
            "OPERATOR" => Some(Privilege::Operator),
            "ADMINISTRATOR" => Some(Privilege::Administrator),
            _ => None,
        }
    }

    pub(super) fn number(self) -> u8 {
        self as u8
    }
}

/// A BMC and the account on it. Also the key under which its session is kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Login {
    /// Host name or address.
    pub host: String,
    pub port: u16,
    /// At most 16 bytes; empty is the anonymous user.
    pub username: String,
    /// At most 20 bytes.
    pub password: Secret,
    /// The BMC's own key, at most 20 bytes, if one is set.
    pub kg: Option<Secret>,
    pub privilege: Privilege,
    /// Exactly this suite; otherwise the strongest that the BMC takes.
    pub suite: Option<Suite>,
}

impl Login {
    /// An account with the usual port, administrator privilege and the strongest suite.
    pub fn new(host: impl Into<String>, username: impl Into<String>, password: Secret) -> Self {
        Login {
            host: host.into(),
            port: crate::wire::rmcp::PORT,
            username: username.into(),
            password,
            kg: None,
            privilege: Privilege::Administrator,
            suite: None,
        }
    }

    /// Which BMC it is, whoever we are to it.
    pub(super) fn at(&self) -> (String, u16) {
        (self.host.clone(), self.port)
    }

    /// Errors: a part is longer than the protocol can carry. A longer user name must not be cut: cut names are
    /// other users.
    pub fn check(&self) -> Result<(), IpmiError> {
        let wrong = |what: &str, max: usize, got: usize| {
            Err(IpmiError::Misconfigured(format!("{what} is at most {max} bytes long in IPMI 2.0, this one has {got}")))
        };
        let (name, password) = (self.username.len(), self.password.0.len());
        let kg = self.kg.as_ref().map_or(0, |kg| kg.0.len());
        if self.host.is_empty() {
            return Err(IpmiError::Misconfigured("the BMC's address is empty".into()));
        }
        if name > MAX_NAME_BYTES {
            return wrong("the user name", MAX_NAME_BYTES, name);
        }
        if password > MAX_PASSWORD_BYTES {
            return wrong("the password", MAX_PASSWORD_BYTES, password);
        }
        if kg > MAX_PASSWORD_BYTES {
            return wrong("the Kg key", MAX_PASSWORD_BYTES, kg);
        }
        Ok(())
    }
}

/// One step behind the BMC: a channel of the forwarding controller, and the address on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hop {
    pub channel: u8,
    pub address: u8,
}

/// A controller behind the BMC that commands are meant for (`ipmi_bridging`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bridge {
    /// The address under which the BMC speaks on its bus.
    pub local_address: u8,
    /// The controller in between, when there is one.
    pub transit: Option<Hop>,
    pub target: Hop,
}
