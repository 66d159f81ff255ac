//! What a machine is to be told when it asks the network how to boot.
//!
//! A boot interface fills it in, the store keeps it (as a blob of the node), and the boot servers render it when the
//! machine asks. The two never meet otherwise. A node without a plan boots its disk.

use serde::{Deserialize, Serialize};

/// A stored answer to "how do I boot?".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootPlan {
    pub boot: Boot,
    /// Unguessable part of the URLs that this plan's files are served under; a new plan gets a new one.
    pub key: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Boot {
    /// Load a kernel and an initial ramdisk.
    Ramdisk {
        /// A path below a configured root, or an http(s) URL.
        kernel: String,
        ramdisk: String,
        /// Kernel command line, without `initrd=` and `BOOTIF=`, which depend on the boot loader.
        arguments: String,
    },
    /// Boot an ISO image over HTTP.
    Iso {
        /// A path below a configured root, or an http(s) URL.
        iso: String,
    },
    /// Boot the first disk, said explicitly so that firmware which always asks the network does not wait.
    Disk,
}

impl BootPlan {
    /// Why this plan cannot be told to a boot loader, if it cannot. Boot loaders read lines of words, so a line break, or
    /// a word that is one of their operators, would be a command of whoever wrote the kernel arguments.
    pub fn problem(&self) -> Option<String> {
        let (files, arguments) = match &self.boot {
            Boot::Ramdisk { kernel, ramdisk, arguments } => {
                (vec![("kernel", kernel), ("ramdisk", ramdisk)], arguments.as_str())
            }
            Boot::Iso { iso } => (vec![("ISO image", iso)], ""),
            Boot::Disk => return None,
        };
        for (what, file) in files {
            let remote = file.starts_with("http://") || file.starts_with("https://");
            if file.chars().any(|c| c.is_control() || (remote && c.is_whitespace())) {
                return Some(format!("the {what}'s location contains white space or control characters"));
            }
        }
        if arguments.chars().any(char::is_control) {
            return Some("the kernel arguments contain a line break or another control character".to_owned());
        }
        let operator = |word: &&str| ["&&", "||", ";"].contains(word) || word.starts_with('#');
        let found = arguments.split_whitespace().find(operator)?;
        Some(format!("the kernel arguments contain the word {found}, which boot loaders take for an operator"))
    }
}
