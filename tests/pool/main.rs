//! What a pool promises, one module a promise.
#![allow(clippy::unwrap_used, reason = "a test fails where it can't go on")]

mod affinity;
mod auto_traits;
mod backpressure;
mod cancellation;
mod cancellation_tree;
mod clock;
mod config;
mod coop;
mod end;
mod errors;
mod fairness;
mod large;
mod lone_caller;
mod names;
mod no_hang;
mod observed;
mod panics;
#[path = "../support/pool.rs"]
mod pool_support;
mod pressure;
mod report;
mod reservations;
mod run;
mod runtime_context;
mod serde;
mod shutdown;
mod slow_drops;
mod stress;
mod time_slice;
mod user_code;
mod waiting;
mod wakeups;
mod withheld;
