//! The fuzzer's side of the targets: it feeds them, and counts what they allocate.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

pub use libfuzzer_sys;

pub mod targets;

/// No target has a use for more at once; the largest inputs are some kilobytes.
const MOST_BYTES: usize = 64 << 20;

/// The system's allocator, with a bound: libFuzzer's own needs a sanitizer, and looks at the whole process now and then only.
struct Bounded;

static LIVE: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Bounded = Bounded;

// SAFETY: the system's allocator does all of it; only sizes are counted.
unsafe impl GlobalAlloc for Bounded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Relaxed) + layout.size();
        if live > MOST_BYTES {
            // Nothing may panic here; the fuzzer keeps the input of a process that aborts.
            eprintln!("the target holds {live} bytes, more than {MOST_BYTES}");
            std::process::abort();
        }
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(at, layout) }
    }
}

/// Feeds the target of this name.
pub fn run(name: &str, data: &[u8]) {
    let target = targets::ALL.iter().find(|(known, _)| *known == name);
    target.unwrap_or_else(|| panic!("there is no target {name}")).1(data);
}

/// The whole of a target's program.
#[macro_export]
macro_rules! target {
    ($name:literal) => {
        $crate::libfuzzer_sys::fuzz_target!(|data: &[u8]| $crate::run($name, data));
    };
}
