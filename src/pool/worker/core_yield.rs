//! A worker yields its core to waiting threads between two tasks.
//!
//! The kernel may make a woken runtime thread wait beside a busy worker, because it counts the
//! thread as having had its share. The thread then waits until the kernel's next tick, up to 4 ms
//! (Linux, `HZ=250`). So a worker that has run for a while calls `sched_yield`. If no thread waits,
//! that costs half a microsecond.
//!
//! Beside a program that computes, each yield loses the rest of the worker's time slice. So a
//! worker that had to wait for its core runs for [`RUN_PER_WAIT`] times as long before it yields
//! again. It thus loses a fifth of its time at most.

use std::cell::Cell;
use std::thread;
use std::time::Duration;

use crate::policy::nanos;

/// After a yield a worker runs at least this many times as long as the yield took.
const RUN_PER_WAIT: u64 = 4;

/// Decides when one worker yields next.
#[derive(Debug)]
pub(in crate::pool) struct CoreYield {
    /// `None`: the worker never yields.
    interval_ns: Option<u64>,
    /// When the next yield is due, in nanoseconds of the pool's clock.
    next_ns: Cell<u64>,
}

impl CoreYield {
    pub(in crate::pool) fn new(interval: Option<Duration>) -> Self {
        Self { interval_ns: interval.map(nanos), next_ns: Cell::new(0) }
    }

    /// Yields if a yield is due. Called after a task that ended at `now` or a little later; `clock`
    /// reads the time. Returns the time at which the worker had its core again.
    #[inline]
    pub(in crate::pool) fn offer(&self, now: u64, clock: impl FnOnce() -> u64) -> Option<u64> {
        let interval = self.interval_ns.filter(|_| now >= self.next_ns.get())?;
        thread::yield_now();
        let back = clock();
        self.next_ns.set(next(interval, now, back));
        Some(back)
    }
}

/// The time of the next yield, after one from `yielded` to `back`.
fn next(interval: u64, yielded: u64, back: u64) -> u64 {
    back.saturating_add(interval.max(back.saturating_sub(yielded).saturating_mul(RUN_PER_WAIT)))
}

#[cfg(all(test, not(millpond_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_worker_yields_once_an_interval_and_less_often_where_others_keep_the_core() {
        let now = 1_000;
        let run = |took: u64| next(200, now, now + took) - (now + took);
        assert_eq!(run(1), 200);
        assert_eq!(run(50), 200);
        assert_eq!(run(3_000), 12_000);
    }

    #[test]
    fn no_interval_no_yield() {
        assert_eq!(CoreYield::new(None).offer(u64::MAX, || u64::MAX), None);
    }

    #[test]
    fn it_yields_when_it_is_due_and_then_not_before_the_next() {
        let core_yield = CoreYield::new(Some(Duration::from_nanos(100)));
        assert_eq!(core_yield.offer(5, || 6), Some(6));
        assert_eq!(core_yield.offer(105, || unreachable!()), None);
        assert_eq!(core_yield.offer(106, || 107), Some(107));
    }
}
