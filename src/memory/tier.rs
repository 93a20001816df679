//! Buffers of one size, on a few shelves. Threads use different shelves while there are buffers, so
//! they seldom wait for each other.

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
    pub(super) fn new(size: usize, bound: usize, trim_after: Duration) -> Self {
        // More shelves than cores: threads are numbered as they come, so two active threads may
        // have the same shelf.
        let count = (bound / size.saturating_mul(MIN_ROOM)).min(4 * usable_cores()).clamp(1, MAX_SHELVES);
        let share = bound / count;
        // The first shelf gets the remainder.
        let bounds = (0..count).map(|shelf| if shelf == 0 { bound - share * (count - 1) } else { share });
        let shelves = bounds.map(|bound| CachePadded::new(Mutex::new(Shelf::new(bound)))).collect();
        Self { size, bound, trim_after, shelves }
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

    /// The shelves, starting with that of this thread.
    fn shelves(&self) -> impl Iterator<Item = usize> {
        let count = self.shelves.len();
        let own = thread_index() % count;
        (own..count).chain(0..own)
    }

    /// Takes an empty buffer with at least this capacity. Returns the shelf that counts it, too.
    pub(super) fn take(&self, capacity: usize) -> (BytesMut, usize) {
        let mut shelves = self.shelves();
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
            self.keep(buffer);
        }
    }

    /// Keeps a buffer on any shelf with room. Returns whether there was room.
    pub(super) fn keep(&self, buffer: BytesMut) -> bool {
        let mut left = Some(buffer);
        for shelf in self.shelves() {
            left = left.and_then(|buffer| self.shelves[shelf].lock().keep(buffer));
        }
        let is_kept = left.is_none();
        if !is_kept {
            let own = self.shelves().next().unwrap_or(0);
            self.shelves[own].lock().figures.discarded += 1;
        }
        is_kept
    }

    /// Allocates a buffer and its pages, if there are less than `buffers` and it would be kept.
    /// Returns whether it did.
    pub(super) fn prepare_one(&self, buffers: usize) -> bool {
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
        self.keep(buffer)
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
