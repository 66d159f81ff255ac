//! Tests that need more than the toolchain say so here: they are skipped with a printed reason, unless
//! `BESSEMER_LAB` is set, which makes a missing need a failure.

/// Whether `program` is on the path; `package` is Debian's name of what brings it.
pub fn has_program(program: &str, package: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|dir| dir.join(program).is_file());
    if !found {
        need(&format!("{program} is not installed (Debian package {package})"));
    }
    found
}

/// Reports an unmet need.
pub fn need(what: &str) {
    assert!(std::env::var_os("BESSEMER_LAB").is_none(), "BESSEMER_LAB is set, but {what}");
    eprintln!("skipped: {what}");
}
