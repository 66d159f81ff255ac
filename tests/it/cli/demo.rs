//! The demonstration, which is the whole service against the whole simulated rack: if this passes, everything meets.

use super::bessemer;

#[test]
fn the_demonstration_proves_what_it_says_and_leaves_nothing_behind() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let mut command = bessemer(&dir, &["demo", "--machines", "3"]);
    let output = command.env("TMPDIR", dir.path()).output()?;
    let (said, errors) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
    assert!(output.status.success(), "{said}\n{errors}");
    for proof in [
        "all 3 enrolled and verified over IPMI",
        "the BMC knows the user name, but the password is wrong",
        "all 3 inspected by the agent",
        "all 3 deployed, and running the image",
        "all 3 taken back, cleaned and available again",
        "Proved in",
        "3 allocations found 3 different machines",
    ] {
        assert!(said.contains(proof), "it did not say {proof:?}:\n{said}\n{errors}");
    }
    assert_eq!(std::fs::read_dir(&dir)?.count(), 0, "files were left behind");
    Ok(())
}
