//! The files as they may be found after a power cut, made from a record of what was done to them: what was synced is
//! there, of what was not yet synced anything may be, whole or torn.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bessemer::random::Random;

use super::disk::Op;

/// What a disk writes at once.
const SECTOR: usize = 512;

/// A file as the disk has it.
#[derive(Clone, Default)]
struct OnDisk {
    /// What a sync has made last.
    lasting: Vec<u8>,
    /// What was done since.
    since: Vec<Op>,
    /// Whether its name lasts.
    named: bool,
    /// What was there under this name before it was deleted, while that does not last yet.
    before: Option<Vec<u8>>,
    gone: bool,
}

type Files = BTreeMap<String, OnDisk>;

fn happen(files: &mut Files, told: &mut BTreeSet<String>, op: &Op) {
    match op {
        Op::Told(what) => {
            told.insert(what.clone());
        }
        Op::Create { file } => {
            let old = files.remove(file).and_then(|old| old.before);
            files.insert(file.clone(), OnDisk { before: old, ..OnDisk::default() });
        }
        Op::Write { file, .. } | Op::Truncate { file, .. } => {
            files.entry(file.clone()).or_insert_with(found_there).since.push(op.clone());
        }
        Op::Sync { file } => {
            // SQLite syncs the directory with the first sync of a file that it has made: all names in it last from then on.
            if files.get(file).is_some_and(|file| !file.named) {
                files.retain(|_, file| !file.gone);
                files.values_mut().for_each(|file| (file.named, file.before) = (true, None));
            }
            let file = files.entry(file.clone()).or_insert_with(found_there);
            for op in std::mem::take(&mut file.since) {
                apply(&mut file.lasting, &op);
            }
        }
        Op::Delete { file, lasting: true } => drop(files.remove(file)),
        Op::Delete { file, lasting: false } => {
            if let Some(file) = files.get_mut(file) {
                file.before = file.named.then(|| std::mem::take(&mut file.lasting));
                (file.gone, file.since) = (true, vec![]);
            }
        }
    }
}

/// The database itself is made, and its directory synced, before SQLite opens it.
fn found_there() -> OnDisk {
    OnDisk { named: true, ..OnDisk::default() }
}

fn apply(bytes: &mut Vec<u8>, op: &Op) {
    match op {
        Op::Write { at, bytes: piece, .. } => {
            let end = at + piece.len();
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[*at..end].copy_from_slice(piece);
        }
        Op::Truncate { size, .. } => bytes.truncate(*size),
        _ => {}
    }
}

/// What is found of a file after the cut; `None` if its name is not there.
fn found(file: &OnDisk, random: &Random) -> Option<Vec<u8>> {
    if file.gone || (!file.named && random.below(2) == 0) {
        return file.before.clone().filter(|_| random.below(2) == 0);
    }
    let mut bytes = file.lasting.clone();
    let all = file.since.len() as u64;
    let (kind, upto) = (random.below(4), random.below(all + 1));
    for (i, op) in file.since.iter().enumerate() {
        match (kind, op) {
            (0, _) => break,
            (1, _) => apply(&mut bytes, op),
            // A beginning, the last write of it torn.
            (2, Op::Write { file, at, bytes: piece }) if i as u64 == upto => {
                let torn = random.below(piece.len() as u64 + 1) as usize / SECTOR * SECTOR;
                apply(&mut bytes, &Op::Write { file: file.clone(), at: *at, bytes: piece[..torn].to_vec() });
                break;
            }
            (2, _) if i as u64 >= upto => break,
            (2, _) => apply(&mut bytes, op),
            // Any sectors, in no order.
            (_, Op::Write { file, at, bytes: piece }) => {
                for (n, sector) in piece.chunks(SECTOR).enumerate().filter(|_| random.below(2) == 0) {
                    apply(&mut bytes, &Op::Write { file: file.clone(), at: at + n * SECTOR, bytes: sector.to_vec() });
                }
            }
            (_, _) if random.below(2) == 0 => apply(&mut bytes, op),
            _ => {}
        }
    }
    Some(bytes)
}

/// What lay on the disk when the record began, by name.
pub type Start = BTreeMap<String, Vec<u8>>;

/// Pulls the plug at `cuts` points of the record and asks `survives` what it says of the store that is found, and of what
/// was told until then. Its objections.
pub fn pull(
    start: Start,
    log: &[Op],
    cuts: usize,
    random: &Random,
    survives: impl Fn(&Path, &BTreeSet<String>) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<String>> {
    let points: BTreeSet<usize> = (0..cuts).map(|_| random.below(log.len() as u64) as usize).collect();
    let there = |(name, lasting)| (name, OnDisk { lasting, named: true, ..OnDisk::default() });
    let mut files: Files = start.into_iter().map(there).collect();
    let (mut told, mut lost) = (BTreeSet::new(), Vec::new());
    for (at, op) in log.iter().enumerate() {
        happen(&mut files, &mut told, op);
        if !points.contains(&at) {
            continue;
        }
        let dir = tempfile::tempdir()?;
        for (name, file) in &files {
            if let Some(bytes) = found(file, random) {
                std::fs::write(dir.path().join(name), bytes)?;
            }
        }
        if let Err(why) = survives(&dir.path().join("store.sqlite"), &told) {
            lost.push(format!("after step {at} ({op}): {why:#}", op = short(op)));
        }
    }
    Ok(lost)
}

fn short(op: &Op) -> String {
    match op {
        Op::Write { file, at, bytes } => format!("write of {} at {at} of {file}", bytes.len()),
        other => format!("{other:?}"),
    }
}
