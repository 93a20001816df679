//! The phases of a pool's shutdown.

/// The phase that a pool has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::pool) enum Phase {
    Open,
    /// A deadline has passed: no task waits any more, but some may run.
    Aborted,
    /// Every thread has left: no more code of a task or hook runs.
    Ended,
    /// Every thread is gone, with its thread-locals.
    Gone,
}
