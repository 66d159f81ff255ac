//! A configuration file, and variables behind a zero byte: `NAME=VALUE`, one a line.
//!
//! Oracles: a refusal is at least one sentence, and each names the file, the variable or the key; what was accepted can be printed,
//! read again, and means the same.

use bessemer::config::{KEYS, Settings, Typed, print};

const FILE: &str = "bessemer.toml";

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (file, variables) = text.split_once('\0').unwrap_or((text, ""));
    let variables: Vec<(String, String)> = variables
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut typed = Typed::default();
    if let Err(problems) = typed.add_file(FILE, file) {
        assert!(!problems.0.is_empty() && problems.0.iter().all(|it| it.starts_with(FILE)), "{problems}");
        return;
    }
    typed.add_environment(variables);
    match Settings::from_typed(&typed) {
        Err(problems) => {
            assert!(!problems.0.is_empty());
            for problem in &problems.0 {
                assert!(names_its_place(problem), "{problem}");
            }
        }
        Ok(settings) => means_the_same_when_printed(&typed, &settings),
    }
}

/// `bessemer.toml: …`, `BESSEMER_X=…`, `key = …`, `key is missing`, `key."entry"`.
fn names_its_place(problem: &str) -> bool {
    let key = KEYS.iter().any(|key| {
        let rest = problem.strip_prefix(key.path);
        let variable = problem.strip_prefix(&format!("{}=", key.variable()));
        rest.is_some_and(|rest| [" = ", " is missing: ", ".\""].iter().any(|it| rest.starts_with(it)))
            || variable.is_some()
    });
    key || problem.strip_prefix(FILE).is_some_and(|rest| rest.starts_with(": ") && rest.len() > 10)
}

fn means_the_same_when_printed(typed: &Typed, settings: &Settings) {
    let printed = print::render(typed);
    let mut again = Typed::default();
    if let Err(problems) = again.add_file(FILE, &printed) {
        panic!("{problems}\n{printed}");
    }
    match Settings::from_typed(&again) {
        Ok(again) => assert_eq!(format!("{again:?}"), format!("{settings:?}")),
        Err(problems) => panic!("{problems}\n{printed}"),
    }
}
