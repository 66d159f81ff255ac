//! The service's API as any client uses it: JSON over HTTP.

use anyhow::{Context as _, bail};
use hyper::Method;
use hyper::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use crate::net::http::{Client, Request, Url};
use crate::sim::bmc::Seams;

const VERSION: HeaderName = HeaderName::from_static("x-openstack-ironic-api-version");

pub struct Api {
    client: Client,
    base: Url,
}

impl Api {
    pub fn new(seams: &Seams, base: &str) -> anyhow::Result<Self> {
        Ok(Api { client: Client::new(seams.net.clone(), seams.clock.clone()), base: Url::parse(base)? })
    }

    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.call(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.call(Method::POST, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> anyhow::Result<Value> {
        self.call(Method::DELETE, path, None).await
    }

    pub async fn put(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.call(Method::PUT, path, Some(body)).await
    }

    /// Sets fields by JSON pointer.
    pub async fn patch(&self, path: &str, fields: &[(&str, Value)]) -> anyhow::Result<Value> {
        let patch: Vec<Value> =
            fields.iter().map(|(pointer, value)| json!({"op": "add", "path": pointer, "value": value})).collect();
        self.call(Method::PATCH, path, Some(patch.into())).await
    }

    /// Errors carry the service's own words.
    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        let url = self.base.join(path)?;
        let mut request = match body {
            Some(body) => Request { method: method.clone(), ..Request::post_json(url, body.to_string().into_bytes()) },
            None => Request::new(method.clone(), url),
        };
        request.headers.insert(VERSION, HeaderValue::from_static("latest"));
        let response = self.client.send(request).await.with_context(|| format!("{method} {path}"))?;
        let status = response.status;
        let body = response.bytes().await.with_context(|| format!("{method} {path}"))?;
        let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        if !status.is_success() {
            bail!("{method} {path} was answered with {status}: {}", words(&answer));
        }
        Ok(answer)
    }
}

/// What an error envelope says: `{"error_message": {"faultstring": …}}`, the inner part possibly as text.
fn words(answer: &Value) -> String {
    let inner = match &answer["error_message"] {
        Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| json!({"faultstring": text})),
        other => other.clone(),
    };
    inner["faultstring"].as_str().map_or_else(|| answer.to_string(), str::to_owned)
}
