//! The whole API as text for people, from the same tables that route requests and shape answers.

use std::fmt::Write as _;

use super::field::{Field, Noun, Write};
use super::history::{HISTORY, Version};
use super::params::Param;
use super::quirks::Quirk;
use super::route::{Gives, Reach, Route, Takes, TooOld};
use super::routes::ROUTES;
use super::verbs::{LATE_ABORTS, POWER_TARGETS, VERBS};

/// The reference, ready to be printed.
pub fn text() -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "The API at versions {} to {}.", Version::MIN, Version::MAX);
    let _ =
        writeln!(out, "A number after a name is the version that brought it; none means the first.\n\nPaths\n=====");
    ROUTES.iter().for_each(|route| path(&mut out, route));
    let _ = writeln!(out, "\nObjects\n=======");
    nouns().iter().for_each(|noun| object(&mut out, noun));
    words(&mut out);
    let _ = writeln!(out, "\nVersions\n========");
    for row in HISTORY {
        let about = if row.about.is_empty() { String::new() } else { format!(": {}", row.about) };
        let _ = writeln!(out, "{:<6} {}{about}", row.version.to_string(), row.name);
    }
    out
}

/// Every noun that a row names, in the order in which it is named first.
pub fn nouns() -> Vec<&'static Noun> {
    let mut found: Vec<&'static Noun> = Vec::new();
    for route in ROUTES {
        if let Gives::One(noun) | Gives::New(noun) | Gives::Page(noun) = route.gives
            && !found.iter().any(|known| std::ptr::eq(*known, noun))
        {
            found.push(noun);
        }
    }
    found
}

fn path(out: &mut String, route: &Route) {
    let _ = write!(out, "\n{:<6} {}", route.method.as_str(), route.path);
    if route.since > Version::MIN {
        let _ = write!(out, "  {}{}", route.since, before(route.too_old));
    }
    out.push_str(match route.reach {
        Reach::Admin => "\n",
        Reach::Open => "  (without authentication)\n",
        Reach::Public => "  (without authentication, also for machines)\n",
    });
    let query: Vec<_> = route.query.iter().copied().flatten().collect();
    if !query.is_empty() {
        let _ =
            writeln!(out, "    query:  {}", query.iter().map(|param| parameter(param)).collect::<Vec<_>>().join(", "));
    }
    let list = |params: &[Param]| params.iter().map(parameter).collect::<Vec<_>>().join(", ");
    let body = match route.takes {
        Takes::Nothing => None,
        Takes::New(noun, []) => Some(format!("a new {}", noun.name)),
        Takes::New(noun, more) => Some(format!("a new {}, with {}", noun.name, list(more))),
        Takes::Patch(noun) => Some(format!("a patch of a {}", noun.name)),
        Takes::Arguments(params) => Some(format!("{{{}}}", list(params))),
        Takes::Free(schema) => Some(schema.word()),
    };
    if let Some(body) = body {
        let _ = writeln!(out, "    body:   {body}");
    }
    let answer = match route.gives {
        Gives::Nothing => "204".to_owned(),
        Gives::Accepted => "202".to_owned(),
        Gives::One(noun) => format!("200 {}", noun.name),
        Gives::New(noun) => format!("201 {}", noun.name),
        Gives::Page(noun) => format!("200 a list of {}: {}", noun.name, noun.collection),
        Gives::Document(schema) => format!("200 {}", schema.word()),
        Gives::AcceptedDocument(schema) => format!("202 {}", schema.word()),
        Gives::Foreign => "200 what the method gives, or 202".to_owned(),
        Gives::Refusal => "always refused".to_owned(),
    };
    let _ = writeln!(out, "    answer: {answer}");
}

fn before(too_old: TooOld) -> String {
    too_old.status().map_or_else(|| " (judged by the request)".to_owned(), |status| format!(" ({status} before)"))
}

fn parameter(param: &Param) -> String {
    let since = if param.since > Version::MIN { format!(" {}", param.since) } else { String::new() };
    let refused = if param.too_old == TooOld::NotAcceptable { String::new() } else { before(param.too_old) };
    format!("{}{}{since}{refused}: {}", param.name, if param.required { "!" } else { "" }, param.schema.word())
}

fn object(out: &mut String, noun: &Noun) {
    let listed = if noun.listed.is_empty() { "everything".to_owned() } else { noun.listed.join(", ") };
    let _ = writeln!(out, "\n{} ({})\n    lists show {listed}", noun.name, noun.collection);
    noun.fields.iter().for_each(|it| field(out, it));
}

fn field(out: &mut String, field: &Field) {
    let written = match field.write {
        Write::Never => "",
        Write::Create => " create",
        Write::Patch => " patch",
        Write::Always => " create patch",
    };
    let sorted = if field.sortable { " sort" } else { "" };
    let about = format!("{}{written}{sorted}", field.schema.word());
    let _ = writeln!(out, "    {:<32} {:<6} {about}", field.name, field.since.to_string());
}

fn words(out: &mut String) {
    let _ = writeln!(out, "\nProvisioning verbs\n==================");
    for verb in VERBS {
        let order = if verb.first { "" } else { "  judged after the state" };
        let _ = writeln!(out, "{:<12} {}{order}", verb.target, verb.since);
    }
    for (state, since) in LATE_ABORTS {
        let _ = writeln!(out, "{:<12} {since}  in state {state}", "abort");
    }
    let _ = writeln!(out, "\nPower targets\n=============");
    for (target, since) in POWER_TARGETS {
        let _ = writeln!(out, "{:<16} {since}", target.as_str());
    }
    let _ = writeln!(out, "\nChanges of behaviour\n====================");
    for (quirk, since) in Quirk::ALL {
        let _ = writeln!(out, "{since:<6} {quirk:?}");
    }
}
