//! The newest version of the API as an OpenAPI 3.1 document, from the same tables that route requests and shape answers.

use serde_json::{Map, Value, json};

use super::field::{Field, Noun, Source, Write};
use super::history::Version;
use super::params::Param;
use super::reference::nouns;
use super::route::{Gives, Method, Reach, Route, Takes};
use super::routes::ROUTES;
use super::schema::{Key, MEDIA, NAME, Schema};

/// The document.
pub fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    // What is only there to be refused is not described: there is nothing to be had.
    for route in ROUTES.iter().filter(|route| !matches!(route.gives, Gives::Refusal)) {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.as_str().to_lowercase()] = operation(route);
    }
    let mut schemas: Map<String, Value> = Map::new();
    for noun in nouns() {
        schemas.insert(component(noun), object_of(noun));
    }
    schemas.insert("Links".to_owned(), links());
    schemas.insert("Error".to_owned(), error());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Bessemer: the bare metal API",
            "version": Version::MAX.to_string(),
            "description": "Requests ask for this version with the header X-OpenStack-Ironic-API-Version.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"basic": {"type": "http", "scheme": "basic"}},
        },
    })
}

fn operation(route: &Route) -> Value {
    let mut operation = json!({"operationId": name(route), "responses": responses(route)});
    let mut parameters: Vec<Value> = route
        .path
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": schema(&ident(route, name))}))
        .collect();
    parameters.extend(route.query.iter().copied().flatten().map(|param| in_query(route, param)));
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let Some(schema) = body(route.takes) {
        let required = must_come(route.takes);
        operation["requestBody"] = json!({"content": {"application/json": {"schema": schema}}, "required": required});
    }
    if route.reach == Reach::Admin {
        // Authentication may be off: then nothing is needed.
        operation["security"] = json!([{"basic": []}, {}]);
    }
    operation
}

/// `GET /v1/nodes/{node}` is `get_nodes_node`.
fn name(route: &Route) -> String {
    let word = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let path: Vec<String> = route
        .path
        .split('/')
        .filter(|segment| !matches!(*segment, "" | "v1"))
        .map(|segment| segment.trim_matches(['{', '}']).chars().map(word).collect())
        .collect();
    let path = if path.is_empty() { route.path.replace('/', "_") } else { format!("_{}", path.join("_")) };
    format!("{}{path}", route.method.as_str().to_lowercase())
}

/// What a `{…}` of a path looks like.
fn ident(route: &Route, name: &str) -> Schema {
    match name {
        // Our own paths take more: cards, too.
        _ if !route.path.starts_with("/v1/") => Schema::Text,
        "chassis" | "rule" | "connector" | "target" | "record" => Schema::Uuid,
        "port" if route.method == Method::Delete => Schema::Uuid,
        "node" | "port" | "portgroup" | "allocation" | "template" | "runbook" | "vif" => NAME,
        "trait" => Schema::Like("trait", "^[A-Z0-9_]{1,255}$"),
        "device" => MEDIA,
        _ => Schema::Text,
    }
}

fn in_query(route: &Route, param: &Param) -> Value {
    let noun = match route.gives {
        Gives::One(noun) | Gives::New(noun) | Gives::Page(noun) => Some(noun),
        _ => None,
    };
    let one_of = |names: Vec<&str>| json!({"type": "string", "enum": names});
    let shape = match (param.name, noun) {
        ("sort_key", Some(noun)) => one_of(sortable(noun)),
        ("fields", Some(noun)) => json!({"type": "array", "items": one_of(selectable(noun))}),
        _ => schema(&param.schema),
    };
    let mut value = json!({"name": param.name, "in": "query", "required": param.required, "schema": shape});
    if matches!(param.schema, Schema::List(_) | Schema::Filled(_)) {
        // A list is written with commas.
        value["style"] = "form".into();
        value["explode"] = false.into();
    }
    value
}

/// What lists can be ordered by.
fn sortable(noun: &Noun) -> Vec<&'static str> {
    let fields = noun.fields.iter().filter(|field| field.sortable).map(|field| field.name);
    ["id"].into_iter().chain(fields).collect()
}

/// What can be asked for alone.
fn selectable(noun: &Noun) -> Vec<&'static str> {
    let is_link = |field: &Field| !matches!(field.source, Source::Column(..) | Source::Special);
    let fields = noun.fields.iter().filter(|field| !is_link(field) || noun.links_selectable);
    fields.map(|field| field.name).collect()
}

fn body(takes: Takes) -> Option<Value> {
    let arguments = |params: &[Param]| {
        let one = |param: &Param| (param.name.to_owned(), schema(&param.schema));
        params.iter().map(one).collect::<Map<String, Value>>()
    };
    Some(match takes {
        Takes::Nothing => return None,
        Takes::New(noun, more) => {
            let writable = |field: &&Field| matches!(field.write, Write::Create | Write::Always);
            let mut properties: Map<String, Value> =
                noun.fields.iter().filter(writable).map(|field| (field.name.to_owned(), sent(noun, field))).collect();
            properties.extend(arguments(more));
            let needed = noun.needed;
            json!({"type": "object", "properties": properties, "required": needed, "additionalProperties": false})
        }
        Takes::Patch(noun) => patch(noun),
        Takes::Arguments(params) => {
            let required: Vec<_> = params.iter().filter(|param| param.required).map(|param| param.name).collect();
            json!({
                "type": "object",
                "properties": arguments(params),
                "required": required,
                "additionalProperties": false,
            })
        }
        Takes::Free(free) => schema(&free),
    })
}

/// Whether there is nothing to be done without a body.
fn must_come(takes: Takes) -> bool {
    match takes {
        Takes::Nothing | Takes::Free(Schema::Map) => false,
        Takes::New(noun, _) => !noun.needed.is_empty(),
        Takes::Patch(_) => true,
        Takes::Arguments(params) => params.iter().any(|param| param.required),
        Takes::Free(Schema::Object(keys) | Schema::Dictionary(keys, _)) => keys.iter().any(|key| !key.optional),
        Takes::Free(_) => true,
    }
}

/// A field as a client may send it: null stands for its default.
fn sent(noun: &Noun, field: &Field) -> Value {
    match field.schema {
        Schema::Maybe(inner) if noun.needed.contains(&field.name) || noun.firm.contains(&field.name) => schema(inner),
        other if noun.needed.contains(&field.name) || noun.firm.contains(&field.name) => schema(&other),
        Schema::Maybe(_) | Schema::Any => schema(&field.schema),
        other => nullable(schema(&other)),
    }
}

fn responses(route: &Route) -> Value {
    let answer = |description: &str, schema: Value| json!({"description": description, "content": {"application/json": {"schema": schema}}});
    let empty = |description: &str| json!({"description": description});
    let selectable = route.query.iter().copied().flatten().any(|param| param.name == "fields");
    let mut responses = match route.gives {
        Gives::Nothing => json!({"204": empty("It is done.")}),
        Gives::Accepted => json!({"202": empty("It is decided, and is being done.")}),
        Gives::One(noun) if selectable => {
            json!({"200": answer("The object, or some fields of it", noun_reference(noun))})
        }
        Gives::One(noun) => json!({"200": answer("The object", whole(noun))}),
        Gives::New(noun) => json!({"201": answer("The new object", whole(noun))}),
        Gives::Page(noun) => json!({"200": answer("A page", page(noun))}),
        Gives::Document(document) => json!({"200": answer("A document", schema(&document))}),
        Gives::AcceptedDocument(document) => json!({"202": answer("A document", schema(&document))}),
        Gives::Foreign => json!({
            "200": answer("What the method gives", json!({})),
            "202": empty("The method is done in the background."),
        }),
        Gives::Refusal => json!({}),
    };
    if let Gives::New(_) = route.gives {
        responses["201"]["links"] = links_below(route);
    }
    responses["default"] = answer("Why it was not done", reference("Error"));
    responses
}

/// What can be done with an object that was made: every row below the one that made it, with its UUID for the first parameter.
fn links_below(made: &Route) -> Value {
    let mut links: Map<String, Value> = Map::new();
    for route in ROUTES.iter().filter(|route| !matches!(route.gives, Gives::Refusal)) {
        let below = route.path.strip_prefix(made.path).and_then(|rest| rest.strip_prefix("/{"));
        if let Some((name, _)) = below.and_then(|rest| rest.split_once('}')) {
            let parameters = json!({name: "$response.body#/uuid"});
            links.insert(self::name(route), json!({"operationId": self::name(route), "parameters": parameters}));
        }
    }
    links.into()
}

fn page(noun: &Noun) -> Value {
    json!({
        "type": "object",
        "properties": {
            noun.collection: {"type": "array", "items": noun_reference(noun)},
            "next": {"type": "string", "format": "uri"},
        },
        "required": [noun.collection],
        "additionalProperties": false,
    })
}

fn object_of(noun: &Noun) -> Value {
    let properties: Map<String, Value> =
        noun.fields.iter().map(|field| (field.name.to_owned(), schema(&field.schema))).collect();
    json!({"type": "object", "properties": properties, "additionalProperties": false})
}

/// An object with all its fields.
fn whole(noun: &Noun) -> Value {
    let required: Vec<_> = noun.fields.iter().map(|field| field.name).collect();
    json!({"allOf": [noun_reference(noun), {"required": required}]})
}

/// The name of a noun's schema. Two views of one table have two names.
fn component(noun: &Noun) -> String {
    let words = noun.name.split([' ', '_']).map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        format!("{}{rest}", first.to_uppercase())
    });
    words.collect()
}

fn noun_reference(noun: &Noun) -> Value {
    reference(&component(noun))
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// A schema in the words of JSON Schema.
fn schema(it: &Schema) -> Value {
    match it {
        Schema::Any => json!({}),
        Schema::Text => json!({"type": "string"}),
        Schema::Like(_, pattern) => json!({"type": "string", "pattern": pattern}),
        Schema::Uuid => json!({"type": "string", "format": "uuid"}),
        Schema::Time => json!({"type": "string", "format": "date-time"}),
        Schema::Integer => json!({"type": "integer"}),
        Schema::Positive => json!({"type": "integer", "minimum": 1}),
        Schema::Number => json!({"type": "number"}),
        Schema::Boolean => json!({"type": "boolean"}),
        Schema::Map => json!({"type": "object"}),
        Schema::Words(words) => json!({"type": "string", "enum": words()}),
        Schema::Maybe(inner) => nullable(schema(inner)),
        Schema::List(inner) => json!({"type": "array", "items": schema(inner)}),
        Schema::Filled(inner) => json!({"type": "array", "items": schema(inner), "minItems": 1}),
        Schema::Dictionary(keys, others) => object(keys, schema(others)),
        Schema::Object(keys) => object(keys, false.into()),
        Schema::Noun(noun) => noun_reference(noun),
        Schema::Either(all) => json!({"anyOf": all.iter().map(schema).collect::<Vec<_>>()}),
        Schema::Links => reference("Links"),
    }
}

fn object(keys: &[Key], others: Value) -> Value {
    let properties: Map<String, Value> = keys.iter().map(|key| (key.name.to_owned(), schema(&key.schema))).collect();
    let required: Vec<_> = keys.iter().filter(|key| !key.optional).map(|key| key.name).collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": others})
}

fn nullable(schema: Value) -> Value {
    json!({"anyOf": [schema, {"type": "null"}]})
}

fn links() -> Value {
    let link = json!({
        "type": "object",
        "properties": {
            "href": {"type": "string", "format": "uri"},
            "rel": {"type": "string"},
            "type": {"type": "string"},
        },
        "required": ["href", "rel"],
        "additionalProperties": false,
    });
    json!({"type": "array", "items": link})
}

fn patch(noun: &Noun) -> Value {
    let changeable = noun.fields.iter().filter(|field| matches!(field.write, Write::Patch | Write::Always));
    let names: Vec<_> = changeable.map(|field| field.name).collect();
    let pattern = format!("^/({})(/([^/~]|~[01])+)*$", names.join("|"));
    let operation = |words: &[&str], required: &[&str]| {
        json!({
            "type": "object",
            "properties": {
                "op": {"type": "string", "enum": words},
                "path": {"type": "string", "pattern": pattern},
                "value": {},
            },
            "required": required,
            "additionalProperties": false,
        })
    };
    let either = [operation(&["add", "replace"], &["op", "path", "value"]), operation(&["remove"], &["op", "path"])];
    json!({"type": "array", "items": {"anyOf": either}})
}

/// What clients parse twice; too large bodies and failed authentication have forms of their own.
fn error() -> Value {
    json!({
        "anyOf": [
            {
                "type": "object",
                "properties": {"error_message": {"type": "string", "contentMediaType": "application/json"}},
                "required": ["error_message"],
                "additionalProperties": false,
            },
            {
                "type": "object",
                "properties": {"faultcode": {"type": "string"}, "faultstring": {"type": "string"}},
                "required": ["faultcode", "faultstring"],
                "additionalProperties": false,
            },
            {
                "type": "object",
                "properties": {"error": {
                    "type": "object",
                    "properties": {"message": {"type": "string"}, "code": {"type": "integer"}},
                    "required": ["message", "code"],
                }},
                "required": ["error"],
                "additionalProperties": false,
            },
        ],
    })
}
