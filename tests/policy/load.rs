use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn the_mark_is_where_the_load_factor_reaches_the_threshold(
        threads in 1_usize..1024, queue in 1_usize..100_000, threshold in 0.001_f64..=1.0,
    ) {
        let capacity = Capacity { threads, queue };
        let mark = capacity.saturation_mark(threshold);
        prop_assert!(capacity.load_factor(mark) >= threshold - 1e-9);
        prop_assert!(mark == 1 || capacity.load_factor(mark - 1) < threshold + 1e-9);
    }

    #[test]
    fn any_input_gives_a_time_within_bounds(
        in_flight: usize, mark: usize, threads: usize, nanos in proptest::option::of(any::<u64>()),
        dice in 0.0..1.0_f64,
    ) {
        let in_flight = in_flight / 2;
        let after = |dice| retry_after(in_flight, mark, threads, nanos.map(Duration::from_nanos), dice);
        let measured = after(0.0);
        prop_assert!((SOONEST..=LATEST).contains(&measured));
        let told = after(dice);
        prop_assert!((measured..=measured.mul_f64(1.2) + Duration::from_nanos(1)).contains(&told), "{:?} for {:?}", told, measured);
    }

    #[test]
    fn who_throws_more_is_told_more(micros in 1_000_u64..100_000_000, one in 0.0..1.0_f64, other in 0.0..1.0_f64) {
        let told = |dice| spread(Duration::from_micros(micros), dice);
        prop_assert!(one > other || told(one) <= told(other));
    }

    #[test]
    fn no_dice_does_harm(nanos: u64, dice: f64) {
        spread(Duration::from_nanos(nanos), dice);
    }
}

#[test]
fn a_full_queue_of_known_work_says_when_it_has_drained() {
    let mark = Capacity { threads: 2, queue: 98 }.saturation_mark(0.8);
    assert_eq!(mark, 80);
    // 20 tasks of 10 ms above the mark and one more, on 2 threads.
    let after = |dice| retry_after(100, mark, 2, Some(Duration::from_millis(10)), dice);
    assert_eq!(after(0.0), Duration::from_millis(105));
    assert_eq!(after(0.5), Duration::from_micros(115_500));
}
