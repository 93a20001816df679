use super::*;

const TENTH: Duration = Duration::from_millis(100);

/// Returns the target after `seconds`, and how often it changed, where the rate follows from the
/// number of threads.
fn climb(seconds: usize, rate: impl Fn(usize) -> f64) -> (usize, usize) {
    let (mut climb, mut target, mut changes) = (Climb::default(), 2, 0);
    for _ in 0..10 * seconds {
        match climb.step(target, rate(target), true, TENTH) {
            Step::Try(to) | Step::Back(to) => {
                target = to;
                changes += 1;
            }
            Step::Stay | Step::Reset => {}
        }
    }
    (target, changes)
}

#[test]
fn it_climbs_to_where_more_gets_no_more_done_and_rests() {
    let (target, _) = climb(20, |threads| threads.min(20) as f64 * 100.0);
    assert!((18..=30).contains(&target), "{target}");
    let (at_once, changes) = climb(300, |_| 1_000.0);
    assert!(at_once <= 3 && changes <= 24, "{at_once}, {changes}");
}

#[test]
fn when_nothing_waits_it_begins_anew() {
    let mut climb = Climb::default();
    let steps: Vec<_> = (0..100).map(|_| climb.step(9, 0.0, false, TENTH)).collect();
    assert_eq!(steps.iter().filter(|step| **step == Step::Reset).count(), 1);
}
