//! A lone caller who stays awake for its result.
//!
//! To put a caller to sleep and to wake it takes ten times as long as a tiny task, and both are
//! idle meanwhile. So while a worker is awake anyway, a caller that has the pool to itself spins
//! for [`CALLERS_LOOK`] before it gives its thread back. That is less than the wake-up would cost
//! the thread.
//!
//! A caller that spins and is answered keeps its runtime's thread, up to the budget of a Tokio
//! task, and other tasks of that thread wait. So it spins only after it was the only caller for
//! [`STREAK`] calls in a row, and only where that has paid before: where others call as well, they
//! come in between.

use std::future::Future;
use std::hash::{Hash, Hasher};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::task::Context;
use std::time::Instant;

use tokio::task::coop::{consume_budget, has_budget_remaining};

use crate::policy::patience::{CALLERS_LOOK, Patience};

/// Calls in a row by the same caller before it spins.
const STREAK: u32 = 16;

/// What callers have learned. Two who update it at once may lose one of the two lessons.
#[derive(Debug, Default)]
pub(super) struct LoneCallerSpin {
    /// The caller before this one.
    last: AtomicU64,
    /// Its calls without another caller in between.
    streak: AtomicU32,
    /// A [`Patience`].
    patience: AtomicU32,
}

impl LoneCallerSpin {
    /// Whether this caller should spin for its result.
    pub(super) fn pays(&self, cx: &mut Context<'_>) -> bool {
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
        self.has_paid() && within_budget(cx)
    }

    /// Spins until it is `over`, for [`CALLERS_LOOK`] at most.
    pub(super) fn spin(&self, over: impl Fn() -> bool) {
        let began = Instant::now();
        let came = loop {
            if over() {
                break true;
            }
            std::hint::spin_loop();
            if began.elapsed() > CALLERS_LOOK {
                break false;
            }
        };
        self.learn(|patience| patience.looked(came));
    }

    /// It has paid before, or is to be tried again.
    fn has_paid(&self) -> bool {
        let mut patience = Patience::unpack(self.patience.load(Relaxed));
        let pays = patience.look();
        if !pays {
            self.learn(|_| patience);
        }
        pays
    }

    fn learn(&self, lesson: impl FnOnce(Patience) -> Patience) {
        let known = self.patience.load(Relaxed);
        let packed = lesson(Patience::unpack(known)).pack();
        if known != packed {
            self.patience.store(packed, Relaxed);
        }
    }
}

/// Tells callers apart: by their Tokio task, since tasks that follow one another are likely to have
/// the same memory, or by the address behind the waker.
fn caller(cx: &Context<'_>) -> u64 {
    let Some(id) = tokio::task::try_id() else { return cx.waker().data().addr() as u64 };
    let mut number = Number(0);
    id.hash(&mut number);
    number.0
}

/// What a number that can only be hashed is.
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

/// A caller who is answered at once, again and again, must let others have its thread now and then:
/// that is what the budget of a Tokio task is for. Takes one unit, if there is one. (A caller without
/// budget goes the usual way; to be pending for the budget's sake, with the result at hand,
/// would hang an executor that is nested in the task.)
fn within_budget(cx: &mut Context<'_>) -> bool {
    has_budget_remaining() && pin!(consume_budget()).poll(cx).is_ready()
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
            let mut cx = Context::from_waker(&callers[who]);
            (0..times).filter(|_| spin.pays(&mut cx)).count()
        };
        assert_eq!(calls(0, STREAK as usize + 1), 0);
        assert_eq!(calls(0, 10), 10);
        assert_eq!(calls(1, 1), 0);
        assert_eq!(calls(0, 1), 0, "another came in between");
        let turns = (0..100).map(|_| calls(0, 3) + calls(1, 3)).sum::<usize>();
        assert_eq!(turns, 0, "they take turns");
    }
}
