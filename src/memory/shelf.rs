//! One stack of buffers behind a lock.
//!
//! A stack, because the buffer that came back last is the one that the caches still know. A lock, because it is held for
//! some ten nanoseconds a document and keeps the figures exact; see `docs/decisions/0011-memory-pool.md`.

use std::time::Duration;

use bytes::BytesMut;

use super::statistics::TierStatistics;
use crate::policy::trimming::LowWater;

/// So many buffers come back between two looks at the clock, which costs as much as all the rest.
const LOOK: u32 = 16;

/// Buffers that wait to be asked for. All of them are empty; the last one came last.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    buffers: Vec<BytesMut>,
    /// The capacity of all together is at most this.
    bound: usize,
    low_water: LowWater,
    /// Buffers that came back: every so often the time is looked at.
    returns: u32,
    /// Of those that wait here, and those that are in use and were lent here.
    pub(super) figures: TierStatistics,
}

impl Shelf {
    pub(super) fn new(bound: usize) -> Self {
        Self { bound, ..Self::default() }
    }

    /// The buffer that came last.
    pub(super) fn take(&mut self) -> Option<BytesMut> {
        let buffer = self.buffers.pop()?;
        self.low_water.fell_to(self.buffers.len());
        self.figures.sub_held(buffer.capacity());
        Some(buffer)
    }

    /// A buffer of that capacity is in use from here on, whether it was there (a hit) or had to be allocated.
    pub(super) fn lend(&mut self, capacity: usize, is_hit: bool) {
        self.figures.hits += u64::from(is_hit);
        self.figures.misses += u64::from(!is_hit);
        self.figures.add_out(capacity);
    }

    /// Hands the buffer back if there is no room for it.
    pub(super) fn keep(&mut self, buffer: BytesMut) -> Option<BytesMut> {
        let capacity = buffer.capacity();
        if capacity > self.bound.saturating_sub(self.figures.bytes_held) {
            return Some(buffer);
        }
        self.figures.add_held(capacity);
        self.buffers.push(buffer);
        None
    }

    /// One more came back: whether it is time to look for what nobody needs.
    pub(super) fn is_time_to_look(&mut self) -> bool {
        self.returns = self.returns.wrapping_add(1);
        self.returns % LOOK == 0
    }

    /// Takes out what nobody has needed.
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
