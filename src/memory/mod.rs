//! Memory that is used again: buffers of three sizes, bounded in bytes.

mod buffer;
mod config;
mod statistics;
mod tier;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;

pub use self::buffer::PooledBuf;
pub use self::config::BufferPoolConfig;
pub use self::statistics::{BufferPoolStatistics, TierStatistics};
use self::tier::{Loan, Tier};
use crate::error::ConfigError;

/// Small, medium, large, and those that are larger than that.
const TIERS: usize = 4;

/// To get more ready at a time would hold up whoever does it.
const STEP: usize = 1 << 20;

/// Buffers to be used again.
///
/// A value of this type is a handle: a clone is another handle to the same pool. Buffers may be taken and dropped on any
/// thread, and may outlive every handle.
///
/// Memory of the sizes in which documents come is dear to get from the allocator: it is fetched from the operating system page by
/// page, and given back soon. A buffer of this pool has its pages, and often its place in the caches. A buffer is always
/// empty when it is taken; no safe code can read what was in it before.
///
/// What waits to be used again is bounded in bytes for each size ([`BufferPoolConfig`]). What has not been needed for a while goes
/// back to the allocator: the pool looks for that when buffers come back and when its [`statistics`](Self::statistics) are
/// asked for. It has no thread, so a pool that nobody touches keeps what it has; see [`trim`](Self::trim).
///
/// ```
/// use millpond::BufferPool;
///
/// let pool = BufferPool::default();
/// for text in ["one", "two"] {
///     let mut buffer = pool.take(60_000);
///     assert!(buffer.is_empty() && buffer.capacity() >= 60_000);
///     buffer.extend_from_slice(text.as_bytes());
/// }
/// assert_eq!((pool.statistics().hits(), pool.statistics().misses()), (1, 1));
/// ```
#[derive(Clone)]
pub struct BufferPool(Arc<Inner>);

struct Inner {
    config: BufferPoolConfig,
    tiers: [Tier; TIERS],
    /// What its times count from.
    since: Instant,
}

impl Default for BufferPool {
    fn default() -> Self {
        Self::of(BufferPoolConfig::default())
    }
}

impl BufferPool {
    /// A pool with this configuration; it allocates nothing yet.
    ///
    /// # Errors
    /// A value is out of its range.
    pub fn with_config(config: BufferPoolConfig) -> Result<Self, ConfigError> {
        config.validate()?;
        Ok(Self::of(config))
    }

    fn of(config: BufferPoolConfig) -> Self {
        let tier = |size, bound| Tier::new(size, bound, config.trim_after);
        let tiers = [
            tier(config.small_size, config.max_small_bytes),
            tier(config.medium_size, config.max_medium_bytes),
            tier(config.large_size, config.max_large_bytes),
            tier(usize::MAX, 0),
        ];
        Self(Arc::new(Inner { tiers, since: Instant::now(), config }))
    }

    /// An empty buffer with room for `capacity` bytes: of the smallest size that has it, or made for it, if none has.
    ///
    /// # Panics
    /// As an allocation of that size does.
    #[must_use]
    pub fn take(&self, capacity: usize) -> PooledBuf {
        // The last one serves all that the others do not.
        let tier = self.0.tiers.iter().take_while(|tier| !tier.serves(capacity)).count();
        PooledBuf::new(self.0.tiers[tier].take(capacity), tier, self.clone())
    }

    /// Gives every buffer that waits back to the allocator; those in use are not touched. How many bytes that were.
    pub fn trim(&self) -> usize {
        self.0.tiers.iter().map(Tier::trim).sum()
    }

    /// The same for those that nobody has needed for [`trim_after`](BufferPoolConfig::trim_after): to be called now and then
    /// where a pool may lie idle for long.
    pub fn trim_idle(&self) -> usize {
        let now = self.now();
        self.0.tiers.iter().map(|tier| tier.trim_idle(now)).sum()
    }

    /// Sees to it that so many buffers of each size are there, waiting or in use, as far as they would be kept. No more than about
    /// [`STEP`] bytes are got ready in one call.
    fn prepare(&self, buffers: usize) {
        let mut done = 0;
        for tier in &self.0.tiers {
            while done < STEP && tier.prepare_one(buffers) {
                done += tier.size();
            }
        }
    }

    /// The same, for somebody else to call; says whether the pool is still there.
    pub(crate) fn preparer(&self) -> impl FnMut(usize) -> bool + Send + 'static {
        let pool = Arc::downgrade(&self.0);
        move |buffers| match pool.upgrade() {
            Some(pool) => {
                Self(pool).prepare(buffers);
                true
            }
            None => false,
        }
    }

    /// Whether more bytes of that tier are in use than would be kept.
    fn is_overdrawn(&self, tier: usize) -> bool {
        self.0.tiers[tier].is_overdrawn()
    }

    /// What it has done, and what it holds. Looks for what nobody needs first, as [`trim_idle`](Self::trim_idle) does.
    #[must_use]
    pub fn statistics(&self) -> BufferPoolStatistics {
        self.trim_idle();
        let [small, medium, large, oversized] = self.0.tiers.each_ref().map(Tier::figures);
        BufferPoolStatistics { small, medium, large, oversized }
    }

    /// The configuration that it was built with.
    #[must_use]
    pub fn config(&self) -> &BufferPoolConfig {
        &self.0.config
    }

    /// A buffer is used no more that was taken from that tier with `lent` bytes of capacity. `None`: it is not itself any more.
    fn put_back(&self, tier: usize, lent: usize, buffer: Option<BytesMut>) {
        let capacity = buffer.as_ref().map_or(0, BytesMut::capacity);
        let home = self.0.tiers.iter().rposition(|tier| tier.suits(capacity));
        let loan = Loan { capacity: lent, grown: capacity > lent, discarded: home.is_none() };
        let (here, elsewhere) = if home == Some(tier) { (buffer, None) } else { (None, buffer) };
        self.0.tiers[tier].end(&loan, here, || self.now());
        if let (Some(home), Some(buffer)) = (home, elsewhere) {
            self.0.tiers[home].keep(buffer);
        }
    }

    fn now(&self) -> Duration {
        self.0.since.elapsed()
    }
}

impl fmt::Debug for BufferPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufferPool").field("config", &self.0.config).finish_non_exhaustive()
    }
}
