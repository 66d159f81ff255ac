//! What a whole configuration comes to.

use bessemer::config::settings::{Auth, DhcpAt, Reservation, Unknown};
use bessemer::config::{Problems, Settings};

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
fn reservations_are_read_from_a_table_and_from_a_variable() -> Result<(), Problems> {
    let file =
        format!("{LAB}\n[dhcp.reservations]\n\"52:54:00:AA:00:01\" = {{ address = \"10.77.0.5\", name = \"web1\" }}\n");
    let of = |got: Settings| got.dhcp.map(|it| it.reservations).unwrap_or_default();
    let shown = |all: Vec<Reservation>| {
        all.iter().map(|it| format!("{} {} {:?}", it.mac, it.address, it.name)).collect::<Vec<_>>()
    };
    assert_eq!(shown(of(settings(&file, &[], &[])?)), ["52:54:00:aa:00:01 10.77.0.5 Some(\"web1\")"]);
    let variable = [("BESSEMER_DHCP_RESERVATIONS", "52:54:00:aa:00:02=10.77.0.6, 52:54:00:aa:00:03=10.77.0.107")];
    let got = shown(of(settings(&file, &variable, &[])?));
    assert_eq!(got, ["52:54:00:aa:00:02 10.77.0.6 None", "52:54:00:aa:00:03 10.77.0.107 None"]);
    Ok(())
}

#[test]
fn a_url_has_no_slash_at_its_end() -> Result<(), Problems> {
    let file = "[provisioning]\nlisten = \"0.0.0.0:8080\"\nurl = \"https://boot.example:8443/\"\n";
    let got = settings(file, &[], &[])?;
    assert_eq!(got.provisioning.map(|it| it.url).as_deref(), Some("https://boot.example:8443"));
    Ok(())
}

#[test]
fn blocks_of_addresses_are_read_and_what_is_none_is_refused() -> Result<(), Problems> {
    let got = settings(LAB, &[("BESSEMER_PROVISIONING_AGENT_NETWORKS", "10.0.0.0/8, 2001:db8::/32")], &[])?;
    assert_eq!((got.agent_networks.len(), got.images.local_networks.len()), (2, 0));
    for (file, key) in [
        ("[provisioning]\nagent_networks = [\"10.0.0.0/33\"]", "provisioning.agent_networks"),
        ("[images]\nlocal_networks = [\"localhost\"]", "images.local_networks"),
    ] {
        let refused = settings(file, &[], &[]).map(|_| ()).map_err(|problems| problems.to_string());
        assert!(refused.as_ref().is_err_and(|why| why.contains(key)), "{refused:?}");
    }
    Ok(())
}
