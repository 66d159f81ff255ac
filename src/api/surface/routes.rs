//! Every path of the API. This table is the router.
//!
//! A path is matched segment by segment from the top, so a literal segment (`/v1/nodes/detail`) stands above a parameter
//! in its place (`/v1/nodes/{node}`). Of the rows that match the path, the first with the request's method is taken; if
//! there is none the answer is 405 with the methods of all of them.
//!
//! **To add a noun:** its columns in `model/<noun>.rs` (`record!`), its SQL in `store/<noun>.rs`, its decisions in
//! `service/<noun>.rs`; then `surface/<noun>.rs` with a [`super::Noun`] table, `handlers/<noun>.rs` with one `async fn
//! name(call: Call) -> Result<Answer, Fault>` per row, and the rows here:
//!
//! ```text
//!     get("/v1/things", handler!(things::list)).since(52, TooOld::Missing("…")),
//!     post("/v1/things", handler!(things::create)).since(52, TooOld::NotAllowed),
//! ```
//! `Listing` (paging, sorting, `fields`, `detail`, `next`) and `View` do the rest from the table.

use std::future::Future;
use std::pin::Pin;

use hyper::StatusCode;

use super::history::{Version, v};
use crate::api::handlers::{agent, allocations, conductors, drivers, nodes, ports, root};
use crate::api::{Answer, Call, Fault};
use crate::model::record::words;

words! {
    /// The methods that rows have. (hyper's type cannot stand in a table that is made at compile time.)
    pub enum Method {
        Get = "GET",
        Post = "POST",
        Put = "PUT",
        Patch = "PATCH",
        Delete = "DELETE",
    }
}

/// What a handler's call gives.
pub type Pending = Pin<Box<dyn Future<Output = Result<Answer, Fault>> + Send>>;
pub type Handler = fn(Call) -> Pending;

/// One method of one path.
pub struct Route {
    pub method: Method,
    /// Segments in braces are parameters.
    pub path: &'static str,
    pub since: Version,
    /// What a client of an older version gets.
    pub too_old: TooOld,
    pub reach: Reach,
    pub body: BodyLimit,
    pub handler: Handler,
}

/// Who may come here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The admin listener only, after authentication.
    Admin,
    /// Both listeners, without authentication: what a machine in deployment needs.
    Public,
}

/// Bytes that a body may have at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLimit {
    Usual,
    /// A config drive may be in it.
    ConfigDrive,
    /// Inspection data with logs.
    Inspection,
}

impl BodyLimit {
    pub const fn bytes(self) -> usize {
        match self {
            BodyLimit::Usual => 1 << 20,
            BodyLimit::ConfigDrive => 64 << 20,
            BodyLimit::Inspection => 16 << 20,
        }
    }
}

/// How a row hides from versions before its `since`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooOld {
    /// 404 as if the router knew nothing of it; the text is the description, mostly empty.
    NoRoute(&'static str),
    /// 404 in the application's words.
    Missing(&'static str),
    /// 406
    NotAcceptable,
    /// 405 in the application's words.
    NotAllowed,
    /// The handler judges: not every request of this row needs the version.
    HandlerSays,
}

impl TooOld {
    fn fault(self) -> Option<Fault> {
        Some(match self {
            TooOld::NoRoute(text) => Fault::routing(StatusCode::NOT_FOUND, text),
            TooOld::Missing(text) => Fault::not_found(text),
            TooOld::NotAcceptable => Fault::not_acceptable(),
            TooOld::NotAllowed => Fault::application(
                StatusCode::METHOD_NOT_ALLOWED,
                "The method is not allowed for this resource at the requested version.",
            ),
            TooOld::HandlerSays => return None,
        })
    }
}

/// An `async fn` as a [`Handler`].
macro_rules! handler {
    ($name:path) => {
        |call| Box::pin($name(call))
    };
}

const fn row(method: Method, path: &'static str, handler: Handler) -> Route {
    Route {
        method,
        path,
        since: Version::MIN,
        too_old: TooOld::HandlerSays,
        reach: Reach::Admin,
        body: BodyLimit::Usual,
        handler,
    }
}

const fn get(path: &'static str, handler: Handler) -> Route {
    row(Method::Get, path, handler)
}

const fn post(path: &'static str, handler: Handler) -> Route {
    row(Method::Post, path, handler)
}

const fn put(path: &'static str, handler: Handler) -> Route {
    row(Method::Put, path, handler)
}

const fn patch(path: &'static str, handler: Handler) -> Route {
    row(Method::Patch, path, handler)
}

const fn delete(path: &'static str, handler: Handler) -> Route {
    row(Method::Delete, path, handler)
}

/// Sub-resources that older versions have never heard of.
const HIDDEN: TooOld = TooOld::NoRoute("");
const NO_RESOURCE: TooOld = TooOld::Missing("Resource could not be found.");

impl Route {
    const fn since(self, minor: u16, too_old: TooOld) -> Self {
        Route { since: v(minor), too_old, ..self }
    }

    const fn body(self, body: BodyLimit) -> Self {
        Route { body, ..self }
    }

    const fn public(self) -> Self {
        Route { reach: Reach::Public, ..self }
    }

    /// What stands against using the row at this version.
    pub fn refusal(&self, version: Version) -> Option<Fault> {
        if self.since <= version { None } else { self.too_old.fault() }
    }
}

#[rustfmt::skip]
pub static ROUTES: &[Route] = &[
    get("/", handler!(root::root)).public(),
    get("/v1", handler!(root::v1)).public(),

    get("/v1/nodes", handler!(nodes::list)),
    post("/v1/nodes", handler!(nodes::create)),
    patch("/v1/nodes", handler!(nodes::which)),
    delete("/v1/nodes", handler!(nodes::which)),
    get("/v1/nodes/detail", handler!(nodes::detail)),
    get("/v1/nodes/validate", handler!(nodes::hardware::validate_named)),
    get("/v1/nodes/{node}", handler!(nodes::show)),
    patch("/v1/nodes/{node}", handler!(nodes::update)),
    delete("/v1/nodes/{node}", handler!(nodes::delete)),
    get("/v1/nodes/{node}/validate", handler!(nodes::hardware::validate)),
    put("/v1/nodes/{node}/maintenance", handler!(nodes::set_maintenance)),
    delete("/v1/nodes/{node}/maintenance", handler!(nodes::clear_maintenance)),
    get("/v1/nodes/{node}/states", handler!(nodes::states::show)),
    put("/v1/nodes/{node}/states/power", handler!(nodes::states::set_power)),
    put("/v1/nodes/{node}/states/provision", handler!(nodes::provision::set)).body(BodyLimit::ConfigDrive),
    get("/v1/nodes/{node}/management/boot_device", handler!(nodes::hardware::boot_device)),
    put("/v1/nodes/{node}/management/boot_device", handler!(nodes::hardware::set_boot_device)),
    get("/v1/nodes/{node}/management/boot_device/supported", handler!(nodes::hardware::supported_boot_devices)),
    put("/v1/nodes/{node}/management/inject_nmi", handler!(nodes::hardware::inject_nmi)).since(29, NO_RESOURCE),
    get("/v1/nodes/{node}/vendor_passthru/methods", handler!(nodes::vendor::methods)),
    get("/v1/nodes/{node}/vendor_passthru", handler!(nodes::vendor::call_in_query)),
    post("/v1/nodes/{node}/vendor_passthru", handler!(nodes::vendor::call_in_query)),
    put("/v1/nodes/{node}/vendor_passthru", handler!(nodes::vendor::call_in_query)),
    patch("/v1/nodes/{node}/vendor_passthru", handler!(nodes::vendor::call_in_query)),
    delete("/v1/nodes/{node}/vendor_passthru", handler!(nodes::vendor::call_in_query)),
    get("/v1/nodes/{node}/vendor_passthru/{method}", handler!(nodes::vendor::call_in_path)),
    post("/v1/nodes/{node}/vendor_passthru/{method}", handler!(nodes::vendor::call_in_path)),
    put("/v1/nodes/{node}/vendor_passthru/{method}", handler!(nodes::vendor::call_in_path)),
    patch("/v1/nodes/{node}/vendor_passthru/{method}", handler!(nodes::vendor::call_in_path)),
    delete("/v1/nodes/{node}/vendor_passthru/{method}", handler!(nodes::vendor::call_in_path)),
    get("/v1/nodes/{node}/vifs", handler!(nodes::vifs::list)).since(28, HIDDEN),
    post("/v1/nodes/{node}/vifs", handler!(nodes::vifs::attach)).since(28, HIDDEN),
    delete("/v1/nodes/{node}/vifs/{vif}", handler!(nodes::vifs::detach)).since(28, HIDDEN),
    get("/v1/nodes/{node}/traits", handler!(nodes::traits::list)).since(37, TooOld::NotAcceptable),
    put("/v1/nodes/{node}/traits", handler!(nodes::traits::replace)).since(37, TooOld::NotAllowed),
    delete("/v1/nodes/{node}/traits", handler!(nodes::traits::clear)).since(37, NO_RESOURCE),
    put("/v1/nodes/{node}/traits/{trait}", handler!(nodes::traits::add)).since(37, TooOld::NotAllowed),
    delete("/v1/nodes/{node}/traits/{trait}", handler!(nodes::traits::remove)).since(37, NO_RESOURCE),
    get("/v1/nodes/{node}/history", handler!(nodes::views::history)).since(78, HIDDEN),
    get("/v1/nodes/{node}/history/{record}", handler!(nodes::views::history_record)).since(78, HIDDEN),
    get("/v1/nodes/{node}/inventory", handler!(nodes::views::inventory)).since(81, HIDDEN),
    get("/v1/nodes/{node}/children", handler!(nodes::views::children)).since(83, NO_RESOURCE),
    get("/v1/nodes/{node}/ports", handler!(ports::list_of_node)),
    get("/v1/nodes/{node}/ports/detail", handler!(ports::detail_of_node)),
    delete("/v1/nodes/{node}/ports", handler!(ports::missing)),
    get("/v1/nodes/{node}/allocation", handler!(allocations::show_of_node)).since(52, HIDDEN),
    delete("/v1/nodes/{node}/allocation", handler!(allocations::delete_of_node)).since(52, HIDDEN),
    get("/v1/nodes/{node}/{word}", handler!(nodes::nowhere)),

    get("/v1/ports", handler!(ports::list)),
    post("/v1/ports", handler!(ports::create)),
    patch("/v1/ports", handler!(ports::missing)),
    delete("/v1/ports", handler!(ports::missing)),
    get("/v1/ports/detail", handler!(ports::detail)),
    get("/v1/ports/{port}", handler!(ports::show)),
    patch("/v1/ports/{port}", handler!(ports::update)),
    delete("/v1/ports/{port}", handler!(ports::delete)),

    get("/v1/drivers", handler!(drivers::list)),
    get("/v1/drivers/properties", handler!(drivers::missing)),
    get("/v1/drivers/{driver}", handler!(drivers::show)),
    get("/v1/drivers/{driver}/properties", handler!(drivers::properties)),
    get("/v1/drivers/{driver}/raid/logical_disk_properties", handler!(drivers::disk_properties)).since(12, TooOld::NotAcceptable),
    get("/v1/drivers/{driver}/vendor_passthru/methods", handler!(drivers::methods)),
    get("/v1/drivers/{driver}/vendor_passthru", handler!(drivers::passthru)),
    post("/v1/drivers/{driver}/vendor_passthru", handler!(drivers::passthru)),
    put("/v1/drivers/{driver}/vendor_passthru", handler!(drivers::passthru)),
    patch("/v1/drivers/{driver}/vendor_passthru", handler!(drivers::passthru)),
    delete("/v1/drivers/{driver}/vendor_passthru", handler!(drivers::passthru)),

    get("/v1/lookup", handler!(agent::look_up)).public().since(22, NO_RESOURCE),
    post("/v1/heartbeat/{node}", handler!(agent::beat)).public().since(22, NO_RESOURCE),
    post("/v1/continue_inspection", handler!(agent::report)).public().body(BodyLimit::Inspection),

    get("/v1/conductors", handler!(conductors::list)).since(49, TooOld::Missing("The API is not supported for this version")),
    get("/v1/conductors/{conductor}", handler!(conductors::show)).since(49, TooOld::Missing("The API is not supported for this version")),

    get("/v1/allocations", handler!(allocations::list)).since(52, TooOld::Missing("The API version does not allow allocations")),
    post("/v1/allocations", handler!(allocations::create)).since(52, TooOld::NotAllowed),
    get("/v1/allocations/{allocation}", handler!(allocations::show)).since(52, TooOld::Missing("The API version does not allow allocations")),
    patch("/v1/allocations/{allocation}", handler!(allocations::update)).since(57, TooOld::NotAllowed),
    delete("/v1/allocations/{allocation}", handler!(allocations::delete)).since(52, TooOld::NotAllowed),
];

/// The resources that `GET /v1` names, and since when.
pub const RESOURCES: &[(&str, Version)] = &[
    ("chassis", v(1)),
    ("nodes", v(1)),
    ("ports", v(1)),
    ("drivers", v(1)),
    ("lookup", v(22)),
    ("heartbeat", v(22)),
    ("portgroups", v(23)),
    ("volume", v(32)),
    ("conductors", v(49)),
    ("allocations", v(52)),
    ("events", v(54)),
    ("deploy_templates", v(55)),
    ("shards", v(82)),
    ("continue_inspection", v(84)),
    ("runbooks", v(92)),
    ("inspection_rules", v(96)),
];

/// The segments of a request's path in the form that the rows have: with `v1`, without a trailing slash.
pub fn segments(path: &str) -> Vec<&str> {
    let trimmed = path.trim_start_matches('/');
    if trimmed.is_empty() {
        return Vec::new();
    }
    let mut segments: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
    if segments.last() == Some(&"") {
        segments.pop();
    }
    // Clients that know of no versions in paths leave `v1` out.
    if segments.first() != Some(&"v1") {
        segments.insert(0, "v1");
    }
    segments
}

/// Where a path leads.
pub enum Found {
    Route(&'static Route),
    /// The path exists, with other methods.
    OtherMethods(Vec<Method>),
    Nothing,
}

/// Looks a request up. `public_only` hides the rows that are not for machines.
pub fn find(method: &str, segments: &[&str], public_only: bool) -> Found {
    let mut others = Vec::new();
    for route in ROUTES.iter().filter(|route| !public_only || route.reach == Reach::Public) {
        if !matches(route.path, segments) {
            continue;
        }
        if route.method.as_str() == method {
            return Found::Route(route);
        }
        if !others.contains(&route.method) {
            others.push(route.method);
        }
    }
    if others.is_empty() { Found::Nothing } else { Found::OtherMethods(others) }
}

fn matches(path: &str, segments: &[&str]) -> bool {
    let mut rest = segments.iter();
    for want in path.split('/').filter(|want| !want.is_empty()) {
        match rest.next() {
            Some(have) if want.starts_with('{') || want == *have => {}
            _ => return false,
        }
    }
    rest.next().is_none()
}

/// The values of the parameters of `path`, as they stand in `segments`, still encoded.
pub fn parameters<'s>(path: &str, segments: &[&'s str]) -> Vec<&'s str> {
    let wants = path.split('/').filter(|want| !want.is_empty());
    wants.zip(segments).filter(|(want, _)| want.starts_with('{')).map(|(_, have)| *have).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str) -> Option<&'static str> {
        match find("GET", &segments(path), false) {
            Found::Route(route) => Some(route.path),
            _ => None,
        }
    }

    #[test]
    fn paths_work_with_and_without_v1_and_with_one_trailing_slash() {
        for (path, row) in [
            ("/", Some("/")),
            ("//", Some("/")),
            ("/v1", Some("/v1")),
            ("/v1/", Some("/v1")),
            ("/nodes", Some("/v1/nodes")),
            ("/v1/nodes/", Some("/v1/nodes")),
            ("/v1/nodes/detail", Some("/v1/nodes/detail")),
            ("/v1/nodes/abc", Some("/v1/nodes/{node}")),
            ("/v2", None),
            ("/v1/node", None),
        ] {
            assert_eq!(found(path), row, "{path}");
        }
    }

    #[test]
    fn no_row_is_hidden_by_one_above_it() {
        for (i, route) in ROUTES.iter().enumerate() {
            let segments: Vec<_> = route.path.split('/').filter(|s| !s.is_empty()).collect();
            for above in &ROUTES[..i] {
                assert!(
                    above.method != route.method || !matches(above.path, &segments),
                    "{} {} hides {}",
                    above.method,
                    above.path,
                    route.path
                );
            }
        }
    }
}
