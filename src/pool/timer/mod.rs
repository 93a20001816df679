//! The timer thread, which keeps deadlines, and the helper threads that run what may block.

pub(super) mod helper_threads;
pub(super) mod state;
pub(super) mod timer_thread;
