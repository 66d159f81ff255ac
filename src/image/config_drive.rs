//! Config drives: what the instance is told on its first boot, as a small file system labelled `config-2`.
//!
//! A client gives one of three: the address of a finished one, a finished one as base64(gzip(image)), or an object from
//! which it is made here, with the files where cloud-init and cloudbase-init look for them. The agent takes
//! base64(gzip(image)), and writes it to a partition at the end of the disk. It would take an address too, but what it may
//! ask there nobody would have judged, so whoever prepares a drive fetches what [`address`] finds.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::{Compression, GzBuilder, read::GzDecoder};
use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::ImageError;
use super::iso::{self, File};
use crate::net::http::Url;

/// Longest file system that is accepted or made; the agent has the same limit.
pub const MAX_BYTES: usize = 64 << 20;

/// Longest text that is fetched: as long as what a client may give with the request.
pub const MAX_TEXT_BYTES: u64 = 64 << 20;

/// The label by which initialisation programs find it.
pub const LABEL: &str = "config-2";

/// Directories in which the files are repeated: the version that old programs ask for, and the one that new ones do.
const VERSIONS: [&str; 2] = ["2012-08-10", "latest"];

const KEYS: [&str; 4] = ["meta_data", "network_data", "user_data", "vendor_data"];

/// Makes base64(gzip(image)) from what the client gave, unless it is an address, or nothing if that was nothing. Blocking
/// and possibly slow: call it off the runtime. Errors name the field and never show the content.
pub fn prepare(given: &[u8], node: Uuid, node_name: Option<&str>, at: Timestamp) -> Result<Option<String>, ImageError> {
    let text = std::str::from_utf8(given).map_err(|_| wrong("expected text or an object"))?.trim();
    match text.chars().next() {
        None => Ok(None),
        Some('{') => {
            let object = serde_json::from_str(text).map_err(|_| wrong("expected a JSON object"))?;
            let drive = build(&object, node, node_name, at)?;
            Ok(Some(encode(&drive)?))
        }
        // A config drive that was stored as a JSON string rather than as its text.
        Some('"') => {
            let inner: String = serde_json::from_str(text).map_err(|_| wrong("expected text or an object"))?;
            prepare_text(inner.trim())
        }
        Some(_) if text == "null" => Ok(None),
        Some(_) => prepare_text(text),
    }
}

fn prepare_text(text: &str) -> Result<Option<String>, ImageError> {
    if text.is_empty() {
        return Ok(None);
    }
    if is_address(text) {
        // What is wrong with it cannot be told without showing some of it, and a mistyped drive is full of secrets.
        Url::parse(text).map_err(|_| wrong("it is an address, and not a valid http:// or https:// one"))?;
        return Ok(Some(text.to_owned()));
    }
    check(text, "expected an address, an object, or base64 of a gzipped file system")?;
    Ok(Some(text.to_owned()))
}

/// Where the drive is, if what was prepared is an address.
pub fn address(prepared: &str) -> Option<Url> {
    if is_address(prepared) { Url::parse(prepared).ok() } else { None }
}

/// What was found at an address, checked. Blocking, as [`prepare`] is.
pub fn fetched(bytes: &[u8]) -> Result<String, ImageError> {
    let expected = "expected base64 of a gzipped file system at its address";
    let text = std::str::from_utf8(bytes).map_err(|_| wrong(expected))?.trim();
    check(text, expected)?;
    Ok(text.to_owned())
}

/// Whether `text` is meant as an address. A text that only has one in it, such as a script, is not.
fn is_address(text: &str) -> bool {
    let plain = |scheme: &str| !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let one_word = !text.contains(|c: char| c.is_whitespace() || c.is_control());
    one_word && text.split_once("://").is_some_and(|(scheme, _)| plain(scheme))
}

/// Whether `text` is base64(gzip(something of at most [`MAX_BYTES`])): an agent finds out only after writing the image.
fn check(text: &str, expected: &str) -> Result<(), ImageError> {
    // base64(1) breaks lines, and the agent's decoder skips the breaks.
    let compact: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let packed = BASE64.decode(compact).map_err(|_| wrong(expected))?;
    let mut unpacked = GzDecoder::new(&packed[..]).take(MAX_BYTES as u64 + 1);
    let mut buffer = vec![0; 64 << 10];
    let mut total = 0;
    loop {
        match unpacked.read(&mut buffer) {
            Ok(0) if total == 0 => return Err(wrong("the file system is empty")),
            Ok(0) => return Ok(()),
            Ok(n) => total += n,
            Err(_) => return Err(wrong(expected)),
        }
        if total > MAX_BYTES {
            return Err(too_long());
        }
    }
}

/// The file system for an object `{meta_data, network_data, user_data, vendor_data}`; every key may be missing.
pub fn build(
    object: &Map<String, Value>,
    node: Uuid,
    node_name: Option<&str>,
    at: Timestamp,
) -> Result<Vec<u8>, ImageError> {
    if let Some(unknown) = object.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(wrong(&format!("unknown key {unknown}; expected {}", KEYS.join(", "))));
    }
    let mut meta_data = match object.get("meta_data") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(map)) => map.clone(),
        Some(_) => return Err(wrong("meta_data: expected an object")),
    };
    meta_data.entry("uuid").or_insert_with(|| Value::String(node.to_string()));
    if let Some(name) = node_name {
        meta_data.entry("name").or_insert_with(|| Value::String(name.to_owned()));
    }
    let mut contents = vec![("meta_data.json", Value::Object(meta_data).to_string().into_bytes())];
    for (key, file) in [("network_data", "network_data.json"), ("vendor_data", "vendor_data2.json")] {
        match object.get(key) {
            None | Some(Value::Null) => {}
            Some(value @ Value::Object(_)) => contents.push((file, value.to_string().into_bytes())),
            Some(_) => return Err(wrong(&format!("{key}: expected an object"))),
        }
    }
    match object.get("user_data") {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) => contents.push(("user_data", text.clone().into_bytes())),
        Some(other) => contents.push(("user_data", other.to_string().into_bytes())),
    }
    if contents.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() * VERSIONS.len() > MAX_BYTES {
        return Err(too_long());
    }
    let files: Vec<File> = VERSIONS
        .iter()
        .flat_map(|version| contents.iter().map(move |(name, bytes)| (version, name, bytes)))
        .map(|(version, name, bytes)| File { path: format!("openstack/{version}/{name}"), bytes: bytes.clone() })
        .collect();
    let drive = iso::write(LABEL, &files, at).map_err(|error| wrong(&error.to_string()))?;
    if drive.len() > MAX_BYTES { Err(too_long()) } else { Ok(drive) }
}

/// base64(gzip(`drive`)). The same drive gives the same text, so that a repeated step repeats itself exactly.
pub fn encode(drive: &[u8]) -> Result<String, ImageError> {
    let mut packer = GzBuilder::new().mtime(0).write(Vec::new(), Compression::default());
    packer.write_all(drive)?;
    Ok(BASE64.encode(packer.finish()?))
}

fn wrong(what: &str) -> ImageError {
    ImageError::Unusable(format!("configdrive: {what}"))
}

fn too_long() -> ImageError {
    wrong(&format!("longer than {} MiB", MAX_BYTES >> 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str) -> Result<Option<String>, ImageError> {
        prepare(text.as_bytes(), Uuid::nil(), None, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn each_of_the_three_forms_is_taken_and_nothing_is_nothing() -> Result<(), ImageError> {
        let packed = encode(b"a file system")?;
        assert_eq!(given("https://h/drive.gz")?.as_deref(), Some("https://h/drive.gz"));
        assert_eq!(given(&packed)?, Some(packed.clone()));
        assert_eq!(given(&format!("\"{packed}\""))?, Some(packed));
        assert!(given(r#"{"meta_data":{"a":1}}"#)?.is_some());
        assert_eq!((given("")?, given("null")?), (None, None));
        Ok(())
    }

    #[test]
    fn what_is_none_of_them_is_refused_without_showing_it() {
        let plain = BASE64.encode("not gzipped s3cret");
        for text in [
            "s3cret!",
            plain.as_str(),
            r#"{"s3cret"#,
            r#"{"meta_data":"s3cret"}"#,
            r#"{"other":"s3cret"}"#,
            "ftp://s3cret!",
            "https://host:s3cret!/x",
            "#!/bin/sh\nPASS=s3cret! curl http://h/",
            "a:s3cret!:http://h",
        ] {
            let error = given(text).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.starts_with("configdrive:"), "{text}: {error}");
            assert!(!error.contains("s3cret!") && !error.contains("\"s3cret"), "{error}");
        }
    }

    #[test]
    fn a_small_text_that_unpacks_to_too_much_is_refused() -> Result<(), ImageError> {
        let bomb = encode(&vec![0; MAX_BYTES + 1])?;
        assert!(given(&bomb).is_err_and(|error| error.to_string().contains("64 MiB")));
        Ok(())
    }
}
