//! A lone caller who looks on for a moment instead of going to sleep.
//!
//! To put a caller to sleep and to wake it takes ten times as long as a tiny task, and both are idle meanwhile. So while a
//! worker is awake anyway, a caller who has the pool to itself looks on for [`CALLERS_LOOK`] before it gives its thread
//! back; that is less than the wake-up would cost the thread. It does so only where that has paid of late, and never where
//! several callers take turns: for those it pays to go on with the next.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::task::Context;
use std::time::Instant;

use tokio::task::coop::{consume_budget, has_budget_remaining};

use crate::policy::patience::{CALLERS_LOOK, Patience};

/// What callers have learned.
#[derive(Debug, Default)]
pub(super) struct Glance {
    /// The caller before this one: the address behind its waker.
    last: AtomicUsize,
    /// A [`Patience`]. Two who update it at once may lose one of the two lessons.
    patience: AtomicU32,
}

impl Glance {
    /// Whether this caller should look on.
    pub(super) fn worth_it(&self, cx: &mut Context<'_>) -> bool {
        let caller = cx.waker().data().addr();
        if self.last.load(Ordering::Relaxed) != caller {
            self.last.store(caller, Ordering::Relaxed);
            return false;
        }
        let mut patience = self.patience();
        let look = patience.look();
        if !look {
            self.learn(patience);
        }
        look && within_budget(cx)
    }

    /// Looks on until it is `over`. Says whether it came to that.
    pub(super) fn look_on(&self, over: impl Fn() -> bool) -> bool {
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
        self.learn(self.patience().looked(came));
        came
    }

    fn patience(&self) -> Patience {
        Patience::unpack(self.patience.load(Ordering::Relaxed))
    }

    fn learn(&self, patience: Patience) {
        let packed = patience.pack();
        if self.patience.load(Ordering::Relaxed) != packed {
            self.patience.store(packed, Ordering::Relaxed);
        }
    }
}

/// A caller who is answered at once, again and again, must let others have its thread now and then: that is what the budget
/// of a Tokio task is for. Takes one unit, if there is one. (Whoever is out of budget goes the usual way; to be pending for
/// the budget's sake, with the result at hand, would hang an executor that is nested in the task.)
fn within_budget(cx: &mut Context<'_>) -> bool {
    has_budget_remaining() && pin!(consume_budget()).poll(cx).is_ready()
}
