//! Drivers: the hardware types of this binary and what they can do. Nothing of it is in the store.

use serde_json::{Map, Value};

use crate::api::listing;
use crate::api::surface::drivers::DRIVER;
use crate::api::view::{View, Wanted, string};
use crate::api::{Answer, Call, Fault};
use crate::driver::catalog::{self, HARDWARE_TYPES, HardwareType, Implementation};
use crate::model::{Cell, InterfaceKind};

/// `GET /v1/drivers`
pub async fn list(call: Call) -> Result<Answer, Fault> {
    let mut query = call.query.clone();
    let kind = query.take("type")?;
    let detail = query.take_bool("detail")?;
    let names = query.take_list("fields")?;
    let wanted = match (detail, names) {
        (Some(true), Some(_)) => {
            return Err(Fault::invalid("Can not specify ?detail=True and fields in the same request."));
        }
        (Some(true), None) => Wanted::All,
        (_, Some(names)) => Wanted::Named(names),
        (_, None) => Wanted::Listed,
    };
    let view = View::new(&DRIVER, call.version, &call.base, &wanted)?;
    let shown: &[HardwareType] = match kind.as_deref() {
        None | Some("dynamic") => HARDWARE_TYPES,
        // The other kind of Ironic's drivers is long gone.
        Some("classic") => &[],
        Some(other) => return Err(Fault::invalid(format!("type: expected classic or dynamic, got {other}"))),
    };
    let mut out = b"{\"drivers\":[".to_vec();
    for (i, hardware) in shown.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write(&call, &view, hardware, &mut out)?;
    }
    out.extend_from_slice(b"]}");
    Ok(Answer::ok(out))
}

/// `GET /v1/drivers/{driver}`
pub async fn show(call: Call) -> Result<Answer, Fault> {
    let view = listing::single(&call, &DRIVER)?;
    let name = call.param(0);
    let hardware = catalog::hardware_type(name).ok_or_else(|| {
        Fault::not_found(format!("Could not find the following driver(s) or hardware type(s): {name}."))
    })?;
    let mut out = Vec::with_capacity(2048);
    write(&call, &view, hardware, &mut out)?;
    Ok(Answer::ok(out))
}

fn write(call: &Call, view: &View, hardware: &HardwareType, out: &mut Vec<u8>) -> Result<(), Fault> {
    let conductor = &call.state.settings.conductor;
    view.object(out, |_| Cell::Text(hardware.name.into()), &mut |field, _, out| {
        match field {
            "hosts" => list_of(out, std::iter::once(conductor.as_str())),
            "type" => string(out, "dynamic"),
            field => interfaces(out, hardware, field),
        }
        Ok(())
    })?;
    Ok(())
}

/// `default_<kind>_interface` or `enabled_<kind>_interfaces`.
fn interfaces(out: &mut Vec<u8>, hardware: &HardwareType, field: &str) {
    let default = field.strip_prefix("default_").and_then(|rest| rest.strip_suffix("_interface"));
    let enabled = field.strip_prefix("enabled_").and_then(|rest| rest.strip_suffix("_interfaces"));
    match (default.and_then(InterfaceKind::parse), enabled.and_then(InterfaceKind::parse)) {
        (Some(kind), _) => match hardware.default(kind) {
            Some(name) => string(out, name),
            None => out.extend_from_slice(b"null"),
        },
        (None, Some(kind)) => list_of(out, hardware.enabled(kind)),
        (None, None) => out.extend_from_slice(b"null"),
    }
}

fn list_of<'n>(out: &mut Vec<u8>, names: impl Iterator<Item = &'n str>) {
    out.push(b'[');
    for (i, name) in names.enumerate() {
        if i > 0 {
            out.push(b',');
        }
        string(out, name);
    }
    out.push(b']');
}

/// `GET /v1/drivers/{driver}/properties`: what `driver_info` may hold, as the default interfaces say.
pub async fn properties(call: Call) -> Result<Answer, Fault> {
    let hardware = known(&call)?;
    let mut found = Map::new();
    for kind in InterfaceKind::ALL {
        let implementation = hardware.default(kind).and_then(|name| catalog::implementation(kind, name));
        for property in implementation.map_or(&[][..], |it| it.interface().properties()) {
            found.insert(property.name.to_owned(), Value::from(property.text));
        }
    }
    Ok(Answer::json(&Value::Object(found)))
}

/// `GET /v1/drivers/{driver}/vendor_passthru/methods`: no hardware type has any of its own.
pub async fn methods(call: Call) -> Result<Answer, Fault> {
    known(&call)?;
    Ok(Answer::json(&Value::Object(Map::new())))
}

/// `/v1/drivers/{driver}/vendor_passthru?method=` and `…/vendor_passthru/{method}`: see [`methods`].
pub async fn passthru(call: Call) -> Result<Answer, Fault> {
    let in_path = Some(call.param(1)).filter(|name| !name.is_empty()).map(str::to_owned);
    let method = in_path.or(call.query.clone().take("method")?);
    let method = method.ok_or_else(|| Fault::invalid("Missing mandatory parameter: method"))?;
    known(&call)?;
    Err(Fault::invalid(format!("No handler for method {method}")))
}

/// `GET /v1/drivers/{driver}/raid/logical_disk_properties`
pub async fn disk_properties(call: Call) -> Result<Answer, Fault> {
    let hardware = known(&call)?;
    let raid =
        hardware.default(InterfaceKind::Raid).and_then(|name| catalog::implementation(InterfaceKind::Raid, name));
    let Some(Implementation::Raid(raid)) = raid else {
        return Err(Fault::not_found(format!("Driver {} does not support raid.", hardware.name)));
    };
    let properties = raid.logical_disk_properties().iter();
    let found: Map<String, Value> = properties.map(|it| (it.name.to_owned(), Value::from(it.text))).collect();
    Ok(Answer::json(&Value::Object(found)))
}

fn known(call: &Call) -> Result<&'static HardwareType, Fault> {
    let name = call.param(0);
    catalog::hardware_type(name).ok_or_else(|| Fault::not_found(format!("The driver '{name}' is unknown.")))
}

/// `GET /v1/drivers/properties`: of which one?
pub async fn missing(_call: Call) -> Result<Answer, Fault> {
    Err(Fault::invalid("Missing mandatory parameter: driver_name"))
}
