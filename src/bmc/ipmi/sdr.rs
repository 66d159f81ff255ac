//! Reading the sensor data records (IPMI 2.0 chapter 33), as raw bytes.
//!
//! A record is asked for whole; BMCs whose buffers are too small for that say so, and are asked piece by piece under a
//! reservation, which any change of the repository cancels. Both places are known: the repository, and the device's own
//! records of controllers that have no repository.

use std::collections::HashSet;

use super::device::{Ask, Bmc};
use super::error::IpmiError;

const NETFN_SENSOR: u8 = 0x04;
const NETFN_STORAGE: u8 = 0x0a;
const FIRST: u16 = 0x0000;
const LAST: u16 = 0xffff;
/// Before the record's body: id, version, type, length.
const HEADER_BYTES: u8 = 5;
const PIECE_BYTES: u8 = 16;
/// More records than any BMC has.
const MAX_RECORDS: usize = 4096;
/// How often a cancelled reservation is renewed.
const MAX_RESERVATIONS: u32 = 8;

/// Where records are read: function, Get and Reserve commands.
struct Store {
    netfn: u8,
    get: u8,
    reserve: u8,
}

const REPOSITORY: Store = Store { netfn: NETFN_STORAGE, get: 0x23, reserve: 0x22 };
const DEVICE: Store = Store { netfn: NETFN_SENSOR, get: 0x21, reserve: 0x22 };

impl Bmc {
    /// All sensor data records. Errors: also [`IpmiError::Unsupported`] if the BMC keeps none.
    pub(super) async fn sensor_records(&self) -> Result<Vec<Vec<u8>>, IpmiError> {
        let id = self.device_id().await?;
        let store = if id.sdr_repository_support {
            REPOSITORY
        } else if id.provides_device_sdrs {
            DEVICE
        } else {
            return Err(IpmiError::Unsupported("it keeps no sensor data records".into()));
        };
        Walk { bmc: self, store, reservation: None, reservations: 0, whole: true }.all().await
    }
}

struct Walk<'a> {
    bmc: &'a Bmc,
    store: Store,
    reservation: Option<[u8; 2]>,
    reservations: u32,
    /// Whether records can be had in one piece; cleared at the first refusal.
    whole: bool,
}

impl Walk<'_> {
    async fn all(&mut self) -> Result<Vec<Vec<u8>>, IpmiError> {
        let mut records = Vec::new();
        let mut seen = HashSet::new();
        let mut next = FIRST;
        while next != LAST && seen.insert(next) && records.len() < MAX_RECORDS {
            let (following, record) = match self.record(next).await {
                // An empty repository.
                Err(IpmiError::Refused { code: 0xcb, .. }) if records.is_empty() => break,
                other => other?,
            };
            records.push(record);
            next = following;
        }
        Ok(records)
    }

    async fn record(&mut self, id: u16) -> Result<(u16, Vec<u8>), IpmiError> {
        if self.whole {
            match self.piece(id, 0, 0xff).await {
                Ok(found) => return Ok(found),
                // Cannot return that many bytes, or a variation of it.
                Err(IpmiError::Refused { code: 0xc6..=0xc8 | 0xca | 0xff, .. }) => self.whole = false,
                Err(error) => return Err(error),
            }
        }
        let (next, mut record) = self.piece(id, 0, HEADER_BYTES).await?;
        let body = *record.get(4).ok_or_else(|| self.bmc.garbled("Get SDR"))?;
        let total = usize::from(HEADER_BYTES) + usize::from(body);
        while record.len() < total {
            // At most 260, and offsets above 255 cannot be asked for.
            let Ok(offset) = u8::try_from(record.len()) else { break };
            let want = (total - record.len()).min(usize::from(PIECE_BYTES)) as u8;
            let (_, piece) = self.piece(id, offset, want).await?;
            if piece.is_empty() {
                return Err(self.bmc.garbled("Get SDR"));
            }
            record.extend_from_slice(&piece);
        }
        Ok((next, record))
    }

    /// Part of a record: the id of the following record, and the bytes.
    async fn piece(&mut self, id: u16, offset: u8, count: u8) -> Result<(u16, Vec<u8>), IpmiError> {
        loop {
            let [r0, r1] = if offset == 0 { [0, 0] } else { self.reserve().await? };
            let [low, high] = id.to_le_bytes();
            let data = [r0, r1, low, high, offset, count];
            match self.bmc.ask(Ask::new(self.store.netfn, self.store.get, &data)).await {
                Err(IpmiError::Refused { code: 0xc5, .. }) if self.reservations < MAX_RESERVATIONS => {
                    self.reservation = None;
                    // Some want a reservation for the first piece too; holding one costs nothing.
                    self.reserve().await?;
                }
                other => {
                    let data = other?;
                    let (next, bytes) = data.split_first_chunk::<2>().ok_or_else(|| self.bmc.garbled("Get SDR"))?;
                    return Ok((u16::from_le_bytes(*next), bytes.to_vec()));
                }
            }
        }
    }

    async fn reserve(&mut self) -> Result<[u8; 2], IpmiError> {
        if let Some(reservation) = self.reservation {
            return Ok(reservation);
        }
        self.reservations += 1;
        let data = self.bmc.ask(Ask::new(self.store.netfn, self.store.reserve, &[])).await?;
        let reservation = *data.first_chunk::<2>().ok_or_else(|| self.bmc.garbled("Reserve SDR Repository"))?;
        self.reservation = Some(reservation);
        Ok(reservation)
    }
}
