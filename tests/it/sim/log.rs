//! Everything that is logged in one world, kept so that secrets can be looked for in it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Keeps what is written.
#[derive(Clone, Default)]
pub struct Log {
    text: Arc<Mutex<Vec<u8>>>,
    /// Shown as well, for somebody who replays a seed.
    aloud: bool,
}

impl Log {
    pub fn new(aloud: bool) -> Self {
        Log { text: Arc::default(), aloud }
    }

    /// Logs of this thread come here until the guard is dropped.
    pub fn install(&self) -> tracing::subscriber::DefaultGuard {
        let directives = std::env::var("BESSEMER_LOG").ok().filter(|_| self.aloud);
        let filter = EnvFilter::new(directives.as_deref().unwrap_or("bessemer=debug"));
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .without_time()
            .with_ansi(false)
            .with_writer(self.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    /// Which of these it holds.
    pub fn tells<'s>(&self, secrets: impl Iterator<Item = &'s String>) -> Vec<String> {
        let text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&text);
        secrets
            .filter_map(|secret| {
                let at = text.find(secret.as_str())?;
                let line = text[..at].rfind('\n').map_or(0, |start| start + 1);
                let line = text[line..].lines().next().unwrap_or_default();
                Some(format!("a secret stands in the log: {}", line.chars().take(300).collect::<String>()))
            })
            .collect()
    }

    /// Its last lines, for a failure.
    pub fn tail(&self, lines: usize) -> String {
        let text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&text);
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.aloud {
            print!("{}", String::from_utf8_lossy(bytes));
        }
        self.text.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Log;

    fn make_writer(&self) -> Log {
        self.clone()
    }
}
