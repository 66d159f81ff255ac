//! `/v1/conductors`.

use serde_json::json;

use super::service::{Outcome, Service};

#[tokio::test]
async fn this_process_is_the_one_conductor_and_alive() -> Outcome {
    let service = Service::start().await?;
    let list = service.get("/v1/conductors").await?;
    assert_eq!(list.column("conductors", "hostname"), [json!("here")]);
    assert_eq!(list.json["conductors"][0]["alive"], true);
    let one = service.get("/v1/conductors/here").await?;
    assert_eq!(one.json["drivers"], json!(["fake-hardware", "ipmi", "manual-management", "redfish"]));
    let page = service.get("/v1/conductors?limit=1").await?;
    assert!(page.json["next"].as_str().is_some_and(|next| next.contains("marker=here")), "{page:?}");
    assert_eq!(service.get("/v1/conductors?marker=here").await?.json["conductors"], json!([]));
    for (version, path, status) in [
        ("latest", "/v1/conductors/elsewhere", 404),
        ("latest", "/v1/conductors?marker=elsewhere", 404),
        ("latest", "/v1/conductors?sort_key=bogus", 400),
        ("latest", "/v1/conductors?fields=bogus", 400),
        ("latest", "/v1/conductors?fields=alive&detail=true", 400),
        ("1.48", "/v1/conductors", 404),
    ] {
        assert_eq!(service.call(version, "GET", path, None).await?.status, status, "{version} {path}");
    }
    Ok(())
}
