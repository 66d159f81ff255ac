//! Whether what a rule asks for is so.

use std::cmp::Ordering;
use std::net::IpAddr;

use regex::RegexBuilder;
use serde_json::{Map, Value};

use super::ops;
use super::text::{Scope, plain};

/// Bytes that a compiled expression may take.
const REGEX_BYTES: usize = 1 << 20;

/// Whether all of a rule's conditions hold. The error says what is wrong with one of them, which is as good as a failed
/// inspection: nobody can tell whether the rule was meant.
pub fn hold(conditions: &[Value], scope: Scope<'_>) -> Result<bool, String> {
    for (at, condition) in conditions.iter().enumerate() {
        if !holds(condition, scope).map_err(|why| format!("condition {at}: {why}"))? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn holds(condition: &Value, scope: Scope<'_>) -> Result<bool, String> {
    let multiple = condition["multiple"].as_str().unwrap_or("any");
    let items = match &condition["loop"] {
        Value::Array(items) if !items.is_empty() => items,
        // An object is not gone through: it is the one item.
        item @ Value::Object(map) if !map.is_empty() => {
            return check(condition, Scope { item: Some(item), ..scope });
        }
        _ => return check(condition, scope),
    };
    let mut last = false;
    let (mut any, mut all) = (false, true);
    for item in items {
        last = check(condition, Scope { item: Some(item), ..scope })?;
        any |= last;
        all &= last;
        if multiple == "first" && last {
            return Ok(true);
        }
    }
    Ok(match multiple {
        "all" => all,
        "last" => last,
        "first" => false,
        _ => any,
    })
}

fn check(condition: &Value, scope: Scope<'_>) -> Result<bool, String> {
    let word = condition["op"].as_str().unwrap_or_default();
    let (negated, op) = ops::condition(word).ok_or_else(|| format!("there is no operation '{word}'"))?;
    let looped = scope.item.is_some();
    let mut args = op.named(&condition["args"]);
    for (name, value) in &mut args {
        if looped || op.filled.contains(&name.as_str()) {
            *value = scope.fill(value, op.name == "is-empty");
        }
    }
    // What a loop fills in is text, so everything is compared as text.
    if looped && op.optional.contains(&"force_strings") {
        args.insert("force_strings".to_owned(), Value::Bool(true));
    }
    let result = evaluate(op.name, &args).map_err(|why| format!("{word}: {why}"))?;
    Ok(result != negated)
}

/// One operation on arguments that are filled in.
pub fn evaluate(op: &str, args: &Map<String, Value>) -> Result<bool, String> {
    let arg = |name: &str| args.get(name).unwrap_or(&Value::Null);
    Ok(match op {
        "eq" => chain(args, |a, b| Ok(equal(a, b)))?,
        "lt" => chain(args, |a, b| Ok(order(a, b)? == Ordering::Less))?,
        "gt" => chain(args, |a, b| Ok(order(a, b)? == Ordering::Greater))?,
        "is-empty" => matches!(plain(arg("value")).as_str(), "" | "None" | "[]" | "{}"),
        "in-net" => in_net(&plain(arg("address")), &plain(arg("subnet")))?,
        "matches" => matches(arg("value"), arg("regex"), true)?,
        "contains" => matches(arg("value"), arg("regex"), false)?,
        "one-of" => one_of(arg("value"), args.get("values"))?,
        "is-none" => arg("value").is_null(),
        "is-true" => truth(arg("value"), &["yes", "true"]) == Some(true),
        "is-false" => arg("value").is_null() || truth(arg("value"), &["no", "false"]) == Some(false),
        other => return Err(format!("there is no operation '{other}'")),
    })
}

/// Whether each value stands so to the next.
fn chain(args: &Map<String, Value>, so: impl Fn(&Value, &Value) -> Result<bool, String>) -> Result<bool, String> {
    let Some(Value::Array(values)) = args.get("values") else {
        return Err("values: expected a list".to_owned());
    };
    let texts: Vec<Value>;
    let values = match args.get("force_strings").is_some_and(truthy) {
        true => {
            texts = values.iter().map(|value| Value::String(plain(value))).collect();
            &texts
        }
        false => values,
    };
    for pair in values.windows(2) {
        if !so(&pair[0], &pair[1])? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What counts as yes where anything may be written.
pub fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

/// A number; a boolean is one, too.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        other => other.as_f64(),
    }
}

/// Equal in value: 1, 1.0 and true are, "1" and 1 are not.
pub fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        _ => match (number(a), number(b)) {
            (Some(a), Some(b)) => a == b,
            _ => a == b,
        },
    }
}

fn order(a: &Value, b: &Value) -> Result<Ordering, String> {
    if let (Some(a), Some(b)) = (number(a), number(b)) {
        return Ok(a.total_cmp(&b));
    }
    match (a, b) {
        (Value::String(a), Value::String(b)) => Ok(a.cmp(b)),
        (Value::Array(a), Value::Array(b)) => {
            for (a, b) in a.iter().zip(b) {
                if !equal(a, b) {
                    return order(a, b);
                }
            }
            Ok(a.len().cmp(&b.len()))
        }
        _ => Err(format!(
            "{} and {} have no order; what is filled in is text: compare it with text, or set force_strings",
            kind(a),
            kind(b)
        )),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn in_net(address: &str, subnet: &str) -> Result<bool, String> {
    let address: IpAddr = address.trim().parse().map_err(|_| format!("address: '{address}' is no IP address"))?;
    let wrong = || format!("subnet: '{subnet}' is no network, such as 10.0.0.0/8");
    let (base, size) = match subnet.trim().split_once('/') {
        Some((base, size)) => (base, Some(size)),
        None => (subnet.trim(), None),
    };
    let base: IpAddr = base.parse().map_err(|_| wrong())?;
    let (wide, base_bits) = bits(base);
    let length = match size {
        None => wide,
        Some(size) => match size.parse::<u32>() {
            Ok(length) => length,
            Err(_) => mask_length(size, wide).ok_or_else(wrong)?,
        },
    };
    if length > wide {
        return Err(wrong());
    }
    let (width, address_bits) = bits(address);
    let differs = base_bits ^ address_bits;
    Ok(width == wide && (length == 0 || differs >> (wide - length) == 0))
}

fn bits(address: IpAddr) -> (u32, u128) {
    match address {
        IpAddr::V4(address) => (32, u128::from(address.to_bits())),
        IpAddr::V6(address) => (128, address.to_bits()),
    }
}

/// The length of a netmask such as 255.255.0.0.
fn mask_length(mask: &str, wide: u32) -> Option<u32> {
    let (width, mask) = bits(mask.parse().ok()?);
    let length = mask.count_ones();
    let contiguous = length == 0 || mask.trailing_zeros() == wide - length;
    (width == wide && contiguous).then_some(length)
}

/// Whether the expression is found: from the first character to the last, or anywhere. The syntax is Python's without
/// what would need guessing back (look-around, references); so it takes no longer than the text is long.
fn matches(value: &Value, regex: &Value, whole: bool) -> Result<bool, String> {
    let Value::String(pattern) = regex else { return Err("regex: expected a text".to_owned()) };
    let wanted = match whole {
        true if pattern.ends_with('$') => format!("^(?:{pattern})"),
        true => format!("^(?:{pattern}$)"),
        false => pattern.clone(),
    };
    let regex = RegexBuilder::new(&wanted).size_limit(REGEX_BYTES).build();
    let regex = regex.map_err(|error| {
        let what = error.to_string();
        format!("regex: '{pattern}' is no expression: {}", what.lines().last().unwrap_or_default())
    })?;
    Ok(regex.is_match(&plain(value)))
}

fn one_of(value: &Value, values: Option<&Value>) -> Result<bool, String> {
    match values {
        None => Ok(false),
        Some(Value::Array(list)) => Ok(list.iter().any(|item| equal(item, value))),
        Some(Value::Object(map)) => Ok(value.as_str().is_some_and(|key| map.contains_key(key))),
        Some(Value::String(text)) => match value {
            Value::String(part) => Ok(text.contains(part.as_str())),
            other => Err(format!("{} cannot be a part of a text", kind(other))),
        },
        Some(other) => Err(format!("values: expected a list, got {}", kind(other))),
    }
}

/// A boolean or a number as such; of words, those that are given are the answer asked for.
fn truth(value: &Value, words: &[&str]) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::Number(number) => Some(number.as_f64() != Some(0.0)),
        Value::String(text) => {
            let asked = words.contains(&text.to_lowercase().as_str());
            asked.then_some(words.contains(&"true"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(op: &str, args: Value) -> Result<bool, String> {
        let args = ops::condition(op).map(|(_, op)| op.named(&args)).unwrap_or_default();
        evaluate(op, &args)
    }

    #[test]
    fn each_operation_says_yes_and_no_as_ironic_does() {
        for (op, args, yes) in [
            ("eq", json!([[]]), true),
            ("eq", json!([["a"]]), true),
            ("eq", json!([["a", "a", "a"]]), true),
            ("eq", json!([["a", "a", "b"]]), false),
            ("eq", json!([[1, 1.0, true]]), true),
            ("eq", json!([["1", 1]]), false),
            ("eq", json!([["1", 1], true]), true),
            ("eq", json!([[[1, {"a": 1}], [1.0, {"a": true}]]]), true),
            ("lt", json!([[1, 2, 3]]), true),
            ("lt", json!([[1, 3, 2]]), false),
            ("lt", json!([["10", "9"]]), true),
            ("lt", json!([[10, 9], true]), true),
            ("gt", json!([[3, 2.5, false]]), true),
            ("gt", json!([["b", "a"]]), true),
            ("gt", json!([[[1, 2], [1, 1]]]), true),
            ("gt", json!([[2, 2]]), false),
            ("is-empty", json!([""]), true),
            ("is-empty", json!([null]), true),
            ("is-empty", json!(["None"]), true),
            ("is-empty", json!([[]]), true),
            ("is-empty", json!([{}]), true),
            ("is-empty", json!([0]), false),
            ("is-empty", json!([" "]), false),
            ("in-net", json!(["10.1.2.3", "10.0.0.0/8"]), true),
            ("in-net", json!(["10.1.2.3", "10.1.9.9/255.255.0.0"]), true),
            ("in-net", json!(["10.1.2.3", "10.1.2.3"]), true),
            ("in-net", json!(["11.1.2.3", "10.0.0.0/8"]), false),
            ("in-net", json!(["2001:db8::1", "2001:db8::/32"]), true),
            ("in-net", json!(["2001:db8::1", "0.0.0.0/0"]), false),
            ("matches", json!(["Dell Inc.", "Dell.*"]), true),
            ("matches", json!(["Dell Inc.", "Dell"]), false),
            ("matches", json!(["a Dell", "Dell"]), false),
            ("matches", json!([4, "[0-9]+$"]), true),
            ("contains", json!(["a Dell b", "Dell"]), true),
            ("contains", json!(["a Dell b", "^Dell"]), false),
            ("one-of", json!(["a", ["a", "b"]]), true),
            ("one-of", json!(["c", ["a", "b"]]), false),
            ("one-of", json!(["c"]), false),
            ("one-of", json!(["b", "abc"]), true),
            ("is-none", json!([null]), true),
            ("is-none", json!(["None"]), false),
            ("is-true", json!(["Yes"]), true),
            ("is-true", json!(["True"]), true),
            ("is-true", json!(["1"]), false),
            ("is-true", json!([2]), true),
            ("is-true", json!([null]), false),
            ("is-false", json!(["NO"]), true),
            ("is-false", json!(["False"]), true),
            ("is-false", json!([0]), true),
            ("is-false", json!([null]), true),
            ("is-false", json!(["maybe"]), false),
            ("is-false", json!([true]), false),
        ] {
            assert_eq!(of(op, args.clone()), Ok(yes), "{op} {args}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_an_error_that_names_the_argument() {
        for (op, args, named) in [
            ("eq", json!(["ab"]), "values"),
            ("lt", json!([["4", 5]]), "force_strings"),
            ("gt", json!([[null, 5]]), "nothing"),
            ("in-net", json!(["x", "10.0.0.0/8"]), "address"),
            ("in-net", json!(["10.0.0.1", "10.0.0.0/33"]), "subnet"),
            ("in-net", json!(["10.0.0.1", "10.0.0.0/255.0.255.0"]), "subnet"),
            ("in-net", json!(["10.0.0.1", "net"]), "subnet"),
            ("matches", json!(["a", "("]), "regex"),
            ("contains", json!(["a", "(?=b)"]), "regex"),
            ("contains", json!(["a", 5]), "regex"),
            ("one-of", json!([1, "abc"]), "a number"),
            ("one-of", json!([1, 5]), "values"),
        ] {
            let error = of(op, args.clone()).err().unwrap_or_default();
            assert!(error.contains(named), "{op} {args}: {error:?}");
        }
    }

    #[test]
    fn loops_and_negation_combine_what_single_items_say() {
        let empty = json!({});
        let inventory = json!({"cpu": {"count": 4}});
        let scope = Scope { node: &empty, inventory: &inventory, plugin_data: &empty, item: None };
        let condition = |multiple: &str, items: Value| json!({"op": "eq", "args": {"values": ["{item}", 2]}, "loop": items, "multiple": multiple});
        for (conditions, yes) in [
            (json!([]), true),
            (json!([{"op": "eq", "args": {"values": ["{inventory[cpu][count]}", "4"]}}]), true),
            (json!([{"op": "!eq", "args": {"values": ["{inventory[cpu][count]}", "4"]}}]), false),
            (json!([{"op": "is-empty", "args": ["{inventory[disks]}"]}]), true),
            (json!([{"op": "!is-empty", "args": ["{inventory[cpu]}"]}, {"op": "is-none", "args": ["x"]}]), false),
            (json!([condition("any", json!([1, 2]))]), true),
            (json!([condition("any", json!([1, 3]))]), false),
            (json!([condition("all", json!([2, 2]))]), true),
            (json!([condition("all", json!([2, 3]))]), false),
            (json!([condition("first", json!([1, 2]))]), true),
            (json!([condition("first", json!([1, 3]))]), false),
            (json!([condition("last", json!([1, 2]))]), true),
            (json!([condition("last", json!([2, 1]))]), false),
            (json!([{"op": "!eq", "args": {"values": ["{item}", "1"]}, "loop": [1, 2], "multiple": "all"}]), false),
            (json!([{"op": "matches", "args": {"value": "4", "regex": "{item[re]}"}, "loop": {"re": "[0-9]"}}]), true),
        ] {
            let list = conditions.as_array().cloned().unwrap_or_default();
            assert_eq!(hold(&list, scope), Ok(yes), "{conditions}");
        }
        let bad = [json!({"op": "lt", "args": {"values": ["{inventory[cpu][count]}", 5]}})];
        assert!(hold(&bad, scope).is_err_and(|why| why.starts_with("condition 0: lt: ")));
    }
}
