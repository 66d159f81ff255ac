//! Every example runs, as it is, against the real program.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use bessemer::config::{Settings, Typed};

use crate::cli::Server;
use crate::lab::has_program;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// Runs an example so many times against a server of its own; what it printed.
fn run(example: &str, times: usize, args: &[&str]) -> anyhow::Result<String> {
    let dir = tempfile::tempdir()?;
    let (server, greeting) = Server::start(&dir, &["serve", "--listen", "127.0.0.1:0"])?;
    let url = greeting[0].rsplit(' ').next().context("no URL")?.trim_end_matches('/').to_owned();
    let mut printed = String::new();
    for _ in 0..times {
        let ran = Command::new(examples().join(example)).args(args).arg(&url).output()?;
        let (out, errors) = (String::from_utf8(ran.stdout)?, String::from_utf8(ran.stderr)?);
        anyhow::ensure!(ran.status.success(), "{example}: {out}{errors}");
        printed.push_str(&out);
    }
    drop(server);
    Ok(printed)
}

#[test]
fn a_machine_is_rented_with_curl() -> anyhow::Result<()> {
    if has_program("curl", "curl") {
        let printed = run("rent.sh", 2, &[])?;
        assert_eq!(
            printed.matches("allocated: active\nactive: active\ndeleted: available\ngone\n").count(),
            2,
            "{printed}"
        );
    }
    Ok(())
}

#[test]
fn an_inventory_is_enrolled_once() -> anyhow::Result<()> {
    if has_program("python3", "python3") {
        let dir = tempfile::tempdir()?;
        let csv = dir.path().join("machines.csv");
        let rows =
            "a1,ipmi,metal,52:54:00:00:00:01,10.0.0.1,admin,secret\na2,fake-hardware,metal,52:54:00:00:00:02,,,\n";
        std::fs::write(
            &csv,
            format!("name,driver,resource_class,mac,ipmi_address,ipmi_username,ipmi_password\n{rows}"),
        )?;
        let printed = run("inventory.py", 2, &[&csv.display().to_string()])?;
        assert_eq!(printed, "a1: enrolled\na2: enrolled\na1: known already\na2: known already\n");
    }
    Ok(())
}

#[test]
fn the_cli_leads_a_machine_through_its_life() -> anyhow::Result<()> {
    if has_program("baremetal", "python3-ironicclient") {
        run("cli.sh", 1, &[])?;
    }
    Ok(())
}

#[test]
fn every_configuration_in_examples_is_good() -> anyhow::Result<()> {
    let mut checked = 0;
    for entry in std::fs::read_dir(examples())? {
        let path = entry?.path();
        if path.extension().is_some_and(|ext| ext == "toml") {
            let typed = Typed::read(Some(&path), [], &[]).and_then(|typed| Settings::from_typed(&typed));
            typed.with_context(|| path.display().to_string())?;
            checked += 1;
        }
    }
    assert!(checked > 0);
    Ok(())
}
