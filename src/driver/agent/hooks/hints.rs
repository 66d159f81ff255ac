//! Root device hints: whether a disk is one that an operator described.
//!
//! A hint is a value, or an operator and a value: `s== text`, `<in> part`, `<or> a <or> b`, `>= 100`.

use serde_json::{Map, Value};

/// Hints that are text; of the others `size` is in GiB and `rotational` is a boolean.
const TEXTS: &[&str] =
    &["name", "model", "vendor", "serial", "wwn", "wwn_with_extension", "wwn_vendor_extension", "hctl", "by_path"];
const GIB: f64 = (1u64 << 30) as f64;

/// Whether the disk satisfies all hints. The error names a hint that means nothing.
pub fn fits(disk: &Map<String, Value>, hints: &Map<String, Value>) -> Result<bool, String> {
    for (name, hint) in hints {
        let have = disk.get(name).unwrap_or(&Value::Null);
        let good = match name.as_str() {
            "size" => number(have.as_f64().map(|bytes| (bytes / GIB).floor()), hint),
            "rotational" => boolean(hint).map(|wanted| have.as_bool() == Some(wanted)),
            name if TEXTS.contains(&name) => hint.as_str().and_then(|hint| word(have.as_str(), hint)),
            _ => None,
        };
        if !good.ok_or_else(|| format!("cannot be compared with the root device hint {name}: {hint}"))? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn boolean(hint: &Value) -> Option<bool> {
    match hint {
        Value::Bool(value) => Some(*value),
        Value::String(word) => match word.to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "on" | "1" => Some(true),
            "false" | "f" | "no" | "n" | "off" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn number(have: Option<f64>, hint: &Value) -> Option<bool> {
    if let Some(wanted) = hint.as_f64() {
        return Some(have == Some(wanted));
    }
    let text = hint.as_str()?.trim();
    if let Some(rest) = text.strip_prefix("<or>") {
        let wanted = rest.split("<or>").map(|part| part.trim().parse::<f64>().ok()).collect::<Option<Vec<_>>>()?;
        return Some(have.is_some_and(|have| wanted.contains(&have)));
    }
    let (operator, value) = text.split_once(char::is_whitespace).unwrap_or(("==", text));
    let wanted: f64 = value.trim().parse().ok()?;
    let Some(have) = have else { return Some(false) };
    Some(match operator {
        // A bare "=" means "at least", for the sake of old flavours.
        "=" | ">=" => have >= wanted,
        "==" => have == wanted,
        "!=" => have != wanted,
        "<=" => have <= wanted,
        "<" => have < wanted,
        ">" => have > wanted,
        _ => return None,
    })
}

/// Text is compared without regard to case.
fn word(have: Option<&str>, hint: &str) -> Option<bool> {
    let have = have.map(str::to_lowercase);
    let hint = hint.trim().to_lowercase();
    let is = |wanted: &str| have.as_deref() == Some(wanted);
    if let Some(rest) = hint.strip_prefix("<or>") {
        return Some(rest.split("<or>").any(|part| is(part.trim())));
    }
    if let Some(part) = hint.strip_prefix("<in>") {
        return Some(have.as_deref().is_some_and(|have| have.contains(part.trim())));
    }
    if let Some(rest) = hint.strip_prefix("<all-in>") {
        let mut parts = rest.split("<all-in>");
        return Some(have.as_deref().is_some_and(|have| parts.all(|part| have.contains(part.trim()))));
    }
    for (operator, wanted) in [("s==", true), ("s!=", false)] {
        if let Some(text) = hint.strip_prefix(operator) {
            return Some(is(text.trim()) == wanted);
        }
    }
    for operator in ["s>=", "s<=", "s>", "s<"] {
        if let Some(text) = hint.strip_prefix(operator) {
            let order = have.as_deref().map(|have| have.cmp(text.trim()));
            return Some(order.is_some_and(|order| match operator {
                "s>=" => order.is_ge(),
                "s<=" => order.is_le(),
                "s>" => order.is_gt(),
                _ => order.is_lt(),
            }));
        }
    }
    Some(is(&hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn hints_are_values_or_comparisons() {
        let disk = json!({"name": "/dev/sda", "model": "Fast Disk 9", "size": 128u64 << 30, "rotational": false});
        let disk = disk.as_object().cloned().unwrap_or_default();
        for (hints, fit) in [
            (json!({}), Some(true)),
            (json!({"name": "/dev/sda", "size": 128}), Some(true)),
            (json!({"name": "s== /dev/sdb"}), Some(false)),
            (json!({"model": "fast disk 9"}), Some(true)),
            (json!({"model": "<in> disk"}), Some(true)),
            (json!({"model": "<or> slow <or> fast disk 9"}), Some(true)),
            (json!({"model": "<all-in> fast <all-in> 9"}), Some(true)),
            (json!({"model": "s!= fast disk 9"}), Some(false)),
            (json!({"size": ">= 100"}), Some(true)),
            (json!({"size": "<or> 64 <or> 128"}), Some(true)),
            (json!({"size": "< 100"}), Some(false)),
            (json!({"rotational": "no"}), Some(true)),
            (json!({"rotational": true}), Some(false)),
            (json!({"serial": "x"}), Some(false)),
            (json!({"size": "big"}), None),
            (json!({"colour": "red"}), None),
        ] {
            let wanted = hints.as_object().cloned().unwrap_or_default();
            assert_eq!(fits(&disk, &wanted).ok(), fit, "{hints}");
        }
    }
}
