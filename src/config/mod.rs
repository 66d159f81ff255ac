//! Configuration: every setting is one row of [`keys`], written down once.
//!
//! From the rows come the file's parser, the environment variables' names, the flags, `config print` and the refusal of a
//! key that nobody knows. [`file`] keeps what was typed and by whom; [`settings`] is what it means, checked as a whole.
//! A value is looked for in this order: flag, environment, file, default.
//!
//! Deliberately absent: includes, several files, reloading while running, and anything that looks at the machine (whether
//! an interface exists is found out when it is bound, and said there).

pub mod file;
pub mod keys;
mod network;
pub mod print;
mod reservations;
pub mod settings;

pub use file::Typed;
pub use keys::{KEYS, Key};
pub use settings::Settings;

/// Everything that is wrong with a configuration, a sentence each: one run of `config check` finds all of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<String>);

impl std::error::Error for Problems {}

impl std::fmt::Display for Problems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}
