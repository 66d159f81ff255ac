//! Inspection rules.

use crate::api::listing::{self, Detail, Listing};
use crate::api::surface::inspection_rules::{INSPECTION_RULE, LINKED};
use crate::api::view::{View, Wanted};
use crate::api::{Answer, Call, Fault, body, patch};
use crate::model::InspectionRule;
use crate::service::inspection_rules as rules;

/// `GET /v1/inspection_rules`
pub async fn list(call: Call) -> Result<Answer, Fault> {
    let mut query = call.query.clone();
    let mut listing = Listing::parse(&call, &INSPECTION_RULE, &mut query, Detail::Query)?;
    // Every rule is of the one phase there is, and Ironic shows them all whatever is asked for.
    if let Some(phase) = query.take("phase")? {
        listing.carry("phase", phase);
    }
    let body = call.state.store.read(move |read| listing.below(read, &[], LINKED, &mut |_, _, _| Ok(())));
    Ok(Answer::ok(body.await?))
}

/// `POST /v1/inspection_rules`
pub async fn create(call: Call) -> Result<Answer, Fault> {
    let map = body::create(&call)?;
    let made = call.state.store.write(move |tx| rules::create(tx, &map)).await?;
    let location = format!("/v1/inspection_rules/{}", made.uuid);
    Ok(Answer::created(shown(&call, &made)?, location))
}

/// `GET /v1/inspection_rules/{rule}`
pub async fn show(call: Call) -> Result<Answer, Fault> {
    let uuid = rules::uuid(call.param(0))?;
    let view = listing::single(&call, &INSPECTION_RULE)?;
    let found = call.state.store.read(move |read| rules::find(read, uuid)).await?;
    Ok(Answer::ok(written(view, &found)?))
}

/// `PATCH /v1/inspection_rules/{rule}`
pub async fn update(call: Call) -> Result<Answer, Fault> {
    let uuid = rules::uuid(call.param(0))?;
    let operations = patch::operations(&call)?;
    let changed = call.state.store.write(move |tx| rules::update(tx, uuid, &operations)).await?;
    Ok(Answer::ok(shown(&call, &changed)?))
}

/// `DELETE /v1/inspection_rules/{rule}`
pub async fn delete(call: Call) -> Result<Answer, Fault> {
    let uuid = rules::uuid(call.param(0))?;
    call.state.store.write(move |tx| rules::delete(tx, uuid)).await?;
    Ok(Answer::nothing())
}

/// `PATCH` and `DELETE /v1/inspection_rules`: which one is meant? Nobody loses all of them by a slip.
pub async fn which(_: Call) -> Result<Answer, Fault> {
    Err(Fault::invalid("Missing mandatory parameter: inspection_rule_uuid"))
}

fn shown(call: &Call, rule: &InspectionRule) -> Result<Vec<u8>, Fault> {
    written(View::new(&INSPECTION_RULE, call.version, &call.base, &Wanted::All)?, rule)
}

fn written(view: View, rule: &InspectionRule) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::with_capacity(1024);
    view.at(LINKED.to_owned()).record(&mut out, rule, &mut |_, _, _| Ok(()))?;
    Ok(out)
}
