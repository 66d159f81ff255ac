//! Validation against the words of JSON Schema that the OpenAPI document is written in. An unknown word is a failure, so
//! that the document cannot outgrow its check.

use bessemer::api::surface::Route;
use serde_json::Value;
use uuid::Uuid;

pub struct Document(Value);

impl Document {
    pub fn new(document: Value) -> Self {
        Document(document)
    }

    /// A successful answer of a row.
    pub fn answer(&self, route: &Route, status: u16, json: &Value) -> Result<(), String> {
        let method = route.method.as_str().to_lowercase();
        let described = &self.0["paths"][route.path][&method]["responses"][status.to_string()];
        if described.is_null() {
            return Err(format!("{} {} does not describe the status {status}", route.method, route.path));
        }
        match described["content"]["application/json"].get("schema") {
            Some(schema) => self.check(schema, json, "answer"),
            None if json.is_null() => Ok(()),
            None => Err(format!("{} {} promises no body with {status}", route.method, route.path)),
        }
    }

    pub fn error(&self, json: &Value) -> Result<(), String> {
        self.check(&self.0["components"]["schemas"]["Error"], json, "error")
    }

    fn check(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        let Some(words) = schema.as_object() else {
            return if schema == &Value::Bool(false) { Err(format!("{at} is not expected")) } else { Ok(()) };
        };
        for (word, says) in words {
            match word.as_str() {
                "$ref" => {
                    let path = says.as_str().unwrap_or_default().trim_start_matches('#');
                    let target = self.0.pointer(path).ok_or_else(|| format!("{path} is nowhere"))?;
                    self.check(target, value, at)?;
                }
                "anyOf" => {
                    let tried: Vec<_> = items(says).iter().map(|one| self.check(one, value, at)).collect();
                    if tried.iter().all(Result::is_err) {
                        return Err(tried.into_iter().filter_map(Result::err).collect::<Vec<_>>().join("; or "));
                    }
                }
                "allOf" => items(says).iter().try_for_each(|one| self.check(one, value, at))?,
                "type" if !is_a(says.as_str().unwrap_or_default(), value) => {
                    return Err(format!("{at}: expected {says}, got {value}"));
                }
                "enum" if !items(says).contains(value) => return Err(format!("{at}: {value} is not one of {says}")),
                "format" if !value.as_str().is_none_or(|text| is_written(says.as_str().unwrap_or_default(), text)) => {
                    return Err(format!("{at}: {value} is no {says}"));
                }
                "required" => {
                    if let Some(missing) =
                        items(says).iter().find(|key| value.get(key.as_str().unwrap_or_default()).is_none())
                    {
                        return Err(format!("{at}: {missing} is missing"));
                    }
                }
                "items" => {
                    for (i, item) in items(value).iter().enumerate() {
                        self.check(says, item, &format!("{at}/{i}"))?;
                    }
                }
                "minItems" if items(value).len() < says.as_u64().map_or(0, |least| least as usize) => {
                    return Err(format!("{at}: expected {says} items or more, got {value}"));
                }
                "properties" => self.properties(words, says, value, at)?,
                // Of what is answered nothing is judged by its pattern.
                "minItems" | "pattern" => {}
                "type" | "enum" | "format" | "additionalProperties" | "contentMediaType" => {}
                other => return Err(format!("{at}: the check does not know the word {other}")),
            }
        }
        Ok(())
    }

    fn properties(
        &self,
        words: &serde_json::Map<String, Value>,
        known: &Value,
        value: &Value,
        at: &str,
    ) -> Result<(), String> {
        for (key, item) in value.as_object().into_iter().flatten() {
            let place = format!("{at}/{key}");
            match (known.get(key), words.get("additionalProperties")) {
                (Some(schema), _) | (None, Some(schema)) => self.check(schema, item, &place)?,
                (None, None) => {}
            }
        }
        Ok(())
    }
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn is_a(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        _ => false,
    }
}

fn is_written(format: &str, text: &str) -> bool {
    match format {
        "uuid" => Uuid::try_parse(text).is_ok(),
        "date-time" => text.parse::<jiff::Timestamp>().is_ok(),
        "uri" => text.starts_with("http"),
        _ => false,
    }
}
