//! What a whole configuration comes to.

use bessemer::config::Problems;
use bessemer::config::settings::{Auth, DhcpAt, Unknown};

use super::settings;

const LAB: &str = r#"
db = "lab.sqlite"
listen = "127.0.0.1:6385"
automated_clean = true
[auth]
strategy = "http_basic"
htpasswd = "users"
[provisioning]
listen = "10.77.0.1:8080"
[dhcp]
interface = "br0"
pool = "10.77.0.100-10.77.0.199"
unknown = "lease"
dns = ["10.77.0.1"]
[images]
roots = ["/srv/images"]
[deploy]
kernel = "/srv/images/ipa.kernel"
[clean]
erase_devices_metadata_priority = 0
"#;

#[test]
fn a_whole_file_means_what_it_says() -> Result<(), Problems> {
    let got = settings(LAB, &[], &[])?;
    assert_eq!(got.auth, Auth::Basic { htpasswd: "users".into() });
    assert_eq!(got.provisioning.as_ref().map(|it| it.url.as_str()), Some("http://10.77.0.1:8080"));
    let Some(dhcp) = got.dhcp else { panic!("DHCP is off") };
    assert_eq!(dhcp.at, DhcpAt::Interface("br0".to_owned()));
    assert_eq!((dhcp.pool.0.octets()[3], dhcp.pool.1.octets()[3]), (100, 199));
    assert_eq!((dhcp.unknown, dhcp.lease.as_secs(), dhcp.tftp_port), (Unknown::Lease, 3600, 69));
    assert_eq!(got.images.cache_dir.to_str(), Some("lab.images"));
    assert_eq!(got.deploy.clean_step_priorities[1], ("erase_devices_metadata".to_owned(), 0));
    Ok(())
}

#[test]
fn a_url_has_no_slash_at_its_end() -> Result<(), Problems> {
    let file = "[provisioning]\nlisten = \"0.0.0.0:8080\"\nurl = \"https://boot.example:8443/\"\n";
    let got = settings(file, &[], &[])?;
    assert_eq!(got.provisioning.map(|it| it.url).as_deref(), Some("https://boot.example:8443"));
    Ok(())
}
