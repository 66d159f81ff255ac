//! Finding a node by what a client calls it.

use uuid::Uuid;

use super::{Refusal, Refused};
use crate::model::Node;
use crate::store::{Read, nodes};

/// By UUID or name; a name that looks like a UUID does not address. `NotFound` if there is none.
pub fn node(read: &Read, ident: &str) -> Refused<Node> {
    let found = match Uuid::try_parse(ident) {
        Ok(uuid) => nodes::find(read, uuid)?,
        Err(_) => nodes::find_by_name(read, ident)?,
    };
    found.ok_or_else(|| Refusal::not_found(format!("Node {ident} could not be found.")))
}

/// As [`node`], for a node that a request names beside its subject: if there is none the request is wrong.
pub fn mentioned_node(read: &Read, ident: &str) -> Refused<Node> {
    node(read, ident).map_err(|refusal| match refusal {
        Refusal::NotFound(why) => Refusal::Invalid(why),
        other => other,
    })
}
