//! The body of a POST that creates something: which keys may stand in it.

use serde_json::{Map, Value};

use super::surface::params::{self, Param};
use super::surface::{Noun, Takes, Write};
use super::{Call, Fault};
use crate::service::Refused;

/// The body as an object whose keys are fields that can be set at creation, or arguments without being fields: what the
/// row of the route says.
///
/// What no version accepts is refused first (400); then what is newer than the version. Values are not looked at.
pub fn create(call: &Call) -> Result<Map<String, Value>, Fault> {
    let (map, newer) = read(call)?;
    newer.map_or(Ok(map), Err)
}

/// As [`create`], for nouns whose values are looked at before it is said that a field is too new.
pub fn checked(call: &Call, check: fn(&Map<String, Value>) -> Refused<()>) -> Result<Map<String, Value>, Fault> {
    let (map, newer) = read(call)?;
    check(&map)?;
    newer.map_or(Ok(map), Err)
}

/// The body, and what there is to say against it at the client's version.
fn read(call: &Call) -> Result<(Map<String, Value>, Option<Fault>), Fault> {
    let (noun, more): (&Noun, &'static [Param]) = match call.route.takes {
        Takes::New(noun, more) => (noun, more),
        _ => return Err(Fault::invalid("Nothing can be created here.")),
    };
    let name = noun.name.to_lowercase();
    let map = call.object(&name)?;
    let mut newer = None;
    for key in map.keys() {
        let field = noun.field(key).filter(|field| matches!(field.write, Write::Create | Write::Always));
        match (field, params::find(more, key)) {
            (Some(field), _) if !field.is_open(call.version) => newer = newer.or(Some(Fault::not_acceptable())),
            (Some(_), _) => {}
            (None, Some(param)) if !param.at(call.version) => newer = newer.or(param.too_old.fault()),
            (None, Some(_)) => {}
            (None, None) => {
                return Err(Fault::invalid(format!(
                    "Schema error for {name}: Additional properties are not allowed ('{key}' was unexpected)"
                )));
            }
        }
    }
    Ok((map, newer))
}
