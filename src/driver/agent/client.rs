//! Speaking to one agent: commands out, results back.
//!
//! A command that gets no answer may be running all the same. So before one is sent the list of known commands is taken,
//! and after a lost answer a new entry of the same name is ours: it is adopted rather than sent twice.

use std::time::Duration;

use hyper::StatusCode;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::blocking;
use crate::clock::Clock;
use crate::driver::{DriverError, Task};
use crate::net::http::{Client, HttpError, Request, Trust, Url};
use crate::trace::Trace;
use crate::wire::ipa::{Command, CommandList, CommandResult, CommandStatus};

/// How often a question without an answer is asked.
const ATTEMPTS: u32 = 3;
/// How long the agent may take to answer; `get_*_steps` looks at hardware.
const ANSWER: Duration = Duration::from_secs(60);
/// Longest answer; the largest are logs.
const ANSWER_BYTES: u64 = 64 << 20;

/// What may not stand in a query as it is (RFC 3986 section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What became of a command that was sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Started {
    /// It runs, or is over already.
    Accepted(CommandResult),
    /// The agent is busy with another.
    Busy,
}

/// A node's agent, as its last heartbeat told where it is.
pub struct AgentClient {
    http: Client,
    clock: Clock,
    url: String,
    token: String,
    trust: Trust,
    pause: Duration,
    trace: Trace,
    node: Uuid,
}

enum Answer<T> {
    Is(T),
    Busy,
}

impl AgentClient {
    /// Errors: `Unreachable` if no agent has called since the machine was last switched off.
    pub async fn of(task: &Task) -> Result<Self, DriverError> {
        let silent = || DriverError::Unreachable("the agent has not called yet".into());
        let info = &task.node.driver_internal_info;
        let url = info.text("agent_url").filter(|url| !url.is_empty()).ok_or_else(silent)?;
        let token = task.secret("driver_internal_info", "/agent_secret_token").and_then(Value::as_str);
        Ok(AgentClient {
            http: task.env.http.clone(),
            clock: task.env.clock.clone(),
            url: url.trim_end_matches('/').to_owned(),
            token: token.ok_or_else(silent)?.to_owned(),
            trust: trust(task, info.text("agent_verify_ca")).await?,
            pause: task.env.settings.agent_poll,
            trace: task.env.trace.clone(),
            node: task.node.uuid,
        })
    }

    /// Every command since the agent started, oldest first.
    pub async fn commands(&self) -> Result<Vec<CommandResult>, DriverError> {
        let mut attempt = 1;
        loop {
            let asked = self.exchange::<CommandList>(Request::get(self.address("")?)).await;
            match asked {
                Ok(Answer::Is(list)) => return Ok(list.commands),
                Ok(Answer::Busy) => {
                    return Err(DriverError::TimedOut("the agent is too busy to list its commands".into()));
                }
                Err(error) if attempt < ATTEMPTS && error.is_transient() => {
                    self.clock.sleep(self.pause * attempt).await;
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends a command and returns once the agent has it.
    pub async fn start(&self, name: &str, params: Map<String, Value>) -> Result<Started, DriverError> {
        self.send(name, params, false).await
    }

    /// Runs a command to its end and returns its result; waits out another that is running. Errors: `Refused` with the
    /// agent's reason if it failed.
    pub async fn call(
        &self,
        name: &str,
        params: Map<String, Value>,
        within: Duration,
    ) -> Result<Option<Value>, DriverError> {
        let _calling = self.trace.calling(self.node, within);
        let work = async {
            let mut result = loop {
                match self.send(name, params.clone(), true).await? {
                    Started::Accepted(result) => break result,
                    Started::Busy => self.clock.sleep(self.pause).await,
                }
            };
            while result.command_status == CommandStatus::Running {
                self.clock.sleep(self.pause).await;
                let commands = self.commands().await?;
                result = commands
                    .into_iter()
                    .find(|command| command.id == result.id)
                    .ok_or_else(|| DriverError::Refused(format!("the agent forgot {name}: it was restarted")))?;
            }
            match result.command_status {
                CommandStatus::Succeeded => Ok(result.command_result),
                _ => Err(DriverError::Refused(format!("the agent failed in {name}: {}", result.failure()))),
            }
        };
        match tokio::time::timeout(within, work).await {
            Ok(done) => done,
            Err(_) => Err(DriverError::TimedOut(format!("the agent did not end {name} within {within:?}"))),
        }
    }

    async fn send(&self, name: &str, params: Map<String, Value>, wait: bool) -> Result<Started, DriverError> {
        let known: Vec<String> = self.commands().await?.into_iter().map(|command| command.id).collect();
        let body = serde_json::to_vec(&Command { name: name.to_owned(), params })
            .map_err(|error| DriverError::Refused(format!("{name} cannot be written as JSON: {error}")))?;
        let mut request = Request::post_json(self.address(if wait { "wait=true&" } else { "wait=false&" })?, body);
        request.limits.first_byte = ANSWER;
        let mut attempt = 1;
        loop {
            let lost = match self.exchange::<CommandResult>(request.clone()).await {
                Ok(Answer::Is(result)) => return Ok(Started::Accepted(result)),
                // If an earlier attempt was lost, what keeps the agent busy may be that very one.
                Ok(Answer::Busy) if attempt == 1 => return Ok(Started::Busy),
                Ok(Answer::Busy) => None,
                Err(error) if error.is_transient() => Some(error),
                Err(error) => return Err(error),
            };
            self.clock.sleep(self.pause).await;
            let commands = self.commands().await?;
            let ours = commands.into_iter().rev().find(|command| command.is(name) && !known.contains(&command.id));
            match (ours, lost) {
                (Some(ours), _) => return Ok(Started::Accepted(ours)),
                (None, None) => return Ok(Started::Busy),
                (None, Some(error)) if attempt == ATTEMPTS => return Err(error),
                (None, Some(_)) => attempt += 1,
            }
        }
    }

    fn address(&self, query: &str) -> Result<Url, DriverError> {
        let token = utf8_percent_encode(&self.token, RESERVED);
        let text = format!("{}/v1/commands/?{query}agent_token={token}", self.url);
        Url::parse(&text).map_err(|error| DriverError::Refused(format!("the agent's address: {error}")))
    }

    /// One question. An answer that is not what it should be counts as lost: it tells nothing.
    async fn exchange<T: serde::de::DeserializeOwned>(&self, mut request: Request) -> Result<Answer<T>, DriverError> {
        request.trust = self.trust.clone();
        request.limits.body_bytes = ANSWER_BYTES;
        // An agent has no business sending us elsewhere.
        request.limits.redirects = 0;
        let _calling = self.trace.calling(self.node, request.limits.connect + request.limits.first_byte);
        let response = self.http.send(request).await.map_err(|error| self.failed(&error))?;
        let status = response.status;
        let body = response.bytes().await.map_err(|error| self.failed(&error))?;
        if status == StatusCode::CONFLICT {
            return Ok(Answer::Busy);
        }
        if !status.is_success() {
            return Err(self.refused(status, &body));
        }
        let garbled =
            |_| DriverError::TimedOut(format!("the agent at {} answered what is not JSON of its kind", self.url));
        serde_json::from_slice(&body).map(Answer::Is).map_err(garbled)
    }

    fn refused(&self, status: StatusCode, body: &[u8]) -> DriverError {
        if status == StatusCode::UNAUTHORIZED {
            return DriverError::Refused(format!(
                "the agent at {} does not know our token: it is of another boot",
                self.url
            ));
        }
        let fault: Value = serde_json::from_slice(body).unwrap_or_default();
        let why: String = fault["faultstring"].as_str().unwrap_or_default().chars().take(500).collect();
        DriverError::Refused(format!("the agent at {} answered {status} {why}", self.url))
    }

    fn failed(&self, error: &HttpError) -> DriverError {
        let text = format!("the agent at {}: {error}", self.url);
        match error {
            HttpError::Unreachable { .. } => {
                DriverError::Unreachable(format!("{text}. Check that this host can open connections to that address"))
            }
            HttpError::Lost(_) => DriverError::TimedOut(text),
            HttpError::Tls { .. }
            | HttpError::Url(_)
            | HttpError::Barred { .. }
            | HttpError::TooLarge { .. }
            | HttpError::TooManyRedirects => DriverError::Refused(text),
        }
    }
}

/// The certificate of the heartbeat if it brought one; else whom `driver_info` names; else the public roots.
async fn trust(task: &Task, heartbeat: Option<String>) -> Result<Trust, DriverError> {
    if let Some(pem) = heartbeat {
        return Ok(Trust::Pinned(pem.into()));
    }
    let wrong = |what: String| Err(DriverError::misconfigured(format!("driver_info/agent_verify_ca: {what}")));
    match task.node.driver_info.get("agent_verify_ca") {
        None | Some(Value::Null | Value::Bool(true)) => Ok(Trust::PublicRoots),
        Some(Value::Bool(false)) => Ok(Trust::Anyone),
        Some(Value::String(text)) => match text.to_ascii_lowercase().as_str() {
            "true" => Ok(Trust::PublicRoots),
            "false" => Ok(Trust::Anyone),
            _ => {
                let file = text.clone();
                match blocking::run(move || std::fs::read_to_string(file)).await {
                    Ok(Ok(pem)) => Ok(Trust::Authority(pem.into())),
                    Ok(Err(error)) => wrong(format!("{text}: {error}")),
                    Err(error) => wrong(format!("{text}: {error}")),
                }
            }
        },
        Some(other) => wrong(format!("{other}: expected true, false or the path of a CA file")),
    }
}
