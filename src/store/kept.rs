//! The directory of the backups that the service makes by itself: their names tell when they were made.

use std::path::{Path, PathBuf};

use crate::clock::Timestamp;
use crate::disk;

/// One that is there.
#[derive(Clone, Debug)]
pub struct File {
    pub path: PathBuf,
    pub taken_at: Timestamp,
    pub bytes: u64,
}

const BEFORE: &str = "bessemer-";
const AFTER: &str = ".sqlite";
const TIME: &str = "%Y%m%dT%H%M%SZ";

pub fn name(at: Timestamp) -> String {
    format!("{BEFORE}{}{AFTER}", at.strftime(TIME))
}

/// When the file of this name was made; none if the name is not one of ours.
fn taken_at(name: &str) -> Option<Timestamp> {
    let time = name.strip_prefix(BEFORE)?.strip_suffix(AFTER)?;
    let at = jiff::civil::DateTime::strptime(TIME, time).ok()?;
    let at = at.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    // Only what we would write ourselves.
    (self::name(at) == name).then_some(at)
}

/// Whether a name is that of a backup which was never finished.
pub fn is_left_behind(name: &str) -> bool {
    name.starts_with(BEFORE) && name.contains(AFTER) && name.contains(disk::PARTIAL)
}

/// The backups in the directory, the newest first. Those from the future were made before somebody set the clock right:
/// they come last, so that nothing waits for them and they are the first to go.
pub fn files(dir: &Path, now: Timestamp) -> Vec<File> {
    let mut found: Vec<File> = disk::names(dir)
        .unwrap_or_default()
        .iter()
        .filter_map(|name| {
            let (taken_at, path) = (taken_at(name)?, dir.join(name));
            let bytes = path.metadata().ok()?.len();
            Some(File { path, taken_at, bytes })
        })
        .collect();
    found.sort_by_key(|file| (file.taken_at > now, std::cmp::Reverse(file.taken_at)));
    found
}

/// The one to restore.
pub fn newest(dir: &Path, now: Timestamp) -> Option<File> {
    files(dir, now).into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_time_and_other_names_tell_nothing() {
        let at = crate::clock::from_micros(1_795_641_753_000_000);
        assert_eq!(taken_at(&name(at)), Some(at));
        for other in [
            "bessemer-20261125T212233Z.sqlite.0.partial",
            "bessemer-20261125T212233Z.sqlite-wal",
            "bessemer-latest.sqlite",
            "bessemer-20261325T212233Z.sqlite",
            "bessemer.sqlite",
        ] {
            assert_eq!(taken_at(other), None, "{other}");
        }
    }
}
