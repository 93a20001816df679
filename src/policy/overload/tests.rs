use proptest::prelude::*;

use super::*;

const MS: u64 = 1_000_000;

/// One task a millisecond, from `from` to `to`, with that delay, all in milliseconds.
fn run(delays: &mut Delays, from: u64, to: u64, delay: impl Fn(u64) -> u64) {
    (from..to).for_each(|at| delays.observe(at * MS, delay(at) * MS, MS / 2, 2));
}

#[test]
fn a_queue_that_does_not_empty_is_an_overload_and_a_burst_is_not() {
    let mut delays = Delays::default();
    run(&mut delays, 0, 1_000, |at| (at * 7) % 50);
    assert!(!delays.overloaded(1_000 * MS));
    run(&mut delays, 1_000, 1_250, |_| 20);
    assert!(delays.overloaded(1_250 * MS));
    assert!(delays.too_old(1_250 * MS, 11 * MS) && !delays.too_old(1_250 * MS, 9 * MS));
    run(&mut delays, 1_250, 1_251, |_| 4);
    assert!(!delays.overloaded(1_251 * MS), "the queue was empty");
}

#[test]
fn long_tasks_may_wait_for_as_long_as_one_takes_a_worker() {
    let mut delays = Delays::default();
    (0..1_000).for_each(|at| delays.observe(at * MS, 40 * MS, 100 * MS, 2));
    assert!(!delays.overloaded(1_000 * MS));
}

#[test]
fn long_tasks_that_wait_for_much_longer_are_an_overload_too() {
    let mut delays = Delays::default();
    // Two workers, tasks of a second each: one begins every half of a second.
    (0..20).for_each(|n| delays.observe(n * 500 * MS, 5_000 * MS, 1_000 * MS, 2));
    assert!(delays.overloaded(9_900 * MS) && delays.too_old(9_900 * MS, 5_000 * MS));
    assert!(!delays.overloaded(60_000 * MS));
}

#[test]
fn after_a_pause_nothing_is_known() {
    let mut delays = Delays::default();
    run(&mut delays, 0, 90, |_| 20);
    run(&mut delays, 5_000, 5_001, |_| 20);
    assert!(!delays.overloaded(5_001 * MS));
    run(&mut delays, 5_000, 5_250, |_| 20);
    assert!(delays.overloaded(5_250 * MS));
    assert!(!delays.overloaded(5_450 * MS));
}

proptest! {
    #[test]
    fn any_input_is_harmless(steps in proptest::collection::vec(any::<(u64, u64, u64, usize)>(), 1..50)) {
        let mut delays = Delays::default();
        for (now, delay, task, workers) in steps {
            delays.observe(now, delay / 4, task / 4, workers);
            let _ = delays.too_old(now, delay / 4);
        }
    }
}
