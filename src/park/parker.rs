//! A token that one thread waits for and any thread can give.

use std::time::Instant;

use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::thread::{self, Thread};

/// Holds at most one token: [`unpark`](Parker::unpark) puts it there, [`park`](Parker::park) takes it, waiting for it
/// if need be. A token given before the wait ends the wait at once, so no wake-up is lost.
///
/// The token is the parker's own, not the thread's (`std::thread::park`), because a task may use the latter.
#[derive(Debug)]
pub(crate) struct Parker {
    token: AtomicBool,
    owner: Mutex<Option<Thread>>,
}

impl Parker {
    /// A parker without owner and without token.
    pub(crate) fn new() -> Self {
        Self { token: AtomicBool::new(false), owner: Mutex::new(None) }
    }

    /// Makes the calling thread the one that parks here.
    pub(crate) fn adopt(&self) {
        *self.owner.lock() = Some(thread::current());
    }

    /// Waits for the token and takes it.
    pub(crate) fn park(&self) {
        while !self.take() {
            thread::park();
        }
    }

    /// Waits for the token until `deadline`; says whether it was taken.
    #[cfg(not(millpond_loom))]
    pub(crate) fn park_until(&self, deadline: Instant) -> bool {
        loop {
            if self.take() {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            thread::park_timeout(left);
        }
    }

    /// Models know no clock: the wait has no end but the token.
    #[cfg(millpond_loom)]
    pub(crate) fn park_until(&self, _deadline: Instant) -> bool {
        self.park();
        true
    }

    /// Puts the token there and wakes the owner.
    pub(crate) fn unpark(&self) {
        // Release pairs with the Acquire of `take`: what the waker wrote before is seen by the woken thread.
        self.token.store(true, Ordering::Release);
        if let Some(owner) = &*self.owner.lock() {
            owner.unpark();
        }
    }

    fn take(&self) -> bool {
        self.token.swap(false, Ordering::Acquire)
    }
}
