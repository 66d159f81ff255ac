//! Our simulated BMC against `ipmitool`, which knows nothing of us: an independent check of suites 17 and 3, and so of
//! our client, which shares the codec with the simulation.

use std::process::Output;

use bessemer::sim::bmc::{BootFlags, Personality, SimBmc};
use tokio::process::Command;

use super::{eventually, start};

async fn ipmitool(sim: &SimBmc, suite: &str, password: &str, command: &str) -> Output {
    Command::new("ipmitool")
        .args(["-I", "lanplus", "-C", suite, "-U", "admin", "-P", password, "-R", "2"])
        .args(["-H", &sim.addr().ip().to_string(), "-p", &sim.addr().port().to_string()])
        .args(command.split(' '))
        .output()
        .await
        .expect("ipmitool runs")
}

async fn says(sim: &SimBmc, suite: &str, command: &str) -> String {
    let output = ipmitool(sim, suite, "password", command).await;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command}: {said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

#[tokio::test]
async fn ipmitool_is_content_with_the_simulated_bmc() {
    if !crate::lab::has_program("ipmitool", "ipmitool") {
        return;
    }
    for suite in ["17", "3"] {
        let sim = start(Personality::default());
        assert!(says(&sim, suite, "chassis power status").await.contains("is off"));
        says(&sim, suite, "chassis power on").await;
        eventually("it was switched on", || sim.chassis().power().on).await;
        assert!(says(&sim, suite, "chassis power status").await.contains("is on"));
        says(&sim, suite, "chassis bootdev pxe options=efiboot").await;
        assert_eq!(sim.chassis().boot_flags(), Some(BootFlags { device: 1, persistent: false, efi: true }));
        assert!(says(&sim, suite, "chassis bootparam get 5").await.contains("Force PXE"));
        assert!(says(&sim, suite, "mc info").await.contains("IPMI Version              : 2.0"));
        assert!(says(&sim, suite, "sel info").await.contains("Entries          : 0"));
        let sensors = says(&sim, suite, "sdr").await;
        assert!(sensors.contains("Fan 1") && sensors.contains("4860 RPM"), "{sensors}");
        assert!(!ipmitool(&sim, suite, "wrong", "chassis power status").await.status.success());
        assert_eq!(sim.sessions(), 0, "ipmitool closes its sessions");
    }
}
