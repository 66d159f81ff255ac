//! Commands to the agent: `POST` and `GET {agent_url}/v1/commands/`.
//!
//! Whether a command was carried out is not known from the lack of an answer, so a lost one is looked for in the agent's
//! command list before it is sent again. Busy (409) means that the agent is at it already.
//! Source: ironic-python-agent's `api/app.py`, `extensions/base.py`.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::driver::{DriverError, Task};
use crate::net::http::{HttpError, Limits, Request, Response, Trust, Url};
use crate::wire::ipa::{CommandList, CommandResult, CommandStatus};

/// How often a command that could not be delivered is tried.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);

/// The agent of one task's machine.
pub struct Agent<'t> {
    task: &'t Task,
    base: String,
    token: String,
    trust: Trust,
}

/// What became of a command.
#[derive(Debug)]
pub enum Sent {
    Result(Box<CommandResult>),
    /// It works on another command, or on this one since before.
    Busy,
}

impl<'t> Agent<'t> {
    /// The agent that has called; none if it has not (since the machine was last switched on).
    pub async fn of(task: &'t Task) -> Result<Option<Self>, DriverError> {
        let Some(base) = task.node.driver_internal_info.text("agent_url").filter(|url| !url.is_empty()) else {
            return Ok(None);
        };
        let token = task.secret("driver_internal_info", "/agent_secret_token").and_then(Value::as_str);
        let token = token.unwrap_or_default().to_owned();
        Ok(Some(Agent { task, base: base.trim_end_matches('/').to_owned(), token, trust: trust(task).await? }))
    }

    /// Sends a command. `wait` lets the agent answer only when it is done.
    pub async fn command(&self, name: &str, params: Value, wait: bool, within: Duration) -> Result<Sent, DriverError> {
        let body = json!({"name": name, "params": params}).to_string().into_bytes();
        let mut last = None;
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                self.task.env.clock.sleep(self.task.env.random.jitter(PAUSE)).await;
            }
            let mut request = Request::post_json(self.url(&format!("wait={wait}&"))?, body.clone());
            request.trust = self.trust.clone();
            request.limits = Limits { first_byte: within, ..limits() };
            match self.task.env.http.send(request).await {
                Ok(response) => match answer(name, response).await {
                    Err(HttpError::Lost(why)) => last = Some(HttpError::Lost(why)),
                    Err(error) => return Err(self.unreachable(name, &error)),
                    Ok(done) => return done,
                },
                Err(error) if error.retryable() => last = Some(error),
                Err(error) => return Err(self.unreachable(name, &error)),
            }
            // It may have been acted on: what the agent says of its newest command decides.
            if last.as_ref().is_some_and(HttpError::maybe_acted_on)
                && let Ok(commands) = self.commands().await
                && let Some(newest) = commands.into_iter().next_back().filter(|command| command.is(name))
            {
                return Ok(Sent::Result(Box::new(newest)));
            }
        }
        let why = last.map(|error| error.to_string()).unwrap_or_default();
        Err(DriverError::Unreachable(format!("The agent at {} did not take {name}: {why}", self.base)))
    }

    /// All commands since the agent started, oldest first.
    pub async fn commands(&self) -> Result<Vec<CommandResult>, DriverError> {
        let mut last = String::new();
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                self.task.env.clock.sleep(self.task.env.random.jitter(PAUSE)).await;
            }
            let mut request = Request::get(self.url("")?);
            request.trust = self.trust.clone();
            request.limits = limits();
            let list = async {
                let response = self.task.env.http.send(request).await?;
                let status = response.status;
                Ok::<_, HttpError>((status, response.bytes().await?))
            };
            match list.await {
                Ok((status, bytes)) if status.is_success() => {
                    let list: CommandList = serde_json::from_slice(&bytes).map_err(|error| {
                        DriverError::Refused(format!("the agent's command list cannot be read: {error}"))
                    })?;
                    return Ok(list.commands);
                }
                Ok((status, _)) => {
                    return Err(DriverError::Refused(format!("the agent answered {status} for its commands")));
                }
                Err(error) if error.retryable() => last = error.to_string(),
                Err(error) => return Err(self.unreachable("its command list", &error)),
            }
        }
        Err(DriverError::Unreachable(format!("The agent at {} does not answer: {last}", self.base)))
    }

    /// Polls until the newest command `name` is over.
    pub async fn until_done(&self, name: &str, within: Duration) -> Result<CommandResult, DriverError> {
        let deadline = self.task.env.clock.instant() + within;
        loop {
            let newest = self.commands().await?.into_iter().rev().find(|command| command.is(name));
            match newest {
                Some(done) if done.command_status != CommandStatus::Running => return Ok(done),
                _ if self.task.env.clock.instant() >= deadline => {
                    return Err(DriverError::TimedOut(format!("{name} was not over within {} s", within.as_secs())));
                }
                _ => self.task.env.clock.sleep(Duration::from_millis(500)).await,
            }
        }
    }

    fn url(&self, query: &str) -> Result<Url, DriverError> {
        // The token travels in the query, as the agent wants it; errors name the peer, never the URL.
        Url::parse(&format!("{}/v1/commands/?{query}agent_token={}", self.base, self.token))
            .map_err(|_| DriverError::Refused("the agent gave an address that is no URL".to_owned()))
    }

    fn unreachable(&self, what: &str, error: &HttpError) -> DriverError {
        DriverError::Unreachable(format!("The agent at {} could not be asked for {what}: {error}", self.base))
    }
}

fn limits() -> Limits {
    Limits { redirects: 0, ..Limits::default() }
}

async fn answer(name: &str, response: Response) -> Result<Result<Sent, DriverError>, HttpError> {
    let status = response.status;
    let bytes = response.bytes().await?;
    if status.as_u16() == 409 {
        return Ok(Ok(Sent::Busy));
    }
    if !status.is_success() {
        let text: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let why = crate::wire::ipa::CommandError(text).text();
        return Ok(Err(DriverError::Refused(format!("The agent refused {name} ({status}): {why}"))));
    }
    Ok(match serde_json::from_slice(&bytes) {
        Ok(result) => Ok(Sent::Result(Box::new(result))),
        Err(error) => Err(DriverError::Refused(format!("The agent's answer to {name} cannot be read: {error}"))),
    })
}

/// Whom the agent's TLS certificate must come from: itself, as the heartbeat said, or whoever the operator names.
async fn trust(task: &Task) -> Result<Trust, DriverError> {
    if let Some(certificate) = task.node.driver_internal_info.text("agent_verify_ca") {
        return Ok(Trust::Pinned(certificate.into()));
    }
    match task.node.driver_info.get("agent_verify_ca") {
        None | Some(Value::Null | Value::Bool(true)) => Ok(Trust::PublicRoots),
        Some(Value::Bool(false)) => Ok(Trust::Anyone),
        Some(Value::String(word)) if word.eq_ignore_ascii_case("false") => Ok(Trust::Anyone),
        Some(Value::String(path)) => match tokio::fs::read_to_string(&path).await {
            Ok(pem) => Ok(Trust::Authority(pem.into())),
            Err(error) => Err(DriverError::misconfigured(format!("driver_info/agent_verify_ca: {path}: {error}"))),
        },
        Some(other) => Err(DriverError::misconfigured(format!(
            "driver_info/agent_verify_ca: {other}: expected true, false or the path of a CA file"
        ))),
    }
}

/// The node as the agent wants to see it: what it decides on, without secrets and without what only we know.
pub fn node_document(task: &Task) -> Value {
    let node = &task.node;
    json!({
        "uuid": node.uuid.to_string(), "name": node.name, "driver": node.driver,
        "properties": node.properties.value(), "instance_info": node.instance_info.value(),
        "driver_info": node.driver_info.value(), "driver_internal_info": internal_info(task),
        "extra": node.extra.value(), "raid_config": node.raid_config.value(),
        "target_raid_config": node.target_raid_config.value(), "provision_state": node.provision_state.as_str(),
        "instance_uuid": node.instance_uuid.map(|it| it.to_string()), "resource_class": node.resource_class, "traits": task.traits,
    })
}

/// What `driver_internal_info` tells the agent, with the parameters of its erase steps.
fn internal_info(task: &Task) -> Value {
    let mut info = task.node.driver_internal_info.map();
    let erase = [
        ("agent_erase_devices_iterations", json!(1)),
        ("agent_erase_devices_zeroize", json!(true)),
        ("agent_continue_if_secure_erase_failed", json!(false)),
        ("agent_continue_if_ata_erase_failed", json!(false)),
        ("agent_enable_ata_secure_erase", json!(true)),
        ("agent_enable_nvme_secure_erase", json!(true)),
        ("agent_erase_skip_read_only", json!(false)),
        ("disk_erasure_concurrency", json!(4)),
    ];
    for (key, value) in erase {
        info.entry(key).or_insert(value);
    }
    info.shift_remove("agent_verify_ca");
    Value::Object(info)
}

/// The ports in the same form.
pub fn port_documents(task: &Task) -> Value {
    let one = |port: &crate::model::Port| {
        json!({
            "uuid": port.uuid.to_string(), "address": port.address, "pxe_enabled": port.pxe_enabled,
            "extra": port.extra.value(), "local_link_connection": port.local_link_connection.value(),
        })
    };
    task.ports.iter().map(one).collect()
}

/// Parameters of a command, from pairs.
pub fn params<const N: usize>(pairs: [(&str, Value); N]) -> Value {
    Value::Object(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>())
}
