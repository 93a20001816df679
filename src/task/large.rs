//! Closures and results that are too large to be moved by value.
//!
//! Unoptimised code copies a value in each function that moves it, and each copy is on the stack of
//! the thread. So the pool boxes a large closure before it moves it on, and a worker boxes a large
//! result as soon as it is there. Small ones are moved by value: a box would cost an allocation.
//! The compiler chooses by the type, so neither kind pays for the other.

use std::sync::Arc;
use std::task::{Poll, Waker};

use super::{Join, Run, TaskCell, TaskRef};
use crate::error::JoinError;

/// The size in bytes from which on values are boxed. Tokio boxes large futures from the same size
/// on in debug builds.
const LARGE: usize = 2048;

/// Returns whether values of this type are boxed.
pub(crate) const fn is_large<T>() -> bool {
    size_of::<T>() > LARGE
}

/// A closure in a box.
pub(crate) type BoxedWork<T> = Box<dyn FnOnce() -> T + Send>;

/// Converts a closure in a box into one that is called where it lies.
pub(crate) fn erase<F, T>(work: Box<F>) -> BoxedWork<T>
where
    F: FnOnce() -> T + Send + 'static,
{
    work
}

/// The caller of a task with a boxed result gets the result itself.
impl<F, T> Join<T> for TaskCell<F, Box<T>>
where
    F: FnOnce() -> Box<T> + Send + 'static,
    T: Send + 'static,
{
    fn poll_join(&self, waker: &Waker) -> Poll<Result<T, JoinError>> {
        Join::<Box<T>>::poll_join(self, waker).map_ok(|result| *result)
    }

    fn looks_done(&self) -> bool {
        Join::<Box<T>>::looks_done(self)
    }

    fn as_run(&self) -> &dyn Run {
        self
    }

    fn into_run(self: Arc<Self>) -> TaskRef {
        self
    }
}

#[cfg(all(test, not(millpond_loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_is_moved_by_value_ends_with_two_kilobytes() {
        assert!(!is_large::<[u8; 2048]>() && is_large::<[u8; 2049]>());
        assert!(!is_large::<Box<[u8; 1 << 20]>>());
    }
}
