//! What can be read of a pool beside its statistics: latencies by class, and what each worker,
//! tenant and reason counts.

pub(super) mod counts;
#[cfg(any(feature = "prometheus", feature = "metrics"))]
pub(super) mod observer;
pub(super) mod tenants;
pub(super) mod workers;

use crate::metrics::{ByClass, Histogram};
use crate::pool::AdaptiveThreadPool;
use crate::pool::shared::Shared;

/// How long tasks waited and ran since the pool was built, by class.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PoolLatencies {
    /// From the submission of a task to its start.
    ///
    /// Of labelled work every task that was started; of plain work a sample of one in 16 from each
    /// submitting thread, to 1 us and up to 73 minutes. Subtasks are not measured. The wait of
    /// [`acquire`](AdaptiveThreadPool::acquire) comes before the submission, the wait for bytes of
    /// the byte budget after it. A labelled task that was taken together with others, because tasks
    /// were tiny, counts as started with one of up to eight tasks before it.
    pub queue_delay: ByClass<Histogram>,
    /// From the start of a task to its end.
    ///
    /// Every task is counted, subtasks and panics among them. The clock is read once for up to
    /// eight tasks while tasks take less than 2 us on average. Their mean is then entered for each
    /// of them; a long task that ends such a series counts in that mean. The time of a task within
    /// which another one ran begins at the end of that one.
    pub run_time: ByClass<Histogram>,
}

impl PoolLatencies {
    fn read(shared: &Shared) -> Self {
        let mut sum = Self::default();
        for worker in &shared.workers {
            worker.times().add_to(&mut sum.queue_delay, &mut sum.run_time);
        }
        sum
    }

    /// What came since `earlier`.
    #[must_use]
    pub fn diff(&self, earlier: &Self) -> Self {
        let diff = |now: &ByClass<Histogram>, then: &ByClass<Histogram>| {
            ByClass::from_fn(|class| now.of(class).diff(then.of(class)))
        };
        Self {
            queue_delay: diff(&self.queue_delay, &earlier.queue_delay),
            run_time: diff(&self.run_time, &earlier.run_time),
        }
    }
}

impl AdaptiveThreadPool {
    /// Returns how long tasks have waited and run since the pool was built. It takes a few
    /// microseconds, and some hundred nanoseconds more for each thread that there may be.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = millpond::AdaptiveThreadPool::new();
    /// let before = pool.latencies();
    /// pool.task().run(|| ()).await?;
    /// let since = pool.latencies().diff(&before);
    /// assert_eq!(since.run_time.standard.count(), 1);
    /// assert_eq!(since.queue_delay.standard.count(), 1);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn latencies(&self) -> PoolLatencies {
        PoolLatencies::read(self.shared())
    }
}
