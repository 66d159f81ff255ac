//! Why a machine hangs: `GET /bessemer/v1/nodes/{node}/why`, and the same of an allocation.

use crate::api::{Answer, Call, Fault};
use crate::service::{Refused, ident, why};
use crate::store::ports;
use crate::wire::mac::Mac;

/// `GET /bessemer/v1/nodes/{node}/why`: by UUID, by name, or by the address of a card, which may be nobody's.
pub async fn node(call: Call) -> Result<Answer, Fault> {
    let asked = call.param(0).to_owned();
    let sight = call.state.engine.sight();
    let now = call.state.engine.environment().clock.now();
    let found = call.state.store.read(move |read| {
        let card = asked.parse::<Mac>().ok();
        let port = match card {
            Some(card) => ports::find_by_address(read, &card.to_string())?,
            None => None,
        };
        let document = match (card, port) {
            (_, Some(port)) => Some(why::json(&why::gather(read, port.node_uuid, &sight, now)?)),
            (Some(card), None) => why::stranger::json(card, &sight.trace, now),
            (None, None) => {
                let node = ident::node(read, &asked)?;
                Some(why::json(&why::gather(read, node.uuid, &sight, now)?))
            }
        };
        Refused::Ok(document.ok_or(asked))
    });
    match found.await? {
        Ok(document) => Ok(Answer::json(&document)),
        Err(card) => Err(Fault::not_found(format!(
            "No port has the card {card}, and it was not heard since this service started."
        ))),
    }
}

/// `GET /bessemer/v1/allocations/{allocation}/why`
pub async fn allocation(call: Call) -> Result<Answer, Fault> {
    let asked = call.param(0).to_owned();
    let environment = call.state.engine.environment();
    let (now, since) = (environment.clock.now(), environment.trace.since());
    let document = call.state.store.read(move |read| why::allocation::json(read, &asked, now, since));
    Ok(Answer::json(&document.await?))
}
