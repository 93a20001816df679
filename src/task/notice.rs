//! The wake-ups of a future that jobs of the pool poll. The caller that awaits the job submits the
//! next job once the future was woken.
//!
//! Three parties take part. The job ends with "pending". The future's own wakers may call at any
//! time, also during that job. The waiter learns of the end of the job by the job's own wake-up. So
//! a wake-up during the job, or between its end and the waiter's check, need not wake anybody: the
//! waiter is already awake, and checks here before it rests. One small lock guards the state, so no
//! order of the three loses a wake-up.

use std::sync::Arc;
use std::task::{Wake, Waker};

use crate::sync::Mutex;

/// Whether the future was woken, and the waiter to wake.
#[derive(Debug)]
pub(crate) struct Notice(Mutex<State>);

#[derive(Debug)]
enum State {
    /// A job polls the future, is about to, or has just done so. The waiter will check.
    Polled,
    /// The future was woken since.
    Woken,
    /// No job runs, and this waiter is to be woken.
    Resting(Waker),
}

impl Notice {
    /// Makes the notice of a future that is about to be polled.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State::Polled)))
    }

    /// Rests after a job has ended and the future is pending. Returns true if the future was woken
    /// meanwhile: the next job is due. Returns false if not: `waiter` is called when the future is
    /// woken. A waiter checks again after every wake-up, also a spurious one.
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
        // Dropped without the lock: it may be the last reference to a whole future.
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
    use super::*;
    use crate::counted_wakes::CountedWakes;

    #[test]
    fn a_wake_up_during_the_job_wakes_nobody_and_is_not_lost() {
        let (notice, wakes) = (Notice::new(), Arc::<CountedWakes>::default());
        let waiter = wakes.waker();
        notice.wake_by_ref();
        notice.wake_by_ref();
        assert!(notice.rest(&waiter), "it is to be polled again, at once");
        assert!(!notice.rest(&waiter), "once");
        assert_eq!(wakes.count(), 0);
    }

    #[test]
    fn whoever_rests_is_woken_once_and_only_the_last_of_them() {
        let (notice, first, last) =
            (Notice::new(), Arc::<CountedWakes>::default(), Arc::<CountedWakes>::default());
        assert!(!notice.rest(&first.waker()));
        assert!(!notice.rest(&last.waker()));
        assert_eq!(Arc::strong_count(&first), 1, "its waker is not kept");
        notice.wake_by_ref();
        notice.wake_by_ref();
        assert_eq!((first.count(), last.count()), (0, 1));
        assert!(notice.rest(Waker::noop()));
    }
}
