//! How loaded a pool is, and when a refused caller may come again.

use std::time::Duration;

/// No caller is told to come again sooner, nor later.
const SOONEST: Duration = Duration::from_millis(1);
const LATEST: Duration = Duration::from_secs(60);

/// What a pool can hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Capacity {
    /// Tasks that can run: the threads at maximum.
    pub(crate) threads: usize,
    /// Tasks that can wait.
    pub(crate) queue: usize,
}

impl Capacity {
    fn total(self) -> usize {
        self.threads.saturating_add(self.queue)
    }

    /// The share of the capacity that `in_flight` tasks (running and waiting) take; over 1 when subtasks come on top.
    pub(crate) fn load_factor(self, in_flight: usize) -> f64 {
        in_flight as f64 / self.total().max(1) as f64
    }

    /// The least number of tasks in flight whose load factor reaches `threshold`.
    pub(crate) fn saturation_mark(self, threshold: f64) -> usize {
        ((threshold * self.total() as f64).ceil() as usize).max(1)
    }
}

/// When a caller who was refused has a good chance: the time in which the tasks in flight fall below the saturation
/// mark at the measured service rate. That is Little's law, W = L / lambda, for the part of the queue above the mark.
///
/// `mean_task` is the measured mean time of a task, `None` if none has ended yet; `threads` work at once.
pub(crate) fn retry_after(
    in_flight: usize,
    mark: usize,
    threads: usize,
    mean_task: Option<Duration>,
) -> Duration {
    let Some(mean_task) = mean_task else { return SOONEST };
    let excess = in_flight.saturating_sub(mark) + 1;
    let seconds = mean_task.as_secs_f64() * excess as f64 / threads.max(1) as f64;
    Duration::try_from_secs_f64(seconds).unwrap_or(LATEST).clamp(SOONEST, LATEST)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_mark_is_where_the_load_factor_reaches_the_threshold(
            threads in 1_usize..1024, queue in 1_usize..100_000, threshold in 0.001_f64..=1.0,
        ) {
            let capacity = Capacity { threads, queue };
            let mark = capacity.saturation_mark(threshold);
            prop_assert!(capacity.load_factor(mark) >= threshold - 1e-9);
            prop_assert!(mark == 1 || capacity.load_factor(mark - 1) < threshold + 1e-9);
        }

        #[test]
        fn any_input_gives_a_time_within_bounds(
            in_flight: usize, mark: usize, threads: usize, nanos in proptest::option::of(any::<u64>()),
        ) {
            let in_flight = in_flight / 2;
            let after = retry_after(in_flight, mark, threads, nanos.map(Duration::from_nanos));
            prop_assert!((SOONEST..=LATEST).contains(&after));
        }
    }

    #[test]
    fn a_full_queue_of_known_work_says_when_it_has_drained() {
        let mark = Capacity { threads: 2, queue: 98 }.saturation_mark(0.8);
        assert_eq!(mark, 80);
        // 20 tasks of 10 ms above the mark and one more, on 2 threads.
        let after = retry_after(100, mark, 2, Some(Duration::from_millis(10)));
        assert_eq!(after, Duration::from_millis(105));
    }
}
