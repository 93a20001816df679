//! What the exporters promise.
#![cfg(any(feature = "prometheus", feature = "metrics"))]
#![allow(clippy::unwrap_used, reason = "a test fails where it can't go on")]

#[path = "../support/pool.rs"]
mod pool_support;
#[cfg(feature = "prometheus")]
mod prometheus;
#[cfg(feature = "metrics")]
mod reporter;
