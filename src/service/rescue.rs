//! The rescue password: hashed as soon as it has come in, kept as a secret until the machine has it, and then nowhere.

use sha_crypt::{PasswordHasher as _, ShaCrypt};

use super::{Refusal, Refused};
use crate::model::Node;
use crate::model::secret::{MASK, Sealed};
use crate::random::Random;
use crate::store::{StoreError, Tx, secrets};

const COLUMN: &str = "instance_info";
/// Clients are shown both, as Ironic shows them; behind both is the hash.
const KEYS: [&str; 2] = ["rescue_password", "hashed_rescue_password"];

/// SHA-256 crypt, which every ramdisk's `login` understands. Takes milliseconds: call it off the runtime.
pub fn hash(password: &str, random: &Random) -> Refused<Sealed> {
    // Twelve bytes become the sixteen characters that the format has room for.
    let hashed = ShaCrypt::SHA256.hash_password_with_salt(password.as_bytes(), &random.bytes::<12>());
    let hashed = hashed.map_err(|error| Refusal::invalid(format!("rescue_password: cannot be hashed: {error}")))?;
    Ok(Sealed::seal(hashed.as_str().to_owned().into()))
}

/// Keeps the hash for the agent.
pub fn remember(tx: &Tx, node: &mut Node, hash: &Sealed) -> Result<(), StoreError> {
    for key in KEYS {
        secrets::put(tx, node.uuid, COLUMN, &format!("/{key}"), hash)?;
        node.instance_info.set(key, MASK);
    }
    Ok(())
}

/// Removes every trace of it.
pub fn forget(tx: &Tx, node: &mut Node) -> Result<(), StoreError> {
    for key in KEYS {
        secrets::remove(tx, node.uuid, COLUMN, &format!("/{key}"))?;
        node.instance_info.remove(key);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use sha_crypt::{PasswordVerifier as _, ShaCrypt};

    use super::*;

    #[test]
    fn the_hash_is_one_that_login_verifies_and_never_the_same_twice() -> Result<(), Box<dyn std::error::Error>> {
        let random = Random::seeded(7);
        let (a, b) = (
            hash("open sesame", &random).map_err(|e| format!("{e:?}"))?,
            hash("open sesame", &random).map_err(|e| format!("{e:?}"))?,
        );
        assert_ne!(a, b);
        let text = a.open().as_str().unwrap_or_default();
        assert!(text.starts_with("$5$"), "{text}");
        ShaCrypt::SHA256.verify_password(b"open sesame", &sha_crypt::PasswordHash::new(text)?)?;
        assert!(ShaCrypt::SHA256.verify_password(b"open", &sha_crypt::PasswordHash::new(text)?).is_err());
        Ok(())
    }
}
