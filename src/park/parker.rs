//! A token that one thread waits for and any thread can give.

use std::time::Instant;

use crate::sync::{Condvar, Mutex};

/// Holds at most one token. [`unpark`](Parker::unpark) puts it there. [`park`](Parker::park) takes
/// it, and waits for it if there is none. A token given before the wait ends the wait at once, so
/// no wake-up is lost.
///
/// The token belongs to the parker, not to the thread (as in `std::thread::park`), because a task
/// may use the thread's token.
#[derive(Debug)]
pub(crate) struct Parker {
    token: Mutex<bool>,
    given: Condvar,
}

impl Parker {
    /// Makes a parker without a token.
    pub(crate) fn new() -> Self {
        Self { token: Mutex::new(false), given: Condvar::new() }
    }

    /// Waits for the token and takes it.
    pub(crate) fn park(&self) {
        let mut token = self.token.lock();
        while !std::mem::take(&mut *token) {
            token = self.given.wait(token);
        }
    }

    /// Waits for the token until `deadline`. Returns whether it was taken.
    pub(crate) fn park_until(&self, deadline: Instant) -> bool {
        let mut token = self.token.lock();
        loop {
            if std::mem::take(&mut *token) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            token = self.given.wait_timeout(token, left);
        }
    }

    /// Gives the token and wakes the thread that waits.
    pub(crate) fn unpark(&self) {
        *self.token.lock() = true;
        // Without the lock, so that the woken thread does not meet it.
        self.given.notify_one();
    }
}
