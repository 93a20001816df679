//! How much work is due when: what the admission of work with a deadline goes by.

use std::collections::BTreeMap;

/// Times are told apart by this much, in nanoseconds.
const GRAIN: u64 = 1_000_000;

/// The work that waits, in nanoseconds, by the time it is due.
#[derive(Debug, Default)]
pub(super) struct Demand {
    due: BTreeMap<u64, Due>,
}

#[derive(Debug, Default)]
struct Due {
    work: u64,
    tasks: usize,
    /// Tasks among them that are of no use later.
    hard: usize,
}

impl Demand {
    pub(super) fn add(&mut self, due: u64, work: u64, hard: bool) {
        let at = self.due.entry(due / GRAIN).or_default();
        at.work = at.work.saturating_add(work);
        at.tasks += 1;
        at.hard += usize::from(hard);
    }

    /// Takes away what was added with the same words.
    pub(super) fn remove(&mut self, due: u64, work: u64, hard: bool) {
        if let Some(at) = self.due.get_mut(&(due / GRAIN)) {
            at.work = at.work.saturating_sub(work);
            at.tasks = at.tasks.saturating_sub(1);
            at.hard = at.hard.saturating_sub(usize::from(hard));
            if at.tasks == 0 {
                self.due.remove(&(due / GRAIN));
            }
        }
    }

    /// Whether `work` that is due at `due` can be done by then without that other work misses its deadline, if `workers` work
    /// in the order of what is due and have `begun` work left of what they have begun. (The demand must not exceed the supply at
    /// any deadline: the test for earliest deadline first, Liu and Layland 1973, for one processor; for several it is an estimate.)
    pub(super) fn fits(&self, now: u64, due: u64, work: u64, begun: u64, workers: u64) -> bool {
        let at = due / GRAIN;
        let mut sum = self.due.range(..=at).fold(begun, |sum, (_, due)| sum.saturating_add(due.work));
        let begins = now.saturating_add(sum / workers);
        if begins.saturating_add(work) > due {
            return false;
        }
        sum = sum.saturating_add(work);
        self.due.range(at + 1..).all(|(&grain, waiting)| {
            sum = sum.saturating_add(waiting.work);
            let supply = ((grain + 1) * GRAIN).saturating_sub(now).saturating_mul(workers);
            waiting.hard == 0 || sum <= supply
        })
    }
}

#[cfg(test)]
impl Demand {
    pub(super) fn is_empty(&self) -> bool {
        self.due.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn work_fits_that_begins_early_enough() {
        let mut demand = Demand::default();
        assert!(demand.fits(0, 10 * MS, 10 * MS, 0, 1));
        assert!(!demand.fits(0, 10 * MS, 11 * MS, 0, 1));
        assert!(!demand.fits(0, 10 * MS, 10 * MS, MS, 1), "a task has begun");
        demand.add(5 * MS, 4 * MS, false);
        assert!(demand.fits(0, 10 * MS, 6 * MS, 0, 1));
        assert!(!demand.fits(0, 10 * MS, 7 * MS, 0, 1));
        assert!(demand.fits(0, 10 * MS, 8 * MS, 0, 2));
        demand.remove(5 * MS, 4 * MS, false);
        assert!(demand.fits(0, 10 * MS, 10 * MS, 0, 1));
        assert!(demand.due.is_empty());
    }

    #[test]
    fn what_is_due_later_is_not_in_the_way_but_must_not_be_made_to_miss() {
        let mut demand = Demand::default();
        demand.add(20 * MS, 15 * MS, false);
        assert!(demand.fits(0, 10 * MS, 10 * MS, 0, 1));
        demand.add(30 * MS, 10 * MS, true);
        assert!(demand.fits(0, 10 * MS, 5 * MS, 0, 1));
        assert!(!demand.fits(0, 10 * MS, 7 * MS, 0, 1));
    }
}
