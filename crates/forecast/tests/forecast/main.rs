//! What a forecast is worth, and what it keeps over a restart.
#![allow(clippy::unwrap_used, reason = "a test fails where it can't go on")]

mod ahead;
mod history;
