//! Memory that is used again: buffers of three sizes, bounded in bytes.

mod buffer;
mod config;
mod shelf;
mod statistics;
mod store;
mod tier;

use std::fmt;
use std::sync::Arc;

use crossbeam_utils::CachePadded;

pub use self::buffer::PooledBuf;
pub use self::config::BufferPoolConfig;
pub use self::statistics::{BufferPoolStatistics, TierStatistics};
use self::store::{Hand, Store};
use self::tier::Tier;
use crate::error::ConfigError;
use crate::metrics::thread_index;

/// So many threads take buffers without waiting for each other, if each is numbered otherwise.
const HANDS: usize = 8;

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
/// use millpond::memory::BufferPool;
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
pub struct BufferPool(Arc<Root>);

struct Root {
    store: Arc<Store>,
    /// Buffers hold the store, each by the hand of the thread that took it: a count that all threads change is what they would
    /// wait for.
    hands: Vec<Hand>,
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
        let store = Arc::new(Store::new(config));
        let hands = (0..HANDS).map(|_| Arc::new(CachePadded::new(Arc::clone(&store)))).collect();
        Self(Arc::new(Root { store, hands }))
    }

    /// An empty buffer with room for `capacity` bytes: of the smallest size that has it, or made for it, if none has.
    ///
    /// # Panics
    /// As an allocation of that size does.
    #[must_use]
    pub fn take(&self, capacity: usize) -> PooledBuf {
        let (buffer, origin) = self.0.store.take(capacity);
        PooledBuf::new(buffer, origin, Arc::clone(&self.0.hands[thread_index() % HANDS]))
    }

    /// Gives every buffer that waits back to the allocator; those in use are not touched. How many bytes that were.
    pub fn trim(&self) -> usize {
        self.0.store.tiers.iter().map(Tier::trim).sum()
    }

    /// The same for those that nobody has needed for [`trim_after`](BufferPoolConfig::trim_after): to be called now and then
    /// where a pool may lie idle for long.
    pub fn trim_idle(&self) -> usize {
        let now = self.0.store.now();
        self.0.store.tiers.iter().map(|tier| tier.trim_idle(now)).sum()
    }

    /// Sees to it that so many buffers of each size are there, for somebody else to call; says whether the pool is still there.
    pub(crate) fn preparer(&self) -> impl FnMut(usize) -> bool + Send + 'static {
        let store = Arc::downgrade(&self.0.store);
        move |buffers| store.upgrade().map(|store| store.prepare(buffers)).is_some()
    }

    /// What it has done, and what it holds. Looks for what nobody needs first, as [`trim_idle`](Self::trim_idle) does.
    #[must_use]
    pub fn statistics(&self) -> BufferPoolStatistics {
        self.trim_idle();
        let [small, medium, large, oversized] = self.0.store.tiers.each_ref().map(Tier::figures);
        BufferPoolStatistics { small, medium, large, oversized }
    }

    /// The configuration that it was built with.
    #[must_use]
    pub fn config(&self) -> &BufferPoolConfig {
        &self.0.store.config
    }
}

impl fmt::Debug for BufferPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufferPool").field("config", self.config()).finish_non_exhaustive()
    }
}
