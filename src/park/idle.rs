//! The list of sleeping workers; the protocol and its proof are in `README.md` beside this file.

use std::time::Instant;

use crossbeam_utils::CachePadded;

use super::census::{CLOSING, Census, ENDED, IDLE, SEARCHING, TOTAL};
use super::parker::Parker;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering, fence};

/// Who sleeps, who searches, and whom to wake.
#[derive(Debug)]
pub(crate) struct Idle {
    census: CachePadded<AtomicU64>,
    /// Sleeping workers, the latest last: it is woken first, since its cache is the warmest, and those at the bottom
    /// sleep long enough to leave.
    list: Mutex<Vec<usize>>,
    parkers: Box<[Parker]>,
}

/// What [`Idle::notify`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notify {
    /// A searcher is under way and will see the work.
    Covered,
    /// A sleeping worker was woken.
    Woken,
    /// Every worker runs a task: one of them will look when it is done, unless another is started.
    Busy(Census),
    /// The workers are gone; whoever submitted has to clear the queues.
    Ended,
}

impl Idle {
    /// No worker yet, room for `slots`.
    pub(crate) fn new(slots: usize) -> Self {
        Self {
            census: CachePadded::new(AtomicU64::new(0)),
            list: Mutex::new(Vec::with_capacity(slots)),
            parkers: (0..slots).map(|_| Parker::new()).collect(),
        }
    }

    /// The workers' states now.
    pub(crate) fn census(&self) -> Census {
        Census(self.census.load(Ordering::SeqCst))
    }

    /// Called after work was made visible: sees to it that a worker looks at it.
    #[inline]
    pub(crate) fn notify(&self) -> Notify {
        // Pairs with the fence of `look_again`: either we see the worker asleep or it sees our work.
        fence(Ordering::SeqCst);
        let census = Census(self.census.load(Ordering::Relaxed));
        if census.ended() {
            Notify::Ended
        } else if census.searching() > 0 {
            Notify::Covered
        } else if census.idle() == 0 {
            Notify::Busy(census)
        } else {
            self.wake_one()
        }
    }

    #[cold]
    fn wake_one(&self) -> Notify {
        let slot = {
            let mut list = self.list.lock();
            let census = self.census();
            if census.ended() {
                return Notify::Ended;
            }
            // Another submitter may have woken one since: its search covers our work too.
            if census.searching() > 0 {
                return Notify::Covered;
            }
            let Some(slot) = list.pop() else { return Notify::Busy(census) };
            // The woken worker searches from this moment on, though it does not run yet: that is what keeps the next
            // submitters from waking a second one.
            self.move_by(SEARCHING.wrapping_sub(IDLE));
            slot
        };
        self.parkers[slot].unpark();
        Notify::Woken
    }

    /// Wakes sleepers, the latest first, until so many workers are awake: for work that is known to keep them all busy, where
    /// the way of a wake-up from one to the next would take longer than the work. Each of them is a searcher, like any
    /// that was woken singly.
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

    /// Counts one more worker, which starts as a searcher, if `wanted` says so of the census as it is.
    pub(crate) fn enlist(&self, mut wanted: impl FnMut(Census) -> bool) -> bool {
        let mut now = self.census();
        loop {
            // Not just closing: work that was accepted is done by as many as at other times.
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

    /// Takes back an [`enlist`](Idle::enlist) whose thread could not be started. The caller must
    /// [`notify`](Idle::notify) afterwards: for a moment submitters counted on a searcher that never came.
    pub(crate) fn dismiss(&self, has_work: impl FnOnce() -> bool) {
        self.move_by((TOTAL + SEARCHING).wrapping_neg());
        self.end_if_last(has_work);
    }

    /// The calling worker has run out of work and begins to search.
    pub(crate) fn begin_search(&self) {
        self.move_by(SEARCHING);
    }

    /// The calling searcher has found work. Says whether it was the last searcher: then it must look whether there is
    /// more work and [`notify`](Idle::notify) if so.
    pub(crate) fn work_found(&self) -> bool {
        let last = self.move_by(SEARCHING.wrapping_neg()).searching() == 1;
        if last {
            // Pairs with the fence of `notify`, as in `look_again`.
            fence(Ordering::SeqCst);
        }
        last
    }

    /// The calling searcher goes on the list of sleepers. It must [`look_again`](Idle::look_again) before it parks.
    pub(crate) fn announce_sleep(&self, slot: usize) {
        let mut list = self.list.lock();
        list.push(slot);
        self.move_by(IDLE.wrapping_sub(SEARCHING));
    }

    /// The recheck between the announcement and the sleep. True if `has_work` says there is something to do: then the
    /// caller searches again, as a searcher.
    pub(crate) fn look_again(&self, slot: usize, has_work: impl FnOnce() -> bool) -> bool {
        fence(Ordering::SeqCst);
        if !has_work() {
            return false;
        }
        if !self.strike(slot, SEARCHING.wrapping_sub(IDLE)) {
            // A submitter was quicker and already counts us as its searcher; its token is on the way.
            self.parkers[slot].park();
        }
        true
    }

    /// Sleeps until woken (true: the caller is a searcher now) or until `deadline` (false: still on the list).
    pub(crate) fn sleep(&self, slot: usize, deadline: Option<Instant>) -> bool {
        match deadline {
            Some(deadline) => self.parkers[slot].park_until(deadline),
            None => {
                self.parkers[slot].park();
                true
            }
        }
    }

    /// A sleeper whose time is up leaves the pool if `may_leave` agrees. `Some(true)`: it has left. `Some(false)`: it
    /// stays on the list. `None`: it was woken meanwhile and is a searcher.
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

    /// A worker that is active, between two tasks, leaves the pool if `wanted` agrees. True: it has left. The caller must then
    /// look at the queues and [`notify`](Idle::notify) if there is work: submitters may have counted on it.
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

    /// No more work is to come. The workers empty the queues, and leave once all of them are idle.
    pub(crate) fn close(&self, has_work: impl FnOnce() -> bool) {
        {
            // Under the lock, so that `leave` sees it before the worker is gone from the list.
            let _list = self.list.lock();
            self.census.fetch_or(CLOSING, Ordering::SeqCst);
        }
        self.end_if_last(has_work);
    }

    /// Ends the pool if it is closing, every worker is idle and no work waits, and wakes all workers
    /// to leave. Returns whether the pool has ended. Every thread that may have made it so calls
    /// this: a worker on the list that saw no work, `close` and `dismiss`.
    pub(crate) fn end_if_last(&self, has_work: impl FnOnce() -> bool) -> bool {
        let sleepers = {
            let list = self.list.lock();
            let census = self.census();
            if !census.closing() || census.idle() != census.total() {
                return census.ended();
            }
            // A worker on the list may not have looked again yet. It will see the work, for it
            // can't leave the list before the lock is free.
            fence(Ordering::SeqCst);
            if has_work() {
                return census.ended();
            }
            // A thread is enlisted without the lock. Then this is not the end, and the new worker
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

    /// Adds `change` to the census and returns what it was.
    fn move_by(&self, change: u64) -> Census {
        Census(self.census.fetch_add(change, Ordering::SeqCst))
    }
}
