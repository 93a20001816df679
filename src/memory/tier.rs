//! Buffers of one size, on a few shelves: threads take from different ones as long as there is something, so that they seldom wait
//! for each other.

use std::hint::black_box;
use std::time::Duration;

use bytes::BytesMut;
use crossbeam_utils::CachePadded;

use super::shelf::Shelf;
use super::statistics::TierStatistics;
use crate::metrics::thread_index;
use crate::sync::Mutex;
use crate::topology::usable_cores;

/// No machine has smaller pages.
const PAGE: usize = 4 << 10;

/// More shelves than this are of no use.
const MOST_SHELVES: usize = 8;

/// A shelf has room for so many buffers, at least, if there is more than one.
const LEAST_ROOM: usize = 16;

/// The buffers of one size.
#[derive(Debug)]
pub(super) struct Tier {
    /// No buffer in it has less capacity.
    size: usize,
    /// The capacity of all that wait together is at most this.
    bound: usize,
    trim_after: Duration,
    shelves: Box<[CachePadded<Mutex<Shelf>>]>,
}

/// What is known at its end of the use of a buffer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Loan {
    /// The shelf whose figures it is in.
    pub(super) shelf: usize,
    /// The capacity that the buffer had when it was taken.
    pub(super) capacity: usize,
    /// It came back with more.
    pub(super) grown: bool,
    /// It is of no use to any tier.
    pub(super) discarded: bool,
}

impl Tier {
    pub(super) fn new(size: usize, bound: usize, trim_after: Duration) -> Self {
        // More than there are cores: threads are numbered as they come, so two that work may have the same shelf.
        let count = (bound / size.saturating_mul(LEAST_ROOM)).min(4 * usable_cores()).clamp(1, MOST_SHELVES);
        let share = bound / count;
        // What can't be shared out is the first one's.
        let bounds = (0..count).map(|shelf| if shelf == 0 { bound - share * (count - 1) } else { share });
        let shelves = bounds.map(|bound| CachePadded::new(Mutex::new(Shelf::new(bound)))).collect();
        Self { size, bound, trim_after, shelves }
    }

    /// Whether a buffer of this capacity would be of use here, and not too large to count as one of these: one that has
    /// grown once has twice the size.
    pub(super) fn suits(&self, capacity: usize) -> bool {
        capacity >= self.size && capacity.div_ceil(2) <= self.size
    }

    /// Whether a buffer of this capacity can be asked for here.
    pub(super) fn serves(&self, capacity: usize) -> bool {
        capacity <= self.size
    }

    /// The shelves, that of this thread first.
    fn shelves(&self) -> impl Iterator<Item = usize> {
        let count = self.shelves.len();
        let own = thread_index() % count;
        (own..count).chain(0..own)
    }

    /// An empty buffer with at least this capacity, and the shelf in whose figures it is.
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
        // One that is taken from another shelf comes back to this one: next time it is at hand.
        let found = shelves.find_map(|shelf| self.shelves[shelf].lock().take());
        let is_hit = found.is_some();
        // Where none is kept, there is no reason to have it larger than it was asked for.
        let size = if self.bound < self.size { capacity } else { self.size };
        let buffer = found.unwrap_or_else(|| BytesMut::with_capacity(size));
        self.shelves[own].lock().lend(buffer.capacity(), is_hit);
        (buffer, own)
    }

    /// A buffer that was taken here is used no more; if it belongs here, it is kept, given that there is room.
    pub(super) fn end(&self, loan: &Loan, buffer: Option<BytesMut>, now: impl FnOnce() -> Duration) {
        let mut shelf = self.shelves[loan.shelf].lock();
        shelf.figures.sub_out(loan.capacity);
        shelf.figures.grown += u64::from(loan.grown);
        shelf.figures.discarded += u64::from(loan.discarded);
        let refused = buffer.and_then(|buffer| shelf.keep(buffer));
        let surplus =
            if shelf.is_time_to_look() { shelf.surplus(now(), self.trim_after) } else { Vec::new() };
        // Not under the lock: the allocator may take its time over large buffers.
        drop(shelf);
        drop(surplus);
        if let Some(buffer) = refused {
            self.keep(buffer);
        }
    }

    /// Keeps a buffer wherever there is room; says whether there was.
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

    /// Adds a buffer, and its pages with it, if there are less than `buffers` and it would be kept. Says whether it did.
    pub(super) fn prepare_one(&self, buffers: usize) -> bool {
        let figures = self.figures();
        let there = figures.buffers_held + figures.bytes_out / self.size;
        if there >= buffers || self.size > self.bound.saturating_sub(figures.bytes_held) {
            return false;
        }
        let mut buffer = BytesMut::zeroed(self.size);
        // Zeros come without pages; one write fetches each.
        buffer.iter_mut().step_by(PAGE).for_each(|byte| *byte = black_box(0));
        buffer.clear();
        self.shelves[0].lock().figures.prepared += 1;
        self.keep(buffer)
    }

    /// The capacity of a buffer.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Gives up what nobody has needed; the bytes of it.
    pub(super) fn trim_idle(&self, now: Duration) -> usize {
        self.give_up(|shelf| shelf.surplus(now, self.trim_after))
    }

    /// Gives up everything; the bytes of it.
    pub(super) fn trim(&self) -> usize {
        self.give_up(Shelf::clear)
    }

    fn give_up(&self, which: impl Fn(&mut Shelf) -> Vec<BytesMut>) -> usize {
        // Not under the lock.
        let given_up = self.shelves.iter().map(|shelf| which(&mut shelf.lock()));
        given_up.map(|buffers| buffers.iter().map(BytesMut::capacity).sum::<usize>()).sum()
    }

    /// Whether more bytes are in use than would be kept.
    pub(super) fn is_overdrawn(&self) -> bool {
        self.figures().bytes_out > self.bound
    }

    pub(super) fn figures(&self) -> TierStatistics {
        let mut all = TierStatistics::default();
        self.shelves.iter().for_each(|shelf| all.add(&shelf.lock().figures));
        all
    }
}
