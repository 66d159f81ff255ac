//! What can go wrong between us and a BMC, told apart by what the administrator has to do about it.

use crate::clock::Timestamp;
use crate::wire::rmcp::rakp::Status;

/// Which part of the credentials is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    Username,
    Password,
    KgKey,
    Privilege,
}

/// Why a command did not do what it should. Carries no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IpmiError {
    /// The BMC answers, and does not accept us. Repeating would only lock the account.
    #[error("{}", credential_text(*which))]
    BadCredentials { which: Credential },
    /// No answer at all to the first question.
    #[error("the BMC cannot be reached: {reason}")]
    Unreachable { reason: String },
    /// Contact was made and lost at `at`. `maybe_done`: the command may have been executed.
    #[error(
        "the BMC stopped answering at {at}{}",
        if *maybe_done { "; whether it carried out the command is not known" } else { "" }
    )]
    TimedOut { at: &'static str, maybe_done: bool },
    /// The BMC understood and said no.
    #[error("the BMC refused command {cmd:#04x} of function {netfn:#04x}: {} ({code:#04x})", completion_text(*code))]
    Refused { code: u8, netfn: u8, cmd: u8 },
    /// The BMC would not open a session for another reason than the credentials.
    #[error("the BMC does not open a session: {} (status {status:#04x})", Status(*status).text())]
    SessionRefused { status: u8 },
    /// The BMC cannot do this.
    #[error("not supported by this BMC: {0}")]
    Unsupported(String),
    /// What was asked for makes no sense; nothing was sent.
    #[error("{0}")]
    Misconfigured(String),
    /// The BMC answered something else than the specification's answer.
    #[error("the BMC's answer to {0} makes no sense")]
    Garbled(&'static str),
    /// Nothing was sent: the BMC stumbled before, and polling leaves it alone for a while.
    #[error("the BMC is left alone until {until:.0}, because {failures} commands in a row failed: {reason}")]
    LeftAlone { failures: u32, until: Timestamp, reason: String },
    /// Nothing was sent: this service has as much to do with BMCs as it can.
    #[error("{0}")]
    NoRoom(String),
    /// This process is stopping.
    #[error("the service is stopping")]
    Stopping,
}

impl IpmiError {
    /// Whether the same request may succeed later without anybody changing anything.
    pub fn is_worth_retrying(&self) -> bool {
        match self {
            IpmiError::Unreachable { .. }
            | IpmiError::TimedOut { .. }
            | IpmiError::LeftAlone { .. }
            | IpmiError::NoRoom(_)
            | IpmiError::Stopping => true,
            IpmiError::Refused { code, .. } => is_passing(*code),
            IpmiError::SessionRefused { status } => is_full(Status(*status)),
            IpmiError::BadCredentials { .. }
            | IpmiError::Unsupported(_)
            | IpmiError::Misconfigured(_)
            | IpmiError::Garbled(_) => false,
        }
    }
}

/// Completion codes that pass by themselves: busy, timeout inside, out of space, starting up (table 5-2).
pub(super) fn is_passing(code: u8) -> bool {
    matches!(code, 0xc0 | 0xc3 | 0xc4 | 0xd2)
}

/// Statuses that say "too many sessions".
pub(super) fn is_full(status: Status) -> bool {
    matches!(status, Status::NO_RESOURCES | Status::NO_RESOURCES_FOR_ROLE)
}

/// Statuses that say "not with this cipher suite".
pub(super) fn is_suite_refusal(status: Status) -> bool {
    matches!(
        status,
        Status::INVALID_AUTHENTICATION
            | Status::INVALID_INTEGRITY
            | Status::INVALID_CONFIDENTIALITY
            | Status::NO_MATCHING_SUITE
    )
}

fn credential_text(which: Credential) -> &'static str {
    match which {
        Credential::Username => "the BMC does not know this user name (or does not let it in over the network)",
        Credential::Password => "the BMC knows the user name, but the password is wrong",
        Credential::KgKey => "the password is right, but the BMC's Kg key is another (ipmi_hex_kg_key)",
        Credential::Privilege => "the BMC does not grant this user the privilege level asked for (ipmi_priv_level)",
    }
}

fn completion_text(code: u8) -> &'static str {
    match code {
        0xc0 => "node busy",
        0xc1 => "invalid command",
        0xc2 => "invalid command for this unit",
        0xc3 => "timeout while processing the command",
        0xc4 => "out of space",
        0xc5 => "reservation cancelled or invalid",
        0xc6 => "request data truncated",
        0xc7 => "request data length invalid",
        0xc8 => "request data length limit exceeded",
        0xc9 => "parameter out of range",
        0xca => "cannot return that many bytes",
        0xcb => "requested sensor, data or record not present",
        0xcc => "invalid data field in request",
        0xcd => "command illegal for this sensor or record",
        0xce | 0xd0 | 0xd1 => "response could not be provided",
        0xcf => "cannot execute a duplicated request",
        0xd2 => "BMC initialization in progress",
        0xd3 => "destination unavailable",
        0xd4 => "insufficient privilege level",
        0xd5 => "command not supported in present state",
        0xd6 => "sub-function disabled",
        0xff => "unspecified error",
        0x01..=0x7e => "vendor's own error",
        0x80..=0xbe => "error particular to this command",
        _ => "unknown error",
    }
}
