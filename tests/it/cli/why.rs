//! `bessemer why` as its user meets it.

use bessemer::clock::Clock;
use bessemer::net::{Net, http};
use serde_json::{Value, json};

use super::{Server, bessemer};

/// A request to the service's API.
fn api(method: &str, url: &str, body: Value) -> anyhow::Result<Value> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut request = http::Request::new(method.parse()?, http::Url::parse(url)?);
        if !body.is_null() {
            request.body = body.to_string().into();
        }
        request.headers.insert("x-openstack-ironic-api-version", "latest".parse()?);
        let response = http::Client::new(Net::system(), Clock::system()).send(request).await?;
        Ok(serde_json::from_slice(&response.bytes().await?).unwrap_or_default())
    })
}

#[test]
fn it_prints_the_answer_for_a_person_and_its_exit_code_is_for_scripts() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let (_server, greeting) = Server::start(&dir, &["serve", "--listen", "127.0.0.1:0"])?;
    let at = greeting.first().and_then(|line| line.split_whitespace().last()).unwrap_or_default().to_owned();
    let why = |args: &[&str]| -> anyhow::Result<(Option<i32>, String, String)> {
        let mut command = bessemer(&dir, &[&["why"], args].concat());
        let ran = command.env("OS_ENDPOINT", &at).output()?;
        Ok((ran.status.code(), String::from_utf8(ran.stdout)?, String::from_utf8(ran.stderr)?))
    };
    let (code, out, errors) = why(&["m1"])?;
    assert!(code == Some(1) && out.is_empty() && errors.contains("Node m1 could not be found"), "{errors}");
    // A port at which no BMC answers.
    let unused = std::net::UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port();
    let info =
        json!({"ipmi_address": "127.0.0.1", "ipmi_port": unused, "ipmi_username": "a", "ipmi_password": "s3cret"});
    let made = api("POST", &format!("{at}v1/nodes"), json!({"driver": "ipmi", "name": "m1", "driver_info": info}))?;
    let (code, out, errors) = why(&["m1"])?;
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
    assert!(
        out.starts_with("m1  at rest · enroll\n") && out.contains("\nyou can    - baremetal node manage m1\n"),
        "{out}"
    );
    assert!(!out.contains('\x1b'), "no colour for a pipe");
    let (code, out, _) = why(&["m1", "--json"])?;
    assert_eq!((code, serde_json::from_str::<Value>(&out)?["node"].clone()), (Some(0), made["uuid"].clone()));
    api("PUT", &format!("{at}v1/nodes/m1/states/provision"), json!({"target": "manage"}))?;
    let mut last = why(&["m1"])?;
    for _ in 0..600 {
        if last.1.contains("failed · enroll") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
        last = why(&["m1"])?;
    }
    let (code, out, _) = last;
    assert_eq!(code, Some(3), "{out}");
    let flat = out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("driver_info/ipmi_address") && flat.contains("cannot be reached"), "{out}");
    assert!(!out.contains("s3cret"));
    // Nobody listens there.
    let (code, out, errors) = why(&["m1", "--url", &format!("http://127.0.0.1:{unused}")])?;
    assert!(code == Some(1) && out.is_empty() && errors.contains("is it running?"), "{errors}");
    Ok(())
}
