//! The phases of a pool.

/// How far a pool's end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::pool) enum Phase {
    Open,
    /// A deadline has passed: nothing waits any more, but something may run.
    Aborted,
    /// Every thread has left.
    Ended,
}
