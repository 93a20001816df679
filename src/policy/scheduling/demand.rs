//! How much work is due when: what the admission of work with a deadline goes by.

use std::collections::BTreeMap;

/// Times are told apart by this much, in nanoseconds.
const GRAIN: u64 = 1_000_000;
/// One part in so many of the time to a deadline is kept in reserve: estimates are off now and then, and the answer has a way to go.
const RESERVE: u64 = 8;

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
        if (sum / workers).saturating_add(work) > time_until(due, now) {
            return false;
        }
        sum = sum.saturating_add(work);
        // Those that were let in earlier keep their reserve as well: else it would be spent on those who come after them.
        self.due.range(at + 1..).all(|(&grain, waiting)| {
            sum = sum.saturating_add(waiting.work);
            waiting.hard == 0
                || sum <= time_until((grain + 1).saturating_mul(GRAIN), now).saturating_mul(workers)
        })
    }
}

/// The time until a deadline, as far as it is counted on.
pub(super) fn time_until(deadline: u64, now: u64) -> u64 {
    let time = deadline.saturating_sub(now);
    time - time / RESERVE
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
        // Of 16 ms, 2 are kept in reserve.
        assert!(demand.fits(0, 16 * MS, 14 * MS, 0, 1));
        assert!(!demand.fits(0, 16 * MS, 15 * MS, 0, 1));
        assert!(!demand.fits(0, 16 * MS, 14 * MS, MS, 1), "a task has begun");
        demand.add(5 * MS, 4 * MS, false);
        assert!(demand.fits(0, 16 * MS, 10 * MS, 0, 1));
        assert!(!demand.fits(0, 16 * MS, 11 * MS, 0, 1));
        assert!(demand.fits(0, 16 * MS, 12 * MS, 0, 2));
        demand.remove(5 * MS, 4 * MS, false);
        assert!(demand.fits(0, 16 * MS, 14 * MS, 0, 1));
        assert!(demand.due.is_empty());
    }

    #[test]
    fn what_is_due_later_is_not_in_the_way_but_must_not_be_made_to_miss() {
        let mut demand = Demand::default();
        demand.add(20 * MS, 15 * MS, false);
        assert!(demand.fits(0, 16 * MS, 14 * MS, 0, 1));
        demand.add(31 * MS, 8 * MS, true);
        // Until the end of its millisecond there are 32, of which 28 count, of which 23 are taken.
        assert!(demand.fits(0, 16 * MS, 5 * MS, 0, 1));
        assert!(!demand.fits(0, 16 * MS, 6 * MS, 0, 1));
    }
}
