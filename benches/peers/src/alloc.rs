//! A global allocator that can count.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

static COUNTING: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static LARGE: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

/// An allocation of so many bytes is that of a buffer.
pub const LARGE_SIZE: usize = 1 << 10;

/// The system's allocator; it counts only while [`count`] runs, so that the other sections don't pay for a shared counter
/// (peers that allocate more would pay more).
pub struct Counting;

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: as promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: as promised by the caller.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size);
        // SAFETY: as promised by the caller.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as promised by the caller.
        unsafe { System.dealloc(pointer, layout) }
    }
}

fn note(size: usize) {
    if COUNTING.load(Relaxed) {
        ALLOCATIONS.fetch_add(1, Relaxed);
        LARGE.fetch_add(u64::from(size >= LARGE_SIZE), Relaxed);
        BYTES.fetch_add(size as u64, Relaxed);
    }
}

/// What was allocated, and reallocated, by the whole process.
#[derive(Clone, Copy)]
pub struct Heap {
    pub allocations: u64,
    /// Those of them of [`LARGE_SIZE`] and more.
    pub large: u64,
    pub bytes: u64,
}

fn now() -> Heap {
    Heap { allocations: ALLOCATIONS.load(Relaxed), large: LARGE.load(Relaxed), bytes: BYTES.load(Relaxed) }
}

/// Allocations and reallocations of the whole process while `work` runs.
pub fn count(work: impl FnOnce()) -> u64 {
    measure(work).allocations
}

/// The same, and how large they were.
pub fn measure(work: impl FnOnce()) -> Heap {
    let before = now();
    COUNTING.store(true, Relaxed);
    work();
    COUNTING.store(false, Relaxed);
    let after = now();
    Heap {
        allocations: after.allocations - before.allocations,
        large: after.large - before.large,
        bytes: after.bytes - before.bytes,
    }
}
