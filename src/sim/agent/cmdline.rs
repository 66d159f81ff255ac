//! The kernel command line, as the agent reads it from `/proc/cmdline`.

use std::collections::HashMap;

/// Parameters by name; a later one wins.
#[derive(Clone, Debug, Default)]
pub struct CommandLine(HashMap<String, String>);

impl CommandLine {
    pub fn parse(text: &str) -> Self {
        let pairs = text.split_whitespace().map(|word| word.split_once('=').unwrap_or((word, "")));
        CommandLine(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Base URL of the API, without a trailing slash; the first of a comma list.
    pub fn api_url(&self) -> Option<String> {
        let first = self.get("ipa-api-url")?.split(',').next()?.trim_end_matches('/');
        (!first.is_empty()).then(|| first.to_owned())
    }

    /// The interface that booted, lower case, from `01-aa-bb-…` or `aa:bb:…`.
    pub fn boot_mac(&self) -> Option<String> {
        let text = self.get("BOOTIF")?.to_ascii_lowercase();
        Some(match text.split_once('-') {
            Some((_hardware_type, mac)) => mac.replace('-', ":"),
            None => text,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_the_boot_interface_are_read() {
        for text in ["BOOTIF=01-52-54-00-AA-BB-01", "x=1 BOOTIF=52:54:00:aa:bb:01 quiet"] {
            assert_eq!(CommandLine::parse(text).boot_mac().as_deref(), Some("52:54:00:aa:bb:01"));
        }
        assert_eq!(CommandLine::parse("ipa-api-url=http://a/,http://b").api_url().as_deref(), Some("http://a"));
    }
}
