//! Workers that vouch for each other, so that the keeper need not look after them.
//!
//! While work waits, a worker may be blocked in its task, or be in a long one and have callers to wake. Somebody has to look
//! every few milliseconds, and that somebody can't be a worker: all of them may be blocked. But a worker that has just ended a
//! task can tell that the others have ended some, too. As long as one can, it puts the keeper's looks off, and the keeper
//! sleeps. When none does any more the keeper looks as if nobody had ever vouched. In a pool that computes nothing else wakes
//! it, and to wake it costs two switches between threads. So whoever vouches also looks, now and then, at the wake-ups that are held
//! back: that workers move does not say that what they left for others to pass on is passed on.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use crossbeam_utils::CachePadded;

use super::shared::Shared;
use crate::metrics::WorkerCounters;
use crate::policy::waking::MOST_LEEWAY_NS;
use crate::sync::Mutex;
use crate::task::Outboxes;

/// The time between two that vouch, in nanoseconds.
const EVERY: u64 = 500_000;
/// With more workers than this, to look at all of them takes longer than to wake the keeper, which has but one of many cores.
const MOST: usize = 128;
/// So long after that there is no look for workers that are blocked,
const NO_LOOK: u64 = 3_000_000;
/// nor at the wake-ups that are held back,
const NO_ROUND: u64 = 1_500_000;
/// since who vouches looks at them as often as this. Longer than any is held back on purpose. (Where the keeper has looked in between, one
/// may be sent earlier than it need be.)
const ROUND: u64 = MOST_LEEWAY_NS + 1_000_000;

/// When a worker is to vouch for the others.
#[derive(Debug)]
pub(super) struct Vouching {
    /// From that time on, in nanoseconds; `u64::MAX`: not at all.
    due: CachePadded<AtomicU64>,
    /// When somebody did last.
    last: AtomicU64,
    seen: Mutex<Seen>,
}

/// What is known from those that vouched before.
#[derive(Debug, Default)]
struct Seen {
    /// How many tasks each worker had started.
    started: Vec<u64>,
    /// When one looked at the wake-ups that are held back.
    round: u64,
}

impl Default for Vouching {
    fn default() -> Self {
        let due = CachePadded::new(AtomicU64::new(u64::MAX));
        Self { due, last: AtomicU64::new(0), seen: Mutex::default() }
    }
}

impl Vouching {
    /// The keeper has looked and found nobody blocked: from now on it will do if one vouches.
    pub(super) fn ask(&self, workers: usize, now: u64) {
        let due = if workers <= MOST { now.saturating_add(EVERY) } else { u64::MAX };
        self.due.store(due, Relaxed);
    }

    /// The keeper has to look by itself, or need not at all.
    pub(super) fn no_more(&self) {
        self.due.store(u64::MAX, Relaxed);
    }

    /// Whether that is due now. If so, the next is a while later; unless the keeper has said meanwhile that there is none.
    fn take_turn(&self, now: u64) -> bool {
        let due = self.due.load(Relaxed);
        due <= now && self.due.compare_exchange(due, now.saturating_add(EVERY), Relaxed, Relaxed).is_ok()
    }

    /// There need be no look for blocked workers before that time.
    pub(super) fn no_look_before(&self) -> u64 {
        self.no_earlier(NO_LOOK)
    }

    /// Nor one at what is held back before that.
    pub(super) fn no_round_before(&self) -> u64 {
        self.no_earlier(NO_ROUND)
    }

    fn no_earlier(&self, than: u64) -> u64 {
        match self.last.load(Relaxed) {
            0 => 0,
            last => last.saturating_add(than),
        }
    }
}

impl Shared {
    /// A worker has ended a task: vouches for the others, if that is due. Says whether it is to look at what is held back, too; never
    /// if it may not.
    #[inline]
    pub(super) fn vouch(&self, now: Instant, may_look: bool) -> bool {
        let now = self.ns_at(now);
        now >= self.scaling.vouching.due.load(Relaxed) && self.look_around(now, may_look)
    }

    #[cold]
    fn look_around(&self, now: u64, may_look: bool) -> bool {
        let Self { scaling, workers, .. } = self;
        // Whoever has it does the same.
        let Some(mut seen) = scaling.vouching.seen.try_lock() else { return false };
        if !scaling.vouching.take_turn(now) {
            return false;
        }
        if !all_have_moved(&mut seen.started, workers) || !self.work_is_stuck() {
            return false;
        }
        let is_time = may_look && now.saturating_sub(seen.round) >= ROUND;
        if is_time {
            seen.round = now;
        }
        drop(seen);
        scaling.vouching.last.store(now, Relaxed);
        self.put_off_looks();
        is_time && self.outboxes.watched()
    }

    /// Sends the wake-ups that were held back at the last look already. They are others', who may do anything when they are woken: not
    /// to be called where a result is in hand that nobody can see yet.
    #[cold]
    pub(super) fn send_overdue(&self) {
        self.wake_those(Outboxes::look);
    }
}

/// Whether every worker that is at work has started a task since the last call; at the first call nothing speaks against any.
fn all_have_moved(started: &mut Vec<u64>, workers: &[CachePadded<WorkerCounters>]) -> bool {
    started.resize(workers.len(), u64::MAX);
    let mut all = true;
    for (before, worker) in started.iter_mut().zip(workers) {
        let now = worker.started();
        let moved = std::mem::replace(before, now) != now;
        // Who is at rest, or was never there, is not blocked.
        all &= moved || worker.away().is_away();
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_apart_and_there_is_none_once_the_keeper_has_said_so() {
        let vouching = Vouching::default();
        assert!(!vouching.take_turn(1_000_000_000), "nobody has asked");
        vouching.ask(2, 0);
        assert!(!vouching.take_turn(EVERY - 1));
        assert!(
            vouching.take_turn(EVERY) && !vouching.take_turn(2 * EVERY - 1) && vouching.take_turn(2 * EVERY)
        );
        vouching.no_more();
        assert!(!vouching.take_turn(10 * EVERY));
        vouching.ask(MOST + 1, 10 * EVERY);
        assert!(!vouching.take_turn(20 * EVERY), "too many to look at");
    }

    #[test]
    fn only_who_is_at_work_and_has_started_nothing_is_in_doubt() {
        let workers: Vec<CachePadded<WorkerCounters>> = (0..3).map(|_| CachePadded::default()).collect();
        let mut started = Vec::new();
        workers[0].away().back(0);
        workers[1].away().back(0);
        assert!(all_have_moved(&mut started, &workers), "the first look knows nothing");
        assert!(!all_have_moved(&mut started, &workers));
        workers[0].task_started();
        assert!(!all_have_moved(&mut started, &workers), "the other has not");
        workers[0].task_started();
        workers[1].task_started();
        assert!(all_have_moved(&mut started, &workers), "the third was never there");
        workers[0].task_started();
        workers[1].away().leave(1);
        assert!(all_have_moved(&mut started, &workers), "the other is at rest");
    }
}
