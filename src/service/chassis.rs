//! Chassis: something that nodes stand in. A chassis with nodes stays.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::fields::Fields;
use super::patch::{self, Operation};
use super::{Refusal, Refused};
use crate::model::Chassis;
use crate::store::{Read, Tx, chassis};

const DESCRIPTION: usize = 255;

pub fn find(read: &Read, uuid: Uuid) -> Refused<Chassis> {
    chassis::find(read, uuid)?.ok_or_else(|| missing(uuid))
}

fn missing(uuid: Uuid) -> Refusal {
    Refusal::not_found(format!("Chassis {uuid} could not be found."))
}

/// A chassis that a request names beside its subject: if there is none the request is wrong.
pub fn mentioned(read: &Read, uuid: Uuid) -> Refused<Uuid> {
    match find(read, uuid) {
        Ok(chassis) => Ok(chassis.uuid),
        Err(Refusal::NotFound(why)) => Err(Refusal::Invalid(why)),
        Err(other) => Err(other),
    }
}

/// Creates a chassis from the body of a request, whose keys have been checked.
pub fn create(tx: &Tx, body: &Map<String, Value>) -> Refused<Uuid> {
    let fields = Fields::new("chassis", body);
    let uuid = fields.uuid("uuid")?.unwrap_or_else(|| tx.uuid());
    let made = Chassis {
        id: 0,
        uuid,
        description: fields.text("description", DESCRIPTION)?,
        extra: fields.object("extra")?,
        created_at: tx.now(),
        updated_at: None,
    };
    if chassis::find(tx, uuid)?.is_some() {
        return Err(Refusal::conflict(format!("A chassis with UUID {uuid} already exists.")));
    }
    chassis::insert(tx, &made)?;
    Ok(uuid)
}

/// Changes a chassis. Its UUID may be sent, as long as it is the same.
pub fn update(tx: &Tx, uuid: Uuid, operations: &[Operation]) -> Refused<()> {
    let before = find(tx, uuid)?;
    let mut document = Map::new();
    document.insert("uuid".to_owned(), json!(uuid.to_string()));
    document.insert("description".to_owned(), json!(before.description));
    document.insert("extra".to_owned(), before.extra.value());
    patch::apply(&mut document, operations)?;
    let fields = Fields::new("patch", &document);
    if fields.uuid("uuid")? != Some(uuid) {
        return Err(Refusal::invalid("Cannot overwrite UUID for an existing Chassis."));
    }
    let after = Chassis {
        description: fields.text("description", DESCRIPTION)?,
        extra: fields.object("extra")?,
        ..before.clone()
    };
    chassis::update(tx, &before, &after)?;
    Ok(())
}

pub fn delete(tx: &Tx, uuid: Uuid) -> Refused<()> {
    find(tx, uuid)?;
    if chassis::has_nodes(tx, uuid)? {
        return Err(Refusal::invalid(format!(
            "Cannot complete the requested action because chassis {uuid} contains nodes."
        )));
    }
    chassis::delete(tx, uuid)?;
    Ok(())
}
