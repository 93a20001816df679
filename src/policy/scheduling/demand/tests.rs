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
