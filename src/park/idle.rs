//! The list of sleeping workers. `README.md` beside this file has the protocol and its proof.

use std::time::Instant;

use crossbeam_utils::CachePadded;

use super::census::{CLOSING, Census, ENDED, IDLE, SEARCHING, TOTAL};
use super::parker::Parker;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering, fence};

/// Which workers sleep and search, and which one to wake.
#[derive(Debug)]
pub(crate) struct Idle {
    census: CachePadded<AtomicU64>,
    /// Sleeping workers, the latest last. The latest is woken first, because its cache is the
    /// warmest. Those at the front sleep long enough to leave.
    list: Mutex<Vec<usize>>,
    parkers: Box<[Parker]>,
}

/// The result of [`Idle::notify`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notify {
    /// A worker searches and will see the work.
    Covered,
    /// A sleeping worker was woken.
    Woken,
    /// Every worker runs a task. One of them will see the work after its task, unless the caller
    /// starts another worker.
    Busy(Census),
    /// The workers have left. The submitter must clear the queues.
    Ended,
}

impl Idle {
    /// Makes an empty list with room for `slots` workers.
    pub(crate) fn new(slots: usize) -> Self {
        Self {
            census: CachePadded::new(AtomicU64::new(0)),
            list: Mutex::new(Vec::with_capacity(slots)),
            parkers: (0..slots).map(|_| Parker::new()).collect(),
        }
    }

    /// Returns the workers' states now.
    pub(crate) fn census(&self) -> Census {
        Census(self.census.load(Ordering::SeqCst))
    }

    /// Ensures that a worker sees work that was made visible before the call.
    #[inline]
    pub(crate) fn notify(&self) -> Notify {
        self.notify_near(|_| true)
    }

    /// As [`notify`](Self::notify). If a worker is woken, it is the latest sleeper among those that
    /// are `near`, if there is one.
    #[inline]
    pub(crate) fn notify_near(&self, near: impl Fn(usize) -> bool) -> Notify {
        // Pairs with the fence of `look_again`: this thread sees the worker asleep, or the worker
        // sees the work.
        fence(Ordering::SeqCst);
        let census = Census(self.census.load(Ordering::Relaxed));
        if census.ended() {
            Notify::Ended
        } else if census.searching() > 0 {
            Notify::Covered
        } else if census.idle() == 0 {
            Notify::Busy(census)
        } else {
            self.wake_one(near)
        }
    }

    #[cold]
    fn wake_one(&self, near: impl Fn(usize) -> bool) -> Notify {
        let slot = {
            let mut list = self.list.lock();
            let census = self.census();
            if census.ended() {
                return Notify::Ended;
            }
            // Another submitter may have woken a worker since. That worker's search covers this
            // work too.
            if census.searching() > 0 {
                return Notify::Covered;
            }
            let latest = list.iter().rposition(|&slot| near(slot)).or(list.len().checked_sub(1));
            let Some(latest) = latest else { return Notify::Busy(census) };
            let slot = list.remove(latest);
            // The woken worker counts as a searcher from now on, though it does not run yet. So the
            // next submitters do not wake a second one.
            self.move_by(SEARCHING.wrapping_sub(IDLE));
            slot
        };
        self.parkers[slot].unpark();
        Notify::Woken
    }

    /// Wakes sleepers, the latest first, until `awake` workers are awake. It serves work that will
    /// keep them all busy, where waking one worker after the other would take longer than the work.
    /// Each woken worker is a searcher.
    pub(crate) fn rouse(&self, awake: usize) {
        loop {
            let slot = {
                let mut list = self.list.lock();
                let census = self.census();
                if census.ended() || census.total() - census.idle() >= awake {
                    return;
                }
                let Some(slot) = list.pop() else { return };
                self.move_by(SEARCHING.wrapping_sub(IDLE));
                slot
            };
            self.parkers[slot].unpark();
        }
    }

    /// Counts one more worker, which starts as a searcher, if `wanted` accepts the present census.
    pub(crate) fn enlist(&self, mut wanted: impl FnMut(Census) -> bool) -> bool {
        let mut now = self.census();
        loop {
            // A pool that is closing still starts threads: accepted work gets as many as at other
            // times.
            if now.ended() || !wanted(now) {
                return false;
            }
            let next = now.0 + TOTAL + SEARCHING;
            match self.census.compare_exchange_weak(now.0, next, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return true,
                Err(seen) => now = Census(seen),
            }
        }
    }

    /// Undoes an [`enlist`](Idle::enlist) whose thread could not be started. The caller must
    /// [`notify`](Idle::notify) afterwards, because submitters may have counted on a searcher that
    /// never came.
    pub(crate) fn dismiss(&self, has_work: impl FnOnce() -> bool) {
        self.move_by((TOTAL + SEARCHING).wrapping_neg());
        self.end_if_last(has_work);
    }

    /// Counts the calling worker, which has no work, as a searcher.
    pub(crate) fn begin_search(&self) {
        self.move_by(SEARCHING);
    }

    /// Counts the calling searcher as active. Returns whether it was the last searcher: it must
    /// then check for more work and [`notify`](Idle::notify) if there is some.
    pub(crate) fn work_found(&self) -> bool {
        let last = self.move_by(SEARCHING.wrapping_neg()).searching() == 1;
        if last {
            // Pairs with the fence of `notify`, as in `look_again`.
            fence(Ordering::SeqCst);
        }
        last
    }

    /// Puts the calling searcher on the list of sleepers. It must call
    /// [`look_again`](Idle::look_again) before it parks.
    pub(crate) fn announce_sleep(&self, slot: usize) {
        let mut list = self.list.lock();
        list.push(slot);
        self.move_by(IDLE.wrapping_sub(SEARCHING));
    }

    /// Checks for work between the announcement and the sleep. Returns true if `has_work` does: the
    /// caller is then a searcher again.
    pub(crate) fn look_again(&self, slot: usize, has_work: impl FnOnce() -> bool) -> bool {
        fence(Ordering::SeqCst);
        if !has_work() {
            return false;
        }
        if !self.strike(slot, SEARCHING.wrapping_sub(IDLE)) {
            // A submitter was quicker and already counts this worker as its searcher. Its token is
            // on the way.
            self.parkers[slot].park();
        }
        true
    }

    /// Sleeps until woken (true: the caller is now a searcher) or until `deadline` (false: it is
    /// still on the list).
    pub(crate) fn sleep(&self, slot: usize, deadline: Option<Instant>) -> bool {
        match deadline {
            Some(deadline) => self.parkers[slot].park_until(deadline),
            None => {
                self.parkers[slot].park();
                true
            }
        }
    }

    /// Lets a sleeper whose time has passed leave the pool, if `may_leave` agrees. `Some(true)`: it
    /// has left. `Some(false)`: it stays on the list. `None`: it was woken meanwhile and is a
    /// searcher.
    pub(crate) fn leave(&self, slot: usize, may_leave: impl FnOnce(Census) -> bool) -> Option<bool> {
        let mut list = self.list.lock();
        let Some(at) = list.iter().position(|&s| s == slot) else {
            drop(list);
            self.parkers[slot].park();
            return None;
        };
        let census = self.census();
        if census.closing() || !may_leave(census) {
            return Some(false);
        }
        list.remove(at);
        self.move_by((TOTAL + IDLE).wrapping_neg());
        Some(true)
    }

    /// Lets an active worker leave the pool between two tasks, if `wanted` agrees. Returns whether
    /// it has left. The caller must then check the queues and [`notify`](Idle::notify) if there is
    /// work, because submitters may have counted on this worker.
    pub(crate) fn retire(&self, mut wanted: impl FnMut(Census) -> bool) -> bool {
        let mut now = self.census();
        while !now.closing() && wanted(now) {
            let next = now.0 - TOTAL;
            match self.census.compare_exchange_weak(now.0, next, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => {
                    // Pairs with the fence of `notify`, as in `look_again`.
                    fence(Ordering::SeqCst);
                    return true;
                }
                Err(seen) => now = Census(seen),
            }
        }
        false
    }

    /// Closes the pool: no more work comes. The workers empty the queues, and leave once all of
    /// them are idle.
    pub(crate) fn close(&self, has_work: impl FnOnce() -> bool) {
        {
            // Under the lock, so that `leave` sees it before the worker is off the list.
            let _list = self.list.lock();
            self.census.fetch_or(CLOSING, Ordering::SeqCst);
        }
        self.end_if_last(has_work);
    }

    /// Ends the pool if it is closing, every worker is idle and no work waits, and wakes all
    /// workers to leave. Returns whether the pool has ended. Every thread that may have met these
    /// conditions calls this: a worker on the list that saw no work, `close` and `dismiss`.
    pub(crate) fn end_if_last(&self, has_work: impl FnOnce() -> bool) -> bool {
        let sleepers = {
            let list = self.list.lock();
            let census = self.census();
            if !census.closing() || census.idle() != census.total() {
                return census.ended();
            }
            // A worker on the list may not have looked again yet. It will see the work, because it
            // can't leave the list while this lock is held.
            fence(Ordering::SeqCst);
            if has_work() {
                return census.ended();
            }
            // A thread was enlisted without the lock. Then this is not the end, and the new worker
            // calls this function later.
            let ended = census.0 | ENDED;
            if self.census.compare_exchange(census.0, ended, Ordering::SeqCst, Ordering::SeqCst).is_err() {
                return false;
            }
            list.clone()
        };
        for slot in sleepers {
            self.parkers[slot].unpark();
        }
        true
    }

    fn strike(&self, slot: usize, change: u64) -> bool {
        let mut list = self.list.lock();
        match list.iter().position(|&s| s == slot) {
            Some(at) => {
                list.remove(at);
                self.move_by(change);
                true
            }
            None => false,
        }
    }

    /// Adds `change` to the census and returns the census before it.
    fn move_by(&self, change: u64) -> Census {
        Census(self.census.fetch_add(change, Ordering::SeqCst))
    }
}
