//! Sensors: what their records say (IPMI 2.0 sections 43.1 and 43.2), and their readings in units (section 36.3).
//!
//! Only sensors that the BMC itself owns are read; those of satellite controllers would each need a bridge. Records that
//! make no sense are skipped, since one broken record must not hide the others.

use ipmi_rs_core::storage::sdr::{SensorType, Unit};

use super::device::{Ask, Bmc};
use super::error::IpmiError;
use crate::wire::rmcp::ipmb;

const NETFN_SENSOR: u8 = 0x04;
const CMD_GET_READING: u8 = 0x2d;
const FULL_RECORD: u8 = 0x01;
const COMPACT_RECORD: u8 = 0x02;
const THRESHOLD_EVENTS: u8 = 0x01;
const UNAVAILABLE: u8 = 0x20;
const SCANNING: u8 = 0x40;

/// What a record says of a sensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Sensor {
    pub name: String,
    pub number: u8,
    pub lun: u8,
    pub entity: (u8, u8),
    pub kind: u8,
    /// A sensor with thresholds; otherwise one with states.
    pub threshold: bool,
    scale: Option<Scale>,
    /// Lower non-critical, critical, non-recoverable; upper the same; those that can be read.
    limits: [Option<u8>; 6],
}

/// A sensor and what it says now.
#[derive(Clone, Debug, PartialEq)]
pub struct SensorReading {
    pub sensor: Sensor,
    /// In `unit`; only sensors with a scale have one.
    pub value: Option<f64>,
    pub unit: String,
    /// Bit per state, for sensors with states; per crossed threshold for the others.
    pub states: u16,
    /// `ok`, `nc` (non-critical), `cr` (critical), `nr` (non-recoverable), or `ns` (no reading).
    pub status: &'static str,
}

impl Sensor {
    /// The sensor type in words, as in "Fan" or "Power Supply".
    pub fn kind_text(&self) -> String {
        SensorType::from(self.kind).to_string()
    }

    /// The thresholds in units, with their names.
    pub fn limits(&self) -> impl Iterator<Item = (&'static str, Option<f64>)> + '_ {
        const NAMES: [&str; 6] = [
            "Lower Non-Critical",
            "Lower Critical",
            "Lower Non-Recoverable",
            "Upper Non-Critical",
            "Upper Critical",
            "Upper Non-Recoverable",
        ];
        let value = |raw: &Option<u8>| raw.and_then(|raw| self.scale.as_ref()?.value(raw));
        NAMES.into_iter().zip(self.limits.iter().map(value))
    }

    /// Reads a record; nothing if it is no sensor of the BMC's own.
    fn decode(record: &[u8]) -> Option<Self> {
        let full = match *record.get(3)? {
            FULL_RECORD => true,
            COMPACT_RECORD => false,
            _ => return None,
        };
        if *record.get(5)? != ipmb::BMC_ADDRESS {
            return None;
        }
        let threshold = *record.get(13)? == THRESHOLD_EVENTS;
        let (scale, limits) = if full && threshold {
            let readable = *record.get(18)?;
            let raw = record.get(36..42)?;
            // In the record the upper ones come first, each from worst to mildest; the mask counts from the mildest
            // lower one up.
            let at = [5, 4, 3, 2, 1, 0];
            let limit = |bit: usize| (readable & (1 << bit) != 0).then(|| raw[at[bit]]);
            (Scale::decode(record), [0, 1, 2, 3, 4, 5].map(limit))
        } else if full {
            (Scale::decode(record), [None; 6])
        } else {
            (None, [None; 6])
        };
        Some(Sensor {
            name: name(record.get(if full { 47 } else { 31 }..)?),
            number: *record.get(7)?,
            lun: record.get(6)? & 0x03,
            entity: (*record.get(8)?, record.get(9)? & 0x7f),
            kind: *record.get(12)?,
            threshold,
            scale,
            limits,
        })
    }
}

/// The sensor's name: a type-and-length byte, then characters. Only the 8-bit form is in use; others are shown raw.
fn name(bytes: &[u8]) -> String {
    let Some((type_len, text)) = bytes.split_first() else { return String::new() };
    let text = text.get(..usize::from(type_len & 0x1f)).unwrap_or(text);
    text.iter().map(|byte| *byte as char).filter(|c| !c.is_control()).collect::<String>().trim().to_owned()
}

/// How a raw byte becomes a number: `function((m * raw + b * 10^b_exp) * 10^r_exp)`.
#[derive(Clone, Debug, PartialEq)]
struct Scale {
    format: u8,
    function: u8,
    m: f64,
    b: f64,
    factor: f64,
    unit: String,
}

impl Scale {
    fn decode(record: &[u8]) -> Option<Self> {
        let &[units, base, modifier, function, m, m_tolerance, b, b_accuracy, _, exponents] =
            record.get(20..)?.first_chunk()?;
        let format = units >> 6;
        if format == 3 {
            return None;
        }
        let ten_bits = |low: u8, high: u8| f64::from(signed((u16::from(high & 0xc0) << 2) | u16::from(low), 10));
        let power = |nibble: u8| 10f64.powi(i32::from(signed(u16::from(nibble & 0x0f), 4)));
        Some(Scale {
            format,
            function: function & 0x7f,
            m: ten_bits(m, m_tolerance),
            b: ten_bits(b, b_accuracy) * power(exponents),
            factor: power(exponents >> 4),
            unit: unit_text(units, base, modifier),
        })
    }

    fn value(&self, raw: u8) -> Option<f64> {
        let raw = match self.format {
            0 => f64::from(raw),
            // One's complement has two zeros, and -1 is 0xfe.
            1 if raw & 0x80 != 0 => -f64::from(!raw),
            1 => f64::from(raw),
            _ => f64::from(raw as i8),
        };
        let x = (self.m * raw + self.b) * self.factor;
        let value = match self.function {
            1 => x.ln(),
            2 => x.log10(),
            3 => x.log2(),
            4 => x.exp(),
            5 => 10f64.powf(x),
            6 => x.exp2(),
            7 => x.recip(),
            8 => x.powi(2),
            9 => x.powi(3),
            10 => x.sqrt(),
            11 => x.cbrt(),
            // 0 is linear; 0x70 and above would ask for factors per reading, which no BMC of today does.
            _ => x,
        };
        value.is_finite().then_some(value)
    }
}

/// Two's complement of `bits` bits.
fn signed(value: u16, bits: u32) -> i16 {
    let shift = 16 - bits;
    ((value << shift) as i16) >> shift
}

fn unit_text(units: u8, base: u8, modifier: u8) -> String {
    if units & 0x01 != 0 {
        return "percent".to_owned();
    }
    let word = |unit: u8| match unit {
        1 => "degrees C".to_owned(),
        2 => "degrees F".to_owned(),
        3 => "degrees K".to_owned(),
        18 => "RPM".to_owned(),
        other => Unit::from(other).display(false, 2u8).trim_start_matches("2 ").to_owned(),
    };
    match (units >> 1) & 0x03 {
        1 => format!("{}/{}", word(base), word(modifier)),
        2 => format!("{} * {}", word(base), word(modifier)),
        _ => word(base),
    }
}

impl Bmc {
    /// The BMC's sensors and their readings. A sensor that cannot be read now has no value and the status `ns`.
    pub async fn sensors(&self) -> Result<Vec<SensorReading>, IpmiError> {
        let mut readings = Vec::new();
        for sensor in self.sensor_records().await?.iter().filter_map(|record| Sensor::decode(record)) {
            readings.push(self.read_sensor(sensor).await?);
        }
        Ok(readings)
    }

    async fn read_sensor(&self, sensor: Sensor) -> Result<SensorReading, IpmiError> {
        let data = [sensor.number];
        let ask = Ask { lun: sensor.lun, ..Ask::new(NETFN_SENSOR, CMD_GET_READING, &data) };
        let unit = sensor.scale.as_ref().map(|scale| scale.unit.clone()).unwrap_or_default();
        let nothing = SensorReading { sensor, value: None, unit, states: 0, status: "ns" };
        let data = match self.ask(ask).await {
            Ok(data) => data,
            // The sensor is absent, or asleep with its machine.
            Err(IpmiError::Refused { .. }) => return Ok(nothing),
            Err(error) => return Err(error),
        };
        let [raw, flags, rest @ ..] = &data[..] else { return Ok(nothing) };
        if flags & UNAVAILABLE != 0 || flags & SCANNING == 0 {
            return Ok(nothing);
        }
        let states = u16::from_le_bytes([rest.first().copied().unwrap_or(0), rest.get(1).copied().unwrap_or(0)]);
        let value = nothing.sensor.scale.as_ref().and_then(|scale| scale.value(*raw));
        let (states, status) =
            if nothing.sensor.threshold { (states & 0x3f, threshold_status(states)) } else { (states & 0x7fff, "ok") };
        Ok(SensorReading { value, states, status, ..nothing })
    }
}

fn threshold_status(states: u16) -> &'static str {
    match states {
        s if s & 0b10_0100 != 0 => "nr",
        s if s & 0b01_0010 != 0 => "cr",
        s if s & 0b00_1001 != 0 => "nc",
        _ => "ok",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A fan sensor's full record: 60 RPM per step, lower critical at 10 steps.
    fn fan() -> Vec<u8> {
        let mut record = vec![1, 0, 0x51, FULL_RECORD, 48, 0x20, 0, 0x30, 7, 1, 0x7f, 0x68, 0x04, THRESHOLD_EVENTS];
        record.extend_from_slice(&[0, 0, 0, 0, 0b10, 0]);
        record.extend_from_slice(&[0, 18, 0, 0, 60, 0, 0, 0, 0, 0]);
        record.extend_from_slice(&[0; 6]);
        record.extend_from_slice(&[0, 0, 0, 0, 10, 0]);
        record.extend_from_slice(&[0; 5]);
        record.extend_from_slice(&[0xc5, b'F', b'a', b'n', b' ', b'A']);
        record
    }

    #[test]
    fn a_full_record_gives_name_scale_and_thresholds() {
        let sensor = Sensor::decode(&fan()).expect("a fan");
        assert_eq!((sensor.name.as_str(), sensor.number, sensor.kind_text().as_str()), ("Fan A", 0x30, "Fan"));
        let scale = sensor.scale.as_ref().expect("a scale");
        assert_eq!((scale.value(81), scale.unit.as_str()), (Some(4860.0), "RPM"));
        assert_eq!(
            sensor.limits().filter_map(|(name, v)| Some((name, v?))).collect::<Vec<_>>(),
            [("Lower Critical", 600.0)]
        );
    }

    #[test]
    fn a_cut_or_mutated_record_is_skipped_or_read_but_never_panics() {
        for len in 0..fan().len() {
            let _ = Sensor::decode(&fan()[..len]);
        }
        for at in 0..fan().len() {
            for value in 0..=255 {
                let mut record = fan();
                record[at] = value;
                if let Some(sensor) = Sensor::decode(&record) {
                    let _ = sensor.limits().count();
                    let _ = sensor.scale.map(|scale| scale.value(value));
                }
            }
        }
    }

    #[test]
    fn signed_numbers_have_their_signs() {
        assert_eq!((signed(0x3ff, 10), signed(0x1ff, 10), signed(0xf, 4), signed(0x8, 4)), (-1, 511, -1, -8));
    }
}
