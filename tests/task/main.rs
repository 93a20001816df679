//! What work that names a class, a tenant, a deadline or bytes is promised.
#![allow(clippy::unwrap_used, reason = "a test fails where it can't go on")]

mod bytes;
mod deadlines;
mod no_trace;
mod order;
mod overload;
#[path = "../support/pool.rs"]
mod pool_support;
mod room;
