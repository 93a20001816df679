//! The phases of a pool's shutdown.

/// The phase that a pool has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::pool) enum Phase {
    Open,
    /// A deadline has passed: no task waits any more, but some may run.
    Aborted,
    /// Every thread has left.
    Ended,
}
