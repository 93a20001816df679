//! Tiny tasks, several of which are taken together.

use proptest::prelude::*;

use super::order_tests::{Desk, class};
use crate::task::Priority;

const MS: u64 = 1_000_000;

#[test]
fn what_is_known_to_be_long_is_not_taken_together_with_tiny_tasks() {
    let mut desk = Desk::new();
    desk.plain("long", Priority::Standard, 0);
    desk.serve(10 * MS);
    desk.plain("tiny", Priority::Standard, 0);
    desk.serve(1_000);
    for _ in 0..1_000 {
        desk.plain("tiny", Priority::Standard, 0);
    }
    desk.plain("long", Priority::Standard, 1);
    let mut together = Vec::new();
    desk.order.pop_tiny(1_000, &mut together);
    assert!(together.iter().all(|task| &*desk.waits[task].tenant == "tiny"));
    assert!(!together.is_empty() && together.len() < 1_000, "{}", together.len());
    let next = desk.order.pop(None).unwrap();
    assert_eq!(&*desk.waits[&next.item].tenant, "long");
}

#[test]
fn who_comes_later_has_had_as_much_as_the_last_of_those_taken_together_whatever_their_classes() {
    let newcomer = |most| {
        let mut desk = Desk::new();
        desk.plain("steady", Priority::Bulk, 0);
        desk.serve(1_000);
        // What is due first is of the least urgent class: the tenant stands before where it stood when the next one is its first.
        for (priority, arrival) in [(Priority::Bulk, 0), (Priority::Interactive, 10_000)] {
            (0..2).for_each(|_| _ = desk.plain("steady", priority, arrival * MS));
        }
        let mut taken = Vec::new();
        (0..3 / most).for_each(|_| desk.order.pop_tiny(most, &mut taken));
        assert_eq!(taken.len(), 3);
        desk.order.services()
    };
    let (_, service) = newcomer(1);
    assert!(service > 0);
    assert_eq!(newcomer(3), newcomer(1));
}

proptest! {
    /// To take several together, or one by one: the same come, in the same order, and pay the same.
    #[test]
    fn those_who_are_taken_together_are_those_who_would_have_come_one_by_one(
        tasks in proptest::collection::vec((0..5_u8, 0..3_u8, 0..100_u64), 1..200), most in 2..40_usize,
    ) {
        let desk = || {
            let mut desk = Desk::new();
            for tenant in 0..5 {
                // A tenant's tasks take up to 1.6 us.
                desk.plain(&tenant.to_string(), Priority::Interactive, 0);
                desk.serve(200 << tenant.min(3));
            }
            for &(tenant, priority, arrival) in &tasks {
                desk.plain(&tenant.to_string(), class(priority), arrival * MS);
                // From the first question on it is kept what is due when.
                desk.fits("0", MS);
            }
            desk
        };
        let taken = |together| {
            let (mut desk, mut taken, mut before) = (desk(), Vec::new(), usize::MAX);
            while taken.len() != before {
                before = taken.len();
                desk.order.pop_tiny(together, &mut taken);
            }
            assert!(desk.order.is_clean(), "{:?}", desk.order);
            (taken, desk.order.services())
        };
        prop_assert_eq!(taken(1), taken(most));
        prop_assert_eq!(taken(most).0.len(), tasks.len());
    }
}
