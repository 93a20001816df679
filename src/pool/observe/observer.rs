//! Reads a pool without keeping it open.

use std::sync::Arc;

use crate::pool::AdaptiveThreadPool;
use crate::pool::lifecycle::statistics::PoolStatistics;
use crate::pool::shared::Shared;

/// Reads the figures of a pool. It is no handle: the pool closes when its last handle is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Observer {
    pub(super) shared: Arc<Shared>,
}

impl Observer {
    pub(crate) fn new(pool: &AdaptiveThreadPool) -> Self {
        Self { shared: Arc::clone(pool.shared()) }
    }

    pub(crate) fn statistics(&self) -> PoolStatistics {
        PoolStatistics::read(&self.shared)
    }

    /// Returns whether the pool is closed and its last worker has left.
    #[cfg(feature = "metrics")]
    pub(crate) fn has_ended(&self) -> bool {
        self.shared.idle.census().ended()
    }
}
