//! Deploy templates: named by a trait, they add their steps to the deploys that ask for it.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::fields::Fields;
use super::patch::{self, Operation};
use super::{Refusal, Refused, steps, traits};
use crate::model::{DeployTemplate, Object};
use crate::provision::asked::{AskedStep, BY_PRIORITY};
use crate::store::{Read, Tx, deploy_templates};

/// Creates one from a body whose keys have been checked. A description is accepted and, as in Ironic, not kept.
pub fn create(tx: &Tx, body: &Map<String, Value>) -> Refused<DeployTemplate> {
    let fields = Fields::new("template", body);
    let asked = steps::read("template", body.get("steps"), BY_PRIORITY, false)?;
    let name = name(&fields)?;
    fields.text("description", 255)?;
    let mut template = DeployTemplate {
        id: 0,
        uuid: fields.uuid("uuid")?.unwrap_or_else(|| tx.uuid()),
        name,
        steps: Object::empty_list(),
        extra: fields.object("extra")?,
        created_at: tx.now(),
        updated_at: None,
    };
    is_free(tx, &template.name)?;
    if deploy_templates::find(tx, template.uuid)?.is_some() {
        return Err(Refusal::conflict(format!("A deploy template with UUID {} already exists.", template.uuid)));
    }
    template.steps = steps::seal(tx, template.uuid, &asked)?;
    template.id = deploy_templates::insert(tx, &template)?;
    Ok(template)
}

/// By UUID or name.
pub fn find(read: &Read, ident: &str) -> Refused<DeployTemplate> {
    let found = match Uuid::try_parse(ident) {
        Ok(uuid) => deploy_templates::find(read, uuid)?,
        Err(_) => deploy_templates::find_by_name(read, ident)?,
    };
    found.ok_or_else(|| Refusal::not_found(format!("Deploy template {ident} could not be found.")))
}

pub fn update(tx: &Tx, ident: &str, operations: &[Operation]) -> Refused<DeployTemplate> {
    let before = find(tx, ident)?;
    let old = steps::open(tx, before.uuid, &before.steps)?;
    let mut document = Map::new();
    document.insert("name".to_owned(), Value::from(before.name.clone()));
    document.insert("steps".to_owned(), serde_json::to_value(&old).map_err(crate::store::StoreError::from)?);
    document.insert("extra".to_owned(), before.extra.value());
    patch::apply(&mut document, operations)?;
    let fields = Fields::new("patch", &document);
    let asked = steps::read("patch", document.get("steps"), BY_PRIORITY, true)?;
    let asked = steps::changed("patch", &old, asked)?;
    let mut after = DeployTemplate { name: name(&fields)?, extra: fields.object("extra")?, ..before.clone() };
    if after.name != before.name {
        is_free(tx, &after.name)?;
    }
    after.steps = steps::seal(tx, before.uuid, &asked)?;
    deploy_templates::update(tx, &before, &after)?;
    find(tx, &before.uuid.to_string())
}

pub fn delete(tx: &Tx, ident: &str) -> Refused<()> {
    let template = find(tx, ident)?;
    deploy_templates::delete(tx, template.uuid)?;
    Ok(())
}

/// A template with its steps, secrets in place.
pub struct Matching {
    pub name: String,
    pub steps: Vec<AskedStep>,
}

/// The templates that an instance with this `instance_info` calls for.
pub fn matching(read: &Read, instance_info: &Object) -> Refused<Vec<Matching>> {
    let mut found = Vec::new();
    let wanted = instance_info.get("traits");
    let mut names: Vec<&str> = wanted.iter().flat_map(Value::as_array).flatten().filter_map(Value::as_str).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        if let Some(template) = deploy_templates::find_by_name(read, name)? {
            found.push(Matching { name: template.name, steps: steps::open(read, template.uuid, &template.steps)? });
        }
    }
    Ok(found)
}

fn name(fields: &Fields) -> Refused<String> {
    match fields.text("name", 255)? {
        Some(name) if traits::is_valid(&name) => Ok(name),
        Some(name) => {
            Err(fields
                .refuse("name", format_args!("'{name}' does not match CUSTOM_[A-Z0-9_]+ and is no standard trait")))
        }
        None => Err(fields.refuse("name", "'name' is a required property, the name of a trait")),
    }
}

fn is_free(read: &Read, name: &str) -> Refused<()> {
    match deploy_templates::find_by_name(read, name)? {
        Some(_) => Err(Refusal::conflict(format!("A deploy template with name {name} already exists."))),
        None => Ok(()),
    }
}
