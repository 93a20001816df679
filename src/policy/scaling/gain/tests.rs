use super::*;

const TENTH: Duration = Duration::from_millis(100);

fn work(rate: f64, used: f64) -> Work {
    Work { threads: 4, rate, task: 0.01, cost: 0.001, completions: rate / 10.0, used, saturated: true }
}

fn after_growth(rate: f64) -> (Gain, Option<usize>) {
    let mut gain = Gain::default();
    gain.grown(4, 40, work(1_000.0, 0.1));
    let back = (0..4).find_map(|_| gain.judge(40, work(rate, 0.1), TENTH));
    (gain, back)
}

#[test]
fn growth_that_pays_is_kept() {
    assert_eq!(after_growth(9_000.0).1, None);
    assert_eq!(after_growth(4_000.0).1, None, "a third is enough");
}

#[test]
fn growth_that_does_not_is_taken_back_for_longer_each_time() {
    let (mut gain, back) = after_growth(1_050.0);
    assert_eq!(back, Some(4));
    let pause = |gain: &mut Gain| {
        let idle = Work { saturated: false, ..work(1_000.0, 0.1) };
        (0..)
            .take_while(|_| {
                gain.judge(4, idle, TENTH);
                gain.ceiling() == 4
            })
            .count()
    };
    assert_eq!(pause(&mut gain), 49);
    gain.grown(4, 40, work(1_000.0, 0.1));
    assert_eq!((0..4).find_map(|_| gain.judge(40, work(1_000.0, 0.1), TENTH)), Some(4));
    assert_eq!(pause(&mut gain), 99);
}

#[test]
fn a_thread_that_is_idle_for_a_moment_ends_no_trial() {
    let mut gain = Gain::default();
    gain.grown(4, 40, work(1_000.0, 0.1));
    assert_eq!(gain.judge(40, Work { saturated: false, ..work(1_000.0, 0.1) }, TENTH), None);
    assert_eq!((0..4).find_map(|_| gain.judge(40, work(1_000.0, 0.1), TENTH)), Some(4));
}

#[test]
fn the_next_try_is_a_small_one() {
    let mut gain = after_growth(1_050.0).0;
    for _ in 0..50 {
        gain.judge(4, work(1_000.0, 0.1), TENTH);
    }
    assert_eq!(gain.ceiling(), 8);
}

#[test]
fn the_verdict_does_not_bind_other_work() {
    let mut gain = after_growth(1_050.0).0;
    // While the surplus leaves, what a task seems to cost tells nothing.
    (0..5).for_each(|_| _ = gain.judge(4, Work { threads: 40, cost: 0.01, ..work(1_000.0, 0.1) }, TENTH));
    (0..4).for_each(|_| _ = gain.judge(4, work(1_000.0, 0.1), TENTH));
    let other = Work { cost: 0.0005, ..work(1_300.0, 0.1) };
    gain.judge(4, other, TENTH);
    assert_eq!(gain.ceiling(), 4);
    gain.judge(4, other, TENTH);
    assert_eq!(gain.ceiling(), usize::MAX);
}

#[test]
fn where_the_cores_are_nearly_full_nothing_is_judged() {
    let mut gain = Gain::default();
    gain.grown(4, 40, work(1_000.0, 0.95));
    assert!((0..10).all(|_| gain.judge(6, work(1_000.0, 1.0), TENTH).is_none()));
    assert_eq!(gain.ceiling(), usize::MAX);
}
