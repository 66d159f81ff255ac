//! Source files as streams of tokens, and the paths and calls in them.

use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A file of `src/`.
pub struct Source {
    /// Below `src/`, such as `api/handlers/nodes.rs`.
    pub name: String,
    pub text: String,
    /// Without the items behind `#[cfg(test)]`.
    pub tokens: Vec<TokenTree>,
}

impl Source {
    /// The module that the file is: `["api", "handlers", "nodes"]`.
    pub fn module(&self) -> Vec<String> {
        let stem = self.name.trim_end_matches(".rs");
        let mut path: Vec<String> = stem.split('/').map(str::to_owned).collect();
        if matches!(path.last().map(String::as_str), Some("mod" | "lib" | "main")) {
            path.pop();
        }
        path
    }

    /// Whether the file or folder is named by one of these prefixes (`sim/`, `clock.rs`).
    pub fn is_in(&self, prefixes: &[&str]) -> bool {
        prefixes.iter().any(|prefix| self.name.starts_with(prefix))
    }
}

/// Every Rust file of `src/`.
pub fn all() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = vec![];
    collect(&root, &mut files);
    files.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let stream: TokenStream = text.parse().unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let name = path.strip_prefix(&root).unwrap_or(&path).display().to_string();
        Source { name, text, tokens: without_tests(stream) }
    };
    files.into_iter().map(read).collect()
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())).flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            files.push(path);
        }
    }
}

/// Leaves out each item behind `#[cfg(test)]`: everything up to its body or semicolon.
fn without_tests(stream: TokenStream) -> Vec<TokenTree> {
    let mut kept = vec![];
    let mut tokens = stream.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let is_test = is_punct(&token, '#')
            && matches!(tokens.peek(), Some(TokenTree::Group(it)) if it.stream().to_string().replace(' ', "") == "cfg(test)");
        if !is_test {
            kept.push(token);
            continue;
        }
        tokens.next();
        for token in tokens.by_ref() {
            let is_body = matches!(&token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
            if is_body || is_punct(&token, ';') {
                break;
            }
        }
    }
    kept
}

pub fn is_punct(token: &TokenTree, char: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == char)
}

/// A path as it was written, and its line.
#[derive(Debug)]
pub struct Mention {
    pub path: Vec<String>,
    pub line: usize,
}

/// Every path of two or more segments; each leaf of a `use` tree is one.
pub fn paths(tokens: &[TokenTree]) -> Vec<Mention> {
    let mut found = vec![];
    scan(tokens, &mut found);
    found
}

fn scan(tokens: &[TokenTree], found: &mut Vec<Mention>) {
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Ident(_) => at = path(tokens, at, &[], found),
            TokenTree::Group(group) => {
                scan(&group.stream().into_iter().collect::<Vec<_>>(), found);
                at += 1;
            }
            _ => at += 1,
        }
    }
}

/// Reads the path that starts at `at`, below `prefix`; where it ends.
fn path(tokens: &[TokenTree], mut at: usize, prefix: &[String], found: &mut Vec<Mention>) -> usize {
    let line = tokens[at].span().start().line;
    let mut segments = prefix.to_vec();
    loop {
        match tokens.get(at) {
            Some(TokenTree::Ident(ident)) => segments.push(ident.to_string()),
            // `crate::{a, b::c}`: each branch is a path of its own.
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                branches(&group.stream().into_iter().collect::<Vec<_>>(), &segments, found);
                return at + 1;
            }
            _ => break,
        }
        at += 1;
        let colons =
            tokens.get(at).is_some_and(|t| is_punct(t, ':')) && tokens.get(at + 1).is_some_and(|t| is_punct(t, ':'));
        if !colons {
            break;
        }
        at += 2;
    }
    if segments.len() > 1 {
        found.push(Mention { path: segments, line });
    }
    at
}

fn branches(tokens: &[TokenTree], prefix: &[String], found: &mut Vec<Mention>) {
    let mut at = 0;
    while at < tokens.len() {
        at = if matches!(tokens[at], TokenTree::Ident(_)) { path(tokens, at, prefix, found) } else { at + 1 };
    }
}

/// Every `.name(` and `name!` with its line: `(".unwrap", 7)`, `("todo!", 9)`.
pub fn calls(tokens: &[TokenTree]) -> Vec<(String, usize)> {
    let mut found = vec![];
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => found.extend(calls(&group.stream().into_iter().collect::<Vec<_>>())),
            TokenTree::Ident(ident) => {
                let line = ident.span().start().line;
                if at > 0 && is_punct(&tokens[at - 1], '.') {
                    found.push((format!(".{ident}"), line));
                }
                if tokens.get(at + 1).is_some_and(|next| is_punct(next, '!')) {
                    found.push((format!("{ident}!"), line));
                }
            }
            _ => {}
        }
    }
    found
}

/// Every call of the macro `name`: its line, and the first word of what it is given.
pub fn arguments(tokens: &[TokenTree], name: &str) -> Vec<(usize, Option<String>)> {
    let mut found = vec![];
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => {
                found.extend(arguments(&group.stream().into_iter().collect::<Vec<_>>(), name));
            }
            TokenTree::Ident(ident) if ident == name => {
                if let (Some(mark), Some(TokenTree::Group(given))) = (tokens.get(at + 1), tokens.get(at + 2))
                    && is_punct(mark, '!')
                {
                    let first = given.stream().into_iter().next().map(|token| token.to_string());
                    found.push((ident.span().start().line, first));
                }
            }
            _ => {}
        }
    }
    found
}
