//! A request, as a handler sees it: version, path parameters, query, body.

use std::borrow::Cow;
use std::net::IpAddr;

use bytes::Bytes;
use hyper::header::HeaderMap;
use hyper::{Method, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::surface::{Route, Takes, Version};
use super::{Fault, Shared};
use crate::service::names;

/// What a handler is called with. It owns everything, so that it can move into a read of the store.
pub struct Call {
    pub state: Shared,
    /// The row that was found.
    pub route: &'static Route,
    pub version: Version,
    pub method: Method,
    /// Scheme, host and port under which the client reached us, or the configured public endpoint; no trailing slash.
    pub base: String,
    /// The path as sent, without the query.
    pub path: String,
    /// The values of the route's `{…}` segments, decoded, in order.
    pub params: Vec<String>,
    pub query: Query,
    pub body: Bytes,
    /// From where it was sent.
    pub peer: IpAddr,
    /// Who asks, if http_basic is on and the path is not public.
    pub user: Option<String>,
}

impl Call {
    /// The n-th `{…}` of the route; empty if the row and the handler disagree, which a test excludes.
    pub fn param(&self, n: usize) -> &str {
        self.params.get(n).map_or("", String::as_str)
    }

    /// The n-th `{…}` of the route as a UUID, for what has no name; `what` is the parameter in the refusal.
    pub fn uuid(&self, n: usize, what: &str) -> Result<Uuid, Fault> {
        let text = self.param(n);
        Uuid::try_parse(text).map_err(|_| Fault::invalid(format!("Expected UUID for {what}: {text}")))
    }

    /// The body; an empty one is `{}`.
    pub fn json(&self) -> Result<Value, Fault> {
        if self.body.is_empty() {
            return Ok(Value::Object(Map::new()));
        }
        serde_json::from_slice(&self.body)
            .map_err(|error| Fault::invalid(format!("The request body is not valid JSON: {error}")))
    }

    /// The body as an object. `what` names it in the refusal.
    pub fn object(&self, what: &str) -> Result<Map<String, Value>, Fault> {
        match self.json()? {
            Value::Object(map) => Ok(map),
            other => Err(Fault::invalid(format!("Schema error for {what}: expected an object, got {}", brief(&other)))),
        }
    }

    /// The body as an object with no other keys than the row takes.
    pub fn arguments(&self) -> Result<Map<String, Value>, Fault> {
        let known = if let Takes::Arguments(known) = self.route.takes { known } else { &[] };
        let map = self.object("body")?;
        let is_known = |key: &&str| known.iter().any(|param| param.name == *key);
        let unknown: Vec<_> = map.keys().map(String::as_str).filter(|key| !is_known(key)).collect();
        if unknown.is_empty() {
            return Ok(map);
        }
        Err(Fault::invalid(format!("Unexpected arguments: {}", unknown.join(", "))))
    }

    /// Whether the client's version is older than the row. Rows that leave the judgement to their handler ask.
    pub fn is_too_old(&self) -> bool {
        self.version < self.route.since
    }
}

/// A key that must be there.
pub fn required<'v>(arguments: &'v Map<String, Value>, name: &str) -> Result<&'v Value, Fault> {
    arguments.get(name).ok_or_else(|| Fault::invalid(format!("Missing mandatory parameter: {name}")))
}

/// A boolean in a body, which may be a word for one; none if it is absent or null.
pub fn flag(arguments: &Map<String, Value>, name: &str) -> Result<Option<bool>, Fault> {
    match arguments.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(*value)),
        Some(Value::String(word)) => boolean(name, word).map(Some),
        Some(other) => boolean(name, &other.to_string()).map(Some),
    }
}

/// A string in a body; none if it is absent or null.
pub fn text(arguments: &Map<String, Value>, name: &str) -> Result<Option<String>, Fault> {
    match arguments.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(Fault::invalid(format!("Expected string for {name}: {}", brief(other)))),
    }
}

/// A value as an error message may show it: short.
pub fn brief(value: &Value) -> String {
    let mut text = value.to_string();
    if text.len() > 80 {
        let cut = (0..=77).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        text.truncate(cut);
        text.push_str("...");
    }
    text
}

/// Query parameters. Which may be there is a row's business ([`super::surface::params::check`]); a handler takes what it needs.
#[derive(Clone, Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    pub fn parse(query: Option<&str>) -> Self {
        let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
        let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        Query(
            pairs
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (decode(name), decode(value))
                })
                .collect(),
        )
    }

    /// Names and values in the order in which they were sent.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes a parameter out. Given twice: 400.
    pub fn take(&mut self, name: &str) -> Result<Option<String>, Fault> {
        let Some(at) = self.0.iter().position(|(key, _)| key == name) else { return Ok(None) };
        let value = self.0.remove(at).1;
        if self.0.iter().any(|(key, _)| key == name) {
            return Err(Fault::invalid(format!("Expected one value for {name}, got several")));
        }
        Ok(Some(value))
    }

    /// Takes the UUID or name of something out.
    pub fn take_ident(&mut self, name: &str) -> Result<Option<String>, Fault> {
        match self.take(name)? {
            Some(text) if !names::is_logical(&text) => {
                Err(Fault::invalid(format!("Expected UUID or name for {name}: {text}")))
            }
            found => Ok(found),
        }
    }

    /// Takes a boolean out.
    pub fn take_bool(&mut self, name: &str) -> Result<Option<bool>, Fault> {
        self.take(name)?.map(|text| boolean(name, &text)).transpose()
    }

    /// Takes a comma-separated list out: lower-cased and without repetition, as `fields` has it.
    pub fn take_list(&mut self, name: &str) -> Result<Option<Vec<String>>, Fault> {
        let Some(text) = self.take(name)? else { return Ok(None) };
        let mut list: Vec<String> = Vec::new();
        for item in text.to_lowercase().split(',').map(str::trim).filter(|item| !item.is_empty()) {
            if !list.iter().any(|known| known == item) {
                list.push(item.to_owned());
            }
        }
        Ok(Some(list))
    }
}

/// A boolean as clients write it.
pub fn boolean(name: &str, text: &str) -> Result<bool, Fault> {
    match text.to_ascii_lowercase().as_str() {
        "t" | "true" | "on" | "y" | "yes" | "1" => Ok(true),
        "f" | "false" | "off" | "n" | "no" | "0" => Ok(false),
        _ => Err(Fault::invalid(format!(
            "Invalid {name}: Unrecognized value '{text}', acceptable values are: '0', '1', 'f', 'false', 'n', 'no', \
             'off', 'on', 't', 'true', 'y', 'yes'"
        ))),
    }
}

/// The version that a request asks for, and whether it asks at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    pub version: Version,
    pub explicit: bool,
}

/// Why there is no version. The first kind still tells the range, from which clients negotiate.
#[derive(Debug)]
pub struct BadVersion {
    pub tell_range: bool,
    pub fault: Fault,
}

/// Reads `X-OpenStack-Ironic-API-Version`, else `OpenStack-API-Version: baremetal 1.N`; neither means the oldest.
pub fn negotiate(headers: &HeaderMap) -> Result<Asked, BadVersion> {
    let Some(text) = version_text(headers) else {
        return Ok(Asked { version: Version::MIN, explicit: false });
    };
    let text = text.trim();
    if text.eq_ignore_ascii_case("latest") {
        return Ok(Asked { version: Version::MAX, explicit: true });
    }
    let numbers = text.split_once('.').and_then(|(major, minor)| Some((integer(major)?, integer(minor)?)));
    let Some((major, minor)) = numbers else {
        return Err(BadVersion {
            tell_range: false,
            fault: Fault::routing(
                StatusCode::NOT_ACCEPTABLE,
                "Invalid value for X-OpenStack-Ironic-API-Version header",
            ),
        });
    };
    match Version::new(minor).filter(|_| major == 1) {
        Some(version) => Ok(Asked { version, explicit: true }),
        None => Err(BadVersion {
            tell_range: true,
            fault: Fault::routing(
                StatusCode::NOT_ACCEPTABLE,
                format!(
                    "Version {major}.{minor} was requested but is not supported by this service. The supported \
                     version range is: [{}, {}].",
                    Version::MIN,
                    Version::MAX
                ),
            ),
        }),
    }
}

fn version_text(headers: &HeaderMap) -> Option<Cow<'_, str>> {
    if let Some(value) = headers.get("x-openstack-ironic-api-version") {
        return Some(String::from_utf8_lossy(value.as_bytes()));
    }
    // One header may name several services: "compute 2.1, baremetal 1.50".
    headers.get_all("openstack-api-version").iter().filter_map(|value| value.to_str().ok()).find_map(|value| {
        value.split(',').find_map(|part| {
            let (service, version) = part.trim().split_once(char::is_whitespace)?;
            service.eq_ignore_ascii_case("baremetal").then_some(Cow::Borrowed(version))
        })
    })
}

/// Leading zeros are fine, a plus sign and blanks inside are not.
fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // Absurdly large numbers are numbers all the same: out of range, not malformed.
    Some(text.parse().unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    fn ask(name: &'static str, value: &str) -> Result<String, bool> {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).unwrap_or_else(|_| HeaderValue::from_static("")));
        negotiate(&headers).map(|asked| asked.version.to_string()).map_err(|bad| bad.tell_range)
    }

    #[test]
    fn versions_are_read_as_generously_as_ironic_does() {
        const NAME: &str = "x-openstack-ironic-api-version";
        for (text, answer) in [
            ("1.50", Ok("1.50")),
            (" 1.50", Ok("1.50")),
            ("1.050", Ok("1.50")),
            ("latest", Ok("1.115")),
            ("LATEST", Ok("1.115")),
            ("1.0", Err(true)),
            ("1.-1", Err(true)),
            ("1.116", Err(true)),
            ("2.1", Err(true)),
            ("1.99999999999999999999", Err(true)),
            ("1", Err(false)),
            ("abc", Err(false)),
            ("1.1.1", Err(false)),
            ("v1.50", Err(false)),
            ("", Err(false)),
        ] {
            assert_eq!(ask(NAME, text), answer.map(str::to_owned), "{text:?}");
        }
        assert_eq!(ask("openstack-api-version", "compute 2.1, baremetal 1.50"), Ok("1.50".to_owned()));
        assert_eq!(ask("openstack-api-version", "compute 2.1"), Ok("1.1".to_owned()));
    }

    #[test]
    fn a_query_gives_each_parameter_once_and_keeps_what_is_left() {
        let mut query = Query::parse(Some("fields=UUID,name,uuid&a=x%20y+z&b"));
        assert_eq!(query.take_list("fields").ok().flatten(), Some(vec!["uuid".to_owned(), "name".to_owned()]));
        assert_eq!(query.take("a").ok().flatten().as_deref(), Some("x y z"));
        assert!(query.pairs().eq([("b", "")]));
        assert!(Query::parse(Some("limit=1&limit=2")).take("limit").is_err());
    }
}
