//! The allocation behind a task. `task/mod.rs` describes its states and invariants.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Poll, Waker};

use super::{
    Arrived, Ended, Host, Join, Label, NotWaiting, Place, Priority, Refusal, Run, Stamp, TaskRef, Ticket,
};
use crate::contain::{self, contain};
use crate::error::{JoinError, Panic};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Holds a task's closure, then its result.
pub(crate) struct TaskCell<F, T> {
    inner: Mutex<Inner<F, T>>,
    /// `None` for plain work.
    label: Option<Box<Label>>,
    /// The result is no longer wanted. A flag beside the lock, because a running task reads it
    /// often.
    cancelled: AtomicBool,
    /// The result is there. A flag beside the lock, so that a caller that spins does not contend
    /// with the worker for the lock.
    done: AtomicBool,
    /// The arrival of plain work that is sampled; else 0. It fits beside the flags.
    stamp: AtomicU32,
}

struct Inner<F, T> {
    stage: Stage<F, T>,
    waker: Option<Waker>,
}

enum Stage<F, T> {
    Pending(F, Place),
    Running,
    Done(Result<T, JoinError>),
    /// The task will never run.
    Void(Refusal),
    Taken,
}

impl<F, T> TaskCell<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    /// Makes a task that waits. A `waker` given here saves the first registration.
    pub(crate) fn new(work: F, place: Place, waker: Option<Waker>, label: Option<Box<Label>>) -> Arc<Self> {
        let inner = Mutex::new(Inner { stage: Stage::Pending(work, place), waker });
        let (cancelled, done) = (AtomicBool::new(false), AtomicBool::new(false));
        Arc::new(Self { inner, label, cancelled, done, stamp: AtomicU32::new(0) })
    }

    /// Notes when plain work came. Call it before the task enters its queue.
    pub(crate) fn stamp(&self, at: Stamp) {
        self.stamp.store(at.into_word(), Ordering::Relaxed);
    }

    /// Returns when the task came, if that is known.
    #[inline]
    fn arrived(&self) -> Option<Arrived> {
        match &self.label {
            Some(label) => Some(Arrived::At(label.arrival)),
            None => Stamp::of_word(self.stamp.load(Ordering::Relaxed)).map(Arrived::Stamped),
        }
    }

    fn priority(&self) -> Option<Priority> {
        self.label.as_ref().map(|label| label.priority)
    }
}

impl<F, T> Run for TaskCell<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    fn run(&self, host: &dyn Host) -> Option<Place> {
        let (work, place) = {
            let mut inner = self.inner.lock();
            match mem::replace(&mut inner.stage, Stage::Running) {
                Stage::Pending(work, place) => (work, place),
                other => {
                    inner.stage = other;
                    return None;
                }
            }
        };
        host.leaves_queue(place);
        // A subtask waits for its own task more than for the pool, and may have the label of that.
        if let Some(arrived) = self.arrived().filter(|_| place != Place::Subtask) {
            host.waited(arrived, self.priority());
        }

        // The call consumes the closure, so no value that a panic left half-changed can be seen.
        let result = catch_unwind(AssertUnwindSafe(work));

        // Counted before the result is visible: a caller that has the result also finds it in the
        // statistics.
        let abandoned = self.is_cancelled();
        host.ended(Ended { panicked: result.is_err(), abandoned, priority: self.priority() });
        let result = result.map_err(|payload| {
            let panic = Box::new(Panic::new(payload));
            host.panicked(&panic);
            JoinError::Panicked(panic)
        });
        let waker = {
            let mut inner = self.inner.lock();
            inner.stage = Stage::Done(result);
            inner.waker.take()
        };
        self.done.store(true, Ordering::Release);
        host.wake(waker);
        Some(place)
    }

    fn enter(&self, to: Place) -> bool {
        match &mut self.inner.lock().stage {
            Stage::Pending(_, place @ Place::Outside) => {
                *place = to;
                true
            }
            _ => false,
        }
    }

    fn void(&self, why: Refusal) -> Result<(Place, Option<Waker>), NotWaiting> {
        self.cancelled.store(true, Ordering::Relaxed);
        let (work, place, waker) = {
            let mut inner = self.inner.lock();
            match mem::replace(&mut inner.stage, Stage::Void(why)) {
                Stage::Pending(work, place) => (work, place, inner.waker.take()),
                other => {
                    let running = matches!(other, Stage::Running);
                    inner.stage = other;
                    return Err(if running { NotWaiting::Running } else { NotWaiting::Over });
                }
            }
        };
        // If the drop panics, the caller must still give back what the task occupied.
        contain::discard(work);
        Ok((place, waker))
    }

    fn withdraw(&self, paid: Ticket) -> Option<Place> {
        let (old, place, waker) = {
            let mut inner = self.inner.lock();
            let Stage::Pending(_, place) = inner.stage else { return None };
            if !place.is_beyond(paid) {
                return None;
            }
            self.cancelled.store(true, Ordering::Relaxed);
            let old = mem::replace(&mut inner.stage, Stage::Void(Refusal::Cancelled));
            (old, place, inner.waker.take())
        };
        contain(|| drop((old, waker)));
        Some(place)
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    fn place(&self) -> Option<Place> {
        match self.inner.lock().stage {
            Stage::Pending(_, place) => Some(place),
            _ => None,
        }
    }

    fn is_over(&self) -> bool {
        matches!(self.inner.lock().stage, Stage::Done(_) | Stage::Void(_) | Stage::Taken)
    }

    fn waiter(&self) -> Option<Waker> {
        self.inner.lock().waker.clone()
    }

    fn label(&self) -> Option<&Label> {
        self.label.as_deref()
    }
}

impl<F, T> Join<T> for TaskCell<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    fn poll_join(&self, waker: &Waker) -> Poll<Result<T, JoinError>> {
        let mut inner = self.inner.lock();
        if matches!(inner.stage, Stage::Pending(..) | Stage::Running) {
            if !inner.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
                let old = inner.waker.replace(waker.clone());
                // Dropped without the lock: a waker may be the last reference to a whole future.
                drop(inner);
                drop(old);
            }
            return Poll::Pending;
        }
        let stage = mem::replace(&mut inner.stage, Stage::Taken);
        drop(inner);
        let result = match stage {
            Stage::Done(result) => result,
            Stage::Void(why) => Err(JoinError::from(why)),
            _ => panic!("a task's result was polled after it had been taken"),
        };
        Poll::Ready(result)
    }

    fn looks_done(&self) -> bool {
        self.done.load(Ordering::Acquire)
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
    use std::cell::Cell;

    use super::*;

    #[derive(Default)]
    struct Record {
        left: Cell<Option<Place>>,
        ended: Cell<Option<Ended>>,
    }

    impl Host for Record {
        fn leaves_queue(&self, place: Place) {
            self.left.set(Some(place));
        }
        fn ended(&self, ended: Ended) {
            self.ended.set(Some(ended));
        }
    }

    #[test]
    fn a_place_is_told_once_to_whoever_takes_the_work() {
        let cell = TaskCell::new(|| 1, Place::Queued(Ticket::HELD), None, None);
        let host = Record::default();
        assert_eq!(cell.run(&host), Some(Place::Queued(Ticket::HELD)));
        assert_eq!(host.left.take(), Some(Place::Queued(Ticket::HELD)));
        assert_eq!(cell.void(Refusal::Cancelled).err(), Some(NotWaiting::Over));
        assert_eq!(cell.run(&host), None);
        assert_eq!(host.left.take(), None);
    }

    #[test]
    fn cancelling_drops_the_closure_at_once() {
        let held = Arc::new(());
        let guard = Arc::clone(&held);
        let cell = TaskCell::new(move || drop(guard), Place::Outside, None, None);
        assert!(matches!(cell.void(Refusal::Cancelled), Ok((Place::Outside, None))));
        assert_eq!(Arc::strong_count(&held), 1);
        assert!(!cell.enter(Place::Queued(Ticket::HELD)));
        assert!(matches!(cell.poll_join(Waker::noop()), Poll::Ready(Err(JoinError::Cancelled))));
    }

    #[test]
    fn only_what_waits_beyond_the_limit_can_be_withdrawn() {
        let paid = Ticket::new(7);
        for place in [Place::Outside, Place::Queued(Ticket::new(8)), Place::Queued(Ticket::NONE)] {
            let cell = TaskCell::new(|| (), place, None, None);
            assert_eq!(cell.withdraw(paid), Some(place));
            assert_eq!((cell.withdraw(paid), cell.run(&Record::default())), (None, None));
            assert!(cell.is_cancelled() && cell.place().is_none());
        }
        for place in [Place::Queued(Ticket::HELD), Place::Queued(paid), Place::Subtask] {
            let cell = TaskCell::new(|| (), place, None, None);
            assert_eq!((cell.withdraw(paid), cell.is_cancelled()), (None, false));
            assert_eq!(cell.run(&Record::default()), Some(place));
        }
    }

    #[test]
    fn a_panic_is_a_value() {
        let cell = TaskCell::new(|| panic!("spilt"), Place::Subtask, None, None);
        let host = Record::default();
        cell.run(&host);
        assert_eq!(host.ended.take(), Some(Ended { panicked: true, abandoned: false, priority: None }));
        match cell.poll_join(Waker::noop()) {
            Poll::Ready(Err(JoinError::Panicked(panic))) => assert_eq!(panic.message(), Some("spilt")),
            _ => panic!("expected the panic"),
        }
    }

    #[test]
    fn a_task_cancelled_while_it_runs_is_counted_as_abandoned() {
        type Work = Box<dyn FnOnce() + Send>;
        let cell = Arc::new_cyclic(|me: &std::sync::Weak<TaskCell<Work, ()>>| {
            let me = me.clone();
            let work: Work = Box::new(move || {
                let met = me.upgrade().and_then(|cell| cell.void(Refusal::Cancelled).err());
                assert_eq!(met, Some(NotWaiting::Running));
            });
            let inner = Inner { stage: Stage::Pending(work, Place::Subtask), waker: None };
            TaskCell {
                inner: Mutex::new(inner),
                label: None,
                cancelled: AtomicBool::new(false),
                done: AtomicBool::new(false),
                stamp: AtomicU32::new(0),
            }
        });
        let host = Record::default();
        cell.run(&host);
        assert_eq!(host.ended.take(), Some(Ended { panicked: false, abandoned: true, priority: None }));
        assert!(matches!(cell.poll_join(Waker::noop()), Poll::Ready(Ok(()))));
    }
}
