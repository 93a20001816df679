//! When a task came.

/// A stamp counts in units of 2^10 ns.
const UNIT_BITS: u32 = 10;

/// The time at which a task was submitted, in nanoseconds of the pool's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrived {
    /// Of labelled work.
    At(u64),
    /// Of plain work that is sampled.
    Stamped(Stamp),
}

impl Arrived {
    /// Returns the nanoseconds from the arrival to `now`.
    pub(crate) fn elapsed(self, now: u64) -> u64 {
        match self {
            Self::At(then) => now.saturating_sub(then),
            Self::Stamped(stamp) => stamp.elapsed(now),
        }
    }
}

/// A time to 1 us in 32 bits, which fit into a task without making it larger. It measures up to 73
/// minutes; a longer time is taken for a shorter one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp(u32);

impl Stamp {
    pub(crate) fn at(now: u64) -> Self {
        // Zero stands for no stamp.
        Self(word(now).max(1))
    }

    fn elapsed(self, now: u64) -> u64 {
        let units = word(now).wrapping_sub(self.0);
        // One that was moved from zero may be later than `now`.
        let units = if units == u32::MAX { 0 } else { units };
        u64::from(units) << UNIT_BITS
    }

    pub(super) fn into_word(self) -> u32 {
        self.0
    }

    pub(super) fn of_word(word: u32) -> Option<Self> {
        (word != 0).then_some(Self(word))
    }
}

fn word(ns: u64) -> u32 {
    // The upper bits are meant to be lost.
    (ns >> UNIT_BITS) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_measures_to_a_microsecond_also_where_the_word_overflows() {
        for then in [0, 1, 1 << UNIT_BITS, 5_000_000, u64::from(u32::MAX) << UNIT_BITS, u64::MAX / 2] {
            let stamp = Stamp::at(then);
            assert_eq!(Stamp::of_word(stamp.into_word()), Some(stamp));
            for elapsed in [0, 900, 70_000, 4_000_000_000_000_u64] {
                let measured = Arrived::Stamped(stamp).elapsed(then + elapsed);
                assert!(measured.abs_diff(elapsed) <= 2 << UNIT_BITS, "{then} {elapsed}: {measured}");
            }
        }
        assert_eq!(Stamp::of_word(0), None);
    }

    #[test]
    fn labelled_work_is_measured_to_a_nanosecond() {
        assert_eq!(Arrived::At(5).elapsed(12), 7);
        assert_eq!(Arrived::At(5).elapsed(4), 0, "by a clock that was read before");
    }
}
