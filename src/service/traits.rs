//! Names of traits: what a machine can do, in a vocabulary that schedulers share.

use std::collections::HashSet;
use std::sync::LazyLock;

/// The standard names, one a line: those of OpenStack's os-traits 3.9.
static STANDARD: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("../../assets/os_traits.txt").lines().collect());

/// Characters in a name at most.
const LONGEST: usize = 255;

/// A standard name, or `CUSTOM_` and capitals, digits and underscores.
pub fn is_valid(name: &str) -> bool {
    if name.len() > LONGEST {
        return false;
    }
    match name.strip_prefix("CUSTOM_") {
        Some(rest) => {
            !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        }
        None => STANDARD.contains(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_standard_or_custom() {
        for (name, valid) in [
            ("CUSTOM_A1_", true),
            ("HW_CPU_X86_VMX", true),
            ("COMPUTE_DEVICE_TAGGING", true),
            ("CUSTOM_", false),
            ("CUSTOM_a", false),
            ("HW_NOPE", false),
            ("", false),
        ] {
            assert_eq!(is_valid(name), valid, "{name}");
        }
        assert!(!is_valid(&format!("CUSTOM_{}", "A".repeat(250))));
    }
}
