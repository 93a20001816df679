//! A lone caller that spins for its result.
//!
//! To put a caller to sleep and wake it takes ten times as long as a tiny task, and caller and
//! worker are idle meanwhile. So while a worker is awake, a caller that is alone in the pool spins
//! for [`CALLER_SPIN`] before it gives its thread back. That costs the thread less than a wake-up.
//!
//! A caller that spins and is answered keeps its runtime's thread, up to the budget of a Tokio
//! task, and other tasks of that thread wait. So a caller spins only after it was the only caller
//! for [`STREAK`] calls in a row, and only if that has paid before. Where other callers exist,
//! their calls interrupt the row.

use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::task::Context;
use std::time::Instant;

use tokio::task::coop::has_budget_remaining;

use crate::policy::spin_backoff::{CALLER_SPIN, SpinBackoff};

/// The number of calls in a row by one caller before it spins.
const STREAK: u32 = 16;

/// What callers have learned. If two update it at once, one update may be lost.
#[derive(Debug, Default)]
pub(super) struct LoneCallerSpin {
    /// The caller of the last call.
    last: AtomicU64,
    /// The number of its calls without another caller in between.
    streak: AtomicU32,
    /// A [`SpinBackoff`], as a number.
    backoff: AtomicU32,
}

impl LoneCallerSpin {
    /// Returns whether this caller should spin for its result.
    pub(super) fn pays(&self, cx: &Context<'_>) -> bool {
        let caller = caller(cx);
        if self.last.load(Relaxed) != caller {
            self.last.store(caller, Relaxed);
            self.streak.store(0, Relaxed);
            return false;
        }
        let streak = self.streak.load(Relaxed);
        if streak < STREAK {
            self.streak.store(streak + 1, Relaxed);
            return false;
        }
        // A caller whose budget is spent is to give its thread back.
        self.has_paid() && has_budget_remaining()
    }

    /// Spins until `over` returns true, for [`CALLER_SPIN`] at most.
    pub(super) fn spin(&self, over: impl Fn() -> bool) {
        let began = Instant::now();
        let came = loop {
            if over() {
                break true;
            }
            std::hint::spin_loop();
            if began.elapsed() > CALLER_SPIN {
                break false;
            }
        };
        self.learn(|backoff| backoff.spun(came));
    }

    /// Returns whether spinning has paid before, or is to be tried again.
    fn has_paid(&self) -> bool {
        let mut backoff = SpinBackoff::unpack(self.backoff.load(Relaxed));
        let pays = backoff.should_spin();
        if !pays {
            self.learn(|_| backoff);
        }
        pays
    }

    fn learn(&self, lesson: impl FnOnce(SpinBackoff) -> SpinBackoff) {
        let known = self.backoff.load(Relaxed);
        let packed = lesson(SpinBackoff::unpack(known)).pack();
        if known != packed {
            self.backoff.store(packed, Relaxed);
        }
    }
}

/// Returns a number that tells callers apart: that of the Tokio task, because successive tasks are
/// likely to have one address, or else the address behind the waker.
fn caller(cx: &Context<'_>) -> u64 {
    let Some(id) = tokio::task::try_id() else { return cx.waker().data().addr() as u64 };
    let mut number = Number(0);
    id.hash(&mut number);
    number.0
}

/// Reads a number out of a value that can only be hashed.
struct Number(u64);

impl Hasher for Number {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |number, &byte| number << 8 ^ number >> 56 ^ u64::from(byte));
    }
    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(all(test, not(millpond_loom)))]
mod tests {
    use std::sync::Arc;
    use std::task::{Wake, Waker};

    use super::*;

    struct Caller(#[allow(dead_code, reason = "so that every caller has an address of its own")] u64);

    impl Wake for Caller {
        fn wake(self: Arc<Self>) {}
    }

    #[test]
    fn a_caller_spins_once_it_has_called_often_without_another() {
        let callers = [1, 2].map(|number| Waker::from(Arc::new(Caller(number))));
        let spin = LoneCallerSpin::default();
        let calls = |who: usize, times| -> usize {
            let cx = Context::from_waker(&callers[who]);
            (0..times).filter(|_| spin.pays(&cx)).count()
        };
        assert_eq!(calls(0, STREAK as usize + 1), 0);
        assert_eq!(calls(0, 10), 10);
        assert_eq!(calls(1, 1), 0);
        assert_eq!(calls(0, 1), 0, "another came in between");
        let turns = (0..100).map(|_| calls(0, 3) + calls(1, 3)).sum::<usize>();
        assert_eq!(turns, 0, "they take turns");
    }
}
