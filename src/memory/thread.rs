//! Threads by number.

use std::sync::atomic::{AtomicUsize, Ordering};

thread_local! {
    static NUMBER: usize = {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        NEXT.fetch_add(1, Ordering::Relaxed)
    };
}

/// The number of this thread: another for each. A thread that is about to end has 0.
pub(super) fn number() -> usize {
    NUMBER.try_with(|number| *number).unwrap_or(0)
}
