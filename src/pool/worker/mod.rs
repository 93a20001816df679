//! A worker: its loop, its ledger, how it waits, and the wake-ups that it sends.

pub(super) mod aftermath;
mod core_yield;
mod ledger;
#[cfg(all(test, millpond_loom))]
mod loom_models;
mod main_loop;
pub(super) mod polling;
#[cfg(feature = "test-util")]
mod stepped;
pub(super) mod waiting;
pub(super) mod waits;
mod wake_callers;
mod warm_up;

pub(super) use main_loop::{Ready, Worker, current, current_of, main, thread_of};
