//! The body of a POST that creates something: which keys may stand in it.

use serde_json::{Map, Value};

use super::surface::{Noun, Version, Write};
use super::{Call, Fault};

/// The body as an object whose keys are fields of `noun` that can be set at creation, or one of `more`, which are
/// arguments without being fields.
///
/// What no version accepts is refused first (400); then what is newer than the version (406). Values are not looked at.
pub fn create(call: &Call, noun: &Noun, more: &[(&str, Version)]) -> Result<Map<String, Value>, Fault> {
    let map = call.object(&noun.name.to_lowercase())?;
    let mut newer = false;
    for key in map.keys() {
        let field = noun.field(key).filter(|field| matches!(field.write, Write::Create | Write::Always));
        let since = match (field, more.iter().find(|(name, _)| name == key)) {
            (Some(field), _) => field.since,
            (None, Some((_, since))) => *since,
            (None, None) => {
                return Err(Fault::invalid(format!(
                    "Schema error for {}: Additional properties are not allowed ('{key}' was unexpected)",
                    noun.name.to_lowercase()
                )));
            }
        };
        newer = newer || since > call.version;
    }
    if newer { Err(Fault::not_acceptable()) } else { Ok(map) }
}
