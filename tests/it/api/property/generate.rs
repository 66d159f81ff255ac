//! Requests out of the tables: a row, values for its parameters, a body of the form that it takes; one in several wrong.

use std::collections::BTreeMap;
use std::fmt;

use bessemer::api::surface::routes::ROUTES;
use bessemer::api::surface::schema::Key;
use bessemer::api::surface::verbs::{POWER_TARGETS, VERBS};
use bessemer::api::surface::{Gives, Noun, Param, Route, Schema, Takes, Version, Write};
use bessemer::random::Random;
use serde_json::{Map, Value, json};

use crate::api::service::{LATEST, Reply};

pub struct Asked {
    pub method: &'static str,
    pub path: String,
    pub version: String,
    pub body: Option<Value>,
    /// The row that it is for; none if there is none.
    pub route: Option<&'static Route>,
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} at {}", self.method, self.path, self.version)?;
        match &self.body {
            Some(body) => write!(f, " {}", body.to_string().chars().take(400).collect::<String>()),
            None => Ok(()),
        }
    }
}

pub struct Generator {
    random: Random,
    /// Idents of objects that were made, by collection.
    known: BTreeMap<&'static str, Vec<String>>,
}

const WORDS: &[&str] = &[
    "",
    "a",
    "b",
    "metal",
    "CUSTOM_A",
    "CUSTOM_B",
    "HW_CPU_X86_VMX",
    "fake-hardware",
    "ipmi",
    "manual-management",
    "fake",
    "noop",
    "direct",
    "no-console",
    "true",
    "power off",
    "available",
    "error",
    "10",
    "******",
    "ünïcode",
    "with space",
    "x/y",
    "a.b~c",
    "'; DROP TABLE nodes",
    "pxe",
    "disk",
    "deploy",
    "erase_devices",
    "uuid",
    "id",
    "asc",
    "desc",
    "name",
    "extra",
];

impl Generator {
    pub fn new(seed: u64) -> Self {
        Generator { random: Random::seeded(seed), known: BTreeMap::new() }
    }

    fn below(&self, end: usize) -> usize {
        usize::try_from(self.random.below(end as u64)).unwrap_or(0)
    }

    /// True so many times in a hundred.
    fn now_and_then(&self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&self, items: &[T]) -> Option<T> {
        items.get(self.below(items.len())).copied()
    }

    pub fn next(&mut self) -> Asked {
        let version = if self.now_and_then(70) {
            LATEST.to_owned()
        } else {
            Version::new(1 + self.below(115) as i64).unwrap_or(Version::MAX).to_string()
        };
        if self.now_and_then(2) {
            let path = format!("/v1/nonsense/{}", self.segment(self.word()));
            return Asked { method: "GET", path, version, body: None, route: None };
        }
        let route = self.row();
        let mut path: String = route
            .path
            .split('/')
            .skip(1)
            .map(|segment| match segment.strip_prefix('{').and_then(|it| it.strip_suffix('}')) {
                Some(name) => format!("/{}", self.segment(&self.ident(name))),
                None => format!("/{segment}"),
            })
            .collect();
        let query = self.query(route);
        if !query.is_empty() {
            path = format!("{path}?{}", query.join("&"));
        }
        Asked { method: route.method.as_str(), path, version, body: self.body(route), route: Some(route) }
    }

    /// What was made can be asked for from now on.
    pub fn learn(&mut self, asked: &Asked, reply: &Reply) {
        if let (201, Some(Gives::New(noun))) = (reply.status, asked.route.map(|route| route.gives)) {
            let idents = self.known.entry(noun.collection).or_default();
            idents.extend(["uuid", "name"].iter().filter_map(|key| Some(reply.json[key].as_str()?.to_owned())));
        }
    }

    /// More objects are made and changed than chance alone would.
    fn row(&self) -> &'static Route {
        let nodes = self.known.get("nodes").map_or(0, Vec::len);
        let wanted = |route: &&Route| match self.below(4) {
            _ if nodes < 4 => route.path == "/v1/nodes" && matches!(route.takes, Takes::New(..)),
            0 => matches!(route.takes, Takes::New(..) | Takes::Patch(_)),
            1 => route.path.ends_with("/states/provision") || route.path.ends_with("/states/power"),
            _ => true,
        };
        for _ in 0..1000 {
            let route = &ROUTES[self.below(ROUTES.len())];
            if wanted(&route) {
                return route;
            }
        }
        &ROUTES[0]
    }

    fn word(&self) -> &'static str {
        self.pick(WORDS).unwrap_or_default()
    }

    fn segment(&self, text: &str) -> String {
        // An empty segment is another path.
        if text.is_empty() { "-".to_owned() } else { encoded(text) }
    }

    /// The name of an object of the kind that `name` is about: `node`, `node_uuid`, `{port}`.
    fn ident(&self, name: &str) -> String {
        let kind = name.trim_end_matches("_uuid").trim_end_matches("_ident");
        let kind = if matches!(kind, "parent_node" | "candidate_nodes" | "marker") { "node" } else { kind };
        let pool =
            self.known.iter().find(|(collection, _)| collection.trim_end_matches('s') == kind.trim_end_matches('s'));
        match pool {
            Some((_, idents)) if !self.now_and_then(10) => idents[self.below(idents.len())].clone(),
            _ if name == "driver" => self.word().to_owned(),
            _ if self.now_and_then(50) => self.random.uuid().to_string(),
            _ => self.word().to_owned(),
        }
    }

    fn query(&self, route: &Route) -> Vec<String> {
        let noun = match route.gives {
            Gives::One(noun) | Gives::New(noun) | Gives::Page(noun) => Some(noun),
            _ => None,
        };
        let mut query = Vec::new();
        for param in route.query.iter().copied().flatten() {
            if self.now_and_then(if param.required { 90 } else { 12 }) {
                query.push(format!("{}={}", param.name, encoded(&self.in_query(param, noun))));
            }
        }
        if self.now_and_then(2) {
            query.push("bogus=1".to_owned());
        }
        query
    }

    fn in_query(&self, param: &Param, noun: Option<&'static Noun>) -> String {
        if self.now_and_then(8) {
            return self.word().to_owned();
        }
        let field = || noun.and_then(|noun| self.pick(noun.fields)).map_or("uuid", |field| field.name);
        match (param.name, param.schema) {
            ("sort_key", _) => field().to_owned(),
            ("sort_dir", _) => if self.now_and_then(50) { "asc" } else { "desc" }.to_owned(),
            ("fields", _) => (0..=self.below(3)).map(|_| field()).collect::<Vec<_>>().join(","),
            ("limit", _) => self.below(5).to_string(),
            ("provision_state", _) => "enroll".to_owned(),
            ("marker" | "node" | "node_uuid" | "parent_node", _) => self.ident(param.name),
            (_, Schema::Boolean) => if self.now_and_then(50) { "true" } else { "False" }.to_owned(),
            (name, Schema::Uuid) => self.ident(name),
            _ => self.word().to_owned(),
        }
    }

    fn body(&self, route: &Route) -> Option<Value> {
        let arguments = |params: &[Param]| {
            let some = params.iter().filter(|param| self.now_and_then(if param.required { 95 } else { 15 }));
            some.map(|param| (param.name.to_owned(), self.argument(route, param))).collect::<Map<_, _>>()
        };
        let body = match route.takes {
            Takes::Nothing => return None,
            Takes::New(noun, more) => {
                let mut map = self.object(noun);
                map.extend(arguments(more));
                Value::Object(map)
            }
            Takes::Patch(noun) => (0..self.below(4)).map(|_| self.operation(noun)).collect(),
            Takes::Arguments(params) => Value::Object(arguments(params)),
            Takes::Free(schema) => self.value("body", schema),
        };
        Some(if self.now_and_then(3) { self.wrong() } else { body })
    }

    fn argument(&self, route: &Route, param: &Param) -> Value {
        match param.name {
            "target" if self.now_and_then(90) && route.path.ends_with("provision") => {
                self.pick(VERBS).map_or(Value::Null, |verb| verb.target.into())
            }
            "target" if self.now_and_then(90) => {
                self.pick(POWER_TARGETS).map_or(Value::Null, |(target, _)| target.as_str().into())
            }
            name => self.value(name, param.schema),
        }
    }

    fn object(&self, noun: &Noun) -> Map<String, Value> {
        let mut map = Map::new();
        for field in noun.fields {
            let often = match (field.name, field.write) {
                ("driver" | "address" | "node_uuid" | "resource_class" | "steps" | "actions", _) => 95,
                ("name" | "uuid", _) => 40,
                (_, Write::Create | Write::Always) => 6,
                _ => 0,
            };
            if self.now_and_then(often) && !(field.name == "node_uuid" && matches!(field.write, Write::Never)) {
                map.insert(field.name.to_owned(), self.value(field.name, field.schema));
            }
        }
        map
    }

    fn operation(&self, noun: &Noun) -> Value {
        let writable: Vec<_> =
            noun.fields.iter().filter(|field| matches!(field.write, Write::Patch | Write::Always)).collect();
        let field = if self.now_and_then(95) { self.pick(&writable) } else { noun.fields.first() };
        let Some(field) = field else { return self.wrong() };
        let inside = matches!(field.schema, Schema::Map) && self.now_and_then(60);
        let path = if inside { format!("/{}/{}", field.name, self.word()) } else { format!("/{}", field.name) };
        let value = if inside { self.value("", Schema::Any) } else { self.value(field.name, field.schema) };
        match self.below(4) {
            0 => json!({"op": "add", "path": path, "value": value}),
            1 => json!({"op": "remove", "path": path}),
            _ => json!({"op": "replace", "path": path, "value": value}),
        }
    }

    /// A value of this form, mostly.
    fn value(&self, name: &str, schema: Schema) -> Value {
        if self.now_and_then(6) {
            return self.wrong();
        }
        match name {
            "driver" if self.now_and_then(90) => return "fake-hardware".into(),
            "resource_class" if self.now_and_then(80) => return "metal".into(),
            "address" if self.now_and_then(90) => return format!("52:54:00:00:00:{:02x}", self.below(40)).into(),
            "interface" => return self.pick(&["deploy", "bios", "raid", "power"]).unwrap_or_default().into(),
            "uuid" => return self.random.uuid().to_string().into(),
            "name" => return format!("n{}", self.below(40)).into(),
            _ if name.ends_with("_interface") => {
                return self.pick(&["fake", "noop", "direct", "no-bios"]).unwrap_or_default().into();
            }
            _ => {}
        }
        match schema {
            Schema::Any => self.pick(&[0, 1, 2]).map_or(Value::Null, |it| match it {
                0 => self.word().into(),
                1 => self.map(),
                _ => self.below(10).into(),
            }),
            Schema::Text if name.ends_with("node") => self.ident(name).into(),
            Schema::Like("mac", _) => format!("52:54:00:00:00:{:02x}", self.below(40)).into(),
            Schema::Like("name or uuid", _) => self.ident(name).into(),
            Schema::Text | Schema::Like(..) | Schema::Time => self.word().into(),
            Schema::Uuid => self.ident(name).into(),
            Schema::Integer | Schema::Positive => self.below(12).into(),
            Schema::Number => json!(0.5),
            Schema::Boolean => self.now_and_then(50).into(),
            Schema::Map => self.map(),
            Schema::Words(words) => self.pick(&words()).unwrap_or_default().into(),
            Schema::Maybe(_) if self.now_and_then(15) => Value::Null,
            Schema::Maybe(inner) => self.value(name, *inner),
            Schema::List(inner) | Schema::Filled(inner) => {
                (0..self.below(3)).map(|_| self.value(name, *inner)).collect()
            }
            Schema::Dictionary(keys, _) | Schema::Object(keys) => self.keys(keys),
            Schema::Noun(noun) => Value::Object(self.object(noun)),
            Schema::Either(all) => self.pick(all).map_or(Value::Null, |one| self.value(name, one)),
            Schema::Links => json!([]),
        }
    }

    fn keys(&self, keys: &[Key]) -> Value {
        let some = keys.iter().filter(|key| self.now_and_then(if key.optional { 40 } else { 95 }));
        Value::Object(some.map(|key| (key.name.to_owned(), self.value(key.name, key.schema))).collect())
    }

    fn map(&self) -> Value {
        let keys = [
            "a",
            "traits",
            "capabilities",
            "ipmi_password",
            "configdrive",
            "agent_url",
            "links",
            "port_id",
            "switch_id",
        ];
        let mut map = Map::new();
        for _ in 0..self.below(4) {
            let value = if self.now_and_then(70) { self.word().into() } else { self.wrong() };
            map.insert(self.pick(&keys).unwrap_or_default().to_owned(), value);
        }
        Value::Object(map)
    }

    fn wrong(&self) -> Value {
        match self.below(12) {
            0 => Value::Null,
            1 => json!(-1),
            2 => json!(9_223_372_036_854_775_807_i64),
            3 => json!(1e300),
            4 => json!(""),
            5 => json!("x".repeat(5000)),
            6 => json!([]),
            7 => json!({}),
            8 => json!([[{"a": [1, null]}]]),
            9 => json!("nul \u{0} and \u{202e}"),
            10 => json!({"a": {"b": {"c": [true]}}}),
            _ => json!(true),
        }
    }
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b',' => char::from(b).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}
