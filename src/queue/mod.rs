//! The queues: the injector for work from outside, and two deques for each worker.
//!
//! One deque of a worker holds its subtasks. It is last in, first out, so a task that fans out is
//! processed depth first and in bounded memory. The other deque holds a batch: tasks from outside
//! that the worker took together and has not begun. It is first in, first out for every thread.
//!
//! Each NUMA node has an injector. A worker checks its subtasks, its batch, the injector of its
//! node, the deques of its node, and then the other nodes: there the injector before the deques
//! ([`Layout`]). Thieves take the oldest task. Every [`FAIR_TURN`]th turn a worker takes work from
//! outside first, and its oldest subtask if there is none.
//!
//! # The order of work from outside
//!
//! A task in a batch waits while its worker runs something else, and that may take long. So before
//! a worker takes tasks from an injector, it checks for batches from there that existed at its last
//! check ([`Local::overdue`]), and takes from the oldest of them. A batch gets its number after it
//! has become visible, so a worker that reads the count of batches sees each of them.
//!
//! A task is thus overtaken by at most two batches of each other worker: the batch that this worker
//! takes before it reads the count, and the one that it takes between its first check and its
//! second. Tasks of different injectors have no order.
//!
//! A node whose workers are all blocked is not left alone: in every [`FAIR_TURN`]th check for
//! overdue batches a worker begins with one of the other nodes, each in rotation, and takes one
//! task.

mod layout;
mod local;
#[cfg(all(test, not(millpond_loom)))]
mod order_tests;
mod sweep;

use crossbeam_deque::{Injector, Steal, Stealer, Worker};
use crossbeam_utils::CachePadded;

pub(crate) use layout::{Group, Layout, Node};
pub(crate) use local::{Found, Local, Source};
pub(crate) use sweep::Sweep;

use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use crate::task::TaskRef;

/// The number of turns after which a worker checks the injector first, so that local work can't
/// starve it. Go's and Tokio's schedulers use the same figure. It is a prime, so that it does not
/// coincide with periodic work.
const FAIR_TURN: u32 = 61;

/// All queues of a pool.
pub(crate) struct Queues {
    /// One for each node.
    injectors: Box<[Injector<TaskRef>]>,
    /// The workers of each node that have threads.
    present: Box<[AtomicUsize]>,
    layout: Layout,
    slots: Box<[Slot]>,
    /// Slots from this one on were never used, and need no check.
    used: AtomicUsize,
    /// The number of batches taken so far.
    batches: CachePadded<AtomicU64>,
    /// About how many empty cells the injectors have: tasks cancelled in the queues since the last
    /// sweep, less the empty cells that workers have taken. Some are in the deques, which are not
    /// swept.
    empty: AtomicUsize,
    /// Held by the thread that sweeps.
    sweeping: Mutex<()>,
}

/// The queues of one worker, as the others see them.
struct Slot {
    subtasks: Stealer<TaskRef>,
    batch: Stealer<TaskRef>,
    /// The number of the worker's batch. Only the worker writes it.
    number: CachePadded<AtomicU64>,
    /// The node whose injector the batch is from. Only the worker writes it, before the batch.
    origin: AtomicUsize,
    /// The worker's ends of its queues. A thread takes them when it starts and puts them back when
    /// it leaves.
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
            origin: AtomicUsize::new(0),
            deques: Mutex::new(Some(deques)),
        }
    }

    fn has_work(&self) -> bool {
        !self.batch.is_empty() || !self.subtasks.is_empty()
    }
}

impl Queues {
    /// Makes empty queues for workers in this layout.
    pub(crate) fn new(layout: Layout) -> Self {
        Self {
            injectors: layout.nodes.iter().map(|_| Injector::new()).collect(),
            present: layout.nodes.iter().map(|_| AtomicUsize::new(0)).collect(),
            slots: layout.positions.iter().map(|_| Slot::new()).collect(),
            layout,
            used: AtomicUsize::new(0),
            batches: CachePadded::new(AtomicU64::new(0)),
            empty: AtomicUsize::new(0),
            sweeping: Mutex::new(()),
        }
    }

    /// Adds work from outside. `here` tells the node of the calling thread. Returns the node where
    /// the task is. The caller must then notify a worker.
    #[inline]
    pub(crate) fn inject(&self, task: TaskRef, here: impl FnOnce() -> Option<usize>) -> usize {
        let node = if self.injectors.len() == 1 { 0 } else { self.entrance(here()) };
        self.injectors[node].push(task);
        node
    }

    pub(crate) fn node_of(&self, slot: usize) -> usize {
        self.layout.node_of(slot)
    }

    /// Returns the node whose injector gets a task from `here`: that node if a worker is there,
    /// else the one with the fewest tasks that has a worker.
    fn entrance(&self, here: Option<usize>) -> usize {
        let has_worker = |&node: &usize| self.present[node].load(Ordering::Relaxed) > 0;
        let emptiest = || {
            let nodes = (0..self.injectors.len()).filter(has_worker);
            nodes.min_by_key(|&node| self.injectors[node].len())
        };
        here.filter(has_worker).or_else(emptiest).or(here).unwrap_or(0)
    }

    pub(crate) fn has_work(&self) -> bool {
        self.injectors.iter().any(|injector| !injector.is_empty()) || self.in_use().iter().any(Slot::has_work)
    }

    /// Returns how many tasks wait in the injectors.
    pub(crate) fn injected(&self) -> usize {
        self.injectors.iter().map(Injector::len).sum()
    }

    pub(crate) fn take_any(&self) -> Option<TaskRef> {
        let from = |slot: &Slot| insist(|| slot.batch.steal()).or_else(|| insist(|| slot.subtasks.steal()));
        let injected = self.injectors.iter().find_map(|injector| insist(|| injector.steal()));
        injected.or_else(|| self.in_use().iter().find_map(from))
    }

    fn in_use(&self) -> &[Slot] {
        &self.slots[..self.used.load(Ordering::SeqCst)]
    }
}

/// Repeats a steal until it no longer loses a race.
fn insist(mut steal: impl FnMut() -> Steal<TaskRef>) -> Option<TaskRef> {
    loop {
        match steal() {
            Steal::Success(task) => return Some(task),
            Steal::Empty => return None,
            Steal::Retry => std::hint::spin_loop(),
        }
    }
}
