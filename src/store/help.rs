//! What to do about a store that is damaged, in the words that are to be typed.

use std::path::{Path, PathBuf};

use super::kept;
use crate::clock::Clock;

/// Where a store is, and where its backups are.
#[derive(Debug)]
pub struct Help {
    path: PathBuf,
    /// Whether and where the service makes backups by itself. Those that people make are known to people.
    backups: Option<PathBuf>,
    clock: Clock,
}

impl Help {
    pub fn new(path: &Path, backups: Option<PathBuf>, clock: Clock) -> Self {
        Help { path: path.to_owned(), backups, clock }
    }

    /// The whole way, and the newest backup that there is at this moment.
    pub fn sentence(&self) -> String {
        format!(
            "`bessemer check --db {}` says what is wrong; then stop the service and restore the newest backup: {}",
            word(&self.path),
            self.restore()
        )
    }

    /// The command, with the newest backup in it if there is one.
    pub fn restore(&self) -> String {
        let store = word(&self.path);
        let newest = self.backups.as_deref().and_then(|dir| kept::newest(dir, self.clock.now()));
        match (newest, &self.backups) {
            (Some(file), _) => format!("`bessemer restore {} --db {store}`", word(&file.path)),
            (None, Some(dir)) => {
                format!(
                    "`bessemer restore FILE --db {store}`, where FILE is one that you made: there is none in {}",
                    word(dir)
                )
            }
            (None, None) => {
                format!("`bessemer restore FILE --db {store}`, where FILE is one that you made: backup.dir is not set")
            }
        }
    }
}

/// A path as a shell takes it for one word, wherever it is typed.
fn word(path: &Path) -> String {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let text = whole.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_for_a_shell() {
        assert_eq!(word(Path::new("/var/lib/b.sqlite")), "/var/lib/b.sqlite");
        assert_eq!(word(Path::new("/var/it's here")), r"'/var/it'\''s here'");
    }
}
