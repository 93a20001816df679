//! What the keeper sleeps by: a time that others may put off without waking it.
//!
//! A condition variable with a timeout wakes its thread at the time that was said first. A look for blocked workers that is
//! put off again and again would still wake the keeper hundreds of times a second, and each time a worker loses its core
//! to it. So where the system has a timer that anybody can set anew, the keeper sleeps by that. Elsewhere it wakes, sees that
//! there is time, and sleeps on.

use std::sync::OnceLock;
use std::time::Duration;

use crate::sync::{Condvar, Mutex, MutexGuard};
use crate::topology::Timer;

/// All of it is called under the lock of what the keeper decides by: so what was decided when it falls asleep is what holds.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    timer: OnceLock<Timer>,
    signal: Condvar,
}

impl Alarm {
    /// To be called once, before the first sleep.
    pub(super) fn wind_up(&self) {
        if let Ok(timer) = Timer::new() {
            let _ = self.timer.set(timer);
        }
    }

    /// Gives the lock up, sleeps for so long (`None`: until it rings), and takes it again. May return early.
    pub(super) fn sleep<'a, T>(
        &self,
        lock: &'a Mutex<T>,
        guard: MutexGuard<'a, T>,
        time: Option<Duration>,
    ) -> MutexGuard<'a, T> {
        match (self.timer.get(), time) {
            (Some(timer), time) if timer.set(time).is_ok() => {
                drop(guard);
                let waited = timer.wait();
                let guard = lock.lock();
                // Not to spin, should the system ever refuse.
                if waited.is_err() {
                    self.signal.wait_timeout(guard, Duration::from_millis(1))
                } else {
                    guard
                }
            }
            (_, Some(time)) => self.signal.wait_timeout(guard, time),
            (_, None) => self.signal.wait(guard),
        }
    }

    /// Ends the sleep.
    pub(super) fn ring(&self) {
        if let Some(timer) = self.timer.get() {
            // If that fails, so did setting it for the sleep, which is by the condition variable then.
            let _ = timer.set(Some(Duration::ZERO));
        }
        self.signal.notify_one();
    }

    /// The sleep ends after so long, counted from now. Nothing where there is no timer.
    pub(super) fn put_off(&self, time: Duration) {
        if let Some(timer) = self.timer.get() {
            let _ = timer.set(Some(time));
        }
    }
}

#[cfg(all(test, not(millpond_loom)))]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    /// Somebody sleeps until it is over, and is called.
    fn sleeps_until_it_rings(alarm: &Alarm, time: Option<Duration>) {
        let over = Mutex::new(false);
        let about_to_sleep = Barrier::new(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut guard = over.lock();
                about_to_sleep.wait();
                while !*guard {
                    guard = alarm.sleep(&over, guard, time);
                }
            });
            about_to_sleep.wait();
            let mut guard = over.lock();
            alarm.put_off(Duration::from_secs(3600));
            *guard = true;
            alarm.ring();
        });
    }

    #[test]
    fn it_rings_with_and_without_a_timer_however_long_the_sleep_was_to_be() {
        let (with, without) = (Alarm::default(), Alarm::default());
        with.wind_up();
        for alarm in [&with, &without] {
            for time in [None, Some(Duration::from_secs(3600)), Some(Duration::ZERO)] {
                sleeps_until_it_rings(alarm, time);
            }
        }
    }
}
