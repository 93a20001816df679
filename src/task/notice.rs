//! The wake-ups of a future that somebody else polls: a job of the pool polls it, and whoever awaits that job has the next one
//! submitted when the future was woken.
//!
//! Three parties meet here: the job, which is over with "pending"; the future's own wakers, which may call at any time, during that very
//! job among others; and the waiter, who learns of the end of the job by the job's own wake-up. So a wake-up during the job, or between
//! its end and the waiter's look, need not wake anybody: the waiter is on its way, and asks here before it rests. Everything is under
//! one small lock, so there is no order of the three in which a wake-up is lost.

use std::sync::Arc;
use std::task::{Wake, Waker};

use crate::sync::Mutex;

/// Whether the future was woken, and whom to tell.
#[derive(Debug)]
pub(crate) struct Notice(Mutex<State>);

#[derive(Debug)]
enum State {
    /// A job polls it, is about to, or has just done so: the waiter will ask.
    Polled,
    /// It was woken since.
    Woken,
    /// No job; the waiter is to be woken.
    Resting(Waker),
}

impl Notice {
    /// For a future that is about to be polled.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State::Polled)))
    }

    /// The job is over, and the future is pending. True if it was woken meanwhile: the next job is due. False: `waiter` will be called
    /// when it is. A waiter that was called, or calls for no reason, asks again.
    #[must_use]
    pub(crate) fn rest(&self, waiter: &Waker) -> bool {
        let mut state = self.0.lock();
        let old = match &mut *state {
            State::Woken => {
                *state = State::Polled;
                return true;
            }
            State::Resting(known) if known.will_wake(waiter) => return false,
            state => std::mem::replace(state, State::Resting(waiter.clone())),
        };
        drop(state);
        // Not under the lock: it may be the last reference to a whole future.
        drop(old);
        false
    }
}

impl Wake for Notice {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let old = std::mem::replace(&mut *self.0.lock(), State::Woken);
        if let State::Resting(waiter) = old {
            waiter.wake();
        }
    }
}

#[cfg(all(test, not(millpond_loom)))]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_wake_up_during_the_job_wakes_nobody_and_is_not_lost() {
        let (notice, wakes) = (Notice::new(), Arc::new(Wakes::default()));
        let waiter = Waker::from(Arc::clone(&wakes));
        notice.wake_by_ref();
        notice.wake_by_ref();
        assert!(notice.rest(&waiter), "it is to be polled again, at once");
        assert!(!notice.rest(&waiter), "once");
        assert_eq!(wakes.0.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn whoever_rests_is_woken_once_and_only_the_last_of_them() {
        let (notice, first, last) = (Notice::new(), Arc::new(Wakes::default()), Arc::new(Wakes::default()));
        assert!(!notice.rest(&Waker::from(Arc::clone(&first))));
        assert!(!notice.rest(&Waker::from(Arc::clone(&last))));
        assert_eq!(Arc::strong_count(&first), 1, "its waker is not kept");
        notice.wake_by_ref();
        notice.wake_by_ref();
        let count = |wakes: &Wakes| wakes.0.load(Ordering::SeqCst);
        assert_eq!((count(&first), count(&last)), (0, 1));
        assert!(notice.rest(Waker::noop()));
    }
}
