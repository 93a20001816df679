//! The immediate rule: one more thread at once, or one less.

/// The bounds of a pool's size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// The least number of threads.
    pub(crate) min: usize,
    /// The largest number of threads.
    pub(crate) max: usize,
    /// The number of threads that can run at once on this machine.
    pub(crate) usable: usize,
}

/// The workers at this moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Workers {
    /// The number of workers.
    pub(crate) total: usize,
    /// The number of workers that sleep or search for work.
    pub(crate) free: usize,
}

/// Returns whether to start a thread for waiting work, if there may be up to `limit` threads.
pub(crate) fn should_start(workers: Workers, limit: usize) -> bool {
    workers.free == 0 && workers.total < limit
}

/// Returns whether a worker that has slept for the whole idle timeout may leave.
pub(crate) fn may_leave(total: usize, least: usize) -> bool {
    total > least
}

#[cfg(test)]
mod tests;
