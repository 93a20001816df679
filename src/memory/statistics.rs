//! The figures of a buffer pool.

/// The figures of a [`BufferPool`](crate::memory::BufferPool) since it was built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct BufferPoolStatistics {
    /// Buffers of up to [`small_size`](crate::memory::BufferPoolConfig::small_size).
    pub small: TierStatistics,
    /// Buffers of up to [`medium_size`](crate::memory::BufferPoolConfig::medium_size).
    pub medium: TierStatistics,
    /// Buffers of up to [`large_size`](crate::memory::BufferPoolConfig::large_size).
    pub large: TierStatistics,
    /// Longer ones. All of these are misses, and none is held.
    pub oversized: TierStatistics,
}

/// The figures of the buffers of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct TierStatistics {
    /// Buffers that were there when they were asked for.
    pub hits: u64,
    /// Buffers that had to be allocated.
    pub misses: u64,
    /// Buffers that came back larger than they had gone: each was reallocated while it was used.
    pub grown: u64,
    /// Buffers that came back and were not kept: the tier was full, they had grown too large for
    /// any, or part of them was still in use.
    pub discarded: u64,
    /// Buffers that were released because they were not needed.
    pub trimmed: u64,
    /// Buffers that were allocated ahead of foreseen load.
    pub prepared: u64,
    /// Unused buffers.
    pub buffers_held: usize,
    /// Their capacity, in bytes.
    pub bytes_held: usize,
    /// An upper bound of the largest `bytes_held` so far: the peaks of groups of threads are added
    /// up.
    pub bytes_held_peak: usize,
    /// The capacity, in bytes, of buffers that are in use, frozen ones among them, as it was when
    /// they were taken.
    pub bytes_out: usize,
    /// An upper bound of the largest `bytes_out` so far, as for `bytes_held_peak`.
    pub bytes_out_peak: usize,
}

impl BufferPoolStatistics {
    /// Every tier, the smallest buffers first, and the oversized last.
    #[must_use]
    pub fn tiers(&self) -> [TierStatistics; 4] {
        [self.small, self.medium, self.large, self.oversized]
    }

    /// Buffers that were there when they were asked for, of every size.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.tiers().iter().map(|tier| tier.hits).sum()
    }

    /// Buffers that had to be allocated, of every size.
    #[must_use]
    pub fn misses(&self) -> u64 {
        self.tiers().iter().map(|tier| tier.misses).sum()
    }

    /// The capacity of all unused buffers, in bytes.
    #[must_use]
    pub fn bytes_held(&self) -> usize {
        self.tiers().iter().map(|tier| tier.bytes_held).sum()
    }

    /// The capacity of all buffers in use, in bytes.
    #[must_use]
    pub fn bytes_out(&self) -> usize {
        self.tiers().iter().map(|tier| tier.bytes_out).sum()
    }
}

impl TierStatistics {
    /// Adds those of other buffers of this size.
    pub(super) fn add(&mut self, other: &Self) {
        self.hits += other.hits;
        self.misses += other.misses;
        self.grown += other.grown;
        self.discarded += other.discarded;
        self.trimmed += other.trimmed;
        self.prepared += other.prepared;
        self.buffers_held += other.buffers_held;
        self.bytes_held += other.bytes_held;
        self.bytes_held_peak += other.bytes_held_peak;
        self.bytes_out += other.bytes_out;
        self.bytes_out_peak += other.bytes_out_peak;
    }

    /// Records an unused buffer.
    pub(super) fn add_held(&mut self, capacity: usize) {
        self.buffers_held += 1;
        self.bytes_held += capacity;
        self.bytes_held_peak = self.bytes_held_peak.max(self.bytes_held);
    }

    /// Records that an unused buffer is gone.
    pub(super) fn sub_held(&mut self, capacity: usize) {
        self.buffers_held -= 1;
        self.bytes_held -= capacity;
    }

    /// Records a buffer in use.
    pub(super) fn add_out(&mut self, capacity: usize) {
        self.bytes_out += capacity;
        self.bytes_out_peak = self.bytes_out_peak.max(self.bytes_out);
    }

    /// Records that a buffer is no longer in use.
    pub(super) fn sub_out(&mut self, capacity: usize) {
        self.bytes_out -= capacity;
    }
}
