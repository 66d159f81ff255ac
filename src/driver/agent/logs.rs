//! What a ramdisk in which something failed has to say, kept in files: `<node>[_<name>][_<instance>][_<what>]_<time>.tar.gz`.
//!
//! Collecting is a favour to whoever looks for the reason later. It is bounded in time, number and bytes, and its own
//! failure is logged and forgotten.

use std::path::Path;

use base64::Engine as _;
use serde_json::Map;

use super::AgentClient;
use crate::blocking;
use crate::disk::{self, PARTIAL};
use crate::driver::environment::Logs;
use crate::driver::{DriverError, Task};
use crate::model::FlowName;

/// Asks the agent for its logs and keeps them.
pub async fn collect(task: &Task) {
    let Some(logs) = task.env.settings.logs.clone() else { return };
    if task.node.driver_internal_info.get("agent_url").is_none() {
        // Nobody has called since the machine was switched on, so nobody can be asked.
        return;
    }
    let within = logs.within;
    let kept = match tokio::time::timeout(within, ask_and_keep(task, logs)).await {
        Ok(kept) => kept,
        Err(_) => Err(DriverError::TimedOut(format!("it took longer than {within:?}"))),
    };
    match kept {
        Ok(name) => tracing::info!(node = %task.node.uuid, name, "kept the logs of the ramdisk"),
        Err(error) => tracing::info!(node = %task.node.uuid, %error, "no logs of the ramdisk"),
    }
}

async fn ask_and_keep(task: &Task, logs: Logs) -> Result<String, DriverError> {
    let client = AgentClient::of(task).await?;
    let answer = client.call("log.collect_system_logs", Map::new(), logs.within).await?.unwrap_or_default();
    let packed = base64::engine::general_purpose::STANDARD
        .decode(answer["system_logs"].as_str().unwrap_or_default())
        .map_err(|_| DriverError::Refused("the agent's logs are not base64".to_owned()))?;
    if packed.is_empty() {
        return Err(DriverError::Refused("the agent has no logs".to_owned()));
    }
    let name = file_name(task);
    let shown = name.clone();
    let written = blocking::run(move || keep(&logs, &name, &packed)).await;
    written
        .map_err(|panicked| panicked.to_string())
        .and_then(|written| written.map_err(|error| error.to_string()))
        .map_err(|error| DriverError::Refused(format!("the logs could not be written: {error}")))?;
    Ok(shown)
}

fn file_name(task: &Task) -> String {
    let node = &task.node;
    let what = match task.flow {
        Some(FlowName::Clean) => Some("cleaning"),
        Some(FlowName::Service) => Some("service"),
        _ => None,
    };
    // A node's name is a host name, so it cannot lead elsewhere; one from an older rule is made harmless all the same.
    let safe = |name: &str| name.replace(|c: char| !c.is_ascii_alphanumeric() && !"-._~".contains(c), "-");
    let parts = [
        Some(node.uuid.to_string()),
        node.name.as_deref().map(safe),
        node.instance_uuid.map(|uuid| uuid.to_string()),
        what.map(str::to_owned),
        Some(task.env.clock.now().strftime("%Y-%m-%d-%H-%M-%S").to_string()),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("_") + ".tar.gz"
}

/// Writes one file and removes the oldest that pass the bounds. Blocking.
fn keep(logs: &Logs, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    std::fs::create_dir_all(&logs.dir)?;
    let mut file = disk::Partial::create(&logs.dir.join(name))?;
    file.write(bytes)?;
    file.publish()?;
    prune(&logs.dir, logs.keep, logs.bytes)
}

fn prune(dir: &Path, keep: usize, bytes: u64) -> std::io::Result<()> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let metadata = entry.metadata()?;
        // Others' files in the directory are left alone; halves of ours are of a process that died.
        if metadata.is_file() && (name.ends_with(".tar.gz") || name.ends_with(PARTIAL)) {
            found.push((metadata.modified()?, metadata.len(), entry.path()));
        }
    }
    found.sort();
    let (mut count, mut total) = (found.len(), found.iter().map(|(_, len, _)| len).sum::<u64>());
    for (_, len, path) in found {
        if count <= keep && total <= bytes {
            break;
        }
        std::fs::remove_file(path)?;
        count -= 1;
        total -= len;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_oldest_logs_go_when_there_are_too_many_or_too_much() -> std::io::Result<()> {
        let dir = tempfile::tempdir()?;
        let logs = |keep, bytes| Logs { dir: dir.path().join("logs"), keep, bytes, within: Duration::ZERO };
        let names = || -> std::io::Result<Vec<String>> {
            let mut names: Vec<String> = std::fs::read_dir(dir.path().join("logs"))?
                .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
                .collect::<std::io::Result<_>>()?;
            names.sort();
            Ok(names)
        };
        for (age, name) in [(4, "a.tar.gz"), (3, "b.tar.gz"), (2, "notes.txt"), (1, "c.tar.gz")] {
            keep(&logs(10, 1000), name, &[7; 100])?;
            let at = std::time::UNIX_EPOCH + Duration::from_secs(1000 - age);
            std::fs::File::options().write(true).open(dir.path().join("logs").join(name))?.set_modified(at)?;
        }
        keep(&logs(3, 1000), "d.tar.gz", &[7; 100])?;
        assert_eq!(names()?, ["b.tar.gz", "c.tar.gz", "d.tar.gz", "notes.txt"]);
        keep(&logs(3, 250), "e.tar.gz", &[7; 100])?;
        assert_eq!(names()?, ["d.tar.gz", "e.tar.gz", "notes.txt"]);
        Ok(())
    }
}
