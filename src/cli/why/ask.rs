//! The service, and one question to it.

use std::path::Path;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::clock::Clock;
use crate::config::{Settings, Typed};
use crate::net::Net;
use crate::net::http::{Client, Request, Trust, Url};

pub struct Service {
    client: Client,
    base: String,
    trust: Trust,
    credentials: Option<HeaderValue>,
}

impl Service {
    /// Where it is: as the flag says, else as the configuration that was named, else `OS_ENDPOINT`, else as the environment's
    /// or the default configuration.
    pub fn find(url: Option<&str>, config: Option<&Path>) -> anyhow::Result<Self> {
        let endpoint = std::env::var("OS_ENDPOINT").ok().filter(|url| !url.is_empty());
        let base = match (url, config, endpoint) {
            (Some(url), _, _) => url.to_owned(),
            (None, None, Some(endpoint)) => endpoint,
            (None, config, _) => listens_at(config)?,
        };
        let trust = match std::env::var("OS_CACERT") {
            Ok(file) if !file.is_empty() => {
                Trust::Authority(std::fs::read_to_string(&file).with_context(|| format!("OS_CACERT: {file}"))?.into())
            }
            _ => Trust::PublicRoots,
        };
        let client = Client::new(Net::system(), Clock::system());
        Ok(Service { client, base: base.trim_end_matches('/').to_owned(), trust, credentials: credentials()? })
    }

    /// Why a node or card is as it is; if there is none of that name, why an allocation is.
    pub async fn why(&self, what: &str) -> anyhow::Result<Value> {
        let asked = utf8_percent_encode(what, NON_ALPHANUMERIC);
        let (status, answer) = self.get(&format!("/bessemer/v1/nodes/{asked}/why")).await?;
        if status == StatusCode::NOT_FOUND {
            let (status, other) = self.get(&format!("/bessemer/v1/allocations/{asked}/why")).await?;
            if status.is_success() {
                return Ok(other);
            }
        }
        match status {
            status if status.is_success() => Ok(answer),
            StatusCode::UNAUTHORIZED => bail!(
                "{}: {}; set OS_AUTH_TYPE=http_basic, OS_USERNAME and OS_PASSWORD in the environment",
                self.base,
                words(&answer)
            ),
            _ => bail!("{}", words(&answer)),
        }
    }

    async fn get(&self, path: &str) -> anyhow::Result<(StatusCode, Value)> {
        // An endpoint may have the API's version in it.
        let base = self.base.strip_suffix("/v1").unwrap_or(&self.base);
        let mut request = Request::get(Url::parse(&format!("{base}{path}"))?);
        request.trust = self.trust.clone();
        if let Some(credentials) = &self.credentials {
            request.headers.insert(AUTHORIZATION, credentials.clone());
        }
        let failed =
            || format!("the service at {base} cannot be asked (is it running? --url and OS_ENDPOINT say where it is)");
        let response = self.client.send(request).await.with_context(failed)?;
        let status = response.status;
        let body = response.bytes().await.with_context(failed)?;
        let answer = serde_json::from_slice(&body);
        let answer = answer
            .with_context(|| format!("{base} answered {status} and no JSON: is that this service's admin API?"))?;
        Ok((status, answer))
    }
}

/// The admin API's address in a configuration; one that listens everywhere is asked here.
fn listens_at(config: Option<&Path>) -> anyhow::Result<String> {
    let named = config.map(Path::to_owned).or_else(|| std::env::var_os("BESSEMER_CONFIG").map(Into::into));
    let environment = std::env::vars_os().filter_map(|(name, text)| Some((name.into_string().ok()?, text)));
    let environment = environment.map(|(name, text)| (name, text.to_string_lossy().into_owned()));
    let settings = Settings::from_typed(&Typed::read(named.as_deref(), environment, &[])?)?;
    let mut listen = settings.listen;
    if listen.ip().is_unspecified() {
        listen.set_ip(if listen.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() });
    }
    Ok(format!("http://{listen}"))
}

/// Name and password of the environment, as the `baremetal` command takes them.
fn credentials() -> anyhow::Result<Option<HeaderValue>> {
    let var = |name: &str| std::env::var(name).ok();
    if var("OS_AUTH_TYPE").as_deref() != Some("http_basic") {
        return Ok(None);
    }
    let (Some(user), Some(password)) = (var("OS_USERNAME"), var("OS_PASSWORD")) else {
        bail!("OS_AUTH_TYPE=http_basic needs OS_USERNAME and OS_PASSWORD in the environment")
    };
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    let mut value = HeaderValue::from_str(&format!("Basic {pair}"))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// What an error says: Ironic's envelope, with the inner part possibly as text.
fn words(answer: &Value) -> String {
    let inner = match &answer["error_message"] {
        Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone())),
        other => other.clone(),
    };
    inner["faultstring"].as_str().or(inner.as_str()).map_or_else(|| answer.to_string(), str::to_owned)
}
