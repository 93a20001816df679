//! Which documents are worth converting on the caller's own thread, and how much of that thread they may take.
//!
//! To ship a document to a worker and its answer back costs some microseconds; a small document takes less than that. So
//! one that is *predicted* to be short is converted where it is. Two things keep that honest:
//!
//! * [`Kind`]: the prediction is an upper quantile, not a mean, and one bad miss bars the kind for a while.
//! * [`Share`]: however short the documents are, a thread of the async runtime spends only a bounded part of its time on
//!   them.

use std::time::Duration;

/// Documents of a kind that are shipped, to learn from, before the first is predicted.
const LEARN: u32 = 8;
/// What a document costs beside its bytes, as so many bytes more.
const FIXED_BYTES: f64 = 256.0;
/// The guess before anything is known: an unhurried parser's 100 MB/s.
const GUESS_NS_PER_BYTE: f64 = 10.0;
/// Room in a buffer beside what is expected, in bytes, and the most that is made for each byte of input.
const SPARE_ROOM: usize = 64;
const MOST_EXPANSION: f64 = 4.0;
/// The quantile: it rises by `RISE` when a document took longer than predicted and falls by `FALL` when not, and so comes
/// to rest where one in ten takes longer (0.09 / 0.01). A single outlier moves it by no more than a tenth.
const RISE: f64 = 1.09;
const FALL: f64 = 0.99;
/// An inlined document that took so many times the budget was a bad miss.
const BAD_MISS: u64 = 4;
/// Documents for which a kind is barred after its first bad miss, and at most; each further miss doubles it. The first is
/// short, because on a busy machine a miss may only mean that the thread was preempted.
const FIRST_BAR: u32 = 16;
const LONGEST_BAR: u32 = 1 << 16;
/// So many inlined documents without a bad miss, and it is forgotten.
const FORGIVE: u32 = 256;

/// What is known of the documents of one kind, which is a pair of formats.
#[derive(Debug, Clone)]
pub(crate) struct Kind {
    ns_per_byte: f64,
    /// Bytes of output for each of input, somewhat over what is usual.
    expansion: f64,
    seen: u32,
    /// Documents that are still to be shipped, whatever is predicted.
    barred: u32,
    next_bar: u32,
    /// Inlined since the last bad miss.
    good: u32,
}

impl Default for Kind {
    fn default() -> Self {
        Self { ns_per_byte: 0.0, expansion: 0.5, seen: 0, barred: 0, next_bar: FIRST_BAR, good: 0 }
    }
}

impl Kind {
    /// How long a document of this kind takes, at the upper quantile; a plain guess before anything is known.
    pub(crate) fn predict_ns(&self, bytes: usize) -> u64 {
        let rate = if self.seen == 0 { GUESS_NS_PER_BYTE } else { self.ns_per_byte };
        (rate * weight(bytes)) as u64
    }

    /// How much room the output of a document of `bytes` will most likely need.
    pub(crate) fn room(&self, bytes: usize) -> usize {
        (bytes as f64 * self.expansion) as usize + SPARE_ROOM
    }

    /// A document of `bytes` became one of `out`.
    pub(crate) fn learn_room(&mut self, bytes: usize, out: usize) {
        let ratio = out.saturating_sub(SPARE_ROOM) as f64 / bytes.max(1) as f64;
        // To grow a buffer costs a copy, to have some room left costs little: up at once, down slowly.
        let step = if ratio > self.expansion { 1.0 } else { 0.01 };
        self.expansion = (self.expansion + (ratio - self.expansion) * step).min(MOST_EXPANSION);
    }

    /// Whether the next document, of `bytes`, is predicted to stay within the budget. Counts down a bar.
    pub(crate) fn admit(&mut self, bytes: usize, budget_ns: u64) -> bool {
        if self.barred > 0 {
            self.barred -= 1;
            return false;
        }
        self.seen >= LEARN && self.predict_ns(bytes) <= budget_ns
    }

    /// A document took `ns`, wherever it was converted.
    pub(crate) fn learn(&mut self, bytes: usize, ns: u64) {
        let rate = ns as f64 / weight(bytes);
        self.seen = self.seen.saturating_add(1);
        if self.seen <= LEARN {
            // The highest of the first few, so that it starts on the safe side.
            self.ns_per_byte = self.ns_per_byte.max(rate);
        } else if rate > self.ns_per_byte {
            // Not over the observation itself: a quantile near its place does not overshoot.
            self.ns_per_byte = (self.ns_per_byte * RISE).min(rate);
        } else {
            self.ns_per_byte = (self.ns_per_byte * FALL).max(rate);
        }
        // A clock too coarse to see it must not make everything free for ever.
        self.ns_per_byte = self.ns_per_byte.max(1e-3);
    }

    /// An inlined document took `ns`. After a bad miss the kind is barred.
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

/// The span over which a thread's share is reckoned, and the part of it for inlined work while several callers share
/// the thread.
const WINDOW: Duration = Duration::from_millis(1);
const SHARE: Duration = Duration::from_micros(250);
/// A caller who is alone is asked to let the runtime have a look after so much inlined work.
const STRETCH: Duration = Duration::from_micros(100);

/// What one thread has spent on inlined documents of late. `K` tells callers apart; times count from any one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share<K> {
    /// When the window began and who inlined first in it.
    window: Option<(Duration, K)>,
    /// Somebody else has inlined in it, too.
    mixed: bool,
    spent: Duration,
    /// Inlined without a pause, and when that ended.
    stretch: Duration,
    last: Option<Duration>,
}

/// What a caller who has a short document is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Convert it here and now.
    Inline,
    /// Yield to the runtime once, then convert it.
    YieldFirst,
    /// Ship it: the thread has done its share.
    Ship,
}

impl<K> Default for Share<K> {
    fn default() -> Self {
        Self { window: None, mixed: false, spent: Duration::ZERO, stretch: Duration::ZERO, last: None }
    }
}

impl<K: Copy + PartialEq> Share<K> {
    /// Asks for a turn. `alone`: no other request is under way.
    pub(crate) fn ask(&mut self, now: Duration, caller: K, alone: bool) -> Turn {
        match self.window {
            Some((began, first)) if now.saturating_sub(began) < WINDOW => self.mixed |= first != caller,
            _ => {
                self.window = Some((now, caller));
                self.mixed = false;
                self.spent = Duration::ZERO;
            }
        }
        if self.mixed || !alone {
            return if self.spent < SHARE { Turn::Inline } else { Turn::Ship };
        }
        if self.last.is_none_or(|last| now.saturating_sub(last) >= STRETCH) {
            // It came back from somewhere else: the runtime has had its look.
            self.stretch = Duration::ZERO;
        }
        if self.stretch < STRETCH {
            return Turn::Inline;
        }
        self.stretch = Duration::ZERO;
        Turn::YieldFirst
    }

    /// A document was converted here from `start` to `end`.
    pub(crate) fn spend(&mut self, start: Duration, end: Duration) {
        let took = end.saturating_sub(start);
        self.spent = self.spent.saturating_add(took);
        self.stretch = self.stretch.saturating_add(took);
        self.last = Some(end);
    }
}

#[cfg(test)]
#[path = "../../tests/policy/inlining.rs"]
mod tests;
