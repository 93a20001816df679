//! Buffers of one size: a stack behind a lock.
//!
//! A stack, because the buffer that came back last is the one that the caches still know. A lock, because it is held for
//! some ten nanoseconds a document and keeps the figures exact; see `docs/decisions/0011-memory-pool.md`.

use std::hint::black_box;
use std::time::Duration;

use bytes::BytesMut;

use super::statistics::TierStatistics;
use crate::policy::trimming::LowWater;
use crate::sync::Mutex;

/// So many buffers come back between two looks at the clock, which costs as much as all the rest.
const LOOK: u32 = 16;

/// No machine has smaller pages.
const PAGE: usize = 4 << 10;

/// The buffers of one size that wait to be asked for.
#[derive(Debug)]
pub(super) struct Tier {
    /// No buffer in it has less capacity.
    size: usize,
    /// The capacity of all together is at most this.
    bound: usize,
    trim_after: Duration,
    shelf: Mutex<Shelf>,
}

/// What is known at its end of the use of a buffer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Loan {
    /// The capacity that the buffer had when it was taken.
    pub(super) capacity: usize,
    /// It came back with more.
    pub(super) grown: bool,
    /// It is of no use to any tier.
    pub(super) discarded: bool,
}

#[derive(Debug, Default)]
struct Shelf {
    /// All of them empty; the last one came last.
    buffers: Vec<BytesMut>,
    low_water: LowWater,
    /// Buffers that came back: every so often the time is looked at.
    returns: u32,
    figures: TierStatistics,
}

impl Tier {
    pub(super) fn new(size: usize, bound: usize, trim_after: Duration) -> Self {
        Self { size, bound, trim_after, shelf: Mutex::default() }
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

    /// An empty buffer with at least this capacity.
    pub(super) fn take(&self, capacity: usize) -> BytesMut {
        let mut shelf = self.shelf.lock();
        if let Some(buffer) = shelf.buffers.pop() {
            let left = shelf.buffers.len();
            shelf.low_water.fell_to(left);
            shelf.figures.hits += 1;
            shelf.figures.sub_held(buffer.capacity());
            shelf.figures.add_out(buffer.capacity());
            return buffer;
        }
        drop(shelf);
        // Where none is kept, there is no reason to have it larger than it was asked for.
        let buffer = BytesMut::with_capacity(if self.bound < self.size { capacity } else { self.size });
        let mut shelf = self.shelf.lock();
        shelf.figures.misses += 1;
        shelf.figures.add_out(buffer.capacity());
        buffer
    }

    /// A buffer that was taken here is used no more; if it belongs here, it is kept, given that there is room.
    pub(super) fn end(&self, loan: &Loan, buffer: Option<BytesMut>, now: impl FnOnce() -> Duration) {
        let mut shelf = self.shelf.lock();
        shelf.figures.sub_out(loan.capacity);
        shelf.figures.grown += u64::from(loan.grown);
        shelf.figures.discarded += u64::from(loan.discarded);
        let refused = buffer.and_then(|buffer| shelf.keep(buffer, self.bound));
        shelf.returns = shelf.returns.wrapping_add(1);
        let surplus =
            if shelf.returns % LOOK == 0 { shelf.surplus(now(), self.trim_after) } else { Vec::new() };
        // Not under the lock: the allocator may take its time over large buffers.
        drop(shelf);
        drop((refused, surplus));
    }

    /// Keeps a buffer that was taken elsewhere, if there is room.
    pub(super) fn keep(&self, buffer: BytesMut) {
        let refused = self.shelf.lock().keep(buffer, self.bound);
        drop(refused);
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
        let mut shelf = self.shelf.lock();
        shelf.figures.prepared += 1;
        let refused = shelf.keep(buffer, self.bound);
        drop(shelf);
        refused.is_none()
    }

    /// The capacity of a buffer.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Gives up what nobody has needed; the bytes of it.
    pub(super) fn trim_idle(&self, now: Duration) -> usize {
        let surplus = self.shelf.lock().surplus(now, self.trim_after);
        surplus.iter().map(BytesMut::capacity).sum()
    }

    /// Gives up everything; the bytes of it.
    pub(super) fn trim(&self) -> usize {
        let all = {
            let mut shelf = self.shelf.lock();
            let count = shelf.buffers.len();
            shelf.low_water.fell_to(0);
            shelf.give_up(count)
        };
        all.iter().map(BytesMut::capacity).sum()
    }

    /// Whether more bytes are in use than would be kept.
    pub(super) fn is_overdrawn(&self) -> bool {
        self.shelf.lock().figures.bytes_out > self.bound
    }

    pub(super) fn figures(&self) -> TierStatistics {
        self.shelf.lock().figures
    }
}

impl Shelf {
    /// Hands the buffer back if there is no room for it.
    fn keep(&mut self, buffer: BytesMut, bound: usize) -> Option<BytesMut> {
        let capacity = buffer.capacity();
        if capacity > bound.saturating_sub(self.figures.bytes_held) {
            self.figures.discarded += 1;
            return Some(buffer);
        }
        self.figures.add_held(capacity);
        self.buffers.push(buffer);
        None
    }

    fn surplus(&mut self, now: Duration, trim_after: Duration) -> Vec<BytesMut> {
        let count = self.low_water.surplus(now, trim_after, self.buffers.len());
        self.give_up(count)
    }

    /// Takes out the buffers that have not been used for the longest time.
    fn give_up(&mut self, count: usize) -> Vec<BytesMut> {
        let given_up: Vec<_> = self.buffers.drain(..count).collect();
        given_up.iter().for_each(|buffer| self.figures.sub_held(buffer.capacity()));
        self.figures.trimmed += count as u64;
        given_up
    }
}
