//! The traits of a node.

use super::{Ident, find_free};
use crate::model::Node;
use crate::service::{Refusal, Refused, traits};
use crate::store::{Tx, nodes};

/// Traits of a node at most.
const MOST: usize = 50;

/// Makes the node's traits these.
pub fn replace_traits(tx: &Tx, ident: &Ident, names: &[String]) -> Refused<()> {
    let node = find_free(tx, ident)?;
    names.iter().try_for_each(|name| check(name))?;
    let mut names = names.to_vec();
    names.sort();
    names.dedup();
    fits(&node, names.len())?;
    nodes::set_traits(tx, node.uuid, &names)?;
    touch(tx, &node)
}

/// Adds one that the node may have already.
pub fn add_trait(tx: &Tx, ident: &Ident, name: &str) -> Refused<()> {
    let node = find_free(tx, ident)?;
    put_trait(tx, &node, name)?;
    touch(tx, &node)
}

/// Adds one, for whoever holds the node.
pub fn put_trait(tx: &Tx, node: &Node, name: &str) -> Refused<()> {
    check(name)?;
    let have = nodes::traits(tx, node.uuid)?;
    if !have.iter().any(|known| known == name) {
        fits(node, have.len() + 1)?;
        nodes::add_trait(tx, node.uuid, name)?;
    }
    Ok(())
}

/// Takes one away; 404 if the node does not have it.
pub fn remove_trait(tx: &Tx, ident: &Ident, name: &str) -> Refused<()> {
    let node = find_free(tx, ident)?;
    if !nodes::remove_trait(tx, node.uuid, name)? {
        return Err(Refusal::not_found(format!("Node {} doesn't have a trait '{name}'", node.uuid)));
    }
    touch(tx, &node)
}

fn check(name: &str) -> Refused<()> {
    if traits::is_valid(name) {
        return Ok(());
    }
    Err(Refusal::invalid(format!(
        "traits: '{name}' is neither a standard trait nor CUSTOM_ with capitals, digits and underscores, 255 characters at \
         most"
    )))
}

fn fits(node: &Node, count: usize) -> Refused<()> {
    if count <= MOST {
        return Ok(());
    }
    Err(Refusal::invalid(format!(
        "Could not modify traits for node {} as it would exceed the maximum number of traits per node ({count} vs. {MOST})",
        node.uuid
    )))
}

/// Traits are part of the node, though not of its row: the node has changed.
fn touch(tx: &Tx, node: &Node) -> Refused<()> {
    nodes::touch(tx, node.uuid)?;
    Ok(())
}
