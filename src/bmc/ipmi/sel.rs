//! The system event log (IPMI 2.0 chapter 31), read only.

use std::collections::HashSet;

use ipmi_rs_core::storage::sel::{Entry, GetSelInfo, SelInfo};

use super::device::{Ask, Bmc};
use super::error::IpmiError;

const NETFN_STORAGE: u8 = 0x0a;
const CMD_GET_ENTRY: u8 = 0x43;
const FIRST: u16 = 0x0000;
const LAST: u16 = 0xffff;
/// No BMC's log is longer; one that claims so is walking us in circles.
const MAX_ENTRIES: usize = 16_384;

/// How full the log is.
pub type SelSummary = SelInfo;

/// One record: `ipmi-rs-core`'s reading of it if it has one, and the sixteen bytes in any case.
#[derive(Clone, Debug, PartialEq)]
pub struct SelEntry {
    pub record_id: u16,
    pub raw: [u8; 16],
    pub entry: Option<Entry>,
}

impl Bmc {
    /// How full the log is.
    pub async fn sel_info(&self) -> Result<SelSummary, IpmiError> {
        self.run(GetSelInfo, "Get SEL Info").await
    }

    /// The log from its beginning, at most `limit` entries.
    pub async fn sel_entries(&self, limit: usize) -> Result<Vec<SelEntry>, IpmiError> {
        let mut entries = Vec::new();
        let mut seen = HashSet::new();
        let mut next = FIRST;
        while entries.len() < limit.min(MAX_ENTRIES) && next != LAST && seen.insert(next) {
            let [low, high] = next.to_le_bytes();
            let data = [0, 0, low, high, 0, 0xff];
            let data = match self.ask(Ask::new(NETFN_STORAGE, CMD_GET_ENTRY, &data)).await {
                // An empty log, or the entry went meanwhile.
                Err(IpmiError::Refused { code: 0xcb, .. }) => break,
                other => other?,
            };
            let (following, raw) = data.split_first_chunk::<2>().ok_or_else(|| self.garbled("Get SEL Entry"))?;
            let raw = *raw.first_chunk::<16>().ok_or_else(|| self.garbled("Get SEL Entry"))?;
            let record_id = u16::from_le_bytes([raw[0], raw[1]]);
            entries.push(SelEntry { record_id, raw, entry: Entry::parse(&raw).ok() });
            next = u16::from_le_bytes(*following);
        }
        Ok(entries)
    }
}
