//! `/v1/drivers`.

use serde_json::{Value, json};

use super::service::{Outcome, Service};

#[tokio::test]
async fn drivers_show_their_interfaces_from_the_version_that_knows_them() -> Outcome {
    let service = Service::start().await?;
    let list = service.get("/v1/drivers").await?;
    assert_eq!(
        list.column("drivers", "name"),
        [json!("fake-hardware"), json!("ipmi"), json!("manual-management"), json!("redfish")]
    );
    assert_eq!(list.column("drivers", "hosts")[0], json!(["here"]));
    assert_eq!(list.json["drivers"][0]["default_power_interface"], Value::Null, "only in detail");
    let one = service.get("/v1/drivers/fake-hardware").await?;
    assert_eq!(one.json["default_network_interface"], "noop");
    assert!(one.json["enabled_power_interfaces"].as_array().is_some_and(|names| names.contains(&json!("fake"))));
    let keys = |reply: &Value| reply.as_object().map_or(0, |map| map.len());
    // name, hosts, links; then properties, type and nine kinds; then storage, rescue, bios, firmware.
    for (version, count) in [("1.1", 3), ("1.14", 4), ("1.30", 5 + 18), ("1.40", 5 + 24), ("1.86", 5 + 26)] {
        let reply = service.call(version, "GET", "/v1/drivers/fake-hardware", None).await?;
        assert_eq!(keys(&reply.json), count, "{version}: {}", reply.json);
    }
    let some = service.get("/v1/drivers/ipmi?fields=name,default_deploy_interface").await?;
    assert_eq!(keys(&some.json), 3);
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_or_too_new_about_drivers_is_said() -> Outcome {
    let service = Service::start().await?;
    for (version, path, status) in [
        ("latest", "/nobody", 404),
        ("latest", "/nobody/properties", 404),
        ("latest", "/nobody/vendor_passthru/methods", 404),
        ("latest", "/ipmi/properties", 200),
        ("latest", "/ipmi/vendor_passthru/methods", 200),
        ("latest", "/ipmi/vendor_passthru", 400),
        ("latest", "/ipmi/vendor_passthru?method=x", 400),
        ("latest", "/fake-hardware/raid/logical_disk_properties", 200),
        ("latest", "/ipmi/raid/logical_disk_properties", 200),
        ("1.11", "/fake-hardware/raid/logical_disk_properties", 406),
        ("latest", "/properties", 400),
        ("latest", "?fields=bogus", 400),
        ("latest", "?fields=name&detail=true", 400),
        ("latest", "?type=bogus", 400),
        ("latest", "?type=classic", 200),
        ("latest", "?bogus=1", 400),
        ("1.29", "?type=dynamic", 406),
        ("1.29", "?detail=true", 406),
        ("1.76", "?fields=name", 406),
    ] {
        let reply = service.call(version, "GET", &format!("/v1/drivers{path}"), None).await?;
        assert_eq!(reply.status, status, "{version} {path}: {reply:?}");
    }
    assert_eq!(service.get("/v1/drivers?type=classic").await?.json["drivers"], json!([]));
    Ok(())
}
