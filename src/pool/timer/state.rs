//! The state through which other threads call the timer thread.

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Instant;

use tokio::sync::oneshot;

use crate::sync::{Condvar, Mutex};

/// What other threads see of the timer thread.
#[derive(Debug)]
pub(in crate::pool) struct TimerThread {
    pub(in crate::pool) state: Mutex<State>,
    pub(in crate::pool) called: Condvar,
    /// The timer thread is awake, or has a time set: it checks the reservations without a call.
    pub(in crate::pool) armed: AtomicBool,
    /// When it expires tasks next, in nanoseconds of the pool's clock; `u64::MAX` for never.
    pub(in crate::pool) expiry: AtomicU64,
}

impl Default for TimerThread {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            called: Condvar::new(),
            armed: AtomicBool::new(false),
            expiry: AtomicU64::new(u64::MAX),
        }
    }
}

#[derive(Debug, Default)]
pub(in crate::pool) struct State {
    pub(in crate::pool) started: bool,
    pub(in crate::pool) stopped: bool,
    pub(in crate::pool) drain_until: Option<Instant>,
    /// Callers of a shutdown, and when to wake them. The thread stays for them, or starts again.
    pub(in crate::pool) alarms: Vec<(Instant, oneshot::Sender<()>)>,
    /// When to ask again for a worker's thread that was refused, if work waits.
    pub(in crate::pool) try_again: Option<Instant>,
    /// The operating system refused the timer thread; it is not asked again before this time.
    pub(in crate::pool) not_before: Option<Instant>,
}
