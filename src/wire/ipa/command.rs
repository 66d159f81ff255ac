//! Commands that the service sends (`POST /v1/commands/`) and the results that the agent lists (`GET /v1/commands/`).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A command, as posted. The token is not here: it travels in the query string (`agent_token`).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Command {
    /// `<extension>.<command>`, for instance `deploy.execute_deploy_step`.
    pub name: String,
    pub params: Map<String, Value>,
}

/// How far a command got.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum CommandStatus {
    #[serde(rename = "RUNNING")]
    Running,
    #[serde(rename = "SUCCEEDED")]
    Succeeded,
    #[serde(rename = "FAILED")]
    Failed,
    /// The agent's hardware managers changed since the step list was fetched. The name is historic: any kind of step.
    #[serde(rename = "CLEAN_VERSION_MISMATCH")]
    VersionMismatch,
    /// A word that we do not know: to be treated as a failure.
    #[default]
    #[serde(other, rename = "UNKNOWN")]
    Unknown,
}

/// What the agent says of one command.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct CommandResult {
    #[serde(default)]
    pub id: String,
    /// Without the extension when it ran, but with it when a synchronous command failed: compare with [`Self::is`].
    #[serde(default)]
    pub command_name: String,
    #[serde(default)]
    pub command_status: CommandStatus,
    #[serde(default)]
    pub command_error: Option<CommandError>,
    #[serde(default)]
    pub command_result: Option<Value>,
}

impl CommandResult {
    /// Whether this is a result of `command`, given with or without its extension.
    pub fn is(&self, command: &str) -> bool {
        bare(&self.command_name) == bare(command)
    }

    /// Why it failed, for people.
    pub fn failure(&self) -> String {
        match &self.command_error {
            Some(error) => error.text(),
            None => {
                let name = cut(&self.command_name);
                format!("{name} ended as {:?} and the agent gave no reason", self.command_status)
            }
        }
    }

    /// Whether it failed because bytes did not come as they should: cut off, or others than were expected. Agents read a
    /// download that ends early to its end, and find out by the checksum.
    pub fn is_of_transfer(&self) -> bool {
        let kind = self.command_error.as_ref().and_then(|error| error.0["type"].as_str());
        matches!(kind, Some("ImageDownloadError" | "ImageChecksumError"))
    }

    /// The step that a finished `execute_*_step` names in its result (`clean_step`, `deploy_step`, `service_step`).
    pub fn step(&self) -> Option<&Value> {
        let result = self.command_result.as_ref()?.as_object()?;
        ["deploy_step", "clean_step", "service_step"].iter().find_map(|key| result.get(*key))
    }
}

/// Enough for people: what an agent says ends up in the node's `last_error`.
fn cut(text: &str) -> String {
    text.chars().take(2_000).collect()
}

/// The command's own name, without `<extension>.`
fn bare(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// Every command since the agent started, oldest first.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct CommandList {
    #[serde(default)]
    pub commands: Vec<CommandResult>,
}

/// Why a command failed. The agent serialises an exception (`type`, `code`, `message`, `details`), or wraps a bare text
/// as `{"error": …}`; as everything here is only shown to people, any JSON is accepted.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(transparent)]
pub struct CommandError(pub Value);

impl CommandError {
    /// The error as the agent's own classes make it.
    pub fn new(kind: &str, code: u16, message: &str, details: &str) -> Self {
        CommandError(serde_json::json!({"type": kind, "code": code, "message": message, "details": details}))
    }

    /// The longest useful text, cut.
    pub fn text(&self) -> String {
        let part = |key: &str| match self.0.get(key) {
            Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
            Some(Value::Null) | None => None,
            Some(other) => Some(other.to_string()),
        };
        let text = match (part("message"), part("details"), part("error")) {
            // The details of most exceptions repeat the message or stand alone; those of a few only make sense after it.
            (Some(message), Some(details), _) if !details.contains(&message) => format!("{message}: {details}"),
            (_, Some(details), _) => details,
            (Some(message), None, _) => message,
            (None, None, Some(error)) => error,
            (None, None, None) => match &self.0 {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            },
        };
        cut(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_recognised_with_and_without_its_extension() {
        let result = CommandResult { command_name: "standby.sync".into(), ..Default::default() };
        assert!(result.is("sync") && result.is("standby.sync") && !result.is("image.install_bootloader"));
    }

    #[test]
    fn an_unknown_status_and_unknown_keys_are_read() -> serde_json::Result<()> {
        let text =
            r#"{"commands":[{"id":"1","command_name":"x","command_status":"PAUSED","command_error":null,"new":1}]}"#;
        let list: CommandList = serde_json::from_str(text)?;
        assert_eq!(list.commands[0].command_status, CommandStatus::Unknown);
        Ok(())
    }

    #[test]
    fn an_error_of_any_shape_has_a_text() {
        let texts = [
            (r#"{"type":"ImageChecksumError","code":500,"message":"Bad","details":"of disk"}"#, "Bad: of disk"),
            (r#"{"error":"plain"}"#, "plain"),
            (r#""just text""#, "just text"),
            (r#"{"details":{"a":1}}"#, r#"{"a":1}"#),
        ];
        for (json, expected) in texts {
            let error: CommandError = serde_json::from_str(json).unwrap_or(CommandError(Value::Null));
            assert_eq!(error.text(), expected);
        }
    }
}
