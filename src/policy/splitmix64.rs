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
mod tests;
