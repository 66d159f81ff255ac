//! The fuzzer's targets without a fuzzer: each over the inputs that are kept for it, which include every one that ever broke
//! something. `.ci/fuzz` looks for more.

use std::collections::BTreeSet;
use std::panic::catch_unwind;
use std::path::PathBuf;

#[path = "../fuzz/targets/mod.rs"]
mod targets;

/// What is kept of a corpus: enough to begin with, little enough to be read by every run of the tests.
const MOST_FILES: usize = 120;
const MOST_BYTES: usize = 200 << 10;

fn fuzz_dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz")
}

/// The inputs that are kept for a target, by file name.
fn corpus(name: &str) -> Vec<(String, Vec<u8>)> {
    let dir = fuzz_dir().join("corpus").join(name);
    let entries = std::fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.expect("an entry").path();
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (format!("{name}/{}", path.file_name().unwrap_or_default().display()), bytes)
    };
    let mut all: Vec<_> = entries.map(read).collect();
    all.sort();
    all
}

/// Runs a target over its corpus; a panic's own message stands above in the output.
fn broken(name: &str) -> Vec<String> {
    let run = targets::ALL.iter().find(|(known, _)| *known == name).expect("a target of that name").1;
    corpus(name).into_iter().filter(|(_, bytes)| catch_unwind(|| run(bytes)).is_err()).map(|(file, _)| file).collect()
}

macro_rules! each {
    ($($name:ident)*) => {
        /// The targets that have a test here.
        const TESTED: &[&str] = &[$(stringify!($name)),*];
        $(
            #[test]
            fn $name() {
                assert_eq!(broken(stringify!($name)), [""; 0]);
            }
        )*
    };
}

each! { agent config config_drive dhcp dhcp_server image inspection patch rmcp rmcp_session tftp }

#[test]
fn every_target_is_built_by_the_fuzzer_has_a_small_corpus_and_is_tested_here() {
    let targets: BTreeSet<&str> = targets::ALL.iter().map(|(name, _)| *name).collect();
    assert_eq!(targets, TESTED.iter().copied().collect());
    let text = std::fs::read_to_string(fuzz_dir().join("Cargo.toml")).expect("the package");
    let package: toml::Table = text.parse().expect("TOML");
    let programs = package["bin"].as_array().expect("programs");
    let programs: BTreeSet<&str> = programs.iter().filter_map(|it| it["name"].as_str()).collect();
    assert_eq!(targets, programs);
    for name in targets {
        let program = std::fs::read_to_string(fuzz_dir().join(format!("bin/{name}.rs"))).expect("a program");
        assert!(program.contains(&format!("bessemer_fuzz::target!(\"{name}\");")), "{name}: {program}");
        let corpus = corpus(name);
        let bytes: usize = corpus.iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(
            (3..=MOST_FILES).contains(&corpus.len()) && bytes <= MOST_BYTES,
            "{name}: {} files, {bytes} bytes",
            corpus.len()
        );
    }
}
