//! The synchronisation types of the hand-made protocols: the standard ones, or loom's when a model runs.
//!
//! Only what a protocol's proof speaks of goes through here. Reference counts do not: the models argue about states and
//! wake-ups, and `std::sync::Arc` is trusted.
//!
//! The locks do not poison. No code of a user runs under any lock of this crate, but for the clone of a waker, so a poisoned
//! lock could only tell of a panic in our own few lines; to go on with what is there is then no worse than to panic again in
//! every other thread.

use std::sync::{PoisonError, TryLockError};
use std::time::Duration;

#[cfg(not(millpond_loom))]
use std::sync as imp;

#[cfg(millpond_loom)]
use loom::sync as imp;

pub(crate) use imp::{MutexGuard, atomic};

/// A mutex without poisoning.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(imp::Mutex<T>);

impl<T> Mutex<T> {
    /// A mutex around `value`.
    pub(crate) fn new(value: T) -> Self {
        Self(imp::Mutex::new(value))
    }

    /// Takes the lock if nobody holds it.
    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(guard)) => Some(guard.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// The value, for the only one who has the mutex.
    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// Blocks until the lock is held.
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A condition variable for [`Mutex`].
#[derive(Debug, Default)]
pub(crate) struct Condvar(imp::Condvar);

impl Condvar {
    /// Nobody waits.
    pub(crate) fn new() -> Self {
        Self(imp::Condvar::new())
    }

    /// Gives the lock up, waits, and takes it again. May return for no reason.
    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`wait`](Condvar::wait), for `timeout` at most. (A model knows no clock: there it waits without end.)
    pub(crate) fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
    ) -> MutexGuard<'a, T> {
        self.0.wait_timeout(guard, timeout).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Wakes one that waits.
    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes all that wait.
    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}
