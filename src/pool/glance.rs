//! A lone caller who stays awake for its result.
//!
//! To put a caller to sleep and to wake it takes ten times as long as a tiny task, and both are idle meanwhile. So while a
//! worker is awake anyway, a caller who has the pool to itself looks on for [`CALLERS_LOOK`] before it gives its thread
//! back; that is less than the wake-up would cost the thread. It does so only where that has paid of late, and never where
//! several callers take turns: for those it pays to go on with the next.
//!
//! Where callers come now and then, one at a time and each another, the worker sleeps, and has to be woken. The kernel likes to
//! put it on the very core of the caller, who is in its way there: the thread would go to sleep for its own part, be woken
//! again for the result, and wake a second one of its runtime. So the caller gives way: it yields the core once, and when it
//! has it back the worker has done its tiny task and sleeps again. That is six switches between threads less to two. On another
//! core the worker can't be seen to come, and the yield costs a system call for nothing; where tasks are not short, or other
//! programs want the core, it could cost milliseconds. So it is done only where tasks were short of late, and where it has paid.

use std::future::Future;
use std::hash::{Hash, Hasher};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::Context;
use std::thread;
use std::time::Instant;

use tokio::task::coop::{consume_budget, has_budget_remaining};

use crate::policy::patience::{CALLERS_BREAK, CALLERS_LOOK, Patience};

/// What callers have learned.
#[derive(Debug, Default)]
pub(super) struct Glance {
    /// The caller before this one.
    last: AtomicU64,
    /// With looking on.
    looks: Lessons,
    /// With giving way.
    breaks: Lessons,
}

/// A [`Patience`] that is shared. Two who update it at once may lose one of the two lessons.
#[derive(Debug, Default)]
struct Lessons(AtomicU32);

/// What a caller is to do once its work is submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stay {
    /// Look on, if a worker is awake.
    LookOn,
    /// Give way, if a worker had to be called.
    GiveWay,
}

impl Glance {
    /// Whether this caller should stay awake for its result, and how. `short`: tasks were short of late.
    pub(super) fn stay(&self, cx: &mut Context<'_>, short: impl FnOnce() -> bool) -> Option<Stay> {
        let caller = caller(cx);
        let same = self.last.load(Ordering::Relaxed) == caller;
        let stay = if same {
            self.looks.pays().then_some(Stay::LookOn)
        } else {
            self.last.store(caller, Ordering::Relaxed);
            (self.breaks.pays() && short()).then_some(Stay::GiveWay)
        };
        stay.filter(|_| within_budget(cx))
    }

    /// Looks on until it is `over`.
    pub(super) fn look_on(&self, over: impl Fn() -> bool) {
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
        self.looks.learn(|patience| patience.looked(came));
    }

    /// Gives way to the worker that was just called. If all is well it is `over` then.
    pub(super) fn give_way(&self, over: impl Fn() -> bool) {
        let began = Instant::now();
        thread::yield_now();
        let in_time = began.elapsed() < CALLERS_BREAK;
        self.breaks.learn(|patience| if in_time { patience.looked(over()) } else { patience.burnt() });
    }
}

impl Lessons {
    /// Whether it has paid of late, or is to be tried again.
    fn pays(&self) -> bool {
        let mut patience = Patience::unpack(self.0.load(Ordering::Relaxed));
        let pays = patience.look();
        if !pays {
            self.learn(|_| patience);
        }
        pays
    }

    fn learn(&self, lesson: impl FnOnce(Patience) -> Patience) {
        let known = self.0.load(Ordering::Relaxed);
        let packed = lesson(Patience::unpack(known)).pack();
        if known != packed {
            self.0.store(packed, Ordering::Relaxed);
        }
    }
}

/// Tells callers apart: by their Tokio task, since tasks that follow one another are likely to have the same memory, or by the
/// address behind the waker.
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

/// A caller who is answered at once, again and again, must let others have its thread now and then: that is what the budget
/// of a Tokio task is for. Takes one unit, if there is one. (Whoever is out of budget goes the usual way; to be pending for
/// the budget's sake, with the result at hand, would hang an executor that is nested in the task.)
fn within_budget(cx: &mut Context<'_>) -> bool {
    has_budget_remaining() && pin!(consume_budget()).poll(cx).is_ready()
}
