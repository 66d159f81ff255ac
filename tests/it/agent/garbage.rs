//! Random and mutated JSON, as an attacker on the deploy network would send it: never a panic, whatever it is.

use bessemer::driver::agent::Progress;
use bessemer::model::{FlowName, InterfaceKind, Step, StepSource};
use bessemer::random::Random;
use bessemer::wire::ipa::{Command, CommandList, Heartbeat, ImageInfo, Inspection, Inventory, Lookup, StepList};
use serde_json::json;

fn samples() -> Vec<Vec<u8>> {
    let step = json!({"step": "write_image", "interface": "deploy", "priority": 80, "args": {"a": [1, {"b": null}]}});
    [
        json!({"commands": [{"id": "1", "command_name": "execute_deploy_step", "command_status": "SUCCEEDED",
               "command_error": {"type": "E", "code": 500, "message": "m", "details": "d"},
               "command_result": {"deploy_step": step}}]}),
        json!({"deploy_steps": {"generic": [step]}, "hardware_manager_version": {"generic": "1.2"}}),
        json!({"inventory": {"interfaces": [{"name": "eth0", "mac_address": "52:54:00:00:00:01"}],
               "disks": [{"name": "/dev/sda", "size": 5}], "boot": {"pxe_interface": "x"}}, "error": null}),
        json!({"node": {"uuid": "u", "properties": {}}, "config": {"heartbeat_timeout": 300, "agent_token": "t"}}),
        json!({"callback_url": "https://1.2.3.4:9999", "agent_token": "t", "agent_version": "13.0.0"}),
        json!({"id": "i", "urls": ["http://h/i"], "os_hash_algo": "sha256", "os_hash_value": "00"}),
    ]
    .iter()
    .map(|value| value.to_string().into_bytes())
    .collect()
}

fn read_all(bytes: &[u8]) {
    let step = Step {
        interface: InterfaceKind::Deploy,
        step: "write_image".into(),
        args: Default::default(),
        priority: 1,
        abortable: true,
        requires_ramdisk: true,
        reboot_requested: false,
        source: StepSource::Agent,
        children: None,
    };
    if let Ok(list) = serde_json::from_slice::<CommandList>(bytes) {
        let _ = Progress::of(&list.commands, FlowName::Deploy, &step, None);
        let _: Vec<String> = list.commands.iter().map(|command| command.failure()).collect();
    }
    if let Ok(list) = serde_json::from_slice::<StepList>(bytes) {
        let _ = list.flatten();
    }
    if let Ok(report) = serde_json::from_slice::<Inspection>(bytes) {
        let _ = report.inventory.map(serde_json::from_value::<Inventory>);
    }
    let _ = serde_json::from_slice::<Lookup>(bytes);
    let _ = serde_json::from_slice::<Heartbeat>(bytes);
    let _ = serde_json::from_slice::<ImageInfo>(bytes);
    let _ = serde_json::from_slice::<Command>(bytes);
}

#[test]
fn mutated_json_never_panics() {
    let (random, samples) = (Random::seeded(13), samples());
    let spices: [&[u8]; 10] =
        [b"null", b"{}", b"[]", b"\"\\ud800\"", b"1e999", b"-1", b"true", b"[[[[[[[[", b"\xff", b","];
    for round in 0..20_000_u64 {
        let mut bytes = samples[random.below(samples.len() as u64) as usize].clone();
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len() as u64) as usize;
            match random.below(4) {
                0 => bytes[at] = random.below(256) as u8,
                1 => drop(bytes.drain(at..(at + random.below(9) as usize).min(bytes.len()))),
                2 => bytes.truncate(at.max(1)),
                _ => {
                    let spice = spices[random.below(spices.len() as u64) as usize];
                    bytes.splice(at..at, spice.iter().copied());
                }
            }
            if bytes.is_empty() {
                bytes.push(b'{');
            }
        }
        read_all(&bytes);
        if round % 50 == 0 {
            let noise: Vec<u8> = (0..random.below(200)).map(|_| random.below(256) as u8).collect();
            read_all(&noise);
        }
    }
    // serde_json bounds its own depth.
    read_all("[".repeat(100_000).as_bytes());
}
