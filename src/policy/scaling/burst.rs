//! The reactive rule: one thread more, at once, or one less.

/// What bounds a pool's size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Threads that are always there.
    pub(crate) min: usize,
    /// Threads that are never exceeded.
    pub(crate) max: usize,
    /// Threads that can run at once on this machine.
    pub(crate) usable: usize,
}

/// The workers when the question is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Workers {
    /// All of them.
    pub(crate) total: usize,
    /// Those that sleep, or are already looking for work.
    pub(crate) free: usize,
}

/// Whether to start one more thread, now that work waits: nobody is free to take it, and there may be up to `limit` threads.
pub(crate) fn should_start(workers: Workers, limit: usize) -> bool {
    workers.free == 0 && workers.total < limit
}

/// Whether a worker that has slept for the whole idle timeout may leave.
pub(crate) fn may_leave(total: usize, least: usize) -> bool {
    total > least
}

#[cfg(test)]
#[path = "../../../tests/policy/scaling/burst.rs"]
mod tests;
