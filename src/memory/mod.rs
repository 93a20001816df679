//! Reusable memory: buffers of three sizes, bounded in bytes.

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
use crate::topology::NodeMap;

/// The number of reference counts over which threads are spread.
const HANDS: usize = 8;

/// A pool of reusable buffers.
///
/// A value of this type is a handle: a clone is another handle to the same pool. Buffers may be
/// taken and dropped on any thread, and may outlive every handle.
///
/// Allocations of the sizes of documents are expensive: the allocator gets them from the operating
/// system page by page, and returns them soon. A buffer of this pool has its pages, and is often in
/// the caches. A buffer is always empty when it is taken. No safe code can read its old content.
///
/// The unused bytes of each size are bounded ([`BufferPoolConfig`]). Buffers that were not needed
/// for a while go back to the allocator: the pool checks when buffers come back and when its
/// [`statistics`](Self::statistics) are read. It has no thread, so a pool without calls keeps what
/// it has; see [`trim`](Self::trim).
///
/// On a machine with several NUMA nodes
/// [`AdaptiveThreadPool::buffer_pool`](crate::AdaptiveThreadPool::buffer_pool) makes one that keeps
/// the buffers of each node apart.
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
    /// Buffers hold the store by one of these references. A single count that all threads change
    /// would be contended.
    hands: Vec<Hand>,
}

impl Default for BufferPool {
    fn default() -> Self {
        Self::of(BufferPoolConfig::default(), NodeMap::default())
    }
}

impl BufferPool {
    /// Creates a pool with this configuration. It allocates nothing yet.
    ///
    /// # Errors
    /// A value is out of its range.
    pub fn with_config(config: BufferPoolConfig) -> Result<Self, ConfigError> {
        Self::on_nodes(config, NodeMap::default())
    }

    /// As [`with_config`](Self::with_config), on a machine with several NUMA nodes. A thread gets
    /// buffers of the node on which it runs, and each goes back to its node.
    pub(crate) fn on_nodes(config: BufferPoolConfig, nodes: NodeMap) -> Result<Self, ConfigError> {
        config.validate()?;
        Ok(Self::of(config, nodes))
    }

    fn of(config: BufferPoolConfig, nodes: NodeMap) -> Self {
        let store = Arc::new(Store::new(config, nodes));
        let hands = (0..HANDS).map(|_| Arc::new(CachePadded::new(Arc::clone(&store)))).collect();
        Self(Arc::new(Root { store, hands }))
    }

    /// Takes an empty buffer with room for `capacity` bytes: of the smallest size that has it, or
    /// else allocated for it.
    ///
    /// # Panics
    /// As an allocation of that size does.
    #[must_use]
    pub fn take(&self, capacity: usize) -> PooledBuf {
        let (buffer, origin) = self.0.store.take(capacity);
        PooledBuf::new(buffer, origin, Arc::clone(&self.0.hands[thread_index() % HANDS]))
    }

    /// Returns every unused buffer to the allocator, and the number of their bytes. Buffers in use
    /// stay.
    pub fn trim(&self) -> usize {
        self.0.store.tiers.iter().map(Tier::trim).sum()
    }

    /// As [`trim`](Self::trim), for buffers that were not needed for
    /// [`trim_after`](BufferPoolConfig::trim_after). Call it now and then where a pool may be idle
    /// for long.
    pub fn trim_idle(&self) -> usize {
        let now = self.0.store.now();
        self.0.store.tiers.iter().map(|tier| tier.trim_idle(now)).sum()
    }

    /// Returns a function that allocates ahead: it provides `buffers` buffers of each size, and
    /// returns whether the pool still exists.
    pub(crate) fn preparer(&self) -> impl FnMut(usize) -> bool + Send + 'static {
        let store = Arc::downgrade(&self.0.store);
        move |buffers| store.upgrade().map(|store| store.prepare(buffers)).is_some()
    }

    /// Returns its figures. Trims first, as [`trim_idle`](Self::trim_idle) does.
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
