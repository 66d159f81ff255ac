//! Images that are one file system, and disks that are made of several.

use serde_json::{Value, json};

use super::site::{Fallible, Site};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_image_is_written_made_bootable_and_booted_by_both_firmwares() -> Fallible {
    let site = Site::new(120, 2, "").await?;
    for at in [0, 1] {
        site.enrol(at, json!({})).await?;
        let mut fields = site.image_fields();
        fields.push(("/instance_info/image_type", json!("partition")));
        site.patch(at, &fields).await?;
        let (status, answer) = site.ask(at, "active", json!({})).await?;
        assert!(status == 400 && answer.to_string().contains("root_gb"), "{status} {answer}");
        site.patch(at, &[("/instance_info/root_gb", json!("4")), ("/instance_info/swap_mb", json!(16))]).await?;
        site.patch(at, &[("/instance_info/ephemeral_gb", json!(1))]).await?;
        let drive = json!({"configdrive": {"user_data": "hello"}});
        let node = site.walk(at, "active", drive, "active").await?;
        site.runs_instance(at).await?;
        let info = &node["driver_internal_info"];
        assert_eq!(info["is_whole_disk_image"], false);
        assert_eq!(info["root_uuid_or_disk_id"].as_str().map(str::len), Some(36), "{info}");
        assert_eq!(info["instance"], json!({"root_mb": 4096, "swap_mb": 16, "ephemeral_mb": 1024}));
    }
    // What is preserved must not be moved.
    site.patch(0, &[("/instance_info/preserve_ephemeral", json!(true)), ("/instance_info/root_gb", json!(5))]).await?;
    let (status, answer) = site.ask(0, "rebuild", json!({})).await?;
    assert!(status == 400 && answer.to_string().contains("preserve_ephemeral"), "{status} {answer}");
    site.patch(0, &[("/instance_info/root_gb", json!(4))]).await?;
    site.walk(0, "rebuild", json!({}), "active").await?;
    site.runs_instance(0).await?;
    let node = site.walk(0, "deleted", json!({}), "available").await?;
    assert_eq!(node["driver_internal_info"]["instance"], Value::Null);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn software_raid_is_made_in_cleaning_and_booted_from() -> Fallible {
    let site = Site::new(121, 1, "").await?;
    site.enrol(0, json!({"raid_interface": "agent"})).await?;
    site.walk(0, "manage", json!({}), "manageable").await?;
    let disks = json!([
        {"size_gb": 2, "raid_level": "1", "controller": "software", "is_root_volume": true},
        {"size_gb": "MAX", "raid_level": "0", "controller": "software"},
    ]);
    let wanted = json!({"logical_disks": disks}).as_object().cloned().ok_or("no object")?;
    site.change(0, move |node| node.target_raid_config = wanted.clone().into()).await?;
    let create = json!({"clean_steps": [{"interface": "raid", "step": "create_configuration",
                                         "args": {"create_nonroot_volumes": false}}]});
    let node = site.walk(0, "clean", create, "manageable").await?;
    assert_eq!(node["raid_config"]["logical_disks"], json!([disks[0]]));
    assert_eq!(node["properties"]["local_gb"], 2);
    site.walk(0, "provide", json!({}), "available").await?;
    site.deploy(0).await
}
