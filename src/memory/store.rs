//! What is behind a pool: the tiers, and which of them a buffer is taken from and goes back to.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use crossbeam_utils::CachePadded;

use super::BufferPoolConfig;
use super::tier::{Loan, Tier};

/// Small, medium, large, and those that are larger than that.
const TIERS: usize = 4;

/// To get more ready at a time would hold up whoever does it.
const STEP: usize = 1 << 20;

/// What a buffer holds the store by.
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
    /// What its times count from.
    since: Instant,
}

impl Store {
    pub(super) fn new(config: BufferPoolConfig) -> Self {
        let tier = |size, bound| Tier::new(size, bound, config.trim_after);
        let tiers = [
            tier(config.small_size, config.max_small_bytes),
            tier(config.medium_size, config.max_medium_bytes),
            tier(config.large_size, config.max_large_bytes),
            tier(usize::MAX, 0),
        ];
        Self { tiers, since: Instant::now(), config }
    }

    /// An empty buffer with room for `capacity` bytes.
    pub(super) fn take(&self, capacity: usize) -> (BytesMut, Origin) {
        // The last one serves all that the others do not.
        let tier = self.tiers.iter().take_while(|tier| !tier.serves(capacity)).count();
        let (buffer, shelf) = self.tiers[tier].take(capacity);
        (buffer, Origin { tier, shelf })
    }

    /// A buffer is used no more that was taken there with `lent` bytes of capacity. `None`: it is not itself any more.
    pub(super) fn put_back(&self, Origin { tier, shelf }: Origin, lent: usize, buffer: Option<BytesMut>) {
        let capacity = buffer.as_ref().map_or(0, BytesMut::capacity);
        let home = self.tiers.iter().rposition(|tier| tier.suits(capacity));
        let loan = Loan { shelf, capacity: lent, grown: capacity > lent, discarded: home.is_none() };
        let (here, elsewhere) = if home == Some(tier) { (buffer, None) } else { (None, buffer) };
        self.tiers[tier].end(&loan, here, || self.now());
        if let (Some(home), Some(buffer)) = (home, elsewhere) {
            self.tiers[home].keep(buffer);
        }
    }

    /// Sees to it that so many buffers of each size are there, waiting or in use, as far as they would be kept. No more than about
    /// [`STEP`] bytes are got ready in one call.
    pub(super) fn prepare(&self, buffers: usize) {
        let mut done = 0;
        for tier in &self.tiers {
            while done < STEP && tier.prepare_one(buffers) {
                done += tier.size();
            }
        }
    }

    /// Whether more bytes of that tier are in use than would be kept.
    pub(super) fn is_overdrawn(&self, tier: usize) -> bool {
        self.tiers[tier].is_overdrawn()
    }

    pub(super) fn now(&self) -> Duration {
        self.since.elapsed()
    }
}
