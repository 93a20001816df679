//! The keeper's looks at the wake-ups that workers hold back.

use std::collections::VecDeque;
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::contain;
use crate::task::Outboxes;

/// The time between two looks, unless workers vouch for each other. A wake-up that a worker can't send, because it is stuck in a
/// long task, is late by two of these at most; the first is put off a little more where somebody has just vouched for it.
const LOOK: Duration = Duration::from_millis(1);
/// After so many looks that found nothing the keeper looks no more, until it is called.
const LOOKS_IN_VAIN: u32 = 16;

/// When the last look was, and how many have found nothing.
#[derive(Default)]
pub(super) struct Rounds {
    last: Option<Instant>,
    vain: u32,
    overdue: VecDeque<Waker>,
}

impl Rounds {
    /// When the next look is due; `None` while nothing is held back.
    pub(super) fn next(&mut self, outboxes: &Outboxes, now: Instant) -> Option<Instant> {
        if !outboxes.watched() {
            self.last = None;
            return None;
        }
        Some(*self.last.get_or_insert(now) + LOOK)
    }

    /// Looks.
    pub(super) fn look(&mut self, outboxes: &Outboxes, now: Instant) {
        self.last = Some(now);
        let found = outboxes.look(&mut self.overdue) || !self.overdue.is_empty();
        for waker in self.overdue.drain(..) {
            contain::wake(Some(waker));
        }
        self.vain = if found { 0 } else { self.vain + 1 };
        if self.vain >= LOOKS_IN_VAIN && outboxes.rest() {
            self.vain = 0;
        }
    }
}
