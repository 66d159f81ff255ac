//! Every refusal names the key, the value, who gave it and what was expected.

use super::settings;

/// The sentences that a file is refused with.
fn refused(file: &str) -> String {
    settings(file, &[], &[]).err().map(|problems| problems.to_string()).unwrap_or_default()
}

/// DHCP that is right but for what a case adds.
fn network(dhcp: &str) -> String {
    format!("[provisioning]\nlisten = \"10.77.0.1:8080\"\n[dhcp]\ninterface = \"br0\"\n{dhcp}\n")
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_or_its_right_table() {
    let cases = [
        ("lissen = \"x\"", "bessemer.toml: there is no key lissen outside any table; the nearest is listen"),
        ("[dhcp]\ninterfce = \"br0\"", "bessemer.toml: there is no key interfce in [dhcp]; the nearest is interface"),
        ("[tftp]\npool = \"x\"", "bessemer.toml: there is no key pool in [tftp]; pool belongs in [dhcp]"),
        (
            "[dhcp]\nautomated_clean = true",
            "bessemer.toml: there is no key automated_clean in [dhcp]; automated_clean belongs above the first table",
        ),
        ("[dchp]\npool = \"x\"", "bessemer.toml: there is no table [dchp], the nearest is [dhcp]"),
        (
            "dhcp = true",
            "bessemer.toml: there is no key dhcp outside any table; write [dhcp] to open the table of that name",
        ),
        ("qqq = 1", "bessemer.toml: there is no key qqq outside any table"),
    ];
    for (file, expected) in cases {
        assert_eq!(refused(file), expected);
    }
}

#[test]
fn a_value_of_the_wrong_kind_is_refused_with_what_was_expected() {
    let cases = [
        ("db = 5", "bessemer.toml: db = 5: expected text that is not empty"),
        ("db = \"\"", "bessemer.toml: db = \"\": expected text that is not empty"),
        ("automated_clean = \"yes\"", "bessemer.toml: automated_clean = \"yes\": expected true or false"),
        ("[tftp]\nport = 70000", "bessemer.toml: tftp.port = 70000: expected a whole number from 1 to 65535"),
        (
            "[auth]\nstrategy = \"keystone\"",
            "bessemer.toml: auth.strategy = \"keystone\": expected \"noauth\" or \"http_basic\"",
        ),
        ("[images]\nroots = [1]", "bessemer.toml: images.roots = [1]: expected a list of texts"),
        (
            "[images]\ncache_bytes = 5",
            "bessemer.toml: images.cache_bytes = 5: expected a whole number of at least 1048576",
        ),
        (
            "listen = \"localhost\"",
            "listen = \"localhost\" (from bessemer.toml): expected ADDRESS:PORT, such as 127.0.0.1:6385 or [::1]:6385",
        ),
        ("[images]\nroots = [\"here\"]", "images.roots = [\"here\"] (from bessemer.toml): expected absolute paths"),
    ];
    for (file, expected) in cases {
        assert_eq!(refused(file), expected);
    }
}

#[test]
fn a_variable_and_a_flag_are_named_as_they_were_typed() {
    let variable = settings("", &[("BESSEMER_TFTP_PORT", "many")], &[]).err().map(|it| it.to_string());
    assert_eq!(variable.as_deref(), Some("BESSEMER_TFTP_PORT=many: expected a whole number from 1 to 65535"));
    let flag =
        settings("", &[], &[(bessemer::config::keys::LISTEN, "--listen", "here")]).err().map(|it| it.to_string());
    let expected = "listen = \"here\" (from --listen): expected ADDRESS:PORT, such as 127.0.0.1:6385 or [::1]:6385";
    assert_eq!(flag.as_deref(), Some(expected));
}

#[test]
fn a_variable_that_only_looks_like_a_setting_is_noted_and_not_refused() -> Result<(), bessemer::config::Problems> {
    let typed = super::typed("", &[("BESSEMER_LISTN", "x"), ("BESSEMER_LAB", "1"), ("HOME", "/")], &[])?;
    assert_eq!(
        typed.notes,
        ["the variable BESSEMER_LISTN is no setting and was ignored; the nearest is BESSEMER_LISTEN"]
    );
    Ok(())
}

#[test]
fn no_authentication_beyond_loopback_must_be_meant() {
    let refusal = refused("listen = \"0.0.0.0:6385\"");
    assert!(
        refusal.starts_with("listen = \"0.0.0.0:6385\" (from bessemer.toml): expected a loopback address"),
        "{refusal}"
    );
    for allowed in [
        "listen = \"0.0.0.0:6385\"\n[auth]\nallow_noauth = true",
        "listen = \"0.0.0.0:6385\"\n[auth]\nstrategy = \"http_basic\"\nhtpasswd = \"users\"",
        "listen = \"[::1]:6385\"",
    ] {
        assert_eq!(refused(allowed), "", "{allowed}");
    }
    assert!(refused("[auth]\nstrategy = \"http_basic\"").contains("auth.htpasswd"));
}

#[test]
fn a_pool_lies_in_one_network_and_leaves_the_server_alone() {
    let good = network("pool = \"10.77.0.100-10.77.0.199\"");
    assert_eq!(refused(&good), "");
    let cases = [
        ("pool = \"10.77.0.100\"", "FIRST-LAST, such as"),
        ("pool = \"10.77.0.9-10.77.0.5\"", "the lower address first"),
        ("pool = \"10.77.0.5-10.78.0.5\"", "two addresses of one network (/16)"),
        ("pool = \"10.77.0.5-10.77.1.5\"\nnetmask = \"255.255.255.0\"", "two addresses of one network (/24)"),
        ("pool = \"10.77.0.1-10.77.0.5\"", "a pool without the server's own address 10.77.0.1"),
        ("pool = \"10.77.0.5-10.77.0.9\"\nnetmask = \"255.0.255.0\"", "a netmask from 255.255.0.0 to 255.255.255.252"),
        ("pool = \"10.77.0.5-10.77.0.9\"\nlisten = \"127.0.0.1:6767\"", "nothing, because dhcp.interface is given too"),
        ("pool = \"10.77.0.5-10.77.0.9\"\ndns = [\"ns.example\"]", "IPv4 addresses"),
        ("", "dhcp.pool is missing"),
    ];
    for (dhcp, expected) in cases {
        let refusal = refused(&network(dhcp));
        assert!(refusal.contains(expected), "{dhcp}: {refusal}");
    }
}

#[test]
fn a_reservation_is_one_card_s_own_address_in_the_network() {
    let file = |entries: &str| {
        let dhcp = "pool = \"10.77.0.100-10.77.0.199\"\nnetmask = \"255.255.255.0\"\ngateway = \"10.77.0.254\"\n";
        network(&format!("{dhcp}[dhcp.reservations]\n{entries}"))
    };
    let good =
        "\"52:54:00:00:00:01\" = \"10.77.0.5\"\n\"52-54-00-00-00-02\" = { address = \"10.77.0.150\", name = \"web1\" }";
    assert_eq!(refused(&file(good)), "");
    let cases = [
        ("\"52:54:00:00:00:01\" = \"10.78.0.5\"", "an address of the pool's network 10.77.0.0/24, not 10.78.0.5"),
        ("\"52:54:00:00:00:01\" = \"10.77.0.255\"", "an address that is neither the network's first nor its last"),
        ("\"52:54:00:00:00:01\" = \"10.77.0.1\"", "another address than the server's own 10.77.0.1"),
        ("\"52:54:00:00:00:01\" = \"10.77.0.254\"", "another address than dhcp.gateway, not 10.77.0.254"),
        (
            "\"52:54:00:00:00:0a\" = \"10.77.0.5\"\n\"52-54-00-00-00-0A\" = \"10.77.0.6\"",
            "one entry for 52:54:00:00:00:0a",
        ),
        (
            "\"52:54:00:00:00:01\" = \"10.77.0.5\"\n\"52:54:00:00:00:02\" = \"10.77.0.5\"",
            "an address of its own, not 10.77.0.5, which is 52:54:00:00:00:01's",
        ),
        ("\"web1\" = \"10.77.0.5\"", "dhcp.reservations.\"web1\" (from bessemer.toml): expected a MAC address before"),
        ("\"01:00:5e:00:00:01\" = \"10.77.0.5\"", "the MAC address of one card"),
        ("\"52:54:00:00:00:01\" = \"web1\"", "an IPv4 address, or { address ="),
        ("\"52:54:00:00:00:01\" = { name = \"web1\" }", "an IPv4 address, or { address ="),
        ("\"52:54:00:00:00:01\" = { address = \"10.77.0.5\", name = \"a b\" }", "a name of letters, digits, hyphens"),
        (
            "\"52:54:00:00:00:01\" = { address = \"10.77.0.5\", mtu = \"9\" }",
            "address and name and nothing else, not mtu",
        ),
        ("\"52:54:00:00:00:01\" = 5", "expected a table of texts, or of tables of texts"),
    ];
    for (entries, expected) in cases {
        let refusal = refused(&file(entries));
        assert!(refusal.contains(expected) && refusal.lines().count() == 1, "{entries}: {refusal}");
    }
    let alone = "[dhcp]\nreservations = { \"52:54:00:00:00:01\" = \"10.77.0.5\" }";
    assert!(refused(alone).contains("dhcp.interface beside it, without which DHCP is off"));
}

#[test]
fn half_a_network_is_refused_rather_than_silently_off() {
    let cases = [
        ("[dhcp]\npool = \"10.0.0.5-10.0.0.9\"", "dhcp.interface beside it, without which DHCP is off"),
        ("[dhcp]\ninterface = \"br0\"\npool = \"10.0.0.5-10.0.0.9\"", "provisioning.listen is missing"),
        ("[provisioning]\nurl = \"http://10.0.0.1\"", "provisioning.listen beside it"),
        ("[provisioning]\nlisten = \"0.0.0.0:8080\"", "machines cannot be sent to an address that means any"),
        ("[provisioning]\nlisten = \"127.0.0.1:6385\"", "another address or port than the admin API's"),
        ("[provisioning]\nlisten = \"10.0.0.1:80\"\nurl = \"ten\"", "a URL, such as"),
        ("[dhcp]\nlisten = \"10.0.0.1:67\"\npool = \"10.0.0.5-10.0.0.9\"", "a loopback address (127.x.y.z:PORT)"),
    ];
    for (file, expected) in cases {
        let refusal = refused(file);
        assert!(refusal.contains(expected), "{file}: {refusal}");
    }
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let refusal = refused("listen = \"x\"\nlissen = 1\n[tftp]\nport = 0\n");
    assert_eq!(refusal.lines().count(), 3, "{refusal}");
}

#[test]
fn broken_toml_is_named_by_its_line() {
    assert_eq!(refused("db = \"a\nlisten = 3").split(": ").nth(1), Some("TOML parse error at line 1, column 8"));
}
