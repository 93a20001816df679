//! Histograms of times with fixed bounds, each written by one thread.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// The first bound, in nanoseconds. Each further bound is twice the one before.
const FIRST_NS: u64 = 1_000;
/// The number of bounds: the last is 2^26 us, 67 s.
const BOUNDS: usize = 27;
/// One bucket up to each bound, and one beyond the last.
const BUCKETS: usize = BOUNDS + 1;

/// How many times were at most 1 us, 2 us, 4 us, and so on up to 67 s, and their sum.
///
/// Every histogram has the same bounds, so two can be compared, added and subtracted.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = millpond::AdaptiveThreadPool::new();
/// pool.run(|| ()).await?;
/// let run_time = pool.latencies().run_time.plain;
/// assert_eq!(run_time.count(), 1);
/// println!("p99: {:?}", run_time.quantile(0.99));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Histogram {
    buckets: [u64; BUCKETS],
    sum_ns: u64,
}

impl Histogram {
    /// The buckets, from the shortest times to the longest: the upper bound of each, inclusive, and
    /// the number of times in it. The bound of the last is [`Duration::MAX`].
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> {
        (0..).map(bound).zip(self.buckets)
    }

    /// The number of times.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The sum of the times.
    #[must_use]
    pub fn sum(&self) -> Duration {
        Duration::from_nanos(self.sum_ns)
    }

    /// The mean; zero before the first time.
    #[must_use]
    pub fn mean(&self) -> Duration {
        Duration::from_nanos(self.sum_ns.checked_div(self.count()).unwrap_or(0))
    }

    /// An estimate of the time that a share `q` (0 to 1) of the times did not exceed; zero before
    /// the first time.
    ///
    /// It is within the right bucket, and assumes that the times are spread evenly there. Of times
    /// beyond 67 s it says 67 s.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Duration {
        let rank = q.clamp(0.0, 1.0) * self.count() as f64;
        let (mut below, mut lower) = (0.0, Duration::ZERO);
        for (upper, count) in self.buckets().take(BOUNDS) {
            let through = below + count as f64;
            if count > 0 && through >= rank {
                let share = ((rank - below) / count as f64).clamp(0.0, 1.0);
                return lower + (upper - lower).mul_f64(share);
            }
            (below, lower) = (through, upper);
        }
        if self.count() == 0 { Duration::ZERO } else { lower }
    }

    /// What came since `earlier`.
    #[must_use]
    pub fn diff(&self, earlier: &Self) -> Self {
        Self {
            buckets: std::array::from_fn(|n| self.buckets[n].saturating_sub(earlier.buckets[n])),
            sum_ns: self.sum_ns.saturating_sub(earlier.sum_ns),
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.buckets.iter_mut().zip(other.buckets).for_each(|(sum, count)| *sum += count);
        self.sum_ns = self.sum_ns.saturating_add(other.sum_ns);
    }

    /// Makes a histogram of times in nanoseconds, each with its number, whose sum is known.
    pub(crate) fn of(times: impl Iterator<Item = (u64, u64)>, sum_ns: u64) -> Self {
        let mut histogram = Self { sum_ns, ..Self::default() };
        times.for_each(|(ns, count)| histogram.buckets[bucket(ns)] += count);
        histogram
    }
}

/// Buckets are pairs of an upper bound in seconds and a number. The bound of the last is infinite,
/// which is `null` in JSON.
#[cfg(feature = "serde")]
impl serde::Serialize for Histogram {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;

        let seconds =
            |bound: Duration| if bound == Duration::MAX { f64::INFINITY } else { bound.as_secs_f64() };
        let buckets: Vec<_> = self.buckets().map(|(bound, count)| (seconds(bound), count)).collect();
        let mut fields = serializer.serialize_struct("Histogram", 3)?;
        fields.serialize_field("count", &self.count())?;
        fields.serialize_field("sum_seconds", &self.sum().as_secs_f64())?;
        fields.serialize_field("buckets", &buckets)?;
        fields.end()
    }
}

/// A [`Histogram`] that one thread at a time writes and any thread reads, as the
/// [`WorkerCounters`](super::WorkerCounters). A reader may see a bucket before the sum, or after it.
#[derive(Debug, Default)]
pub(crate) struct WorkerHistogram {
    buckets: [AtomicU64; BUCKETS],
    sum_ns: AtomicU64,
}

impl WorkerHistogram {
    /// Enters `count` times that took `ns` in all, each as their mean.
    #[inline]
    pub(crate) fn record(&self, ns: u64, count: u64) {
        bump(&self.buckets[bucket(ns / count.max(1))], count);
        bump(&self.sum_ns, ns);
    }

    pub(crate) fn read(&self) -> Histogram {
        Histogram {
            buckets: std::array::from_fn(|n| self.buckets[n].load(Relaxed)),
            sum_ns: self.sum_ns.load(Relaxed),
        }
    }
}

/// Adds to a counter that only the calling thread writes, without an atomic read-modify-write.
#[inline]
pub(super) fn bump(counter: &AtomicU64, by: u64) {
    counter.store(counter.load(Relaxed).wrapping_add(by), Relaxed);
}

/// The bucket of a time: the first whose bound is not less.
#[inline]
fn bucket(ns: u64) -> usize {
    let bounds_below = (u64::BITS - (ns.saturating_sub(1) / FIRST_NS).leading_zeros()) as usize;
    bounds_below.min(BOUNDS)
}

fn bound(bucket: usize) -> Duration {
    if bucket < BOUNDS { Duration::from_nanos(FIRST_NS << bucket) } else { Duration::MAX }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_in_the_first_bucket_whose_bound_is_not_less() {
        let first_not_less = |ns: u64| (0..BUCKETS).position(|n| Duration::from_nanos(ns) <= bound(n));
        let near = |n: usize| [(FIRST_NS << n) - 1, FIRST_NS << n, (FIRST_NS << n) + 1];
        for ns in (0..BOUNDS).flat_map(near).chain([0, 1, u64::MAX]) {
            assert_eq!(Some(bucket(ns)), first_not_less(ns), "{ns}");
        }
        assert_eq!(bound(0), Duration::from_micros(1));
        assert_eq!(bound(BOUNDS - 1).as_secs(), 67);
    }

    #[test]
    fn count_and_sum_are_those_of_what_was_recorded() {
        let worker = WorkerHistogram::default();
        worker.record(3_000, 1);
        worker.record(8_005, 8);
        let histogram = worker.read();
        assert_eq!((histogram.count(), histogram.sum()), (9, Duration::from_nanos(11_005)));
        assert_eq!(histogram.mean(), Duration::from_nanos(1_222));
        let filled: Vec<_> = histogram.buckets().filter(|(_, count)| *count > 0).collect();
        assert_eq!(filled, [(Duration::from_micros(1), 8), (Duration::from_micros(4), 1)]);
        assert_eq!(histogram, Histogram::of([(1_000, 8), (3_000, 1)].into_iter(), 11_005));
    }

    #[test]
    fn a_difference_and_what_came_before_add_up() {
        let worker = WorkerHistogram::default();
        worker.record(500, 1);
        let earlier = worker.read();
        worker.record(u64::MAX / 2, 1);
        let diff = worker.read().diff(&earlier);
        assert_eq!(diff.count(), 1);
        let mut sum = earlier;
        sum.add(&diff);
        assert_eq!(sum, worker.read());
    }

    #[test]
    fn a_quantile_is_within_the_bucket_of_its_rank() {
        let empty = Histogram::default();
        assert_eq!((empty.quantile(0.5), empty.mean()), (Duration::ZERO, Duration::ZERO));
        let worker = WorkerHistogram::default();
        (0..100).for_each(|_| worker.record(1_500, 1));
        (0..100).for_each(|_| worker.record(100_000_000_000, 1));
        let histogram = worker.read();
        assert_eq!(histogram.quantile(0.25), Duration::from_nanos(1_500));
        assert_eq!(histogram.quantile(0.5), Duration::from_micros(2));
        assert_eq!(histogram.quantile(0.9), bound(BOUNDS - 1), "beyond the last bound");
        assert_eq!(histogram.quantile(f64::NAN), bound(BOUNDS - 1));
        assert_eq!(histogram.quantile(-1.0), Duration::from_micros(1));
    }
}
