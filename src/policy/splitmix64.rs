//! Pseudorandom numbers by SplitMix64. The caller keeps the count, so there is no state here.

/// Returns the `n`th number of the series `seed`, evenly distributed from 0 to under 1. The numbers
/// are not fit for secrets.
pub(crate) fn nth(seed: u64, n: u64) -> f64 {
    let mut z = seed.wrapping_add(n.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
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
}
