//! Imports point down only.

use crate::source::{self, Source};

/// Everybody may use these.
const SEAMS: &[&str] = &["blocking", "clock", "net", "random", "disk", "telemetry", "trace"];

/// Who may know whom. A longer path on the left allows more to one corner of a part, one on the right allows only that
/// much of the other part.
#[rustfmt::skip]
const ARROWS: &[(&str, &[&str])] = &[
    ("main",      &["cli"]),
    ("lib",       &[]),
    ("cli",       &["app", "config"]),
    ("cli::check", &["store::Help", "store::check"]),
    ("cli::demo", &["sim"]),
    ("cli::reference", &["api::surface"]),
    ("app",       &["api", "bmc", "config", "driver", "engine", "image", "pxe", "service", "store"]),
    ("config",    &["wire"]),
    // Front doors: bytes to intents.
    ("api",       &["service", "engine", "store", "driver::catalog", "driver::traits", "driver::DriverError", "driver::VendorMethod", "provision", "model", "wire"]),
    ("pxe",       &["service", "store", "model", "wire"]),
    // Does, slowly.
    ("engine",    &["service", "driver", "store", "provision", "model"]),
    // Decides, in one transaction.
    ("service",   &["store", "provision", "driver::catalog", "driver::DriverError", "model", "wire"]),
    // Hardware and rows.
    ("driver",    &["bmc", "image", "wire", "provision", "model"]),
    ("store",     &["provision", "model"]),
    ("bmc",       &["wire"]),
    ("image",     &["wire"]),
    ("provision", &["model"]),
    ("model",     &[]),
    ("wire",      &[]),
    // The outside world in software shares codecs with the product, and nothing else.
    ("sim",       &["wire"]),
    ("clock",     &[]),
    ("blocking",  &[]),
    ("net",       &["clock"]),
    ("random",    &[]),
    ("disk",      &[]),
    ("telemetry", &[]),
    ("trace",     &["wire"]),
];

/// Where a file stands: its module, or the name of the crate's root file.
fn place(source: &Source) -> Vec<String> {
    let module = source.module();
    if module.is_empty() { vec![source.name.trim_end_matches(".rs").to_owned()] } else { module }
}

/// What a written path means, from the crate's root; `None` if it leads out of the crate or stays in its module.
fn target(source: &Source, written: &[String]) -> Option<Vec<String>> {
    let mut base = source.module();
    let mut rest = written;
    match written.first().map(String::as_str) {
        Some("crate" | "bessemer") => {
            base.clear();
            rest = &rest[1..];
        }
        Some("super") => {
            while rest.first().is_some_and(|it| it == "super") {
                base.pop();
                rest = &rest[1..];
            }
        }
        _ => return None,
    }
    base.extend(rest.iter().cloned());
    Some(base)
}

fn allowed(from: &[String], to: &[String]) -> bool {
    let Some(first) = to.first() else { return true };
    if from.first() == Some(first) || SEAMS.contains(&&**first) || first.starts_with(char::is_uppercase) {
        return true;
    }
    let below = |path: &[String], prefix: &str| {
        let prefix: Vec<&str> = prefix.split("::").collect();
        path.len() >= prefix.len() && path[..prefix.len()] == prefix
    };
    ARROWS.iter().filter(|(name, _)| below(from, name)).any(|(_, arrows)| arrows.iter().any(|arrow| below(to, arrow)))
}

#[test]
fn imports_point_down_only() {
    let mut found = vec![];
    for source in source::all() {
        let from = place(&source);
        for mention in source::paths(&source.tokens) {
            if let Some(to) = target(&source, &mention.path)
                && !allowed(&from, &to)
            {
                found.push(format!("src/{}:{}: {} may not know {}", source.name, mention.line, from[0], to.join("::")));
            }
        }
    }
    crate::none(found);
}

#[test]
fn every_part_of_the_source_stands_in_the_table() {
    let parts = source::all().iter().map(|it| place(it)[0].clone()).collect::<std::collections::BTreeSet<_>>();
    crate::none(parts.into_iter().filter(|it| !ARROWS.iter().any(|(name, _)| name == it)).collect());
}

#[test]
fn a_wrong_arrow_is_seen_however_it_is_written() {
    let written = [
        "use crate::api::Fault;",
        "use crate::{clock, api::Fault};",
        "fn f() { crate::api::serve() }",
        "fn f() { log!(\"{}\", super::super::api::NAME) }",
        "use bessemer::api;",
    ];
    for text in written {
        let tokens = text.parse::<proc_macro2::TokenStream>().map(|it| it.into_iter().collect()).unwrap_or_default();
        let source = Source { name: "store/nodes.rs".to_owned(), text: text.to_owned(), tokens };
        let targets = source::paths(&source.tokens).into_iter().filter_map(|it| target(&source, &it.path));
        let wrong = targets.filter(|to| !allowed(&["store".to_owned()], to)).count();
        assert_eq!(wrong, 1, "{text}");
    }
}
