//! Buffers of one size, on a few shelves. Threads use different shelves while there are buffers, so
//! they seldom wait for each other. Each NUMA node has shelves of its own, and a buffer stays with
//! those of its node: the pages of its memory are there.

use std::hint::black_box;
use std::time::Duration;

use bytes::BytesMut;
use crossbeam_utils::CachePadded;

use super::shelf::Shelf;
use super::statistics::TierStatistics;
use crate::metrics::thread_index;
use crate::sync::Mutex;
use crate::topology::usable_cores;

/// The smallest page of any machine, in bytes.
const PAGE: usize = 4 << 10;

/// The largest number of shelves. More are of no use.
const MAX_SHELVES: usize = 8;

/// The least number of buffers for which a shelf has room, if there are several shelves.
const MIN_ROOM: usize = 16;

/// The buffers of one size.
#[derive(Debug)]
pub(super) struct Tier {
    /// The least capacity of its buffers.
    size: usize,
    /// The largest sum of the capacities of unused buffers.
    bound: usize,
    trim_after: Duration,
    nodes: usize,
    /// Those of the first node, then those of the next, as many for each.
    shelves: Box<[CachePadded<Mutex<Shelf>>]>,
}

/// The facts about a buffer whose use ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Loan {
    /// The shelf whose figures it is in.
    pub(super) shelf: usize,
    /// The capacity when the buffer was taken.
    pub(super) capacity: usize,
    /// Whether it came back with more.
    pub(super) grown: bool,
    /// Whether no tier can use it.
    pub(super) discarded: bool,
}

impl Tier {
    pub(super) fn new(size: usize, bound: usize, trim_after: Duration, nodes: usize) -> Self {
        // More shelves than cores: threads are numbered as they come, so two active threads may
        // have the same shelf.
        let most = (bound / nodes / size.saturating_mul(MIN_ROOM)).min(4 * usable_cores());
        let count = most.clamp(1, MAX_SHELVES) * nodes;
        let share = bound / count;
        // The first shelf gets the remainder.
        let bounds = (0..count).map(|shelf| if shelf == 0 { bound - share * (count - 1) } else { share });
        let shelves = bounds.map(|bound| CachePadded::new(Mutex::new(Shelf::new(bound)))).collect();
        Self { size, bound, trim_after, nodes, shelves }
    }

    /// Returns whether a buffer of this capacity belongs here. One that has grown once has twice
    /// the size.
    pub(super) fn suits(&self, capacity: usize) -> bool {
        capacity >= self.size && capacity.div_ceil(2) <= self.size
    }

    /// Returns whether this tier serves requests of this capacity.
    pub(super) fn serves(&self, capacity: usize) -> bool {
        capacity <= self.size
    }

    /// The shelves of a node, starting with that of this thread.
    fn shelves(&self, node: usize) -> impl Iterator<Item = usize> {
        let count = self.shelves.len() / self.nodes;
        let own = thread_index() % count;
        (own..count).chain(0..own).map(move |shelf| node * count + shelf)
    }

    /// Returns the node of a shelf.
    pub(super) fn node_of(&self, shelf: usize) -> usize {
        shelf * self.nodes / self.shelves.len()
    }

    /// Takes an empty buffer with at least this capacity, for a thread on this node. Returns the
    /// shelf that counts it, too.
    pub(super) fn take(&self, capacity: usize, node: usize) -> (BytesMut, usize) {
        let mut shelves = self.shelves(node);
        let own = shelves.next().unwrap_or(0);
        {
            let mut shelf = self.shelves[own].lock();
            if let Some(buffer) = shelf.take() {
                shelf.lend(buffer.capacity(), true);
                return (buffer, own);
            }
        }
        // A buffer from another shelf comes back to this one, so it is near next time.
        let found = shelves.find_map(|shelf| self.shelves[shelf].lock().take());
        let is_hit = found.is_some();
        // A tier that keeps no buffers allocates no more than was asked for.
        let size = if self.bound < self.size { capacity } else { self.size };
        let buffer = found.unwrap_or_else(|| BytesMut::with_capacity(size));
        self.shelves[own].lock().lend(buffer.capacity(), is_hit);
        (buffer, own)
    }

    /// Ends the use of a buffer that was taken here. If it belongs here and there is room, it is
    /// kept.
    pub(super) fn end(&self, loan: &Loan, buffer: Option<BytesMut>, now: impl FnOnce() -> Duration) {
        let mut shelf = self.shelves[loan.shelf].lock();
        shelf.figures.sub_out(loan.capacity);
        shelf.figures.grown += u64::from(loan.grown);
        shelf.figures.discarded += u64::from(loan.discarded);
        let refused = buffer.and_then(|buffer| shelf.keep(buffer));
        let surplus = if shelf.is_trim_due() { shelf.surplus(now(), self.trim_after) } else { Vec::new() };
        // Without the lock, because the allocator may be slow for large buffers.
        drop(shelf);
        drop(surplus);
        if let Some(buffer) = refused {
            self.keep(buffer, self.node_of(loan.shelf));
        }
    }

    /// Keeps a buffer on any shelf of a node with room. Returns whether there was room.
    pub(super) fn keep(&self, buffer: BytesMut, node: usize) -> bool {
        let mut left = Some(buffer);
        for shelf in self.shelves(node) {
            left = left.and_then(|buffer| self.shelves[shelf].lock().keep(buffer));
        }
        let is_kept = left.is_none();
        if !is_kept {
            let own = self.shelves(node).next().unwrap_or(0);
            self.shelves[own].lock().figures.discarded += 1;
        }
        is_kept
    }

    /// Allocates a buffer and its pages, if there are less than `buffers` and it would be kept.
    /// Returns whether it did. With several nodes it does not: the pages would be on the node of
    /// the calling thread.
    pub(super) fn prepare_one(&self, buffers: usize) -> bool {
        if self.nodes > 1 {
            return false;
        }
        let figures = self.figures();
        let there = figures.buffers_held + figures.bytes_out / self.size;
        if there >= buffers || self.size > self.bound.saturating_sub(figures.bytes_held) {
            return false;
        }
        let mut buffer = BytesMut::zeroed(self.size);
        // Zeroed memory comes without pages. One write fetches each page.
        buffer.iter_mut().step_by(PAGE).for_each(|byte| *byte = black_box(0));
        buffer.clear();
        self.shelves[0].lock().figures.prepared += 1;
        self.keep(buffer, 0)
    }

    /// The capacity of a buffer.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Releases the surplus. Returns its bytes.
    pub(super) fn trim_idle(&self, now: Duration) -> usize {
        self.give_up(|shelf| shelf.surplus(now, self.trim_after))
    }

    /// Releases everything. Returns its bytes.
    pub(super) fn trim(&self) -> usize {
        self.give_up(Shelf::clear)
    }

    fn give_up(&self, which: impl Fn(&mut Shelf) -> Vec<BytesMut>) -> usize {
        // Without the lock.
        let given_up = self.shelves.iter().map(|shelf| which(&mut shelf.lock()));
        given_up.map(|buffers| buffers.iter().map(BytesMut::capacity).sum::<usize>()).sum()
    }

    /// Returns whether more bytes are in use than would be kept.
    pub(super) fn is_overdrawn(&self) -> bool {
        self.figures().bytes_out > self.bound
    }

    pub(super) fn figures(&self) -> TierStatistics {
        let mut all = TierStatistics::default();
        self.shelves.iter().for_each(|shelf| all.add(&shelf.lock().figures));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_stays_with_the_shelves_of_its_node() {
        let tier = Tier::new(1_000, 100_000, Duration::MAX, 4);
        let (buffer, shelf) = tier.take(1_000, 2);
        assert_eq!(tier.node_of(shelf), 2);
        let loan = Loan { shelf, capacity: buffer.capacity(), grown: false, discarded: false };
        tier.end(&loan, Some(buffer), || Duration::ZERO);
        for node in [0, 1, 3] {
            let (buffer, shelf) = tier.take(1_000, node);
            assert_eq!(tier.node_of(shelf), node);
            drop(buffer);
        }
        assert_eq!(tier.figures().hits, 0, "none of them is that of node 2");
        let _ = tier.take(1_000, 2);
        assert_eq!(tier.figures().hits, 1);
    }

    #[test]
    fn a_full_node_keeps_no_more_although_others_have_room() {
        let tier = Tier::new(1_000, 4_000, Duration::MAX, 2);
        let kept = (0..4).filter(|_| tier.keep(BytesMut::with_capacity(1_000), 1)).count();
        assert_eq!((kept, tier.figures().bytes_held), (2, 2_000));
        assert!(tier.keep(BytesMut::with_capacity(1_000), 0));
    }

    #[test]
    fn with_several_nodes_nothing_is_allocated_ahead() {
        assert!(Tier::new(1_000, 4_000, Duration::MAX, 1).prepare_one(1));
        assert!(!Tier::new(1_000, 4_000, Duration::MAX, 2).prepare_one(1));
    }
}
