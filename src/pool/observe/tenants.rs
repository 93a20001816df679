//! What the tenants of labelled work have waiting, running and done.

use std::time::Duration;

use crate::policy::scheduling::TenantSum;
use crate::pool::AdaptiveThreadPool;

/// A tenant of labelled work, or several as one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct TenantStatistics {
    /// The tenant; empty for the labelled tasks that name none. `None` for the sum of all others,
    /// with those whose account was closed because they had no work for long.
    pub name: Option<String>,
    /// Tasks that wait in the queue now.
    pub waiting: usize,
    /// Tasks that run now. Tiny tasks that are taken together count as one.
    pub running: usize,
    /// Tasks that workers have taken out of the queue to run them.
    pub tasks_taken: u64,
    /// Processor time of the tasks that have ended, subtasks included. It never falls. A worker
    /// enters it with its next task, or when it has none.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub processor_time: Duration,
}

impl TenantStatistics {
    fn new(name: Option<&str>, sum: TenantSum) -> Self {
        Self {
            name: name.map(String::from),
            waiting: sum.waiting,
            running: sum.running,
            tasks_taken: sum.taken,
            processor_time: Duration::from_nanos(sum.used_ns),
        }
    }
}

impl AdaptiveThreadPool {
    /// Returns the `most` tenants that have used the most processor time, the busiest first, and
    /// then the sum of all others ([`name`](TenantStatistics::name) is `None`). So there are at
    /// most `most + 1` elements, however many tenants there are.
    ///
    /// Only labelled work has tenants ([`AdaptiveThreadPool::task`]). The call holds the lock of
    /// its queue for some 10 ns for each tenant with an account.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = millpond::AdaptiveThreadPool::new();
    /// pool.task().tenant("ada").run(|| ()).await?;
    /// let [ada, others] = &pool.tenants(10)[..] else { panic!() };
    /// assert_eq!((ada.name.as_deref(), ada.tasks_taken, others.tasks_taken), (Some("ada"), 1, 0));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn tenants(&self, most: usize) -> Vec<TenantStatistics> {
        let (busiest, total) = self.shared().run_queue.with(|state| state.order.busiest(most));
        let rest = busiest.iter().fold(total, |rest, (_, sum)| rest.less(sum));
        let named = busiest.iter().map(|(name, sum)| TenantStatistics::new(Some(name), *sum));
        named.chain([TenantStatistics::new(None, rest)]).collect()
    }
}
