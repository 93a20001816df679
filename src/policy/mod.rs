//! Decisions, and nothing else: plain values in, plain values out. No thread, lock, clock or runtime is known here, so
//! that the pool, a simulator and a property test all drive the same code.

pub(crate) mod batching;
pub(crate) mod coalescing;
pub(crate) mod dice;
#[cfg(feature = "forecast")]
pub(crate) mod forecast;
pub(crate) mod inlining;
pub(crate) mod load;
pub(crate) mod patience;
pub(crate) mod retry;
pub(crate) mod retry_budget;
pub(crate) mod scaling;
