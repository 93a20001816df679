//! The waiting work by due time. The admission of work with a deadline decides by it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;

/// The resolution of due times, in nanoseconds.
const GRAIN: u64 = 1_000_000;
/// The divisor of the time to a deadline that gives the reserve. The reserve covers errors of the
/// estimates and the delivery of the result.
const RESERVE: u64 = 8;
/// The number of grains in a block. Most blocks are examined as a whole, since ten thousand
/// deadlines over minutes would take long one by one.
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
    tasks: usize,
    /// The number of these tasks with a deadline.
    hard: usize,
}

impl Demand {
    pub(super) fn add(&mut self, due: u64, work: u64, hard: bool) {
        let grain = due / GRAIN;
        self.total = self.total.saturating_add(work);
        for (map, at) in [(&mut self.grains, grain), (&mut self.blocks, grain / BLOCK)] {
            let at = map.entry(at).or_default();
            at.work = at.work.saturating_add(work);
            at.tasks += 1;
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
            at.tasks = at.tasks.saturating_sub(1);
            at.hard = at.hard.saturating_sub(usize::from(hard));
            if at.tasks == 0 {
                entry.remove();
            }
        }
    }

    /// Returns whether all waiting work and this work can be done by the earliest deadline of any.
    /// It is a quick test that implies [`fits`](Self::fits). `first` is the earliest waiting
    /// deadline.
    pub(super) fn surely_fits(&self, plan: Plan, first: Option<u64>) -> bool {
        let Plan { now, due, work, begun, workers } = plan;
        let first = first.map_or(due, |first| first.min(due));
        let all = self.total.saturating_add(begun).saturating_add(work.saturating_mul(workers));
        all <= time_until(first, now).saturating_mul(workers)
    }

    /// Returns whether the work can meet its deadline, and all other work its own, if the workers
    /// run what is due first. The demand must not exceed the supply at any deadline (the test for
    /// earliest deadline first, Liu and Layland 1973). For one processor the test is exact. For
    /// several processors it is an estimate.
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: u64 = 1_000_000;

    /// Returns whether `work` fits into 16 ms.
    fn fits(demand: &Demand, work: u64, begun: u64, workers: u64) -> bool {
        demand.fits(Plan { now: 0, due: 16 * MS, work, begun, workers })
    }

    #[test]
    fn work_fits_that_begins_early_enough() {
        let mut demand = Demand::default();
        // Of 16 ms, 2 ms are the reserve.
        assert!(fits(&demand, 14 * MS, 0, 1));
        assert!(!fits(&demand, 15 * MS, 0, 1));
        assert!(!fits(&demand, 14 * MS, MS, 1), "a task has begun");
        demand.add(5 * MS, 4 * MS, false);
        assert!(fits(&demand, 10 * MS, 0, 1));
        assert!(!fits(&demand, 11 * MS, 0, 1));
        assert!(fits(&demand, 12 * MS, 0, 2));
        demand.remove(5 * MS, 4 * MS, false);
        assert!(fits(&demand, 14 * MS, 0, 1));
        assert!(demand.is_empty());
    }

    #[test]
    fn where_all_can_be_done_by_the_first_deadline_that_is_quickly_seen() {
        let mut demand = Demand::default();
        demand.add(5 * MS, 20 * MS, false);
        let plan = Plan { now: 0, due: 80 * MS, work: 5 * MS, begun: 5 * MS, workers: 2 };
        // Each of two workers counts on 17.5 ms of 20 ms.
        assert!(demand.surely_fits(plan, None) && demand.surely_fits(plan, Some(20 * MS)));
        assert!(!demand.surely_fits(Plan { begun: 6 * MS, ..plan }, Some(20 * MS)));
        assert!(!demand.surely_fits(plan, Some(19 * MS)));
    }

    #[test]
    fn what_is_due_later_is_not_in_the_way_but_must_not_be_made_to_miss() {
        let mut demand = Demand::default();
        demand.add(20 * MS, 15 * MS, false);
        assert!(fits(&demand, 14 * MS, 0, 1));
        demand.add(31 * MS, 8 * MS, true);
        // Its millisecond ends after 32 ms. Of these 28 count, and 23 are taken.
        assert!(fits(&demand, 5 * MS, 0, 1));
        assert!(!fits(&demand, 6 * MS, 0, 1));
    }

    proptest! {
        /// The examination of whole blocks changes no answer.
        #[test]
        fn blocks_answer_as_single_deadlines_would(
            tasks in proptest::collection::vec((0_u64..600, 0_u64..20, any::<bool>()), 0..60),
            gone in 0_usize..60,
            (due, work, begun, workers) in (0_u64..700, 0_u64..20, 0_u64..40, 1_u64..4),
        ) {
            let mut demand = Demand::default();
            for &(due, work, hard) in &tasks {
                demand.add(due * MS, work * MS, hard);
            }
            let (left, stays) = tasks.split_at(gone.min(tasks.len()));
            for &(due, work, hard) in left {
                demand.remove(due * MS, work * MS, hard);
            }
            let until = |at: u64| begun + stays.iter().filter(|task| task.0 <= at).map(|task| task.1).sum::<u64>();
            let own = until(due) * MS / workers + work * MS <= time_until(due * MS, 0);
            let others = stays.iter().filter(|task| task.0 > due && task.2).all(|&(at, ..)| {
                (until(at) + work) * MS <= time_until((at + 1) * MS, 0) * workers
            });
            let plan = Plan { now: 0, due: due * MS, work: work * MS, begun: begun * MS, workers };
            prop_assert_eq!(demand.fits(plan), own && others);
            let first = stays.iter().filter(|task| task.2).map(|task| task.0 * MS).min();
            prop_assert!(!demand.surely_fits(plan, first) || own && others);
            for &(due, work, hard) in stays {
                demand.remove(due * MS, work * MS, hard);
            }
            prop_assert!(demand.is_empty());
        }
    }
}
