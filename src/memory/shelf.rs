//! One stack of unused buffers behind a lock.
//!
//! It is a stack, because the buffer that came back last is most likely in the caches. The lock is
//! held for some ten nanoseconds for each document, and keeps the figures exact; see
//! `docs/decisions/0011-memory-pool.md`.

use std::time::Duration;

use bytes::BytesMut;

use super::statistics::TierStatistics;
use crate::policy::trimming::LowWater;

/// The number of returned buffers between two readings of the clock. A reading costs as much as all
/// the rest.
const RETURNS_PER_TRIM: u32 = 16;

/// The unused buffers. All are empty. The last one came back last.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    buffers: Vec<BytesMut>,
    /// The largest sum of their capacities.
    bound: usize,
    low_water: LowWater,
    /// Counts returned buffers, to read the clock now and then.
    returns: u32,
    /// The figures of these buffers, and of those in use that were taken here.
    pub(super) figures: TierStatistics,
}

impl Shelf {
    pub(super) fn new(bound: usize) -> Self {
        Self { bound, ..Self::default() }
    }

    /// Takes the buffer that came back last.
    pub(super) fn take(&mut self) -> Option<BytesMut> {
        let buffer = self.buffers.pop()?;
        self.low_water.fell_to(self.buffers.len());
        self.figures.sub_held(buffer.capacity());
        Some(buffer)
    }

    /// Records a buffer in use. `is_hit`: it was there, and was not allocated.
    pub(super) fn lend(&mut self, capacity: usize, is_hit: bool) {
        self.figures.hits += u64::from(is_hit);
        self.figures.misses += u64::from(!is_hit);
        self.figures.add_out(capacity);
    }

    /// Keeps a buffer, or returns it if there is no room.
    pub(super) fn keep(&mut self, buffer: BytesMut) -> Option<BytesMut> {
        let capacity = buffer.capacity();
        if capacity > self.bound.saturating_sub(self.figures.bytes_held) {
            return Some(buffer);
        }
        self.figures.add_held(capacity);
        self.buffers.push(buffer);
        None
    }

    /// Counts a returned buffer. Returns whether to release the surplus now.
    pub(super) fn is_trim_due(&mut self) -> bool {
        self.returns = self.returns.wrapping_add(1);
        self.returns % RETURNS_PER_TRIM == 0
    }

    /// Takes out the surplus.
    pub(super) fn surplus(&mut self, now: Duration, trim_after: Duration) -> Vec<BytesMut> {
        let count = self.low_water.surplus(now, trim_after, self.buffers.len());
        self.give_up(count)
    }

    /// Takes out everything.
    pub(super) fn clear(&mut self) -> Vec<BytesMut> {
        self.low_water.fell_to(0);
        self.give_up(self.buffers.len())
    }

    /// Takes out the buffers that have not been used for the longest time.
    fn give_up(&mut self, count: usize) -> Vec<BytesMut> {
        let given_up: Vec<_> = self.buffers.drain(..count).collect();
        given_up.iter().for_each(|buffer| self.figures.sub_held(buffer.capacity()));
        self.figures.trimmed += count as u64;
        given_up
    }
}
