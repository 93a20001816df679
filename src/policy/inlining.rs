//! Which documents are worth converting on the caller's own thread, and how much of that thread
//! they may take.
//!
//! Dispatch of a document to a worker and of its result back costs some microseconds, more than a
//! small document takes. Two rules bound what its conversion on the calling thread costs:
//!
//! * [`Kind`]: the predicted time is an upper quantile, not a mean. A bad miss bars the kind for a
//!   while.
//! * [`Share`]: a thread of the async runtime spends only a bounded share of its time on documents.

use std::time::Duration;

/// The number of documents of a kind that go to a worker before the first is predicted.
const LEARN: u32 = 8;
/// The fixed cost of a document, in bytes.
const FIXED_BYTES: f64 = 256.0;
/// The cost before anything is known: a parser of 100 MB/s.
const GUESS_NS_PER_BYTE: f64 = 10.0;
/// Spare room in an output buffer, in bytes.
const SPARE_ROOM: usize = 64;
/// The largest expected ratio of output to input.
const MAX_EXPANSION: f64 = 4.0;
/// The factor by which the quantile rises when a document took longer than predicted. With [`FALL`]
/// it settles where one document in ten takes longer (0.09 / 0.01).
const RISE: f64 = 1.09;
/// The factor by which the quantile falls when a document took no longer.
const FALL: f64 = 0.99;
/// An inlined document is a bad miss if it took this many times the budget.
const BAD_MISS: u64 = 4;
/// The number of documents for which the first bad miss bars a kind; each further one doubles it.
/// It is small, because a miss may only mean that the thread was preempted.
const FIRST_BAR: u32 = 16;
/// The longest bar, in documents.
const LONGEST_BAR: u32 = 1 << 16;
/// After this many inlined documents without a bad miss, the misses are forgotten.
const FORGIVE: u32 = 256;

/// What was learnt about one kind of documents. A kind is a pair of formats.
#[derive(Debug, Clone)]
pub(crate) struct Kind {
    ns_per_byte: f64,
    /// Bytes of output for each byte of input, above the usual ratio.
    expansion: f64,
    seen: u32,
    /// The number of documents that still go to a worker, whatever is predicted.
    barred: u32,
    next_bar: u32,
    /// The number of documents inlined since the last bad miss.
    good: u32,
}

impl Default for Kind {
    fn default() -> Self {
        Self { ns_per_byte: 0.0, expansion: 0.5, seen: 0, barred: 0, next_bar: FIRST_BAR, good: 0 }
    }
}

impl Kind {
    /// Predicts the time of a document of `bytes` in nanoseconds, at the upper quantile.
    pub(crate) fn predict_ns(&self, bytes: usize) -> u64 {
        let rate = if self.seen == 0 { GUESS_NS_PER_BYTE } else { self.ns_per_byte };
        (rate * weight(bytes)) as u64
    }

    /// Predicts the output size of a document of `bytes`.
    pub(crate) fn room(&self, bytes: usize) -> usize {
        (bytes as f64 * self.expansion) as usize + SPARE_ROOM
    }

    /// Learns that a document of `bytes` became one of `out` bytes.
    pub(crate) fn learn_room(&mut self, bytes: usize, out: usize) {
        let ratio = out.saturating_sub(SPARE_ROOM) as f64 / bytes.max(1) as f64;
        // A buffer that grows is copied; spare room costs little. So the ratio rises at once and
        // falls slowly.
        let step = if ratio > self.expansion { 1.0 } else { 0.01 };
        self.expansion = (self.expansion + (ratio - self.expansion) * step).min(MAX_EXPANSION);
    }

    /// Returns whether the next document is predicted to stay within the budget. Counts down a bar.
    pub(crate) fn admit(&mut self, bytes: usize, budget_ns: u64) -> bool {
        if self.barred > 0 {
            self.barred -= 1;
            return false;
        }
        self.seen >= LEARN && self.predict_ns(bytes) <= budget_ns
    }

    /// Learns that a document took `ns`, on any thread.
    pub(crate) fn learn(&mut self, bytes: usize, ns: u64) {
        let rate = ns as f64 / weight(bytes);
        self.seen = self.seen.saturating_add(1);
        let known = self.ns_per_byte;
        let learned = if self.seen <= LEARN {
            // The highest of the first few, so that the first predictions are not too low.
            known.max(rate)
        } else if rate > known {
            // Limited by the observation, so that a quantile near its place does not overshoot.
            (known * RISE).min(rate)
        } else {
            (known * FALL).max(rate)
        };
        // A coarse clock may measure zero. That must not make every document free.
        self.ns_per_byte = learned.max(1e-3);
    }

    /// Learns that an inlined document took `ns`. A bad miss bars the kind.
    pub(crate) fn learn_inlined(&mut self, bytes: usize, ns: u64, budget_ns: u64) {
        self.learn(bytes, ns);
        if ns > budget_ns.saturating_mul(BAD_MISS) {
            self.barred = self.next_bar;
            self.next_bar = (self.next_bar * 2).min(LONGEST_BAR);
            self.good = 0;
        } else {
            self.good = self.good.saturating_add(1);
            if self.good >= FORGIVE {
                self.next_bar = FIRST_BAR;
            }
        }
    }
}

fn weight(bytes: usize) -> f64 {
    bytes as f64 + FIXED_BYTES
}

/// The span over which the share of a thread is measured.
const WINDOW: Duration = Duration::from_millis(1);
/// The part of [`WINDOW`] for inlined work while several callers share the thread.
const SHARE: Duration = Duration::from_micros(250);
/// A caller that is alone yields to the runtime after this much inlined work.
const STRETCH: Duration = Duration::from_micros(100);

/// What one thread spent on inlined documents recently. `K` identifies callers. Times count from
/// any one moment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Share<K> {
    /// The start of the window, and the first caller in it.
    window: Option<(Duration, K)>,
    /// Whether another caller has inlined in the window, too.
    mixed: bool,
    spent: Duration,
    /// The inlined work since the last pause.
    stretch: Duration,
    /// The end of the last inlined document.
    last: Option<Duration>,
}

/// What a caller does with a short document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Convert it on this thread.
    Inline,
    /// Yield to the runtime once, then convert it.
    YieldFirst,
    /// Submit it to the pool: the thread has used its share.
    Submit,
}

impl<K: Copy + PartialEq> Share<K> {
    /// Decides for a caller. `alone`: no other request is in flight.
    pub(crate) fn ask(&mut self, now: Duration, caller: K, alone: bool) -> Choice {
        match self.window {
            Some((began, first)) if now.saturating_sub(began) < WINDOW => self.mixed |= first != caller,
            _ => {
                self.window = Some((now, caller));
                self.mixed = false;
                self.spent = Duration::ZERO;
            }
        }
        if self.mixed || !alone {
            return if self.spent < SHARE { Choice::Inline } else { Choice::Submit };
        }
        if self.last.is_none_or(|last| now.saturating_sub(last) >= STRETCH) {
            // There was a pause, in which the runtime ran other tasks.
            self.stretch = Duration::ZERO;
        }
        if self.stretch < STRETCH {
            return Choice::Inline;
        }
        self.stretch = Duration::ZERO;
        Choice::YieldFirst
    }

    /// Records a document that was converted on this thread from `start` to `end`.
    pub(crate) fn spend(&mut self, start: Duration, end: Duration) {
        let took = end.saturating_sub(start);
        self.spent = self.spent.saturating_add(took);
        self.stretch = self.stretch.saturating_add(took);
        self.last = Some(end);
    }
}

#[cfg(test)]
mod tests;
