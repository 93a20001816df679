use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn the_size_stays_within_its_bounds(
        min in 1_usize..40, extra in 0_usize..40, usable in 1_usize..80,
        steps in proptest::collection::vec((any::<bool>(), 0_usize..3), 0..200),
    ) {
        let bounds = Bounds { min, max: min + extra, usable };
        let mut total = min;
        for (grow, free) in steps {
            if grow && should_start(Workers { total, free }, usable.clamp(bounds.min, bounds.max)) {
                total += 1;
            } else if !grow && may_leave(total, bounds.min) {
                total -= 1;
            }
            prop_assert!((bounds.min..=bounds.max).contains(&total));
            prop_assert!(total <= usable.max(min));
        }
    }
}

#[test]
fn nobody_is_started_while_somebody_is_free() {
    assert!(should_start(Workers { total: 3, free: 0 }, 4));
    assert!(!should_start(Workers { total: 3, free: 1 }, 4));
    assert!(!should_start(Workers { total: 4, free: 0 }, 4));
}
