//! Where tasks wait: the injector for work from outside, two deques for each worker.
//!
//! One deque of a worker holds its subtasks. It is last in, first out, so that a task that fans out
//! is worked off depth first and in bounded memory. The other holds a batch: tasks from outside
//! that the worker took together and has not begun. It is first in, first out for everyone.
//!
//! A worker looks into its subtasks, its batch, the injector, and then the deques of the others.
//! Thieves take the oldest task. Every [`FAIR_TURN`]th turn a worker looks at the far ends first.
//!
//! # The order of work from outside
//!
//! A task in a batch waits while its worker runs something else, and that may take long. So before
//! a worker takes tasks from outside, it looks for batches that were there when it looked the last
//! time ([`Local::overdue`]), and takes from the oldest of them. Batches have numbers: a batch is
//! numbered after it can be seen, so a worker that reads the count of batches sees each of them.
//!
//! A task is thus overtaken by at most two batches of each other worker: the one that this worker
//! takes before it reads the count, and the one that it takes between its first look and its
//! second.

#[cfg(feature = "test-util")]
mod drain;
mod local;
#[cfg(all(test, not(millpond_loom)))]
mod order_tests;
mod sweep;
mod sweeper;

use crossbeam_deque::{Injector, Steal, Stealer, Worker};
use crossbeam_utils::CachePadded;

pub(crate) use local::Local;
pub(crate) use sweep::Sweep;
use sweeper::Sweeper;

use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use crate::task::TaskRef;

/// Every so many turns a worker looks at the injector first, so that local work can't starve it. Go's and Tokio's
/// schedulers use the same figure, a prime, so that it doesn't fall into step with periodic work.
const FAIR_TURN: u32 = 61;

/// All queues of a pool.
pub(crate) struct Queues {
    injector: Injector<TaskRef>,
    slots: Box<[Slot]>,
    /// Slots at and over this one were never used: nobody needs to look there.
    used: AtomicUsize,
    /// How many batches were ever taken.
    batches: CachePadded<AtomicU64>,
    sweeper: Sweeper,
}

/// The queues of one worker, as the others see them.
struct Slot {
    subtasks: Stealer<TaskRef>,
    batch: Stealer<TaskRef>,
    /// The number of the batch. The worker writes it.
    number: CachePadded<AtomicU64>,
    /// The worker's ends, for a thread to take; back here when the thread leaves.
    deques: Mutex<Option<Deques>>,
}

/// A worker's ends of its queues.
struct Deques {
    subtasks: Worker<TaskRef>,
    batch: Worker<TaskRef>,
}

impl Slot {
    fn new() -> Self {
        let deques = Deques { subtasks: Worker::new_lifo(), batch: Worker::new_fifo() };
        Self {
            subtasks: deques.subtasks.stealer(),
            batch: deques.batch.stealer(),
            number: CachePadded::new(AtomicU64::new(0)),
            deques: Mutex::new(Some(deques)),
        }
    }

    fn has_work(&self) -> bool {
        !self.batch.is_empty() || !self.subtasks.is_empty()
    }
}

impl std::fmt::Debug for Queues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queues").field("injected", &self.injector.len()).finish_non_exhaustive()
    }
}

impl Queues {
    /// Empty queues with room for `slots` workers.
    pub(crate) fn new(slots: usize) -> Self {
        Self {
            injector: Injector::new(),
            slots: (0..slots).map(|_| Slot::new()).collect(),
            used: AtomicUsize::new(0),
            batches: CachePadded::new(AtomicU64::new(0)),
            sweeper: Sweeper::default(),
        }
    }

    /// Work from outside. The caller then sees to it that a worker looks.
    pub(crate) fn inject(&self, task: TaskRef) {
        self.injector.push(task);
    }

    /// The deques of `slot`, for the thread that has just started there.
    pub(crate) fn claim(&self, slot: usize) -> Option<Local> {
        self.used.fetch_max(slot + 1, Ordering::SeqCst);
        self.slots[slot].deques.lock().take().map(|deques| Local::new(slot, deques))
    }

    /// The deques of a thread that leaves.
    pub(crate) fn give_back(&self, local: Local) {
        let (slot, deques) = local.into_parts();
        *self.slots[slot].deques.lock() = Some(deques);
    }

    /// Whether any task waits anywhere.
    pub(crate) fn has_work(&self) -> bool {
        !self.injector.is_empty() || self.in_use().iter().any(Slot::has_work)
    }

    /// How much work from outside waits in the injector.
    pub(crate) fn injected(&self) -> usize {
        self.injector.len()
    }

    /// Takes one task, whichever comes first to hand.
    pub(crate) fn take_any(&self) -> Option<TaskRef> {
        let from = |slot: &Slot| insist(|| slot.batch.steal()).or_else(|| insist(|| slot.subtasks.steal()));
        insist(|| self.injector.steal()).or_else(|| self.in_use().iter().find_map(from))
    }

    fn in_use(&self) -> &[Slot] {
        &self.slots[..self.used.load(Ordering::SeqCst)]
    }

    /// The slot of the oldest batch that has tasks left, and the number of that batch.
    fn oldest_batch(&self) -> Option<(&Slot, u64)> {
        let left = self.in_use().iter().filter(|slot| !slot.batch.is_empty());
        left.map(|slot| (slot, slot.number.load(Ordering::SeqCst))).min_by_key(|&(_, number)| number)
    }

    /// The batch of `slot` has been filled.
    fn number_batch(&self, slot: usize) {
        let number = self.batches.fetch_add(1, Ordering::SeqCst);
        self.slots[slot].number.store(number, Ordering::SeqCst);
    }
}

/// Repeats a steal that lost a race.
fn insist(mut steal: impl FnMut() -> Steal<TaskRef>) -> Option<TaskRef> {
    loop {
        match steal() {
            Steal::Success(task) => return Some(task),
            Steal::Empty => return None,
            Steal::Retry => std::hint::spin_loop(),
        }
    }
}
