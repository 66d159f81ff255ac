//! Chassis. Their nodes are listed by [`super::nodes`].

use crate::api::listing::{self, Detail, Listing};
use crate::api::surface::chassis::CHASSIS;
use crate::api::view::{View, Wanted};
use crate::api::{Answer, Call, Fault, body, patch};
use crate::service::chassis;

/// `GET /v1/chassis`
pub async fn list(call: Call) -> Result<Answer, Fault> {
    page(call, Detail::Query).await
}

/// `GET /v1/chassis/detail`
pub async fn detail(call: Call) -> Result<Answer, Fault> {
    page(call, Detail::Path).await
}

async fn page(call: Call, detail: Detail) -> Result<Answer, Fault> {
    let mut query = call.query.clone();
    let listing = Listing::parse(&call, &CHASSIS, &mut query, detail)?;
    let body = call.state.store.read(move |read| listing.write(read, &[], &mut |_, _, _| Ok(())));
    Ok(Answer::ok(body.await?))
}

/// `GET /v1/chassis/{chassis}`
pub async fn show(call: Call) -> Result<Answer, Fault> {
    let uuid = call.uuid(0, "chassis_uuid")?;
    let view = listing::single(&call, &CHASSIS)?;
    let body = call.state.store.read(move |read| listing::whole(read, &CHASSIS, &view, uuid));
    Ok(Answer::ok(body.await?))
}

/// `POST /v1/chassis`
pub async fn create(call: Call) -> Result<Answer, Fault> {
    let map = body::create(&call)?;
    let view = View::new(&CHASSIS, call.version, &call.base, &Wanted::All)?;
    let made = call.state.write(move |tx| {
        let uuid = chassis::create(tx, &map)?;
        Ok((uuid, listing::whole(tx, &CHASSIS, &view, uuid)?))
    });
    let (uuid, body) = made.await?;
    Ok(Answer::created(body, format!("/v1/chassis/{uuid}")))
}

/// `PATCH /v1/chassis/{chassis}`
pub async fn update(call: Call) -> Result<Answer, Fault> {
    let uuid = call.uuid(0, "chassis_uuid")?;
    let operations = patch::parse(&call)?;
    let view = View::new(&CHASSIS, call.version, &call.base, &Wanted::All)?;
    let changed = call.state.write(move |tx| {
        chassis::update(tx, uuid, &operations)?;
        listing::whole(tx, &CHASSIS, &view, uuid)
    });
    Ok(Answer::ok(changed.await?))
}

/// `DELETE /v1/chassis/{chassis}`
pub async fn delete(call: Call) -> Result<Answer, Fault> {
    let uuid = call.uuid(0, "chassis_uuid")?;
    call.state.write(move |tx| chassis::delete(tx, uuid)).await?;
    Ok(Answer::nothing())
}

/// `DELETE` and `PATCH` of the list: which one?
pub async fn which(_call: Call) -> Result<Answer, Fault> {
    Err(Fault::invalid("Missing mandatory parameter: chassis_uuid"))
}
