//! What the pool of buffers promises.
#![allow(clippy::unwrap_used, reason = "a test fails where it can't go on")]

mod bounds;
mod returned;
mod trim;
