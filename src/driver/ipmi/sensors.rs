//! Sensor readings in the shape that Ironic's notifications have: by the first word of the sensor's type, then by name
//! and number, with the field names that `ipmitool sdr -v` prints.

use serde_json::{Map, Value, json};

use crate::bmc::ipmi::SensorReading;

/// Sensors without a reading are left out, as Ironic leaves them out.
pub(super) fn by_type(readings: &[SensorReading]) -> Value {
    let mut types = Map::new();
    for reading in readings.iter().filter(|reading| reading.status != "ns") {
        let kind = reading.sensor.kind_text();
        let word = kind.split(' ').next().unwrap_or_default().to_owned();
        let id = format!("{} ({:#x})", reading.sensor.name, reading.sensor.number);
        let of_type = types.entry(word).or_insert_with(|| json!({}));
        if let Value::Object(of_type) = of_type {
            of_type.insert(id.clone(), fields(reading, &kind, id));
        }
    }
    Value::Object(types)
}

fn fields(reading: &SensorReading, kind: &str, id: String) -> Value {
    let sensor = &reading.sensor;
    let class = if sensor.threshold { "Threshold" } else { "Discrete" };
    let mut fields = Map::new();
    fields.insert("Sensor ID".into(), id.into());
    fields.insert("Entity ID".into(), format!("{}.{}", sensor.entity.0, sensor.entity.1).into());
    fields.insert(format!("Sensor Type ({class})"), format!("{kind} ({:#04x})", sensor.kind).into());
    let text = match reading.value {
        Some(value) => format!("{} {}", number(value), reading.unit),
        None => format!("{:#x}", reading.states),
    };
    fields.insert("Sensor Reading".into(), text.into());
    fields.insert("Status".into(), reading.status.into());
    if sensor.threshold {
        for (name, limit) in sensor.limits() {
            fields.insert(name.into(), limit.map_or("na".to_owned(), |limit| format!("{limit:.3}")).into());
        }
    } else {
        fields.insert("States Asserted".into(), format!("{:#06x}", reading.states).into());
    }
    Value::Object(fields)
}

/// Whole numbers without a point, others with three digits at most.
fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_as_short_as_they_can_be() {
        assert_eq!([number(4860.0), number(3.3), number(-0.0625), number(100.0)], ["4860", "3.3", "-0.062", "100"]);
    }
}
