//! An image is not written to a machine that has no room for it, as far as an inspection has found out.

use bessemer::driver::{Driver, Outcome, Task};
use serde_json::{Value, json};

use super::deploy::{deploying, step};
use super::service::{Bench, Tested};

/// The head of a qcow2 image that claims a disk of `bytes`, and nothing behind its tables.
fn qcow2(bytes: u64) -> Vec<u8> {
    let mut head = vec![0; 256 << 10];
    let mut put = |at: usize, bytes: &[u8]| head[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"QFI\xfb\0\0\0\x03");
    put(20, &16_u32.to_be_bytes());
    put(24, &bytes.to_be_bytes());
    put(36, &u32::try_from(bytes.div_ceil(512 << 20)).unwrap_or(u32::MAX).to_be_bytes());
    put(40, &0x3_0000_u64.to_be_bytes());
    put(48, &0x1_0000_u64.to_be_bytes());
    put(56, &1_u32.to_be_bytes());
    put(96, &4_u32.to_be_bytes());
    put(100, &104_u32.to_be_bytes());
    head
}

fn on_machine(bench: &Bench, image: &[u8], inventory: Value) -> Tested<Task> {
    let mut task = deploying(bench, image)?;
    task.known_inventory = Some(json!({"inventory": inventory, "plugin_data": {}}));
    Ok(task)
}

/// Why the image is not written; nothing if it is.
async fn refused(mut task: Task) -> Tested<Option<String>> {
    let write = step(&task, "write_image")?;
    match Driver::of(&task.node)?.deploy.run_step(&mut task, &write).await {
        Ok(Outcome::Wait { .. }) => Ok(None),
        Ok(other) => Err(format!("{other:?}").into()),
        Err(error) => Ok(Some(error.to_string())),
    }
}

#[tokio::test]
async fn no_image_is_written_that_becomes_larger_than_every_disk_it_may_go_to() -> Tested {
    const GIB: u64 = 1 << 30;
    let disks = json!({"disks": [
        {"name": "/dev/sda", "size": 8 * GIB}, {"name": "/dev/sdb", "size": 40 * GIB},
    ]});
    // With the hint that `deploying` gives: /dev/sda.
    for (bytes, written) in [(8 * GIB, true), (8 * GIB + 512, false), (1 << 40, false)] {
        let bench = Bench::with_images().await?;
        let why = refused(on_machine(&bench, &qcow2(bytes), disks.clone())?).await?;
        assert_eq!(why.is_none(), written, "{bytes}: {why:?}");
        assert!(written || why.is_some_and(|why| why.contains("the largest disk that may take it has 8192 MiB")));
    }
    // What nobody has measured, or what has changed since, is not judged.
    let raid = json!({"logical_disks": [{"size_gb": 100, "raid_level": "0"}]});
    for (inventory, hint, raid) in [
        (json!({}), json!({"name": "/dev/sda"}), json!({})),
        (json!({"disks": []}), json!({}), json!({})),
        (disks.clone(), json!({}), json!({})),
        (disks.clone(), json!({"name": "/dev/nvme0n1"}), json!({})),
        (disks.clone(), json!({"name": "/dev/sda"}), raid),
    ] {
        let bench = Bench::with_images().await?;
        let mut task = on_machine(&bench, &qcow2(30 * GIB), inventory.clone())?;
        task.node.instance_info.set("root_device", hint.clone());
        task.node.raid_config = raid.into();
        assert_eq!(refused(task).await?, None, "{inventory} {hint}");
    }
    Ok(())
}

#[tokio::test]
async fn what_the_agent_converts_has_to_go_into_the_machine_s_memory() -> Tested {
    let mut image = qcow2(1 << 30);
    image.resize(3 << 20, 0);
    for (mib, written) in [(4, true), (3, false)] {
        let bench = Bench::with_images().await?;
        let why = refused(on_machine(&bench, &image, json!({"memory": {"physical_mb": mib}}))?).await?;
        assert_eq!(why.is_none(), written, "{why:?}");
        assert!(written || why.is_some_and(|why| why.contains("use a raw image")));
    }
    let bench = Bench::with_images().await?;
    let raw = on_machine(&bench, &vec![7; 3 << 20], json!({"memory": {"physical_mb": 1}}))?;
    assert_eq!(refused(raw).await?, None, "raw images go straight to the disk");
    Ok(())
}
