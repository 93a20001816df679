//! What the exporters of metrics read of a pool.

use std::sync::Arc;

use super::PoolLatencies;
use crate::metrics::{Phase, Totals};
use crate::policy::scheduling::TenantSum;
use crate::pool::AdaptiveThreadPool;
use crate::pool::lifecycle::statistics::PoolStatistics;
use crate::pool::shared::Shared;
use crate::task::Name;

/// Reads the figures of a pool. It is no handle: the pool closes when its last handle is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Observer(Arc<Shared>);

impl Observer {
    pub(crate) fn new(pool: &AdaptiveThreadPool) -> Self {
        Self(Arc::clone(pool.shared()))
    }

    pub(crate) fn statistics(&self) -> PoolStatistics {
        PoolStatistics::read(&self.0)
    }

    pub(crate) fn latencies(&self) -> PoolLatencies {
        PoolLatencies::read(&self.0)
    }

    /// What the worker of each index has done, if there has been one.
    pub(crate) fn worker_totals(&self) -> Vec<(usize, Totals)> {
        let workers = (0..).zip(&self.0.workers).filter_map(|(index, worker)| {
            let (present, totals) = (worker.phase() != Phase::Absent, worker.read());
            (present || totals != Totals::default()).then_some((index, totals))
        });
        workers.collect()
    }

    /// The `most` tenants that have used the most processor time, and the sum of all tenants.
    pub(crate) fn busiest_tenants(&self, most: usize) -> (Vec<(Name, TenantSum)>, TenantSum) {
        self.0.run_queue.with(|state| state.order.busiest(most))
    }

    /// What these tenants have waiting, running and done; nothing for one without an account.
    pub(crate) fn tenant_sums(&self, names: &[Name]) -> Vec<TenantSum> {
        self.0.run_queue.with(|state| names.iter().map(|name| state.order.sum_of(name)).collect())
    }

    /// Returns whether the pool is closed and its last worker has left.
    #[cfg(feature = "metrics")]
    pub(crate) fn has_ended(&self) -> bool {
        self.0.idle.census().ended()
    }
}
