//! The tiers of a pool, and the tier that a buffer comes from and goes back to.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use crossbeam_utils::CachePadded;

use super::BufferPoolConfig;
use super::tier::{Loan, Tier};
use crate::topology::NodeMap;

/// Small, medium, large and larger buffers.
const TIERS: usize = 4;

/// The most bytes that one call allocates ahead.
const MAX_PREPARED_BYTES: usize = 1 << 20;

/// A buffer's reference to the store.
pub(super) type Hand = Arc<CachePadded<Arc<Store>>>;

/// Where a buffer was taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    pub(super) tier: usize,
    shelf: usize,
}

pub(super) struct Store {
    pub(super) config: BufferPoolConfig,
    pub(super) tiers: [Tier; TIERS],
    /// The moment from which its times count.
    since: Instant,
    nodes: NodeMap,
}

impl Store {
    pub(super) fn new(config: BufferPoolConfig, nodes: NodeMap) -> Self {
        let tier = |size, bound| Tier::new(size, bound, config.trim_after, nodes.count());
        let tiers = [
            tier(config.small_size, config.max_small_bytes),
            tier(config.medium_size, config.max_medium_bytes),
            tier(config.large_size, config.max_large_bytes),
            tier(usize::MAX, 0),
        ];
        Self { tiers, since: Instant::now(), config, nodes }
    }

    /// An empty buffer with room for `capacity` bytes.
    pub(super) fn take(&self, capacity: usize) -> (BytesMut, Origin) {
        // The last tier serves all sizes.
        let tier = self.tiers.iter().take_while(|tier| !tier.serves(capacity)).count();
        let node = if self.nodes.count() == 1 { 0 } else { self.nodes.here().unwrap_or(0) };
        let (buffer, shelf) = self.tiers[tier].take(capacity, node);
        (buffer, Origin { tier, shelf })
    }

    /// Takes back a buffer that was taken at `origin` with `lent` bytes of capacity. `None`: parts
    /// of it are still in use.
    pub(super) fn put_back(&self, Origin { tier, shelf }: Origin, lent: usize, buffer: Option<BytesMut>) {
        let capacity = buffer.as_ref().map_or(0, BytesMut::capacity);
        let target = self.tiers.iter().rposition(|tier| tier.suits(capacity));
        let loan = Loan { shelf, capacity: lent, grown: capacity > lent, discarded: target.is_none() };
        let (here, elsewhere) = if target == Some(tier) { (buffer, None) } else { (None, buffer) };
        self.tiers[tier].end(&loan, here, || self.now());
        if let (Some(target), Some(buffer)) = (target, elsewhere) {
            self.tiers[target].keep(buffer, self.tiers[tier].node_of(shelf));
        }
    }

    /// Allocates until there are `buffers` buffers of each size, unused or in use, as far as they
    /// would be kept. Allocates about [`MAX_PREPARED_BYTES`] bytes at most.
    pub(super) fn prepare(&self, buffers: usize) {
        let mut done = 0;
        for tier in &self.tiers {
            while done < MAX_PREPARED_BYTES && tier.prepare_one(buffers) {
                done += tier.size();
            }
        }
    }

    /// Returns whether more bytes of that tier are in use than would be kept.
    pub(super) fn is_overdrawn(&self, tier: usize) -> bool {
        self.tiers[tier].is_overdrawn()
    }

    pub(super) fn now(&self) -> Duration {
        self.since.elapsed()
    }
}
