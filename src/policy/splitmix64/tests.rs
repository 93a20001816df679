use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn every_number_is_from_0_to_under_1(seed: u64, n: u64) {
        prop_assert!((0.0..1.0).contains(&nth(seed, n)));
    }

    /// Of 1,000 successive numbers about a tenth is in each tenth.
    #[test]
    fn successive_numbers_are_spread(seed: u64) {
        let mut tenths = [0_u32; 10];
        (1..=1_000).for_each(|n| tenths[(nth(seed, n) * 10.0) as usize] += 1);
        prop_assert!(tenths.iter().all(|count| (40..=180).contains(count)), "{:?}", tenths);
    }
}
