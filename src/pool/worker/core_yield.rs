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
use std::time::{Duration, Instant};

/// After a yield a worker runs at least this many times as long as the yield took.
const RUN_PER_WAIT: u32 = 4;

/// Decides when one worker yields next.
#[derive(Debug)]
pub(in crate::pool) struct CoreYield {
    /// `None`: the worker never yields.
    interval: Option<Duration>,
    next: Cell<Instant>,
}

impl CoreYield {
    pub(in crate::pool) fn new(interval: Option<Duration>) -> Self {
        Self { interval, next: Cell::new(Instant::now()) }
    }

    /// Yields if a yield is due. Called after a task that ended `now` or a little later. Returns
    /// the time at which the worker had its core again.
    #[inline]
    pub(in crate::pool) fn offer(&self, now: Instant) -> Option<Instant> {
        let interval = self.interval?;
        if now < self.next.get() {
            return None;
        }
        thread::yield_now();
        let back = Instant::now();
        self.next.set(next(interval, now, back));
        Some(back)
    }
}

fn next(interval: Duration, yielded: Instant, back: Instant) -> Instant {
    back + interval.max(back.saturating_duration_since(yielded) * RUN_PER_WAIT)
}

#[cfg(all(test, not(millpond_loom)))]
mod tests {
    use super::*;

    const US: Duration = Duration::from_micros(1);

    #[test]
    fn a_worker_yields_once_an_interval_and_less_often_where_others_keep_the_core() {
        let now = Instant::now();
        let run = |took: u32| next(200 * US, now, now + took * US) - (now + took * US);
        assert_eq!(run(1), 200 * US);
        assert_eq!(run(50), 200 * US);
        assert_eq!(run(3_000), 12_000 * US);
    }

    #[test]
    fn no_interval_no_yield() {
        assert_eq!(CoreYield::new(None).offer(Instant::now()), None);
    }

    #[test]
    fn it_yields_when_it_is_due_and_then_not_before_the_next() {
        let core_yield = CoreYield::new(Some(Duration::from_secs(3_600)));
        let now = Instant::now();
        assert!(core_yield.offer(now).is_some_and(|back| back >= now));
        assert_eq!(core_yield.offer(Instant::now()), None);
    }
}
