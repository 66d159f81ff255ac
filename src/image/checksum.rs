//! Checksums: how they are given, and computed while bytes pass by.
//!
//! A client gives `image_checksum` (hex whose length tells the algorithm, the address of a checksum file, or `waived`) or
//! `image_os_hash_algo` with `image_os_hash_value`. MD5 is only for those who ask for it in the configuration.

use md5::Md5;
use sha2::{Digest as _, Sha256, Sha512};

use super::ImageError;

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Algorithm {
    Md5,
    Sha256,
    Sha512,
}

impl Algorithm {
    const ALL: [Algorithm; 3] = [Algorithm::Md5, Algorithm::Sha256, Algorithm::Sha512];

    /// As the agent and hash libraries spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Algorithm::Md5 => "md5",
            Algorithm::Sha256 => "sha256",
            Algorithm::Sha512 => "sha512",
        }
    }

    const fn hex_digits(self) -> usize {
        match self {
            Algorithm::Md5 => 32,
            Algorithm::Sha256 => 64,
            Algorithm::Sha512 => 128,
        }
    }
}

/// What the bytes must hash to.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Checksum {
    pub algorithm: Algorithm,
    /// Lower case.
    pub hex: String,
}

impl Checksum {
    /// Hex whose length tells the algorithm.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.trim().to_ascii_lowercase();
        let algorithm = Algorithm::ALL.into_iter().find(|algorithm| algorithm.hex_digits() == hex.len())?;
        hex.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(Checksum { algorithm, hex })
    }

    /// A name for the content: `sha256-<hex>`. Two sources with the same checksum are the same image.
    pub fn content_name(&self) -> String {
        format!("{}-{}", self.algorithm.name(), self.hex)
    }

    /// The inverse of [`Checksum::content_name`].
    pub fn from_content_name(name: &str) -> Option<Self> {
        let (algorithm, hex) = name.split_once('-')?;
        // The name must be the canonical one, or two files could stand for one image.
        Checksum::parse(hex).filter(|sum| sum.algorithm.name() == algorithm && sum.hex == hex)
    }
}

/// How the client gave the checksum.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Wanted {
    Exactly(Checksum),
    /// In a checksum file at this address, in the line that names the image's file.
    ListedAt(String),
    /// Not at all, and the client said in so many words that any will do. What it hashes to is what the agent is told.
    Waived,
    /// Not at all: it is a file of our own, and what it hashes to is what is served and what the agent is told.
    OfOurFile,
}

/// What a client says as `image_checksum` whose image nobody has a checksum of. A word that no program writes by accident,
/// as it may `none` or nothing.
pub const WAIVED: &str = "waived";

/// Reads the fields of `instance_info`. Errors name the field and what was expected.
pub fn wanted(
    checksum: Option<&str>,
    hash_algorithm: Option<&str>,
    hash_value: Option<&str>,
    allow_md5: bool,
) -> Result<Wanted, ImageError> {
    let unusable = |text: String| Err(ImageError::Unusable(text));
    match (hash_algorithm, hash_value, checksum) {
        (Some(algorithm), Some(value), _) => match Checksum::parse(value) {
            Some(sum) if sum.algorithm.name() == algorithm.to_ascii_lowercase() => {
                allowed(sum, allow_md5).map(Wanted::Exactly)
            }
            Some(_) | None => unusable(format!(
                "image_os_hash_value: expected the hex digits of a {algorithm} hash; image_os_hash_algo may be sha256 or sha512"
            )),
        },
        (Some(_), None, None) => unusable("image_os_hash_value: missing beside image_os_hash_algo".into()),
        (None, Some(_), None) => unusable("image_os_hash_algo: missing beside image_os_hash_value".into()),
        (_, _, Some(WAIVED)) => Ok(Wanted::Waived),
        (_, _, Some(text)) if text.starts_with("http://") || text.starts_with("https://") => {
            Ok(Wanted::ListedAt(text.to_owned()))
        }
        (_, _, Some(text)) => match Checksum::parse(text) {
            Some(sum) => allowed(sum, allow_md5).map(Wanted::Exactly),
            None => unusable(
                "image_checksum: expected 64 (sha256) or 128 (sha512) hex digits, or the address of a checksum file; \
                 \"waived\" if the image may be anything"
                    .into(),
            ),
        },
        (None, None, None) => {
            unusable("image_checksum: missing, as are image_os_hash_algo and image_os_hash_value".into())
        }
    }
}

fn allowed(sum: Checksum, allow_md5: bool) -> Result<Checksum, ImageError> {
    if sum.algorithm == Algorithm::Md5 && !allow_md5 {
        return Err(ImageError::Unusable("image_checksum: md5 is not allowed; give sha256 or sha512".into()));
    }
    Ok(sum)
}

/// Finds the checksum of `file_name` in a checksum file: a lone checksum, `<hex>  <name>` or `<hex> *<name>` as
/// coreutils write it, or `SHA256 (<name>) = <hex>` as BSD does.
pub fn find(listing: &str, file_name: &str, allow_md5: bool) -> Result<Checksum, ImageError> {
    let lines = || listing.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let lone = lines().next().filter(|_| lines().count() == 1).and_then(Checksum::parse);
    let found = lone.or_else(|| {
        lines().find_map(|line| {
            if let Some((hex, name)) = line.split_once(char::is_whitespace)
                && name.trim_start().trim_start_matches('*') == file_name
            {
                return Checksum::parse(hex);
            }
            let (before, hex) = line.rsplit_once('=')?;
            let name = before.split_once('(')?.1.rsplit_once(')')?.0;
            if name == file_name { Checksum::parse(hex) } else { None }
        })
    });
    let missing = || ImageError::Unusable(format!("image_checksum: the checksum file does not list {file_name}"));
    allowed(found.ok_or_else(missing)?, allow_md5)
}

/// Hashes what passes by.
pub enum Hasher {
    Md5(Md5),
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Hasher {
    pub fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Md5 => Hasher::Md5(Md5::new()),
            Algorithm::Sha256 => Hasher::Sha256(Sha256::new()),
            Algorithm::Sha512 => Hasher::Sha512(Sha512::new()),
        }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Hasher::Md5(hash) => hash.update(bytes),
            Hasher::Sha256(hash) => hash.update(bytes),
            Hasher::Sha512(hash) => hash.update(bytes),
        }
    }

    /// Lower-case hex.
    pub fn finish(self) -> String {
        fn hex(bytes: &[u8]) -> String {
            bytes.iter().map(|byte| format!("{byte:02x}")).collect()
        }
        match self {
            Hasher::Md5(hash) => hex(&hash.finalize()),
            Hasher::Sha256(hash) => hex(&hash.finalize()),
            Hasher::Sha512(hash) => hex(&hash.finalize()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn the_hash_of_nothing_is_known() {
        assert_eq!(Hasher::new(Algorithm::Sha256).finish(), SHA);
        assert_eq!(Hasher::new(Algorithm::Md5).finish(), "d41d8cd98f00b204e9800998ecf8427e");
    }

    #[test]
    fn every_way_of_giving_a_checksum_is_read_and_every_wrong_one_names_its_field() {
        let sha = Some(SHA);
        assert!(wanted(sha, None, None, false).is_ok());
        assert!(wanted(None, Some("SHA256"), sha, false).is_ok());
        assert!(matches!(wanted(Some("https://h/SUMS"), None, None, false), Ok(Wanted::ListedAt(_))));
        for (checksum, algorithm, value, field) in [
            (None, None, None, "image_checksum"),
            (Some("xyz"), None, None, "image_checksum"),
            (Some("d41d8cd98f00b204e9800998ecf8427e"), None, None, "md5"),
            (None, Some("sha512"), sha, "image_os_hash_value"),
            (None, Some("sha256"), None, "image_os_hash_value"),
            (None, None, sha, "image_os_hash_algo"),
        ] {
            let error = wanted(checksum, algorithm, value, false).err().map(|error| error.to_string());
            assert!(error.as_ref().is_some_and(|text| text.contains(field)), "{field}: {error:?}");
        }
    }

    #[test]
    fn checksum_files_of_three_kinds_are_read() {
        for listing in
            [SHA.to_owned(), format!("# x\n00 other\n{SHA} *disk.raw\n"), format!("SHA256 (disk.raw) = {SHA}\n")]
        {
            assert_eq!(find(&listing, "disk.raw", false).map(|sum| sum.hex).as_deref(), Ok(SHA), "{listing}");
        }
        assert!(find(&format!("{SHA}  other.raw\n{SHA}  b.raw\n"), "disk.raw", false).is_err());
    }

    #[test]
    fn a_content_name_goes_both_ways_and_only_in_its_one_form() {
        let sum = Checksum { algorithm: Algorithm::Sha256, hex: SHA.into() };
        assert_eq!(Checksum::from_content_name(&sum.content_name()), Some(sum));
        for other in ["sha256-", "sha256-zz", "sha512-00", "../etc/passwd", &format!("sha256-{}", SHA.to_uppercase())] {
            assert_eq!(Checksum::from_content_name(other), None);
        }
    }
}
