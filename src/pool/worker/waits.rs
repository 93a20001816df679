//! The workers that wait for work of their own pool.
//!
//! A worker waits while the task that it runs has polled the future of other work, and that work is
//! not over. The work lies in a queue and needs an awake worker, one that does not wait. So:
//!
//! > While every worker waits, no work that is waited for stays in a queue, unless its future was
//! > woken and not polled since.
//!
//! # Why this holds
//!
//! The count of workers that wait is compared with the number of workers after each step that may
//! make them equal:
//!
//! - *A worker begins to wait.* It enters its wait under the lock, then compares. Of two workers
//!   that begin at the same time the second sees both. It runs the work itself, and does not count
//!   meanwhile. If its work was begun by another worker, it wakes the futures of all work that has
//!   not begun ([`Waits::stranded`]).
//! - *A worker waits again* after it has run work within its task, *or leaves the pool*, or its
//!   thread cannot be started. It wakes those futures too.
//!
//! A future that is woken is polled by its worker, which compares again and runs the work if every
//! worker still waits. A worker that leaves writes the number of workers and then reads the count;
//! a worker that begins to wait writes the count and then reads the number of workers. A fence lies
//! between ([`Waits::all`]), so one of the two sees the other's step. `loom_models.rs` checks this.

use std::collections::BTreeMap;

use crate::contain;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicUsize, Ordering, fence};
use crate::task::TaskRef;

/// What the workers of a pool wait for.
pub(in crate::pool) struct Waits {
    /// The number of workers that wait. Written under the lock.
    count: AtomicUsize,
    state: Mutex<State>,
}

struct State {
    /// The last key.
    key: u64,
    /// For each worker a stack of levels: one for each task that has waited or that such a task
    /// waits for, the innermost last. The worker waits for the work of the last level.
    stacks: Vec<Vec<Level>>,
}

/// What one task on one worker waits for.
#[derive(Default)]
struct Level {
    work: BTreeMap<u64, TaskRef>,
    /// Another thread may run in place of this one.
    declared: bool,
}

/// How a worker counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pool) enum Counts {
    Awake,
    Waits,
    /// It waits, and another thread may run in its place.
    Declared,
}

impl Counts {
    fn of(stack: &[Level]) -> Self {
        match stack.last().filter(|level| !level.work.is_empty()) {
            None => Self::Awake,
            Some(level) if level.declared => Self::Declared,
            Some(_) => Self::Waits,
        }
    }
}

/// How a worker counts before and after a change.
pub(in crate::pool) type Change = (Counts, Counts);

impl Waits {
    pub(in crate::pool) fn new(slots: usize) -> Self {
        let stacks = (0..slots).map(|_| Vec::new()).collect();
        Self { count: AtomicUsize::new(0), state: Mutex::new(State { key: 0, stacks }) }
    }

    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Returns whether every worker waits, after a step that may have made it so. `others` returns
    /// the number of workers that may run the work: those that are not found blocked.
    pub(super) fn all(&self, others: impl FnOnce() -> usize) -> bool {
        // Between the step and what is read: of two steps at the same time, one sees the other.
        fence(Ordering::SeqCst);
        let waiting = self.count();
        waiting > 0 && waiting >= others()
    }

    /// If every worker waits, wakes the futures of the work that has not begun, so that their
    /// workers run it.
    pub(super) fn wake_stranded(&self, others: impl FnOnce() -> usize) {
        if self.all(others) {
            for task in self.stranded() {
                contain::wake(task.waiter());
                contain::discard(task);
            }
        }
    }

    /// Enters work that the innermost task of `slot` waits for, and returns its key. `first`: that
    /// task has not waited before. `declared`: another thread may run in place of this one.
    pub(super) fn add(&self, slot: usize, first: bool, task: TaskRef, declared: bool) -> (u64, Change) {
        self.change(slot, |state| {
            state.key += 1;
            let (key, stack) = (state.key, &mut state.stacks[slot]);
            if first {
                stack.push(Level::default());
            }
            if let Some(level) = stack.last_mut() {
                level.declared |= declared;
                level.work.insert(key, task);
            }
            key
        })
    }

    /// Removes the work with this key, if its task has not ended. Any thread may call this.
    pub(super) fn remove(&self, slot: usize, key: u64) -> Change {
        let (removed, change) = self.change(slot, |state| {
            state.stacks[slot].iter_mut().rev().find_map(|level| level.work.remove(&key))
        });
        // Dropped without the lock: the last reference drops the result, a user's value.
        drop(removed);
        change
    }

    /// Notes that `slot` runs work within its innermost task that has waited. Until the
    /// [`end`](Self::end) of that work the worker does not wait for what the task waits for.
    pub(super) fn begin(&self, slot: usize) -> Change {
        self.change(slot, |state| state.stacks[slot].push(Level::default())).1
    }

    /// Notes that the innermost task with a level has ended.
    pub(super) fn end(&self, slot: usize) -> Change {
        let (level, change) = self.change(slot, |state| state.stacks[slot].pop());
        drop(level);
        change
    }

    /// Returns whether the innermost task of `slot` waits for the work with this key.
    pub(super) fn holds(&self, slot: usize, key: u64) -> bool {
        self.state.lock().stacks[slot].last().is_some_and(|level| level.work.contains_key(&key))
    }

    /// Returns the work that workers wait for and that has not begun.
    fn stranded(&self) -> Vec<TaskRef> {
        let state = self.state.lock();
        let work = state.stacks.iter().filter_map(|stack| stack.last()).flat_map(|level| level.work.values());
        work.filter(|task| task.is_pending()).cloned().collect()
    }

    fn change<R>(&self, slot: usize, change: impl FnOnce(&mut State) -> R) -> (R, Change) {
        let mut state = self.state.lock();
        let before = Counts::of(&state.stacks[slot]);
        let result = change(&mut state);
        let after = Counts::of(&state.stacks[slot]);
        match (before != Counts::Awake, after != Counts::Awake) {
            (false, true) => _ = self.count.fetch_add(1, Ordering::Relaxed),
            (true, false) => _ = self.count.fetch_sub(1, Ordering::Relaxed),
            _ => {}
        }
        (result, (before, after))
    }
}

#[cfg(all(test, not(millpond_loom)))]
mod tests {
    use super::*;
    use crate::task::{Place, TaskCell};

    fn task() -> TaskRef {
        TaskCell::new(|| (), Place::Subtask, None, None)
    }

    #[test]
    fn a_worker_counts_once_until_the_last_work_is_removed() {
        let waits = Waits::new(2);
        let (one, _) = waits.add(0, true, task(), true);
        let (two, _) = waits.add(0, false, task(), true);
        assert_eq!((waits.count(), waits.stranded().len()), (1, 2));
        waits.add(1, true, task(), false);
        assert_eq!(waits.count(), 2);
        waits.remove(0, one);
        waits.remove(0, one);
        assert_eq!((waits.count(), waits.holds(0, one), waits.holds(0, two)), (2, false, true));
        waits.remove(0, two);
        assert_eq!(waits.count(), 1);
    }

    #[test]
    fn a_worker_does_not_count_while_it_runs_work_within_its_task() {
        let waits = Waits::new(1);
        let (outer, _) = waits.add(0, true, task(), true);
        waits.begin(0);
        assert_eq!((waits.count(), waits.holds(0, outer)), (0, false));
        let (inner, (_, after)) = waits.add(0, false, task(), false);
        assert_eq!((waits.count(), after), (1, Counts::Waits));
        let (_, after) = waits.end(0);
        assert_eq!((waits.count(), after, waits.holds(0, outer)), (1, Counts::Declared, true));
        waits.remove(0, inner);
        assert_eq!(waits.count(), 1);
        waits.end(0);
        waits.remove(0, outer);
        assert_eq!(waits.count(), 0);
    }
}
