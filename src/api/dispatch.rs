//! From an HTTP request to a handler and back: find the row, authenticate, read version and body, call, dress the answer.
//!
//! Every answer carries the version headers and a request id, errors included: clients negotiate from an error.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{ACCEPT, ALLOW, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, LOCATION};
use hyper::header::{HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use percent_encoding::percent_decode_str;

use super::admission::Class;
use super::fault::Whose;
use super::request::{self, Asked, Call, Query};
use super::surface::routes::{self, Found};
use super::surface::{Quirk, Reach, Route, Version, params};
use super::{Answer, Fault, Shared};

const VERSION: HeaderName = HeaderName::from_static("x-openstack-ironic-api-version");
const MIN_VERSION: HeaderName = HeaderName::from_static("x-openstack-ironic-api-minimum-version");
const MAX_VERSION: HeaderName = HeaderName::from_static("x-openstack-ironic-api-maximum-version");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-openstack-request-id");
const OLD_REQUEST_ID: HeaderName = HeaderName::from_static("openstack-request-id");

/// Whether a request is for a row of the public part of the API; everything else on the provisioning listener goes to
/// the boot servers.
pub fn is_public(method: &Method, path: &str) -> bool {
    !matches!(routes::find(method.as_str(), &routes::segments(path), true), Found::Nothing)
}

/// Answers one request. Never fails: what goes wrong is an answer, too.
pub async fn answer(
    state: &Shared,
    request: Request<Incoming>,
    peer: SocketAddr,
    public_only: bool,
) -> Response<Bytes> {
    let (parts, body) = request.into_parts();
    // Browsers ask so before they ask; like Ironic's, the answer is the same for every path and promises nothing.
    if parts.method == Method::OPTIONS && parts.uri.path() != "/" {
        return Response::new(Bytes::new());
    }
    let asked = request::negotiate(&parts.headers);
    let base = base(state, &parts);
    let told = match &asked {
        Ok(asked) => Told::Version(asked.version),
        Err(bad) if bad.tell_range => Told::Range,
        Err(_) => Told::Nothing,
    };
    let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
    let outcome = match asked {
        Ok(asked) => route(state, (parts, body), asked, base.clone(), peer.ip(), public_only).await,
        Err(bad) => match authenticate(state, &parts, None).await {
            Ok(_) => Err(bad.fault),
            Err(fault) => Err(fault),
        },
    };
    let mut response = match outcome {
        Ok(answer) => success(answer, &base),
        Err(fault) => failure(&fault),
    };
    tracing::debug!(%method, path, status = response.status().as_u16(), %peer, "request");
    if method == Method::HEAD {
        *response.body_mut() = Bytes::new();
    }
    tell(response.headers_mut(), state, told);
    response
}

/// The answer to a request that is not looked at.
pub fn refuse(state: &Shared, fault: &Fault) -> Response<Bytes> {
    let mut response = failure(fault);
    tell(response.headers_mut(), state, Told::Nothing);
    response
}

/// Which version headers an answer has.
enum Told {
    Version(Version),
    Range,
    Nothing,
}

async fn route(
    state: &Shared,
    (parts, body): (Parts, Incoming),
    asked: Asked,
    base: String,
    source: IpAddr,
    public_only: bool,
) -> Result<Answer, Fault> {
    let path = parts.uri.path().to_owned();
    let cut = if asked.explicit && !asked.version.has(Quirk::LiteralJsonSuffix) && path != routes::OPENAPI {
        path.trim_end_matches('/').strip_suffix(".json")
    } else {
        None
    };
    let segments = routes::segments(cut.unwrap_or(&path));
    let found = routes::find(parts.method.as_str(), &segments, public_only);
    let user = authenticate(state, &parts, Some(&found)).await?;
    let route = match found {
        Found::Route(route) => route,
        Found::OtherMethods(methods) => {
            // What the version does not have at all is not there for any method.
            let hidden = methods.iter().all(|method| {
                let other = routes::find(method.as_str(), &segments, public_only);
                matches!(other, Found::Route(route) if route.refusal(asked.version).is_some_and(|fault| fault.status() == StatusCode::NOT_FOUND))
            });
            if hidden {
                return Err(Fault::no_route());
            }
            let allow: Vec<_> = methods.iter().map(|method| method.as_str()).collect();
            // Of the root of the API, Ironic's application refuses in its own words.
            let whose = if segments == ["v1"] { Whose::Application } else { Whose::Router };
            return Err(Fault::Method { allow: allow.join(", "), whose });
        }
        Found::Nothing => return Err(Fault::no_route()),
    };
    accepts_json(&parts.headers)?;
    let clock = &state.engine.environment().clock;
    let body = state.bodies.read(route, &parts.headers, body, source, clock).await?;
    if let Some(fault) = route.refusal(asked.version) {
        return Err(fault);
    }
    let query = Query::parse(parts.uri.query());
    params::check(route.query, &query, asked.version)?;
    let call = |segments: &[&str]| Call {
        state: state.clone(),
        route,
        version: asked.version,
        method: parts.method.clone(),
        base: base.clone(),
        path: path.clone(),
        params: decoded(route, segments),
        query: query.clone(),
        body: body.bytes.clone(),
        peer: source,
        user: user.clone(),
    };
    // Only now: a client that is slow to send its body holds up nobody but itself.
    let _place = state.admission.enter(Class::of(route), source).await?;
    let outcome = (route.handler)(call(&segments)).await;
    // An object may really be called "….json": what was not found without the suffix is looked for with it.
    match outcome {
        Err(fault) if cut.is_some() && fault.status() == StatusCode::NOT_FOUND => {
            (route.handler)(call(&routes::segments(&path))).await
        }
        outcome => outcome,
    }
}

fn decoded(route: &Route, segments: &[&str]) -> Vec<String> {
    let values = routes::parameters(route.path, segments);
    values.into_iter().map(|value| percent_decode_str(value).decode_utf8_lossy().into_owned()).collect()
}

/// Who asks. Public rows ask nobody; an unknown path tells nothing to strangers.
async fn authenticate(state: &Shared, parts: &Parts, found: Option<&Found>) -> Result<Option<String>, Fault> {
    match found {
        Some(Found::Route(route)) if route.reach != Reach::Admin => Ok(None),
        _ => state.auth.check(&parts.headers).await,
    }
}

/// Refuses a client that takes anything but JSON.
fn accepts_json(headers: &HeaderMap) -> Result<(), Fault> {
    let Some(accept) = headers.get(ACCEPT).and_then(|value| value.to_str().ok()) else { return Ok(()) };
    let takes = |part: &str| {
        let kind = part.split(';').next().unwrap_or_default().trim();
        matches!(kind, "" | "*/*" | "application/*" | "application/json")
    };
    if accept.split(',').any(takes) {
        return Ok(());
    }
    Err(Fault::NotAcceptable)
}

/// The base of links: as configured, else as the client addressed us.
fn base(state: &Shared, parts: &Parts) -> String {
    if let Some(base) = &state.settings.public_endpoint {
        return base.clone();
    }
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    // It is copied into JSON: whatever could end a string there is no host name anyway.
    let clean = host.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\' | b'<' | b'>'));
    format!("http://{}", if clean { host } else { "localhost" })
}

fn success(answer: Answer, base: &str) -> Response<Bytes> {
    let mut response = match answer.body {
        Some(body) => json_response(body),
        None => Response::new(Bytes::new()),
    };
    *response.status_mut() = answer.status;
    if let Some(location) = answer.location.and_then(|path| HeaderValue::try_from(format!("{base}{path}")).ok()) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

fn failure(fault: &Fault) -> Response<Bytes> {
    let mut response = json_response(fault.body());
    *response.status_mut() = fault.status();
    if let Fault::Method { allow, .. } = fault
        && let Ok(allow) = HeaderValue::try_from(allow)
    {
        response.headers_mut().insert(ALLOW, allow);
    }
    if let Fault::Later { secs, .. } = fault {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(*secs));
    }
    if let Fault::Unauthorized { .. } = fault {
        let challenge = HeaderValue::from_static("Basic realm=\"Baremetal API\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

fn json_response(body: Vec<u8>) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn tell(headers: &mut HeaderMap, state: &Shared, told: Told) {
    let mut put = |name: HeaderName, text: String| {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(name, value);
        }
    };
    if !matches!(told, Told::Nothing) {
        put(MIN_VERSION, Version::MIN.to_string());
        put(MAX_VERSION, Version::MAX.to_string());
    }
    if let Told::Version(version) = told {
        put(VERSION, version.to_string());
    }
    let id = format!("req-{}", state.random.uuid());
    put(OLD_REQUEST_ID, id.clone());
    put(REQUEST_ID, id);
}
