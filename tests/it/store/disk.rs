//! A disk of a test's own: it lies between SQLite and the real one, fails when told to, and can write down what was done
//! to it, for a test that pulls the plug.
//!
//! It is registered as SQLite's default VFS and passes everything through but the files below directories that a test has
//! put on a [`Disk`]. It offers no memory mapping of the database, so that every read and write is seen.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

use rusqlite::ffi::{self, sqlite3_file, sqlite3_io_methods, sqlite3_vfs};

/// What was done to a file; the name is the last part of its path.
#[derive(Clone, Debug)]
pub enum Op {
    Create {
        file: String,
    },
    Write {
        file: String,
        at: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        file: String,
        size: usize,
    },
    Sync {
        file: String,
    },
    /// `lasting`: the directory was synced too.
    Delete {
        file: String,
        lasting: bool,
    },
    /// Something that a test has been told at this point.
    Told(String),
}

/// How the disk fails at present.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    #[default]
    Well,
    /// No file can become longer.
    Full,
    /// Nothing can be written, as after a remount.
    Frozen,
    /// What is written cannot be made to last.
    Unsynced,
    /// Nothing can be read either.
    Dead,
    /// What is read is not what was written.
    Rotten,
}

#[derive(Default)]
struct State {
    mood: Mood,
    log: Option<Vec<Op>>,
    /// How often it has failed in the present mood.
    refusals: u64,
}

/// The disk that a directory is on.
#[derive(Clone, Default)]
pub struct Disk(Arc<Mutex<State>>);

static DISKS: Mutex<Vec<(PathBuf, Disk)>> = Mutex::new(Vec::new());
static INSTALL: Once = Once::new();

impl Disk {
    /// Puts what will be opened below `dir` on a disk of its own, until the process ends.
    pub fn under(dir: &Path) -> std::io::Result<Disk> {
        // SAFETY: registration is done once, with a structure that lives as long as the process.
        INSTALL.call_once(|| unsafe { install() });
        let disk = Disk::default();
        lock(&DISKS).push((dir.canonicalize()?, disk.clone()));
        Ok(disk)
    }

    pub fn set(&self, mood: Mood) {
        let mut state = lock(&self.0);
        (state.mood, state.refusals) = (mood, 0);
    }

    /// How often it has refused since the mood was set: a test of a fault that never happened tests nothing.
    pub fn refusals(&self) -> u64 {
        lock(&self.0).refusals
    }

    /// From now on everything is written down.
    pub fn record(&self) {
        lock(&self.0).log = Some(Vec::new());
    }

    pub fn note(&self, told: &str) {
        self.log(|| Op::Told(told.to_owned()));
    }

    pub fn take_log(&self) -> Vec<Op> {
        lock(&self.0).log.take().unwrap_or_default()
    }

    fn log(&self, op: impl FnOnce() -> Op) {
        if let Some(log) = &mut lock(&self.0).log {
            log.push(op());
        }
    }

    fn refuses(&self, when: impl Fn(Mood) -> bool) -> bool {
        let mut state = lock(&self.0);
        let refuses = when(state.mood);
        state.refusals += u64::from(refuses);
        refuses
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What SQLite takes for its file. The real VFS's own lies behind it.
#[repr(C)]
struct File {
    methods: *const sqlite3_io_methods,
    watched: *mut Watched,
}

struct Watched {
    disk: Disk,
    name: String,
}

/// SAFETY of all functions below: SQLite calls them with the VFS that was registered and with files that `open` has
/// filled, one call a file at a time; the real VFS is asked with its own structures.
unsafe fn install() {
    unsafe {
        let real = ffi::sqlite3_vfs_find(std::ptr::null());
        assert!(!real.is_null());
        let mut ours = *real;
        ours.zName = c"disk-of-a-test".as_ptr();
        ours.szOsFile = (*real).szOsFile + size_of::<File>() as c_int;
        ours.pAppData = real.cast();
        ours.xOpen = Some(open);
        ours.xDelete = Some(delete);
        assert_eq!(ffi::sqlite3_vfs_register(Box::leak(Box::new(ours)), 1), ffi::SQLITE_OK);
    }
}

unsafe fn real_vfs(vfs: *mut sqlite3_vfs) -> *mut sqlite3_vfs {
    unsafe { (*vfs).pAppData.cast() }
}

unsafe fn real(file: *mut sqlite3_file) -> *mut sqlite3_file {
    unsafe { file.byte_add(size_of::<File>()) }
}

unsafe fn watched<'a>(file: *mut sqlite3_file) -> &'a Watched {
    unsafe { &*(*file.cast::<File>()).watched }
}

/// The disk that a path is on, and the last part of it.
unsafe fn find(name: *const c_char) -> Option<Watched> {
    if name.is_null() {
        return None;
    }
    let path = unsafe { CStr::from_ptr(name) }.to_str().ok().map(Path::new)?;
    let disks = lock(&DISKS);
    let (_, disk) = disks.iter().rev().find(|(dir, _)| path.starts_with(dir))?;
    Some(Watched { disk: disk.clone(), name: path.file_name()?.to_str()?.to_owned() })
}

unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    unsafe {
        let vfs = real_vfs(vfs);
        let Some(real_open) = (*vfs).xOpen else { return ffi::SQLITE_CANTOPEN };
        let Some(watched) = find(name) else { return real_open(vfs, name, file, flags, out) };
        let there = Path::new(CStr::from_ptr(name).to_str().unwrap_or_default()).exists();
        (*file).pMethods = std::ptr::null();
        if !there && watched.disk.refuses(|mood| matches!(mood, Mood::Frozen | Mood::Dead)) {
            return ffi::SQLITE_CANTOPEN;
        }
        let code = real_open(vfs, name, real(file), flags, out);
        if code != ffi::SQLITE_OK {
            return code;
        }
        if !there {
            watched.disk.log(|| Op::Create { file: watched.name.clone() });
        }
        let ours = file.cast::<File>();
        (*ours).watched = Box::into_raw(Box::new(watched));
        (*ours).methods = &METHODS;
        code
    }
}

unsafe extern "C" fn delete(vfs: *mut sqlite3_vfs, name: *const c_char, sync_directory: c_int) -> c_int {
    unsafe {
        let vfs = real_vfs(vfs);
        let Some(real_delete) = (*vfs).xDelete else { return ffi::SQLITE_ERROR };
        if let Some(watched) = find(name) {
            if watched.disk.refuses(|mood| matches!(mood, Mood::Frozen | Mood::Dead)) {
                return ffi::SQLITE_IOERR_DELETE;
            }
            watched.disk.log(|| Op::Delete { file: watched.name.clone(), lasting: sync_directory != 0 });
        }
        real_delete(vfs, name, sync_directory)
    }
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    unsafe {
        drop(Box::from_raw((*file.cast::<File>()).watched));
        forward(real(file), |it| it.xClose, |call, file| call(file))
    }
}

unsafe extern "C" fn read(file: *mut sqlite3_file, into: *mut c_void, bytes: c_int, at: i64) -> c_int {
    unsafe {
        if watched(file).disk.refuses(|mood| mood == Mood::Dead) {
            return ffi::SQLITE_IOERR_READ;
        }
        let code = forward(real(file), |it| it.xRead, |call, file| call(file, into, bytes, at));
        // Small reads are SQLite's own bookkeeping.
        if code == ffi::SQLITE_OK && bytes >= 512 && watched(file).disk.refuses(|mood| mood == Mood::Rotten) {
            let piece = std::slice::from_raw_parts_mut(into.cast::<u8>(), bytes as usize);
            piece.iter_mut().step_by(97).for_each(|byte| *byte ^= 0x5a);
        }
        code
    }
}

unsafe extern "C" fn write(file: *mut sqlite3_file, from: *const c_void, bytes: c_int, at: i64) -> c_int {
    unsafe {
        let Watched { disk, name } = watched(file);
        let mut size = 0;
        forward(real(file), |it| it.xFileSize, |call, file| call(file, &mut size));
        let longer = at + i64::from(bytes) > size;
        if disk.refuses(|mood| mood == Mood::Full && longer) {
            return ffi::SQLITE_FULL;
        }
        if disk.refuses(|mood| matches!(mood, Mood::Frozen | Mood::Dead)) {
            return ffi::SQLITE_IOERR_WRITE;
        }
        let piece = std::slice::from_raw_parts(from.cast::<u8>(), bytes as usize);
        disk.log(|| Op::Write { file: name.clone(), at: at as usize, bytes: piece.to_vec() });
        forward(real(file), |it| it.xWrite, |call, file| call(file, from, bytes, at))
    }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: i64) -> c_int {
    unsafe {
        let Watched { disk, name } = watched(file);
        if disk.refuses(|mood| matches!(mood, Mood::Frozen | Mood::Dead)) {
            return ffi::SQLITE_IOERR_TRUNCATE;
        }
        disk.log(|| Op::Truncate { file: name.clone(), size: size as usize });
        forward(real(file), |it| it.xTruncate, |call, file| call(file, size))
    }
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    unsafe {
        let Watched { disk, name } = watched(file);
        if disk.refuses(|mood| matches!(mood, Mood::Unsynced | Mood::Frozen | Mood::Dead)) {
            return ffi::SQLITE_IOERR_FSYNC;
        }
        let code = forward(real(file), |it| it.xSync, |call, file| call(file, flags));
        disk.log(|| Op::Sync { file: name.clone() });
        code
    }
}

unsafe extern "C" fn shm_map(
    file: *mut sqlite3_file,
    region: c_int,
    size: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    unsafe {
        let map = |extend| forward(real(file), |it| it.xShmMap, |call, file| call(file, region, size, extend, out));
        let code = map(0);
        if extend == 0 || code != ffi::SQLITE_OK || !(*out).is_null() {
            return code;
        }
        if watched(file).disk.refuses(|mood| matches!(mood, Mood::Full | Mood::Frozen | Mood::Dead)) {
            return ffi::SQLITE_IOERR_SHMSIZE;
        }
        map(extend)
    }
}

/// Asks the real file's own method.
unsafe fn forward<F>(
    file: *mut sqlite3_file,
    method: impl FnOnce(&sqlite3_io_methods) -> Option<F>,
    call: impl FnOnce(F, *mut sqlite3_file) -> c_int,
) -> c_int {
    match method(unsafe { &*(*file).pMethods }) {
        Some(found) => call(found, file),
        None => ffi::SQLITE_ERROR,
    }
}

/// Methods that only pass on.
macro_rules! passed_on {
    ($($name:ident = $method:ident ( $($arg:ident : $type:ty),* );)*) => { $(
        unsafe extern "C" fn $name(file: *mut sqlite3_file $(, $arg: $type)*) -> c_int {
            unsafe { forward(real(file), |it| it.$method, |call, file| call(file $(, $arg)*)) }
        }
    )* };
}

passed_on! {
    file_size = xFileSize(size: *mut i64);
    take = xLock(kind: c_int);
    release = xUnlock(kind: c_int);
    is_reserved = xCheckReservedLock(out: *mut c_int);
    control = xFileControl(op: c_int, arg: *mut c_void);
    sector_size = xSectorSize();
    characteristics = xDeviceCharacteristics();
    shm_lock = xShmLock(offset: c_int, n: c_int, flags: c_int);
    shm_unmap = xShmUnmap(remove: c_int);
}

unsafe extern "C" fn shm_barrier(file: *mut sqlite3_file) {
    unsafe {
        let file = real(file);
        if let Some(barrier) = (*(*file).pMethods).xShmBarrier {
            barrier(file);
        }
    }
}

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(take),
    xUnlock: Some(release),
    xCheckReservedLock: Some(is_reserved),
    xFileControl: Some(control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};
