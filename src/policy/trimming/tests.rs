use proptest::prelude::*;

use super::*;

const PERIOD: Duration = Duration::from_secs(10);

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn what_was_needed_in_the_period_is_kept_and_the_rest_is_given_up() {
    let mut mark = LowWater::default();
    assert_eq!(
        mark.surplus(at(10), PERIOD, 8),
        0,
        "they came within the first period: all were needed in it"
    );
    mark.fell_to(5);
    mark.fell_to(7);
    assert_eq!(mark.surplus(at(19), PERIOD, 8), 0, "not before its end");
    assert_eq!(mark.surplus(at(20), PERIOD, 8), 5);
    mark.fell_to(0);
    assert_eq!(mark.surplus(at(30), PERIOD, 3), 0);
}

#[test]
fn what_lies_idle_is_gone_after_two_looks() {
    let mut mark = LowWater::default();
    mark.fell_to(0);
    assert_eq!(mark.surplus(at(10), PERIOD, 8), 0);
    assert_eq!(mark.surplus(at(20), PERIOD, 8), 8);
}

proptest! {
    /// Had the surplus been missing from the start of the period, every take of it would have found
    /// something.
    #[test]
    fn nobody_would_have_missed_it(start in 0_usize..20, steps in proptest::collection::vec(any::<bool>(), 0..60)) {
        let mut mark = LowWater::default();
        mark.surplus(at(10), PERIOD, start);
        let (mut stock, mut least) = (start, start);
        for take in steps {
            stock = if take { stock.saturating_sub(1) } else { stock + 1 };
            if take {
                mark.fell_to(stock);
                least = least.min(stock);
            }
        }
        let surplus = mark.surplus(at(20), PERIOD, stock);
        prop_assert!(surplus <= stock && surplus <= least);
    }
}
