//! Runbooks: lists of steps that somebody wrote and somebody else may run, for cleaning or for service.
//!
//! Since when names are free and traits say where a runbook may be used is told by the caller as `by_name`: older
//! clients know a runbook by a name that is itself the trait.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::fields::Fields;
use super::patch::{self, Op, Operation};
use super::{Refusal, Refused, names, steps, traits};
use crate::model::{Node, Object, Runbook};
use crate::provision::asked::{AskedStep, IN_RUNBOOK};
use crate::store::{Read, StoreError, Tx, nodes, runbooks};

/// Creates one from a body whose keys have been checked.
pub fn create(tx: &Tx, body: &Map<String, Value>, by_name: bool) -> Refused<Runbook> {
    let asked = steps::read("runbook", body.get("steps"), IN_RUNBOOK, false)?;
    let fields = Fields::new("runbook", body);
    let mut runbook = Runbook {
        id: 0,
        uuid: Uuid::nil(),
        name: String::new(),
        description: None,
        steps: Object::empty_list(),
        traits: Object::empty_list(),
        disable_ramdisk: false,
        public: false,
        owner: None,
        extra: Object::default(),
        created_at: tx.now(),
        updated_at: None,
    };
    fill(&mut runbook, &fields, by_name)?;
    if runbook.public && runbook.owner.is_some() {
        return Err(Refusal::invalid("There cannot be an owner for a public runbook"));
    }
    runbook.uuid = fields.uuid("uuid")?.unwrap_or_else(|| tx.uuid());
    is_free(tx, &runbook.name)?;
    if runbooks::find(tx, runbook.uuid)?.is_some() {
        return Err(Refusal::conflict(format!("A runbook with UUID {} already exists.", runbook.uuid)));
    }
    runbook.steps = steps::seal(tx, runbook.uuid, &asked)?;
    runbook.id = runbooks::insert(tx, &runbook)?;
    Ok(runbook)
}

/// By UUID or name.
pub fn find(read: &Read, ident: &str) -> Refused<Runbook> {
    let found = match Uuid::try_parse(ident) {
        Ok(uuid) => runbooks::find(read, uuid)?,
        Err(_) => runbooks::find_by_name(read, ident)?,
    };
    found.ok_or_else(|| Refusal::not_found(format!("Runbook {ident} could not be found.")))
}

pub fn update(tx: &Tx, ident: &str, operations: &[Operation]) -> Refused<Runbook> {
    let before = find(tx, ident)?;
    let old = steps::open(tx, before.uuid, &before.steps)?;
    let mut document = Map::new();
    document.insert("name".to_owned(), Value::from(before.name.clone()));
    document.insert("description".to_owned(), Value::from(before.description.clone()));
    document.insert("steps".to_owned(), serde_json::to_value(&old).map_err(StoreError::from)?);
    document.insert("disable_ramdisk".to_owned(), Value::from(before.disable_ramdisk));
    document.insert("public".to_owned(), Value::from(before.public));
    document.insert("owner".to_owned(), Value::from(ownership(&before, operations)?));
    document.insert("extra".to_owned(), before.extra.value());
    patch::apply(&mut document, operations)?;
    let asked = steps::read("patch", document.get("steps"), IN_RUNBOOK, true)?;
    let asked = steps::changed("patch", &old, asked)?;
    let mut after = before.clone();
    fill(&mut after, &Fields::new("patch", &document), false)?;
    if after.name != before.name {
        is_free(tx, &after.name)?;
    }
    after.steps = steps::seal(tx, before.uuid, &asked)?;
    runbooks::update(tx, &before, &after)?;
    find(tx, &before.uuid.to_string())
}

/// Who owns a runbook before a patch is applied to it. A public one belongs to nobody, and one that is made public or
/// private loses its owner unless the same patch names one.
fn ownership(before: &Runbook, operations: &[Operation]) -> Refused<Option<String>> {
    let set = |name: &str| {
        operations.iter().filter(|it| it.is_whole() && it.root() == name).find_map(|it| match &it.op {
            Op::Add(value) | Op::Replace(value) => Some(value.clone()),
            Op::Remove => None,
        })
    };
    let public = set("public");
    let will_be_public = public.as_ref().map_or(before.public, |value| *value == true);
    if will_be_public && set("owner").is_some() {
        return Err(Refusal::invalid("Couldn't apply patch: There cannot be an owner for a public runbook"));
    }
    Ok(if public.is_some() { None } else { before.owner.clone() })
}

pub fn delete(tx: &Tx, ident: &str) -> Refused<()> {
    let runbook = find(tx, ident)?;
    runbooks::delete(tx, runbook.uuid)?;
    Ok(())
}

/// The names of its traits, sorted.
pub fn traits_of(runbook: &Runbook) -> Vec<String> {
    serde_json::from_str(runbook.traits.as_str()).unwrap_or_default()
}

/// Changes its traits. They are no part of what `updated_at` tells of.
pub fn change_traits(tx: &Tx, ident: &str, change: impl Fn(&mut Vec<String>)) -> Refused<()> {
    let runbook = find(tx, ident)?;
    let mut names = traits_of(&runbook);
    change(&mut names);
    names.sort();
    names.dedup();
    runbooks::set_traits(tx, runbook.uuid, &Object::from(Value::from(names)))?;
    Ok(())
}

/// What a runbook does on `node`: its steps in their order, secrets in place, and whether the ramdisk is to be left out.
///
/// 404 if there is no such runbook, 400 if it was not approved for the node.
pub fn use_on(read: &Read, node: &Node, ident: &str, by_name: bool) -> Refused<(Vec<AskedStep>, bool)> {
    let runbook = find(read, ident)?;
    let has = nodes::traits(read, node.uuid)?;
    if by_name {
        if !has.contains(&runbook.name) {
            return Err(Refusal::invalid(format!(
                "Runbook {} has not been approved for use on node {}: it needs the trait {}.",
                runbook.uuid, node.uuid, runbook.name
            )));
        }
    } else {
        approved(&runbook, node, &has)?;
    }
    let mut asked = steps::open(read, runbook.uuid, &runbook.steps)?;
    asked.sort_by_key(|step| step.order);
    Ok((asked, runbook.disable_ramdisk))
}

fn approved(runbook: &Runbook, node: &Node, has: &[String]) -> Refused<()> {
    let wanted = traits_of(runbook);
    if wanted.is_empty() {
        return Err(Refusal::invalid(format!(
            "Runbook {} has no traits, so no node may be worked on with it. Add traits to the runbook.",
            runbook.uuid
        )));
    }
    if !wanted.iter().any(|name| has.contains(name)) {
        return Err(Refusal::invalid(format!(
            "Runbook {} has not been approved for use on node {}: it needs one of the traits {}.",
            runbook.uuid,
            node.uuid,
            wanted.join(", ")
        )));
    }
    Ok(())
}

fn fill(runbook: &mut Runbook, fields: &Fields, by_name: bool) -> Refused<()> {
    runbook.name = match fields.text("name", 255)? {
        Some(name) if by_name && !traits::is_valid(&name) => {
            return Err(fields
                .refuse("name", format_args!("'{name}' does not match CUSTOM_[A-Z0-9_]+ and is no standard trait")));
        }
        Some(name) if !names::is_logical(&name) => {
            return Err(fields.refuse("name", format_args!("'{name}' is no name: expected letters, digits and -._~")));
        }
        Some(name) => name,
        None => return Err(fields.refuse("name", "'name' is a required property")),
    };
    runbook.description = fields.text("description", 255)?;
    runbook.owner = fields.text("owner", 255)?;
    runbook.public = flag(fields, "public")?;
    runbook.disable_ramdisk = flag(fields, "disable_ramdisk")?;
    runbook.extra = fields.object("extra")?;
    Ok(())
}

/// A boolean and no word for one.
fn flag(fields: &Fields, name: &str) -> Refused<bool> {
    match fields.get(name) {
        None => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(other) => Err(fields.refuse(name, format_args!("{other} is not of type 'boolean', 'null'"))),
    }
}

fn is_free(read: &Read, name: &str) -> Refused<()> {
    match runbooks::find_by_name(read, name)? {
        Some(_) => Err(Refusal::conflict(format!("A runbook with name {name} already exists."))),
        None => Ok(()),
    }
}
