//! Seams, sizes, versions, and what may not be left behind.

use crate::source::{self, Mention, Source};

/// A path that only some files may mention, and why.
struct Ban {
    /// Whether a path is meant.
    path: &'static [&'static str],
    only_in: &'static [&'static str],
    why: &'static str,
}

#[rustfmt::skip]
const BANS: &[Ban] = &[
    Ban { path: &["std::net::TcpListener", "std::net::TcpStream", "std::net::UdpSocket", "std::net::ToSocketAddrs", "tokio::net", "socket2", "nix::sys::socket", "std::os::unix::net"],
          only_in: &["net/"], why: "sockets come from crate::net" },
    Ban { path: &["rand", "getrandom"], only_in: &["random.rs"], why: "chance comes from crate::random" },
    Ban { path: &["Instant::now", "SystemTime::now", "Timestamp::now", "Zoned::now", "Uuid::new_v4", "Uuid::now_v7"],
          only_in: &["clock.rs", "random.rs"], why: "time comes from crate::clock, ids from crate::random" },
    Ban { path: &["tokio::task::spawn_blocking", "tokio::fs"], only_in: &["blocking.rs"], why: "what blocks goes through crate::blocking" },
    Ban { path: &["rusqlite"], only_in: &["store/"], why: "SQL stays in store" },
    Ban { path: &["tokio::spawn", "std::thread::spawn", "tokio::task::spawn_local"], only_in: &[], why: "background work belongs to a JoinSet or TaskTracker that somebody waits for" },
    Ban { path: &["std::process::Command", "tokio::process"], only_in: &[], why: "no tool is spawned" },
];

/// Whether a written path has the banned one in it, from its start or from any later segment for a bare pair.
fn mentions(mention: &Mention, banned: &str) -> bool {
    let banned: Vec<&str> = banned.split("::").collect();
    let starts_with_type = banned[0].starts_with(char::is_uppercase);
    if starts_with_type {
        mention.path.windows(banned.len()).any(|window| window == banned)
    } else {
        mention.path.len() >= banned.len() && mention.path[..banned.len()] == banned
    }
}

#[test]
fn the_outside_world_enters_through_the_seams() {
    let mut found = vec![];
    for source in source::all() {
        for mention in source::paths(&source.tokens) {
            for ban in BANS.iter().filter(|ban| !source.is_in(ban.only_in)) {
                if ban.path.iter().any(|path| mentions(&mention, path)) {
                    found.push(format!(
                        "src/{}:{}: {}: {}",
                        source.name,
                        mention.line,
                        mention.path.join("::"),
                        ban.why
                    ));
                }
            }
        }
    }
    crate::none(found);
}

#[test]
fn nothing_unfinished_and_nothing_that_may_panic_is_left_behind() {
    const BANNED: &[&str] = &["todo!", "unimplemented!", "dbg!", ".unwrap", ".expect", ".unwrap_err", ".expect_err"];
    let mut found = vec![];
    // A simulated world may fall over: nothing that matters is in it.
    for source in source::all().iter().filter(|source| !source.is_in(&["sim/"])) {
        let calls = source::calls(&source.tokens).into_iter().filter(|(name, _)| BANNED.contains(&name.as_str()));
        found.extend(calls.map(|(name, line)| format!("src/{}:{line}: {name}", source.name)));
    }
    crate::none(found);
}

/// Which branch is looked at first is otherwise drawn from a source of chance that no seed reaches, so that a simulated
/// run could not be repeated.
#[test]
fn every_select_says_in_which_order_it_looks() {
    let mut found = vec![];
    for source in source::all() {
        for (line, first) in source::arguments(&source.tokens, "select") {
            if first.as_deref() != Some("biased") {
                found.push(format!("src/{}:{line}: select! without biased", source.name));
            }
        }
    }
    crate::none(found);
}

/// Lines at most, unless the file is a flat table.
const LINES: usize = 500;
const TABLES: &[&str] = &[];

#[test]
fn no_file_is_too_long_to_read() {
    let long = |source: &&Source| source.text.lines().count() > LINES && !TABLES.contains(&&*source.name);
    let all = source::all();
    crate::none(
        all.iter().filter(long).map(|it| format!("src/{}: {} lines", it.name, it.text.lines().count())).collect(),
    );
}

/// API versions are data: `Version::v(80)`, or any other literal next to a version, stands in the tables alone.
#[test]
fn version_numbers_stand_in_the_surface_tables_alone() {
    let mut found = vec![];
    for source in source::all().iter().filter(|source| source.is_in(&["api/"]) && !source.is_in(&["api/surface/"])) {
        for (number, line) in source.text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if code.contains("#[cfg(test)]") {
                break;
            }
            let compares = [
                "Version(",
                "v(",
                "minor() <",
                "minor() >",
                "minor() =",
                "version < ",
                "version > ",
                "version <=",
                "version >=",
            ];
            let literal = compares.iter().any(|it| {
                code.match_indices(it).any(|(at, _)| {
                    let before = code[..at].chars().next_back();
                    let after = code[at + it.len()..].trim_start().chars().next();
                    after.is_some_and(|c| c.is_ascii_digit())
                        && !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
                })
            });
            if literal {
                found.push(format!("src/{}:{}: {}", source.name, number + 1, line.trim()));
            }
        }
    }
    crate::none(found);
}
