use super::*;

#[test]
fn a_step_is_followed_within_two_samples() {
    let mut smoothed = Smoothed::default();
    for turn in 0..100 {
        assert!(!smoothed.add(1.0 + 0.01 * f64::from(turn % 3)));
    }
    assert!(!smoothed.add(10.0));
    assert!(smoothed.add(10.4));
    assert_eq!(smoothed.mean(), Some(10.4));
}

#[test]
fn a_step_down_is_seen_through_noise() {
    let mut smoothed = Smoothed::default();
    for turn in 0..100 {
        smoothed.add(if turn % 2 == 0 { 60.0 } else { 130.0 });
    }
    smoothed.add(10.0);
    smoothed.add(10.5);
    assert!(smoothed.mean().is_some_and(|mean| mean < 11.0), "{smoothed:?}");
}

#[test]
fn one_that_is_far_off_by_itself_is_left_out() {
    let mut smoothed = Smoothed::default();
    assert!((0..10).all(|_| !smoothed.add(2.0)));
    assert!(!smoothed.add(9.0) && !smoothed.add(0.5) && !smoothed.add(2.0));
    assert_eq!(smoothed.mean(), Some(2.0));
}

#[test]
fn trembling_moves_it_little() {
    let mut smoothed = Smoothed::default();
    for turn in 0..1_000 {
        smoothed.add(if turn % 2 == 0 { 0.9 } else { 1.1 });
    }
    assert!(smoothed.mean().is_some_and(|mean| (0.98..1.02).contains(&mean)));
}
