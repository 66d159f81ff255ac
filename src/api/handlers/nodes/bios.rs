//! `…/bios`: the settings of a machine's firmware, as they were read or written last.

use super::find;
use crate::api::surface::Quirk;
use crate::api::surface::bios::BIOS_SETTING;
use crate::api::view::{View, Wanted, string};
use crate::api::{Answer, Call, Fault};
use crate::model::BiosSetting;
use crate::store::{self, StoreError};

pub async fn list(call: Call) -> Result<Answer, Fault> {
    let wanted = super::settings_wanted(&call, BIOS_SETTING.listed)?;
    let view = View::new(&BIOS_SETTING, call.version, &call.base, &wanted)?;
    let view = view.at(format!("nodes/{}/bios", call.param(0)));
    let node = find(&call).await?;
    let found = call.state.store.read(move |read| store::bios::of_node(read, node.uuid)).await;
    let settings: Vec<BiosSetting> = found.map_err(|error: StoreError| Fault::from(error))?;
    super::written("bios", &settings, &view)
}

pub async fn show(call: Call) -> Result<Answer, Fault> {
    let wanted = if call.version.has(Quirk::BiosRegistry) { Wanted::All } else { Wanted::Listed };
    let view = View::new(&BIOS_SETTING, call.version, &call.base, &wanted)?;
    let node = find(&call).await?;
    let (uuid, name) = (node.uuid, call.param(1).to_owned());
    let view = view.at(format!("nodes/{uuid}/bios"));
    let asked = name.clone();
    let found = call.state.store.read(move |read| store::bios::find(read, uuid, &asked)).await;
    let found: Option<BiosSetting> = found.map_err(|error: StoreError| Fault::from(error))?;
    let setting = found.ok_or_else(|| Fault::not_found(format!("Node {uuid} doesn't have a BIOS setting '{name}'")))?;
    let mut out = b"{".to_vec();
    string(&mut out, &name);
    out.push(b':');
    view.record(&mut out, &setting, &mut |_, _, _| Ok(()))?;
    out.push(b'}');
    Ok(Answer::ok(out))
}
