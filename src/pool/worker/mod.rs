//! A worker: its loop, its ledger, its subtasks, and the wake-ups that it sends.

pub(super) mod aftermath;
pub(super) mod blocking;
pub(super) mod core_yield;
pub(super) mod ledger;
mod main_loop;
pub(super) mod polling;
#[cfg(feature = "test-util")]
pub(super) mod stepped;
pub(super) mod subtasks;
pub(super) mod waiting;
pub(super) mod waits;
pub(super) mod wake_callers;
pub(super) mod warm_up;

pub(super) use main_loop::{Ready, Worker, current, current_of, main, thread_of};
