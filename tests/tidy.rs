//! What no compiler checks: which part may know which, what enters through the seams alone, and how large a file may be.
//!
//! The tables here are the architecture diagram of `src/ARCHITECTURE.md`, so that it cannot drift. Every path that starts
//! with `crate`, `super` or `bessemer` is looked at, also inside macros; test modules inside source files are free.

#[path = "tidy/arrows.rs"]
mod arrows;
#[path = "tidy/rules.rs"]
mod rules;
#[path = "tidy/source.rs"]
mod source;

/// Fails with all that was found, a line each.
fn none(found: Vec<String>) {
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}
