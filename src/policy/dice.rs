//! Numbers that look random, from a count: whoever throws brings the count, so nothing is kept here.

/// The `n`th number of the series `seed`, evenly from 0 up to, not including, 1 (SplitMix64; nobody's secrets depend on it).
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

        /// A crowd is spread: of 1,000 that throw one after the other, about a tenth is in each tenth.
        #[test]
        fn those_who_throw_together_are_spread(seed: u64) {
            let mut tenths = [0_u32; 10];
            (1..=1_000).for_each(|n| tenths[(nth(seed, n) * 10.0) as usize] += 1);
            prop_assert!(tenths.iter().all(|count| (40..=180).contains(count)), "{:?}", tenths);
        }
    }
}
