//! The waiting work by due time. The admission of work with a deadline decides by it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;

/// The resolution of due times, in nanoseconds.
const GRAIN: u64 = 1_000_000;
/// This part of the time to a deadline is the reserve, for errors of the estimates and for the
/// delivery of the result.
const RESERVE: u64 = 8;
/// The number of grains in a block. Most blocks are examined as a whole: ten thousand deadlines
/// would take long one by one.
const BLOCK: u64 = 128;

/// The waiting work in nanoseconds, by due time.
#[derive(Debug, Default)]
pub(super) struct Demand {
    grains: BTreeMap<u64, Due>,
    blocks: BTreeMap<u64, Due>,
    /// The sum of all waiting work.
    total: u64,
}

/// Work that asks for admission. Times are in nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) now: u64,
    /// The deadline.
    pub(super) due: u64,
    pub(super) work: u64,
    /// The rest of the running work.
    pub(super) begun: u64,
    pub(super) workers: u64,
}

#[derive(Debug, Default)]
struct Due {
    work: u64,
    /// The number of tasks with a deadline.
    hard: usize,
}

impl Demand {
    pub(super) fn add(&mut self, due: u64, work: u64, hard: bool) {
        let grain = due / GRAIN;
        self.total = self.total.saturating_add(work);
        for (map, at) in [(&mut self.grains, grain), (&mut self.blocks, grain / BLOCK)] {
            let at = map.entry(at).or_default();
            at.work = at.work.saturating_add(work);
            at.hard += usize::from(hard);
        }
    }

    /// Undoes [`add`](Self::add) called with the same arguments.
    pub(super) fn remove(&mut self, due: u64, work: u64, hard: bool) {
        let grain = due / GRAIN;
        self.total = self.total.saturating_sub(work);
        for (map, at) in [(&mut self.grains, grain), (&mut self.blocks, grain / BLOCK)] {
            let Entry::Occupied(mut entry) = map.entry(at) else { continue };
            let at = entry.get_mut();
            at.work = at.work.saturating_sub(work);
            at.hard = at.hard.saturating_sub(usize::from(hard));
            if at.work == 0 && at.hard == 0 {
                entry.remove();
            }
        }
    }

    /// A quick test that implies [`fits`](Self::fits): whether all waiting work and this work can
    /// be done by the earliest deadline. `first` is the earliest one of waiting work.
    pub(super) fn surely_fits(&self, plan: Plan, first: Option<u64>) -> bool {
        let Plan { now, due, work, begun, workers } = plan;
        let first = first.map_or(due, |first| first.min(due));
        let all = self.total.saturating_add(begun).saturating_add(work.saturating_mul(workers));
        all <= time_until(first, now).saturating_mul(workers)
    }

    /// Returns whether the work can meet its deadline, and all other work its own, if the workers
    /// run what is due first: whether the demand exceeds the supply at no deadline (Liu and Layland
    /// 1973). The test is exact for one processor, and an estimate for several.
    pub(super) fn fits(&self, plan: Plan) -> bool {
        let Plan { now, due, work, begun, workers } = plan;
        let at = due / GRAIN;
        let block = at / BLOCK;
        let before = self.blocks.range(..block).chain(self.grains.range(block * BLOCK..=at));
        let mut sum = before.fold(begun, |sum, (_, due)| sum.saturating_add(due.work));
        if (sum / workers).saturating_add(work) > time_until(due, now) {
            return false;
        }
        sum = sum.saturating_add(work);
        let supply = |grain: u64| time_until((grain + 1).saturating_mul(GRAIN), now).saturating_mul(workers);
        // Accepted work keeps its reserve too. Otherwise later work would use it up.
        let each = |sum: &mut u64, grains: Range<u64>| {
            self.grains.range(grains).all(|(&grain, waiting)| {
                *sum = sum.saturating_add(waiting.work);
                waiting.hard == 0 || *sum <= supply(grain)
            })
        };
        each(&mut sum, at + 1..(block + 1) * BLOCK)
            && self.blocks.range(block + 1..).all(|(&block, waiting)| {
                let first = block * BLOCK;
                let all = sum.saturating_add(waiting.work);
                if waiting.hard == 0 || all <= supply(first) {
                    // The whole block can be done by the earliest deadline in it.
                    sum = all;
                    return true;
                }
                each(&mut sum, first..first + BLOCK)
            })
    }
}

/// Returns the time until a deadline, less the reserve.
pub(super) fn time_until(deadline: u64, now: u64) -> u64 {
    let time = deadline.saturating_sub(now);
    time - time / RESERVE
}

#[cfg(test)]
impl Demand {
    pub(super) fn is_empty(&self) -> bool {
        self.grains.is_empty() && self.blocks.is_empty() && self.total == 0
    }
}

#[cfg(test)]
mod tests;
