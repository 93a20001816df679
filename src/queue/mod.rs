//! Where tasks wait: the injector for work from outside, a deque for each worker's own.
//!
//! A worker looks into its own deque, then the injector, then the deques of the others, nearest first. Its own deque is
//! last in, first out, so that a task that fans out is worked off depth first and in bounded memory; thieves and every
//! [`FAIR_TURN`]th turn take from the other end.

#[cfg(feature = "test-util")]
mod drain;
mod local;
mod sweep;

use crossbeam_deque::{Injector, Steal, Stealer, Worker};

pub(crate) use local::Local;
pub(crate) use sweep::Sweep;
use sweep::Sweeper;

use crate::sync::Mutex;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::task::TaskRef;

/// Every so many turns a worker looks at the injector first, so that local work can't starve it. Go's and Tokio's
/// schedulers use the same figure, a prime, so that it doesn't fall into step with periodic work.
const FAIR_TURN: u32 = 61;

/// All queues of a pool.
pub(crate) struct Queues {
    injector: Injector<TaskRef>,
    stealers: Box<[Stealer<TaskRef>]>,
    /// The other ends of `stealers`, for the threads to take; back here when a thread leaves.
    deques: Box<[Mutex<Option<Worker<TaskRef>>>]>,
    /// Slots at and over this one were never used: nobody needs to look there.
    used: AtomicUsize,
    sweeper: Sweeper,
}

impl std::fmt::Debug for Queues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queues").field("injected", &self.injector.len()).finish_non_exhaustive()
    }
}

impl Queues {
    /// Empty queues with room for `slots` workers.
    pub(crate) fn new(slots: usize) -> Self {
        let deques: Vec<_> = (0..slots).map(|_| Worker::new_lifo()).collect();
        Self {
            injector: Injector::new(),
            stealers: deques.iter().map(Worker::stealer).collect(),
            deques: deques.into_iter().map(|deque| Mutex::new(Some(deque))).collect(),
            used: AtomicUsize::new(0),
            sweeper: Sweeper::default(),
        }
    }

    /// Work from outside. The caller then sees to it that a worker looks.
    pub(crate) fn inject(&self, task: TaskRef) {
        self.injector.push(task);
    }

    /// The deque of `slot`, for the thread that has just started there.
    pub(crate) fn claim(&self, slot: usize) -> Option<Local> {
        self.used.fetch_max(slot + 1, Ordering::SeqCst);
        self.deques[slot].lock().take().map(|deque| Local::new(slot, deque))
    }

    /// The deque of a thread that leaves.
    pub(crate) fn give_back(&self, local: Local) {
        let (slot, deque) = local.into_parts();
        *self.deques[slot].lock() = Some(deque);
    }

    /// Whether any task waits anywhere.
    pub(crate) fn has_work(&self) -> bool {
        !self.injector.is_empty() || self.in_use().iter().any(|stealer| !stealer.is_empty())
    }

    /// How much work from outside waits.
    pub(crate) fn injected(&self) -> usize {
        self.injector.len()
    }

    /// Takes one task, whichever comes first to hand.
    pub(crate) fn take_any(&self) -> Option<TaskRef> {
        insist(|| self.injector.steal())
            .or_else(|| self.in_use().iter().find_map(|stealer| insist(|| stealer.steal())))
    }

    fn in_use(&self) -> &[Stealer<TaskRef>] {
        &self.stealers[..self.used.load(Ordering::SeqCst)]
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
