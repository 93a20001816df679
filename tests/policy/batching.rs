use super::*;
use crate::policy::smooth;

#[test]
fn tiny_tasks_are_taken_by_the_dozen_and_long_ones_singly() {
    assert_eq!(batch_size(0), 32);
    assert_eq!(batch_size(300), 32);
    assert_eq!(batch_size(10_000), 5);
    assert_eq!(batch_size(60_000), 1);
    assert_eq!(batch_size(u64::MAX), 1);
}

#[test]
fn the_mean_follows_its_input() {
    let mut mean = 0;
    for _ in 0..100 {
        mean = smooth(mean, 8_000);
    }
    assert!((7_900..=8_000).contains(&mean), "{mean}");
}
