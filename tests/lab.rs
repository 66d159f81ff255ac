//! The lab: real machines (QEMU), the real agent and a real BMC, provisioned by this build of the service.
//!
//! A test program of its own, because cargo runs those one after the other: an emulated machine takes a core for minutes, and
//! tests with deadlines of their own would suffer beside it. For the same reason the two tests here take turns.
//! `BESSEMER_LAB` asks for it (`full`: whole lives of both machines); without, both say why they did nothing.

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

static MACHINE: Mutex<()> = Mutex::new(());

/// A whole life takes four minutes on idle cores without KVM; the lab's own deadlines are nearer than this one.
const DEADLINE_SECS: &str = "2400";

fn run(arguments: &[&str]) {
    let Some(wish) = std::env::var_os("BESSEMER_LAB") else {
        eprintln!("skipped: the lab needs root, Debian's packages and minutes; BESSEMER_LAB=1 asks for it");
        return;
    };
    let _turn = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    let whole = wish == "full" && arguments.contains(&"deploy");
    let arguments = if whole { &arguments[..2] } else { arguments };
    let lab = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/lab/run");
    // Its progress goes straight to the terminal or the log: libtest captures what this process prints, not its children.
    let status = Command::new("timeout")
        .args(["--foreground", "--signal=TERM", "--kill-after=20", DEADLINE_SECS])
        .arg(lab)
        .args(arguments)
        .env("BESSEMER_BIN", env!("CARGO_BIN_EXE_bessemer"))
        .status()
        .expect("timeout (coreutils) runs");
    assert!(status.success(), "examples/lab/run {}: {status}; above is what it said", arguments.join(" "));
}

#[test]
fn a_bios_machine_lives_a_whole_life() {
    run(&["--firmware", "bios", "--phase", "life"]);
}

#[test]
fn a_uefi_machine_is_deployed_and_boots_its_image() {
    run(&["--firmware", "uefi", "--phase", "deploy"]);
}

#[test]
fn a_machine_is_serviced_rescued_and_back() {
    if std::env::var_os("BESSEMER_LAB").is_some_and(|wish| wish != "full") {
        eprintln!("skipped: it takes as long as a whole life; BESSEMER_LAB=full asks for it");
        return;
    }
    run(&["--firmware", "uefi", "--phase", "care"]);
}
