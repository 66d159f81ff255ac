//! A config drive as a client gives it: an address, base64 of a gzipped file system, or an object.
//!
//! Oracles: a drive that was made has, for a reader that shares no code with its writer, exactly the files that were asked for in both
//! of its trees; what was given as text comes back as it was; no refusal shows what was given, but for the names of keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bessemer::image::config_drive::{MAX_BYTES, prepare};
use bessemer::net::http::Url;
use flate2::read::GzDecoder;
use serde_json::{Map, Value};
use std::io::Read as _;

use super::iso::{Names, files};
use super::json::{MOST_DEPTH, depth, holds};

/// What stands in the seeds where a secret would.
const SECRET: &str = "S3CRET";

pub fn run(data: &[u8]) {
    let at = jiff::Timestamp::UNIX_EPOCH;
    let node = uuid::Uuid::from_u128(7);
    let prepared = prepare(data, node, Some("web1"), at);
    let text = std::str::from_utf8(data).unwrap_or_default().trim();
    let object: Option<Map<String, Value>> = serde_json::from_str(text).ok().filter(|_| text.starts_with('{'));
    if object.as_ref().is_some_and(|object| object.values().map(depth).max() > Some(MOST_DEPTH)) {
        return;
    }
    match (&prepared, object) {
        (Err(error), object) => hidden(&error.to_string(), object.as_ref()),
        (Ok(None), _) => assert!(matches!(text.trim_matches('"').trim(), "" | "null") || text.starts_with('"')),
        (Ok(Some(made)), Some(object)) => {
            assert_eq!(
                prepare(data, node, Some("web1"), at).ok().flatten().as_ref(),
                Some(made),
                "made anew it differs"
            );
            holds_what_was_asked(made, &object);
        }
        (Ok(Some(given)), None) => {
            let inner: String = serde_json::from_str(text).unwrap_or_else(|_| text.to_owned());
            assert_eq!(given, inner.trim());
            assert!(given.contains("://") || unpacked(given).is_some_and(|drive| !drive.is_empty()));
        }
    }
    address(text);
}

/// The words of a refusal.
fn hidden(error: &str, object: Option<&Map<String, Value>>) {
    assert!(error.starts_with("configdrive:"), "{error}");
    let shown = object.is_some_and(|object| object.keys().any(|key| key.contains(SECRET)));
    assert!(shown || !error.contains(SECRET), "{error}");
    if let Some(object) = object {
        let secret = object.values().any(|value| holds(value, SECRET));
        assert!(!secret || !error.contains(SECRET) || object.keys().any(|key| key.contains(SECRET)), "{error}");
    }
}

/// An address never shows its credentials, and what it resolves to keeps them only where they belong.
fn address(text: &str) {
    let error = match Url::parse(text) {
        Err(error) => error.to_string(),
        Ok(url) => {
            let shown = format!("{url} {url:?}");
            assert!(
                url.path_and_query.starts_with('/')
                    && !url.host.is_empty()
                    && !url.file_name().contains('/') | text.contains('%')
            );
            for reference in ["/x", "x", "?x", "//other/x", "https://other/", text] {
                if let Ok(next) = url.join(reference) {
                    assert!(next.path_and_query.starts_with('/'));
                }
            }
            shown
        }
    };
    if let Some((scheme, rest)) = text.split_once("://")
        && !scheme.contains(SECRET)
        && let Some((credentials, elsewhere)) = rest.rsplit_once('@')
        && credentials.contains(SECRET)
        && !elsewhere.contains(SECRET)
        && !credentials.contains(['/', '?', '#'])
    {
        assert!(!error.contains(SECRET), "{error}");
    }
}

fn unpacked(text: &str) -> Option<Vec<u8>> {
    let compact: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let mut drive = vec![];
    let packed = STANDARD.decode(compact).ok()?;
    GzDecoder::new(&packed[..]).take(1 << 20).read_to_end(&mut drive).ok()?;
    Some(drive)
}

fn holds_what_was_asked(made: &str, object: &Map<String, Value>) {
    let drive = unpacked(made).unwrap_or_else(|| panic!("our own drive does not unpack"));
    assert!(drive.len() <= MAX_BYTES && drive.len().is_multiple_of(2048));
    let found = files(&drive, Names::RockRidge);
    assert_eq!(found, files(&drive, Names::Joliet), "the two trees differ");
    for version in ["2012-08-10", "latest"] {
        let file = |name: &str| found.get(&format!("openstack/{version}/{name}"));
        let json = |name: &str| file(name).map(|bytes| serde_json::from_slice::<Value>(bytes).unwrap_or_default());
        let meta = json("meta_data.json").unwrap_or_else(|| panic!("no meta_data.json"));
        for (key, value) in object.get("meta_data").and_then(Value::as_object).into_iter().flatten() {
            assert_eq!(meta.get(key), Some(value), "{key}");
        }
        assert!(meta.get("uuid").is_some() && meta.get("name").is_some());
        for (key, name) in [("network_data", "network_data.json"), ("vendor_data", "vendor_data2.json")] {
            assert_eq!(json(name).as_ref(), object.get(key).filter(|value| !value.is_null()));
        }
        let user = object.get("user_data").filter(|value| !value.is_null());
        let user = user.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        assert_eq!(file("user_data").map(|bytes| &bytes[..]), user.as_deref().map(str::as_bytes));
    }
    assert!(found.len() <= 8);
}
