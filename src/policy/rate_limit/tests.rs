use proptest::prelude::*;

use super::{RateLimit, WINDOW_NS};

#[test]
fn one_a_second_is_one_a_second() {
    let mut limit = RateLimit::new(1);
    let times = [5, 6, WINDOW_NS, WINDOW_NS + 4, WINDOW_NS + 5, WINDOW_NS + 6, 3 * WINDOW_NS];
    assert_eq!(times.map(|now| limit.admit(now)), [true, false, false, false, true, false, true]);
}

#[test]
fn it_says_until_when_it_is_closed() {
    let mut limit = RateLimit::new(2);
    assert!(limit.admit(7));
    assert_eq!(limit.closed_until(), 0);
    assert!(limit.admit(8));
    assert_eq!(limit.closed_until(), WINDOW_NS + 7);
}

proptest! {
    #[test]
    fn no_window_has_more_than_the_limit(most in 1..5_u32, steps in prop::collection::vec(0..WINDOW_NS, 1..200)) {
        let mut limit = RateLimit::new(most);
        let (mut now, mut passed) = (0, Vec::new());
        for step in steps {
            now += step;
            if limit.admit(now) {
                passed.push(now);
            }
        }
        // Of two windows's most and one more, the last is a window later than the first.
        for chunk in passed.windows(2 * most as usize + 1) {
            prop_assert!(chunk[chunk.len() - 1] - chunk[0] >= WINDOW_NS);
        }
    }
}
