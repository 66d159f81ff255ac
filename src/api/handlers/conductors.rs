//! Conductors: Ironic's controllers. This process is the only one, and as long as it answers it is alive.

use crate::api::listing::{self, Detail, Listing};
use crate::api::surface::conductors::CONDUCTOR;
use crate::api::view::{View, string};
use crate::api::{Answer, Call, Fault};
use crate::driver::catalog::HARDWARE_TYPES;
use crate::model::Cell;

/// `GET /v1/conductors`
pub async fn list(call: Call) -> Result<Answer, Fault> {
    let mut query = call.query.clone();
    let listing = Listing::parse(&call, &CONDUCTOR, &mut query, Detail::Query)?;
    let host = &call.state.settings.conductor;
    if let Some(marker) = listing.marker().filter(|marker| marker != host) {
        return Err(Fault::not_found(format!("Conductor {marker} could not be found.")));
    }
    let after_it = listing.marker().is_some();
    let mut one = Vec::new();
    if !after_it {
        write(&call, listing.view(), &mut one)?;
    }
    Ok(Answer::ok(listing.frame(&one, usize::from(!after_it), host)))
}

/// `GET /v1/conductors/{conductor}`
pub async fn show(call: Call) -> Result<Answer, Fault> {
    let view = listing::single(&call, &CONDUCTOR)?;
    if call.param(0) != call.state.settings.conductor {
        return Err(Fault::not_found(format!("Conductor {} could not be found.", call.param(0))));
    }
    let mut out = Vec::with_capacity(512);
    write(&call, &view, &mut out)?;
    Ok(Answer::ok(out))
}

fn write(call: &Call, view: &View, out: &mut Vec<u8>) -> Result<(), Fault> {
    let settings = &call.state.settings;
    let started = crate::clock::micros(settings.started_at);
    let cell = |position: usize| match view.columns().get(position).copied() {
        Some("hostname") => Cell::Text(settings.conductor.as_str().into()),
        Some("conductor_group") => Cell::Text("".into()),
        Some("alive") => Cell::Int(1),
        // Ironic's conductors sign on by touching their row; this one signs on by answering.
        Some("created_at" | "updated_at") => Cell::Int(started),
        _ => Cell::Null,
    };
    view.object(out, cell, &mut |_, _, out| {
        out.push(b'[');
        for (i, hardware) in HARDWARE_TYPES.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            string(out, hardware.name);
        }
        out.push(b']');
        Ok(())
    })?;
    Ok(())
}
