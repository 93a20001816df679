//! Statistics from one reading to the next.

use crate::pool::AdaptiveThreadPool;
use crate::pool::lifecycle::statistics::PoolStatistics;
use crate::pool::observe::observer::Observer;

/// An endless iterator over a pool's statistics since its last item; see
/// [`AdaptiveThreadPool::intervals`].
#[derive(Debug)]
pub struct Intervals {
    pool: Observer,
    last: PoolStatistics,
}

impl Iterator for Intervals {
    type Item = PoolStatistics;

    fn next(&mut self) -> Option<PoolStatistics> {
        let now = self.pool.statistics();
        let interval = now.diff(&self.last);
        self.last = now;
        Some(interval)
    }
}

impl AdaptiveThreadPool {
    /// Returns an endless iterator. Each call of its `next` reads the statistics, and returns what
    /// has changed since the call before; the first since the pool was built
    /// ([`PoolStatistics::diff`]).
    ///
    /// The iterator does not keep the pool open.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = millpond::AdaptiveThreadPool::new();
    /// let mut intervals = pool.intervals();
    /// pool.run(|| ()).await?;
    /// pool.run(|| ()).await?;
    /// assert_eq!(intervals.next().unwrap().tasks_completed, 2);
    /// pool.run(|| ()).await?;
    /// assert_eq!(intervals.next().unwrap().tasks_completed, 1);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn intervals(&self) -> Intervals {
        Intervals { pool: Observer::new(self), last: PoolStatistics::default() }
    }
}
