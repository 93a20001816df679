//! The timer thread, which acts at deadlines, and the helper threads, which run what may block.

pub(super) mod helper_threads;
mod outbox;
pub(super) mod state;
pub(super) mod timer_thread;
