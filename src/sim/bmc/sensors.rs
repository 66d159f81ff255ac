//! Three sensors, with records and readings as a small server's: an inlet thermometer, a fan, a power supply.

use super::commands::{REFUSE_ABSENT, REFUSE_LENGTH, REFUSE_RANGE};

struct Sensor {
    number: u8,
    name: &'static str,
    /// Sensor type, and event type: 1 thresholds, 0x6f states.
    kind: [u8; 2],
    entity: [u8; 2],
    /// Unit, and factor of a reading.
    unit: u8,
    factor: u8,
    /// Upper critical and lower critical, raw; 0 for none.
    critical: [u8; 2],
    reading: u8,
    /// Reads nothing while the machine is off.
    needs_power: bool,
}

const SENSORS: [Sensor; 3] = [
    Sensor {
        number: 1,
        name: "Inlet Temp",
        kind: [0x01, 0x01],
        entity: [7, 1],
        unit: 1,
        factor: 1,
        critical: [42, 0],
        reading: 23,
        needs_power: false,
    },
    Sensor {
        number: 2,
        name: "Fan 1",
        kind: [0x04, 0x01],
        entity: [29, 1],
        unit: 18,
        factor: 60,
        critical: [0, 10],
        reading: 81,
        needs_power: true,
    },
    Sensor {
        number: 3,
        name: "PSU 1",
        kind: [0x08, 0x6f],
        entity: [10, 1],
        unit: 0,
        factor: 1,
        critical: [0, 0],
        reading: 1,
        needs_power: false,
    },
];

/// Get Sensor Reading.
pub(super) fn reading(number: u8, powered: bool) -> Option<Vec<u8>> {
    let sensor = SENSORS.iter().find(|sensor| sensor.number == number)?;
    if sensor.needs_power && !powered {
        return Some(vec![0, 0xe0, 0xc0]);
    }
    match sensor.kind {
        [_, 0x01] => Some(vec![sensor.reading, 0xc0, 0xc0]),
        _ => Some(vec![0, 0xc0, sensor.reading, 0x80]),
    }
}

/// Get SDR Repository Info: version 1.5, so many records, no more room.
pub(super) fn repository_info() -> Vec<u8> {
    let mut info = vec![0x51, SENSORS.len() as u8, 0, 0, 0];
    info.extend_from_slice(&[0; 8]);
    info.push(0x02);
    info
}

/// Get SDR: any piece of any record.
pub(super) fn record(request: &[u8]) -> Result<Vec<u8>, u8> {
    let &[_, _, low, high, offset, count] = request.first_chunk().ok_or(REFUSE_LENGTH)?;
    // Records are numbered from 1; 0 asks for the first.
    let id = usize::from(u16::from_le_bytes([low, high])).max(1);
    let sensor = SENSORS.get(id - 1).ok_or(REFUSE_ABSENT)?;
    let whole = encode(id as u8, sensor);
    let piece = whole.get(usize::from(offset)..).ok_or(REFUSE_RANGE)?;
    let next = if id < SENSORS.len() { id as u16 + 1 } else { 0xffff };
    let mut answer = next.to_le_bytes().to_vec();
    answer.extend(piece.iter().take(usize::from(count)));
    Ok(answer)
}

/// A full sensor record (table 43-1).
fn encode(id: u8, sensor: &Sensor) -> Vec<u8> {
    let [upper, lower] = sensor.critical;
    let readable = if upper > 0 { 0x10 } else { 0 } | if lower > 0 { 0x02 } else { 0 };
    let mut out = vec![id, 0, 0x51, 0x01, 0];
    out.extend_from_slice(&[0x20, 0x00, sensor.number]);
    out.extend_from_slice(&[sensor.entity[0], sensor.entity[1], 0x7f, 0x48, sensor.kind[0], sensor.kind[1]]);
    out.extend_from_slice(&[0, 0, 0, 0, readable, 0]);
    let units = if sensor.kind[1] == 0x01 { 0x00 } else { 0xc0 };
    out.extend_from_slice(&[units, sensor.unit, 0, 0, sensor.factor, 0, 0, 0, 0, 0]);
    out.extend_from_slice(&[0, 0, 0, 0, 0xff, 0]);
    out.extend_from_slice(&[0, upper, 0, 0, lower, 0]);
    out.extend_from_slice(&[0, 0, 0, 0, 0]);
    out.push(0xc0 | sensor.name.len() as u8);
    out.extend_from_slice(sensor.name.as_bytes());
    out[4] = (out.len() - 5) as u8;
    out
}
