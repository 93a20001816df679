//! The allocation behind a task. `task/mod.rs` describes its states and invariants.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Poll, Waker};

use super::{
    Arrived, CancelNode, Ended, Host, Join, Label, NotWaiting, Place, Priority, Refusal, Run, Stamp, TaskRef,
    Ticket,
};
use crate::contain::{self, contain};
use crate::error::{JoinError, Panic};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Holds a task's closure, then its result.
pub(crate) struct TaskCell<F: Send + 'static, T: Send + 'static> {
    inner: Mutex<Inner<F, T>>,
    /// `None` for plain work.
    label: Option<Box<Label>>,
    /// The task or request to which this task belongs.
    owner: Option<Arc<CancelNode>>,
    /// The result is no longer wanted. A flag beside the lock, because a running task reads it
    /// often.
    cancelled: AtomicBool,
    /// The result is there, or the task will never run. A flag beside the lock, so that a caller
    /// that spins does not contend with the worker for the lock.
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
    /// With the node of its own subtasks, if it has any.
    Running(Option<Arc<CancelNode>>),
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
    /// Makes a task that waits and belongs to nobody.
    #[cfg(test)]
    pub(crate) fn new(work: F, place: Place, waker: Option<Waker>, label: Option<Box<Label>>) -> Arc<Self> {
        Self::owned(None, work, place, waker, label)
    }

    /// Makes a task that waits, and belongs to `owner`. A `waker` given here saves the first
    /// registration.
    #[inline]
    pub(crate) fn owned(
        owner: Option<Arc<CancelNode>>,
        work: F,
        place: Place,
        waker: Option<Waker>,
        label: Option<Box<Label>>,
    ) -> Arc<Self> {
        let inner = Mutex::new(Inner { stage: Stage::Pending(work, place), waker });
        let (cancelled, done) = (AtomicBool::new(false), AtomicBool::new(false));
        Arc::new(Self { inner, label, owner, cancelled, done, stamp: AtomicU32::new(0) })
    }
}

impl<F: Send + 'static, T: Send + 'static> TaskCell<F, T> {
    /// Returns whether the task or request to which this task belongs was cancelled.
    fn owner_cancelled(&self) -> bool {
        self.owner.as_ref().is_some_and(|owner| owner.is_cancelled())
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

impl<T: Send + 'static> TaskCell<fn() -> Box<T>, Box<T>> {
    /// Makes a task that was refused.
    pub(crate) fn refused(why: Refusal) -> Arc<Self> {
        let inner = Mutex::new(Inner { stage: Stage::Void(why), waker: None });
        let (cancelled, done) = (AtomicBool::new(true), AtomicBool::new(true));
        Arc::new(Self { inner, label: None, owner: None, cancelled, done, stamp: AtomicU32::new(0) })
    }
}

impl<F, T> Run for TaskCell<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    fn run(&self, host: &dyn Host) -> Option<Place> {
        if self.owner_cancelled() {
            return None;
        }
        let (work, place) = {
            let mut inner = self.inner.lock();
            match mem::replace(&mut inner.stage, Stage::Running(None)) {
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
        let (node, waker) = {
            let mut inner = self.inner.lock();
            let node = if let Stage::Running(node) = &mut inner.stage { node.take() } else { None };
            debug_assert!(matches!(inner.stage, Stage::Running(None)));
            // Nothing is left in the old stage. To move it out would cost a wait for its last
            // store.
            mem::forget(mem::replace(&mut inner.stage, Stage::Done(result)));
            (node, inner.waker.take())
        };
        self.done.store(true, Ordering::Release);
        if let Some(node) = node {
            node.end();
        }
        host.wake(waker);
        Some(place)
    }

    fn stamp(&self, at: Stamp) {
        self.stamp.store(at.into_word(), Ordering::Relaxed);
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
        let (work, place, waker) = {
            let mut inner = self.inner.lock();
            if let Stage::Running(node) = &inner.stage {
                // A node that comes later is made under the lock, and sees this.
                self.cancelled.store(true, Ordering::Relaxed);
                // A node that is there is marked before the task can end: one that ends unmarked
                // leaves the tree.
                let node = node.clone().inspect(|node| node.mark());
                drop(inner);
                if let Some(node) = node {
                    node.cancel();
                }
                return Err(NotWaiting::Running);
            }
            match mem::replace(&mut inner.stage, Stage::Void(why)) {
                Stage::Pending(work, place) => {
                    self.cancelled.store(true, Ordering::Relaxed);
                    (work, place, inner.waker.take())
                }
                other => {
                    inner.stage = other;
                    return Err(NotWaiting::Over);
                }
            }
        };
        self.done.store(true, Ordering::Release);
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
        self.done.store(true, Ordering::Release);
        contain(|| drop((old, waker)));
        Some(place)
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed) || self.owner_cancelled()
    }

    fn cancel_node(&self) -> Option<Arc<CancelNode>> {
        let mut inner = self.inner.lock();
        let Stage::Running(node) = &mut inner.stage else { return self.owner.clone() };
        let node = node.get_or_insert_with(|| {
            let node = CancelNode::new(self.owner.clone());
            if self.cancelled.load(Ordering::Relaxed) {
                node.cancel();
            }
            node
        });
        Some(Arc::clone(node))
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

impl<F: Send + 'static, T: Send + 'static> Drop for TaskCell<F, T> {
    /// Drops a closure that was not run, or a result that nobody has taken. A panic of the drop
    /// goes no further, whichever thread has dropped the last reference.
    fn drop(&mut self) {
        let inner = self.inner.get_mut();
        let waker = inner.waker.take();
        if waker.is_some() || matches!(inner.stage, Stage::Pending(..) | Stage::Done(_)) {
            contain::discard((mem::replace(&mut inner.stage, Stage::Taken), waker));
        }
    }
}

impl<F, T> Join<T> for TaskCell<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    fn poll_join(&self, waker: &Waker) -> Poll<Result<T, JoinError>> {
        let mut inner = self.inner.lock();
        if matches!(inner.stage, Stage::Pending(..) | Stage::Running(_)) {
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
                owner: None,
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

    #[test]
    fn a_task_whose_owner_was_cancelled_is_not_run() {
        let owner = CancelNode::new(None);
        let cell = TaskCell::owned(Some(Arc::clone(&owner)), || (), Place::Subtask, None, None);
        owner.cancel();
        assert!(cell.is_cancelled() && cell.is_pending());
        let host = Record::default();
        assert_eq!((cell.run(&host), host.left.take()), (None, None));
        assert_eq!(cell.void(Refusal::Cancelled).map(|(place, _)| place), Ok(Place::Subtask));
        assert!(matches!(cell.poll_join(Waker::noop()), Poll::Ready(Err(JoinError::Cancelled))));
    }

    /// Runs a task that makes a node, and cancels the task before, after, or when it is over.
    #[test]
    fn a_running_task_cancels_what_it_submits_and_one_that_is_over_does_not() {
        for (cancel_at, expected) in [(0, true), (1, true), (2, false)] {
            type Work = Box<dyn FnOnce() -> Option<Arc<CancelNode>> + Send>;
            let me = Arc::new(std::sync::OnceLock::<std::sync::Weak<dyn Run>>::new());
            let it = Arc::clone(&me);
            let work: Work = Box::new(move || {
                let cell = it.get()?.upgrade()?;
                let cancel = |at| (at == cancel_at).then(|| cell.void(Refusal::Cancelled).err());
                cancel(0);
                let node = cell.cancel_node();
                cancel(1);
                node
            });
            let cell = TaskCell::new(work, Place::Subtask, None, None);
            let task: TaskRef = Arc::clone(&cell).into_run();
            me.set(Arc::downgrade(&task)).unwrap();
            assert!(cell.run(&Record::default()).is_some());
            if cancel_at == 2 {
                assert_eq!(cell.void(Refusal::Cancelled).err(), Some(NotWaiting::Over));
            }
            let Poll::Ready(Ok(Some(node))) = cell.poll_join(Waker::noop()) else { panic!("no node") };
            assert_eq!(node.is_cancelled(), expected, "cancelled at {cancel_at}");
        }
    }
}
