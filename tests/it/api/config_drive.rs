//! A config drive that is none is refused when it is given, not when the machine runs.

use std::io::Write as _;

use base64::Engine as _;
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use super::service::{LATEST, Outcome, Service};

fn packed(bytes: &[u8]) -> Outcome<String> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes)?;
    Ok(base64::engine::general_purpose::STANDARD.encode(gzip.finish()?))
}

/// A node whose deploy interface hands the drive to an agent, ready to be deployed.
async fn node(service: &Service, name: &str) -> Outcome<String> {
    let body = json!({"driver": "fake-hardware", "name": name, "deploy_interface": "custom-agent"});
    let uuid = service.post("/v1/nodes", body).await?.json["uuid"].as_str().ok_or("no node")?.to_owned();
    service.change_node(uuid.parse()?, |node| node.provision_state = bessemer::model::State::Available).await?;
    Ok(format!("/v1/nodes/{uuid}"))
}

#[tokio::test]
async fn a_drive_that_is_none_is_refused_at_the_verb_and_nothing_has_happened() -> Outcome {
    let service = Service::start().await?;
    let path = node(&service, "one").await?;
    let plain = base64::engine::general_purpose::STANDARD.encode("not gzipped");
    for drive in [
        json!("{not base64}"),
        json!("abc"),
        json!(plain),
        json!("gopher://host/drive"),
        json!(packed(b"")?),
        json!(packed(&vec![0; (64 << 20) + 1])?),
        json!({"meta_data": {}, "user_data": "x".repeat(33 << 20)}),
    ] {
        let body = json!({"target": "active", "configdrive": drive});
        let refused = service.call(LATEST, "PUT", &format!("{path}/states/provision"), Some(body)).await?;
        let short: String = drive.to_string().chars().take(40).collect();
        assert_eq!(refused.status, 400, "{short}: {refused:?}");
        assert!(refused.fault().contains("configdrive"), "{short}: {refused:?}");
        let node = service.get(&path).await?.json;
        assert_eq!((&node["provision_state"], &node["power_state"]), (&json!("available"), &Value::Null), "{short}");
        assert_eq!(node["instance_info"], json!({}), "{short}");
    }
    Ok(())
}

#[tokio::test]
async fn a_wrong_drive_that_was_given_before_is_refused_at_the_verb_too() -> Outcome {
    let service = Service::start().await?;
    let path = node(&service, "two").await?;
    let patch = json!([{"op": "add", "path": "/instance_info/configdrive", "value": "abc"}]);
    assert_eq!(service.patch(&path, patch).await?.status, 200);
    let active = Some(json!({"target": "active"}));
    let refused = service.call(LATEST, "PUT", &format!("{path}/states/provision"), active).await?;
    assert!(refused.status == 400 && refused.fault().contains("configdrive"), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn a_drive_is_accepted_in_each_of_its_three_forms() -> Outcome {
    let service = Service::start().await?;
    for (name, drive) in
        [("a", json!(packed(b"a file system")?)), ("b", json!("https://h/drive")), ("c", json!({"user_data": "x"}))]
    {
        let path = node(&service, name).await?;
        let body = json!({"target": "active", "configdrive": drive});
        let accepted = service.call(LATEST, "PUT", &format!("{path}/states/provision"), Some(body)).await?;
        assert_eq!(accepted.status, 202, "{drive}: {accepted:?}");
    }
    Ok(())
}
