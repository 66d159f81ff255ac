//! The filters of a list of nodes.

use uuid::Uuid;

use crate::api::listing::Listing;
use crate::api::request::{Query, boolean};
use crate::api::surface::params::{NODE_CHASSIS, NODE_FAMILY, NODE_FILTERS};
use crate::api::{Call, Fault};
use crate::model::{Fault as NodeFault, State};
use crate::service::chassis;
use crate::store::page::Filter;
use crate::store::{Read, nodes};

/// What is asked for. One thing can only be told by the store: whether there is such a chassis.
pub struct Asked {
    filters: Vec<Filter>,
    parent: Option<String>,
    chassis: Option<Uuid>,
}

/// Takes the filters out of the query. Each is noted for the `next` link as the client wrote it.
/// `of_chassis`: the list lives below a chassis, which is no filter then.
pub fn parse(call: &Call, query: &mut Query, listing: &mut Listing, of_chassis: Option<Uuid>) -> Result<Asked, Fault> {
    let mut asked = Asked { filters: Vec::new(), parent: None, chassis: of_chassis };
    let mut children = false;
    for param in [NODE_FILTERS, NODE_CHASSIS, NODE_FAMILY].iter().copied().flatten() {
        let Some(text) = query.take(param.name)? else { continue };
        match param.name {
            "include_children" => children = boolean(param.name, &text)?,
            "parent_node" => asked.parent = Some(text.clone()),
            "chassis_uuid" => asked.chassis = Some(uuid(param.name, &text)?),
            name => asked.filters.push(filter(call, name, &text)?),
        }
        if param.name == "instance_uuid" {
            listing.unpaged();
        }
        listing.carry(param.name, text);
    }
    if asked.parent.is_none() && !children {
        asked.filters.push(Filter::null("parent_node"));
    }
    Ok(asked)
}

impl Asked {
    /// The filters, now that the store can be asked. A parent is named by its UUID; any other word has no children.
    pub fn resolve(mut self, read: &Read) -> Result<Vec<Filter>, Fault> {
        if let Some(parent) = self.parent {
            self.filters.push(Filter::text("parent_node", &parent));
        }
        if let Some(uuid) = self.chassis {
            let chassis = chassis::find(read, uuid)?;
            self.filters.push(Filter::text("chassis_uuid", &chassis.uuid.to_string()));
        }
        Ok(self.filters)
    }
}

fn filter(call: &Call, name: &'static str, text: &str) -> Result<Filter, Fault> {
    Ok(match name {
        "associated" if boolean(name, text)? => Filter::not_null("instance_uuid"),
        "associated" => Filter::null("instance_uuid"),
        "sharded" if boolean(name, text)? => Filter::not_null("shard"),
        "sharded" => Filter::null("shard"),
        "maintenance" | "retired" => Filter::boolean(name, boolean(name, text)?),
        "instance_uuid" => Filter::text(name, &uuid(name, text)?.to_string()),
        "provision_state" if State::parse(text).is_none() => {
            return Err(Fault::invalid(format!("Provision state \"{text}\" is not valid")));
        }
        "fault" if NodeFault::parse(text).is_none() => {
            let known: Vec<_> = NodeFault::ALL.iter().map(|fault| fault.as_str()).collect();
            return Err(Fault::invalid(format!(
                "Unrecognized fault \"{text}\" is specified, allowed faults are {}",
                known.join(", ")
            )));
        }
        "conductor_group" => nodes::in_group(&text.to_lowercase()),
        // There is one conductor, and all nodes are its own.
        "conductor" if text == call.state.settings.conductor => Filter::not_null("id"),
        "conductor" => Filter::null("id"),
        "project" => nodes::of_project(text),
        "description_contains" => nodes::described(text),
        "shard" if !text.contains(',') => Filter::text(name, text.trim()),
        "shard" => nodes::in_shards(text.split(',').map(str::trim)),
        name => Filter::text(name, text),
    })
}

fn uuid(name: &str, text: &str) -> Result<Uuid, Fault> {
    Uuid::try_parse(text).map_err(|_| Fault::invalid(format!("Expected UUID for {name}: {text}")))
}
