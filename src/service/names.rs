//! Names that clients give to things, and may address them by.

use uuid::Uuid;

/// Characters in a name at most.
const LONGEST: usize = 255;

/// Words that are paths below `/v1/nodes`, so that no node may be called so.
pub const RESERVED: &[&str] = &["maintenance", "management", "states", "vendor_passthru", "detail", "validate"];

/// Whether the text can be a name at all: RFC 3986's unreserved characters, 1 to 255 of them.
pub fn is_logical(name: &str) -> bool {
    (1..=LONGEST).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'))
}

/// A logical name that cannot be taken for a UUID.
pub fn is_valid(name: &str) -> bool {
    is_logical(name) && Uuid::try_parse(name).is_err()
}

/// A host name (RFC 1123), possibly with dots: what older API versions allow.
pub fn is_host(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    is_valid(name) && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_uuids_and_from_free_text() {
        for (name, valid, host) in [
            ("node-1", true, true),
            ("rack.node-1", true, true),
            ("a~b_c.d", true, false),
            ("-lead", true, false),
            ("UPPER", true, true),
            ("", false, false),
            ("bad name", false, false),
            ("ümlaut", false, false),
            ("60499d16-30ce-538a-8e84-8c019637727e", false, false),
            ("60499d1630ce538a8e848c019637727e", false, false),
        ] {
            assert_eq!((is_valid(name), is_host(name)), (valid, host), "{name:?}");
        }
        assert!(!is_valid(&"a".repeat(256)));
    }
}
