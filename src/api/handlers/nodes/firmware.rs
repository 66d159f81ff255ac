//! `…/firmware`: the firmware of a machine's parts, as it was seen last.

use super::find;
use crate::api::surface::firmware::FIRMWARE_COMPONENT;
use crate::api::view::View;
use crate::api::{Answer, Call, Fault};
use crate::model::FirmwareComponent;
use crate::store::{self, StoreError};

pub async fn list(call: Call) -> Result<Answer, Fault> {
    let wanted = super::settings_wanted(&call, &[])?;
    let view =
        View::new(&FIRMWARE_COMPONENT, call.version, &call.base, &wanted).map_err(|fault| match fault.status() {
            // Alone among the lists, Ironic's calls a field that is too new invalid.
            hyper::StatusCode::NOT_ACCEPTABLE => Fault::invalid("Fields that need a newer API version were asked for."),
            _ => fault,
        })?;
    let node = find(&call).await?;
    let found = call.state.store.read(move |read| store::firmware::of_node(read, node.uuid)).await;
    let components: Vec<FirmwareComponent> = found.map_err(|error: StoreError| Fault::from(error))?;
    super::written("firmware", &components, &view)
}
