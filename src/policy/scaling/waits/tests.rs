use super::*;

const AWAKE: Option<Rest> = Some(Rest { ready: true, slept: 3 });

#[test]
fn a_wait_that_is_not_over_is_waiting_and_is_counted_once() {
    let mut waits = Waits::default();
    assert_eq!(waits.count(50, 50, 50, AWAKE), 50);
    // It waits from the middle of this interval to the middle of the third.
    assert_eq!(waits.count(50, 50, 0, AWAKE), 50);
    assert_eq!(waits.count(100, 0, 0, AWAKE), 100);
    assert_eq!(waits.count(50, 50, 200, AWAKE), 50);
    assert_eq!(waits.count(80, 20, 80, AWAKE), 80);
}

#[test]
fn who_computes_alone_does_not_run_up_waits_that_later_ones_are_taken_off_from() {
    let mut waits = Waits::default();
    for _ in 0..600 {
        waits.count(10, 90, 0, AWAKE);
    }
    let slept = Some(Rest { ready: true, slept: 4 });
    assert_eq!(waits.count(90, 10, 80, slept), 70, "the last interval's may have been the begin of it");
    assert_eq!(waits.count(90, 10, 80, slept), 90);
}

#[test]
fn who_has_slept_was_blocked() {
    let mut waits = Waits::default();
    let slept = |slept| Some(Rest { ready: true, slept });
    assert_eq!(waits.count(90, 10, 10, slept(3)), 10);
    assert_eq!(waits.count(90, 10, 10, slept(4)), 10);
    let asleep = Some(Rest { ready: false, slept: 5 });
    assert_eq!(waits.count(100, 0, 0, asleep), 0);
    assert_eq!(waits.count(100, 0, 0, asleep), 0);
    assert_eq!(waits.count(100, 0, 0, slept(5)), 0, "it was asleep for some of it");
    assert_eq!(waits.count(100, 0, 0, None), 0, "nothing is known");
}
