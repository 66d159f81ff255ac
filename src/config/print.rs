//! `config print`: every setting as it stands, its default and what it is for, as a file that means the same.

use std::fmt::Write as _;

use super::Typed;
use super::keys::{Fallback, KEYS};

/// Comments are wrapped here.
const WIDTH: usize = 110;

/// The file. Keys without a value are shown as comments, with an example.
pub fn render(typed: &Typed) -> String {
    let mut out = String::new();
    let mut open = "";
    for key in KEYS {
        let (table, word) = key.parts();
        if table != open {
            let _ = writeln!(out, "\n[{table}]");
            open = table;
        }
        comment(&mut out, key.about);
        let _ = match (typed.given(key), key.default) {
            (Some(given), Fallback::Is(default)) => {
                writeln!(out, "{word} = {}    # from {}; the default is {default}", given.value, given.by)
            }
            (Some(given), Fallback::Absent(_)) => writeln!(out, "{word} = {}    # from {}", given.value, given.by),
            (None, Fallback::Is(default)) => writeln!(out, "{word} = {default}"),
            (None, Fallback::Absent(example)) => writeln!(out, "# {word} = {example}"),
        };
    }
    out
}

fn comment(out: &mut String, text: &str) {
    let mut column = 0;
    for word in text.split(' ') {
        if column == 0 || column + word.len() > WIDTH {
            out.push_str(if column == 0 { "# " } else { "\n# " });
            column = 0;
        } else {
            out.push(' ');
        }
        out.push_str(word);
        column += word.len() + 1;
    }
    out.push('\n');
}
