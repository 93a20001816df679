//! Latencies and the counters that go with them, written by many threads.

use std::ops::AddAssign;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_utils::CachePadded;
use hdrhistogram::Histogram;

use super::histogram::Histogram as FixedHistogram;
use crate::sync::Mutex;

/// The number of shards over which threads are spread, so that two seldom want the same lock.
const SHARDS: usize = 8;
/// The shortest latency that is recorded, in nanoseconds. A shorter one counts as this.
const MIN_NS: u64 = 16;
/// The longest latency that is recorded, in nanoseconds. A longer one counts as this.
const MAX_NS: u64 = 3_600_000_000_000;
/// Significant digits: a percentile is within 0.1 % (and 16 ns).
const DIGITS: u8 = 3;

/// Counters `T` beside a latency histogram. A record takes an uncontended lock and an addition,
/// some 30 ns; memory is bounded by 250 KiB a shard in use, however much is recorded.
#[derive(Debug)]
pub(crate) struct Latencies<T> {
    shards: Box<[CachePadded<Mutex<Shard<T>>>]>,
}

#[derive(Debug)]
struct Shard<T> {
    counters: T,
    sum_ns: u64,
    /// Made with the first record of the shard.
    histogram: Option<Histogram<u64>>,
}

/// The records of all threads.
#[derive(Debug)]
pub(crate) struct Summary<T> {
    /// The sum of the counters.
    pub(crate) counters: T,
    /// The mean latency; zero before the first record.
    pub(crate) mean: Duration,
    sum_ns: u64,
    histogram: Option<Histogram<u64>>,
}

impl<T: Default + Copy + AddAssign> Latencies<T> {
    pub(crate) fn new() -> Self {
        let shard = || Shard { counters: T::default(), sum_ns: 0, histogram: None };
        Self { shards: (0..SHARDS).map(|_| CachePadded::new(Mutex::new(shard()))).collect() }
    }

    /// Records a latency, if there is one, and counts.
    #[inline]
    pub(crate) fn record(&self, latency: Option<Duration>, count: impl FnOnce(&mut T)) {
        let mut shard = self.shards[thread_index() % SHARDS].lock();
        count(&mut shard.counters);
        let Some(latency) = latency else { return };
        let ns = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        shard.sum_ns = shard.sum_ns.saturating_add(ns);
        if shard.histogram.is_none() {
            // The bounds are in order, so this can't fail; otherwise there would be no percentiles.
            shard.histogram = Histogram::new_with_bounds(MIN_NS, MAX_NS, DIGITS).ok();
        }
        if let Some(histogram) = &mut shard.histogram {
            histogram.saturating_record(ns);
        }
    }

    /// Adds up the shards. Takes some 100 us.
    pub(crate) fn summary(&self) -> Summary<T> {
        let (mut counters, mut sum_ns, mut all) = (T::default(), 0_u64, None::<Histogram<u64>>);
        for shard in &self.shards {
            let shard = shard.lock();
            counters += shard.counters;
            sum_ns = sum_ns.saturating_add(shard.sum_ns);
            match (&mut all, &shard.histogram) {
                (_, None) => {}
                (None, Some(histogram)) => all = Some(histogram.clone()),
                // They have the same bounds, so one always fits into the other.
                (Some(all), Some(histogram)) => all.add(histogram).unwrap_or_default(),
            }
        }
        let recorded = all.as_ref().map_or(0, Histogram::len);
        let mean = Duration::from_nanos(sum_ns.checked_div(recorded).unwrap_or(0));
        Summary { counters, mean, sum_ns, histogram: all }
    }
}

impl<T> Summary<T> {
    /// The latency that a share `q` (0 to 1) of the records did not exceed; zero before the first.
    pub(crate) fn quantile(&self, q: f64) -> Duration {
        self.histogram.as_ref().map_or(Duration::ZERO, |all| Duration::from_nanos(all.value_at_quantile(q)))
    }

    /// The latencies with fixed bounds. One that is within 0.1 % of a bound may be on its other
    /// side.
    pub(crate) fn latencies(&self) -> FixedHistogram {
        let recorded = self.histogram.iter().flat_map(Histogram::iter_recorded);
        let times = recorded.map(|step| (step.value_iterated_to(), step.count_since_last_iteration()));
        FixedHistogram::of(times, self.sum_ns)
    }

    /// The longest latency, as the histogram rounds it.
    pub(crate) fn max(&self) -> Duration {
        self.histogram.as_ref().map_or(Duration::ZERO, |all| Duration::from_nanos(all.max()))
    }
}

/// The number of this thread: another for each. A thread that is about to end has 0.
pub(crate) fn thread_index() -> usize {
    thread_local! {
        static INDEX: usize = {
            static NEXT: AtomicUsize = AtomicUsize::new(0);
            NEXT.fetch_add(1, Ordering::Relaxed)
        };
    }
    INDEX.try_with(|index| *index).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_all_threads() {
        let latencies = Latencies::<u64>::new();
        std::thread::scope(|scope| {
            for thread in 0..10_u64 {
                let latencies = &latencies;
                scope.spawn(move || {
                    for n in 0..100 {
                        let us = thread * 100 + n + 1;
                        latencies.record(Some(Duration::from_micros(us)), |count| *count += 1);
                    }
                });
            }
        });
        let summary = latencies.summary();
        assert_eq!(summary.counters, 1_000);
        assert_eq!(summary.mean, Duration::from_nanos(500_500));
        let fixed = summary.latencies();
        assert_eq!((fixed.count(), fixed.sum()), (1_000, Duration::from_nanos(500_500_000)));
        for (q, us) in [(0.5, 500.0), (0.99, 990.0), (1.0, 1_000.0)] {
            let measured = summary.quantile(q).as_secs_f64() * 1e6;
            assert!((measured / us - 1.0).abs() < 0.002, "{q}: {measured}");
        }
    }

    #[test]
    fn nothing_recorded_is_zero_and_extremes_are_kept_within_bounds() {
        let latencies = Latencies::<u64>::new();
        assert_eq!(latencies.summary().quantile(0.99), Duration::ZERO);
        assert_eq!(latencies.summary().mean, Duration::ZERO);
        latencies.record(Some(Duration::ZERO), |_| ());
        latencies.record(Some(Duration::MAX), |_| ());
        latencies.record(None, |count| *count += 1);
        let summary = latencies.summary();
        assert_eq!(summary.counters, 1);
        assert!(summary.max() >= Duration::from_secs(3_590));
    }
}
