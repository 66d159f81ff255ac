//! Who may use the admin API: everybody (`noauth`), or the users of an htpasswd file (`http_basic`).
//!
//! The file holds `user:bcrypt` lines and is looked at again every second, so that a user added or removed needs no
//! restart. bcrypt is slow on purpose: it runs on a blocking thread, at most two at a time, and a pair that was right is
//! remembered (as a SHA-256) until the file changes. A user that does not exist costs as much as a wrong password.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HeaderMap};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

use super::Fault;
use crate::blocking;
use crate::clock::{Clock, Instant};

/// How long a look at the file holds.
const FRESH: Duration = Duration::from_secs(1);
/// Passwords checked at the same time.
const CHECKS: usize = 2;
/// Remembered pairs; more users than that just pay bcrypt again.
const REMEMBERED: usize = 4096;
/// What the password of an unknown user is compared with.
const NOBODY: &str = "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

/// The configured way of authentication.
pub enum Auth {
    None,
    Basic(Box<Basic>),
}

impl Auth {
    /// Checks `user:bcrypt` lines of `file`. Errors when asked for a request, not here: the file may come later.
    pub fn basic(file: PathBuf, clock: Clock) -> Self {
        Auth::Basic(Box::new(Basic {
            file,
            clock,
            places: Arc::new(Semaphore::new(CHECKS)),
            known: Mutex::new(Known::default()),
        }))
    }

    /// The user who asks; none under `noauth`.
    pub async fn check(&self, headers: &HeaderMap) -> Result<Option<String>, Fault> {
        match self {
            Auth::None => Ok(None),
            Auth::Basic(basic) => basic.check(headers).await.map(Some),
        }
    }
}

/// See the head of this file.
pub struct Basic {
    file: PathBuf,
    clock: Clock,
    places: Arc<Semaphore>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    looked_at: Option<Instant>,
    stamp: Option<(SystemTime, u64)>,
    users: Arc<Vec<(String, String)>>,
    verified: HashSet<[u8; 32]>,
}

const fn refused(text: &'static str) -> Fault {
    Fault::Unauthorized { status: StatusCode::UNAUTHORIZED, text }
}

impl Basic {
    async fn check(&self, headers: &HeaderMap) -> Result<String, Fault> {
        let header = headers.get(AUTHORIZATION).ok_or(refused("Authorization required"))?;
        let (user, password) = credentials(header.as_bytes())?;
        let users = self.users().await?;
        let digest: [u8; 32] = Sha256::digest([user.as_bytes(), b":", password.as_bytes()].concat()).into();
        if self.lock().verified.contains(&digest) {
            return Ok(user);
        }
        let hash = users.iter().find(|(name, _)| *name == user).map(|(_, hash)| hash.clone());
        let exists = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODY.to_owned());
        let Ok(_place) = self.places.clone().acquire_owned().await else {
            return Err(refused("The service is stopping"));
        };
        let check = blocking::run(move || bcrypt::verify(password, &hash).unwrap_or(false));
        if !(check.await.unwrap_or(false) && exists) {
            return Err(refused("Incorrect username or password"));
        }
        let mut known = self.lock();
        // The file may have changed while the password was checked; then the pair is not remembered.
        if Arc::ptr_eq(&known.users, &users) {
            if known.verified.len() >= REMEMBERED {
                known.verified.clear();
            }
            known.verified.insert(digest);
        }
        Ok(user)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The users of the file as it is now.
    async fn users(&self) -> Result<Arc<Vec<(String, String)>>, Fault> {
        let now = self.clock.instant();
        let stamp = {
            let known = self.lock();
            if known.looked_at.is_some_and(|at| now.duration_since(at) < FRESH) {
                return Ok(known.users.clone());
            }
            known.stamp
        };
        let file = self.file.clone();
        let looked = blocking::run(move || read(&file, stamp)).await;
        let changed = match looked {
            Ok(Ok(changed)) => changed,
            Ok(Err(error)) => {
                tracing::error!(file = %self.file.display(), %error, "the file of users cannot be read");
                return Err(refused("Problem reading auth file"));
            }
            Err(_) => return Err(refused("The service is stopping")),
        };
        let mut known = self.lock();
        known.looked_at = Some(now);
        if let Some((stamp, users)) = changed {
            known.stamp = stamp;
            known.users = Arc::new(users);
            known.verified.clear();
        }
        Ok(known.users.clone())
    }
}

type Stamp = Option<(SystemTime, u64)>;

/// User names and their hashes.
type Lines = Vec<(String, String)>;

/// The users, if the file is not the one with this stamp.
fn read(file: &std::path::Path, known: Stamp) -> std::io::Result<Option<(Stamp, Lines)>> {
    let meta = std::fs::metadata(file)?;
    let stamp = Some((meta.modified()?, meta.len()));
    if stamp == known {
        return Ok(None);
    }
    let text = std::fs::read_to_string(file)?;
    let users = text.lines().filter_map(|line| {
        let (user, hash) = line.trim().split_once(':')?;
        ["$2a$", "$2b$", "$2y$"].iter().any(|kind| hash.starts_with(kind)).then(|| (user.to_owned(), hash.to_owned()))
    });
    Ok(Some((stamp, users.collect())))
}

/// User and password of a Basic header (RFC 7617). Another scheme is 401, a malformed header 400.
fn credentials(header: &[u8]) -> Result<(String, String), Fault> {
    const MALFORMED: Fault =
        Fault::Unauthorized { status: StatusCode::BAD_REQUEST, text: "Could not decode the authorization header" };
    let text = std::str::from_utf8(header).map_err(|_| MALFORMED)?.trim();
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(refused("Only the Basic authorization scheme is supported"));
    }
    let bytes = base64::engine::general_purpose::STANDARD.decode(token.trim()).map_err(|_| MALFORMED)?;
    let pair = String::from_utf8(bytes).map_err(|_| MALFORMED)?;
    let (user, password) = pair.split_once(':').ok_or(MALFORMED)?;
    Ok((user.to_owned(), password.to_owned()))
}
