//! Pure decisions: plain values in, plain values out. No thread, lock, clock or runtime is used
//! here, so the pool, a simulator and a property test all run the same code.

pub(crate) mod batching;
pub(crate) mod coalescing;
pub(crate) mod inlining;
pub(crate) mod load;
pub(crate) mod overload;
pub(crate) mod placement;
pub(crate) mod rate_limit;
pub(crate) mod scaling;
pub(crate) mod scheduling;
pub(crate) mod spin_backoff;
pub(crate) mod splitmix64;
pub(crate) mod tenant_share;
pub(crate) mod trimming;
pub(crate) mod waking;
pub(crate) mod window;

/// A time in nanoseconds, at most `u64::MAX`.
pub(crate) fn nanos(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// An exponentially weighted mean. The newest value has the weight 1/8.
pub(crate) fn smooth(mean: u64, newest: u64) -> u64 {
    mean - mean / 8 + newest / 8
}
