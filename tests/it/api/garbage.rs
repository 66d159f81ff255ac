//! Random and mutated requests over raw TCP: whatever comes, every connection ends, nothing a client sends is a 5xx, and the
//! service goes on answering. Seeded, and short enough for every run of the tests.

use std::collections::BTreeMap;
use std::time::Duration;

use bessemer::api::surface::routes::ROUTES;
use bessemer::random::Random;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::service::{Outcome, Service};

const ROUNDS: usize = 2500;
/// Nothing here takes long; a connection that is open after this hangs.
const WITHIN: Duration = Duration::from_secs(60);

const WORDS: &[&str] = &[
    "uuid",
    "name",
    "driver",
    "driver_info",
    "node_uuid",
    "address",
    "extra",
    "properties",
    "instance_info",
    "target",
    "traits",
    "resource_class",
    "candidate_nodes",
    "fields",
    "detail",
    "limit",
    "marker",
    "sort_key",
    "sort_dir",
    "maintenance",
    "provision_state",
    "associated",
    "owner",
    "clean_steps",
    "interface",
    "step",
    "args",
    "configdrive",
    "boot_device",
    "persistent",
    "agent_token",
    "callback_url",
    "addresses",
    "inventory",
    "op",
    "path",
    "value",
    "reason",
    "timeout",
    "id",
    "fake-hardware",
    "active",
    "manage",
    "provide",
    "power on",
    "rebooting",
    "add",
    "remove",
    "replace",
    "/extra/a",
    "/name",
    "/driver_info/ipmi_password",
    "true",
    "none",
    "-1",
    "0",
    "1e999",
    "CUSTOM_A",
    "52:54:00:00:00:01",
    "..",
    "\u{0}",
    "\u{202e}é",
];

/// Bodies as clients send them, by the end of the path they go to.
fn sample(path: &str, known: &str) -> Value {
    match path.rsplit('/').next().unwrap_or_default() {
        "nodes" => {
            json!({"driver": "fake-hardware", "driver_info": {"a": 1}, "resource_class": "CUSTOM_A", "extra": {}})
        }
        "ports" => json!({"node_uuid": known, "address": "52:54:00:78:00:01", "extra": {}}),
        "allocations" => json!({"resource_class": "CUSTOM_A", "traits": ["CUSTOM_A"], "candidate_nodes": [known]}),
        "power" => json!({"target": "power on", "timeout": 5}),
        "provision" => json!({"target": "manage"}),
        "boot_device" => json!({"boot_device": "pxe", "persistent": true}),
        "maintenance" => json!({"reason": "fuzz"}),
        "traits" => json!({"traits": ["CUSTOM_A", "CUSTOM_B"]}),
        "vifs" => json!({"id": known}),
        "continue_inspection" => json!({"inventory": {"interfaces": [{"mac_address": "52:54:00:77:00:00"}]}}),
        "{node}" | "{port}" | "{allocation}" => json!([{"op": "replace", "path": "/extra", "value": {"a": 1}}]),
        _ => json!({"callback_url": "http://127.0.0.1:1", "agent_token": "t", "agent_version": "13.0.0"}),
    }
}

struct Fuzz {
    random: Random,
    /// Objects that exist.
    known: Vec<String>,
}

impl Fuzz {
    fn below(&self, end: usize) -> usize {
        self.random.below(end as u64) as usize
    }

    fn word(&self) -> String {
        match self.below(12) {
            0 => "x".repeat(self.below(3000)),
            1 | 2 => self.known[self.below(self.known.len())].clone(),
            3 => self.random.uuid().to_string(),
            _ => WORDS[self.below(WORDS.len())].to_owned(),
        }
    }

    fn value(&self, depth: usize) -> Value {
        match self.below(if depth == 0 { 7 } else { 12 }) {
            0 => Value::Null,
            1 => json!(self.below(2) == 0),
            2 => json!(i64::from_le_bytes(self.random.bytes())),
            3 => json!(f64::from_bits(u64::from_le_bytes(self.random.bytes()))),
            4..7 => json!(self.word()),
            7 | 8 => (0..self.below(4)).map(|_| self.value(depth - 1)).collect(),
            9 => json!([{"op": self.word(), "path": self.word(), "value": self.value(depth - 1)}]),
            _ => Value::Object((0..self.below(6)).map(|_| (self.word(), self.value(depth - 1))).collect()),
        }
    }

    /// What belongs to the path, as it is or with one value that may be anything; or anything.
    fn body(&self, path: &str) -> Value {
        let mut body = sample(path, &self.known[self.below(self.known.len())]);
        match (self.below(4), &mut body) {
            (0, _) => return self.value(3),
            (1 | 2, Value::Object(map)) => {
                let at = self.below(map.len());
                map.values_mut().skip(at).take(1).for_each(|value| *value = self.value(2));
            }
            (1 | 2, patch) => patch[0][["op", "path", "value"][self.below(3)]] = self.value(2),
            _ => {}
        }
        body
    }

    /// A request whose HTTP is right and whose path, query, headers and body may be anything.
    fn request(&self) -> (Vec<u8>, String) {
        let route = &ROUTES[self.below(ROUTES.len())];
        let encode =
            |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let segments = route.path.split('/').map(|segment| match segment.starts_with('{') {
            true if self.below(20) == 0 => "%ff%00".to_owned(),
            true if self.below(3) == 0 => encode(&self.word()),
            true => self.known[self.below(self.known.len())].clone(),
            false => segment.to_owned(),
        });
        let path = segments.collect::<Vec<_>>().join("/");
        let words = if self.below(2) == 0 { 0 } else { self.below(4) };
        let query: Vec<_> = (0..words).map(|_| format!("{}={}", encode(&self.word()), encode(&self.word()))).collect();
        let version = ["1.1", "1.31", "1.80", "0", "1.-1", "latest", "latest", "latest", "latest"][self.below(9)];
        let mut body = self.body(route.path).to_string().into_bytes();
        if self.below(8) == 0 {
            self.spoil(&mut body);
        }
        let line = format!("{} {path}?{}", route.method.as_str(), query.join("&"));
        let head = format!(
            "{line} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nX-OpenStack-Ironic-API-Version: {version}\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        let shown = format!("{line} {version} {}", String::from_utf8_lossy(&body));
        ([head.into_bytes(), body].concat(), shown)
    }

    /// Changes, cuts or lengthens bytes.
    fn spoil(&self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            match self.below(6) {
                0 => bytes.truncate(at),
                1 => bytes.extend((0..self.below(200)).map(|_| self.random.bytes::<1>()[0])),
                2 => bytes.splice(at..at, b"\r\n".iter().copied()).for_each(drop),
                _ => {
                    if let Some(there) = bytes.get_mut(at) {
                        *there = self.random.bytes::<1>()[0];
                    }
                }
            }
        }
    }
}

/// The status of the answer to `bytes`, if there is one. With `all` that was all, and the service may know it.
async fn status(service: &Service, bytes: &[u8], all: bool) -> Outcome<Option<u16>> {
    let mut stream = TcpStream::connect(service.address).await?;
    let mut answer = Vec::new();
    let talk = async {
        // Either may fail: the service closes what it cannot read.
        let _ = stream.write_all(bytes).await;
        if all {
            let _ = stream.shutdown().await;
        }
        let _ = stream.read_to_end(&mut answer).await;
    };
    tokio::time::timeout(WITHIN, talk).await.map_err(|_| "the connection stays open")?;
    Ok(answer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok()))
}

async fn objects(service: &Service) -> Outcome<Vec<String>> {
    let mut known = vec![];
    for n in 0..3 {
        let node = service.post("/v1/nodes", json!({"driver": "fake-hardware", "resource_class": "CUSTOM_A"})).await?;
        known.push(node.json["uuid"].as_str().unwrap_or_default().to_owned());
        let port = json!({"node_uuid": node.json["uuid"], "address": format!("52:54:00:77:00:0{n}")});
        let port = service.post("/v1/ports", port).await?;
        known.extend(port.json["uuid"].as_str().map(str::to_owned));
    }
    Ok(known)
}

#[tokio::test]
async fn whatever_a_client_asks_is_answered_and_never_with_a_5xx() -> Outcome {
    let service = Service::start().await?;
    let mut fuzz = Fuzz { random: Random::seeded(3), known: objects(&service).await? };
    let mut statuses = BTreeMap::new();
    for n in 0..ROUNDS {
        if n % 250 == 0 {
            // Some have been deleted meanwhile.
            fuzz.known.extend(objects(&service).await?);
        }
        let (bytes, shown) = fuzz.request();
        let status = status(&service, &bytes, false).await.map_err(|error| format!("{shown}: {error}"))?;
        assert!(status.is_some_and(|status| (200..500).contains(&status)), "{status:?} to {shown}");
        *statuses.entry(status.unwrap_or_default()).or_insert(0) += 1;
    }
    // Not all of it is refused at the door.
    assert!([200, 201, 202, 204, 400, 404, 406].iter().all(|status| statuses.contains_key(status)), "{statuses:?}");
    assert_eq!(service.get("/v1/nodes").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn bytes_that_are_hardly_http_end_their_connection_and_harm_nobody() -> Outcome {
    let service = Service::start().await?;
    let fuzz = Fuzz { random: Random::seeded(4), known: objects(&service).await? };
    for n in 0..ROUNDS {
        let (mut bytes, _) = fuzz.request();
        match n % 10 {
            0 => bytes = (0..fuzz.below(400)).map(|_| fuzz.random.bytes::<1>()[0]).collect(),
            _ => fuzz.spoil(&mut bytes),
        }
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        let status = status(&service, &bytes, true).await.map_err(|error| format!("{shown}: {error}"))?;
        assert!(status.is_none_or(|status| status < 500), "{status:?} to {shown}");
        if n % 250 == 0 {
            assert_eq!(service.get("/v1/nodes").await?.status, 200);
        }
    }
    assert_eq!(service.get("/v1/nodes").await?.status, 200);
    Ok(())
}
