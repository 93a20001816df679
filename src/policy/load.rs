//! The load of a pool, and when a rejected caller should try again.

use std::time::Duration;

/// The shortest time that a caller is given.
const SOONEST: Duration = Duration::from_millis(1);
/// The longest time that a caller is given.
const LATEST: Duration = Duration::from_secs(60);

/// The largest random part that is added to a time.
const SPREAD: f64 = 0.2;

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

    /// Returns the share of the capacity that `in_flight` running and waiting tasks take. It is
    /// over 1 when subtasks add to them.
    pub(crate) fn load_factor(self, in_flight: usize) -> f64 {
        in_flight as f64 / self.total().max(1) as f64
    }

    /// Returns the least number of tasks in flight whose load factor reaches `threshold`.
    pub(crate) fn saturation_mark(self, threshold: f64) -> usize {
        ((threshold * self.total() as f64).ceil() as usize).max(1)
    }
}

/// Whether a pool with `in_flight` tasks (running and waiting) and `free` places in its queue is
/// saturated. A full queue takes no work, whatever the threads do.
#[inline]
pub(crate) fn is_saturated(in_flight: usize, mark: usize, free: usize) -> bool {
    free == 0 || in_flight >= mark
}

/// Returns when a rejected caller should try again: the time in which the tasks in flight fall
/// below the saturation mark at the measured service rate. That is Little's law, W = L / lambda,
/// for the part of the queue above the mark.
///
/// `mean_task` is the measured mean time of a task, `None` before the first has ended. `threads`
/// threads work. `random` is from 0 to under 1.
pub(crate) fn retry_after(
    in_flight: usize,
    mark: usize,
    threads: usize,
    mean_task: Option<Duration>,
    random: f64,
) -> Duration {
    let Some(mean_task) = mean_task else { return spread(SOONEST, random) };
    let excess = in_flight.saturating_sub(mark) + 1;
    let seconds = mean_task.as_secs_f64() * excess as f64 / threads.max(1) as f64;
    spread(Duration::try_from_secs_f64(seconds).unwrap_or(LATEST), random)
}

/// Returns when a caller who has `waited` in line and is then rejected should try again: no earlier
/// than `after`, and no sooner than after as long a wait again. The estimate of
/// [`retry_after`] is of the pool as a whole, and such a caller knows better.
pub(crate) fn retry_after_wait(after: Duration, waited: Duration, random: f64) -> Duration {
    after.max(spread(waited, random))
}

/// Adds up to a fifth to `measured`, so that callers who were rejected together do not return
/// together. The bounds come first: the spread matters most where every caller gets the longest
/// time.
fn spread(measured: Duration, random: f64) -> Duration {
    let bounded = measured.clamp(SOONEST, LATEST);
    let more = bounded.as_secs_f64() * SPREAD * random;
    bounded.saturating_add(Duration::try_from_secs_f64(more).unwrap_or(Duration::ZERO))
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

        /// Whatever comes, starts and ends, however many threads there are: saturated where the
        /// queue is full or the load factor has reached the threshold, and nowhere else.
        #[test]
        fn saturated_is_what_is_full_or_has_reached_the_threshold(
            threads in 1_usize..40, queue in 1_usize..40, threshold in 0.001_f64..=1.0,
            steps in proptest::collection::vec(0..4_u8, 1..300),
        ) {
            let capacity = Capacity { threads, queue };
            let mark = capacity.saturation_mark(threshold);
            let (mut waiting, mut running, mut started) = (0, 0, 1);
            for step in steps {
                match step {
                    0 if waiting < queue => waiting += 1,
                    1 if waiting > 0 && running < started => (waiting, running) = (waiting - 1, running + 1),
                    2 if running > 0 => running -= 1,
                    3 if started < threads => started += 1,
                    _ => {}
                }
                let factor = capacity.load_factor(waiting + running);
                let saturated = is_saturated(waiting + running, mark, queue - waiting);
                if waiting == queue || factor > threshold + 1e-9 {
                    prop_assert!(saturated, "{} of {}, {}", waiting, queue, factor);
                } else if factor < threshold - 1e-9 {
                    prop_assert!(!saturated, "{} of {}, {}", waiting, queue, factor);
                }
            }
        }

        #[test]
        fn any_input_gives_a_time_within_bounds(
            in_flight: usize, mark: usize, threads: usize, nanos in proptest::option::of(any::<u64>()),
            dice in 0.0..1.0_f64,
        ) {
            let in_flight = in_flight / 2;
            let after = |dice| retry_after(in_flight, mark, threads, nanos.map(Duration::from_nanos), dice);
            let measured = after(0.0);
            prop_assert!((SOONEST..=LATEST).contains(&measured));
            let told = after(dice);
            prop_assert!((measured..=measured.mul_f64(1.2) + Duration::from_nanos(1)).contains(&told), "{:?} for {:?}", told, measured);
        }

        #[test]
        fn who_has_waited_is_told_no_less(waited in 0_u64..60_000_000, millis in 1_u64..60_000, dice in 0.0..1.0_f64) {
            let (waited, after) = (Duration::from_micros(waited), Duration::from_millis(millis));
            let told = retry_after_wait(after, waited, dice);
            prop_assert!(told >= waited && told >= after);
            prop_assert!(told <= after.max(waited.max(SOONEST).mul_f64(1.2) + Duration::from_nanos(1)));
        }

        #[test]
        fn who_throws_more_is_told_more(micros in 1_000_u64..100_000_000, one in 0.0..1.0_f64, other in 0.0..1.0_f64) {
            let told = |dice| spread(Duration::from_micros(micros), dice);
            prop_assert!(one > other || told(one) <= told(other));
        }

        #[test]
        fn no_dice_does_harm(nanos: u64, dice: f64) {
            spread(Duration::from_nanos(nanos), dice);
        }
    }

    #[test]
    fn a_full_queue_of_known_work_says_when_it_has_drained() {
        let mark = Capacity { threads: 2, queue: 98 }.saturation_mark(0.8);
        assert_eq!(mark, 80);
        // 20 tasks of 10 ms above the mark and one more, on 2 threads.
        let after = |dice| retry_after(100, mark, 2, Some(Duration::from_millis(10)), dice);
        assert_eq!(after(0.0), Duration::from_millis(105));
        assert_eq!(after(0.5), Duration::from_micros(115_500));
    }
}
