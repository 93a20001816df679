//! How many threads a pool has.
#![allow(clippy::unwrap_used, reason = "a test fails where it can't go on")]

#[cfg(target_os = "linux")]
mod blocked;
mod elastic;
mod foreseen;
#[path = "../support/pool.rs"]
mod pool_support;
mod sizing;
