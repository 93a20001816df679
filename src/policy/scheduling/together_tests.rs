//! Tests of [`RunOrder::pop_tiny`](super::RunOrder::pop_tiny).

use proptest::prelude::*;

use super::order_tests::{Fixture, class};
use crate::task::Priority;

const MS: u64 = 1_000_000;

#[test]
fn what_is_known_to_be_long_is_not_taken_together_with_tiny_tasks() {
    let mut fixture = Fixture::new();
    fixture.plain("long", Priority::Standard, 0);
    fixture.serve(10 * MS);
    fixture.plain("tiny", Priority::Standard, 0);
    fixture.serve(1_000);
    for _ in 0..1_000 {
        fixture.plain("tiny", Priority::Standard, 0);
    }
    fixture.plain("long", Priority::Standard, 1);
    let mut together = Vec::new();
    fixture.order.pop_tiny(1_000, &mut together);
    assert!(together.iter().all(|task| &*fixture.waits[task].tenant == "tiny"));
    assert!(!together.is_empty() && together.len() < 1_000, "{}", together.len());
    let next = fixture.order.pop(None).unwrap();
    assert_eq!(&*fixture.waits[&next.item].tenant, "long");
}

#[test]
fn who_comes_later_has_had_as_much_as_the_last_of_those_taken_together_whatever_their_classes() {
    let newcomer = |most| {
        let mut fixture = Fixture::new();
        fixture.plain("steady", Priority::Bulk, 0);
        fixture.serve(1_000);
        // The first task is of the least urgent class. The credit of the one after it lowers the
        // rank.
        for (priority, arrival) in [(Priority::Bulk, 0), (Priority::Interactive, 10_000)] {
            (0..2).for_each(|_| _ = fixture.plain("steady", priority, arrival * MS));
        }
        let mut taken = Vec::new();
        (0..3 / most).for_each(|_| fixture.order.pop_tiny(most, &mut taken));
        assert_eq!(taken.len(), 3);
        fixture.order.services()
    };
    let (_, service) = newcomer(1);
    assert!(service > 0);
    assert_eq!(newcomer(3), newcomer(1));
}

proptest! {
    /// Several tasks taken together are the same as those taken one by one, in the same order, at
    /// the same cost.
    #[test]
    fn those_who_are_taken_together_are_those_who_would_have_come_one_by_one(
        tasks in proptest::collection::vec((0..5_u8, 0..3_u8, 0..100_u64), 1..200), most in 2..40_usize,
    ) {
        let fixture = || {
            let mut fixture = Fixture::new();
            for tenant in 0..5 {
                // A task takes at most 1.6 us.
                fixture.plain(&tenant.to_string(), Priority::Interactive, 0);
                fixture.serve(200 << tenant.min(3));
            }
            for &(tenant, priority, arrival) in &tasks {
                fixture.plain(&tenant.to_string(), class(priority), arrival * MS);
                // The first question starts the record of the demand.
                fixture.fits("0", MS);
            }
            fixture
        };
        let taken = |together| {
            let (mut fixture, mut taken, mut before) = (fixture(), Vec::new(), usize::MAX);
            while taken.len() != before {
                before = taken.len();
                fixture.order.pop_tiny(together, &mut taken);
            }
            assert!(fixture.order.is_clean(), "{:?}", fixture.order);
            (taken, fixture.order.services())
        };
        prop_assert_eq!(taken(1), taken(most));
        prop_assert_eq!(taken(most).0.len(), tasks.len());
    }
}
