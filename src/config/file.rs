//! What was typed: the file, the environment and the flags, each value with where it came from.

use std::collections::HashMap;
use std::path::Path;

use toml::{Table, Value};

use super::Problems;
use super::keys::{self, Fallback, KEYS, Key, Kind};

/// Variables that are nobody's setting but ours all the same.
const OTHER_VARIABLES: &[&str] = &["BESSEMER_CONFIG", "BESSEMER_LAB"];

/// A value and who gave it, as an error names it: the file, the variable or the flag.
#[derive(Clone, Debug)]
pub struct Given {
    pub value: Value,
    pub by: String,
}

/// The values that somebody typed, by key; well-formed each for itself. Also collects what is wrong with them.
#[derive(Debug, Default)]
pub struct Typed {
    given: HashMap<&'static str, Given>,
    pub(super) problems: Vec<String>,
    /// Things that are no error but worth telling, such as a variable that looks like a setting and is none.
    pub notes: Vec<String>,
}

impl Typed {
    /// Reads all three sources; a later one overrides an earlier: file, environment, flags (`(key, flag's name, text)`).
    ///
    /// Errors: the file cannot be read or is not TOML. Everything else waits for [`super::Settings::from_typed`].
    pub fn read(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        flags: &[(&'static Key, &str, String)],
    ) -> Result<Self, Problems> {
        let mut typed = Typed::default();
        if let Some(path) = file {
            let name = path.display();
            let text = std::fs::read_to_string(path).map_err(|e| problem(format!("cannot read {name}: {e}")))?;
            typed.add_file(&name.to_string(), &text)?;
        }
        typed.add_environment(environment);
        typed.add_flags(flags);
        Ok(typed)
    }

    pub fn add_flags(&mut self, flags: &[(&'static Key, &str, String)]) {
        for (key, flag, text) in flags {
            self.add_text(key, (*flag).to_owned(), text);
        }
    }

    /// The text of a configuration file; `name` is how errors call it.
    pub fn add_file(&mut self, name: &str, text: &str) -> Result<(), Problems> {
        let table: Table = text.parse().map_err(|e| problem(format!("{name}: {}", one_line(e))))?;
        for (word, value) in table {
            match value {
                Value::Table(inner) if is_table(&word) => {
                    for (key, value) in inner {
                        self.add_value(name, &word, &key, value);
                    }
                }
                Value::Table(_) => {
                    let near = keys::nearest(&word, tables()).map(|it| format!(", the nearest is [{it}]"));
                    self.problems.push(format!("{name}: there is no table [{word}]{}", near.unwrap_or_default()));
                }
                value => self.add_value(name, "", &word, value),
            }
        }
        Ok(())
    }

    fn add_value(&mut self, name: &str, table: &str, word: &str, value: Value) {
        let path = if table.is_empty() { word.to_owned() } else { format!("{table}.{word}") };
        let Some(key) = keys::key(&path) else {
            self.problems.push(unknown(name, table, word));
            return;
        };
        match key.kind.check(&value) {
            Ok(()) => {
                self.given.insert(key.path, Given { value, by: name.to_owned() });
            }
            Err(expected) => self.problems.push(format!("{name}: {path} = {value}: expected {expected}")),
        }
    }

    /// Those of our names; an unknown one is noted only.
    pub fn add_environment(&mut self, environment: impl IntoIterator<Item = (String, String)>) {
        let variables: HashMap<String, &'static Key> = KEYS.iter().map(|key| (key.variable(), *key)).collect();
        for (name, text) in environment {
            if !name.starts_with("BESSEMER_") || OTHER_VARIABLES.contains(&&*name) {
                continue;
            }
            match variables.get(&name) {
                Some(key) => self.add_text(key, name, &text),
                // No error: variables are inherited, and may be meant for something else.
                None => {
                    let near = keys::nearest(&name, variables.keys().map(String::as_str));
                    let near = near.map(|it| format!("; the nearest is {it}")).unwrap_or_default();
                    self.notes.push(format!("the variable {name} is no setting and was ignored{near}"));
                }
            }
        }
    }

    fn add_text(&mut self, key: &'static Key, by: String, text: &str) {
        let value = key.kind.read(text);
        match key.kind.check(&value) {
            Ok(()) => {
                self.given.insert(key.path, Given { value, by });
            }
            Err(expected) => self.problems.push(format!("{by}={text}: expected {expected}")),
        }
    }

    /// What somebody gave for a key.
    pub fn given(&self, key: &Key) -> Option<&Given> {
        self.given.get(key.path)
    }

    /// The given value or the default, if there is one.
    pub fn value(&self, key: &Key) -> Option<Value> {
        match (self.given(key), key.default) {
            (Some(given), _) => Some(given.value.clone()),
            (None, Fallback::Is(toml)) => literal(toml),
            (None, Fallback::Absent(_)) => None,
        }
    }
}

/// A value written in TOML.
pub(super) fn literal(toml: &str) -> Option<Value> {
    format!("it = {toml}").parse::<Table>().ok()?.remove("it")
}

fn problem(text: String) -> Problems {
    Problems(vec![text])
}

/// TOML's errors draw the line over several lines; ours are a sentence each.
fn one_line(error: toml::de::Error) -> String {
    let text = error.to_string();
    let place = text.lines().next().unwrap_or_default();
    format!("{place}: {}", error.message())
}

fn tables() -> impl Iterator<Item = &'static str> {
    KEYS.iter().map(|key| key.parts().0).filter(|table| !table.is_empty())
}

fn is_table(word: &str) -> bool {
    tables().any(|table| table == word)
}

fn unknown(name: &str, table: &str, word: &str) -> String {
    let place = if table.is_empty() { "outside any table".to_owned() } else { format!("in [{table}]") };
    let here = keys::nearest(word, KEYS.iter().filter(|key| key.parts().0 == table).map(|key| key.parts().1));
    // The right key in the wrong table is as common as a slip of the finger.
    let elsewhere = KEYS.iter().find(|key| key.parts().1 == word);
    let near = match (here, elsewhere) {
        (_, Some(key)) if key.parts().0.is_empty() => format!("; {word} belongs above the first table"),
        (_, Some(key)) => format!("; {word} belongs in [{}]", key.parts().0),
        (Some(here), None) => format!("; the nearest is {here}"),
        (None, None) if is_table(word) => format!("; write [{word}] to open the table of that name"),
        (None, None) => String::new(),
    };
    format!("{name}: there is no key {word} {place}{near}")
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.trim().is_empty())
}

impl Kind {
    /// Reads the text of a variable or a flag. What is no such value stays text, for [`Kind::check`] to refuse.
    fn read(self, text: &str) -> Value {
        let as_text = || Value::String(text.to_owned());
        match self {
            Kind::Text | Kind::Words | Kind::Choice(_) => as_text(),
            Kind::Flag => text.parse().map_or_else(|_| as_text(), Value::Boolean),
            Kind::Number(..) => text.parse().map_or_else(|_| as_text(), Value::Integer),
            Kind::List | Kind::Choices(_) => {
                let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
                Value::Array(words.map(|word| Value::String(word.to_owned())).collect())
            }
            Kind::Named => {
                let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
                let pairs = pairs.map(|pair| {
                    let (name, text) = pair.split_once('=')?;
                    Some((name.trim().to_owned(), Value::String(text.trim().to_owned())))
                });
                pairs.collect::<Option<Table>>().map_or_else(as_text, Value::Table)
            }
        }
    }

    /// Whether a value is one of this kind; if not, what was expected.
    fn check(self, value: &Value) -> Result<(), String> {
        let fits = match (self, value) {
            (Kind::Text, Value::String(text)) => !text.trim().is_empty(),
            (Kind::Words, Value::String(_)) | (Kind::Flag, Value::Boolean(_)) => true,
            (Kind::Choice(words), Value::String(text)) => words.contains(&&**text),
            (Kind::Number(least, most), Value::Integer(number)) => (least..=most).contains(number),
            (Kind::List, Value::Array(items)) => items.iter().all(is_text),
            (Kind::Choices(words), Value::Array(items)) => {
                items.iter().all(|item| item.as_str().is_some_and(|item| words.contains(&item)))
            }
            (Kind::Named, Value::Table(named)) => named.values().all(|value| match value {
                Value::Table(inner) => inner.values().all(is_text),
                value => is_text(value),
            }),
            _ => false,
        };
        if fits { Ok(()) } else { Err(self.expected()) }
    }

    fn expected(self) -> String {
        match self {
            Kind::Text => "text that is not empty".to_owned(),
            Kind::Words => "text".to_owned(),
            Kind::Choice(words) => words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" or "),
            Kind::Flag => "true or false".to_owned(),
            Kind::Number(least, i64::MAX) => format!("a whole number of at least {least}"),
            Kind::Number(least, most) => format!("a whole number from {least} to {most}"),
            Kind::List => "a list of texts".to_owned(),
            Kind::Choices(words) => format!("a list of some of {}", words.join(", ")),
            Kind::Named => "a table of texts, or of tables of texts".to_owned(),
        }
    }
}
