//! What the tools for tests promise.
#![cfg(feature = "test-util")]
#![allow(clippy::unwrap_used, reason = "a test fails where it can't go on")]

mod clock;
mod faults;
mod inline;
mod leaks;
mod manual;
mod order;
#[path = "../support/pool.rs"]
mod pool_support;
mod race;
