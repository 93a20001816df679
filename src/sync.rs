//! The synchronisation types of the hand-made protocols: the standard ones, or loom's when a model runs.
//!
//! Only what a protocol's proof speaks of goes through here. Reference counts do not: the models argue about states and
//! wake-ups, and `std::sync::Arc` is trusted.

#[cfg(not(millpond_loom))]
mod imp {
    pub(crate) use std::sync::atomic;
    pub(crate) use std::sync::{Mutex, MutexGuard};
    pub(crate) use std::thread;
}

#[cfg(millpond_loom)]
mod imp {
    pub(crate) use loom::sync::atomic;
    pub(crate) use loom::sync::{Mutex, MutexGuard};
    pub(crate) use loom::thread;
}

pub(crate) use imp::{atomic, thread};

/// A mutex without poisoning.
///
/// No code of a user runs under any lock of this crate, so a poisoned lock could only tell of a panic in our own
/// few lines; to go on with what is there is then no worse than to panic again in every other thread.
#[derive(Debug)]
pub(crate) struct Mutex<T>(imp::Mutex<T>);

/// The guard of [`Mutex::lock`].
pub(crate) type MutexGuard<'a, T> = imp::MutexGuard<'a, T>;

impl<T> Mutex<T> {
    /// A mutex around `value`.
    pub(crate) fn new(value: T) -> Self {
        Self(imp::Mutex::new(value))
    }

    /// Blocks until the lock is held.
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
